from collections import Counter
from random import Random

from edge_router.dialplan.hunting import Hunting
from edge_router.dialplan.trunk import Hunt, Target


def target(name: str, preference: int = 0, weight: int = 100) -> Target:
    return Target(f"sip:{name}", "127.0.0.1", preference=preference, weight=weight)


def orders(targets: list[Target], hunt: Hunt, calls: int) -> list[str]:
    hunting = Hunting(targets, hunt, Random(1))
    return ["".join(target.uri[-1] for target in hunting.order()) for _ in range(calls)]


def test_a_target_has_the_address_that_a_socket_wants() -> None:
    one = Target("sip:127.0.0.1:5070", "127.0.0.1", 5070)
    assert one.address == ("127.0.0.1", 5070)


def test_by_preference_the_lowest_comes_first_and_equals_as_they_stand() -> None:
    targets = [target("c", 2), target("a", 1), target("b", 1), target("0")]
    assert orders(targets, "preference", 2) == ["0abc", "0abc"]


def test_round_robin_takes_turns_within_a_preference() -> None:
    targets = [target("x", 5), target("a"), target("b"), target("c"), target("y", 5)]
    assert orders(targets, "round-robin", 4) == ["abcxy", "bcayx", "cabxy", "abcyx"]


def test_who_only_peeks_leaves_the_turn_to_the_next_call() -> None:
    hunting = Hunting([target("a"), target("b"), target("c")], "round-robin")
    assert list(hunting.peek()) == list(hunting.peek()) == list(hunting.order())
    assert [one.uri[-1] for one in hunting.peek()] == ["b", "c", "a"]


def test_random_mixes_within_a_preference() -> None:
    counted = Counter(orders([target("x", 5), target("a"), target("b"), target("c")], "random", 600))
    assert set(counted) == {"abcx", "acbx", "bacx", "bcax", "cabx", "cbax"}
    assert min(counted.values()) > 60


def test_weighted_follows_the_weights_within_a_preference() -> None:
    targets = [target("x", 5, 1000), target("a", 0, 600), target("b", 0, 300), target("c", 0, 100), target("z", 0, 0)]
    found = orders(targets, "weighted", 5000)
    assert {order[3:] for order in found} == {"zx"}
    first = Counter(order[0] for order in found)
    assert [round(first[name] / 5000, 1) for name in "abc"] == [0.6, 0.3, 0.1]
    second = Counter(order[1] for order in found if order[0] == "a")
    assert 0.72 < second["b"] / second.total() < 0.78  # 300 of the 400 that are left


def test_no_targets() -> None:
    assert Hunting([]).order() == ()
