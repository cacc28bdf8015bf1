"""The telephone calls that the contact centre shows, and which of them are ours.

It must not know how its tidings come.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from edge_router.admission.placed import PlacedCalls
from state_client.picture import TELEPHONY
from state_client.task import ENDED, NEW, WRAPUP

if TYPE_CHECKING:
    from state_client.task import Task


class CloudTasks:
    """The telephone calls that the contact centre shows, each of them told of as it goes on: `heard`.

    What it shows of a call of ours is told to ``placed``, in its clock; ``offset`` takes an epoch time to that.
    """

    def __init__(self, placed: PlacedCalls, offset: float = 0.0) -> None:
        self.placed: Final = placed
        self._offset: Final = offset
        self._live: set[str] = set()

    def __len__(self) -> int:
        return len(self._live)

    def heard(self, task: Task) -> None:
        """An interaction has begun, changed or ended."""
        now = time.time() - self._offset
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
            began = (task.created or task.since) - self._offset
            self.placed.seen(task.id, task.origin, task.destination, began, now, task.state != NEW, task.call)
