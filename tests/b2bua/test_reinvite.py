"""A re-INVITE from either side goes through: hold, resume, other codecs, a late offer; and whatever comes between."""

import pytest

from edge_router.sip.timers import GIVE_UP, T1
from tests.b2bua.in_call import WHO, accepts, ends_of, media, part, reinvites
from tests.b2bua.leg import Leg
from tests.b2bua.stage import PREMISE_ONLY, Stage
from tests.b2bua.test_repetition import DOUBLING, repeated
from tests.end_to_end.wire import Wire


@WHO
def test_hold_and_resume(stage: Stage, who: str) -> None:
    """RFC 3264 §8.4. Each side's SDP reaches the other as it is, its version with it."""
    this, other = ends_of(stage, who)
    for version, mine, yours in [(2, "sendonly", "recvonly"), (3, "sendrecv", "sendrecv")]:
        invite = reinvites(this, other, body=media(this, version, mine))
        assert (invite.body, invite.get("Content-Type")) == (media(this, version, mine), "application/sdp")
        assert (invite.get("Call-ID"), invite.get("From"), invite.get("To")) == (
            other.call_id,
            other.remote,
            other.local,
        )
        this.hears_nothing()
        other.answers(invite, 200, body=media(other, version, yours))
        other.hears_nothing()
        answer = this.hears(200, "INVITE")
        assert (answer.body, answer.get("Content-Type")) == (media(other, version, yours), "application/sdp")
        this.ack()
        ack = other.hears("ACK")
        assert (ack.cseq, ack.body) == (invite.cseq, b"")
    part(this, other)
    assert stage.record.reason == ""


@WHO
def test_many_of_them(stage: Stage, who: str) -> None:
    this, other = ends_of(stage, who)
    for _ in range(20):
        for asker, asked in ((this, other), (other, this)):
            accepts(asked, reinvites(asker, asked), asker)
            stage.pass_time(3)
    part(this, other)


def test_an_hour_of_them_leaves_nothing_behind(stage: Stage) -> None:
    caller, callee = stage.connected()
    for _ in range(500):
        for asker, asked in ((caller, callee), (callee, caller)):
            accepts(asked, reinvites(asker, asked), asker)
            stage.pass_time(3.6)
            assert stage.router.counts()["transactions"] <= 2 * 10
    stage.pass_time(GIVE_UP + 5)
    assert stage.router.counts() == {"transactions": 0, "dialogs": 2, "calls": 1, "timers": 0}
    part(caller, callee)


@WHO
def test_a_late_offer(stage: Stage, who: str) -> None:
    this, other = ends_of(stage, who)
    invite = reinvites(this, other, body=b"")
    assert (invite.body, invite.all("Content-Type")) == (b"", [])
    answered = other.answers(invite, 200, body=media(other, 2))
    assert this.hears(200).body == media(other, 2)
    this.ack(body=media(this, 2))
    ack = other.hears("ACK")
    assert (ack.body, ack.get("Content-Type"), ack.cseq) == (media(this, 2), "application/sdp", invite.cseq)
    other.party.says(answered)
    assert other.hears("ACK") == ack
    part(this, other)


@WHO
def test_hold_and_resume_after_a_late_offer_in_the_first_invite(stage: Stage, who: str) -> None:
    caller = stage.carrier.calls(PREMISE_ONLY, body=b"")
    callee = stage.premise.is_called()
    callee.says(200)
    caller.hears(100)
    caller.hears(200)
    caller.ack(body=stage.carrier.sdp)
    assert callee.hears("ACK").body == stage.carrier.sdp
    this, other = (caller, callee) if who == "caller" else (callee, caller)
    for flow in ("sendonly", "sendrecv"):
        invite = reinvites(this, other, body=media(this, 2, flow))
        assert invite.body == media(this, 2, flow)
        accepts(other, invite, this)
    part(this, other)


@WHO
def test_provisional_answers_cross(stage: Stage, who: str) -> None:
    this, other = ends_of(stage, who)
    invite = reinvites(this, other)
    other.answers(invite, 100)
    this.hears_nothing()
    other.answers(invite, 183, "User-to-User: 00", body=media(other, 2))
    progress = this.hears(183)
    assert (progress.body, progress.get("User-to-User")) == (media(other, 2), "00")
    assert progress.get("Contact") == "<sip:192.0.2.1:5060>"
    other.answers(invite, 180)
    this.hears(180)
    accepts(other, invite, this)
    part(this, other)


@WHO
def test_of_provisional_answers_without_end_only_some_are_heard(stage: Stage, who: str) -> None:
    this, other = ends_of(stage, who)
    invite = reinvites(this, other)
    for _ in range(120):
        other.answers(invite, 180)
    this.party.unheard = this.party.unheard[100:]
    this.hears_nothing()
    accepts(other, invite, this)
    part(this, other)


@WHO
def test_the_timestamp_comes_back_in_the_100(stage: Stage, who: str) -> None:
    this, other = ends_of(stage, who)
    this.asks("INVITE", "Timestamp: 54.2", body=media(this, 2))
    assert this.hears(100).get("Timestamp") == "54.2"
    accepts(other, other.hears("INVITE"), this)
    part(this, other)


@WHO
@pytest.mark.parametrize("code", [403, 415, 480, 486, 488, 491, 500, 503, 606])
def test_a_refused_one_leaves_the_call_as_it_was(stage: Stage, who: str, code: int) -> None:
    this, other = ends_of(stage, who)
    invite = reinvites(this, other)
    other.answers(invite, code, "Reason: Q.850;cause=65", reason="No, thanks")
    other.hears("ACK")
    refusal = this.hears_refusal(code)
    assert (refusal.start, refusal.get("Reason")) == (f"SIP/2.0 {code} No, thanks", "Q.850;cause=65")
    accepts(other, reinvites(this, other), this)
    accepts(this, reinvites(other, this), other)
    part(this, other)
    assert stage.record.reason == ""


@WHO
@pytest.mark.parametrize("code", [408, 481])
def test_who_has_lost_the_call_ends_it_on_both_sides(stage: Stage, who: str, code: int) -> None:
    """RFC 3261 §14.1, §12.2.1.2."""
    this, other = ends_of(stage, who)
    invite = reinvites(this, other)
    other.answers(invite, code)
    other.hears("ACK")
    this.hears_refusal(code)
    this.is_hung_up()
    other.is_hung_up()
    assert (stage.record.outcome, stage.record.ended_by) == ("answered", "router")


@WHO
def test_who_does_not_answer_ends_it_on_both_sides(stage: Stage, who: str) -> None:
    this, other = ends_of(stage, who)
    invite = reinvites(this, other)
    stage.pass_time(GIVE_UP)
    for _ in range(6):
        assert other.hears("INVITE") == invite
    this.hears_refusal(408)
    this.is_hung_up()
    assert other.is_hung_up().get("Reason") == "Q.850;cause=102"
    record = stage.record
    assert (record.outcome, record.ended_by, record.cause) == ("answered", "router", 102)
    lost = "callee" if who == "caller" else "caller"
    assert record.reason == f"the {lost} does not answer any more"


@WHO
def test_who_rings_may_take_his_time(stage: Stage, who: str) -> None:
    this, other = ends_of(stage, who)
    invite = reinvites(this, other)
    for _ in range(5):
        other.answers(invite, 180)
        this.hears(180)
        stage.pass_time(150)
    accepts(other, invite, this)
    part(this, other)


@WHO
@pytest.mark.parametrize("answers", [True, False])
def test_who_rings_and_then_says_nothing_is_cancelled(stage: Stage, who: str, answers: bool) -> None:
    """As a proxy's Timer C has it (RFC 3261 §16.8): after more than three minutes."""
    this, other = ends_of(stage, who)
    invite = reinvites(this, other)
    other.answers(invite, 100)
    stage.pass_time(180)
    other.hears_nothing()
    stage.pass_time(12.3)
    cancel = other.hears("CANCEL")
    other.answers(cancel, 200)
    if answers:
        other.answers(invite, 487)
        other.hears("ACK")
        this.hears_refusal(487)
        part(this, other)
        return
    stage.pass_time(GIVE_UP)
    this.hears_refusal(408)
    this.is_hung_up()
    other.is_hung_up()


# ------------------------------------------------------------------------------------------------ its ACK


@WHO
def test_the_answer_is_said_again_until_the_ack_comes(stage: Stage, who: str) -> None:
    this, other = ends_of(stage, who)
    invite = reinvites(this, other)
    answered = other.answers(invite, 200, body=media(other, 2))
    first = this.hears(200)
    stage.pass_time(T1)
    assert this.hears(200) == first
    other.party.says(answered)
    other.hears_nothing()  # there is no ACK before the asker's
    this.hears_nothing()
    this.party.says(this.request("ACK", seq=first.cseq - 1))  # which is another's
    stage.pass_time(2 * T1)
    assert this.hears(200) == first
    other.hears_nothing()
    this.ack()
    ack = other.hears("ACK")
    stage.pass_time(GIVE_UP / 2)
    this.ack()
    other.party.says(answered)
    assert other.hears("ACK") == ack
    part(this, other)


@WHO
@pytest.mark.parametrize("body", [None, b""], ids=["offer", "late offer"])
def test_an_answer_that_is_never_acknowledged_ends_the_call(stage: Stage, who: str, body: bytes | None) -> None:
    """RFC 3261 §14.2, §13.3.1.4."""
    this, other = ends_of(stage, who)
    invite = reinvites(this, other, body=body)
    other.answers(invite, 200, body=media(other, 2))
    this.hears(200)
    assert repeated(stage, this, 200) == DOUBLING
    assert other.hears("ACK").cseq == invite.cseq
    for leg in (other, this):
        assert leg.is_hung_up().get("Reason") == "Q.850;cause=102"
    record = stage.record
    assert (record.outcome, record.ended_by, record.cause) == ("answered", "router", 102)
    assert record.reason == f"the {who} never acknowledged the answer to his re-INVITE"


@WHO
@pytest.mark.parametrize("acknowledges", [True, False])
def test_the_other_side_hangs_up_before_the_ack(stage: Stage, who: str, acknowledges: bool) -> None:
    """The BYE waits for the ACK, or for its last moment (RFC 3261 §15)."""
    this, other = ends_of(stage, who)
    invite = reinvites(this, other)
    other.answers(invite, 200, body=media(other, 2))
    this.hears(200)
    other.hangs_up()
    assert other.hears("ACK").cseq == invite.cseq
    this.hears_nothing()
    if acknowledges:
        this.ack()
    else:
        assert repeated(stage, this, 200) == DOUBLING
    this.is_hung_up()


@WHO
def test_the_asker_hangs_up_in_the_place_of_the_ack(stage: Stage, who: str) -> None:
    this, other = ends_of(stage, who)
    invite = reinvites(this, other)
    answered = other.answers(invite, 200, body=media(other, 2))
    this.hears(200)
    this.hangs_up()
    ack = other.hears("ACK")
    other.is_hung_up()
    other.party.says(answered)
    assert other.hears("ACK") == ack
    stage.pass_time(GIVE_UP)
    this.hears_nothing()


# ------------------------------------------------------------------------------------------------ where they are


@WHO
def test_both_may_be_elsewhere_by_now(stage: Stage, who: str) -> None:
    """RFC 3261 §12.2.1.2, §12.2.2: the Contact of the request and of its 2xx is where each is from then on."""
    this, other = ends_of(stage, who)
    mine, yours = (f"Contact: <sip:{leg.party.address[0]}:5070>" for leg in (this, other))
    invite = reinvites(this, other, mine)
    other.answers(invite, 200, yours, body=media(other, 2))
    this.hears(200)
    moves(stage, other)
    this.ack()
    assert other.hears("ACK").uri.endswith(":5070")
    moves(stage, this)
    accepts(this, reinvites(other, this), other)
    part(this, other)


def moves(stage: Stage, leg: Leg) -> None:
    leg.party = stage.party(leg.party.address[0], 5070)


@WHO
def test_an_update_says_where_they_are_too(stage: Stage, who: str) -> None:
    """RFC 3311 §5.1."""
    this, other = ends_of(stage, who)
    mine, yours = (f"Contact: <sip:{leg.party.address[0]}:5070>" for leg in (this, other))
    this.asks("UPDATE", mine)
    other.answers(other.hears("UPDATE"), 200, yours)
    this.hears(200)
    moves(stage, this)
    moves(stage, other)
    accepts(other, reinvites(this, other), this)
    part(this, other)


@WHO
@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
def test_one_that_is_refused_moves_nobody(stage: Stage, who: str, method: str) -> None:
    this, other = ends_of(stage, who)
    contact = f"Contact: <sip:{this.party.address[0]}:5070>"
    if method == "INVITE":
        other.answers(reinvites(this, other, contact), 488, contact)
        other.hears("ACK")
        this.hears_refusal(488)
    else:
        this.asks("UPDATE", contact)
        other.answers(other.hears("UPDATE"), 488, contact)
        this.hears(488)
    accepts(this, reinvites(other, this), other)
    part(this, other)


@WHO
@pytest.mark.parametrize("contact", ["<mailto:nowhere>", "<sip:>", ""])
def test_a_contact_that_is_no_place_changes_nothing(stage: Stage, who: str, contact: str) -> None:
    this, other = ends_of(stage, who)
    accepts(other, reinvites(this, other, f"Contact: {contact}"), this)
    other.hangs_up()
    this.is_hung_up()


# ------------------------------------------------------------------------------------------------ CANCEL


def cancels(leg: Leg, invite: Wire, *headers: str) -> None:
    """Sends the CANCEL of a re-INVITE, and hears 200 to it."""
    message = leg.request("CANCEL", *headers, branch=invite.branch, seq=invite.cseq)
    message.start = f"CANCEL {invite.uri} SIP/2.0"
    leg.party.says(message)
    answer = leg.hears(200, "CANCEL")
    assert answer.get("To") == message.get("To")


@WHO
@pytest.mark.parametrize("rings", ["before", "after"])
def test_a_cancel_goes_on_and_the_call_stands(stage: Stage, who: str, rings: str) -> None:
    """Towards the other side it waits for a provisional answer (RFC 3261 §9.1)."""
    this, other = ends_of(stage, who)
    asked = this.asks("INVITE", body=media(this, 2))
    this.hears(100)
    invite = other.hears("INVITE")
    if rings == "before":
        other.answers(invite, 180)
        this.hears(180)
    cancels(this, asked, "Reason: SIP;cause=487")
    if rings == "after":
        other.hears_nothing()
        other.answers(invite, 100)
    cancel = other.hears("CANCEL")
    assert (cancel.branch, cancel.cseq, cancel.get("Reason")) == (invite.branch, invite.cseq, "SIP;cause=487")
    this.hears_nothing()
    other.answers(cancel, 200)
    other.answers(invite, 487)
    other.hears("ACK")
    this.hears_refusal(487)
    accepts(other, reinvites(this, other), this)
    part(this, other)


@WHO
def test_an_answer_that_crosses_the_cancel_stands(stage: Stage, who: str) -> None:
    """Both sides have the new session, so that neither hears what the other does not."""
    this, other = ends_of(stage, who)
    asked = this.asks("INVITE", body=media(this, 2))
    this.hears(100)
    invite = other.hears("INVITE")
    other.answers(invite, 100)
    cancels(this, asked)
    cancel = other.hears("CANCEL")
    accepts(other, invite, this)
    other.answers(cancel, 200)
    part(this, other)


@WHO
def test_a_cancel_that_comes_too_late_changes_nothing(stage: Stage, who: str) -> None:
    this, other = ends_of(stage, who)
    asked = this.asks("INVITE", body=media(this, 2))
    this.hears(100)
    accepts(other, other.hears("INVITE"), this)
    cancels(this, asked)
    part(this, other)


@WHO
def test_a_cancel_by_a_stranger_cancels_nothing(stage: Stage, who: str) -> None:
    this, other = ends_of(stage, who)
    asked = this.asks("INVITE", body=media(this, 2))
    this.hears(100)
    invite = other.hears("INVITE")
    other.answers(invite, 100)
    cancel = this.request("CANCEL", branch=asked.branch, seq=asked.cseq)
    stage.router.receive(cancel.encode(), ("203.0.113.66", 5060), stage.line)
    assert stage.ear.refused == {"CANCEL from another source": 1}
    other.hears_nothing()
    cancels(this, asked)
    other.answers(other.hears("CANCEL"), 200)
    accepts(other, invite, this)
    part(this, other)


@WHO
@pytest.mark.parametrize("heard", [True, False])
def test_who_answers_no_cancel_ends_the_call_on_both_sides(stage: Stage, who: str, heard: bool) -> None:
    this, other = ends_of(stage, who)
    asked = this.asks("INVITE", body=media(this, 2))
    this.hears(100)
    invite = other.hears("INVITE")
    other.answers(invite, 100)
    cancels(this, asked)
    cancel = other.hears("CANCEL")
    if heard:
        other.answers(cancel, 200)
    stage.pass_time(GIVE_UP)
    other.party.unheard = [each for each in other.party.unheard if each.method != "CANCEL"]
    this.hears_refusal(408)
    this.is_hung_up()
    other.is_hung_up()


# ------------------------------------------------------------------------------------------------ BYE


@WHO
@pytest.mark.parametrize("ends", ["this", "other"])
@pytest.mark.parametrize("then", [200, 487, None])
@pytest.mark.parametrize("rang", [True, False])
def test_somebody_hangs_up_while_one_is_open(stage: Stage, who: str, ends: str, then: int | None, rang: bool) -> None:
    """RFC 3261 §15.1.2; and every 2xx gets its ACK, whatever has become of the call."""
    this, other = ends_of(stage, who)
    invite = reinvites(this, other)
    if rang:
        other.answers(invite, 180)
        this.hears(180)
    if ends == "this":
        this.asks("BYE")
        this.hears(200, "BYE")
        this.hears_refusal(487)
        other.is_hung_up()
    else:
        other.hangs_up()
        this.hears_refusal(487)
        this.is_hung_up()
    if then is not None:
        answered = other.answers(invite, then, body=media(other, 2) if then == 200 else b"")
        ack = other.hears("ACK")
        assert ack.cseq == invite.cseq
        other.party.says(answered)
        assert other.hears("ACK").cseq == invite.cseq
    elif not rang:
        stage.pass_time(GIVE_UP)
        other.party.unheard.clear()
    this.hears_nothing()
    assert (stage.record.outcome, stage.record.ended_by) == (
        "answered",
        who if ends == "this" else {"caller": "callee", "callee": "caller"}[who],
    )


@WHO
def test_both_hang_up_while_one_is_open(stage: Stage, who: str) -> None:
    this, other = ends_of(stage, who)
    invite = reinvites(this, other)
    this.asks("BYE")
    this.hears(200, "BYE")
    this.hears_refusal(487)
    bye = other.hears("BYE")
    other.asks("BYE")
    other.hears(481, "BYE")
    other.answers(bye, 481)
    other.answers(invite, 481)
    other.hears("ACK")


@WHO
def test_a_stop_that_can_not_wait(stage: Stage, who: str) -> None:
    this, other = ends_of(stage, who)
    invite = reinvites(this, other)
    stage.router.interrupt()
    this.hears_refusal(487)
    this.is_hung_up()
    other.is_hung_up()
    other.answers(invite, 487)
    other.hears("ACK")
    assert stage.record.outcome == "interrupted"
