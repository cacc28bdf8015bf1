"""What stories of a call that stands begin with, told from either side."""

import pytest

from tests.b2bua.leg import Leg
from tests.b2bua.stage import Stage
from tests.end_to_end.wire import Wire, sdp

WHO = pytest.mark.parametrize("who", ["caller", "callee"])


def ends_of(stage: Stage, who: str) -> tuple[Leg, Leg]:
    """This end of a call that stands, and the other."""
    caller, callee = stage.connected()
    return (caller, callee) if who == "caller" else (callee, caller)


def media(leg: Leg, version: int, flow: str = "") -> bytes:
    """The next SDP of this end: ``flow`` is sendonly, inactive ..."""
    host = leg.party.address[0]
    body = sdp(host, session=1000 + int(host.rpartition(".")[2]), version=version)
    return body + f"a={flow}\r\n".encode() if flow else body


def reinvites(this: Leg, other: Leg, *headers: str, body: bytes | None = None) -> Wire:
    """Sends a re-INVITE, which gets its 100 and goes on; returns what the other hears."""
    this.asks("INVITE", *headers, body=media(this, 2) if body is None else body)
    this.hears(100, "INVITE")
    return other.hears("INVITE")


def accepts(other: Leg, invite: Wire, this: Leg, *headers: str) -> None:
    """Answers a re-INVITE with 200, which comes to who asked, and his ACK to who answered."""
    other.answers(invite, 200, *headers, body=media(other, 2))
    this.hears(200, "INVITE")
    this.ack()
    assert other.hears("ACK").cseq == invite.cseq


def part(this: Leg, other: Leg) -> None:
    """The call stands yet, and this end hangs up."""
    this.hears_nothing()
    other.hears_nothing()
    this.hangs_up()
    other.is_hung_up()
