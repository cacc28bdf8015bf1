"""Offers in an early dialog (RFC 3311 §5.1): once the first one has its answer for certain, by a PRACK."""

import pytest

from tests.b2bua.conftest import OpenStage
from tests.b2bua.in_call import WHO, media, part
from tests.b2bua.leg import Leg
from tests.b2bua.reliable import REQUIRES, SPEAKS, calls, crosses, is_answered, pracked, pracks, rang, rings
from tests.b2bua.stage import CLOUD_FIRST, Stage
from tests.end_to_end.wire import Wire


def agreed(stage: Stage, who: str = "caller") -> tuple[Leg, Leg, Leg, Leg]:
    """Caller, callee, this end and the other, who have agreed on media though nobody has answered."""
    caller, callee = calls(stage, SPEAKS)
    crosses(caller, callee, 1, body=callee.party.sdp)
    return (caller, callee, caller, callee) if who == "caller" else (caller, callee, callee, caller)


def updates(this: Leg, other: Leg, version: int = 2) -> Wire:
    """Sends an offer; returns what the other hears."""
    this.asks("UPDATE", body=media(this, version, "sendonly"))
    came = other.hears("UPDATE")
    assert came.body == media(this, version, "sendonly")
    return came


@WHO
def test_an_update_offers_anew_before_the_answer(stage: Stage, who: str) -> None:
    caller, callee, this, other = agreed(stage, who)
    for version in (2, 3):
        other.answers(updates(this, other, version), 200, body=media(other, version, "recvonly"))
        assert this.hears(200, "UPDATE").body == media(other, version, "recvonly")
    is_answered(caller, callee, b"")
    part(this, other)


@WHO
def test_a_refused_one_leaves_the_early_dialog_as_it_was(stage: Stage, who: str) -> None:
    caller, callee, this, other = agreed(stage, who)
    other.answers(updates(this, other), 488)
    this.hears(488, "UPDATE")
    other.answers(updates(this, other, 3), 504)
    this.hears(504, "UPDATE")
    is_answered(caller, callee, b"")
    part(this, other)


@WHO
def test_one_at_a_time(stage: Stage, who: str) -> None:
    """RFC 3311 §5.2: 491 to who is asked himself, 500 to who asks again; a PRACK's offer counts, too."""
    caller, callee, this, other = agreed(stage, who)
    came = updates(this, other)
    this.asks("UPDATE", body=media(this, 3))
    assert 0 <= int(this.hears(500, "UPDATE").get("Retry-After")) <= 10
    other.asks("UPDATE", body=media(other, 2))
    other.hears(491, "UPDATE")
    other.answers(came, 200, body=media(other, 2))
    this.hears(200, "UPDATE")
    is_answered(caller, callee, b"")
    part(this, other)


@WHO
def test_one_that_is_open_when_the_call_is_answered(stage: Stage, who: str) -> None:
    """The ACK is the INVITE's, and what comes to the UPDATE is its answer."""
    caller, callee, this, other = agreed(stage, who)
    came = updates(this, other)
    is_answered(caller, callee, b"")
    this.asks("INVITE", body=media(this, 3))
    refusal = this.hears(500, "INVITE")
    this.party.says(this.request("ACK", branch=refusal.branch, seq=refusal.cseq))
    other.answers(came, 200, body=media(other, 2))
    this.hears(200, "UPDATE")
    part(this, other)


@WHO
def test_one_that_is_open_when_the_target_is_given_up(open_stage: OpenStage, who: str) -> None:
    stage = open_stage()
    caller = stage.carrier.calls(CLOUD_FIRST, SPEAKS)
    caller.hears(100)
    first = stage.cloud.is_called()
    crosses(caller, first, 1, body=first.party.sdp)
    this, other = (caller, first) if who == "caller" else (first, caller)
    came = updates(this, other)
    first.refuses(500)
    second = stage.spare.is_called()
    second.says(200)
    caller.hears(200)
    caller.party.says(caller.request("ACK", seq=1))
    second.hears("ACK")
    second.asks("INVITE", body=media(second, 2))  # nothing is open any more
    second.hears(100)
    again = caller.hears("INVITE")
    caller.answers(again, 200, body=media(caller, 5))
    second.hears(200)
    second.ack()
    caller.hears("ACK")
    other.answers(came, 481)
    this.hears(481, "UPDATE")
    part(caller, second)


def test_before_the_prack_there_is_nothing_to_offer_anew(stage: Stage) -> None:
    caller, callee = calls(stage, SPEAKS)
    rings(callee, 1, body=callee.party.sdp)
    response = rang(caller)
    caller.asks("UPDATE", body=media(caller, 2))
    caller.hears(500, "UPDATE")
    callee.asks("UPDATE", body=media(callee, 2))
    callee.hears(491, "UPDATE")
    pracks(caller, response)
    pracked(callee, 1)
    caller.hears(200, "PRACK")
    callee.answers(updates(caller, callee), 200, body=media(callee, 2))
    caller.hears(200, "UPDATE")
    is_answered(caller, callee, b"")
    part(caller, callee)


@WHO
def test_ringing_without_sdp_settles_nothing(stage: Stage, who: str) -> None:
    caller, callee = calls(stage, SPEAKS)
    crosses(caller, callee, 1, 180)
    this = caller if who == "caller" else callee
    this.asks("UPDATE", body=media(this, 2))
    this.hears(500 if who == "caller" else 491, "UPDATE")
    is_answered(caller, callee)
    part(caller, callee)


@WHO
def test_where_only_one_side_speaks_of_prack_nothing_is_settled(stage: Stage, who: str) -> None:
    """The other side has an answer that may have been lost."""
    caller, callee = calls(stage, SPEAKS if who == "caller" else "Supported: uui")
    if who == "caller":
        callee.says(183, body=callee.party.sdp)
    else:
        rings(callee, 1, body=callee.party.sdp)
        pracked(callee, 1)
    caller.hears(183)
    for this, code in ((caller, 500), (callee, 491)):
        this.asks("UPDATE", body=media(this, 2))
        this.hears(code, "UPDATE")
    is_answered(caller, callee)
    part(caller, callee)


def test_where_the_router_answers_the_prack_nothing_is_settled(stage: Stage) -> None:
    """The callee's answer stood in a response that may be lost; only his 200 is sure to come."""
    caller, callee = calls(stage, REQUIRES)
    callee.says(183, body=callee.party.sdp)
    pracks(caller, rang(caller))
    caller.hears(200, "PRACK")
    for this, code in ((caller, 500), (callee, 491)):
        this.asks("UPDATE", body=media(this, 2))
        this.hears(code, "UPDATE")
    is_answered(caller, callee)
    part(caller, callee)


def test_after_a_late_offer_an_update_waits_for_the_answer_to_the_prack(stage: Stage) -> None:
    caller, callee = calls(stage, REQUIRES, body=b"")
    rings(callee, 1, body=callee.party.sdp)
    pracks(caller, rang(caller), body=caller.party.sdp)
    prack = callee.hears("PRACK")
    caller.asks("UPDATE", body=media(caller, 2))
    caller.hears(500, "UPDATE")
    callee.asks("UPDATE", body=media(callee, 2))
    callee.hears(491, "UPDATE")
    callee.answers(prack, 200)
    caller.hears(200, "PRACK")
    for this, other in ((caller, callee), (callee, caller)):
        other.answers(updates(this, other), 200, body=media(other, 2))
        this.hears(200, "UPDATE")
    is_answered(caller, callee, b"")
    part(caller, callee)


def test_after_a_late_offer_an_offer_may_stand_for_the_ack(stage: Stage) -> None:
    """RFC 5407 §3.1.4: that ACK bears no answer, the PRACK had it."""
    caller, callee = calls(stage, SPEAKS, body=b"")
    rings(callee, 1, body=callee.party.sdp)
    pracks(caller, rang(caller), body=caller.party.sdp)
    pracked(callee, 1, caller.party.sdp)
    caller.hears(200, "PRACK")
    callee.says(200, body=b"")
    caller.hears(200, "INVITE")
    caller.asks("UPDATE", body=media(caller, 2))
    callee.hears("ACK")
    callee.answers(callee.hears("UPDATE"), 200, body=media(callee, 2))
    caller.hears(200, "UPDATE")
    part(caller, callee)


def test_a_late_offer_that_the_prack_does_not_answer_settles_nothing(stage: Stage) -> None:
    caller, callee = calls(stage, SPEAKS, body=b"")
    rings(callee, 1, body=callee.party.sdp)
    pracks(caller, rang(caller))
    pracked(callee, 1)
    caller.hears(200, "PRACK")
    caller.asks("UPDATE", body=media(caller, 2))
    caller.hears(500, "UPDATE")
    is_answered(caller, callee, b"")
    part(caller, callee)


def test_an_offer_in_a_prack_that_meets_one_of_the_other_side(stage: Stage) -> None:
    """It is refused, and the callee hears a PRACK all the same."""
    caller, callee, _, _ = agreed(stage)
    came = updates(callee, caller)
    rings(callee, 2, 180)
    pracks(caller, rang(caller, 180), body=media(caller, 2))
    caller.hears(491, "PRACK")
    pracked(callee, 2)
    caller.answers(came, 200, body=media(caller, 2))
    callee.hears(200, "UPDATE")
    is_answered(caller, callee, b"")
    part(caller, callee)


@pytest.mark.parametrize("silent", [True, False])
def test_a_caller_who_gives_up_while_one_is_open(stage: Stage, silent: bool) -> None:
    caller, callee, _, _ = agreed(stage)
    came = updates(caller, callee)
    caller.cancel()
    caller.hears(200, "CANCEL")
    caller.hears_refusal(487)
    callee.is_cancelled()
    if silent:
        stage.pass_time(32.5)
        callee.party.unheard.clear()
    else:
        callee.answers(came, 481)
        caller.hears(481, "UPDATE")


# ------------------------------------------------------------------------------------------------ several ring


def fork(callee: Leg, name: str) -> Leg:
    leg = Leg(callee.party, callee.call_id, f"{callee.local}-{name}", callee.remote, callee.target)
    leg.invite = callee.invite
    return leg


def test_each_that_rings_has_numbers_of_his_own(stage: Stage) -> None:
    caller, first = calls(stage, SPEAKS)
    second = fork(first, "f")
    one = crosses(caller, first, 900, 180)
    two = crosses(caller, second, 20, 180)
    three = crosses(caller, first, 901, 181)
    rings(second, 22, 181)
    caller.hears_nothing()
    numbers = [int(each.get("RSeq")) for each in (one, two, three)]
    assert numbers == [numbers[0], numbers[0] + 1, numbers[0] + 2]
    is_answered(caller, second)
    part(caller, second)


def test_of_two_that_answer_the_first_has_the_call(stage: Stage) -> None:
    """The other one gets ACK and BYE, with a number behind that of his PRACKs (RFC 3261 §12.2.1.1)."""
    caller, first = calls(stage, SPEAKS)
    second = fork(first, "f")
    crosses(caller, first, 20, 180)
    for number in (1, 2, 3):
        crosses(caller, second, number, 180)
    is_answered(caller, first)
    second.says(200)
    second.hears("ACK")
    assert second.is_hung_up().cseq > 5
    caller.hears_nothing()
    part(caller, first)


def test_a_prack_of_one_who_has_lost_is_answered_here(stage: Stage) -> None:
    caller, first = calls(stage, SPEAKS)
    second = fork(first, "f")
    rings(first, 1, 180)
    ringing = rang(caller, 180)
    is_answered(caller, second)
    pracks(caller, ringing)
    caller.hears(200, "PRACK")
    first.hears_nothing()
    part(caller, second)


def test_an_update_is_for_him_who_has_agreed(stage: Stage) -> None:
    caller, first = calls(stage, SPEAKS)
    second = fork(first, "f")
    crosses(caller, first, 1, body=first.party.sdp)
    crosses(caller, second, 1, 180)
    second.asks("UPDATE", body=media(second, 2))
    second.hears(491, "UPDATE")
    caller.answers(updates(first, caller), 200, body=media(caller, 2))
    first.hears(200, "UPDATE")
    is_answered(caller, first, b"")
    part(caller, first)


def test_of_more_than_eight_the_last_are_not_acknowledged(stage: Stage) -> None:
    caller, first = calls(stage, SPEAKS)
    others = [fork(first, f"f{number}") for number in range(9)]
    for each in others[:8]:
        crosses(caller, each, 5, 180)
    rings(others[8], 5, 180)
    caller.hears_nothing()
    others[8].hears_nothing()
    is_answered(caller, others[3])
    part(caller, others[3])


def test_a_prack_changes_nothing_about_who_rang_last(stage: Stage) -> None:
    caller, first = calls(stage, SPEAKS)
    second = fork(first, "f")
    rings(first, 1, 180)
    second.says(182)
    pracks(caller, rang(caller, 180))
    pracked(first, 1)
    caller.hears(182)
    caller.hears(200, "PRACK")
    caller.asks("INFO")
    second.answers(second.hears("INFO"), 200)
    caller.hears(200, "INFO")
    is_answered(caller, second)
    part(caller, second)
