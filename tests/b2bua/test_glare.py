"""Negotiations that meet: one of the other side's, one of the same side's, one right behind an ACK or before it."""

import pytest

from tests.b2bua.in_call import WHO, accepts, ends_of, media, part, reinvites
from tests.b2bua.leg import Leg
from tests.b2bua.stage import PREMISE_ONLY, Stage
from tests.end_to_end.wire import Wire

OFFERS = pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
"""What bears an offer."""


def offers(leg: Leg, method: str) -> None:
    leg.asks(method, body=media(leg, 2))


def hears_pending(leg: Leg, method: str, code: int) -> Wire:
    """Its offer is refused for now."""
    answer = leg.hears(code, method)
    if method == "INVITE":
        leg.ack()
    if code == 500:
        assert 0 <= int(answer.get("Retry-After")) <= 10
    return answer


def begins(this: Leg, other: Leg, method: str) -> Wire:
    """Offers something, which goes on; returns what the other hears."""
    offers(this, method)
    if method == "INVITE":
        this.hears(100)
    return other.hears(method)


def ends(this: Leg, other: Leg, came: Wire) -> None:
    """It is accepted, and over."""
    if came.method == "INVITE":
        accepts(other, came, this)
    else:
        other.answers(came, 200, body=media(other, 2))
        this.hears(200, "UPDATE")


@WHO
@OFFERS
@pytest.mark.parametrize("theirs", ["INVITE", "UPDATE"])
def test_where_both_begin_at_once_both_hear_of_it(stage: Stage, who: str, method: str, theirs: str) -> None:
    """RFC 3261 §14.2, RFC 3311 §5.2. Who began hears it of the other side, since that has one open, too."""
    this, other = ends_of(stage, who)
    came = begins(this, other, method)
    offers(other, theirs)
    hears_pending(other, theirs, 491)
    this.hears_nothing()
    other.answers(came, 491)
    if method == "INVITE":
        other.hears("ACK")
    hears_pending(this, method, 491)
    ends(other, this, begins(other, this, theirs))
    ends(this, other, begins(this, other, method))
    part(this, other)


@WHO
@OFFERS
@pytest.mark.parametrize("second", ["INVITE", "UPDATE"])
def test_the_next_one_of_the_same_side_waits_for_the_answer(stage: Stage, who: str, method: str, second: str) -> None:
    """RFC 3261 §14.2, RFC 3311 §5.2."""
    this, other = ends_of(stage, who)
    came = begins(this, other, method)
    offers(this, second)
    hears_pending(this, second, 500)
    other.hears_nothing()
    ends(this, other, came)
    ends(this, other, begins(this, other, second))
    part(this, other)


@WHO
def test_an_update_without_an_offer_meets_nothing_but_another(stage: Stage, who: str) -> None:
    this, other = ends_of(stage, who)
    invite = reinvites(this, other)
    for asker, asked in ((this, other), (other, this)):
        asker.asks("UPDATE")
        came = asked.hears("UPDATE")
        asker.asks("UPDATE")
        hears_pending(asker, "UPDATE", 500)
        asked.answers(came, 200)
        asker.hears(200, "UPDATE")
    accepts(other, invite, this)
    part(this, other)


@WHO
def test_an_info_meets_nothing(stage: Stage, who: str) -> None:
    this, other = ends_of(stage, who)
    invite = reinvites(this, other)
    for asker, asked in ((this, other), (other, this)):
        asker.asks("INFO")
        asked.answers(asked.hears("INFO"), 200)
        asker.hears(200, "INFO")
    accepts(other, invite, this)
    part(this, other)


@WHO
@OFFERS
def test_who_has_not_heard_the_ack_of_his_answer_waits_for_it(stage: Stage, who: str, method: str) -> None:
    this, other = ends_of(stage, who)
    invite = reinvites(this, other)
    other.answers(invite, 200, body=media(other, 2))
    this.hears(200)
    offers(other, method)
    hears_pending(other, method, 491)
    this.hears_nothing()
    this.ack()
    other.hears("ACK")
    ends(other, this, begins(other, this, method))
    part(this, other)


# ------------------------------------------------------------------------------------------------ behind the ACK


@WHO
@OFFERS
def test_one_right_behind_the_ack(stage: Stage, who: str, method: str) -> None:
    this, other = ends_of(stage, who)
    accepts(other, reinvites(this, other), this)
    ends(this, other, begins(this, other, method))
    part(this, other)


@WHO
@OFFERS
@pytest.mark.parametrize("lost", [True, False])
def test_one_in_the_place_of_the_ack(stage: Stage, who: str, method: str, lost: bool) -> None:
    """RFC 5407 §3.1: his ACK is lost, or comes later; what he sends shows that he has the answer."""
    this, other = ends_of(stage, who)
    first = reinvites(this, other)
    other.answers(first, 200, body=media(other, 2))
    answer = this.hears(200)
    late = this.request("ACK", seq=answer.cseq)
    offers(this, method)
    assert other.hears("ACK").cseq == first.cseq
    if method == "INVITE":
        this.hears(100)
    came = other.hears(method)
    if not lost:
        this.party.says(late)
        other.hears_nothing()
    stage.pass_time(2)
    if method == "INVITE":
        this.hears_nothing()  # the first answer isn't said again
    other.party.unheard.clear()
    ends(this, other, came)
    part(this, other)


@WHO
@OFFERS
def test_one_before_the_ack_that_bears_the_answer_waits_for_it(stage: Stage, who: str, method: str) -> None:
    """A late offer: what is offered has no answer yet."""
    this, other = ends_of(stage, who)
    invite = reinvites(this, other, body=b"")
    other.answers(invite, 200, body=media(other, 2))
    answer = this.hears(200)
    offers(this, method)
    hears_pending(this, method, 491)
    other.hears_nothing()
    this.final = answer
    this.ack(body=media(this, 2))
    assert other.hears("ACK").body == media(this, 2)
    ends(this, other, begins(this, other, method))
    part(this, other)


@OFFERS
@pytest.mark.parametrize("body", [None, b""], ids=["offer", "late offer"])
def test_one_before_the_ack_of_the_first_invite(stage: Stage, method: str, body: bytes | None) -> None:
    caller = stage.carrier.calls(PREMISE_ONLY, body=body)
    callee = stage.premise.is_called()
    callee.says(200)
    caller.hears(100)
    first = caller.hears(200)
    if body is None:
        offers(caller, method)
        assert callee.hears("ACK").cseq == 1
        if method == "INVITE":
            caller.hears(100)
        ends(caller, callee, callee.hears(method))
    else:
        offers(caller, method)
        hears_pending(caller, method, 491)
        callee.hears_nothing()
        caller.final = first
        caller.ack(body=stage.carrier.sdp)
        assert callee.hears("ACK").body == stage.carrier.sdp
    part(caller, callee)


@OFFERS
def test_a_callees_before_the_ack_of_his_first_answer(stage: Stage, method: str) -> None:
    caller, callee = stage.ringing()
    callee.says(200)
    caller.hears(200)
    offers(callee, method)
    hears_pending(callee, method, 491)
    caller.hears_nothing()
    caller.ack()
    callee.hears("ACK")
    ends(callee, caller, begins(callee, caller, method))
    part(caller, callee)


def test_a_request_that_offers_nothing_is_no_ack(stage: Stage) -> None:
    caller, callee = stage.ringing()
    callee.says(200)
    caller.hears(200)
    caller.asks("INFO")
    callee.answers(callee.hears("INFO"), 200)
    caller.hears(200, "INFO")
    stage.carrier.says(caller.request("ACK", seq=1))
    callee.hears("ACK")
    part(caller, callee)
