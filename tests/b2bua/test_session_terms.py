"""What a leg and its peer agree on for the session timer (RFC 4028): each leg for itself, and never what can't be."""

import pytest

from tests.b2bua.challenge import FILES, LOGIN, asking, assert_answers
from tests.b2bua.conftest import OpenStage
from tests.b2bua.in_call import WHO, accepts, media, part, reinvites
from tests.b2bua.sessions import ALLOW, TIMER, agreed, is_refreshed, one_sided, refreshed_by_him, refreshed_by_us
from tests.b2bua.stage import PREMISE_ONLY, Stage
from tests.end_to_end.wire import Wire


def terms(message: Wire) -> tuple[list[str], list[str], list[str]]:
    return message.all("Session-Expires"), message.all("Min-SE"), message.all("Require")


NONE: tuple[list[str], list[str], list[str]] = ([], [], [])


def test_who_asks_for_none_has_none(stage: Stage) -> None:
    session = agreed(stage, (TIMER,), (TIMER,))
    assert terms(session.invite) == terms(session.answer) == NONE
    assert "timer" in session.invite.get("Supported")
    assert "timer" in session.answer.get("Supported")
    stage.pass_time(40)
    assert stage.router.counts()["timers"] == 0
    part(session.caller, session.callee)


@pytest.mark.parametrize(
    ("asked", "answered", "requires"),
    [
        ((TIMER, "Session-Expires: 1800"), "1800;refresher=uac", ["timer"]),
        (("k: 100rel,  Timer", "x: 1800"), "1800;refresher=uac", ["timer"]),
        (("Require: timer", "Session-Expires: 1800"), "1800;refresher=uac", ["timer"]),
        ((TIMER, "Session-Expires: 1800 ; refresher=uac"), "1800;refresher=uac", ["timer"]),
        ((TIMER, "Session-Expires: 1800;Refresher=UAS;x=1"), "1800;refresher=uas", []),
        (("Session-Expires: 1800",), "1800;refresher=uas", []),
        (("Session-Expires: 1800;refresher=uac",), "1800;refresher=uas", []),
        ((TIMER, "Session-Expires: 90"), "90;refresher=uac", ["timer"]),
        ((TIMER, "Session-Expires: 4000000000"), "86400;refresher=uac", ["timer"]),
    ],
)
def test_the_caller_gets_what_he_asks_for(
    stage: Stage, asked: tuple[str, ...], answered: str, requires: list[str]
) -> None:
    """RFC 4028 section 9, table 2; it does not cross."""
    session = agreed(stage, asked)
    assert terms(session.invite) == NONE
    assert terms(session.answer) == ([answered], [], requires)
    part(session.caller, session.callee)


@pytest.mark.parametrize("value", ["", "soon", "-90", "90.5", "99999999999", ";refresher=uac"])
def test_what_can_not_be_read_is_no_timer(stage: Stage, value: str) -> None:
    session = agreed(stage, (TIMER, f"Session-Expires: {value}"), (f"Session-Expires: {value}",))
    assert terms(session.answer) == NONE
    assert len(stage.router.deadlines) == 0
    part(session.caller, session.callee)


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("Session-Expires: 7200", "1800;refresher=uac"),
        ("Session-Expires: 600", "600;refresher=uac"),
        ("Session-Expires: 7200\r\nMin-SE: 3600", "3600;refresher=uac"),
        ("Min-SE: 3600", "3600;refresher=uac"),
        ("Subject: none", "1800;refresher=uac"),
    ],
)
def test_the_answer_may_shorten_but_not_lengthen(open_stage: OpenStage, asked: str, answered: str) -> None:
    """Nor does it go below the request's Min-SE. Who asks for none gets what his trunk has."""
    stage = open_stage(carrier={"session_timer": {"expires": "30m"}})
    session = agreed(stage, (TIMER, *asked.split("\r\n")))
    assert terms(session.answer) == ([answered], [], ["timer"])
    assert terms(session.invite) == NONE
    part(session.caller, session.callee)


def test_who_does_not_speak_of_timers_is_refreshed_where_his_trunk_wants_it(open_stage: OpenStage) -> None:
    stage = open_stage(carrier={"session_timer": {"expires": "30m"}})
    session = agreed(stage)
    assert terms(session.answer) == (["1800;refresher=uas"], [], [])
    refresh = is_refreshed(stage, session.caller, 900, "INVITE")
    assert (refresh.body, refresh.get("Session-Expires")) == (session.answer.body, "1800;refresher=uac")
    session.caller.answers(refresh, 200, body=session.caller.party.sdp)
    session.caller.hears("ACK")
    part(session.caller, session.callee)


def test_too_short_an_interval_is_refused(open_stage: OpenStage) -> None:
    """RFC 4028 section 9: 422 with Min-SE; with that he comes again."""
    stage = open_stage(carrier={"session_timer": {"min_se": "10m"}})
    refusal = stage.carrier.calls(PREMISE_ONLY, TIMER, "Session-Expires: 599").hears_refusal(422)
    assert (refusal.reason, refusal.all("Min-SE")) == ("Session Interval Too Small", ["600"])
    session = agreed(stage, (TIMER, "Session-Expires: 600", "Min-SE: 600"))
    assert terms(session.answer) == (["600;refresher=uac"], [], ["timer"])
    part(session.caller, session.callee)


def test_below_ninety_seconds_there_is_none(stage: Stage) -> None:
    """Who doesn't speak of timers himself can't be told: a proxy has put that in, and has none with us."""
    assert stage.carrier.calls(PREMISE_ONLY, TIMER, "Session-Expires: 89").hears_refusal(422).get("Min-SE") == "90"
    session = agreed(stage, ("Session-Expires: 89",))
    assert terms(session.answer) == NONE
    part(session.caller, session.callee)


def test_an_emergency_call_is_not_refused_for_that(open_stage: OpenStage) -> None:
    stage = open_stage(emergency={"called": ["911"], "destinations": ["premise"]})
    caller = stage.carrier.calls("911", TIMER, "Session-Expires: 30")
    callee = stage.premise.is_called()
    callee.says(200)
    caller.hears(100)
    assert terms(caller.hears(200)) == NONE
    caller.ack()
    callee.hears("ACK")
    part(caller, callee)


@WHO
@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
def test_too_short_an_interval_is_refused_within_a_call_too(stage: Stage, who: str, method: str) -> None:
    this, other = one_sided(stage, who, TIMER, refreshed_by_him(who))
    this.asks(method, TIMER, "Session-Expires: 60", body=media(this, 2))
    refusal = this.hears_refusal(422) if method == "INVITE" else this.hears(422)
    assert refusal.get("Min-SE") == "90"
    part(this, other)


def test_the_callee_is_asked_where_its_trunk_wants_it(open_stage: OpenStage) -> None:
    stage = open_stage(premise={"session_timer": {"expires": "30m", "min_se": "10m"}})
    session = agreed(stage)
    assert terms(session.invite) == (["1800"], ["600"], [])
    assert terms(session.answer) == NONE
    refresh = is_refreshed(stage, session.callee, 900, "INVITE")  # he has none: section 7.2
    assert terms(refresh) == (["1800;refresher=uac"], ["600"], [])
    session.callee.answers(refresh, 200, body=session.callee.party.sdp)
    session.callee.hears("ACK")
    part(session.caller, session.callee)


@pytest.mark.parametrize(
    ("says", "after"),
    [("600;refresher=uac", 300), ("7200;refresher=uac", 900), ("600", 300), ("10;refresher=uac", 45)],
)
def test_the_callees_answer_counts(open_stage: OpenStage, says: str, after: int) -> None:
    """It may shorten, to 90 s; one that lengthens is held to what was asked for."""
    stage = open_stage(premise={"session_timer": {"expires": "30m"}})
    session = agreed(stage, answered=(TIMER, ALLOW, f"Session-Expires: {says}"))
    session.callee.answers(is_refreshed(stage, session.callee, after, "UPDATE"), 200)
    part(session.caller, session.callee)


def test_a_target_that_wants_a_longer_one_is_asked_again(open_stage: OpenStage) -> None:
    """RFC 4028 section 7.3. It is the same target still, and the caller hears nothing of it."""
    stage = open_stage(premise={"session_timer": {"expires": "5m"}})
    caller = stage.carrier.calls(PREMISE_ONLY)
    first = stage.premise.is_called()
    assert terms(first.invite) == (["300"], [], [])
    first.refuses(422, "Min-SE: 1800")
    callee = stage.premise.is_called()
    assert terms(callee.invite) == (["1800"], ["1800"], [])
    assert is_the_same_again(callee.invite, first.invite)
    callee.says(200, TIMER, ALLOW, "Session-Expires: 1800;refresher=uac")
    caller.hears(100)
    caller.hears(200)
    caller.ack()
    assert callee.hears("ACK").cseq == callee.invite.cseq
    refresh = is_refreshed(stage, callee, 900, "UPDATE")
    assert terms(refresh) == (["1800;refresher=uac"], ["1800"], [])
    assert refresh.cseq == callee.invite.cseq + 1
    callee.answers(refresh, 200)
    part(caller, callee)
    assert [attempt.code for attempt in stage.record.attempts] == [422, 200]


def is_the_same_again(invite: Wire, before: Wire) -> bool:
    """Whether one INVITE repeats another with other terms (RFC 3261 section 8.1.3.5)."""
    same = all(invite.get(name) == before.get(name) for name in ("Call-ID", "From", "To"))
    return same and invite.cseq == before.cseq + 1 and invite.branch != before.branch


def test_a_target_that_rang_and_then_wants_a_longer_one(stage: Stage) -> None:
    """What rang is over; the next INVITE begins anew under the same Call-ID, and each has its own CANCEL."""
    caller = stage.carrier.calls(PREMISE_ONLY)
    first = stage.premise.is_called()
    first.says(180)
    first.refuses(422, "Min-SE: 600")
    second = stage.premise.is_called()
    assert is_the_same_again(second.invite, first.invite)
    first.asks("INFO")
    first.hears(481, "INFO")
    second.says(180)
    second.asks("INFO")
    caller.hears(100)
    caller.hears(180)
    caller.hears(180)
    caller.answers(caller.hears("INFO"), 200)
    second.hears(200, "INFO")
    second.refuses(422, "Min-SE: 700")
    third = stage.premise.is_called()
    assert is_the_same_again(third.invite, second.invite)
    third.says(180)
    caller.hears(180)
    caller.cancel()
    caller.hears(200, "CANCEL")
    caller.hears_refusal(487)
    assert third.is_cancelled().cseq == third.invite.cseq


def test_a_target_that_asks_who_we_are_and_then_wants_a_longer_one(open_stage: OpenStage) -> None:
    stage = open_stage(FILES, premise=LOGIN)
    caller = stage.carrier.calls(PREMISE_ONLY)
    first = stage.premise.is_called()
    first.refuses(401, asking())
    first.invite = first.hears("INVITE")
    first.refuses(422, "Min-SE: 600")
    callee = stage.premise.is_called()
    assert is_the_same_again(callee.invite, first.invite)
    assert_answers(callee.invite, count=2)
    callee.says(200)
    caller.hears(100)
    caller.hears(200)
    caller.ack()
    assert callee.hears("ACK").cseq == callee.invite.cseq == 3
    part(caller, callee)


def test_a_proxys_interval_may_be_too_short_for_a_target(stage: Stage) -> None:
    caller = stage.carrier.calls(PREMISE_ONLY)
    stage.premise.is_called().refuses(422, "Min-SE: 600")
    callee = stage.premise.is_called()
    assert terms(callee.invite) == (["600"], ["600"], [])
    callee.refuses(486)
    caller.hears(100)
    caller.hears_refusal(486)


@pytest.mark.parametrize(
    "least", [["300", "600", "900"], ["1800", "1800"], ["300", "200"], ["89", "90"], [""], ["x"]], ids=",".join
)
def test_a_target_that_is_never_satisfied(stage: Stage, least: list[str]) -> None:
    """Two more are tried, and only while each is to be longer; the caller, who asked for none, gets 500."""
    caller = stage.carrier.calls(PREMISE_ONLY)
    for each in least:
        stage.premise.is_called().refuses(422, f"Min-SE: {each}")
    caller.hears(100)
    caller.hears_refusal(500)


def test_both_legs_have_their_own(open_stage: OpenStage) -> None:
    stage = open_stage(premise={"session_timer": {"expires": "15m"}})
    session = agreed(stage, (TIMER, "Session-Expires: 1800"), (TIMER, "Session-Expires: 600;refresher=uas"))
    assert terms(session.invite) == (["900"], [], [])
    assert terms(session.answer) == (["1800;refresher=uac"], [], ["timer"])
    part(session.caller, session.callee)


@WHO
def test_a_reinvite_says_on_each_leg_what_holds_there(stage: Stage, who: str) -> None:
    """And refreshes both: who refreshes stays who he was (RFC 4028 section 7.4)."""
    asked = (TIMER, ALLOW, "Session-Expires: 1800;refresher=uac")
    session = agreed(stage, asked, (TIMER, ALLOW, "Session-Expires: 600;refresher=uas"))
    this, other = session[:2] if who == "caller" else session[1::-1]
    mine, theirs = (1800, 600) if who == "caller" else (600, 1800)
    stage.pass_time(500)
    invite = reinvites(this, other, TIMER, f"Session-Expires: {mine};refresher=uac")
    assert terms(invite) == ([f"{theirs};refresher=uas"], [], [])
    other.answers(
        invite, 200, TIMER, "Require: timer", f"Session-Expires: {theirs};refresher=uas", body=media(other, 2)
    )
    assert terms(this.hears(200)) == ([f"{mine};refresher=uac"], [], ["timer"])
    this.ack()
    other.hears("ACK")
    stage.pass_time(560)
    part(this, other)


@WHO
def test_who_forgets_it_in_a_reinvite_has_none_any_more(stage: Stage, who: str) -> None:
    """RFC 4028 section 7.2: a 2xx without Session-Expires ends the timer, and nothing ends the call."""
    this, other = one_sided(stage, who, TIMER, refreshed_by_him(who, 90))
    accepts(other, reinvites(this, other), this)
    stage.pass_time(300)
    part(this, other)


@WHO
def test_who_forgets_it_in_a_reinvite_is_refreshed_by_us_all_the_same(stage: Stage, who: str) -> None:
    this, other = one_sided(stage, who, TIMER, ALLOW, refreshed_by_us(who, 600))
    invite = reinvites(this, other)
    other.answers(invite, 200, body=media(other, 2))
    assert terms(this.hears(200)) == (["600;refresher=uas"], [], [])
    this.ack()
    other.hears("ACK")
    this.answers(is_refreshed(stage, this, 300, "UPDATE"), 200)
    part(this, other)


@WHO
def test_a_peer_who_answers_a_reinvite_without_one_has_none(stage: Stage, who: str) -> None:
    other, this = one_sided(stage, who, TIMER, refreshed_by_him(who, 90))
    invite = reinvites(this, other)
    assert terms(invite) == (["90;refresher=uas"], [], [])
    accepts(other, invite, this)
    stage.pass_time(300)
    part(this, other)


@WHO
def test_a_timer_may_begin_with_a_reinvite(stage: Stage, who: str) -> None:
    caller, callee = stage.connected()
    this, other = (caller, callee) if who == "caller" else (callee, caller)
    invite = reinvites(this, other, TIMER, "Session-Expires: 600;refresher=uas")
    assert terms(invite) == NONE
    other.answers(invite, 200, body=media(other, 2))
    assert terms(this.hears(200)) == (["600;refresher=uas"], [], [])
    this.ack()
    other.hears("ACK")
    refresh = is_refreshed(stage, this, 300, "INVITE")
    assert refresh.body == media(other, 2)
    this.answers(refresh, 200, body=this.party.sdp)
    this.hears("ACK")
    part(this, other)


def test_an_interval_in_an_early_dialog_is_none_yet(stage: Stage) -> None:
    caller, callee = stage.ringing()
    callee.asks("UPDATE", TIMER, "Session-Expires: 600")
    update = caller.hears("UPDATE")
    assert terms(update) == NONE
    caller.answers(update, 200)
    assert terms(callee.hears(200)) == NONE
    callee.says(200)
    caller.hears(200)
    caller.ack()
    callee.hears("ACK")
    part(caller, callee)


@WHO
def test_too_short_for_the_other_side_of_a_reinvite_is_asked_again(stage: Stage, who: str) -> None:
    """The asker did not choose that interval, so he hears 491 and comes again; then it is long enough."""
    other, this = one_sided(stage, who, TIMER, refreshed_by_him(who, 600))
    invite = reinvites(this, other)
    other.answers(invite, 422, "Min-SE: 900")
    other.hears("ACK")
    this.hears_refusal(491)
    invite = reinvites(this, other)
    assert terms(invite) == (["900;refresher=uas"], ["900"], [])
    accepts(other, invite, this)
    part(this, other)
