"""The picture: what is known of every queue now, and how old that knowledge is.

Here live the values and their age. Nothing here knows where they come from, and nothing here reads a clock:
whoever writes or asks says what time it is, in seconds of one clock of his choice that never goes back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypedDict, Unpack


@dataclass(slots=True)
class Queue:
    """One queue of the contact centre.

    Counts are whole numbers. Waits are whole seconds, so that rules can reckon with them and plain numbers.
    A static queue is what its owner says: what he leaves out is 0. An estimated wait that is unknown is -1.
    """

    name: str
    id: str = ""
    type: str = "INBOUND"
    channel: str = "TELEPHONY"
    length: int = 0
    longest_wait: int = 0
    total_wait: int = 0
    agents_available: int = 0
    agents_signed_on: int = 0
    estimated_wait: int = -1
    changed: float = 0.0
    source: str = "static"
    static_age: float = 0.0

    def __post_init__(self) -> None:
        self.id = self.id or self.name

    @property
    def expected(self) -> int:
        """The length plus calls sent there that the queue doesn't show yet: of a static queue, its length."""
        return self.length

    def age(self, now: float) -> float:
        """Seconds since the values were known to be true; static ones say their age and don't grow old."""
        if self.source == "static":
            return self.static_age
        return max(0.0, now - self.changed)


class QueueValues(TypedDict, total=False):
    """What can be set of a queue: any of these. `static_age` is in seconds, how old static values are."""

    id: str
    type: str
    channel: str
    length: int
    longest_wait: int
    total_wait: int
    agents_available: int
    agents_signed_on: int
    estimated_wait: int
    source: str
    static_age: float


class Picture:
    """All queues, found by name or by id. Where one queue's name is another's id, the name wins."""

    def __init__(self) -> None:
        self._by_name: dict[str, Queue] = {}
        self._by_id: dict[str, Queue] = {}

    @property
    def names(self) -> list[str]:
        """The names of all queues, in the order they became known."""
        return list(self._by_name)

    def __iter__(self) -> Iterator[Queue]:
        return iter(list(self._by_name.values()))

    def queue(self, name_or_id: str) -> Queue | None:
        """The queue of that name or id, or None. Later calls of `set` show in the object returned."""
        return self._by_name.get(name_or_id) or self._by_id.get(name_or_id)

    def set(self, name: str, now: float, **values: Unpack[QueueValues]) -> Queue:
        """Set values of the queue `name`, which is made if it isn't known; its other values stay."""
        queue = self._by_name.get(name)
        if queue is None:
            queue = self._by_name[name] = Queue(name)
        elif self._by_id.get(queue.id) is queue:
            del self._by_id[queue.id]
        for field, value in values.items():
            setattr(queue, field, value)
        queue.changed = now
        self._by_id[queue.id] = queue
        return queue
