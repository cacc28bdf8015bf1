"""A circuit breaker for one operation: what fails again and again is left alone for a while. No clock in here."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final

from state_client.webex.pause import Pause

FAILURES: Final = 5
"""Failures in a row that open it."""

FIRST_PAUSE: Final = 30.0
LONGEST_PAUSE: Final = 300.0
"""Seconds that it stays open, doubled with each failed trial."""

JITTER: Final = 0.2
"""How much shorter a pause may be, as a part of it."""


class Breaker:
    """Closed: requests pass. Open: none does. Half-open, after a pause: one does, and its outcome decides.

    ``chance`` gives a number from 0 to 1, for the jitter. A pause that the cloud orders is remembered here, too,
    and is to be kept besides.
    """

    __slots__ = ("_chance", "_failures", "_opened", "_ordered", "_pause", "_trial", "_wait")

    def __init__(self, chance: Callable[[], float] = random.random) -> None:
        self._chance = chance
        self._failures = 0
        self._opened = 0.0
        self._pause = 0.0
        self._wait = 0.0
        self._trial = False
        self._ordered = Pause()

    @property
    def is_open(self) -> bool:
        """Whether requests are held back, a trial excepted."""
        return self._pause > 0

    def delay(self, now: float) -> float:
        """0 if a request may be made, whose outcome has to be told; else the seconds until one may be tried."""
        if not self.is_open:
            return 0.0
        passed = now - self._opened
        if passed < 0:  # the clock was set back
            self._opened = now
            passed = 0.0
        if passed < self._wait or self._trial:
            return max(self._wait - passed, 1.0)
        self._trial = True
        return 0.0

    def hold(self, seconds: float, now: float) -> None:
        """Make no request for so long: the cloud said so, whatever comes of those under way."""
        self._ordered.hold(seconds, now)

    def held(self, now: float) -> float:
        """Seconds for which the cloud wants to be left alone, 0 if it doesn't."""
        return self._ordered.left(now)

    def succeeded(self) -> None:
        """An answer came, whatever it said of the request."""
        self._failures = 0
        self._pause = 0.0
        self._trial = False

    def failed(self, now: float) -> None:
        """No answer came, or one that says that the cloud isn't well."""
        self._failures += 1
        if self.is_open and not self._trial:
            return  # asked before it opened
        if self._failures >= FAILURES:
            self._pause = min(self._pause * 2, LONGEST_PAUSE) or FIRST_PAUSE
            self._wait = self._pause * (1 - JITTER * self._chance())
            self._opened = now
        self._trial = False

    def abandoned(self) -> None:
        """The request was given up before its outcome was known."""
        self._trial = False
