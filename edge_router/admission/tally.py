"""How many calls a policy has at one trunk or dial-peer, and how many it sent there within the last minute."""

from __future__ import annotations

from array import array
from typing import Final

TICKS: Final = 10
"""Parts of a second that are told apart."""
_MINUTE: Final = 60 * TICKS


class Tally:
    """``calls`` are there at present. Time is in seconds on any clock that does not go back."""

    __slots__ = ("_before", "_tick", "_total", "calls")

    def __init__(self) -> None:
        self.calls = 0
        self._total = 0
        self._tick = -1
        self._before = array("Q", bytes(8 * (_MINUTE + 1)))
        """For each tick (modulo the array's length) how many had been sent when it began."""

    def sent(self, now: float) -> None:
        """Count one more."""
        self._turn_to(now)
        self._total += 1

    def in_last_minute(self, now: float) -> int:
        """How many were sent within the last 60 s, a tenth more at the most: no minute has more than this ever says."""
        self._turn_to(now)
        return self._total - self._before[(self._tick - _MINUTE) % len(self._before)]

    def _turn_to(self, now: float) -> None:
        tick = int(now * TICKS)
        if tick > self._tick:
            before = self._before
            for missed in range(max(self._tick + 1, tick - _MINUTE), tick + 1):
                before[missed % len(before)] = self._total
            self._tick = tick
