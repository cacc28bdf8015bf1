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
from collections.abc import Callable
from typing import Final

SLICE_EVERY: Final = 0.1  # seconds
IDLE_AFTER: Final = 20  # slices without traffic
FULL_EVERY: Final = 6_000  # slices at least between two looks at all that lives
MOST_GROWTH: Final = 1 << 30  # octets since the last full collection

_log = logging.getLogger(__name__)


class Garbage:
    """Call ``turn`` every ``SLICE_EVERY`` seconds.

    In a quiet moment it calls ``tidy`` before it collects: what that lets go of ends up in the interpreter's free
    lists, which only a collection empties. ``full`` counts the collections of everything, ``forced`` those of them
    that could not wait for a quiet moment.
    """

    def __init__(self, tidy: Callable[[], object]) -> None:
        self._tidy = tidy
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

    def turn(self, traffic: tuple[int, ...], litter: int = 0) -> None:
        """Does what is due, by counts: ``traffic`` moves with calls, ``litter`` with what may leave cycles behind."""
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
            return
        self._quiet += 1
        if self._clean or self._quiet < IDLE_AFTER:
            return
        self._clean = True
        self._tidy()
        if self._slices >= FULL_EVERY:
            self._collect()
        else:
            gc.collect()  # of next to nothing; but it empties the free lists that a burst has filled

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
        # Not as text: each file opened for that leaves a name behind in the interpreter's cache of attributes, and
        # those, made while calls were under way, keep the calls' memory from being given back.
        statm = os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)
        try:
            return int(os.read(statm, 256).split()[1]) * os.sysconf("SC_PAGE_SIZE")
        finally:
            os.close(statm)
    except (OSError, IndexError, ValueError):
        return 0
