"""Which of two tidings of one thing is the later: here lives that rule, for interactions and for agents.

Events come late, doubled and out of order, and what a search shows lags behind. Each task, and each channel of an
agent, has an Order, which knows how far its tidings reach.
"""

from __future__ import annotations

from typing import Final

SETTLE: Final = 10.0
"""Seconds that a search may lag behind: it is not believed against an event that came within that time before it was
asked, and later events are believed against it."""

APPLIED: Final = "applied"
LATE: Final = "late"
IGNORED: Final = "ignored"
"""What became of an event, as a word for metrics."""


class Order:
    """How far the tidings of one thing reach: to ``time``, and for certain to ``sure``.

    They differ where a search said it. ``sent`` is when the cloud sent the last event, 0 where it didn't say.
    ``rank`` puts in order what happened in the same millisecond: a call is offered before it is answered.
    """

    __slots__ = ("rank", "sent", "sure", "time")

    def __init__(self) -> None:
        self.time = 0.0
        self.sure = 0.0
        self.sent = 0.0
        self.rank = -1

    def admits(self, time: float, sent: float, rank: int) -> bool:
        """Whether an event is news. One that is there already isn't."""
        if time > self.time:
            return True
        if time == self.time and sent and self.sent and sent != self.sent:
            return sent > self.sent
        # What a search touched after the event may still not show it, but it can't have gone beyond it.
        return rank > self.rank and (time == self.time or time > self.sure)

    def note_event(self, time: float, sent: float, rank: int) -> None:
        """Say that an event has been applied."""
        self.time = self.sure = time
        self.sent = sent
        self.rank = rank

    def note_row(self, touched: float, asked: float, rank: int) -> None:
        """Say that a search that was asked at ``asked`` counts.

        ``touched`` is when the cloud last touched what it shows, 0 where it didn't say.
        """
        reached = min(touched, asked) if touched else asked - SETTLE
        if reached >= self.time:
            self.time = reached
            self.sent = 0.0
            self.rank = rank
        self.sure = max(self.sure, min(reached, asked - SETTLE))
