from collections import Counter
from dataclasses import replace
from random import Random

from edge_router.dialplan.hunting import Hunting, Located
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


def located(host: str, priority: int, weight: int) -> Located:
    return Located(replace(NAMED, host=host), priority, weight)


NAMED = Target("sip:n", "n", named="n", preference=1)


def hosts(targets: list[Target], places: list[Located], hunt: Hunt = "preference", calls: int = 1) -> list[str]:
    hunting = Hunting(targets, hunt, Random(1), {"sip:n": places})
    return ["".join(target.host[-1] for target in hunting.order()) for _ in range(calls)]


def test_a_names_addresses_are_tried_in_its_place_by_their_priority() -> None:
    targets = [target("z", 2), NAMED, target("a")]
    places = [located("192.0.2.3", 20, 1), located("192.0.2.2", 10, 1)]
    assert hosts(targets, places) == ["1231"]
    assert hosts(targets, []) == ["11"]


def test_a_names_addresses_of_one_priority_share_by_weight() -> None:
    places = [located("192.0.2.2", 1, 75), located("192.0.2.3", 1, 25), located("192.0.2.4", 1, 0)]
    counted = Counter(hosts([NAMED], places, calls=2000))
    assert 1350 < counted["234"] < 1650
    assert counted["234"] + counted["324"] == 2000
    assert hosts([NAMED], [located(f"192.0.2.{n}", 1, 0) for n in (4, 5)]) == ["45"]


def test_a_name_takes_its_turn_among_targets() -> None:
    targets = [replace(target("a"), host="192.0.2.8", preference=1), NAMED]
    places = [located("192.0.2.2", 1, 1), located("192.0.2.3", 2, 1)]
    assert hosts(targets, places, "round-robin", 3) == ["823", "238", "823"]
