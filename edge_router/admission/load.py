"""How many calls are in progress and how fast they come, and whether one more is within the limits.

One Load for each thing that has limits: a trunk in one direction, a trunk both ways, the node. Time is given as an
argument, in seconds on any clock that does not go back. It must not know what is done with a call that is one too many.
"""

from __future__ import annotations

from array import array
from collections import deque
from math import ceil
from typing import Final

MAX_CALLS: Final = "max_calls"
MAX_CPS: Final = "max_cps"
LONGEST_LOOK_BACK: Final = 900
"""Seconds that `sent` can look back."""


class _Counts:
    """What was counted; it stays when limits change, and calls in progress go on counting in it."""

    __slots__ = ("before", "calls", "recent", "second", "total")

    def __init__(self) -> None:
        self.calls = 0
        self.total = 0
        self.recent: deque[float] = deque()
        """When the calls of the last second came."""
        self.before = array("Q", bytes(8 * (LONGEST_LOOK_BACK + 1)))
        """For each second (modulo the array's length) how many calls had come when it began.

        No list: 900 numbers scattered over the memory of a burst would keep most of it from being given back.
        """
        self.second = -1

    def turn_to(self, now: float) -> None:
        """Begins the present second, and forgets what came more than a second ago."""
        recent = self.recent
        while recent and recent[0] <= now - 1.0:
            recent.popleft()
        second = int(now)
        if second > self.second:
            for missed in range(max(self.second + 1, second - LONGEST_LOOK_BACK), second + 1):
                self.before[missed % len(self.before)] = self.total
            self.second = second


class Load:
    """Calls in progress and calls a second, against limits; None is no limit.

    `max_cps` is exact: no stretch of a second (with 0.5, of two seconds) ever has more calls than that. With `before`,
    what that Load has counted goes on here under the new limits. Raises ValueError if `max_cps` is not above 0.
    """

    __slots__ = ("_counts", "_gate", "_max_calls", "_window")

    def __init__(self, max_calls: int | None = None, max_cps: float | None = None, before: Load | None = None) -> None:
        self._max_calls: Final = max_calls
        self._counts: Final[_Counts] = before._counts if before else _Counts()
        self._gate: Final[deque[float] | None] = None if max_cps is None else deque(maxlen=_at_once(max_cps))
        self._window: Final = 0.0 if max_cps is None else _at_once(max_cps) / max_cps
        if self._gate is not None:
            self._gate.extend(self._counts.recent)

    @property
    def calls(self) -> int:
        """Calls in progress."""
        return self._counts.calls

    @property
    def total(self) -> int:
        """Calls that were let in since the start."""
        return self._counts.total

    def full(self, now: float) -> str | None:
        """Which limit one more call would break, or None. Counts nothing."""
        if self._max_calls is not None and self._counts.calls >= self._max_calls:
            return MAX_CALLS
        gate = self._gate
        if gate is not None and len(gate) == gate.maxlen and now - gate[0] < self._window:
            return MAX_CPS
        return None

    def take(self, now: float) -> None:
        """Counts a call that was let in."""
        counts = self._counts
        counts.turn_to(now)
        counts.calls += 1
        counts.total += 1
        counts.recent.append(now)
        if self._gate is not None:
            self._gate.append(now)

    def admit(self, now: float, whatever: bool = False) -> str | None:
        """Lets a call in and counts it, or says which limit it would break ("max_calls" or "max_cps").

        ``whatever``: no limit holds.
        """
        reason = None if whatever else self.full(now)
        if reason is None:
            self.take(now)
        return reason

    def release(self) -> None:
        """A call that was let in is over."""
        self._counts.calls -= 1

    def cps(self, now: float) -> float:
        """How many calls were let in within the last second."""
        self._counts.turn_to(now)
        return float(len(self._counts.recent))

    def tidy(self, now: float) -> None:
        """In a quiet moment: forgets what came more than a second ago."""
        self._counts.turn_to(now)

    def sent(self, seconds: int, now: float) -> int:
        """How many calls were let in within the last seconds, at most 900; the present second counts as a whole one."""
        counts = self._counts
        counts.turn_to(now)
        oldest = counts.second - min(max(seconds, 1), LONGEST_LOOK_BACK) + 1
        return counts.total - counts.before[oldest % len(counts.before)]


def _at_once(max_cps: float) -> int:
    """How many calls the rate allows at one moment."""
    if max_cps <= 0:
        raise ValueError(f"max_cps is {max_cps}, and must be above 0")
    return ceil(max_cps)
