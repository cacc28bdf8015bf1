"""What happens inside a call, over real sockets: hold and resume from either side, DTMF by INFO, and who is gone."""

import pytest

from tests.end_to_end.block import Block
from tests.end_to_end.configuration import front_door
from tests.end_to_end.leg import Leg
from tests.end_to_end.site import Site
from tests.end_to_end.waiting import until
from tests.end_to_end.wire import sdp

NUMBER = "+1800555"
WHO = pytest.mark.parametrize("who", ["caller", "callee"])


def configuration(block: Block) -> str:
    return front_door(block)


def ends_of(site: Site, who: str) -> tuple[Leg, Leg]:
    caller = site.caller(NUMBER)
    callee = site.answered(caller, site.premise)
    return (caller, callee) if who == "caller" else (callee, caller)


@WHO
def test_hold_and_resume(site: Site, who: str) -> None:
    this, other = ends_of(site, who)
    for version, flow in ((2, b"a=sendonly\r\n"), (3, b"a=sendrecv\r\n")):
        offer = sdp(this.phone.host, version=version) + flow
        this.send(this.request("INVITE", body=offer))
        this.expect(100)
        came = other.expect("INVITE")
        assert came.body == offer
        other.reply(came, 200, body=sdp(other.phone.host, version=version))
        this.ack(this.expect(200))
        assert other.expect("ACK").cseq == came.cseq
    site.ends(this, other)


@WHO
def test_a_late_offer(site: Site, who: str) -> None:
    this, other = ends_of(site, who)
    this.send(this.request("INVITE"))
    came = other.expect("INVITE")
    assert came.body == b""
    other.reply(came, 200, body=other.body)
    answered = this.expect(200)
    assert answered.body == other.body
    this.ack(answered, body=this.body)
    assert other.expect("ACK").body == this.body
    site.ends(this, other)


@WHO
def test_dtmf_by_info(site: Site, who: str) -> None:
    this, other = ends_of(site, who)
    for digit in b"123":
        body = b"Signal=%c\r\nDuration=160\r\n" % digit
        this.send(this.request("INFO", [("Content-Type", "application/dtmf-relay")], body))
        came = other.expect("INFO")
        assert (came.body, came.get("Content-Type")) == (body, "application/dtmf-relay")
        other.reply(came, 200)
        this.expect(200, method="INFO")
    site.ends(this, other)


@WHO
def test_both_begin_at_once(site: Site, who: str) -> None:
    this, other = ends_of(site, who)
    this.send(this.request("INVITE", body=this.body))
    came = other.expect("INVITE")
    other.send(other.request("INVITE", body=other.body))
    other.ack(other.expect(491))
    other.reply(came, 491, reason="Request Pending")
    other.expect("ACK")
    this.ack(this.expect(491))
    site.ends(this, other)


@WHO
def test_who_has_lost_the_call_ends_it_on_both_sides(site: Site, who: str) -> None:
    this, other = ends_of(site, who)
    this.send(this.request("UPDATE"))
    other.reply(other.expect("UPDATE"), 481)
    assert this.expect_final("UPDATE").code == 481
    this.hears_of_end()
    other.hears_of_end()
    until(lambda: site.router.metric("calls_active") == 0, "the call to be over")
