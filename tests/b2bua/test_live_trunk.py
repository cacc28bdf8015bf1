from dataclasses import dataclass, replace

from edge_router.b2bua.trunks.live_trunk import LiveTrunk
from edge_router.dialplan.hunting import Located
from edge_router.dialplan.trunk import Limit, Target, Trunk

A = Target("sip:127.0.0.1:5070", "127.0.0.1", 5070)
B = Target("sip:127.0.0.1:5080", "127.0.0.1", 5080)


@dataclass
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


def live(trunk: Trunk, clock: Clock | None = None) -> LiveTrunk:
    return LiveTrunk(trunk, clock or Clock())


def fail(trunk: LiveTrunk, target: Target, now: float = 100.0) -> None:
    for _ in range(3):
        trunk.failed(target, now)


def is_up(trunk: LiveTrunk) -> bool:
    return trunk.up


def test_targets_that_are_down_are_left_out_but_for_a_last_resort() -> None:
    trunk = live(Trunk("cloud", (A, B)))
    assert trunk.targets_to_try(100.0) == [A, B]
    fail(trunk, A)
    assert trunk.targets_to_try(100.0) == [B]
    assert list(trunk.last_resort(100.0)) == [A, B]
    assert [trunk.target_up(target, 100.0) for target in (A, B)] == [False, True]
    trunk.succeeded(A)
    assert trunk.targets_to_try(100.0) == [A, B]


def test_hunts_as_the_trunk_says() -> None:
    trunk = live(Trunk("cloud", (A, B), hunt="round-robin"))
    assert [trunk.targets_to_try(100.0) for _ in range(3)] == [[A, B], [B, A], [A, B]]


def test_up_while_any_target_is() -> None:
    clock = Clock()
    trunk = live(Trunk("cloud", (A, B)), clock)
    fail(trunk, A)
    assert is_up(trunk)
    trunk.hold(B, 5, clock.now)
    assert not is_up(trunk)
    clock.now += 5
    assert is_up(trunk)


def test_after_a_time_down_one_call_finds_out() -> None:
    clock = Clock()
    trunk = live(Trunk("cloud", (A,)), clock)
    fail(trunk, A)
    clock.now += 30
    assert is_up(trunk)
    trunk.trying(A, clock.now)
    assert not is_up(trunk)
    trunk.succeeded(A)
    assert is_up(trunk)


def test_a_trunk_without_targets_is_not_up() -> None:
    trunk = live(Trunk("carrier"))
    assert not is_up(trunk)
    assert trunk.targets_to_try(100.0) == []


def test_limits_each_way() -> None:
    trunk = live(Trunk("cloud", inbound_limit=Limit(max_calls=1), outbound_limit=Limit(max_cps=1)))
    assert [trunk.admit_inbound(100.0) for _ in range(2)] == [None, "max_calls"]
    assert [trunk.admit_outbound(100.0) for _ in range(2)] == [None, "max_cps"]
    assert trunk.counts() == (1, 1)
    trunk.release_inbound()
    assert trunk.counts() == (0, 1)
    trunk.release_outbound()
    assert trunk.counts() == (0, 0)
    assert trunk.calls == 0


def test_a_limit_both_ways_together_and_what_it_refuses_counts_nowhere() -> None:
    trunk = live(Trunk("cloud", limit=Limit(max_calls=2)))
    assert trunk.admit_inbound(100.0) is None
    assert trunk.admit_outbound(100.0) is None
    assert trunk.admit_inbound(100.0) == trunk.admit_outbound(100.0) == "max_calls"
    assert trunk.counts() == (1, 1)
    assert trunk.sent(60) == 1
    trunk.release_inbound()
    assert trunk.admit_outbound(100.0) is None


def test_what_a_rule_reads() -> None:
    clock = Clock()
    trunk = live(Trunk("cloud"), clock)
    trunk.admit_inbound(clock.now)
    trunk.admit_outbound(clock.now)
    trunk.admit_outbound(clock.now)
    trunk.release_outbound()
    assert (trunk.name, trunk.calls, trunk.cps, trunk.sent(60)) == ("cloud", 2, 3.0, 2)
    clock.now += 2
    assert (trunk.calls, trunk.cps, trunk.sent(60)) == (2, 0.0, 2)


def test_a_reload_keeps_counts_and_the_health_of_targets_that_stay() -> None:
    old = live(Trunk("cloud", (A, B), limit=Limit(max_calls=5)))
    old.admit_inbound(100.0)
    old.admit_outbound(100.0)
    fail(old, A)
    fail(old, B)
    moved = replace(B, uri="sip:127.0.0.1:5090", port=5090)
    new = old.renew(Trunk("cloud", (moved, replace(A, preference=7)), limit=Limit(max_calls=2)))
    assert new.counts() == (1, 1)
    assert new.sent(60) == 1
    assert new.targets_to_try(100.0) == [moved]
    assert new.admit_inbound(100.0) == "max_calls"
    # The call that came before the reload still knows only the old one.
    old.succeeded(A)
    old.succeeded(B)
    old.release_inbound()
    assert new.admit_inbound(100.0) is None
    assert len(new.targets_to_try(100.0)) == 2
    assert old.trunk.limit.max_calls == 5


def test_who_peeks_sees_what_the_next_call_tries_and_takes_no_turn() -> None:
    trunk = live(Trunk("cloud", (A, B), hunt="round-robin"))
    assert [list(trunk.peek(100.0)) for _ in range(2)] == [[A, B], [A, B]]
    fail(trunk, A)
    assert list(trunk.peek(100.0)) == [B]
    fail(trunk, B)
    assert list(trunk.peek(100.0)) == [A, B]


def test_who_asks_whether_it_is_full_takes_no_room() -> None:
    trunk = live(Trunk("cloud", (A,), outbound_limit=Limit(max_calls=1)))
    assert [trunk.full_outbound(100.0) for _ in range(3)] == [None, None, None]
    assert trunk.admit_outbound(100.0) is None
    assert trunk.full_outbound(100.0) == "max_calls"


NAME = Target("sip:cloud.example.com", "cloud.example.com", named="cloud.example.com")


def at(*hosts: str) -> dict[str, list[Located]]:
    return {NAME.uri: [Located(replace(NAME, host=host), priority) for priority, host in enumerate(hosts)]}


def hosts(trunk: LiveTrunk) -> list[str]:
    return [target.host for target in trunk.targets_to_try(100.0)]


def test_a_name_stands_for_itself_until_it_is_said_where_it_leads() -> None:
    trunk = live(Trunk("cloud", (NAME, A)))
    assert hosts(trunk) == ["cloud.example.com", "127.0.0.1"]
    assert trunk.locate(at("192.0.2.1", "192.0.2.2"), {})
    assert hosts(trunk) == ["192.0.2.1", "192.0.2.2", "127.0.0.1"]
    assert not trunk.locate(at("192.0.2.1", "192.0.2.2"), {})


def test_each_address_of_a_name_has_a_health_of_its_own_and_keeps_it() -> None:
    trunk = live(Trunk("cloud", (NAME,)))
    trunk.locate(at("192.0.2.1", "192.0.2.2"), {})
    fail(trunk, trunk.targets[0])
    assert (hosts(trunk), trunk.state) == (["192.0.2.2"], "partial")
    trunk.locate(at("192.0.2.3", "192.0.2.1"), {})
    assert hosts(trunk) == ["192.0.2.3"]
    later = trunk.renew(Trunk("cloud", (NAME, A)))
    later.locate(at("192.0.2.1"), {})
    assert hosts(later) == ["127.0.0.1"]


def test_a_name_that_leads_nowhere_is_down_and_says_why() -> None:
    trunk = live(Trunk("cloud", (NAME, A)))
    trunk.locate(at(), {NAME.uri: "DNS has no name"})
    assert hosts(trunk) == ["127.0.0.1"]
    assert trunk.state == "partial"
    assert list(trunk.standing(100.0)) == [(NAME, False, "DNS has no name"), (A, True, "")]
    alone = live(Trunk("cloud", (NAME,)))
    alone.locate(at(), {})
    assert not is_up(alone)
    assert (list(alone.last_resort(100.0)), list(alone.peek(100.0)), alone.state) == ([], [NAME], "down")


def test_what_a_call_comes_to_at_an_address_that_is_gone_counts_for_nothing() -> None:
    trunk = live(Trunk("cloud", (NAME,)))
    trunk.locate(at("192.0.2.1"), {})
    (gone,) = trunk.targets
    trunk.locate(at("192.0.2.2"), {})
    trunk.trying(gone, 100.0)
    trunk.failed(gone, 100.0)
    trunk.hold(gone, 60, 100.0)
    trunk.succeeded(gone)
    assert hosts(trunk) == ["192.0.2.2"]


def test_what_an_address_of_a_name_is_called() -> None:
    one = replace(NAME, host="2001:db8::1", port=5070)
    assert (one.place, one.at) == ("cloud.example.com", "[2001:db8::1]:5070")
    assert one.label == "sip:cloud.example.com ([2001:db8::1]:5070)"
    assert (NAME.place, NAME.at, NAME.label) == ("cloud.example.com", "cloud.example.com", "sip:cloud.example.com")
    assert (A.place, A.at, A.label) == ("127.0.0.1:5070", "127.0.0.1:5070", "sip:127.0.0.1:5070")
