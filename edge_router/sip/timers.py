"""SIP's timer values (RFC 3261 Table 4, RFC 6026) and the wheel that runs every timer of the router.

The wheel knows no clock: whoever owns it says what time it is. A timer is never cancelled: when it fires, its owner
looks whether it still means something, which for a transaction is one look into its table. Most SIP timers never
mean anything by the time they fire, so starting one must cost next to nothing, and firing one in vain too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

T1: Final = 0.5  # round-trip time estimate, s
T2: Final = 4.0  # longest interval between retransmissions of non-INVITE requests and INVITE responses, s
T4: Final = 5.0  # longest time that a message stays in the network, s
GIVE_UP: Final = 64 * T1  # timers B, D, F, H, J, L, M: 32 s

TICK: Final = 0.01  # the wheel's grain, s: a timer fires up to one tick late, never early
_PER_SECOND: Final = 100


class TimerOwner(Protocol):
    """Whoever starts timers."""

    def expire(self, timer: str, now: float) -> None:
        """A timer that this owner started has run out; it may no longer matter."""


class TimerWheel:
    """Timers by the tick in which they are due; ``now`` is monotonic seconds and never runs backwards.

    ``on_fault`` is called while the exception of an owner is handled; the timers of others fire all the same.
    """

    __slots__ = ("_buckets", "_count", "_on_fault", "_tick", "now")

    def __init__(self, now: float, on_fault: Callable[[], None] | None = None) -> None:
        self.now = now
        self._on_fault = on_fault
        self._tick = int(now * _PER_SECOND)
        # Two lists and not one of pairs: a timer that waits is two references, and no object of its own.
        self._buckets: dict[int, tuple[list[TimerOwner], list[str]]] = {}
        self._count = 0

    def __len__(self) -> int:
        """How many timers wait, those that will fire in vain included."""
        return self._count

    def start(self, delay: float, owner: TimerOwner, timer: str) -> None:
        """Calls ``owner.expire(timer, now)`` once, ``delay`` seconds from ``now`` or up to a tick later."""
        tick = int((self.now + delay) * _PER_SECOND) + 1
        self._count += 1
        bucket = self._buckets.get(tick)
        if bucket is None:
            self._buckets[tick] = [owner], [timer]
        else:
            owners, timers = bucket
            owners.append(owner)
            timers.append(timer)

    def advance(self, now: float) -> None:
        """Sets the time and fires what is due, in order. What a timer starts meanwhile fires in a later call."""
        if now > self.now:
            self.now = now
        last = int(self.now * _PER_SECOND)
        buckets = self._buckets
        while self._tick < last:
            if not buckets:
                self._tick = last
                return
            self._tick += 1
            bucket = buckets.pop(self._tick, None)
            if bucket is not None:
                owners, timers = bucket
                self._count -= len(owners)
                for place, owner in enumerate(owners):
                    try:
                        owner.expire(timers[place], now)
                    except Exception:
                        if self._on_fault is None:
                            raise
                        self._on_fault()
