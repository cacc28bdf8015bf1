"""Sends signed events at a rate, over kept connections, each with one request at a time as the cloud's have it.

The rate is kept whatever the answers do (an open loop): an event is due at its time, and late if no connection is free
then. The sender runs in a process of its own, since it needs a core's share that the others' Python must not hold up.
"""

from __future__ import annotations

import select
import socket
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from bench.live_centre import Layout
from bench.live_events import Post, Traffic
from bench.set_up_probe import percentile

CONNECTIONS = 32
PATIENCE = 5.0  # s after the last event for its answer
_LARGEST_ANSWER = 4096
_GOOD = b"HTTP/1.1 200"


@dataclass(frozen=True)
class Sent:
    """What was sent and how it was answered. Times are from the request to its answer, in ms."""

    asked: int  # events a second
    seconds: float  # from the first event to the last answer
    events: int
    answered: int  # with 200
    refused: int  # with anything else
    late: float  # s, the longest that an event that was due waited for a connection
    p50: float
    p99: float
    longest: float
    cores: float  # that the sender used

    @property
    def rate(self) -> float:
        """Events a second that were answered."""
        return self.answered / self.seconds


class Sender:
    """Connections to one webhook."""

    def __init__(self, url: str, connections: int = CONNECTIONS) -> None:
        parts = urlsplit(url)
        self._poll = select.epoll()
        self._all: dict[int, socket.socket] = {}
        for _ in range(connections):
            connection = socket.create_connection((parts.hostname or "", parts.port or 80))
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._all[connection.fileno()] = connection
            self._poll.register(connection, select.EPOLLIN)
        self._free = list(self._all)
        self._asked: dict[int, float] = {}  # when, by the connection
        self._took: list[float] = []
        self._refused = 0

    def send(self, traffic: Traffic, rate: int, seconds: float) -> Sent:
        """Send ``rate`` a second, and wait for the answers."""
        total = round(rate * seconds)
        sent, late = 0, 0.0
        used = time.process_time()
        began = time.perf_counter()
        limit = began + seconds + PATIENCE
        while sent < total or self._asked:
            now = time.perf_counter()
            if now > limit:
                break
            due = min(total, int((now - began) * rate) + 1)
            while sent < due and self._free:
                late = max(late, now - began - sent / rate)
                self._post(traffic.request(time.time()))
                sent += 1
            self._take_answers(began + sent / rate - time.perf_counter() if self._free and sent < total else 0.1)
        took = time.perf_counter() - began
        ordered = sorted(self._took) or [float("nan")]
        return Sent(
            asked=rate,
            seconds=took,
            events=sent,
            answered=len(self._took) - self._refused,
            refused=self._refused,
            late=late,
            p50=percentile(ordered, 0.5) * 1000,
            p99=percentile(ordered, 0.99) * 1000,
            longest=ordered[-1] * 1000,
            cores=(time.process_time() - used) / took,
        )

    def close(self) -> None:
        """No more."""
        for connection in self._all.values():
            connection.close()
        self._poll.close()

    def _post(self, request: bytes) -> None:
        number = self._free.pop()
        self._asked[number] = time.perf_counter()
        self._all[number].sendall(request)

    def _take_answers(self, patience: float) -> None:
        """Those that are there, or the next one within ``patience`` seconds."""
        for number, _ in self._poll.poll(max(0.0, patience)):
            answer = self._all[number].recv(_LARGEST_ANSWER)  # the webhook's answers are a few lines without a body
            if not answer:
                raise ConnectionError("the webhook closed a connection")
            self._took.append(time.perf_counter() - self._asked.pop(number))
            self._refused += not answer.startswith(_GOOD)
            self._free.append(number)


def send(url: str, layout: Layout, rate: int, seconds: float) -> Sent:
    """Send so many events a second, for so long; events of another run are others."""
    sender = Sender(url)
    try:
        return sender.send(Traffic(Post(url, layout.org_id), layout, time.time_ns()), rate, seconds)
    finally:
        sender.close()
