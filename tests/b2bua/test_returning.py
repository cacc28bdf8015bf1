"""A call that comes back from where it was sent: it isn't sent there again, and goes round no circle."""

from typing import Any

import pytest

from tests.b2bua.conftest import OpenStage
from tests.b2bua.leg import Leg, Party
from tests.b2bua.stage import CLOUD_FIRST, REDIRECTED, Stage

SESSION = "ab30317f1a784dc48ff824d0d3715d86"
NIL = "00000000000000000000000000000000"
PEERS = [
    {"name": "from-carrier", "incoming": [{"trunk": "carrier"}, {"trunk": "cloud"}], "policy": "door"},
]


@pytest.fixture
def stage(open_stage: OpenStage) -> Stage:
    return open_stage(door={"revisit": False}, peers=PEERS)


def call(stage: Stage, by: Party, called: str, *headers: str, **more: Any) -> str:
    """Where a call from there goes, "" if it is redirected; whoever takes it hangs up again."""
    caller = by.calls(called, *headers, **more)
    for name, party in (("premise", stage.premise), ("cloud", stage.cloud)):
        if party.unheard and party is not by:
            caller.hears(100)
            answer_and_end(caller, party.is_called())
            return name
    caller.hears_refusal(302)
    return ""


def answer_and_end(caller: Leg, callee: Leg) -> None:
    callee.says(200)
    caller.hears(200)
    caller.ack()
    callee.hears("ACK")
    caller.hangs_up()
    callee.is_hung_up()


def test_from_the_cloud_back_it_ends_at_the_premise(stage: Stage) -> None:
    first = stage.carrier.calls(CLOUD_FIRST)
    first.hears(100)
    in_cloud = stage.cloud.is_called()
    in_cloud.says(200)
    first.hears(200)
    first.ack()
    in_cloud.hears("ACK")
    assert call(stage, stage.cloud, CLOUD_FIRST) == "premise"
    assert stage.ear.records[-1].reason == "the call was at cloud before"
    assert stage.ear.failovers == [("cloud", "premise", "visited")]
    first.hangs_up()
    in_cloud.is_hung_up()


def test_a_record_says_how_often_the_call_was_there_before(open_stage: OpenStage) -> None:
    stage = open_stage(door={"revisit": True}, peers=PEERS)
    session = f"Session-ID: {SESSION};remote={NIL}"
    for _ in range(3):
        call(stage, stage.carrier, REDIRECTED, session)
    call(stage, stage.carrier, REDIRECTED, f"Session-ID: {SESSION[::-1]};remote={NIL}")
    assert [record.visits for record in stage.ear.records] == [0, 1, 2, 0]


def test_where_it_went_on_to_it_was_never_before(open_stage: OpenStage) -> None:
    stage = open_stage(door={"revisit": True}, peers=PEERS)
    session = f"Session-ID: {SESSION};remote={NIL}"
    call(stage, stage.carrier, REDIRECTED, session)
    caller = stage.carrier.calls(CLOUD_FIRST, session)
    caller.hears(100)
    for party in (stage.cloud, stage.spare):
        party.is_called().refuses(503)
    answer_and_end(caller, stage.premise.is_called())
    last = stage.ear.records[-1]
    assert (last.dial_peer_out, last.visits) == ("premise", 0)


@pytest.mark.parametrize("header", ["Diversion: <sip:1001@cloud.example>", "History-Info: <sip:1001@x>;index=1"])
def test_what_was_redirected_and_is_sent_on_by_the_carrier_ends_at_the_premise(stage: Stage, header: str) -> None:
    assert call(stage, stage.carrier, REDIRECTED) == ""
    assert call(stage, stage.carrier, REDIRECTED, header) == "premise"
    assert call(stage, stage.carrier, REDIRECTED, header, calling="+13125550111") == ""


def test_what_was_redirected_and_comes_back_from_the_cloud_ends_at_the_premise(stage: Stage) -> None:
    assert call(stage, stage.carrier, REDIRECTED) == ""
    assert call(stage, stage.cloud, REDIRECTED) == "premise"


def test_what_was_sent_to_one_trunk_of_the_cloud_and_comes_back_by_another_ends_elsewhere(
    open_stage: OpenStage,
) -> None:
    peers = [*PEERS, {"name": "from-europe", "incoming": {"trunk": "premise"}, "policy": "door"}]
    stage = open_stage(door={"revisit": False}, peers=peers, state={"trunks": ["cloud", "premise"]})
    assert call(stage, stage.carrier, REDIRECTED) == ""
    returned = stage.premise.calls(REDIRECTED)
    returned.hears(100)
    answer_and_end(returned, stage.premise.is_called())
    last = stage.ear.records[-1]
    assert (last.dial_peer_out, last.reason) == ("premise", "the call was at cloud before")


@pytest.mark.parametrize("reads", [True, False])
def test_where_it_was_refused_it_was_not(open_stage: OpenStage, reads: bool) -> None:
    first = {"name": "first", "to": ["cloud", "premise"]}
    rule = {**first, "when": 'call.visits("cloud") == 0'} if reads else first
    one_target = {"targets": ["sip:198.51.100.21:5060"]}
    stage = open_stage(rules=[rule], door={"revisit": reads}, peers=PEERS, cloud=one_target)
    session = f"Session-ID: {SESSION};remote={NIL}"
    caller = stage.carrier.calls(CLOUD_FIRST, session)
    caller.hears(100)
    stage.cloud.is_called().refuses(500)
    answer_and_end(caller, stage.premise.is_called())
    assert call(stage, stage.carrier, CLOUD_FIRST, session) == "cloud"
    assert stage.ear.records[-1].visits == 0


def test_after_a_quarter_of_an_hour_it_is_another_call(stage: Stage) -> None:
    assert call(stage, stage.carrier, REDIRECTED) == ""
    stage.pass_time(901)
    assert call(stage, stage.cloud, REDIRECTED) == ""


@pytest.mark.parametrize(("called", "where"), [(CLOUD_FIRST, "cloud"), (REDIRECTED, "")])
def test_who_dials_again_doesnt_come_back(stage: Stage, called: str, where: str) -> None:
    assert [call(stage, stage.carrier, called) for _ in range(3)] == [where] * 3


def test_a_bridged_call_that_is_over_doesnt_come_back(stage: Stage) -> None:
    assert call(stage, stage.carrier, CLOUD_FIRST) == "cloud"
    assert call(stage, stage.carrier, CLOUD_FIRST, "Diversion: <sip:1001@elsewhere.example>") == "cloud"


def test_two_calls_of_one_switchboard_are_two(stage: Stage) -> None:
    legs = []
    for _ in range(2):
        caller = stage.carrier.calls(CLOUD_FIRST)
        caller.hears(100)
        legs.append((caller, stage.cloud.is_called()))
    for caller, callee in legs:
        answer_and_end(caller, callee)


def test_a_session_id_tells_one_call_from_another(stage: Stage) -> None:
    header = f"Session-ID: {SESSION};remote={NIL}"
    assert call(stage, stage.carrier, REDIRECTED, header) == ""
    assert call(stage, stage.carrier, REDIRECTED, f"Session-ID: {SESSION[::-1]};remote={NIL}") == ""
    assert (
        call(stage, stage.cloud, REDIRECTED, f"Session-ID: {NIL};remote={SESSION}", calling="+13125550111") == "premise"
    )


def test_a_policy_may_let_it_revisit(open_stage: OpenStage) -> None:
    stage = open_stage(door={"revisit": True}, peers=PEERS)
    assert [call(stage, stage.carrier, REDIRECTED) for _ in range(3)] == [""] * 3


def test_rules_can_count_visits(open_stage: OpenStage) -> None:
    rule = {"name": "twice at most", "when": 'call.visits("cloud") < 2', "to": ["cloud"], "by": "redirect"}
    stage = open_stage(rules=[rule], door={"revisit": True}, peers=PEERS)
    assert [call(stage, stage.carrier, REDIRECTED) for _ in range(2)] == [""] * 2
    assert stage.ear.records[-1].decision is not None
    assert stage.ear.records[-1].decision.values == {'call.visits("cloud")': 1}
    called = "+18005557000"
    assert [call(stage, stage.carrier, called) for _ in range(3)] == ["", "", "premise"]


def test_where_nothing_else_is_left_it_goes_there_all_the_same(open_stage: OpenStage) -> None:
    rule = {"name": "cloud only", "to": ["cloud"], "by": "redirect", "final": True}
    stage = open_stage(rules=[rule], door={"revisit": False}, peers=PEERS)
    assert call(stage, stage.carrier, REDIRECTED) == ""
    assert call(stage, stage.carrier, REDIRECTED, "Diversion: <sip:1001@cloud.example>") == "cloud"
    assert stage.ear.records[-1].reason == "the call was at cloud before; bridged, since nothing else is left"


def test_max_forwards_ends_a_circle_that_nobody_sees(stage: Stage) -> None:
    caller = stage.carrier.calls(CLOUD_FIRST)
    caller.hears(100)
    leg = stage.cloud.is_called()
    assert leg.invite.get("Max-Forwards") == "69"
    answer_and_end(caller, leg)
