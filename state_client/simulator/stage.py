"""The stage that all scripts play on: the time, chance, what is planned, what was said, and who sees it when.

Here live the agenda and the envelope of an event. Nothing here knows calls or agents.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from random import Random
from typing import Any

from state_client.simulator.centre import new_id

Event = dict[str, Any]
Deed = Callable[[], None]


class Stage:
    """Time, chance and the agenda. ``now`` is in seconds since the epoch and moves only by `run`."""

    __slots__ = ("_agenda", "_said", "_serial", "now", "org_id", "rng")

    def __init__(self, rng: Random, org_id: str, start: float) -> None:
        self.rng = rng
        self.org_id = org_id
        self.now = start
        self._agenda: list[tuple[float, int, Deed]] = []
        self._serial = 0
        self._said: list[Event] = []

    def later(self, seconds: float, deed: Deed) -> None:
        """Do it in so many seconds. What no longer applies by then sees to that itself."""
        self._serial += 1
        heappush(self._agenda, (self.now + seconds, self._serial, deed))

    def about(self, mean: float) -> float:
        """A time that varies as waits do: exponential, in seconds."""
        return self.rng.expovariate(1.0 / mean) if mean > 0 else 0.0

    def roughly(self, mean: float) -> float:
        """A time that varies as work does: a third either way, mostly, now and then much longer."""
        return self.rng.gammavariate(4.0, mean / 4.0) if mean > 0 else 0.0

    def chance(self, share: float) -> bool:
        """True for that share of the times."""
        return self.rng.random() < share

    def say(self, kind: str, data: Event, after: float = 0.0) -> None:
        """An event in the cloud's own envelope; ``after`` is in seconds, for what comes right behind another."""
        created = int((self.now + after) * 1000)
        data["createdTime"] = created
        self._said.append(
            {
                "id": new_id(self.rng),
                "specversion": "1.0",
                "type": kind,
                "source": "/com/cisco/wxcc/world",
                "comciscoorgid": self.org_id,
                "comciscotimestamp": str(created + 5),
                "datacontenttype": "application/json",
                "data": data,
            }
        )

    @property
    def next_at(self) -> float | None:
        """When the next thing is planned, None if nothing is."""
        return self._agenda[0][0] if self._agenda else None

    def run(self, until: float) -> list[Event]:
        """Do what is planned up to that time, and hand over what was said since the last time."""
        agenda = self._agenda
        while agenda and agenda[0][0] <= until:
            at, _, deed = heappop(agenda)
            self.now = at
            deed()
        self.now = max(self.now, until)
        said, self._said = self._said, []
        return said
