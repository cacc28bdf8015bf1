"""The recorder: hears of each call as it is decided, and looks at the state that it was decided on.

Lives here: when it is looked, and that it costs calls next to nothing. What is written is `call_line.py`'s and
`state_watch.py`'s.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from edge_router.b2bua.reports.events import Silence
from edge_router.recording.call_line import call_line
from edge_router.recording.files import Files
from edge_router.recording.state_watch import StateWatch
from edge_router.recording.writer import Writer

if TYPE_CHECKING:
    from edge_router.b2bua.reports.record import CallRecord
    from edge_router.b2bua.routing.routing import Routing
    from edge_router.policy.facts import CallFacts
    from state_client.picture import Picture

LOOK_EVERY: Final = 0.1
"""Seconds between two looks at the state while calls come."""
IDLE: Final = 1.0
"""Seconds between two looks while none come."""
PART_OF_TIME: Final = 50
"""A look may take so small a part of the time: where there are very many queues, it is looked less often."""


class Recorder(Silence):
    """Records calls and state into a directory, in at most `max_mb` megabytes.

    `routing` and `picture` give those in force, in the monotonic clock. How long a look takes is by the `stopwatch`.
    """

    def __init__(
        self,
        directory: Path,
        max_mb: int,
        routing: Callable[[], Routing],
        picture: Callable[[], Picture],
        clock: Callable[[], float] = time.monotonic,
        stopwatch: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.writer: Final = Writer(Files(directory, max_mb * 1_000_000))
        self._routing = routing
        self._picture = picture
        self._clock = clock
        self._stopwatch = stopwatch
        self._watch = StateWatch()
        self._looked = self._due = float("-inf")
        self._known: Routing | None = None
        self._headers: frozenset[str] = frozenset()

    def start(self) -> None:
        """Begin, with all of the state as it is."""
        self.writer.start()
        self._look(time.time(), full=True)

    def close(self) -> None:
        """Write what waits. It blocks, for two seconds at the most."""
        self.writer.close()

    @property
    def degraded(self) -> str:
        """Why nothing is recorded, in words; "" where all is well."""
        return self.writer.fault

    def routed(self, record: CallRecord, facts: CallFacts, listen: str) -> None:
        """Record a call, and before it the state, if that wasn't looked at just now."""
        if self._clock() >= self._due:
            self._look(record.start)
        self.writer.put("calls", call_line(record, facts, listen, self._headers))

    def tick(self) -> None:
        """Look at the state, if no call has made us look. To be called many times a second."""
        if self._clock() - self._looked >= IDLE:
            self._look(time.time())

    def _look(self, epoch: float, full: bool = False) -> None:
        routing, now, began = self._routing(), self._clock(), self._stopwatch()
        if routing is not self._known:
            self._known = routing
            self._headers = frozenset[str]().union(*(policy.headers for policy in routing.policies.values()))
        full = full or self.writer.lost_track
        if full:
            self.writer.lost_track = False
        line = self._watch.look(routing, self._picture(), now, epoch, full)
        if line is not None:
            self.writer.put("state", line)
        self._looked = now
        self._due = now + max(LOOK_EVERY, PART_OF_TIME * (self._stopwatch() - began))


class RecordingMetrics(Collector):
    """Collects for Prometheus what became of the lines of a recording."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    def collect(self) -> Iterator[Metric]:
        """One family: a line was written, or dropped where the disk was full or too slow."""
        lines = CounterMetricFamily(
            "edge_router_recording_lines",
            "Lines of recorded calls and state, and what became of them.",
            labels=("result",),
        )
        lines.add_metric(("written",), self._writer.written)
        lines.add_metric(("dropped",), self._writer.dropped)
        yield lines
