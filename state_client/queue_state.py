"""The line of one queue: who waits in it and since when, and what of that everybody may read."""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import Final

from state_client.picture import Queue
from state_client.recent import Recent

WAITING: Final = "waiting"
ASIDE: Final = "aside"
CALL: Final = "call"
NOWHERE: Final = ""
"""Where an interaction stands in its queue: it counts as waiting; it is parked, too, but no caller waits (a courtesy
callback, or one that must have gone); an agent has it; none of these."""

_SLACK: Final = 64


class QueueState:
    """One queue as it is kept: ``queue`` is what the picture shows of it.

    ``max_time`` is how long a contact may wait in it, in seconds, 0 if unknown; ``team_ids`` are those of its
    distribution groups, None where they aren't known. ``configured`` says that its name is known.
    """

    __slots__ = ("_sum", "_times", "_waiting", "aside", "configured", "max_time", "queue", "recent", "team_ids")

    def __init__(self, queue: Queue) -> None:
        self.queue = queue
        self.max_time = 0.0
        self.team_ids: tuple[str, ...] | None = None
        self.configured = False
        self.aside = 0
        self.recent = Recent()
        # Milliseconds, since a sum of whole numbers stays exact through a million changes.
        self._waiting: dict[str, int] = {}
        self._sum = 0
        self._times: list[tuple[int, str]] = []

    def join(self, place: str, task_id: str, parked_at: float, now: float) -> None:
        """An interaction takes its place."""
        if place == WAITING:
            since = int(parked_at * 1000.0)
            self._waiting[task_id] = since
            self._sum += since
            heappush(self._times, (since, task_id))
            self.recent.note(now, WAITING, 1)
        elif place == ASIDE:
            self.aside += 1
        elif place == CALL:
            self.queue.calls += 1

    def leave(self, place: str, task_id: str, now: float) -> None:
        """An interaction gives up its place."""
        if place == WAITING:
            self._sum -= self._waiting.pop(task_id)
            self.recent.note(now, WAITING, -1)
            if len(self._times) > 2 * len(self._waiting) + _SLACK:
                self._times = [(since, one) for one, since in self._waiting.items()]
                heapify(self._times)
        elif place == ASIDE:
            self.aside -= 1
        elif place == CALL:
            self.queue.calls -= 1

    @property
    def length(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def waiting_ids(self) -> list[str]:
        """The interactions that wait."""
        return list(self._waiting)

    def oldest(self) -> float | None:
        """When the one who waits longest came; None where nobody waits."""
        times = self._times
        while times and self._waiting.get(times[0][1]) != times[0][0]:
            heappop(times)  # gone, or came anew
        return times[0][0] / 1000.0 if times else None

    def publish(self, now: float) -> bool:
        """Show the line in the picture. Gives whether anything is different from before."""
        queue = self.queue
        before = (queue.length, queue.longest_wait, queue.total_wait)
        oldest = self.oldest()
        queue.length = length = len(self._waiting)
        queue.longest_wait = 0 if oldest is None else max(0, int(now - oldest))
        queue.total_wait = max(0, (length * int(now * 1000.0) - self._sum) // 1000)
        return before != (queue.length, queue.longest_wait, queue.total_wait)

    def agrees(self, parked: int, since: float) -> bool:
        """Whether a search may have seen that many parked here, if it shows any moment since then.

        It may count those among them that no caller waits in.
        """
        if parked == self.length:
            return True
        low, high = self.recent.bounds({WAITING: self.length}, since)[WAITING]
        return low <= parked <= high + self.aside
