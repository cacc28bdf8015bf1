"""When Python's cyclic garbage collector may run.

A collection of everything stops the router for a fifth of a second under load, and finds nothing: calls leave no
cycles behind. So the collector is off, and ten times a second what lives by then is put out of its sight, which costs
nothing. Where HTTP or another library was at work since the last time, its young garbage is collected first: a
fraction of a millisecond. All that lives is looked at only in a quiet moment, every ten minutes at most, or when
memory has grown so far that a stall is the lesser evil.
"""

from __future__ import annotations

import gc
import logging
import os
from pathlib import Path
from typing import Final

SLICE_EVERY: Final = 0.1  # seconds
IDLE_AFTER: Final = 20  # slices without traffic
FULL_EVERY: Final = 6_000  # slices at least between two looks at all that lives
MOST_GROWTH: Final = 1 << 30  # octets since the last full collection

_STATM: Final = Path("/proc/self/statm")
_log = logging.getLogger(__name__)


class Garbage:
    """Call ``turn`` every ``SLICE_EVERY`` seconds.

    ``full`` counts the collections of everything, ``forced`` those of them that could not wait for a quiet moment.
    """

    def __init__(self) -> None:
        self.full = 0
        self.forced = 0
        self._traffic: tuple[int, ...] = ()
        self._litter = 0
        self._quiet = 0
        self._slices = 0
        self._clean = True
        self._resident = 0

    def begin(self) -> None:
        """Turns the automatic collector off."""
        gc.disable()
        self._collect()

    def turn(self, traffic: tuple[int, ...], litter: int = 0) -> bool:
        """Does what is due, by counts: ``traffic`` moves with calls, ``litter`` with what may leave cycles behind.

        True where everything was collected, since all was quiet: a good moment to tidy up.
        """
        self._slices += 1
        if litter != self._litter:
            self._litter = litter
            gc.collect(0)
        gc.freeze()
        if traffic != self._traffic:
            self._traffic = traffic
            self._quiet = 0
            self._clean = False
            if resident() - self._resident > MOST_GROWTH:
                self.forced += 1
                _log.warning("memory has grown by over %d MB without a quiet moment: collecting", MOST_GROWTH >> 20)
                self._collect()
            return False
        self._quiet += 1
        if self._clean or self._quiet < IDLE_AFTER:
            return False
        self._clean = True
        if self._slices >= FULL_EVERY:
            self._collect()
        else:
            gc.collect()  # of next to nothing; but it empties the free lists that a burst has filled
        return True

    def _collect(self) -> None:
        gc.unfreeze()
        gc.collect()
        gc.freeze()
        self.full += 1
        self._slices = 0
        self._resident = resident()


def resident() -> int:
    """Octets of memory that this process holds; 0 where the system doesn't say."""
    try:
        return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError, ValueError):
        return 0
