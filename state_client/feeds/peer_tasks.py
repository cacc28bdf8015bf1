"""Telephone calls as another gateway tells of them: those in progress, and what becomes of each.

The other one tells of all of them when it is followed, and says when these were all. Whoever isn't among them is over:
his end was missed while the line was broken, or while another gateway was followed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from state_client.feeds import told
from state_client.task import ENDED, NEW, RANKS, Task

MOST_TASKS: Final = 20_000
KEEP: Final = 3_600.0
"""Seconds for which calls are taken to go on while nobody tells of them."""
SLICE: Final = 64
"""Calls that are ended at once, before other work gets its turn."""


class PeerTasks:
    """Calls another gateway tells of; each is handed to ``heard`` when it has begun, changed or ended.

    ``offset`` gives what makes ``clock``'s seconds seconds since the epoch, when it is added. ``telling``: the gateway
    that is followed, or was last, has told of all of them.
    """

    def __init__(
        self,
        heard: Callable[[Task], None],
        offset: Callable[[], float],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.telling = False
        self._heard = heard
        self._offset = offset
        self._clock = clock
        self._tasks: dict[str, Task] = {}
        self._named: set[str] = set()  # since the stream began
        self._known = clock()

    def __len__(self) -> int:
        return len(self._tasks)

    def begin(self) -> None:
        """A stream begins: nobody knows yet whether it tells of calls."""
        self.telling = False
        self._named.clear()

    def take(self, data: Mapping[str, Any]) -> None:
        """Take in a call as the other gateway tells it; what can't be one, or is one too many, is left out."""
        id, state = told.text(data, "id"), told.text(data, "state")
        if not id or state not in RANKS:
            return
        task = self._tasks.get(id)
        if task is None:
            if len(self._tasks) >= MOST_TASKS:
                return
            task = self._tasks[id] = self._begun(id, data)
        for name in ("channel", "direction", "origin", "destination"):
            setattr(task, name, told.text(data, name) or getattr(task, name))
        task.call = told.text(data, "call_id")
        if state == ENDED:
            if not task.since:  # it has begun and ended between two tidings
                task.state = NEW
                self._heard(task)
            self._end(task)
            return
        self._named.add(id)
        task.state = state
        task.since = self._now()
        self._heard(task)

    async def all_told(self) -> None:
        """These were all: who was known before and isn't among them is over."""
        self.telling = True
        self._known = self._clock()
        if len(self._named) < len(self._tasks):  # so that it may be said again and again at no cost
            await self._end_all([task for id, task in self._tasks.items() if id not in self._named])

    async def look(self, alive: bool) -> None:
        """Note that the other gateway is ``alive``; after an hour without one that tells of calls, all are over."""
        now = self._clock()
        if alive and self.telling:
            self._known = now
        elif self._tasks and now - self._known > KEEP:
            self.telling = False
            await self._end_all(list(self._tasks.values()))

    def _begun(self, id: str, data: Mapping[str, Any]) -> Task:
        task = Task(id)
        began = told.number(data.get("began_secs"))
        task.created = self._now() - (began or 0.0)
        return task

    async def _end_all(self, tasks: Iterable[Task]) -> None:
        for number, task in enumerate(tasks, 1):
            self._end(task)
            if number % SLICE == 0:
                await asyncio.sleep(0)

    def _end(self, task: Task) -> None:
        task.state = ENDED
        del self._tasks[task.id]
        self._named.discard(task.id)
        self._heard(task)

    def _now(self) -> float:
        return self._clock() + self._offset()
