"""Telephone calls at the contact centre, told to those who listen: who follows us learns which of his it shows.

Where thousands change at once, they are told a few at a time. A queue is told before the calls that have changed it:
for whoever adds its length and his calls that aren't in it yet, a call may count twice for a moment, and never not at
all.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Final

from edge_router.http.feed import event
from edge_router.http.state_views import task_event_view
from state_client.picture import TELEPHONY

if TYPE_CHECKING:
    from edge_router.http.feed import Feed
    from edge_router.http.state_views import View
    from state_client.centre import ContactCentre
    from state_client.task import Task

SLICE: Final = 64
"""Calls that are told of at once: fewer than a listener is written at once."""
NEXT_SLICE: Final = 0.01
"""Seconds until the next of them are: no listener is cut off because a comparison has changed ten thousand."""


class TaskFeed:
    """Tells ``feed`` of the telephone calls of ``centre``; where nobody listens, that costs a look.

    ``call_of`` gives the call of ours that a task is. ``complete`` says whether all calls of the contact centre are
    known here: only then a listener is told that he has heard of all of them; it may be set while it runs. ``soon`` has
    `tell` called soon, after what is to be told of queues.
    """

    def __init__(
        self, centre: ContactCentre, feed: Feed, call_of: Callable[[str], str | None], soon: Callable[[], None]
    ) -> None:
        self.complete: Callable[[], bool] = lambda: False
        self._centre = centre
        self._feed = feed
        self._call_of = call_of
        self._soon = soon
        self._changed: dict[str, Task] = {}
        self._telling: dict[str, Task] = {}
        self._next: asyncio.TimerHandle | None = None
        self._said = False
        self._besides = centre.table.listener
        centre.table.listener = self._remember

    def beginning(self) -> Iterator[bytes]:
        """All that are in progress, as they are when each is asked for, and whether these are all."""
        tasks = self._centre.tasks
        for id in list(tasks):
            task = tasks.get(id)
            if task is not None and task.channel == TELEPHONY:
                yield event("task", self._view(task))
        if self.complete():
            yield event("tasks", self._total())

    def tell(self) -> None:
        """Tell what has changed; to be called when it has been told of queues."""
        self._telling |= self._changed
        self._changed.clear()
        if not self._feed:  # who comes next is told everything
            self._telling.clear()
        if self._next is None:
            self._tell_some()

    def _remember(self, task: Task) -> None:
        """A call has begun, changed or ended: who listens is told soon, and once, however often it changes."""
        if self._besides is not None:
            self._besides(task)
        if not self._feed or task.channel != TELEPHONY:
            return
        if not self._changed:
            self._soon()
        self._changed[task.id] = task

    def _tell_some(self) -> None:
        self._next = None
        for id in list(islice(self._telling, SLICE)):
            task = self._telling.pop(id)
            if id not in self._changed:  # else its queue comes first again
                self._feed.publish("task", self._view(task))
        if self._telling:
            self._next = asyncio.get_running_loop().call_later(NEXT_SLICE, self._tell_some)
        elif not self._said and not self._changed and self.complete():
            self._said = True  # to those who came before all were known
            self._feed.publish("tasks", self._total())

    def _view(self, task: Task) -> View:
        now = time.monotonic() + self._centre.offset
        return task_event_view(task, self._centre, now, self._call_of(task.id))

    def _total(self) -> View:
        return {"total": sum(task.channel == TELEPHONY for task in self._centre.tasks.values())}
