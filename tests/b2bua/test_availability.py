"""Trunks that are down, held or full are passed over, and the call goes on to who is left."""

import pytest

from edge_router.net.listener import LARGEST_DATAGRAM
from tests.b2bua.conftest import OpenStage
from tests.b2bua.stage import CLOUD_FIRST, DIAL_PEERS, REDIRECTED, REFERRED, Stage
from tests.b2bua.test_hunting import ONE_TARGET, called, takes_it


def lost(stage: Stage, *codes: int) -> None:
    """A call that the cloud loses: by this refusal, or without any answer; the premise refuses it too."""
    caller = called(stage)
    for code in codes:
        target = stage.cloud.is_called()
        if code:
            target.refuses(code)
        else:
            stage.pass_time(2)
            target.says(486)
            stage.cloud.unheard.clear()
    stage.premise.is_called().refuses(486)
    caller.hears_refusal(486)
    stage.ear.records.clear()


def is_up(stage: Stage) -> bool:
    up: bool = stage.router.routing.trunks["cloud"].up
    return up


@pytest.mark.parametrize("code", [0, 503], ids=["silent", "503"])
def test_a_trunk_is_down_after_three_failures_and_tried_again_after_half_a_minute(
    open_stage: OpenStage, code: int
) -> None:
    stage = open_stage(cloud=ONE_TARGET)
    for _ in range(3):
        assert is_up(stage)
        lost(stage, code)
    assert not is_up(stage)
    takes_it(called(stage), stage.premise)
    stage.pass_time(30)
    assert is_up(stage)
    caller = called(stage)
    second = called(stage)  # one call finds out how things are, the next one does not wait for it
    takes_it(second, stage.premise)
    takes_it(caller, stage.cloud)
    takes_it(called(stage), stage.cloud)


@pytest.mark.parametrize("code", [408, 486, 500])
def test_any_other_answer_shows_that_a_target_lives(open_stage: OpenStage, code: int) -> None:
    stage = open_stage(cloud={**ONE_TARGET, "next_peer_on": ["4xx", "5xx", "timeout"]})
    lost(stage, 503)
    lost(stage, 503)
    lost(stage, code)
    lost(stage, 503)
    lost(stage, 503)
    takes_it(called(stage), stage.cloud)


def test_ringing_too_long_is_no_failure_of_the_target(open_stage: OpenStage) -> None:
    stage = open_stage(cloud={**ONE_TARGET, "answer_timeout": 5})
    for _ in range(4):
        caller = called(stage)
        callee = stage.cloud.is_called()
        callee.says(180)
        caller.hears(180)
        stage.pass_time(5)
        callee.is_cancelled()
        stage.premise.is_called().refuses(486)
        caller.hears_refusal(486)
    assert is_up(stage)


def test_an_invite_that_fits_no_datagram_says_nothing_of_the_target(open_stage: OpenStage) -> None:
    """Or else a caller could take a trunk from all others by three calls with more in them than can be sent on."""

    def too_much() -> None:
        caller = stage.carrier.calls(CLOUD_FIRST, body=bytes(LARGEST_DATAGRAM - 300))
        caller.hears(100)
        stage.pass_time(0.1)
        caller.hears_refusal(513)
        stage.ear.records.clear()

    stage = open_stage(cloud=ONE_TARGET)
    for _ in range(4):
        too_much()
    assert is_up(stage)
    lost(stage, 503)
    lost(stage, 503)
    too_much()
    lost(stage, 503)
    assert not is_up(stage)


def test_a_503_with_retry_after_holds_the_target(stage: Stage) -> None:
    caller = called(stage)
    stage.cloud.is_called().refuses(503, "Retry-After: 20 (in a moment);duration=9")
    takes_it(caller, stage.spare)
    takes_it(called(stage), stage.spare)
    assert is_up(stage)
    stage.pass_time(20)
    takes_it(called(stage), stage.cloud)


@pytest.mark.parametrize("number", [REDIRECTED, REFERRED])
def test_a_trunk_that_is_down_is_passed_over_by_redirect_and_refer_too(open_stage: OpenStage, number: str) -> None:
    stage = open_stage(cloud=ONE_TARGET)
    for _ in range(3):
        lost(stage, 503)
    caller = stage.carrier.calls(number)
    caller.hears(100)
    takes_it(caller, stage.premise)


@pytest.mark.parametrize("number", [CLOUD_FIRST, REDIRECTED, REFERRED])
def test_where_everything_is_down_everybody_is_asked_all_the_same(open_stage: OpenStage, number: str) -> None:
    """And nobody is sent away for good to where nobody may be."""
    stage = open_stage(cloud=ONE_TARGET, premise={"final_503": "pass"})
    for _ in range(3):
        caller = called(stage)
        stage.cloud.is_called().refuses(503)
        stage.premise.is_called().refuses(503)
        caller.hears_refusal(503)
    caller = stage.carrier.calls(number)
    caller.hears(100)
    stage.cloud.is_called().refuses(503)
    takes_it(caller, stage.premise)


@pytest.mark.parametrize("limit", [{"outbound": {"max_calls": 1}}, {"max_calls": 1}, {"outbound": {"max_cps": 0.5}}])
@pytest.mark.parametrize("number", [CLOUD_FIRST, REDIRECTED, REFERRED])
def test_a_trunk_that_is_full_is_passed_over(open_stage: OpenStage, limit: dict[str, object], number: str) -> None:
    stage = open_stage(cloud={"limits": limit})
    first, callee = stage.connected(CLOUD_FIRST, stage.cloud)
    caller = stage.carrier.calls(number)
    caller.hears(100)
    takes_it(caller, stage.premise)
    first.hangs_up()
    callee.is_hung_up()
    stage.pass_time(2)
    takes_it(called(stage), stage.cloud)


def test_where_everybody_is_full_the_caller_hears_480(open_stage: OpenStage) -> None:
    """Not 503, which would tell him that the router is (RFC 3261 §21.5.4)."""
    stage = open_stage(cloud={"limits": {"max_calls": 0}}, premise={"limits": {"max_calls": 0}})
    caller = stage.carrier.calls(CLOUD_FIRST)
    assert caller.hears_refusal(480).get("Reason") == "Q.850;cause=34"
    assert (stage.record.reason, stage.record.cause) == ("cloud is full (max_calls); premise is full (max_calls)", 34)


def test_what_was_passed_over_is_told(open_stage: OpenStage) -> None:
    stage = open_stage(cloud={"limits": {"max_calls": 0}})
    takes_it(called(stage), stage.premise)
    assert stage.ear.failovers == [("cloud", "premise", "full (max_calls)")]


def test_a_premise_that_was_down_is_asked_when_the_cloud_refuses(open_stage: OpenStage) -> None:
    """A cloud that refuses never costs a call that the premise could take, whatever it did half a minute ago."""
    stage = open_stage(cloud=ONE_TARGET)
    for _ in range(3):
        caller = called(stage)
        stage.cloud.is_called().refuses(500)
        stage.premise.is_called().refuses(503)
        caller.hears_refusal(500)
    assert not stage.router.routing.trunks["premise"].up
    stage.ear.failovers.clear()
    caller = called(stage)
    stage.cloud.is_called().refuses(500)
    takes_it(caller, stage.premise)
    assert stage.ear.failovers == [("cloud", "premise", "500")]


def test_a_3xx_goes_on_and_leads_nobody_anywhere(open_stage: OpenStage) -> None:
    """Where a target sends its callers is not where ours may be sent."""
    stage = open_stage(cloud=ONE_TARGET)
    caller = called(stage)
    stage.cloud.is_called().refuses(302, "Contact: <sip:elsewhere@198.51.100.99>")
    stage.premise.is_called().refuses(302, "Contact: <sip:elsewhere@198.51.100.99>")
    assert caller.hears_refusal(480).get("Contact") == ""


def test_what_is_down_is_asked_when_all_else_has_failed(open_stage: OpenStage) -> None:
    stage = open_stage(cloud=ONE_TARGET)
    for _ in range(3):
        lost(stage, 503)
    caller = called(stage)
    stage.premise.is_called().refuses(500)
    takes_it(caller, stage.cloud)


def test_an_attempt_that_failed_takes_no_room(open_stage: OpenStage) -> None:
    peers = [*DIAL_PEERS, {"name": "cloud again", "outgoing": {"trunk": "cloud"}}]
    rule = {"name": "twice", "to": ["cloud", "cloud again"], "final": True}
    stage = open_stage(rules=[rule], dial_peers=peers, cloud={**ONE_TARGET, "limits": {"max_calls": 1}})
    caller = called(stage)
    stage.cloud.is_called().refuses(500)
    assert stage.loads()["cloud"] == (0, 1)
    takes_it(caller, stage.cloud)
