"""Whether a target is worth a call, as far as the calls before it have shown.

Time is given as an argument, in seconds on any clock that does not go back. It must not know what counts as a failure,
nor what happens to a call that is not sent here.
"""

from __future__ import annotations

from typing import Final

LONGEST_HOLD: Final = 3600.0
"""Seconds that a Retry-After may hold a target at most: a stranger's word must not shut it for good."""


class TargetHealth:
    """Down after `limit` failures in a row, until `retry_after` seconds later one call may try and succeeds.

    A target can also be held, which says nothing about its failures.
    """

    __slots__ = ("_failures", "_held_until", "_limit", "_retry_after", "_retry_at")

    def __init__(self, limit: int = 3, retry_after: float = 30.0) -> None:
        self._limit: Final = limit
        self._retry_after: Final = retry_after
        self._failures = 0
        self._retry_at = 0.0
        self._held_until = 0.0

    def up(self, now: float) -> bool:
        """Whether a call may be sent there."""
        return (self._failures < self._limit or now >= self._retry_at) and now >= self._held_until

    def trying(self, now: float) -> None:
        """A call is being sent there. If it is the first after a time down, it alone finds out how things are."""
        if self._failures >= self._limit and now >= self._retry_at:
            self._retry_at = now + self._retry_after

    def failed(self, now: float) -> None:
        """A call was not answered at all, or got 503."""
        self._failures += 1
        if self._failures >= self._limit and now >= self._retry_at:
            self._retry_at = now + self._retry_after

    def succeeded(self) -> None:
        """A call got any answer that shows the target alive."""
        self._failures = 0
        self._retry_at = 0.0

    def hold(self, seconds: float, now: float) -> None:
        """The target asked for quiet (Retry-After)."""
        self._held_until = max(self._held_until, now + min(max(seconds, 0.0), LONGEST_HOLD))
