"""The two ends of calls on paper, with the messages of SIPp's load scenarios."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from bench import sipp
from bench.places import CALLED, SIP_PORT
from bench.rig import PLACES, Rig
from bench.scenario import header_lines, templates

_CARRIER: Final = (PLACES.carrier, SIP_PORT)
_PREMISE: Final = (PLACES.premise, SIP_PORT)

Step = Iterator[None]
"""A call under way: each step is one datagram to the router."""

UNTIL_HELD: Final = 5
"""Steps of a bridged call up to its ACK."""


class Ends:
    """The two ends of each call, with SIPp's own messages."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self._invite, self._ack, self._bye = templates(sipp.BRIDGED)
        *self._answers, self._bye_ok = templates(sipp.ANSWERING)
        self._redirected_invite, self._redirected_ack = templates(sipp.REDIRECTED)
        self._device = rig.wire.host

    def bridged(self, number: int) -> Step:
        """A whole call, from INVITE to the 200 of BYE."""
        receive = self._rig.receive
        carrier = self._values(number, PLACES.carrier)
        premise = self._values(number, PLACES.premise)
        sent = receive("INVITE", self._invite.render(carrier), _CARRIER)
        invite = header_lines(_the(sent, b"INVITE "))
        yield
        for kind, answer in zip(("100", "180", "200"), self._answers, strict=True):
            sent = receive(kind, answer.render(premise, invite), _PREMISE)
            if kind == "200":
                answered = header_lines(_the(sent, b"SIP/2.0 200"))
                carrier["peer_tag_param"] = ";tag=" + answered["to"][0].rpartition(";tag=")[2]
                carrier["$target"] = answered["contact"][0].partition("<")[2].partition(">")[0]
            yield
        carrier["branch"] += "a"
        receive("ACK", self._ack.render(carrier), _CARRIER)
        yield
        carrier["branch"] += "b"
        sent = receive("BYE", self._bye.render(carrier), _CARRIER)
        bye = header_lines(_the(sent, b"BYE "))
        yield
        receive("200 (BYE)", self._bye_ok.render(premise, bye), _PREMISE)

    def redirected(self, number: int) -> Step:
        """INVITE, 302, ACK."""
        carrier = self._values(number, PLACES.carrier)
        carrier["branch-3"] = carrier["branch"]
        sent = self._rig.receive("INVITE", self._redirected_invite.render(carrier), _CARRIER)
        refused = header_lines(_the(sent, b"SIP/2.0 302"))
        carrier["peer_tag_param"] = ";tag=" + refused["to"][0].rpartition(";tag=")[2]
        yield
        self._rig.receive("ACK", self._redirected_ack.render(carrier), _CARRIER)

    def _values(self, number: int, local: str) -> dict[str, str]:
        """SIPp's keywords for one end of a call."""
        return {
            "service": CALLED,
            "transport": "UDP",
            "remote_ip": self._device,
            "remote_port": str(SIP_PORT),
            "local_ip": local,
            "local_port": str(SIP_PORT),
            "pid": "4711",
            "call_number": str(number),
            "call_id": f"{number}-4711@{local}",
            "branch": f"z9hG4bK-4711-{number}-0",
            "routes": "",
            "peer_tag_param": "",
        }


def _the(sent: list[bytes], start: bytes) -> bytes:
    """The one datagram among those sent that starts like this."""
    for datagram in sent:
        if datagram.startswith(start):
            return datagram
    raise LookupError(f"the router sent no {start.decode()}but {[one.partition(b' SIP')[0] for one in sent]}")
