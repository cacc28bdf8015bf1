"""A caller who was REFERred in vain is kept: whoever answers instead, his media are re-negotiated with (RFC 3725)."""

import pytest

from edge_router.sip.timers import GIVE_UP
from tests.b2bua.conftest import OpenStage
from tests.b2bua.stage import Stage
from tests.b2bua.test_refer import is_joined, kept, referred
from tests.end_to_end.wire import beside_origin, origin, sdp


def test_the_new_offer_is_one_version_on_from_the_silence(stage: Stage) -> None:
    caller, refer = referred(stage)
    silence = caller.final.body
    caller.answers(refer, 603)
    again = is_joined(stage, caller, stage.premise.is_called())
    user, session, version, address = origin(silence)
    assert origin(again.body) == (user, session, version + 1, address)
    assert beside_origin(again.body) == beside_origin(stage.premise.sdp)
    caller.hangs_up()
    stage.premise.unheard.clear()
    stage.pass_time(GIVE_UP)
    stage.premise.unheard.clear()


def test_early_media_stand_for_an_answer_without_sdp(stage: Stage) -> None:
    caller, callee = kept(stage)
    callee.says(183, body=stage.premise.sdp)
    callee.says(200, body=b"")
    callee.hears("ACK")
    again = caller.hears("INVITE")
    assert beside_origin(again.body) == beside_origin(stage.premise.sdp)
    caller.answers(again, 200, body=stage.carrier.sdp)
    caller.hears("ACK")
    callee.hangs_up()
    caller.is_hung_up()


def test_a_late_offer_is_joined_by_the_callees(stage: Stage) -> None:
    caller, callee = kept(stage, body=b"")
    assert callee.invite.body == b""
    callee.says(200)
    callee.hears_nothing()
    again = caller.hears("INVITE")
    answer = sdp("198.51.100.1", session=1001, version=2)
    caller.answers(again, 200, body=answer)
    caller.hears("ACK")
    ack = callee.hears("ACK")
    assert (ack.body, ack.get("Content-Type")) == (answer, "application/sdp")
    callee.hangs_up()
    caller.is_hung_up()


def test_an_answer_to_the_new_offer_that_comes_again_gets_its_ack_again(stage: Stage) -> None:
    caller, callee = kept(stage)
    callee.says(200)
    callee.hears("ACK")
    again = caller.hears("INVITE")
    caller.answers(again, 100)
    answer = caller.answers(again, 200, body=stage.carrier.sdp)
    ack = caller.hears("ACK")
    stage.carrier.says(answer)
    assert caller.hears("ACK") == ack
    caller.hangs_up()
    callee.is_hung_up()
    stage.carrier.says(answer)
    assert caller.hears("ACK") == ack


@pytest.mark.parametrize("body", [None, b""], ids=["offer", "late offer"])
@pytest.mark.parametrize("code", [488, 491, 500])
def test_a_caller_who_refuses_the_new_media(stage: Stage, body: bytes | None, code: int) -> None:
    """Nothing stays half open."""
    caller, callee = kept(stage, body)
    callee.says(200)
    again = caller.hears("INVITE")
    caller.answers(again, code)
    caller.hears("ACK")
    callee.hears("ACK")
    callee.is_hung_up()
    caller.is_hung_up()
    record = stage.record
    assert (record.outcome, record.ended_by, record.code) == ("failed", "router", 200)
    assert [each.code for each in record.attempts] == [603, 200]


@pytest.mark.parametrize("code", [0, 100])
def test_a_caller_who_never_answers_the_new_offer(stage: Stage, code: int) -> None:
    caller, callee = kept(stage)
    callee.says(200)
    callee.hears("ACK")
    again = caller.hears("INVITE")
    if code:
        caller.answers(again, code)
    stage.pass_time(GIVE_UP)
    for _ in range(0 if code else 6):
        assert caller.hears("INVITE") == again
    caller.is_hung_up()
    callee.is_hung_up()
    assert stage.record.outcome == "failed"


@pytest.mark.parametrize("who", ["caller", "callee"])
@pytest.mark.parametrize("body", [None, b""], ids=["offer", "late offer"])
def test_somebody_hangs_up_while_the_media_are_negotiated(stage: Stage, who: str, body: bytes | None) -> None:
    caller, callee = kept(stage, body)
    callee.says(200)
    if body is None:
        callee.hears("ACK")
    again = caller.hears("INVITE")
    (caller if who == "caller" else callee).hangs_up("Reason: Q.850;cause=31")
    if body is not None:
        callee.hears("ACK")
    (callee if who == "caller" else caller).is_hung_up()
    answer = caller.answers(again, 200, body=stage.carrier.sdp)
    ack = caller.hears("ACK")  # every 2xx gets its ACK (RFC 3261 §13.2.2.4)
    assert ack.cseq == again.cseq
    stage.carrier.says(answer)
    assert caller.hears("ACK") == ack
    assert (stage.record.outcome, stage.record.ended_by) == ("answered", who)


def test_a_late_answer_to_the_refer_is_none_to_the_new_offer(open_stage: OpenStage) -> None:
    stage = open_stage(cloud={"answer_timeout": 1})
    caller, refer = referred(stage)
    stage.pass_time(1)
    caller.hears("REFER")
    callee = stage.premise.is_called()
    callee.says(200)
    callee.hears("ACK")
    again = caller.hears("INVITE")
    caller.answers(refer, 202)
    caller.hears_nothing()
    caller.answers(again, 200, body=stage.carrier.sdp)
    caller.hears("ACK")
    stage.pass_time(GIVE_UP)
    caller.hangs_up()
    callee.is_hung_up()
    assert stage.record.outcome == "answered"


def test_a_refer_that_is_never_answered_ends_no_call_that_stands(open_stage: OpenStage) -> None:
    stage = open_stage(cloud={"answer_timeout": 30})
    caller, _ = referred(stage)
    stage.pass_time(30)
    callee = stage.premise.is_called()
    callee.says(200)
    callee.hears("ACK")
    while stage.carrier.unheard[0].method == "REFER":
        caller.hears("REFER")
    again = caller.hears("INVITE")
    stage.pass_time(2.5)  # and the REFER's Timer F runs out
    while stage.carrier.unheard:
        stage.carrier.unheard.pop()
    caller.answers(again, 200, body=stage.carrier.sdp)
    caller.hears("ACK")
    caller.hangs_up()
    callee.is_hung_up()


def test_a_caller_who_is_kept_and_hangs_up_while_it_rings(stage: Stage) -> None:
    caller, callee = kept(stage)
    caller.hangs_up()
    callee.is_cancelled()
    assert (stage.record.outcome, stage.record.ended_by) == ("answered", "caller")


def test_a_caller_who_is_kept_and_whom_nobody_takes_is_hung_up(stage: Stage) -> None:
    caller, callee = kept(stage)
    callee.refuses(486, "Reason: Q.850;cause=17", "User-to-User: 00", body=stage.premise.sdp)
    assert caller.is_hung_up().all("Reason") == ["Q.850;cause=17"]
    record = stage.record
    assert (record.outcome, record.ended_by, record.code) == ("failed", "router", 200)
    assert [each.code for each in record.attempts] == [603, 486]


def test_hunting_goes_on_from_target_to_target(open_stage: OpenStage) -> None:
    targets = ["sip:198.51.100.31:5060", "sip:198.51.100.22:5060"]
    stage = open_stage(premise={"targets": targets})
    caller, callee = kept(stage)
    callee.says(183, body=stage.premise.sdp)
    callee.refuses(500)
    is_joined(stage, caller, stage.spare.is_called())
    caller.hangs_up()
    stage.spare.unheard.clear()
    stage.pass_time(GIVE_UP)
    stage.spare.unheard.clear()


def test_a_caller_is_referred_once(open_stage: OpenStage) -> None:
    again = [{"peer": "cloud", "by": "refer"}, {"peer": "premise", "by": "refer"}]
    stage = open_stage(rules=[{"name": "refer, and refer again", "to": again}])
    caller, callee = kept(stage)
    callee.refuses(486)
    caller.is_hung_up()
