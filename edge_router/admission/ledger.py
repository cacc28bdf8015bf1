"""What the router remembers over all configurations: calls placed at the contact centre, visits, switches.

It must not know of calls in progress: those tell it what they do.
"""

from __future__ import annotations

from typing import Final

from edge_router.admission.cloud_tasks import CloudTasks
from edge_router.admission.placed import PlacedCalls
from edge_router.admission.visits import Visits
from edge_router.switches import Switches


class Ledger:
    """``tasks`` are those that the contact centre shows, None where its source of state shows queues only."""

    __slots__ = ("placed", "switches", "tasks", "visits")

    def __init__(self, tasks: CloudTasks | None = None) -> None:
        self.tasks: Final = tasks
        self.placed: Final = tasks.placed if tasks is not None else PlacedCalls()
        self.visits: Final = Visits()
        self.switches: Final = Switches({})
