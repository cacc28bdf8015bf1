"""The telephone calls that the contact centre shows, and which of them are ours.

It must not know how its tidings come.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from edge_router.admission.placed import PlacedCalls
from state_client.picture import TELEPHONY
from state_client.task import ENDED, NEW, WRAPUP

if TYPE_CHECKING:
    from state_client.task import Task


class CloudTasks:
    """The telephone calls that the contact centre shows, each of them told of as it goes on: `heard`.

    What it shows of a call of ours is told to ``placed``, in the time that ``clock`` shows. ``offset`` says what to
    take off a time of the contact centre to have that; it may change as its clock becomes known. ``told`` says whether
    anybody tells of all of them now: where a gateway of an older release is followed, nobody does.
    """

    def __init__(
        self,
        placed: PlacedCalls,
        offset: Callable[[], float],
        clock: Callable[[], float] = time.monotonic,
        told: Callable[[], bool] = lambda: True,
    ) -> None:
        self.placed: Final = placed
        self.told: Final = told
        self._offset: Final = offset
        self._clock: Final = clock
        self._live: set[str] = set()

    def __len__(self) -> int:
        return len(self._live)

    def heard(self, task: Task) -> None:
        """An interaction has begun, changed or ended."""
        now = self._clock()
        if task.state == ENDED:
            self._live.discard(task.id)
            self.placed.task_over(task.id, now)
            return
        if (task.channel or TELEPHONY) != TELEPHONY:
            return
        if task.state == WRAPUP:
            self._live.discard(task.id)  # the caller has gone
        else:
            self._live.add(task.id)
        if task.direction != "outbound":
            began = (task.created or task.since) - self._offset()
            self.placed.seen(task.id, task.origin, task.destination, began, now, task.state != NEW, task.call)
