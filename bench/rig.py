"""A real router without sockets, on a clock of ours.

What it is put together from is what `edge_router.app` puts together, but for the listener and the clock.
"""

from __future__ import annotations

import cProfile
from collections.abc import Callable
from pathlib import Path
from time import thread_time_ns
from typing import Final

from bench.contenders import Router
from bench.places import SIP_PORT, Places
from edge_router.b2bua.router import Router as Engine
from edge_router.config.build import build, picture_of
from edge_router.config.loading import examine
from edge_router.garbage import SLICE_EVERY, Garbage
from edge_router.net.udp import UdpListener
from edge_router.sip.timers import TICK
from edge_router.telemetry.call_log import CallLog
from edge_router.telemetry.metrics import Metrics
from edge_router.telemetry.observers import Observers

PLACES: Final = Places("127.0.71")
_CLOCK_COST: Final = min(-thread_time_ns() + thread_time_ns() for _ in range(1000))  # ns that a look at the clock takes


class Wire(UdpListener):
    """A listener whose datagrams stay here, in the order they were sent."""

    def __init__(self, host: str) -> None:
        super().__init__("pstn", host, SIP_PORT)
        self.sent: list[bytes] = []

    def send(self, data: bytes, address: tuple[str, int]) -> bool:
        self.sent.append(data)
        return True


class Rig:
    """A router, its clock, and the CPU time that it spent: ns by kind of message, `timers` and `garbage` beside them.

    Its configuration is that of a `device` of the live bench. Give it a `profile` and it runs while the router does.
    Give it something `cold` and that is read before each datagram: it takes the place of what the caches held of the
    router, as other programs do while a router with little to do sleeps.
    """

    def __init__(self, scratch: Path, device: type[Router] = Router) -> None:
        contender = device(PLACES, 0)
        contender.command(scratch)  # writes the configuration that the live bench uses
        examined = examine(scratch / f"{contender.name}.yaml")
        config = examined.config
        assert config is not None, examined.faults
        self.now = 1_000_000.0
        self.wire = Wire(contender.address)
        picture = picture_of(config, self.now)
        routing = build(config, self._clock, picture=picture, tables=examined.tables)
        observers = Observers(Metrics("bench"), CallLog())
        self.engine = Engine(routing, {"pstn": self.wire}, observers, self._clock)
        self.garbage = Garbage(self.engine.tidy)
        self.profile: cProfile.Profile | None = None
        self.cold = b""
        self.spent: dict[str, int] = {}
        self._next_tick = self._next_slice = self.now

    def _clock(self) -> float:
        return self.now

    def receive(self, kind: str, datagram: bytes, source: tuple[str, int]) -> list[bytes]:
        """Hand the router a datagram; gives what it sent."""
        received = bytes(memoryview(datagram))  # one of its own, as a socket would give it
        self.wire.sent.clear()
        self.cold.count(b"\1")
        self._timed(kind, lambda: self.engine.receive(received, source, self.wire))
        return self.wire.sent

    def advance(self, seconds: float) -> None:
        """Let time pass, tick by tick, as the event loop does."""
        until = self.now + seconds
        while self._next_tick <= until:
            self.now = self._next_tick
            self._timed("timers", self.engine.tick)
            self._next_tick += TICK
            if self.now >= self._next_slice:
                self._timed("garbage", self._collect_some)
                self._next_slice += SLICE_EVERY
        self.now = until

    def _collect_some(self) -> None:
        self.garbage.turn((self.engine.received, len(self.engine.transactions)))

    def _timed(self, kind: str, work: Callable[[], object]) -> None:
        if self.profile is not None:
            self.profile.enable()
        began = thread_time_ns()
        work()
        took = thread_time_ns() - began - _CLOCK_COST
        if self.profile is not None:
            self.profile.disable()
        self.spent[kind] = self.spent.get(kind, 0) + took
