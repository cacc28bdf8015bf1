"""Writing a recording beside the calls: a thread of its own, that takes what waits a few times a second.

Whoever hands in a line goes on at once. Where the disk is too slow or full, lines are dropped and counted, never calls.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from math import inf
from typing import Final

from edge_router.recording.call_line import Line, written
from edge_router.recording.files import Files

MOST_WAITING: Final = 20_000
"""Lines that wait to be written; at 2,000 calls a second those of ten seconds."""
EVERY: Final = 0.25
"""Seconds between two looks at what waits."""
LARGEST: Final = 64 * 1024
"""Octets that are written at once, unless one line alone is longer."""
FULL: Final = b'"full":true'
LONGEST_START: Final = 80
"""How a line of state says that it says everything, and within how many octets."""
SAY_AGAIN: Final = 60.0
"""Seconds after which the log says again that nothing is written: a disk that is full takes a short line at times."""
WHAT: Final = {"calls": "calls aren't recorded", "state": "state isn't recorded"}

_log = logging.getLogger(__name__)


class Writer:
    """Lines on their way to `files`.

    `lost_track`: a file of state was begun, or lines of state were dropped, and the next line of state should say
    everything. `clock` gives monotonic seconds.
    """

    def __init__(
        self, files: Files, most_waiting: int = MOST_WAITING, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.written = 0
        self.dropped = 0
        self.lost_track = False
        self._files = files
        self._most_waiting = most_waiting
        self._clock = clock
        self._faults: dict[str, str] = dict.fromkeys(WHAT, "")
        self._told: dict[str, float] = {}
        self._waiting: deque[tuple[str, Line]] = deque()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="recording", daemon=True)

    @property
    def fault(self) -> str:
        """Why something isn't written, in words; "" where all is well."""
        return "; ".join(filter(None, list(self._faults.values())))

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def put(self, kind: str, line: Line) -> None:
        """Have a line written soon; nobody may change it any more."""
        if len(self._waiting) < self._most_waiting:
            self._waiting.append((kind, line))
        else:
            self._drop(kind, 1)

    def close(self, within: float = 2.0) -> None:
        """Write what waits, if that can be done in so many seconds. It blocks."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(within)

    def _run(self) -> None:
        while not self._stop.wait(EVERY):
            self.write_waiting()
        self.write_waiting()
        self._files.close()

    def write_waiting(self) -> None:
        """Write all that waits now. Never raises."""
        batches: dict[str, list[bytes]] = {}
        for _ in range(len(self._waiting)):
            kind, line = self._waiting.popleft()
            batches.setdefault(kind, []).append(written(line))
        for kind, lines in batches.items():
            batch: list[bytes] = []
            size = 0
            for octets in lines:
                if batch and size + len(octets) > LARGEST:
                    self._write(kind, batch)
                    batch, size = [], 0
                batch.append(octets)
                size += len(octets)
            self._write(kind, batch)

    def _write(self, kind: str, batch: list[bytes]) -> None:
        try:
            begun = self._files.write(kind, b"".join(batch))
        except OSError as error:
            self._drop(kind, len(batch))
            self._faults[kind] = fault = f"{WHAT[kind]}: {error.strerror or error}"
            now = self._clock()
            if now >= self._told.get(fault, -inf) + SAY_AGAIN:
                self._told[fault] = now
                _log.warning("%s", fault)
            return
        self.written += len(batch)
        self.lost_track |= begun and kind == "state" and FULL not in batch[0][:LONGEST_START]
        self._faults[kind] = ""

    def _drop(self, kind: str, lines: int) -> None:
        self.dropped += lines
        self.lost_track |= kind == "state"
