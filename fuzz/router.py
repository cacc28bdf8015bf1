"""What must hold of any datagrams, whoever of those that the router knows sends them, in whatever state its calls are.

The router is that of the SIPp scenarios, without a socket and on a clock of ours. Its tags and branches are the same
each time, so a seed can hold a whole call, and what was found happens again.
"""

from __future__ import annotations

import logging
from functools import cache
from typing import Final

from edge_router.b2bua.reports.events import Silence
from edge_router.b2bua.router import Router
from edge_router.config.build import build
from edge_router.config.loading import examine
from edge_router.config.models import Config
from edge_router.net.udp import UdpListener
from edge_router.sip import tokens
from edge_router.sip.message import Request, parse
from edge_router.sip.remember import forget_readings
from fuzz.message import WIDER
from fuzz.seeds import ROOT

HERE: Final = ("127.0.0.10", 5060)
SOURCES: Final = (("127.0.0.12", 5060), ("127.0.0.13", 5060), ("127.0.0.14", 5060), ("127.0.0.99", 5060))
"""The carrier, the premise, the cloud, and a stranger."""

_TOKENS: Final = "".join(f"{number * 0x9E3779B97F4A7C15 % 2**64:016x}" for number in range(1, 2_000))
_LONG: Final = 2_000  # seconds: no transaction, no timeout of a call that isn't answered lasts as long
_STEP: Final = 4.0
END: Final = b"\0\0\0"
"""What stands between two datagrams of an input."""
PAUSE: Final = 32
"""Is set in the octet in front of a datagram before which some seconds pass."""
_MOST: Final = 12


class Wire(UdpListener):
    """A listener whose datagrams stay here."""

    def __init__(self) -> None:
        super().__init__("pstn", *HERE)
        self.sent: list[bytes] = []

    def send(self, data: bytes, address: tuple[str, int]) -> bool:
        """Notes what would be sent."""
        self.sent.append(data)
        return True


class Complaints(logging.Handler):
    """What the router says of faults of its own."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Notes it, with where it happened."""
        self.said.append(logging.Formatter().format(record))


class Stage:
    """A router in a world of its own."""

    def __init__(self) -> None:
        forget_readings()
        tokens._supply.digits, tokens._supply.next = _TOKENS, 0
        self.now = 1_000.0
        self.wire = Wire()
        routing = build(_config(), lambda: self.now)
        self.router = Router(routing, {"pstn": self.wire}, Silence(), lambda: self.now)

    def receive(self, data: bytes, source: tuple[str, int]) -> list[bytes]:
        """Takes a datagram in; returns what is sent for it."""
        self.wire.sent.clear()
        self.router.receive(data, source, self.wire)
        return list(self.wire.sent)

    def pass_time(self, seconds: float) -> list[bytes]:
        """Lets the clock go on; returns what is sent meanwhile."""
        self.wire.sent.clear()
        until = self.now + seconds
        while self.now < until:
            self.now += _STEP
            self.router.tick()
        return list(self.wire.sent)


@cache
def _config() -> Config:
    examined = examine(ROOT / "sipp_scenarios" / "edge-router.yaml")
    assert examined.config is not None, examined.faults
    return examined.config


def check_router(data: bytes) -> bool:
    """Whether anything was sent; raises AssertionError where something doesn't hold.

    The datagrams stand behind each other, each with an octet in front that says who sends it: a quarter of its values
    for each of SOURCES. Where PAUSE is set in it, some seconds pass before.
    """
    complaints = Complaints()
    log = logging.getLogger("edge_router")
    log.addHandler(complaints)
    try:
        stage = Stage()
        sent = 0
        for each in datagrams(data):
            if each[0] & PAUSE:
                _check_sent(stage.pass_time(_STEP))
            answers = stage.receive(each[1:], SOURCES[each[0] % len(SOURCES)])
            _check_sent(answers)
            sent += len(answers)
        _check_sent(stage.pass_time(_LONG))
        counts = stage.router.counts()
        assert counts["calls"] or not any(counts.values()), counts
        assert counts["transactions"] == 0, counts
    finally:
        log.removeHandler(complaints)
    assert not complaints.said, complaints.said[0]
    return sent > 0


def datagrams(data: bytes) -> list[bytes]:
    """The datagrams in an input, each with its octet in front; a dozen at the most."""
    return [each for each in data.split(END)[:_MOST] if each]


def _check_sent(sent: list[bytes]) -> None:
    for data in set(sent):
        message = parse(data, WIDER)
        assert len(message.all("content-length")) == 1
        assert int(message.first["content-length"]) == len(message.body)
        if isinstance(message, Request):
            assert len(message.all("via")) == 1
            assert message.first["via"].startswith("SIP/2.0/UDP 127.0.0.10:5060;branch=z9hG4bK")
