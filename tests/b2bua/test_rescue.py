"""A destination that answers and drops the call within seconds: the next one takes it, and the caller stays."""

import pytest

from edge_router.b2bua.call.placing import Placement
from edge_router.sip.timers import GIVE_UP
from tests.b2bua.conftest import OpenStage
from tests.b2bua.in_call import media
from tests.b2bua.leg import Leg
from tests.b2bua.stage import CLOUD_FIRST, Stage
from tests.end_to_end.wire import Wire, beside_origin, origin

DROPPED = "Reason: Q.850;cause=41"
PEER = {"name": "cloud", "outgoing": {"trunk": "cloud"}, "rescue": {}}


@pytest.fixture
def stage(open_stage: OpenStage) -> Stage:
    return open_stage(peers=[PEER])


def answered(stage: Stage, body: bytes | None = None) -> tuple[Leg, Leg]:
    """A caller whom the cloud has answered; his ACK is on its way."""
    caller = stage.carrier.calls(CLOUD_FIRST, body=body)
    caller.hears(100)
    cloud = stage.cloud.is_called()
    cloud.says(200)
    caller.hears(200)
    return caller, cloud


def connected(stage: Stage) -> tuple[Leg, Leg]:
    caller, cloud = answered(stage)
    caller.ack()
    cloud.hears("ACK")
    return caller, cloud


def dropped(stage: Stage, *reason: str) -> tuple[Leg, Leg]:
    """A caller whom the cloud has dropped, and the premise that is called instead."""
    caller, cloud = connected(stage)
    cloud.hangs_up(*(reason or (DROPPED,)))
    caller.hears_nothing()
    return caller, stage.premise.is_called()


def is_joined(caller: Leg, callee: Leg) -> Wire:
    """The callee answers, and the caller takes his media; returns what the caller was offered."""
    callee.says(200)
    callee.hears("ACK")
    again = caller.hears("INVITE")
    caller.answers(again, 200, body=caller.party.sdp)
    caller.hears("ACK")
    return again


def ways_back(stage: Stage) -> int:
    return len([call for call in stage.router.calls.values() if call.way_back is not None])


def visits(stage: Stage, placed: Placement, *peers: str) -> list[int]:
    """How often the call that was placed there counts as having been at each of these."""
    known = stage.router.routing.ledger.visits
    return [known.visits(placed.who, peer, stage.clock()) for peer in peers]


def part(caller: Leg, callee: Leg) -> None:
    caller.hangs_up()
    callee.is_hung_up()


def test_the_next_destination_takes_the_call(stage: Stage) -> None:
    caller, callee = dropped(stage)
    assert callee.invite.body == stage.carrier.sdp
    assert callee.invite.uri == f"sip:{CLOUD_FIRST}@198.51.100.31:5060"
    assert stage.loads() == {"": (1, 0), "carrier": (1, 0), "premise": (0, 1)}
    callee.says(180)
    caller.hears_nothing()
    again = is_joined(caller, callee)
    assert beside_origin(again.body) == beside_origin(stage.premise.sdp)
    part(caller, callee)
    record = stage.record
    assert [(each.dial_peer, each.code) for each in record.attempts] == [("cloud", 200), ("premise", 200)]
    assert (record.outcome, record.ended_by, record.dial_peer_out) == ("answered", "caller", "premise")
    assert record.reason == "cloud hung up at once (cause 41)"
    assert stage.ear.failovers == [("cloud", "premise", "rescued (cause 41)")]


def test_the_new_offer_is_one_version_on_from_the_answer(stage: Stage) -> None:
    """One session to the caller, whoever he talks to (RFC 3264 §8)."""
    caller, callee = dropped(stage)
    user, session, version, address = origin(caller.final.body)
    again = is_joined(caller, callee)
    assert origin(again.body) == (user, session, version + 1, address)
    part(caller, callee)


def test_the_version_counts_on_where_early_media_of_another_came_before(stage: Stage) -> None:
    caller = stage.carrier.calls(CLOUD_FIRST)
    caller.hears(100)
    first = stage.cloud.is_called()
    first.says(183, body=stage.cloud.sdp)
    user, session, version, address = origin(caller.hears(183).body)
    first.refuses(503)
    cloud = stage.spare.is_called()
    cloud.says(200)
    assert origin(caller.hears(200).body) == (user, session, version + 1, address)
    caller.ack()
    cloud.hears("ACK")
    cloud.hangs_up(DROPPED)
    callee = stage.premise.is_called()
    assert origin(is_joined(caller, callee).body) == (user, session, version + 2, address)
    part(caller, callee)


@pytest.mark.parametrize("cause", [17, 34, 41, 42])
def test_it_is_rescued_for_what_is_the_destinations_fault(stage: Stage, cause: int) -> None:
    caller, callee = dropped(stage, f"Reason: Q.850;cause={cause}")
    is_joined(caller, callee)
    part(caller, callee)


@pytest.mark.parametrize("reason", ["Reason: Q.850;cause=16", "Reason: SIP;cause=503", "Reason: Q.850;cause=41x", ""])
def test_any_other_end_is_the_end(stage: Stage, reason: str) -> None:
    caller, cloud = connected(stage)
    cloud.hangs_up(*([reason] if reason else []))
    caller.is_hung_up()


def test_after_a_while_the_end_is_the_end(stage: Stage) -> None:
    caller, cloud = connected(stage)
    stage.pass_time(2.9)
    assert ways_back(stage) == 1
    stage.pass_time(0.2)
    assert ways_back(stage) == 0
    cloud.hangs_up(DROPPED)
    assert caller.is_hung_up().all("Reason") == ["Q.850;cause=41"]


def test_time_and_causes_are_the_dial_peers(open_stage: OpenStage) -> None:
    stage = open_stage(peers=[{**PEER, "rescue": {"within": "10s", "causes": [31]}}])
    caller, cloud = connected(stage)
    stage.pass_time(9)
    cloud.hangs_up("Reason: Q.850;cause=31")
    callee = stage.premise.is_called()
    is_joined(caller, callee)
    part(caller, callee)


def test_without_rescue_nothing_is_kept(open_stage: OpenStage) -> None:
    stage = open_stage()
    caller, cloud = connected(stage)
    assert ways_back(stage) == 0
    cloud.hangs_up(DROPPED)
    caller.is_hung_up()


def test_the_caller_may_hang_up_for_any_cause(stage: Stage) -> None:
    caller, cloud = connected(stage)
    caller.hangs_up(DROPPED)
    cloud.is_hung_up()
    assert stage.record.ended_by == "caller"


def test_the_destinations_own_next_target_is_not_asked(stage: Stage) -> None:
    """It is the destination that has failed."""
    caller, callee = dropped(stage)
    is_joined(caller, callee)
    assert stage.spare.unheard == []
    part(caller, callee)


def test_it_goes_on_from_one_to_the_next_and_to_none_twice(open_stage: OpenStage) -> None:
    premise = {"name": "premise", "outgoing": {"trunk": "premise"}, "rescue": {}}
    stage = open_stage(peers=[PEER, premise])
    caller, callee = dropped(stage)
    is_joined(caller, callee)
    callee.hangs_up("Reason: Q.850;cause=34")
    assert caller.is_hung_up().all("Reason") == ["Q.850;cause=34"]
    record = stage.record
    assert (record.outcome, record.ended_by, record.cause) == ("answered", "callee", 34)
    assert record.reason == "cloud hung up at once (cause 41); premise hung up at once (cause 34)"


def test_where_nobody_takes_it_the_caller_hears_what_came(stage: Stage) -> None:
    caller, callee = dropped(stage)
    callee.refuses(486, "Reason: Q.850;cause=17")
    assert caller.is_hung_up().all("Reason") == ["Q.850;cause=41"]
    record = stage.record
    assert [each.code for each in record.attempts] == [200, 486]
    assert (record.outcome, record.ended_by, record.cause, record.code) == ("answered", "callee", 41, 200)
    assert record.reason.endswith("premise: 486")


def test_then_it_was_placed_nowhere(stage: Stage) -> None:
    caller, callee = dropped(stage)
    placed = next(iter(stage.router.calls.values())).placed
    assert placed is not None
    assert visits(stage, placed, "cloud", "premise") == [0, 1]
    callee.refuses(486)
    caller.is_hung_up()
    assert visits(stage, placed, "cloud", "premise") == [0, 0]


def test_a_destination_that_is_down_is_skipped_and_tried_in_the_end(stage: Stage) -> None:
    trunk = stage.router.routing.trunks["premise"]
    trunk.hold(trunk.trunk.targets[0], 20, stage.clock())
    caller, callee = dropped(stage)
    is_joined(caller, callee)
    part(caller, callee)
    assert stage.record.reason.endswith("premise is down")


def test_a_late_offer_is_joined_by_the_next_ones(stage: Stage) -> None:
    caller, cloud = answered(stage, body=b"")
    caller.ack(body=stage.carrier.sdp)
    cloud.hears("ACK")
    cloud.hangs_up(DROPPED)
    callee = stage.premise.is_called()
    assert callee.invite.body == b""
    callee.says(200)
    again = caller.hears("INVITE")
    caller.answers(again, 200, body=media(caller, 2))
    caller.hears("ACK")
    assert callee.hears("ACK").body == media(caller, 2)
    part(caller, callee)


# ------------------------------------------------------------------------------------------------ what meets


@pytest.mark.parametrize("body", [None, b""], ids=["offer", "late offer"])
def test_dropped_before_the_callers_ack(stage: Stage, body: bytes | None) -> None:
    """He can be offered nothing before that."""
    caller, cloud = answered(stage, body)
    cloud.hangs_up(DROPPED)
    cloud.hears("ACK")
    assert stage.premise.unheard == []
    caller.ack(body=stage.carrier.sdp if body is not None else b"")
    callee = stage.premise.is_called()
    callee.says(200)
    again = caller.hears("INVITE")
    caller.answers(again, 200, body=stage.carrier.sdp)
    caller.hears("ACK")
    callee.hears("ACK")
    part(caller, callee)


def test_dropped_and_never_acknowledged(stage: Stage) -> None:
    caller, cloud = answered(stage)
    cloud.hangs_up(DROPPED)
    cloud.hears("ACK")
    stage.pass_time(GIVE_UP + 0.2)
    stage.carrier.unheard = [message for message in stage.carrier.unheard if message.method == "BYE"]
    caller.is_hung_up()
    assert (stage.record.outcome, stage.record.cause) == ("failed", 102)


@pytest.mark.parametrize("rings", [False, True])
def test_the_caller_hangs_up_while_another_is_called(stage: Stage, rings: bool) -> None:
    caller, callee = dropped(stage)
    if rings:
        callee.says(180)
    caller.hangs_up()
    if not rings:
        callee.says(100)
    callee.is_cancelled()
    assert (stage.record.outcome, stage.record.ended_by) == ("answered", "caller")


def test_the_caller_hangs_up_before_his_ack_and_before_another_is_called(stage: Stage) -> None:
    caller, cloud = answered(stage)
    cloud.hangs_up(DROPPED)
    cloud.hears("ACK")
    caller.hangs_up()
    assert stage.premise.unheard == []
    assert stage.record.ended_by == "caller"


@pytest.mark.parametrize("who", ["caller", "callee"])
def test_somebody_hangs_up_while_the_media_are_negotiated(stage: Stage, who: str) -> None:
    caller, callee = dropped(stage)
    callee.says(200)
    callee.hears("ACK")
    again = caller.hears("INVITE")
    (caller if who == "caller" else callee).hangs_up(DROPPED)
    (callee if who == "caller" else caller).is_hung_up()
    caller.answers(again, 487)
    caller.hears("ACK")
    assert stage.record.ended_by == who


def test_the_caller_offers_something_while_another_is_called(stage: Stage) -> None:
    caller, callee = dropped(stage)
    caller.asks("INVITE", body=media(caller, 2))
    caller.hears_refusal(488)
    is_joined(caller, callee)
    part(caller, callee)


def test_the_caller_offers_something_while_he_is_offered_something(stage: Stage) -> None:
    caller, callee = dropped(stage)
    callee.says(200)
    callee.hears("ACK")
    again = caller.hears("INVITE")
    caller.asks("INVITE", body=media(caller, 2))
    caller.hears_refusal(491)
    caller.answers(again, 200, body=stage.carrier.sdp)
    caller.hears("ACK")
    part(caller, callee)


def test_what_the_caller_had_asked_is_over(stage: Stage) -> None:
    """He has changed his media within the first seconds, and the destination hangs up before it has answered."""
    caller, cloud = connected(stage)
    caller.asks("INVITE", body=media(caller, 2))
    caller.hears(100, "INVITE")
    asked = cloud.hears("INVITE")
    cloud.hangs_up(DROPPED)
    caller.hears_refusal(487)
    cloud.answers(asked, 487)
    cloud.hears("ACK")
    callee = stage.premise.is_called()
    is_joined(caller, callee)
    part(caller, callee)


def test_a_destination_that_has_just_offered_something_ends_the_call(stage: Stage) -> None:
    """The caller could be offered nothing else before he has answered that."""
    caller, cloud = connected(stage)
    cloud.asks("INVITE", body=media(cloud, 2))
    cloud.hears(100, "INVITE")
    asked = caller.hears("INVITE")
    cloud.hangs_up(DROPPED)
    cloud.hears_refusal(487)
    caller.is_hung_up()
    caller.answers(asked, 487)
    caller.hears("ACK")


def test_media_that_were_changed_before_are_agreed_upon_anew(stage: Stage) -> None:
    caller, cloud = connected(stage)
    caller.asks("INVITE", body=media(caller, 2, "sendonly"))
    caller.hears(100, "INVITE")
    cloud.answers(cloud.hears("INVITE"), 200, body=media(cloud, 2, "recvonly"))
    caller.hears(200, "INVITE")
    caller.ack()
    cloud.hears("ACK")
    cloud.hangs_up(DROPPED)
    callee = stage.premise.is_called()
    assert callee.invite.body == stage.carrier.sdp
    callee.says(200)
    callee.hears("ACK")
    again = caller.hears("INVITE")
    assert origin(again.body)[:3] == (*origin(cloud.party.sdp)[:2], 3)
    caller.answers(again, 200, body=media(caller, 2, "sendonly"))
    caller.hears("ACK")
    held = callee.hears("INVITE")
    assert b"a=sendonly" in held.body
    callee.answers(held, 200, body=media(callee, 2, "recvonly"))
    callee.hears("ACK")
    part(caller, callee)


def test_a_caller_who_refuses_the_new_media(stage: Stage) -> None:
    caller, callee = dropped(stage)
    callee.says(200)
    callee.hears("ACK")
    caller.answers(caller.hears("INVITE"), 488)
    caller.hears("ACK")
    callee.is_hung_up()
    caller.is_hung_up()
    assert stage.record.outcome == "failed"


def test_the_router_stops_meanwhile(stage: Stage) -> None:
    caller, callee = dropped(stage)
    callee.says(180)
    stage.router.interrupt()
    caller.is_hung_up()
    callee.is_cancelled()


def test_whoever_it_was_redirected_to_has_his_own_rescue_or_none(stage: Stage) -> None:
    caller = stage.carrier.calls(CLOUD_FIRST)
    caller.hears(100)
    stage.cloud.is_called().refuses(302, "Contact: <sip:+18005556000@198.51.100.31>")
    callee = stage.premise.is_called()
    callee.says(200)
    caller.hears(200)
    caller.ack()
    callee.hears("ACK")
    callee.hangs_up(DROPPED)
    caller.is_hung_up()


def test_a_call_that_was_redirected_is_rescued_where_it_was_decided(stage: Stage) -> None:
    """The dial-peer that the 3xx has led to has its own rescue, and what comes after it is the first one's."""
    caller = stage.carrier.calls(CLOUD_FIRST)
    caller.hears(100)
    stage.cloud.is_called().refuses(302, "Contact: <sip:198.51.100.22>")
    spare = stage.spare.is_called()
    spare.says(200)
    caller.hears(200)
    caller.ack()
    spare.hears("ACK")
    spare.hangs_up(DROPPED)
    callee = stage.premise.is_called()
    is_joined(caller, callee)
    part(caller, callee)
