"""What is due at a time that lies minutes or hours ahead, and mostly never comes: a call ends before.

A timer on the wheel can't be cancelled and keeps its owner until it fires. What waits here can be taken out again, and
then nothing holds it: seconds are buckets, and the one that has come is looked at once a second, as long as anything
waits at all.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from edge_router.b2bua.call.call import Call
    from edge_router.sip.timers import TimerWheel

_log = logging.getLogger(__name__)
_LOOK: Final = "look"


class Deadline(Protocol):
    """Something that is due once. ``second`` is where it waits, 0 while it doesn't."""

    second: int

    @property
    def call(self) -> Call | None:
        """The call that it belongs to, None once that is over."""

    def due(self, now: float) -> None:
        """Its time has come."""


class Deadlines:
    """All that is due, by the second; up to a second late, never early."""

    __slots__ = ("_buckets", "_looked", "_looking", "_wheel")

    def __init__(self, wheel: TimerWheel) -> None:
        self._wheel = wheel
        self._buckets: dict[int, dict[Deadline, None]] = {}
        self._looked = 0
        self._looking = False

    def __len__(self) -> int:
        """How many wait."""
        return sum(len(bucket) for bucket in self._buckets.values())

    def put(self, deadline: Deadline, at: float) -> None:
        """Has it wait until ``at`` (monotonic seconds), and no longer for what it waited for before."""
        self.drop(deadline)
        now = int(self._wheel.now)
        second = deadline.second = max(int(at), now) + 1
        bucket = self._buckets.get(second)
        if bucket is None:
            self._buckets[second] = {deadline: None}
        else:
            bucket[deadline] = None
        if not self._looking:
            self._looking = True
            self._looked = now
            self._look()

    def drop(self, deadline: Deadline) -> None:
        """Has it wait no more."""
        bucket = self._buckets.get(deadline.second)
        if bucket is not None:
            bucket.pop(deadline, None)
            if not bucket:
                del self._buckets[deadline.second]
        deadline.second = 0

    def expire(self, timer: str, now: float) -> None:
        """A second has passed (TimerOwner)."""
        second = int(now)
        for each in range(self._looked + 1, second + 1):
            bucket = self._buckets.get(each)
            while bucket:  # who is due may take out others
                deadline = next(iter(bucket))
                self.drop(deadline)
                self._tell(deadline, now)
        self._looked = max(second, self._looked)
        self._looking = bool(self._buckets)
        if self._looking:
            self._look()

    def _look(self) -> None:
        now = self._wheel.now
        self._wheel.start(int(now) + 1 - now, self, _LOOK)

    def _tell(self, deadline: Deadline, now: float) -> None:
        try:
            deadline.due(now)
        except Exception:  # a fault of ours with one call is the end of that call, and of no other
            _log.exception("what was due of a call met a fault of ours")
            call = deadline.call
            if call is not None:
                call.broken()
