"""An interaction: the state machine that the contact centre's events drive, as a table.

What must be remembered of these events: RONA looks like the end and isn't; nobody says that a caller who asked for a
courtesy callback has hung up; ``*-done`` goes back to what was before; an event may be late, and then it only fills
in what isn't known yet.
"""

from __future__ import annotations

from typing import Final

from state_client.order import APPLIED, IGNORED, LATE, Order
from state_client.rows import TaskEvent

NEW: Final = "new"
PARKED: Final = "parked"
OFFERED: Final = "offered"
CONNECTED: Final = "connected"
HELD: Final = "held"
CONSULTING: Final = "consulting"
CONFERENCING: Final = "conferencing"
WRAPUP: Final = "wrapup"
ENDED: Final = "ended"

TALKING: Final = frozenset((CONNECTED, HELD, CONSULTING, CONFERENCING))
"""States in which an agent has the contact. A search calls all of them connected."""

ENTER: Final = "enter"
BEGIN: Final = "begin"
FINISH: Final = "finish"
TELL: Final = "tell"

EVENTS: Final[dict[str, tuple[str, str, int]]] = {
    # event: what it does, the state, its rank among events of the same millisecond
    "task:new": (ENTER, NEW, 0),
    "task:parked": (ENTER, PARKED, 1),
    "task:connect": (ENTER, OFFERED, 2),
    "task:connected": (ENTER, CONNECTED, 3),
    "task:on-hold": (BEGIN, HELD, 4),
    "task:consulting": (BEGIN, CONSULTING, 4),
    "task:conferencing": (BEGIN, CONFERENCING, 4),
    "task:hold-done": (FINISH, HELD, 5),
    "task:consult-done": (FINISH, CONSULTING, 5),
    "task:conference-done": (FINISH, CONFERENCING, 5),
    "task:conference-transferred": (ENTER, CONNECTED, 5),
    "task:failed": (ENTER, ENDED, 6),
    "task:ended": (ENTER, ENDED, 6),
    "capture:available": (ENTER, ENDED, 7),
    "task:origin-updated": (TELL, "", -1),
}

RANKS: Final[dict[str, int]] = {
    NEW: 0,
    PARKED: 1,
    OFFERED: 2,
    CONNECTED: 3,
    HELD: 4,
    CONSULTING: 4,
    CONFERENCING: 4,
    WRAPUP: 5,
    ENDED: 7,
}
"""The rank of a state that a search shows."""

_DEEPEST: Final = 4  # of what lies below a consultation within a hold and the like


class Task:
    """One interaction.

    ``since`` is when its state began. ``parked_at`` is when it came into the queue ``parked_in``, in which it may have
    been offered to an agent in vain; ``guessed`` where that was had of a search, which doesn't say it. ``queue_told``
    is as of when its queue is known. ``heard`` is when the last event that counted came in, ``vouched`` when a search
    was last asked about it in particular: it is ``doubted`` when it is parked for too long, ``questioned`` when a
    search has shown it otherwise so soon after an event that this can't be believed. ``call`` is what its call is
    called outside, "" where no search has said so. Times are seconds since the epoch.
    """

    __slots__ = (
        "_below",
        "_served",
        "agent_id",
        "call",
        "callback",
        "channel",
        "created",
        "destination",
        "direction",
        "doubted",
        "guessed",
        "heard",
        "id",
        "order",
        "origin",
        "parked_at",
        "parked_in",
        "questioned",
        "queue_id",
        "queue_told",
        "since",
        "state",
        "team_id",
        "vouched",
    )

    def __init__(self, id: str) -> None:
        self.id = id
        self.state: str = NEW
        self.since = 0.0
        self.order = Order()
        self.queue_id = ""
        self.team_id = ""
        self.agent_id = ""
        self.channel = ""
        self.direction = ""
        self.origin = ""
        self.destination = ""
        self.call = ""
        self.callback = False
        self.created = 0.0
        self.parked_at = 0.0
        self.parked_in = ""
        self.guessed = False
        self.heard = 0.0
        self.vouched = 0.0
        self.doubted = False
        self.questioned = False
        self._below: tuple[str, ...] = ()
        self.queue_told = 0.0
        self._served = 0.0

    @property
    def inbound(self) -> bool:
        """Whether a customer called: a courtesy callback is no inbound call any more."""
        return self.direction != "outbound" and not self.callback

    def take(self, event: TaskEvent, now: float) -> str:
        """Apply an event. Gives what became of it: APPLIED, LATE or IGNORED."""
        told = EVENTS.get(event.type)
        if told is None:
            return IGNORED
        does, state, rank = told
        if does == TELL:
            self._learn(event)
            self.origin = event.origin or self.origin
            return APPLIED
        if not self.order.admits(event.time, event.sent, rank):
            self._learn(event)
            self._learn_late(event, state)
            return LATE
        self.order.note_event(event.time, event.sent, rank)
        self.heard = now
        self.direction = event.direction or self.direction
        self._learn(event)
        if does == ENTER:
            self.enter(PARKED if state == ENDED and back_in_queue(event) else state, event.time)
        elif does == BEGIN:
            self._begin(state, event.time)
        else:
            self._finish(state, event.time)
        return APPLIED

    def enter(self, state: str, time: float) -> None:
        """Go into a state at that time, whatever was before."""
        if state == PARKED:
            self._park(time)
        elif state in TALKING:
            self._served = max(self._served, time)
        self.state = state
        self.since = time
        self._below = ()

    def put_in_queue(self, queue_id: str, time: float) -> None:
        """Say which queue the interaction is in, or was last in, as of that time."""
        if queue_id and (not self.queue_id or time > self.queue_told):
            self.queue_id = queue_id
            self.queue_told = time

    def _park(self, time: float) -> None:
        # Back in the queue after it was offered in vain, a call waits since it first came in.
        if self.parked_at <= self._served or not self.parked_at or self.parked_in != self.queue_id:
            self.parked_at = time
            self.parked_in = self.queue_id
            self.guessed = False

    def _begin(self, state: str, time: float) -> None:
        below = self.state if self.state in TALKING else CONNECTED
        if below != state:
            self._below = (*self._below, below)[-_DEEPEST:]
        self._served = max(self._served, time)
        self.state = state
        self.since = time

    def _finish(self, state: str, time: float) -> None:
        if self.state == state and self._below:
            *rest, self.state = self._below
            self._below = tuple(rest)
        elif self.state == state or self.state not in TALKING:
            self.state = CONNECTED
        self._served = max(self._served, time)
        self.since = time

    def _learn(self, event: TaskEvent) -> None:
        """Take from an event what holds whenever it comes."""
        self.put_in_queue(event.queue_id, event.time)
        self.channel = self.channel or event.channel
        self.direction = self.direction or event.direction
        self.origin = self.origin or event.origin
        self.destination = self.destination or event.destination
        self.callback = self.callback or event.outbound_type.upper() == "COURTESY_CALLBACK"
        self.created = min(self.created or event.time, event.time)

    def _learn_late(self, event: TaskEvent, state: str) -> None:
        """Correct the wait by an event that came too late for anything else."""
        if state in TALKING:
            self._served = max(self._served, event.time)
            if self.state == PARKED and self.parked_at < event.time < self.since:
                self.parked_at = self.since
        elif state == PARKED and event.time > self._served and event.queue_id in ("", self.queue_id):
            self.parked_in = self.queue_id
            if self.guessed or not self.parked_at or event.time < self.parked_at:
                self.parked_at = event.time
                self.guessed = False


def back_in_queue(event: TaskEvent) -> bool:
    """Whether an end is none: the agent didn't answer (redirect on no answer, RONA), the call is in its queue again."""
    return "RONA" in event.reason.upper() and event.terminating_party.lower() in ("", "system")
