"""Reliable provisional responses (RFC 3262): from end to end, or as far as one of the two sides speaks of them."""

import pytest

from edge_router.sip.timers import GIVE_UP
from tests.b2bua.conftest import OpenStage
from tests.b2bua.in_call import part
from tests.b2bua.leg import Leg
from tests.b2bua.reliable import (
    REQUIRES,
    SPEAKS,
    calls,
    crosses,
    is_answered,
    pracked,
    pracks,
    rang,
    rang_unreliably,
    rings,
)
from tests.b2bua.stage import CLOUD_FIRST, PREMISE_ONLY, REFERRED, Stage
from tests.end_to_end.wire import Wire

EITHER = pytest.mark.parametrize("line", [SPEAKS, REQUIRES, "Supported: timer, 100REL, uui"])


# ------------------------------------------------------------------------------------------------ end to end


@EITHER
def test_from_end_to_end(stage: Stage, line: str) -> None:
    caller, callee = calls(stage, line)
    first = crosses(caller, callee, 41, body=callee.party.sdp)
    second = crosses(caller, callee, 42, 180)
    assert int(second.get("RSeq")) == int(first.get("RSeq")) + 1
    is_answered(caller, callee)
    part(caller, callee)


@EITHER
def test_an_offer_in_the_response_is_answered_in_the_prack(stage: Stage, line: str) -> None:
    """RFC 3262 §5: a late offer, and its answer before anybody answers the call."""
    caller, callee = calls(stage, line, body=b"")
    rings(callee, 1, body=callee.party.sdp)
    response = rang(caller)
    assert response.body == callee.party.sdp
    pracks(caller, response, body=caller.party.sdp)
    pracked(callee, 1, caller.party.sdp)
    caller.hears(200, "PRACK")
    is_answered(caller, callee, b"")
    callee.asks("INVITE", body=callee.party.sdp)  # nothing is open any more
    callee.hears(100)
    caller.answers(caller.hears("INVITE"), 200, body=caller.party.sdp)
    callee.hears(200)
    callee.ack()
    caller.hears("ACK")
    part(caller, callee)


def test_an_offer_in_the_prack_is_answered_in_its_200(stage: Stage) -> None:
    caller, callee = calls(stage, SPEAKS)
    rings(callee, 7, body=callee.party.sdp)
    pracks(caller, rang(caller), body=caller.party.sdp + b"a=sendonly\r\n")
    pracked(callee, 7, caller.party.sdp + b"a=sendonly\r\n", callee.party.sdp + b"a=recvonly\r\n")
    answer = caller.hears(200, "PRACK")
    assert answer.body == callee.party.sdp + b"a=recvonly\r\n"
    assert answer.get("Content-Type") == "application/sdp"
    is_answered(caller, callee, b"")
    part(caller, callee)


@pytest.mark.parametrize("code", [481, 488, 500])
def test_what_the_callee_says_to_a_prack_comes_back_and_ends_nothing(stage: Stage, code: int) -> None:
    caller, callee = calls(stage, SPEAKS)
    rings(callee, 7)
    pracks(caller, rang(caller))
    pracked(callee, 7, code=code)
    caller.hears(code, "PRACK")
    is_answered(caller, callee)
    part(caller, callee)


def test_an_answer_to_the_call_may_overtake_that_to_the_prack(stage: Stage) -> None:
    caller, callee = calls(stage, SPEAKS)
    rings(callee, 7, body=callee.party.sdp)
    pracks(caller, rang(caller))
    prack = callee.hears("PRACK")
    is_answered(caller, callee)
    callee.answers(prack, 481)
    caller.hears(481, "PRACK")
    part(caller, callee)


def test_a_prack_that_comes_again_is_answered_again_and_crosses_once(stage: Stage) -> None:
    caller, callee = calls(stage, SPEAKS)
    rings(callee, 7)
    prack = pracks(caller, rang(caller))
    caller.party.says(prack)
    pracked(callee, 7)
    caller.hears(200, "PRACK")
    caller.party.says(prack)
    caller.hears(200, "PRACK")
    callee.hears_nothing()
    is_answered(caller, callee)
    part(caller, callee)


# ------------------------------------------------------------------------------------------------ repeated


def test_it_goes_out_again_until_its_prack_comes(stage: Stage) -> None:
    """At twice the interval each time, with no longest one (RFC 3262 §3)."""
    caller, callee = calls(stage, SPEAKS)
    rings(callee, 7, 180)
    first = rang(caller, 180)
    for seconds in (0.5, 1, 2, 4, 8):
        stage.pass_time(seconds - 0.1)
        caller.hears_nothing()
        stage.pass_time(0.1)
        assert caller.hears(180) == first
    pracks(caller, first)
    pracked(callee, 7)
    caller.hears(200, "PRACK")
    stage.pass_time(20)
    is_answered(caller, callee)
    part(caller, callee)


def test_without_a_prack_the_call_is_refused(stage: Stage) -> None:
    caller, callee = calls(stage, SPEAKS)
    rings(callee, 7, 180)
    stage.pass_time(GIVE_UP + 0.2)
    heard = [each.code for each in caller.party.unheard]
    assert heard == [*[180] * 7, 504]
    caller.party.unheard = caller.party.unheard[-1:]
    caller.remote = caller.party.unheard[0].get("To")
    caller.hears_refusal(504)
    callee.is_cancelled()
    assert (stage.record.outcome, stage.record.code, stage.record.cause) == ("failed", 504, 102)
    assert "never acknowledged a provisional response" in (stage.record.reason or "")


def test_repeats_of_the_callee_have_no_effect_and_gaps_are_not_filled(stage: Stage) -> None:
    """RFC 3262 §4: only the one behind the last is taken."""
    caller, callee = calls(stage, SPEAKS)
    crosses(caller, callee, 7)
    for number in (7, 9, 6, 1):
        rings(callee, number, 180)
        caller.hears_nothing()
        callee.hears_nothing()
    crosses(caller, callee, 8, 180)
    is_answered(caller, callee)
    part(caller, callee)


@pytest.mark.parametrize("lines", [["RSeq: 5"], ["RSeq: 5", "Require: timer"], [REQUIRES]])
def test_one_is_reliable_by_require_and_rseq(stage: Stage, lines: list[str]) -> None:
    caller, callee = calls(stage, SPEAKS)
    callee.says(180, *lines)
    rang_unreliably(caller, 180)
    callee.hears_nothing()
    is_answered(caller, callee)
    part(caller, callee)


@pytest.mark.parametrize("number", ["0", "4294967296", "99999999999999999999", "-1", "one", "1 2", ""])
def test_a_number_that_is_none_makes_no_reliable_response(stage: Stage, number: str) -> None:
    caller, callee = calls(stage, SPEAKS)
    callee.says(180, REQUIRES, f"RSeq: {number}")
    rang_unreliably(caller, 180)
    callee.hears_nothing()
    is_answered(caller, callee)
    part(caller, callee)


def test_the_highest_number_is_one(stage: Stage) -> None:
    caller, callee = calls(stage, SPEAKS)
    crosses(caller, callee, 2**32 - 1)
    is_answered(caller, callee)
    part(caller, callee)


def test_a_hundred_is_never_reliable(stage: Stage) -> None:
    caller, callee = calls(stage, SPEAKS)
    callee.says(100, REQUIRES, "RSeq: 5", f"To: {callee.local}")
    callee.hears_nothing()
    crosses(caller, callee, 5, 180)
    is_answered(caller, callee)
    part(caller, callee)


# ------------------------------------------------------------------------------------------------ in order


def test_nothing_overtakes_one_that_is_not_acknowledged(stage: Stage) -> None:
    caller, callee = calls(stage, SPEAKS)
    rings(callee, 1, 183)
    callee.says(180)
    rings(callee, 2, 181)
    callee.says(182)
    first = rang(caller)
    caller.hears_nothing()
    pracks(caller, first)
    pracked(callee, 1)
    rang_unreliably(caller, 180)
    second = rang(caller, 181)
    caller.hears(200, "PRACK")
    caller.hears_nothing()
    pracks(caller, second)
    pracked(callee, 2)
    rang_unreliably(caller, 182)
    caller.hears(200, "PRACK")
    is_answered(caller, callee)
    part(caller, callee)


def test_a_200_waits_for_the_prack_of_what_negotiates(stage: Stage) -> None:
    """RFC 3262 §3."""
    caller, callee = calls(stage, SPEAKS)
    rings(callee, 1, body=callee.party.sdp)
    response = rang(caller)
    callee.says(200)
    callee.says(200)
    caller.hears_nothing()
    assert stage.ear.rang == 1
    pracks(caller, response)
    pracked(callee, 1)
    caller.hears(200, "INVITE")
    caller.hears(200, "PRACK")
    caller.party.says(caller.request("ACK", seq=1))
    callee.hears("ACK")
    part(caller, callee)
    assert stage.record.answer is not None


def test_a_200_does_not_wait_for_one_that_negotiates_nothing(stage: Stage) -> None:
    caller, callee = calls(stage, SPEAKS)
    rings(callee, 1, 180)
    response = rang(caller, 180)
    callee.says(180)
    is_answered(caller, callee)
    stage.pass_time(2)
    caller.hears_nothing()  # neither what waited, nor a repetition
    pracks(caller, response)
    pracked(callee, 1)
    caller.hears(200, "PRACK")
    pracks(caller, response)
    caller.hears(481, "PRACK")
    part(caller, callee)


def test_a_prack_that_never_comes_once_the_call_stands(stage: Stage) -> None:
    caller, callee = calls(stage, SPEAKS)
    rings(callee, 1, 180)
    rang(caller, 180)
    is_answered(caller, callee)
    stage.pass_time(GIVE_UP)
    part(caller, callee)


def held(stage: Stage) -> tuple[Leg, Leg, Wire]:
    """A caller whose 200 waits for his PRACK."""
    caller, callee = calls(stage, SPEAKS)
    rings(callee, 1, body=callee.party.sdp)
    response = rang(caller)
    callee.says(200)
    return caller, callee, response


def test_a_caller_who_cancels_while_the_200_waits(stage: Stage) -> None:
    caller, callee, _ = held(stage)
    caller.cancel()
    caller.hears(200, "CANCEL")
    caller.hears_refusal(487)
    callee.hears("ACK")
    callee.is_hung_up()
    assert (stage.record.outcome, stage.record.answer) == ("cancelled", None)


def test_a_callee_who_hangs_up_while_his_200_waits(stage: Stage) -> None:
    caller, callee, _ = held(stage)
    callee.hangs_up("Reason: Q.850;cause=16")
    callee.hears("ACK")
    assert caller.hears_refusal(480).get("Reason") == "Q.850;cause=16"
    assert (stage.record.outcome, stage.record.answer) == ("failed", None)


def test_the_prack_that_a_200_waits_for_never_comes(stage: Stage) -> None:
    caller, callee, _ = held(stage)
    stage.pass_time(GIVE_UP + 0.2)
    caller.party.unheard = caller.party.unheard[-1:]
    caller.hears_refusal(504)
    callee.hears("ACK")
    callee.is_hung_up()


def test_the_router_stops_while_a_200_waits(stage: Stage) -> None:
    caller, callee, _ = held(stage)
    stage.router.interrupt()
    caller.hears_refusal(503)
    callee.hears("ACK")
    callee.is_hung_up()


def test_a_request_that_gets_lost_while_a_200_waits_ends_no_call(stage: Stage) -> None:
    caller, callee = calls(stage, SPEAKS)
    rings(callee, 1, body=callee.party.sdp)
    response = rang(caller)
    caller.asks("INFO")
    info = callee.hears("INFO")
    callee.says(200)
    callee.answers(info, 481)
    caller.hears(481, "INFO")
    pracks(caller, response)
    pracked(callee, 1)
    caller.hears(200, "INVITE")
    caller.hears(200, "PRACK")
    caller.party.says(caller.request("ACK", seq=1))
    callee.hears("ACK")
    part(caller, callee)


@pytest.mark.parametrize("ends", ["486", "cancel", "bye"])
def test_an_end_while_a_prack_is_missing(stage: Stage, ends: str) -> None:
    caller, callee = calls(stage, SPEAKS)
    rings(callee, 1)
    response = rang(caller)
    callee.says(180)
    if ends == "486":
        callee.refuses(486)
        caller.hears_refusal(486)
    else:
        caller.cancel() if ends == "cancel" else caller.asks("BYE")
        caller.hears(200)
        caller.hears_refusal(487)
        callee.is_cancelled()
    pracks(caller, response)
    caller.hears(481, "PRACK")


# ------------------------------------------------------------------------------------------------ only one side


@pytest.mark.parametrize("line", ["Supported: uui", "X-Nothing: at all"])
def test_where_only_the_callee_does_the_router_acknowledges(stage: Stage, line: str) -> None:
    caller, callee = calls(stage, line)
    rings(callee, 5, body=callee.party.sdp)
    pracked(callee, 5)
    assert rang_unreliably(caller).body == callee.party.sdp
    rings(callee, 5, body=callee.party.sdp)
    callee.hears_nothing()
    caller.hears_nothing()
    rings(callee, 6, 180)
    assert pracked(callee, 6).cseq == 3
    rang_unreliably(caller, 180)
    is_answered(caller, callee)
    part(caller, callee)


def test_where_only_the_caller_does_nothing_changes(stage: Stage) -> None:
    caller, callee = calls(stage, SPEAKS)
    callee.says(180)
    rang_unreliably(caller, 180)
    is_answered(caller, callee)
    part(caller, callee)


def test_who_requires_them_gets_them_and_the_router_answers_his_prack(stage: Stage) -> None:
    caller, callee = calls(stage, REQUIRES)
    callee.says(183, body=callee.party.sdp)
    callee.says(180)
    response = rang(caller)
    assert response.body == callee.party.sdp
    pracks(caller, response)
    caller.hears(200, "PRACK")
    ringing = rang(caller, 180)
    assert int(ringing.get("RSeq")) == int(response.get("RSeq")) + 1
    pracks(caller, ringing, body=caller.party.sdp)
    caller.hears(488, "PRACK")  # an offer has nobody to go to
    callee.hears_nothing()
    is_answered(caller, callee)
    part(caller, callee)


def test_a_preview_is_no_offer_to_who_requires_reliable_ones(stage: Stage) -> None:
    caller, callee = calls(stage, REQUIRES, body=b"")
    callee.says(183, body=callee.party.sdp)
    response = rang(caller)
    assert response.body == b""
    pracks(caller, response)
    caller.hears(200, "PRACK")
    callee.says(200)
    assert caller.hears(200, "INVITE").body == callee.party.sdp
    caller.party.says(caller.request("ACK", seq=1, body=caller.party.sdp))
    assert callee.hears("ACK").body == caller.party.sdp
    part(caller, callee)


def test_a_late_offer_of_who_does_not_speak_of_them_asks_for_none(stage: Stage) -> None:
    """An offer in a reliable response would want its answer in a PRACK that never comes."""
    caller, callee = calls(stage, "Supported: uui", body=b"")
    assert "100rel" not in callee.invite.get("Supported")
    assert not callee.invite.all("Require")
    rings(callee, 5, 180)  # all the same: it is taken for what it may be
    callee.hears_nothing()
    rang_unreliably(caller, 180)
    callee.says(200)
    caller.hears(200)
    caller.ack(body=caller.party.sdp)
    callee.hears("ACK")
    part(caller, callee)


def test_a_body_without_sdp_is_no_offer_either(stage: Stage) -> None:
    caller, callee = calls(stage, "Content-Type: application/isup", body=b"\x01")
    assert "100rel" not in callee.invite.get("Supported")
    is_answered(caller, callee)
    part(caller, callee)


# ------------------------------------------------------------------------------------------------ by trunk


def test_what_is_said_of_it(stage: Stage) -> None:
    caller, callee = calls(stage, SPEAKS)
    assert callee.invite.get("Supported") == "100rel, 199, norefersub, replaces, timer, uui"
    assert "PRACK" in callee.invite.get("Allow").split(", ")
    callee.says(180)
    ringing = rang_unreliably(caller, 180)
    assert ringing.get("Supported") == "100rel, norefersub, replaces, timer, uui"
    assert "PRACK" in ringing.get("Allow").split(", ")
    is_answered(caller, callee)
    part(caller, callee)


def test_a_trunk_that_requires_it_of_its_callers(open_stage: OpenStage) -> None:
    stage = open_stage(carrier={"rel1xx": "require"})
    caller = stage.carrier.calls(PREMISE_ONLY)
    assert caller.hears(421).get("Require") == "100rel"
    caller.party.says(caller.request("ACK", branch=caller.invite.branch, seq=1))
    assert stage.ear.records == []
    caller, callee = calls(stage, SPEAKS)
    callee.says(180)
    response = rang(caller, 180)
    pracks(caller, response)
    caller.hears(200, "PRACK")
    is_answered(caller, callee)
    part(caller, callee)


def test_an_emergency_call_is_not_refused_for_want_of_it(open_stage: OpenStage) -> None:
    stage = open_stage(carrier={"rel1xx": "require"}, emergency={"called": ["911"], "destinations": ["premise"]})
    caller = stage.carrier.calls("911")
    caller.hears(100)
    callee = stage.premise.is_called()
    callee.says(180)
    rang_unreliably(caller, 180)
    is_answered(caller, callee)
    part(caller, callee)


def test_a_trunk_that_requires_it_of_its_callees(open_stage: OpenStage) -> None:
    stage = open_stage(premise={"rel1xx": "require"})
    caller, callee = calls(stage)
    assert callee.invite.get("Require") == "100rel"
    rings(callee, 1, 180)
    pracked(callee, 1)
    rang_unreliably(caller, 180)
    is_answered(caller, callee)
    part(caller, callee)


def test_a_trunk_without_it_as_a_caller(open_stage: OpenStage) -> None:
    stage = open_stage(carrier={"rel1xx": "disabled"})
    caller = stage.carrier.calls(PREMISE_ONLY, REQUIRES)
    assert caller.hears(420).get("Unsupported") == "100rel"
    caller.party.says(caller.request("ACK", branch=caller.invite.branch, seq=1))
    caller, callee = calls(stage, SPEAKS)
    rings(callee, 1)
    pracked(callee, 1)
    ringing = rang_unreliably(caller)
    assert ringing.get("Supported") == "norefersub, replaces, timer, uui"
    assert "PRACK" not in ringing.get("Allow")
    is_answered(caller, callee)
    part(caller, callee)


def test_a_trunk_without_it_as_a_callee(open_stage: OpenStage) -> None:
    stage = open_stage(premise={"rel1xx": "disabled"})
    caller, callee = calls(stage, SPEAKS)
    assert callee.invite.get("Supported") == "199, norefersub, replaces, timer, uui"
    assert "PRACK" not in callee.invite.get("Allow")
    rings(callee, 1)
    callee.hears_nothing()
    rang_unreliably(caller)
    is_answered(caller, callee)
    part(caller, callee)


@pytest.mark.parametrize(
    ("rel1xx", "supported"),
    [("supported", "100rel, norefersub, replaces, timer, uui"), ("disabled", "norefersub, replaces, timer, uui")],
)
def test_what_options_tells_of_it(open_stage: OpenStage, rel1xx: str, supported: str) -> None:
    stage = open_stage(carrier={"rel1xx": rel1xx})
    leg = Leg(stage.carrier, "question", "<sip:a@198.51.100.1>;tag=a", "<sip:192.0.2.1>", "sip:192.0.2.1")
    leg.asks("OPTIONS")
    answer = leg.hears(200, "OPTIONS")
    assert answer.get("Supported") == supported
    assert ("PRACK" in answer.get("Allow")) == (rel1xx == "supported")


# ------------------------------------------------------------------------------------------------ nonsense


@pytest.mark.parametrize(
    ("rack", "code"),
    [
        ("1 1 INVITE", 481),
        ("{next} 1 INVITE", 481),
        ("{last} 2 INVITE", 481),
        ("{last} 1 UPDATE", 481),
        ("0 1 INVITE", 400),
        ("{last}", 400),
        ("{last} INVITE", 400),
        ("INVITE 1 {last}", 400),
        ("9" * 4000 + " 1 INVITE", 400),
        ("{last} 1 INVITE 2", 400),
        ("", 400),
    ],
)
def test_a_prack_of_nothing_is_refused(stage: Stage, rack: str, code: int) -> None:
    caller, callee = calls(stage, SPEAKS)
    rings(callee, 70)
    response = rang(caller)
    last = int(response.get("RSeq"))
    for _ in range(3):
        caller.asks("PRACK", f"RAck: {rack.format(last=last, next=last + 1)}")
        caller.hears(code, "PRACK")
    callee.hears_nothing()
    pracks(caller, response)
    pracked(callee, 70)
    caller.hears(200, "PRACK")
    is_answered(caller, callee)
    part(caller, callee)


def test_a_callee_has_nothing_to_acknowledge(stage: Stage) -> None:
    caller, callee = calls(stage, SPEAKS)
    crosses(caller, callee, 1)
    callee.asks("PRACK", "RAck: 1 1 INVITE")
    callee.hears(481, "PRACK")
    is_answered(caller, callee)
    part(caller, callee)


def test_what_waits_is_bounded(stage: Stage) -> None:
    caller, callee = calls(stage, SPEAKS)
    rings(callee, 1)
    for _ in range(150):
        callee.says(180)
    response = rang(caller)
    caller.hears_nothing()
    pracks(caller, response)
    pracked(callee, 1)
    assert [each.code for each in caller.party.unheard] == [*[180] * 99, 200]
    caller.party.unheard.clear()
    callee.refuses(486)
    caller.hears_refusal(486)
    assert stage.ear.refused["too many provisional responses"] == 51


# ------------------------------------------------------------------------------------------------ the next target


def test_the_next_target_begins_anew(stage: Stage) -> None:
    caller = stage.carrier.calls(CLOUD_FIRST, SPEAKS)
    caller.hears(100)
    first = stage.cloud.is_called()
    crosses(caller, first, 500, body=first.party.sdp)
    old = caller.remote
    rings(first, 501, 180)
    first.says(181)
    given_up = rang(caller, 180)
    first.refuses(500)
    second = stage.spare.is_called()
    second.says(100)
    stage.pass_time(1.5)  # nothing is repeated under the old tag, and what waited is gone
    crosses(caller, second, 7, 180)
    assert caller.remote != old
    late = caller.request("PRACK", f"RAck: {given_up.get('RSeq')} 1 INVITE").with_headers(("To", old))
    caller.party.says(late)
    caller.hears(481, "PRACK")
    second.says(200)
    caller.hears(200)  # with an o= line of ours by now
    caller.party.says(caller.request("ACK", seq=1))
    second.hears("ACK")
    part(caller, second)


def test_a_prack_of_what_a_target_said_that_was_given_up(stage: Stage) -> None:
    """Without SDP both targets ring in one early dialog: the router answers for who is gone."""
    caller = stage.carrier.calls(CLOUD_FIRST, SPEAKS)
    caller.hears(100)
    first = stage.cloud.is_called()
    rings(first, 500, 180)
    ringing = rang(caller, 180)
    first.says(181)
    first.refuses(500)
    second = stage.spare.is_called()
    rings(second, 3, 180)
    caller.hears_nothing()
    pracks(caller, ringing)
    caller.hears(200, "PRACK")
    pracks(caller, rang(caller, 180))
    pracked(second, 3)
    caller.hears(200, "PRACK")
    is_answered(caller, second)
    part(caller, second)


def test_who_has_been_answered_already_hears_no_ringing(stage: Stage) -> None:
    """After a REFER that failed: the router acknowledges, and re-negotiates at the answer."""
    caller = stage.carrier.calls(REFERRED, SPEAKS)
    caller.hears(200)
    caller.ack()
    caller.answers(caller.hears("REFER"), 603)
    callee = stage.premise.is_called()
    rings(callee, 9, body=callee.party.sdp)
    pracked(callee, 9)
    caller.hears_nothing()
    callee.says(200, body=b"")
    callee.hears("ACK")
    again = caller.hears("INVITE")
    assert "100rel" not in again.get("Supported")
    caller.answers(again, 200, body=caller.party.sdp)
    caller.hears("ACK")
    part(caller, callee)


def test_a_re_invite_is_not_rung(stage: Stage) -> None:
    """It neither offers reliable responses nor takes a Require for them."""
    caller, callee = calls(stage, SPEAKS)
    is_answered(caller, callee)
    asked = caller.asks("INVITE", REQUIRES, body=caller.party.sdp)
    refusal = caller.hears(420, "INVITE")
    assert refusal.get("Unsupported") == "100rel"
    caller.party.says(caller.request("ACK", branch=asked.branch, seq=refusal.cseq))
    caller.asks("INVITE", SPEAKS, body=caller.party.sdp)
    caller.hears(100)
    again = callee.hears("INVITE")
    assert "100rel" not in again.get("Supported")
    callee.answers(again, 200, body=callee.party.sdp)
    caller.hears(200)
    caller.ack()
    callee.hears("ACK")
    part(caller, callee)
