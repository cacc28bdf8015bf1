"""How long a call may last: ``max_duration`` of the trunks of its two legs, the shorter one, from the answer on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_router.b2bua.messages.causes import RECOVERY_ON_TIMER

if TYPE_CHECKING:
    from edge_router.b2bua.call.call import Call


class CallLimit:
    """The end of one call's time, at ``at`` monotonic seconds."""

    __slots__ = ("_call", "_words", "at", "second")

    def __init__(self, call: Call, words: str, at: float) -> None:
        self.second = 0  # Deadline
        self._call = call
        self._words = words
        self.at = at

    def of(self, call: Call) -> CallLimit:
        """The same end for another call."""
        return CallLimit(call, self._words, self.at)

    @property
    def call(self) -> Call | None:
        """The call that ends."""
        return self._call

    def due(self, now: float) -> None:
        """The time is over."""
        self._call.end(self._words, RECOVERY_ON_TIMER, 102)


def limit(call: Call) -> None:
    """Has a call that is answered end in its time. One that is limited already keeps the earlier end.

    An emergency call lasts as long as it takes.
    """
    callee = call.callee
    if callee is None or call.emergency:
        return
    mine, theirs = call.caller.trunk.trunk, callee.trunk.trunk
    shorter = mine
    if mine.max_duration is None or (theirs.max_duration is not None and theirs.max_duration < mine.max_duration):
        shorter = theirs
    if shorter.max_duration is None:
        return
    seconds = shorter.max_duration
    words = f"the call lasted {seconds:g} s, the max_duration of {shorter.name}"
    _ends_by(call, CallLimit(call, words, call.router.wheel.now + seconds))


def take_over_limit(call: Call, other: Call) -> None:
    """Who comes from another call may not stay longer than he might have there."""
    if other.limit is not None and not call.emergency:
        _ends_by(call, other.limit.of(call))


def _ends_by(call: Call, ends: CallLimit) -> None:
    if call.limit is None or ends.at < call.limit.at:
        unlimit(call)
        call.limit = ends
        call.router.deadlines.put(ends, ends.at)


def unlimit(call: Call) -> None:
    """A call is over, or ends at another time."""
    if call.limit is not None:
        call.router.deadlines.drop(call.limit)
        call.limit = None
