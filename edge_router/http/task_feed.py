"""Telephone calls at the contact centre, told to those who listen: who follows us learns which of his it shows.

Changes of a call are gathered for a moment, and where thousands change at once, they are told a few at a time.
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

TELL_AFTER: Final = 0.1
"""Seconds for which changes are gathered before they are told."""
SLICE: Final = 64
"""Calls that are told of at once: fewer than a listener is written at once."""
NEXT_SLICE: Final = 0.01
"""Seconds until the next of them are: no listener is cut off because a comparison has changed ten thousand."""


class TaskFeed:
    """Tells ``feed`` of the telephone calls of ``centre``; where nobody listens, that costs a look.

    ``call_of`` gives the call of ours that a task is. ``complete`` says whether all calls of the contact centre are
    known here: only then a listener is told that he has heard of all of them. Both may be set while it runs.
    """

    def __init__(self, centre: ContactCentre, feed: Feed, call_of: Callable[[str], str | None]) -> None:
        self.complete: Callable[[], bool] = lambda: False
        self._centre = centre
        self._feed = feed
        self._call_of = call_of
        self._changed: dict[str, Task] = {}
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

    def look(self) -> None:
        """Tell who came before all were known that they are, once they are."""
        if not self._said and not self._changed and self.complete():
            self._said = True
            self._feed.publish("tasks", self._total())

    def _remember(self, task: Task) -> None:
        """A call has begun, changed or ended: who listens is told soon, and once, however often it changes."""
        if self._besides is not None:
            self._besides(task)
        if not self._feed or task.channel != TELEPHONY:
            return
        if not self._changed:
            asyncio.get_running_loop().call_later(TELL_AFTER, self._tell)
        self._changed[task.id] = task

    def _tell(self) -> None:
        if not self._feed:  # who comes next is told everything
            self._changed.clear()
            return
        for id in list(islice(self._changed, SLICE)):
            self._feed.publish("task", self._view(self._changed.pop(id)))
        if self._changed:
            asyncio.get_running_loop().call_later(NEXT_SLICE, self._tell)
        else:
            self.look()

    def _view(self, task: Task) -> View:
        now = time.monotonic() + self._centre.offset
        return task_event_view(task, self._centre, now, self._call_of(task.id))

    def _total(self) -> View:
        return {"total": sum(task.channel == TELEPHONY for task in self._centre.tasks.values())}
