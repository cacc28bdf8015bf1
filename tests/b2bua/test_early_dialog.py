"""Before the answer: who rings can be asked, and may ask (RFC 3261 §12.1.2); also where several ring."""

import pytest

from edge_router.sip.timers import GIVE_UP
from tests.b2bua.conftest import OpenStage
from tests.b2bua.in_call import WHO, media, part
from tests.b2bua.leg import Leg
from tests.b2bua.stage import PREMISE_ONLY, Stage

METHODS = pytest.mark.parametrize("method", ["INFO", "MESSAGE", "UPDATE"])


def ends_of(stage: Stage, who: str) -> tuple[Leg, Leg]:
    """This end of a call that rings, and the other."""
    caller, callee = stage.ringing()
    return (caller, callee) if who == "caller" else (callee, caller)


def is_answered(caller: Leg, callee: Leg) -> None:
    callee.says(200)
    caller.hears(200)
    caller.party.says(caller.request("ACK", seq=1))
    callee.hears("ACK")


def crosses(this: Leg, other: Leg, method: str) -> None:
    this.asks(method)
    came = other.hears(method)
    assert (came.get("From"), came.get("To")) == (other.remote, other.local)
    other.answers(came, 200)
    this.hears(200, method)


@WHO
@METHODS
def test_a_request_crosses_in_the_early_dialog(stage: Stage, who: str, method: str) -> None:
    this, other = ends_of(stage, who)
    caller, callee = (this, other) if who == "caller" else (other, this)
    crosses(this, other, method)
    crosses(other, this, method)
    is_answered(caller, callee)
    crosses(this, other, method)
    part(this, other)


@WHO
@METHODS
@pytest.mark.parametrize("code", [481, 488])
def test_a_refusal_in_the_early_dialog_ends_nothing(stage: Stage, who: str, method: str, code: int) -> None:
    this, other = ends_of(stage, who)
    this.asks(method)
    other.answers(other.hears(method), code)
    this.hears(code, method)
    caller, callee = (this, other) if who == "caller" else (other, this)
    is_answered(caller, callee)
    part(this, other)


@WHO
@pytest.mark.parametrize("method", ["UPDATE", "INVITE"])
def test_an_offer_waits_for_the_answer(stage: Stage, who: str, method: str) -> None:
    """RFC 3311 §5.2: 500 to who has an offer open himself, 491 to who has not answered ours."""
    this, other = ends_of(stage, who)
    asked = this.asks(method, body=media(this, 2))
    answer = this.hears(500 if who == "caller" else 491, method)
    if who == "caller":
        assert 0 <= int(answer.get("Retry-After")) <= 10
    if method == "INVITE":
        this.party.says(this.request("ACK", branch=asked.branch, seq=answer.cseq))
    other.hears_nothing()
    caller, callee = (this, other) if who == "caller" else (other, this)
    is_answered(caller, callee)
    part(this, other)


@METHODS
def test_before_it_rings_there_is_nobody_to_ask(stage: Stage, method: str) -> None:
    caller = stage.carrier.calls(PREMISE_ONLY)
    callee = stage.premise.is_called()
    caller.hears(100)
    caller.remote = stage.router.calls[next(iter(stage.router.calls))].caller.dialog.local
    caller.asks(method)
    assert 0 <= int(caller.hears(500, method).get("Retry-After")) <= 10
    callee.refuses(486)
    caller.hears_refusal(486)


def test_without_a_contact_there_is_nobody_to_ask(stage: Stage) -> None:
    caller = stage.carrier.calls(PREMISE_ONLY)
    callee = stage.premise.is_called()
    callee.says(180, "Contact: <mailto:x>")
    caller.hears(100)
    caller.hears(180)
    caller.asks("INFO")
    caller.hears(500, "INFO")
    callee.asks("INFO")
    callee.hears(481, "INFO")
    is_answered(caller, callee)
    part(caller, callee)


def test_a_callee_does_not_end_his_early_dialog(stage: Stage) -> None:
    """RFC 3261 §15."""
    caller, callee = stage.ringing()
    callee.asks("BYE")
    callee.hears(481, "BYE")
    caller.hears_nothing()
    is_answered(caller, callee)
    part(caller, callee)


@pytest.mark.parametrize("ends", ["486", "cancel", "bye", "timeout"])
@WHO
def test_what_is_asked_when_the_early_dialog_ends(stage: Stage, who: str, ends: str) -> None:
    """What comes back afterwards reaches who asked; what comes anew belongs to no dialog."""
    this, other = ends_of(stage, who)
    caller, callee = (this, other) if who == "caller" else (other, this)
    this.asks("INFO")
    came = other.hears("INFO")
    if ends == "486":
        callee.refuses(486)
        caller.hears_refusal(486)
    elif ends == "timeout":
        stage.pass_time(60)
        callee.party.unheard = [each for each in callee.party.unheard if each.method != "INFO"]
        caller.party.unheard = [each for each in caller.party.unheard if each.method != "INFO"]
        callee.is_cancelled()
        caller.hears_refusal(408)
    else:
        if ends == "cancel":
            caller.cancel()
            caller.hears(200, "CANCEL")
        else:
            caller.asks("BYE")
            caller.hears(200, "BYE")
        caller.hears_refusal(487)
        callee.is_cancelled()
    if ends != "timeout":
        other.answers(came, 481)
        this.hears(481, "INFO")
    this.asks("INFO")
    this.hears(481, "INFO")
    assert stage.router.counts()["dialogs"] == 0
    stage.pass_time(GIVE_UP)


# ------------------------------------------------------------------------------------------------ several ring


def fork(callee: Leg, name: str) -> Leg:
    """Another who rings behind the same proxy."""
    leg = Leg(callee.party, callee.call_id, f"{callee.local}-{name}", callee.remote, callee.target)
    leg.invite = callee.invite
    return leg


def rings(leg: Leg, caller: Leg) -> None:
    leg.says(180)
    caller.hears(180)


def test_of_several_that_ring_the_last_is_asked(stage: Stage) -> None:
    caller, first = stage.ringing()
    second = fork(first, "f")
    rings(second, caller)
    crosses(caller, second, "INFO")
    rings(first, caller)
    crosses(caller, first, "INFO")
    is_answered(caller, second)
    crosses(caller, second, "INFO")
    crosses(second, caller, "UPDATE")
    part(caller, second)


def test_who_rings_again_is_the_last(stage: Stage) -> None:
    caller, first = stage.ringing()
    second = fork(first, "f")
    rings(second, caller)
    rings(first, caller)
    crosses(caller, first, "INFO")
    is_answered(caller, second)
    part(caller, second)


def test_who_answers_goes_on_with_the_numbers_that_he_knows(stage: Stage) -> None:
    """CSeq counts on in each dialog, either way (RFC 3261 §12.2.1.1, §12.2.2)."""
    caller, first = stage.ringing()
    numbers = []
    for _ in range(3):
        caller.asks("INFO")
        came = first.hears("INFO")
        numbers.append(came.cseq)
        first.answers(came, 200)
        caller.hears(200, "INFO")
    crosses(first, caller, "INFO")
    second = fork(first, "f")
    rings(second, caller)
    crosses(caller, second, "INFO")
    is_answered(caller, first)
    caller.asks("INFO")
    came = first.hears("INFO")
    assert sorted({*numbers, came.cseq}) == [*numbers, came.cseq]
    first.answers(came, 200)
    caller.hears(200, "INFO")
    first.seq -= 1
    first.asks("INFO")
    first.hears(500, "INFO")
    part(caller, first)


def test_each_that_rings_may_ask(stage: Stage) -> None:
    caller, first = stage.ringing()
    second = fork(first, "f")
    rings(second, caller)
    for leg in (first, second, first):
        leg.asks("INFO")
        came = caller.hears("INFO")
        caller.answers(came, 200)
        leg.hears(200, "INFO")
    is_answered(caller, first)
    second.asks("INFO")
    second.hears(481, "INFO")
    part(caller, first)


def test_one_that_loses_and_has_forgotten_all_ends_no_call(stage: Stage) -> None:
    caller, first = stage.ringing()
    second = fork(first, "f")
    caller.asks("INFO")
    came = first.hears("INFO")
    rings(second, caller)
    is_answered(caller, second)
    first.answers(came, 481)
    caller.hears(481, "INFO")
    part(caller, second)


def test_of_more_than_eight_the_last_are_not_asked(stage: Stage) -> None:
    caller, first = stage.ringing()
    others = [fork(first, f"f{number}") for number in range(9)]
    for each in others:
        rings(each, caller)
    crosses(caller, others[6], "INFO")
    others[7].asks("INFO")
    others[7].hears(481, "INFO")
    rings(others[8], caller)
    crosses(caller, others[6], "INFO")
    is_answered(caller, others[8])
    crosses(caller, others[8], "INFO")
    part(caller, others[8])


def test_one_that_was_given_up_and_has_forgotten_all_ends_no_call(open_stage: OpenStage) -> None:
    targets = ["sip:198.51.100.31:5060", "sip:198.51.100.22:5060"]
    stage = open_stage(premise={"targets": targets})
    caller = stage.carrier.calls(PREMISE_ONLY)
    first = stage.premise.is_called()
    first.says(180)
    caller.hears(100)
    caller.hears(180)
    caller.asks("INFO")
    came = first.hears("INFO")
    first.refuses(500)
    second = stage.spare.is_called()
    is_answered(caller, second)
    first.answers(came, 481)
    caller.hears(481, "INFO")
    part(caller, second)


def test_one_that_was_given_up_is_not_asked(open_stage: OpenStage) -> None:
    targets = ["sip:198.51.100.31:5060", "sip:198.51.100.22:5060"]
    stage = open_stage(premise={"targets": targets})
    caller = stage.carrier.calls(PREMISE_ONLY)
    first = stage.premise.is_called()
    first.says(180)
    first.refuses(500)
    caller.hears(100)
    caller.hears(180)
    second = stage.spare.is_called()
    first.asks("INFO")
    first.hears(481, "INFO")
    caller.asks("INFO")
    caller.hears(500, "INFO")
    rings(second, caller)
    crosses(caller, second, "INFO")
    is_answered(caller, second)
    part(caller, second)
