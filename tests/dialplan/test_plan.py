from random import Random

import pytest

from edge_router.dialplan.pattern import Pattern
from edge_router.dialplan.peer import DialPeer, Outgoing, WayIn
from edge_router.dialplan.plan import DialPlan, Match

CALLED = "+18005550100"
CALLING = "+12125550123"


def some(*texts: str) -> tuple[Pattern, ...]:
    return tuple(Pattern.parse(text) for text in texts)


def way_in(name: str, *incoming: WayIn) -> DialPeer:
    return DialPeer(name, incoming)


def way_out(name: str, *called: str, preference: int = 0) -> DialPeer:
    return DialPeer(name, outgoing=Outgoing("premise", some(*called), preference))


def inbound(plan: DialPlan, trunk: str = "carrier", listen: str = "pstn", called: str = CALLED) -> str | None:
    peer = plan.inbound(trunk, listen, called, CALLING)
    return None if peer is None else peer.name


def outbound(plan: DialPlan, called: str = CALLED) -> list[str]:
    return [peer.name for peer in plan.outbound(called)]


def test_all_keys_of_a_map_must_hold() -> None:
    incoming = WayIn("carrier", "pstn", some("+1800"), some("+1212"))
    plan = DialPlan([way_in("a", incoming)])
    assert plan.inbound("carrier", "pstn", CALLED, CALLING) is plan.peers["a"]
    assert plan.inbound("other", "pstn", CALLED, CALLING) is None
    assert plan.inbound("carrier", "other", CALLED, CALLING) is None
    assert plan.inbound("carrier", "pstn", "+1900", CALLING) is None
    assert plan.inbound("carrier", "pstn", CALLED, "+1313") is None


def test_any_map_and_any_pattern_of_a_list_will_do() -> None:
    plan = DialPlan([way_in("a", WayIn("x"), WayIn(called=some("1", "2"), calling=some("3", "4")))])
    assert plan.inbound("x", "pstn", "9", "9") is not None
    assert [plan.inbound("y", "pstn", called, "4") is not None for called in "123"] == [True, True, False]
    assert [plan.inbound("y", "pstn", "2", calling) is not None for calling in "345"] == [True, True, False]


def test_an_empty_map_takes_every_call_and_a_peer_without_maps_none() -> None:
    assert inbound(DialPlan([way_in("a"), way_in("b", WayIn())]), called="alice") == "b"


@pytest.mark.parametrize(
    ("closer", "other"),
    [
        (WayIn(called=some("+1800")), WayIn(called=some("+180"))),
        (WayIn(called=some("+1800")), WayIn("carrier", "pstn", some("+180"), some(CALLING))),
        (WayIn(called=some("+180[01]")), WayIn("carrier", "pstn", some("+180."), some(CALLING))),
        (WayIn(called=some("+1800")), WayIn(called=some("+180[01]"))),
        (WayIn(called=some("+1")), WayIn("carrier", "pstn")),
        (WayIn(calling=some("+1212")), WayIn("carrier", "pstn", (), some("+121"))),
        (WayIn(calling=some("+121[12]")), WayIn("carrier", "pstn", (), some("+121."))),
        (WayIn(called=some("+1"), calling=some("+")), WayIn("carrier", "pstn", some("+1"))),
        (WayIn("carrier"), WayIn(None, "pstn")),
        (WayIn("carrier", "pstn"), WayIn("carrier")),
        (WayIn(None, "pstn"), WayIn()),
        (WayIn(called=some("5", "+18005")), WayIn(called=some("+1800"))),
    ],
)
def test_the_closer_match_wins_wherever_it_stands(closer: WayIn, other: WayIn) -> None:
    for peers in (
        [way_in("closer", closer), way_in("other", other)],
        [way_in("other", other), way_in("closer", closer)],
    ):
        plan = DialPlan(peers)
        assert inbound(plan) == "closer"
        found = plan.inbound_all("carrier", "pstn", CALLED, CALLING)
        assert [peer.name for peer, _ in found] == ["closer", "other"]
        assert found[0][1] > found[1][1]


def test_of_equal_ways_in_the_first_in_the_file_wins() -> None:
    incoming = WayIn("carrier", called=some("+1800"))
    plan = DialPlan([way_in(name, incoming) for name in "badc"], ties="random", rng=Random(1))
    assert {inbound(plan) for _ in range(20)} == {"b"}
    found = plan.inbound_all("carrier", "pstn", CALLED, CALLING)
    assert [(peer.name, match) for peer, match in found] == [(name, Match(5, trunk=True)) for name in "badc"]


def test_a_peer_is_named_once_with_its_closest_match() -> None:
    peer = way_in("a", WayIn(called=some("+1", "+1800", "+18[0-9].")), WayIn("carrier", "pstn"))
    found = DialPlan([peer]).inbound_all("carrier", "pstn", CALLED, CALLING)
    assert found == [(peer, Match(5))]


def test_out_by_longest_match_then_preference_then_order() -> None:
    plan = DialPlan(
        [
            way_out("worse", "+1800555....", preference=2),
            way_out("short", "+1"),
            way_out("same", "+1800555....", preference=1),
            way_out("set", "+180055[5]....", "+180[0-9]555...."),
            way_out("sets", "+1800[5-6]55....", preference=3),
            way_out("dots", "+1800.55....", preference=0),
            way_out("same too", "+1800555....", preference=1),
            way_out("elsewhere", "+1900"),
            way_out("by name only"),
        ]
    )
    assert outbound(plan) == ["set", "same", "same too", "worse", "sets", "dots", "short"]
    assert outbound(plan, "+44") == []
    assert plan.outbound_all("+1900")[0] == (plan.peers["elsewhere"], Match(5))


def test_random_ties_are_between_equals_only() -> None:
    peers = [way_out("first", "+1800"), *(way_out(name, "+1") for name in "abc"), way_out("last", "+1", preference=1)]
    orders = {tuple(outbound(DialPlan(peers, "random", Random(seed)))) for seed in range(60)}
    assert len(orders) == 6
    assert {(order[0], order[-1]) for order in orders} == {("first", "last")}
    assert {tuple(outbound(DialPlan(peers))) for _ in range(5)} == {("first", "a", "b", "c", "last")}


def test_a_peer_leads_out_once_whichever_of_its_patterns_match() -> None:
    plan = DialPlan([way_out("a", "+1", "+1800", "+18"), way_out("b", "+180")])
    assert [(peer.name, match.called) for peer, match in plan.outbound_all(CALLED)] == [("a", 5), ("b", 4)]


def test_two_peers_with_one_name() -> None:
    with pytest.raises(ValueError, match="same name"):
        DialPlan([way_in("a"), way_out("a", "1")])
