"""What is said again, because it was not heard or was not answered; and what is not."""

import pytest

from edge_router.sip.timers import GIVE_UP, T1
from tests.b2bua.conftest import OpenStage
from tests.b2bua.leg import Leg
from tests.b2bua.stage import PREMISE_ONLY, Stage


def test_a_callers_invite_that_comes_again_makes_no_second_call(stage: Stage) -> None:
    caller = stage.carrier.calls("+18005551000")
    caller.hears(100)
    stage.carrier.says(caller.invite)
    caller.hears(100)
    callee = stage.premise.is_called()
    callee.says(180)
    caller.hears(180)
    stage.carrier.says(caller.invite)
    caller.hears(180)
    callee.says(200)
    caller.hears(200)
    stage.carrier.says(caller.invite)  # the 200 is repeated by the clock, not by the INVITE (RFC 6026 §7.1)
    caller.hears_nothing()
    caller.ack()
    callee.hears("ACK")
    stage.carrier.says(caller.invite)
    caller.hangs_up()
    callee.is_hung_up()


def test_our_invite_is_said_again_until_something_comes(open_stage: OpenStage) -> None:
    stage = open_stage(premise={"connect_timeout": 20})
    caller = stage.carrier.calls("+18005551000")
    caller.hears(100)
    callee = stage.premise.is_called()
    for interval in (T1, 2 * T1, 4 * T1):
        callee.hears_nothing()
        stage.pass_time(interval)
        assert callee.hears("INVITE") == callee.invite
    callee.says(100)
    stage.pass_time(5)
    callee.refuses(486)
    caller.hears_refusal(486)


def repeated(stage: Stage, leg: Leg, code: int) -> list[float]:
    """In which intervals a final answer comes again, in seconds, until 64*T1 are over."""
    began, last, intervals = stage.clock(), stage.clock(), []
    while stage.clock() < began + GIVE_UP:
        stage.pass_time(0)
        if leg.party.unheard:
            assert leg.hears(code) == leg.final
            intervals.append(round(stage.clock() - last, 1))
            last = stage.clock()
    stage.pass_time(0.2)
    return intervals


DOUBLING = [0.5, 1.0, 2.0, 4.0, 4.0, 4.0, 4.0, 4.0, 4.0, 4.0]


def test_an_answer_that_is_never_acknowledged(stage: Stage) -> None:
    caller, callee = stage.ringing()
    callee.says(200)
    caller.hears(200)
    assert repeated(stage, caller, 200) == DOUBLING
    callee.hears("ACK")
    for leg in (callee, caller):
        assert leg.is_hung_up().get("Reason") == "Q.850;cause=102"
    record = stage.record
    assert (record.outcome, record.ended_by, record.code, record.cause) == ("failed", "router", 200, 102)


def test_the_answer_is_said_again_until_the_ack_comes(stage: Stage) -> None:
    caller, callee = stage.ringing()
    callee.says(200)
    caller.hears(200)
    stage.pass_time(T1)
    caller.hears(200)
    caller.ack()
    callee.hears("ACK")
    stage.pass_time(GIVE_UP)
    caller.ack()  # nor does a second one cross
    caller.hangs_up()
    callee.is_hung_up()


def test_a_refusal_that_is_never_acknowledged(stage: Stage) -> None:
    caller, callee = stage.ringing()
    callee.refuses(486)
    caller.hears(486)
    assert repeated(stage, caller, 486) == DOUBLING


def test_a_callee_who_repeats_his_answer_gets_his_ack_again(stage: Stage) -> None:
    caller, callee = stage.ringing()
    callee.says(200)
    caller.hears(200)
    callee.says(200)
    callee.hears_nothing()  # there is no ACK before the caller's
    caller.hears_nothing()
    caller.ack()
    ack = callee.hears("ACK")
    callee.says(200)
    assert callee.hears("ACK") == ack
    stage.pass_time(GIVE_UP / 2)
    callee.says(200)
    assert callee.hears("ACK") == ack
    caller.hears_nothing()
    callee.hangs_up()
    caller.is_hung_up()
    callee.says(200)
    assert callee.hears("ACK") == ack


def test_a_callee_who_repeats_his_refusal_gets_his_ack_again(stage: Stage) -> None:
    caller, callee = stage.ringing()
    callee.says(486)
    ack = callee.hears("ACK")
    caller.hears_refusal(486)
    callee.says(486)
    assert callee.hears("ACK") == ack
    caller.hears_nothing()


def test_an_ack_that_answers_a_late_offer_comes_again_as_it_was(stage: Stage) -> None:
    caller = stage.carrier.calls(PREMISE_ONLY, body=b"")
    callee = stage.premise.is_called()
    callee.says(200)
    caller.hears(100)
    caller.hears(200)
    caller.ack(body=stage.carrier.sdp)
    ack = callee.hears("ACK")
    assert ack.body == stage.carrier.sdp
    callee.says(200)
    assert callee.hears("ACK") == ack
    caller.hangs_up()
    callee.is_hung_up()


@pytest.mark.parametrize("who", ["caller", "callee"])
def test_a_bye_that_comes_again_gets_its_answer_again(stage: Stage, who: str) -> None:
    caller, callee = stage.connected()
    ends, is_ended = (caller, callee) if who == "caller" else (callee, caller)
    bye = ends.asks("BYE")
    first = ends.hears(200, "BYE")
    ends.party.says(bye)
    assert ends.hears(200, "BYE") == first
    is_ended.is_hung_up()


def test_our_bye_is_said_again_until_it_is_answered(stage: Stage) -> None:
    caller, callee = stage.connected()
    caller.hangs_up()
    bye = callee.hears("BYE")
    for interval in (T1, 2 * T1, 4 * T1, 4.0):
        stage.pass_time(interval)
        assert callee.hears("BYE") == bye
    callee.answers(bye, 481)


def test_a_callee_who_hangs_up_before_an_ack_that_never_comes(stage: Stage) -> None:
    caller, callee = stage.ringing()
    callee.says(200)
    caller.hears(200)
    callee.hangs_up()
    callee.hears("ACK")
    assert repeated(stage, caller, 200) == DOUBLING
    caller.is_hung_up()
