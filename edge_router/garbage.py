"""When Python's cyclic garbage collector may run.

A collection of everything stops the router for a fifth of a second under load, and finds nothing: calls leave no
cycles behind. So the collector is off. What HTTP and other libraries leave in cycles is young garbage, and is
collected in slices of a fraction of a millisecond; everything is looked at only when no traffic has come for a
moment, or when memory has grown so far that a stall is the lesser evil.
"""

from __future__ import annotations

import gc
import logging
import os
from pathlib import Path
from typing import Final

SLICE_EVERY: Final = 0.1  # seconds
IDLE_AFTER: Final = 20  # slices without traffic
MOST_GROWTH: Final = 1 << 30  # octets since the last full collection

_STATM: Final = Path("/proc/self/statm")
_log = logging.getLogger(__name__)


class Garbage:
    """Call ``turn`` every ``SLICE_EVERY`` seconds with a count that moves with traffic.

    ``full`` counts the collections of everything, ``forced`` those of them that could not wait for a quiet moment.
    """

    def __init__(self) -> None:
        self.full = 0
        self.forced = 0
        self._traffic = 0
        self._quiet = 0
        self._clean = True
        self._resident = 0

    def begin(self) -> None:
        """Turns the automatic collector off; what exists by now is never looked at again."""
        gc.collect()
        gc.freeze()
        gc.disable()
        self._resident = resident()

    def turn(self, traffic: int) -> bool:
        """Does what is due. True where everything was collected, since all was quiet: a good moment to tidy up."""
        if traffic != self._traffic:
            self._traffic = traffic
            self._quiet = 0
            self._clean = False
            gc.collect(0)
            if resident() - self._resident > MOST_GROWTH:
                self.forced += 1
                _log.warning("memory has grown by over %d MB without a quiet moment: collecting", MOST_GROWTH >> 20)
                self._collect()
            return False
        self._quiet += 1
        if self._clean or self._quiet < IDLE_AFTER:
            return False
        self._clean = True
        self._collect()
        return True

    def _collect(self) -> None:
        gc.collect()
        self.full += 1
        self._resident = resident()


def resident() -> int:
    """Octets of memory that this process holds; 0 where the system doesn't say."""
    try:
        return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError, ValueError):
        return 0
