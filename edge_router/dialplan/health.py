"""Whether a target is worth a call, as far as the calls before it, or requests that only ask, have shown.

Time is given as an argument, in seconds on any clock that does not go back. It must not know what counts as a failure,
nor what happens to a call that is not sent here.
"""

from __future__ import annotations

from math import inf
from typing import Final

LONGEST_HOLD: Final = 3600.0
"""Seconds that a Retry-After may hold a target at most: a stranger's word must not shut it for good."""
LIMIT: Final = 3
RETRY_AFTER: Final = 30.0
"""Failures in a row that a target may have before it is down, and seconds until a call may try it again."""


class TargetHealth:
    """Down after ``limit`` failures in a row.

    Where nobody asks it but calls (``up_after`` 0), one call may try it ``retry_after`` seconds later, and its success
    brings it up. Where it is asked regularly no call need try: it stays down until ``up_after`` successes in a row.

    A target can also be held, which says nothing about its failures; and it is ``silent`` while the last that it has
    said is nothing at all, at ``silent_at``.
    """

    __slots__ = ("_failures", "_good", "_held_until", "_limit", "_retry_after", "_retry_at", "_up_after", "silent_at")

    def __init__(self, limit: int = LIMIT, retry_after: float = RETRY_AFTER, up_after: int = 0) -> None:
        self._limit = limit
        self._retry_after = inf if up_after else retry_after
        self._up_after = up_after
        self._failures = 0
        self._good = 0
        self._retry_at = 0.0
        self._held_until = 0.0
        self.silent_at = -inf

    def change(self, limit: int = LIMIT, retry_after: float = RETRY_AFTER, up_after: int = 0) -> None:
        """Goes by other numbers from now on; who is down stays so, and the first call may try who is asked no more."""
        if (limit, up_after) == (self._limit, self._up_after):
            return
        down = self.down
        self._limit = limit
        self._retry_after = inf if up_after else retry_after
        self._up_after = up_after
        self._failures = max(self._failures, limit) if down else min(self._failures, limit - 1)
        self._retry_at = inf if down and up_after else 0.0

    @property
    def down(self) -> bool:
        """Whether it has failed too often, and hasn't come back since."""
        return self._failures >= self._limit

    @property
    def failing(self) -> bool:
        """Whether the last that is known of it is a failure."""
        return self._failures > 0

    @property
    def silent(self) -> bool:
        """Whether it said nothing the last time."""
        return self.silent_at > -inf

    def may_be_asked(self, now: float) -> bool:
        """Whether one that was silent may be tried before others again: now and then one call finds out."""
        return now >= self.silent_at + RETRY_AFTER

    def up(self, now: float) -> bool:
        """Whether a call may be sent there."""
        return (self._failures < self._limit or now >= self._retry_at) and now >= self._held_until

    def trying(self, now: float) -> None:
        """A call is being sent there. If it is the first after a time down, it alone finds out how things are."""
        if self._failures >= self._limit and now >= self._retry_at:
            self._retry_at = now + self._retry_after
        if self.silent_at > -inf:
            self.silent_at = now

    def failed(self, now: float, silent: bool = False) -> bool:
        """It did not answer at all (``silent``), or in a way that is a failure. True where that has brought it down."""
        self.silent_at = now if silent else -inf
        self._good = 0
        self._failures += 1
        if self._failures >= self._limit and now >= self._retry_at:
            self._retry_at = now + self._retry_after
        return self._failures == self._limit

    def succeeded(self) -> bool:
        """It gave an answer that shows it alive. True where that has brought it up again."""
        self.silent_at = -inf
        down = self._failures >= self._limit
        if down:
            self._good += 1
            if self._good < self._up_after:
                return False
        self._failures = 0
        self._good = 0
        self._retry_at = 0.0
        return down

    def hold(self, seconds: float, now: float) -> None:
        """The target asked for quiet (Retry-After)."""
        self._held_until = max(self._held_until, now + min(max(seconds, 0.0), LONGEST_HOLD))

    def held_for(self, now: float) -> float:
        """Seconds that it still wants quiet, 0 where it doesn't."""
        return max(self._held_until - now, 0.0)
