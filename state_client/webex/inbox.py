"""Where events wait between the webhook's answer and the state: bounded, each once, in order per entity.

Here is no clock and no network: who puts and takes says what time it is, in seconds of one clock that never goes back.
An event that is alone in waiting for its interaction or agent goes straight on. Where more than one waits, they are
held a moment, so that one that was overtaken on its way still finds its place, and go on in the order in which things
happened.
"""

from __future__ import annotations

from collections import Counter, deque
from typing import Final

from state_client.rows import AgentEvent, TaskEvent
from state_client.webex.events import KNOWN_TYPES, Event, Other

SIZE: Final = 20_000
DEDUPE: Final = 100_000
HOLD: Final = 0.05
"""Seconds that events of one entity wait for one another."""

ACCEPTED: Final = "accepted"
DUPLICATE: Final = "duplicate"
FORGED: Final = "forged"
MALFORMED: Final = "malformed"
OVERFLOW: Final = "overflow"
STALE: Final = "stale"
IGNORED: Final = "ignored"
"""It changes nothing that anybody here keeps."""
FAILED: Final = "failed"
"""It couldn't be applied: a fault of ours."""

UNKNOWN_TYPE: Final = "other"
"""Where a stranger names the type, it is counted under a name of ours: he can't grow the counts."""

EntityEvent = TaskEvent | AgentEvent


class _Group:
    """The waiting events of one entity; ``since`` is when the first of them came."""

    __slots__ = ("events", "key", "since")

    def __init__(self, key: str, since: float, event: EntityEvent) -> None:
        self.key = key
        self.since = since
        self.events = [event]


class Inbox:
    """At most ``size`` events wait here; the ids of the last ``dedupe`` are remembered.

    ``gap`` is true once an event was lost here: the state has to be compared with the cloud, and whoever asks for that
    sets it back. ``counts`` holds how many events had which result, by (type, result), where an accepted one is counted
    again by what became of it.
    """

    def __init__(self, size: int = SIZE, dedupe: int = DEDUPE, hold: float = HOLD) -> None:
        self.gap = False
        self.counts: Counter[tuple[str, str]] = Counter()
        self._size = size
        self._dedupe = dedupe
        self._hold = hold
        self._seen: set[str] = set()
        self._seen_in_order: deque[str] = deque()
        self._waiting = 0
        self._groups: dict[str, _Group] = {}
        self._fresh: deque[_Group] = deque()
        self._held: deque[_Group] = deque()

    def __len__(self) -> int:
        """How many events wait."""
        return self._waiting

    @property
    def due(self) -> float | None:
        """When the next event may be taken: 0 for now, None where none waits."""
        if self._fresh:
            return 0.0
        return self._held[0].since + self._hold if self._held else None

    def count(self, event_type: str, result: str) -> None:
        """Count an event, also one that never comes in here."""
        self.counts[event_type if event_type in KNOWN_TYPES else UNKNOWN_TYPE, result] += 1

    def first_time(self, event_id: str) -> bool:
        """Whether this id is new; it no longer is thereafter."""
        if event_id in self._seen:
            return False
        self._seen.add(event_id)
        self._seen_in_order.append(event_id)
        if len(self._seen) > self._dedupe:
            self._seen.discard(self._seen_in_order.popleft())
        return True

    def put(self, event: Event, now: float) -> str:
        """Let an event wait its turn, unless it came before or there is no room. Gives the result, counted."""
        result = self._put(event, now)
        self.count(event.type, result)
        return result

    def take(self, now: float, most: int) -> list[EntityEvent]:
        """The next events, ``most`` or a few more: the waiting events of one entity come together, oldest first."""
        taken: list[EntityEvent] = []
        while self._held and len(taken) < most and now >= self._held[0].since + self._hold:
            self._release(self._held.popleft(), taken)
        while self._fresh and len(taken) < most:
            group = self._fresh.popleft()
            if len(group.events) > 1 and now < group.since + self._hold:
                self._held.append(group)
            else:
                self._release(group, taken)
        self._waiting -= len(taken)
        return taken

    def _put(self, event: Event, now: float) -> str:
        if self._waiting >= self._size and event.id not in self._seen:
            self.gap = True  # nor is its id remembered: sent again it would be welcome
            return OVERFLOW
        if not self.first_time(event.id):
            return DUPLICATE
        if isinstance(event, Other):
            self.count(event.type, IGNORED)
            return ACCEPTED
        key = event.task_id if isinstance(event, TaskEvent) else event.agent_id
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = _Group(key, now, event)
            self._fresh.append(group)
        else:
            group.events.append(event)
        self._waiting += 1
        return ACCEPTED

    def _release(self, group: _Group, taken: list[EntityEvent]) -> None:
        del self._groups[group.key]
        if len(group.events) > 1:
            group.events.sort(key=_order)
        taken += group.events


def _order(event: EntityEvent) -> tuple[float, float]:
    """When it happened, and of things that happened at once, which the cloud sent first."""
    return event.time, event.sent
