"""Who refreshes a session in its time, how, and what it comes to where nobody does (RFC 4028 section 7.4, 10)."""

import pytest

from edge_router.sip.timers import GIVE_UP
from tests.b2bua.conftest import OpenStage
from tests.b2bua.in_call import WHO, accepts, media, part, reinvites
from tests.b2bua.leg import Leg
from tests.b2bua.sessions import (
    ALLOW,
    TIMER,
    agreed,
    both_end,
    is_refreshed,
    one_sided,
    refreshed_by_him,
    refreshed_by_us,
)
from tests.b2bua.stage import CLOUD_FIRST, PREMISE_ONLY, REFERRED, Ear, Stage


@WHO
def test_we_refresh_by_update(stage: Stage, who: str) -> None:
    """At half of the interval, again and again; who refreshes goes on to, and the other side hears nothing."""
    this, other = one_sided(stage, who, TIMER, ALLOW, refreshed_by_us(who, 600))
    for _ in range(3):
        refresh = is_refreshed(stage, this, 300, "UPDATE")
        assert (refresh.body, refresh.all("Session-Expires")) == (b"", ["600;refresher=uac"])
        assert refresh.get("Contact") == "<sip:192.0.2.1:5060>"
        assert "timer" in refresh.get("Supported")
        this.answers(refresh, 200, TIMER, "Session-Expires: 600;refresher=uac")
        other.hears_nothing()
    part(this, other)
    assert stage.record.reason == ""


@WHO
def test_we_refresh_by_reinvite_where_he_does_not_allow_update(stage: Stage, who: str) -> None:
    """With the SDP that he saw last, as it was: it is the same session (RFC 4028 section 7.4)."""
    this, other = one_sided(stage, who, TIMER, "Allow: INVITE, ACK, BYE", refreshed_by_us(who, 600))
    body = other.party.sdp
    for version in (2, 3):
        refresh = is_refreshed(stage, this, 300, "INVITE")
        assert (refresh.body, refresh.get("Content-Type")) == (body, "application/sdp")
        assert refresh.all("Session-Expires") == ["600;refresher=uac"]
        this.answers(refresh, 180)
        answered = this.answers(refresh, 200, TIMER, "Session-Expires: 600;refresher=uac", body=this.party.sdp)
        ack = this.hears("ACK")
        assert (ack.cseq, ack.body) == (refresh.cseq, b"")
        this.party.says(answered)
        assert this.hears("ACK") == ack
        body = media(other, version)
        invite = reinvites(other, this, body=body)
        assert invite.get("Session-Expires") == "600;refresher=uac"
        this.answers(invite, 200, TIMER, "Session-Expires: 600;refresher=uac", body=media(this, version))
        other.hears(200)
        other.ack()
        this.hears("ACK")
    part(this, other)


@WHO
def test_what_was_refused_is_not_what_he_saw_last(stage: Stage, who: str) -> None:
    this, other = one_sided(stage, who, TIMER, refreshed_by_us(who, 600))
    this.answers(reinvites(other, this), 488)
    this.hears("ACK")
    other.hears_refusal(488)
    refresh = is_refreshed(stage, this, 300, "INVITE")
    assert refresh.body == other.party.sdp
    this.answers(refresh, 200, body=this.party.sdp)
    this.hears("ACK")
    part(this, other)


@WHO
def test_after_a_late_offer_it_is_the_answer_that_he_saw(stage: Stage, who: str) -> None:
    lines = (TIMER, refreshed_by_us(who, 600))
    caller = stage.carrier.calls(PREMISE_ONLY, *(lines if who == "caller" else ()), body=b"")
    callee = stage.premise.is_called()
    callee.says(200, *(lines if who == "callee" else ()))
    caller.hears(100)
    caller.hears(200)
    caller.ack(body=stage.carrier.sdp)
    callee.hears("ACK")
    this, other = (caller, callee) if who == "caller" else (callee, caller)
    refresh = is_refreshed(stage, this, 300, "INVITE")
    assert refresh.body == other.party.sdp
    this.answers(refresh, 200, body=this.party.sdp)
    this.hears("ACK")
    part(this, other)


@WHO
def test_he_refreshes_by_update(stage: Stage, who: str) -> None:
    """It is the business of his leg alone, and answered here."""
    this, other = one_sided(stage, who, TIMER, refreshed_by_him(who, 600))
    for _ in range(3):
        stage.pass_time(500)
        this.asks("UPDATE", TIMER, "Session-Expires: 600;refresher=uac", f"Session-ID: {32 * 'a'};remote={32 * '0'}")
        answer = this.hears(200)
        assert (answer.get("Session-Expires"), answer.get("Require")) == ("600;refresher=uac", "timer")
        assert answer.get("Contact") == "<sip:192.0.2.1:5060>"
        other.hears_nothing()
    stage.pass_time(500)
    part(this, other)


@WHO
def test_a_refresh_that_says_more_goes_on(open_stage: OpenStage, who: str) -> None:
    trusted = {"identity": {"accept": True, "send": True}}
    stage = open_stage(carrier=trusted, premise=trusted)
    this, other = one_sided(stage, who, TIMER, refreshed_by_him(who, 600))
    identity = "P-Asserted-Identity: <sip:+13125550111@198.51.100.1>"
    this.asks("UPDATE", TIMER, "Session-Expires: 600;refresher=uac", identity)
    update = other.hears("UPDATE")
    assert update.all("P-Asserted-Identity")
    assert update.all("Session-Expires") == []
    other.answers(update, 200)
    assert this.hears(200).get("Session-Expires") == "600;refresher=uac"
    stage.pass_time(560)
    part(this, other)


@WHO
def test_he_is_elsewhere_by_a_refresh(stage: Stage, who: str) -> None:
    """An UPDATE refreshes the remote target, and so does the answer to ours (RFC 3311 section 5)."""
    this, other = one_sided(stage, who, TIMER, ALLOW, refreshed_by_us(who, 600))
    new = stage.party(this.party.address[0], 5099)
    this.asks("UPDATE", TIMER, "Session-Expires: 600;refresher=uas", f"Contact: <sip:{new.place}>")
    assert this.hears(200).get("Session-Expires") == "600;refresher=uas"
    old, this.party = this.party, new
    refresh = is_refreshed(stage, this, 300, "UPDATE")
    this.answers(refresh, 200, f"Contact: <sip:{old.place}>")
    this.party = old
    part(other, this)


@WHO
def test_who_does_not_refresh_is_gone(stage: Stage, who: str) -> None:
    """BYE to both 32 s before the end of the interval, or a third of it (RFC 4028 section 10)."""
    this, other = one_sided(stage, who, TIMER, refreshed_by_him(who, 600))
    stage.pass_time(600 - 32 - 1)
    this.hears_nothing()
    stage.pass_time(2.1)
    both_end(stage, this, other, f"the session with the {who} was not refreshed within 600 s")


@WHO
def test_who_does_not_refresh_a_short_session_is_gone_after_two_thirds(stage: Stage, who: str) -> None:
    this, other = one_sided(stage, who, TIMER, refreshed_by_him(who, 90))
    stage.pass_time(59.5)
    this.hears_nothing()
    stage.pass_time(1.6)
    both_end(stage, this, other, f"the session with the {who} was not refreshed within 90 s")


@WHO
@pytest.mark.parametrize("code", [408, 481])
def test_who_has_lost_the_call_ends_it(stage: Stage, who: str, code: int) -> None:
    this, other = one_sided(stage, who, TIMER, ALLOW, refreshed_by_us(who))
    this.answers(is_refreshed(stage, this, 900, "UPDATE"), code)
    this.is_hung_up()
    assert other.is_hung_up().all("Reason") == ["Q.850;cause=41"]
    assert stage.record.reason == f"the {who} has lost the call ({code})"


@WHO
@pytest.mark.parametrize("method", ["UPDATE", "INVITE"])
def test_who_says_nothing_ends_it(stage: Stage, who: str, method: str) -> None:
    allow = (ALLOW,) if method == "UPDATE" else ()
    this, other = one_sided(stage, who, TIMER, *allow, refreshed_by_us(who))
    is_refreshed(stage, this, 900, method)
    stage.pass_time(GIVE_UP)
    this.party.unheard = [message for message in this.party.unheard if message.method == "BYE"]
    this.is_hung_up()
    assert other.is_hung_up().all("Reason") == ["Q.850;cause=102"]
    assert stage.record.reason == f"the {who} does not answer any more"


@WHO
def test_a_short_session_does_not_wait_for_the_answer_to_a_refresh(stage: Stage, who: str) -> None:
    """Its time is over before that of the transaction is."""
    this, other = one_sided(stage, who, TIMER, ALLOW, refreshed_by_us(who, 90))
    is_refreshed(stage, this, 45, "UPDATE")
    stage.pass_time(15.2)
    this.party.unheard = [message for message in this.party.unheard if message.method == "BYE"][:1]
    both_end(stage, this, other, f"the session with the {who} was not refreshed within 90 s")
    stage.pass_time(GIVE_UP)
    this.party.unheard.clear()


@WHO
def test_who_rings_at_a_refresh_has_no_more_time(stage: Stage, who: str) -> None:
    """And a 2xx that comes after all gets its ACK."""
    this, other = one_sided(stage, who, TIMER, refreshed_by_us(who))
    refresh = is_refreshed(stage, this, 900, "INVITE")
    this.answers(refresh, 180)
    stage.pass_time(GIVE_UP + 0.1)
    this.is_hung_up()
    other.is_hung_up()
    assert stage.record.reason == f"the {who} does not answer any more"


@WHO
def test_what_can_not_be_sent_is_tried_again(stage: Stage, who: str) -> None:
    this, other = one_sided(stage, who, TIMER, ALLOW, refreshed_by_us(who, 600))
    stage.line.cut.add(this.party.address)
    stage.pass_time(310)
    this.hears_nothing()
    stage.line.cut.clear()
    this.answers(is_refreshed(stage, this, 124, "UPDATE"), 200)
    part(this, other)


@WHO
@pytest.mark.parametrize("method", ["UPDATE", "INVITE"])
def test_who_refuses_a_refresh_is_asked_again_until_it_is_over(stage: Stage, who: str, method: str) -> None:
    """The session is as it was until it expires (RFC 4028 section 10)."""
    allow = (ALLOW,) if method == "UPDATE" else ()
    this, other = one_sided(stage, who, TIMER, *allow, refreshed_by_us(who, 600))
    after: float = 300
    last = 600 - 32
    asked = 0
    passed: float = 0
    began = stage.router.wheel.now
    while last - passed > 16:
        refresh = is_refreshed(stage, this, after, method)
        asked += 1
        this.answers(refresh, 503)
        if method == "INVITE":
            this.hears("ACK")
        passed = stage.router.wheel.now - began
        after = (last - passed) / 2
    assert asked == 5
    stage.pass_time(last - passed + 1.1)
    both_end(stage, this, other, f"the {who} refused to refresh the session (503)")


@WHO
def test_who_refuses_one_refresh_and_takes_the_next_goes_on(stage: Stage, who: str) -> None:
    this, other = one_sided(stage, who, TIMER, ALLOW, refreshed_by_us(who, 600))
    this.answers(is_refreshed(stage, this, 300, "UPDATE"), 500)
    this.answers(is_refreshed(stage, this, 133, "UPDATE"), 200)
    this.answers(is_refreshed(stage, this, 300, "UPDATE"), 200)
    part(this, other)
    assert stage.record.reason == ""


@WHO
def test_a_refresh_may_ask_for_more(stage: Stage, who: str) -> None:
    """422: at once again, as long as its Min-SE says; no more than once for each that is longer."""
    this, other = one_sided(stage, who, TIMER, ALLOW, refreshed_by_us(who, 600))
    this.answers(is_refreshed(stage, this, 300, "UPDATE"), 422, "Min-SE: 1800")
    refresh = this.hears("UPDATE")
    assert (refresh.all("Session-Expires"), refresh.all("Min-SE")) == (["1800;refresher=uac"], ["1800"])
    this.answers(refresh, 422, "Min-SE: 1800")
    this.hears_nothing()
    again = is_refreshed(stage, this, 133, "UPDATE")
    this.answers(again, 200, "Session-Expires: 1800;refresher=uas")
    part(this, other)


@WHO
def test_who_wants_more_with_each_refresh_is_not_asked_without_end(stage: Stage, who: str) -> None:
    """A Min-SE that grows with every 422 would else be as many requests as there are seconds in a day."""
    this, other = one_sided(stage, who, TIMER, ALLOW, refreshed_by_us(who, 600))
    refresh = is_refreshed(stage, this, 300, "UPDATE")
    for least in (601, 602, 603):
        this.answers(refresh, 422, f"Min-SE: {least}")
        if least < 603:
            refresh = this.hears("UPDATE")
    this.hears_nothing()
    again = is_refreshed(stage, this, 133, "UPDATE")
    this.answers(again, 200, "Session-Expires: 603;refresher=uas")
    part(this, other)


def test_a_refresh_says_again_what_is_the_least_for_him(stage: Stage) -> None:
    """RFC 4028 section 7.1: the Min-SE that came with his request, which those between have put up."""
    caller, callee = one_sided(stage, "caller", TIMER, ALLOW, refreshed_by_us("caller", 1200), "Min-SE: 600")
    refresh = is_refreshed(stage, caller, 600, "UPDATE")
    assert refresh.all("Min-SE") == ["600"]
    caller.answers(refresh, 200)
    part(caller, callee)


@WHO
def test_he_may_take_over(stage: Stage, who: str) -> None:
    this, other = one_sided(stage, who, TIMER, ALLOW, refreshed_by_us(who, 600))
    this.answers(is_refreshed(stage, this, 300, "UPDATE"), 200, TIMER, "Session-Expires: 600;refresher=uas")
    stage.pass_time(500)
    this.hears_nothing()
    this.asks("UPDATE", TIMER, "Session-Expires: 600")
    assert this.hears(200).get("Session-Expires") == "600;refresher=uac"
    stage.pass_time(500)
    part(this, other)


@WHO
def test_a_refresh_waits_for_what_is_open(stage: Stage, who: str) -> None:
    this, other = one_sided(stage, who, TIMER, refreshed_by_us(who, 600))
    stage.pass_time(299)
    invite = reinvites(other, this)
    stage.pass_time(3)
    this.party.unheard.clear()  # said again, since he doesn't answer
    this.answers(invite, 200, TIMER, "Session-Expires: 600;refresher=uac", body=media(this, 2))
    other.hears(200)
    stage.pass_time(0.3)
    other.ack()
    this.hears("ACK")
    refresh = is_refreshed(stage, this, 299, "INVITE")
    this.answers(refresh, 200, body=media(this, 2))
    this.hears("ACK")
    part(this, other)


@WHO
@pytest.mark.parametrize("asker", ["this", "other"])
@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
def test_what_meets_a_refresh_waits(stage: Stage, who: str, asker: str, method: str) -> None:
    """491 to an offer of either side while he is asked for an answer (RFC 3261 section 14.2)."""
    this, other = one_sided(stage, who, TIMER, refreshed_by_us(who, 600))
    refresh = is_refreshed(stage, this, 300, "INVITE")
    leg: Leg = this if asker == "this" else other
    leg.asks(method, body=media(leg, 2))
    if method == "INVITE":
        leg.hears_refusal(491)
    else:
        leg.hears(491)
    this.answers(refresh, 200, body=this.party.sdp)
    this.hears("ACK")
    invite = reinvites(leg, other if leg is this else this)
    accepts(other if leg is this else this, invite, leg)
    part(this, other)


@WHO
def test_a_refresh_that_meets_his_own_comes_again(stage: Stage, who: str) -> None:
    """RFC 3261 section 14.1: after 2.1 to 4 s where the Call-ID is ours, else within 2."""
    this, other = one_sided(stage, who, TIMER, refreshed_by_us(who, 600))
    this.answers(is_refreshed(stage, this, 300, "INVITE"), 491)
    this.hears("ACK")
    if who == "callee":
        stage.pass_time(2)
        this.hears_nothing()
    for _ in range(310):
        if this.party.unheard:
            break
        stage.pass_time(0)
    this.answers(this.hears("INVITE"), 200, body=this.party.sdp)
    this.hears("ACK")
    part(this, other)


@WHO
@pytest.mark.parametrize("by", ["this", "other"])
def test_somebody_hangs_up_while_a_refresh_is_open(stage: Stage, who: str, by: str) -> None:
    this, other = one_sided(stage, who, TIMER, refreshed_by_us(who, 600))
    refresh = is_refreshed(stage, this, 300, "INVITE")
    one, two = (this, other) if by == "this" else (other, this)
    part(one, two)
    this.answers(refresh, 200, body=this.party.sdp)
    this.hears("ACK")


def test_a_kept_caller_refreshes_while_the_next_one_rings(stage: Stage) -> None:
    """He is answered already, by us; his session goes on."""
    caller = stage.carrier.calls(REFERRED, TIMER, ALLOW, "Session-Expires: 90;refresher=uas")
    assert caller.hears(200).get("Session-Expires") == "90;refresher=uas"
    caller.ack()
    caller.answers(caller.hears("REFER"), 603)
    callee = stage.premise.is_called()
    callee.says(180)
    caller.asks("UPDATE", TIMER, "Session-Expires: 90;refresher=uas")
    assert caller.hears(200).get("Session-Expires") == "90;refresher=uas"
    caller.answers(is_refreshed(stage, caller, 45, "UPDATE"), 200)
    stage.pass_time(10)
    callee.says(200)
    callee.hears("ACK")
    invite = caller.hears("INVITE")
    assert invite.get("Session-Expires") == "90;refresher=uac"
    caller.answers(invite, 200, TIMER, "Session-Expires: 600;refresher=uac", body=caller.party.sdp)
    caller.hears("ACK")
    caller.answers(is_refreshed(stage, caller, 45, "UPDATE"), 200)
    part(caller, callee)


@WHO
def test_an_answer_to_a_refresh_counts_as_one_of_its_trunk(stage: Stage, who: str) -> None:
    class Meter(Ear):
        def response(self, way: str, method: str, code: int, trunk: str) -> None:
            told.append((way, method, code, trunk))

    told: list[tuple[str, str, int, str]] = []
    this, other = one_sided(stage, who, TIMER, ALLOW, refreshed_by_us(who))
    refresh = is_refreshed(stage, this, 900, "UPDATE")
    stage.router.observer = Meter()
    this.answers(refresh, 200)
    assert told == [("in", "UPDATE", 200, "carrier" if who == "caller" else "premise")]
    stage.router.observer = stage.ear
    part(this, other)


def test_an_attempt_that_failed_has_no_timer(open_stage: OpenStage) -> None:
    stage = open_stage(cloud={"session_timer": {"expires": "90s"}})
    caller = stage.carrier.calls(CLOUD_FIRST)
    caller.hears(100)
    stage.cloud.is_called().refuses(503)
    stage.spare.is_called().refuses(500)
    callee = stage.premise.is_called()
    assert callee.invite.all("Session-Expires") == []
    callee.says(200)
    caller.hears(200)
    caller.ack()
    callee.hears("ACK")
    assert len(stage.router.deadlines) == 0
    part(caller, callee)


def test_a_call_that_is_over_keeps_nothing_waiting(stage: Stage) -> None:
    """Though its session would have gone on for hours."""
    asked = (TIMER, "Session-Expires: 7200")
    for hangs_up in ("caller", "callee"):
        session = agreed(stage, asked, (TIMER, "Session-Expires: 7200;refresher=uas"))
        assert len(stage.router.deadlines) == 2
        this, other = session[:2] if hangs_up == "caller" else session[1::-1]
        part(this, other)
        assert len(stage.router.deadlines) == 0
