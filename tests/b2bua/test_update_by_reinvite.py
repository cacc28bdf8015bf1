"""An UPDATE with an offer whose other side doesn't know the method: in a call that stands, that gets a re-INVITE."""

import pytest

from edge_router.sip.timers import GIVE_UP
from tests.b2bua.challenge import FILES, LOGIN, asking, assert_answers
from tests.b2bua.conftest import OpenStage
from tests.b2bua.in_call import WHO, ends_of, media, part
from tests.b2bua.leg import Leg
from tests.b2bua.reliable import SPEAKS, calls, crosses, is_answered
from tests.b2bua.sessions import TIMER, agreed, is_refreshed, one_sided, refreshed_by_us
from tests.b2bua.stage import Stage
from tests.end_to_end.wire import Wire


def updates(this: Leg, other: Leg, code: int = 501) -> tuple[Wire, Wire]:
    """Offers anew in an UPDATE, which the other doesn't know; what he hears of it: that, and the re-INVITE."""
    this.asks("UPDATE", body=media(this, 2))
    update = other.hears("UPDATE")
    other.answers(update, code)
    invite = other.hears("INVITE")
    assert invite.body == update.body
    assert invite.cseq == update.cseq + 1
    return update, invite


@WHO
@pytest.mark.parametrize("code", [405, 501])
def test_its_offer_and_the_answer_cross(stage: Stage, who: str, code: int) -> None:
    this, other = ends_of(stage, who)
    _, invite = updates(this, other, code)
    assert invite.get("Contact") == "<sip:192.0.2.1:5060>"
    other.answers(invite, 100)
    other.answers(invite, 180)
    this.hears_nothing()
    accepted = other.answers(invite, 200, f"Contact: <sip:new@{other.party.place}>", body=media(other, 2))
    assert this.hears(200, "UPDATE").body == media(other, 2)
    ack = other.hears("ACK")
    assert (ack.cseq, ack.body) == (invite.cseq, b"")
    other.party.says(accepted)
    assert other.hears("ACK") == ack
    this.asks("INFO")
    info = other.hears("INFO")
    assert info.uri == f"sip:new@{other.party.place}"
    other.answers(info, 200)
    this.hears(200)
    part(this, other)


@WHO
@pytest.mark.parametrize(("code", "heard"), [(488, 488), (491, 491), (422, 491), (401, 403), (501, 501)])
def test_a_refusal_comes_back_and_leaves_the_session(stage: Stage, who: str, code: int, heard: int) -> None:
    this, other = ends_of(stage, who)
    _, invite = updates(this, other)
    other.answers(invite, code)
    assert other.hears("ACK").cseq == invite.cseq
    this.hears(heard, "UPDATE")
    part(this, other)


@WHO
def test_one_without_an_offer_is_not_made_another(stage: Stage, who: str) -> None:
    this, other = ends_of(stage, who)
    this.asks("UPDATE")
    other.answers(other.hears("UPDATE"), 501)
    this.hears(501, "UPDATE")
    part(this, other)


def test_nor_is_one_in_an_early_dialog(stage: Stage) -> None:
    caller, callee = calls(stage, SPEAKS)
    crosses(caller, callee, 1, body=callee.party.sdp)
    caller.asks("UPDATE", body=caller.party.sdp)
    callee.answers(callee.hears("UPDATE"), 501)
    caller.hears(501, "UPDATE")
    is_answered(caller, callee, b"")
    part(caller, callee)


@WHO
@pytest.mark.parametrize("answer", [None, 100, 180])
def test_an_answer_that_takes_too_long_is_given_up(stage: Stage, who: str, answer: int | None) -> None:
    """RFC 3311 section 5.2: 504 while the asker of an UPDATE still waits."""
    this, other = ends_of(stage, who)
    _, invite = updates(this, other)
    if answer is not None:
        other.answers(invite, answer)
    stage.pass_time(15.9)
    this.hears_nothing()
    stage.pass_time(0.2)
    if answer is None:
        while any(each == invite for each in other.party.unheard):
            other.hears("INVITE")
        other.answers(invite, 100)
    cancel = other.hears("CANCEL")
    assert cancel.cseq == invite.cseq
    other.answers(cancel, 200)
    other.answers(invite, 487)
    other.hears("ACK")
    this.hears(504, "UPDATE")
    part(this, other)


@WHO
def test_who_never_answers_has_lost_the_call(stage: Stage, who: str) -> None:
    this, other = ends_of(stage, who)
    _, invite = updates(this, other)
    stage.pass_time(GIVE_UP)
    while any(each == invite for each in other.party.unheard):
        other.hears("INVITE")
    this.is_hung_up()  # his UPDATE is over by its own time (RFC 4320 section 4.2)
    other.is_hung_up()
    assert stage.record.ended_by == "router"


@WHO
def test_a_reinvite_that_can_not_be_sent_ends_nothing(stage: Stage, who: str) -> None:
    """However late it was that the other side didn't know the method."""
    this, other = ends_of(stage, who)
    this.asks("UPDATE", body=media(this, 2))
    update = other.hears("UPDATE")
    stage.pass_time(20)
    while other.party.unheard:
        assert other.hears("UPDATE") == update
    stage.line.cut.add(other.party.address)
    other.answers(update, 501)
    stage.pass_time(0)
    stage.line.cut.clear()
    this.hears(503, "UPDATE")
    part(this, other)


@WHO
def test_a_refused_one_was_never_seen(stage: Stage, who: str) -> None:
    """What refreshes his session afterwards is what he saw before."""
    other, this = one_sided(stage, who, TIMER, refreshed_by_us(who))
    _, invite = updates(this, other)
    other.answers(invite, 488)
    other.hears("ACK")
    this.hears(488, "UPDATE")
    refresh = is_refreshed(stage, other, 900, "INVITE")
    assert refresh.body == this.party.sdp
    other.answers(refresh, 200, body=other.party.sdp)
    other.hears("ACK")
    part(this, other)


@WHO
@pytest.mark.parametrize("ends", ["this", "other"])
@pytest.mark.parametrize("answers", [True, False])
def test_somebody_hangs_up_meanwhile(stage: Stage, who: str, ends: str, answers: bool) -> None:
    """The asker hears 487; an answer that comes all the same gets its ACK."""
    this, other = ends_of(stage, who)
    _, invite = updates(this, other)
    other.answers(invite, 100)
    leaves, stays = (this, other) if ends == "this" else (other, this)
    leaves.asks("BYE")
    leaves.hears(200, "BYE")
    this.hears(487, "UPDATE")
    stays.is_hung_up()
    if answers:
        other.answers(invite, 200, body=media(other, 2))
        assert other.hears("ACK").cseq == invite.cseq


@WHO
def test_nothing_else_is_negotiated_meanwhile(stage: Stage, who: str) -> None:
    this, other = ends_of(stage, who)
    _, invite = updates(this, other)
    other.asks("INVITE", body=media(other, 3))
    other.hears_refusal(491)
    this.asks("INVITE", body=media(this, 3))
    this.hears_refusal(500)
    other.answers(invite, 200, body=media(other, 2))
    other.hears("ACK")
    this.hears(200, "UPDATE")
    part(this, other)


def test_a_challenge_is_answered(open_stage: OpenStage) -> None:
    stage = open_stage(FILES, premise=LOGIN)
    caller, callee = stage.connected()
    _, invite = updates(caller, callee)
    callee.answers(invite, 401, asking())
    callee.hears("ACK")
    again = callee.hears("INVITE")
    assert_answers(again)
    callee.answers(again, 200, body=media(callee, 2))
    assert callee.hears("ACK").cseq == again.cseq
    caller.hears(200, "UPDATE")
    part(caller, callee)


@WHO
def test_each_side_is_told_of_its_own_session_timer(stage: Stage, who: str) -> None:
    """And what he was offered in the UPDATE counts as never said: the re-INVITE has the same o= line."""
    other, this = one_sided(stage, who, TIMER, refreshed_by_us(who))
    _, invite = updates(this, other)
    assert invite.get("Session-Expires") == "1800;refresher=uac"
    other.answers(invite, 200, TIMER, "Session-Expires: 1800;refresher=uac", body=media(other, 2))
    other.hears("ACK")
    assert not this.hears(200, "UPDATE").all("Session-Expires")
    part(this, other)


def test_who_refreshes_by_update_is_answered_here_whatever_the_other_side_knows(stage: Stage) -> None:
    session = agreed(stage, (TIMER, "Session-Expires: 1800;refresher=uac"), ("Allow: INVITE, ACK, BYE, CANCEL",))
    assert "UPDATE" in session.answer.get("Allow")
    session.caller.asks("UPDATE", TIMER, "Session-Expires: 1800;refresher=uac")
    session.caller.hears(200, "UPDATE")
    part(session.caller, session.callee)
