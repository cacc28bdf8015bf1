"""How long it takes from an event until a call is decided by it, seen from outside.

One round: the prober posts an event that changes the watched queue's length from 0 to 1 or back, and right behind it
calls, and again `BETWEEN` seconds after each answer, until a call is answered by the new length. The router answers
each of these calls with a 302 whose Contact says what was decided. The time is from just before the request's bytes are
handed to the kernel, which on loopback puts them into the router's receive buffer, to the arrival of that answer. So
all of this is in it: the way of event and call through the kernel, the reading and checking of the event, its turn in
the inbox, the decision, and up to one call and one pause after a call that was still decided by the old length. It is
more than what the event took, never less. Without the pause the prober would be measured: it answers faster than the
router turns from its SIP socket to anything else, and 20 calls would stand before the event.
"""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass
from random import Random
from urllib.parse import urlsplit

from bench.live_centre import Layout
from bench.live_events import Post, caller
from bench.places import CALLED, SIP_PORT, Places
from bench.process import BenchError
from bench.set_up_probe import percentile
from state_client.simulator.centre import new_id

_PATIENCE = 2.0  # s for an answer
_SOON = 2.0  # s in which an event must have turned the calls
BETWEEN = 0.0005  # s from a call's answer to the next call
_PAUSE = 0.01  # s at most between two rounds, and anything down to none: so as not to fall into step with anything
_LARGEST = 4096

_INVITE = """\
INVITE sip:{called}@{router} SIP/2.0
Via: SIP/2.0/UDP {here};branch=z9hG4bK{number};rport
Max-Forwards: 70
From: <sip:+13035550199@{here}>;tag={number}
To: <sip:{called}@{router}>
Call-ID: {number}@{here}
CSeq: 1 INVITE
Contact: <sip:+13035550199@{here}>
Content-Length: 0

"""
_ACK = """\
ACK sip:{called}@{router} SIP/2.0
Via: SIP/2.0/UDP {here};branch=z9hG4bK{number};rport
Max-Forwards: 70
From: <sip:+13035550199@{here}>;tag={number}
To: {to}
Call-ID: {number}@{here}
CSeq: 1 ACK
Content-Length: 0

"""


@dataclass(frozen=True)
class DecisionTimes:
    """ms from an event to the first call that was decided by it, over ``events`` events.

    ``calls`` is how many calls that took on average; ``call`` the median of one such call alone, in ms.
    """

    events: int
    p50: float
    p99: float
    longest: float
    calls: float
    call: float


class Prober:
    """Posts events and calls."""

    def __init__(self, places: Places, router: str, webhook: str, layout: Layout) -> None:
        self._layout = layout
        self._post = Post(webhook, layout.org_id)
        self._rng = Random(time.time_ns())
        self._prefix = f"{self._rng.getrandbits(48):012x}"
        self._events = self._calls = 0
        self._call_times: list[float] = []
        self._task_id = ""
        self._there, self._here = f"{router}:{SIP_PORT}", f"{places.prober}:{SIP_PORT}"
        self._elsewhere = {f"@{places.premise}": True, f"@{places.cloud}": False}
        self._sip = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sip.bind((places.prober, SIP_PORT))
        self._sip.connect((router, SIP_PORT))
        self._sip.settimeout(_PATIENCE)
        parts = urlsplit(webhook)
        self._http = socket.create_connection((parts.hostname or "", parts.port or 80), _PATIENCE)
        self._http.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Prober:
        return self

    def __exit__(self, *fault: object) -> None:
        self._sip.close()
        self._http.close()

    def measure(self, seconds: float) -> DecisionTimes:
        """Events one after another, for so long; every second one empties the queue again."""
        self._wait_for(somebody=False)
        calls, self._call_times = self._calls, []
        taken: list[float] = []
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            for somebody in (True, False):
                taken.append(self._round(somebody))
                time.sleep(self._rng.random() * _PAUSE)
        ordered = sorted(taken)
        return DecisionTimes(
            events=len(taken),
            p50=percentile(ordered, 0.5) * 1000,
            p99=percentile(ordered, 0.99) * 1000,
            longest=ordered[-1] * 1000,
            calls=(self._calls - calls) / len(taken),
            call=percentile(sorted(self._call_times), 0.5) * 1000,
        )

    def _round(self, somebody: bool) -> float:
        """An event and the calls behind it: seconds until one was decided by it."""
        if somebody:
            self._task_id = new_id(self._rng)
        data = caller(self._task_id, self._layout.watched)
        request = self._post.request(self._event_id(), "task:parked" if somebody else "task:ended", data, time.time())
        began = time.perf_counter()
        self._http.sendall(request)
        self._wait_for(somebody)
        taken = time.perf_counter() - began
        answer = self._http.recv(_LARGEST)
        if not answer.startswith(b"HTTP/1.1 200"):
            raise BenchError(f"the webhook answered {answer[:40]!r}")
        return taken

    def _wait_for(self, somebody: bool) -> None:
        limit = time.perf_counter() + _SOON
        while self._decided() != somebody:
            if time.perf_counter() > limit:
                raise BenchError("calls don't turn with the watched queue: is its state known and fresh?")
            time.sleep(BETWEEN)

    def _event_id(self) -> str:
        self._events += 1
        return f"{self._prefix}-{self._events}"

    def _decided(self) -> bool:
        """One call: whether it was decided that somebody waits."""
        self._calls += 1
        number = f"{self._prefix}{self._calls}"
        fields = {"called": CALLED, "router": self._there, "here": self._here, "number": number}
        invite = _INVITE.format(**fields).replace("\n", "\r\n").encode()
        began = time.perf_counter()
        self._sip.send(invite)
        answer = self._answer(number)
        self._call_times.append(time.perf_counter() - began)
        headers = dict(line.partition(":")[::2] for line in answer.split("\r\n")[1:])
        self._sip.send(_ACK.format(**fields, to=headers["To"].strip()).replace("\n", "\r\n").encode())
        for place, somebody in self._elsewhere.items():
            if place in headers.get("Contact", ""):
                return somebody
        raise BenchError(f"a call was answered with {answer.splitlines()[0]}")

    def _answer(self, number: str) -> str:
        """The final answer to that call."""
        while True:
            try:
                answer = self._sip.recv(_LARGEST).decode()
            except TimeoutError as silence:
                raise BenchError("the router doesn't answer the prober's call") from silence
            if f"Call-ID: {number}@" in answer and not answer.startswith("SIP/2.0 1"):
                return answer
