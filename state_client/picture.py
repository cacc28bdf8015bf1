"""The picture: what is known of every queue and team now, and how old that knowledge is.

Here live the values and their age. Nothing here knows where they come from, and nothing here reads a clock:
whoever writes or asks says what time it is, in seconds of one clock of his choice that never goes back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, TypedDict, Unpack

NEVER: Final = float("-inf")
FOREVER: Final = float("inf")
AWAITED: Final = "awaited"
"""The source of what is somebody's to say, and he hasn't yet."""
STATIC: Final = "static"
"""The source of what stands in a configuration: it says its age itself and doesn't grow old."""


class Stamp:
    """When some values were last known to be true, and by what.

    ``source`` is one of: event, confirm, reconcile, pushed, static, peer, stored (from before a restart), awaited (it
    is somebody's to say, and he hasn't yet); "" where nobody says these values.
    """

    __slots__ = ("expires", "source", "time")

    def __init__(self) -> None:
        self.time: float = NEVER
        self.source: str = ""
        self.expires: float = FOREVER

    def renew(self, time: float, source: str, expires: float = FOREVER) -> None:
        """Say that the values were true at ``time``. What was known at a later time already stays known."""
        if time >= self.time:
            self.time = time
            self.source = source
            self.expires = expires

    def doubt(self, source: str) -> None:
        """Say that nobody knows any more whether the values are true."""
        self.time = NEVER
        self.source = source
        self.expires = FOREVER

    def age(self, now: float) -> float:
        """Seconds since the values were known to be true; infinite where that was never or holds no more."""
        return max(0.0, now - self.time) if now < self.expires else FOREVER


@dataclass(slots=True)
class Queue:
    """One queue of the contact centre.

    Counts are whole numbers. Waits are whole seconds, so that rules can reckon with them and plain numbers.
    A static queue is what its owner says: what he leaves out is 0. An estimated wait that is unknown is -1.
    ``calls`` are those of the queue's contacts that an agent has or is being offered.
    """

    name: str
    id: str = ""
    type: str = "INBOUND"
    channel: str = "TELEPHONY"
    length: int = 0
    longest_wait: int = 0
    total_wait: int = 0
    calls: int = 0
    agents_available: int = 0
    agents_signed_on: int = 0
    estimated_wait: int = -1
    static_age: float = 0.0
    of_tasks: Stamp = field(default_factory=Stamp)
    of_agents: Stamp = field(default_factory=Stamp)
    of_estimate: Stamp = field(default_factory=Stamp)

    def __post_init__(self) -> None:
        self.id = self.id or self.name

    @property
    def source(self) -> str:
        """What the length and the waits were last known by; of a queue without them, what its agents were."""
        return self.of_tasks.source or self.of_agents.source

    def age(self, now: float) -> float:
        """Seconds since the queue was known to be so: the older of its contacts' values and its agents'.

        Values that nobody says have no part in it; where nobody says any, the age is infinite.
        """
        tasks = self._age_by(self.of_tasks, now)
        agents = self._age_by(self.of_agents, now)
        if not self.of_agents.source:
            return tasks
        return max(tasks, agents) if self.of_tasks.source else agents

    def age_of(self, value: str, now: float) -> float:
        """Seconds since one value, such as ``length``, was known to be true: what a rule that reads it must judge."""
        group = GROUP_OF.get(value)
        if group is None:
            return self.age(now)
        return self._age_by(self.stamp(group), now)

    def stamp(self, group: str) -> Stamp:
        """The stamp of a group of values: TASKS, AGENTS or ESTIMATE."""
        if group == TASKS:
            return self.of_tasks
        return self.of_agents if group == AGENTS else self.of_estimate

    def _age_by(self, stamp: Stamp, now: float) -> float:
        return self.static_age if stamp.source == STATIC else stamp.age(now)


TASKS: Final = "tasks"
AGENTS: Final = "agents"
ESTIMATE: Final = "estimate"
GROUPS: Final = (TASKS, AGENTS, ESTIMATE)
GROUP_OF: Final = {
    "length": TASKS,
    "expected": TASKS,
    "longest_wait": TASKS,
    "total_wait": TASKS,
    "calls": TASKS,
    "agents_available": AGENTS,
    "agents_signed_on": AGENTS,
    "estimated_wait": ESTIMATE,
}
"""Which values of a queue become known together."""

TELEPHONY: Final = "telephony"
AVAILABLE: Final = "available"
IDLE: Final = "idle"
RESERVED: Final = "reserved"
ENGAGED: Final = "engaged"
WRAPUP: Final = "wrapup"
NOT_RESPONDING: Final = "not_responding"
AGENT_STATES: Final = (AVAILABLE, IDLE, RESERVED, ENGAGED, WRAPUP, NOT_RESPONDING)
"""The states of an agent who is signed on; reserved is being offered a contact."""


class Team:
    """One team of agents: how many are in which state. Where no channel is named, it is the telephone."""

    __slots__ = ("counts", "id", "name", "of_agents")

    def __init__(self, id: str, name: str = "") -> None:
        self.id = id
        self.name = name
        self.counts: dict[str, dict[str, int]] = {TELEPHONY: dict.fromkeys(AGENT_STATES, 0)}
        self.of_agents = Stamp()

    def count(self, state: str, channel: str = TELEPHONY) -> int:
        """How many agents of the team are in a state. Raises KeyError for a state that there is not."""
        counts = self.counts.get(channel)
        if counts is None:
            return 0
        return counts[state]

    def count_signed_on(self, channel: str = TELEPHONY) -> int:
        """How many agents of the team are signed on for a channel."""
        counts = self.counts.get(channel)
        return sum(counts.values()) if counts is not None else 0

    @property
    def signed_on(self) -> int:
        """Agents signed on, whatever they do."""
        return self.count_signed_on()

    @property
    def available(self) -> int:
        """Agents who can be given a call now."""
        return self.count(AVAILABLE)

    @property
    def idle(self) -> int:
        """Agents who take no calls for now."""
        return self.count(IDLE)

    @property
    def reserved(self) -> int:
        """Agents whose telephone rings."""
        return self.count(RESERVED)

    @property
    def engaged(self) -> int:
        """Agents in a call, or busy on another channel."""
        return self.count(ENGAGED)

    @property
    def wrapup(self) -> int:
        """Agents who finish up after a call."""
        return self.count(WRAPUP)

    @property
    def not_responding(self) -> int:
        """Agents who didn't answer a call that was offered, and are offered none since."""
        return self.count(NOT_RESPONDING)

    def age(self, now: float) -> float:
        """Seconds since the counts were known to be true."""
        return self.of_agents.age(now)

    def age_of(self, value: str, now: float) -> float:
        """Seconds since one count was known to be true: all of them become known together."""
        return self.of_agents.age(now)


class QueueValues(TypedDict, total=False):
    """What can be set of a queue: any of these. `static_age` is in seconds, how old static values are."""

    id: str
    type: str
    channel: str
    length: int
    longest_wait: int
    total_wait: int
    calls: int
    agents_available: int
    agents_signed_on: int
    estimated_wait: int
    static_age: float


class Picture:
    """All queues and teams, found by name or by id. Where one queue's name is another's id, the name wins."""

    def __init__(self) -> None:
        self._by_name: dict[str, Queue] = {}
        self._by_id: dict[str, Queue] = {}
        self._teams: dict[str, Team] = {}
        self._teams_by_id: dict[str, Team] = {}

    @property
    def names(self) -> list[str]:
        """The names of all queues, in the order they became known."""
        return list(self._by_name)

    @property
    def teams(self) -> list[Team]:
        """All teams, in the order they became known."""
        return list(self._teams.values())

    def __iter__(self) -> Iterator[Queue]:
        return iter(list(self._by_name.values()))

    def queue(self, name_or_id: str) -> Queue | None:
        """The queue of that name or id, or None. Later calls of `set` show in the object returned."""
        return self._by_name.get(name_or_id) or self._by_id.get(name_or_id)

    def team(self, name_or_id: str) -> Team | None:
        """The team of that name or id, or None."""
        return self._teams.get(name_or_id) or self._teams_by_id.get(name_or_id)

    def set(
        self, name: str, now: float, source: str = "", expires: float = FOREVER, **values: Unpack[QueueValues]
    ) -> Queue:
        """Set values of the queue `name`, which is made if it isn't known; its other values stay.

        What is set is known to be true `now`, and no more once the clock shows `expires`. Where nothing is set, or the
        source is static, that goes for all values. Without a source the queue keeps the one it had (at first static).
        """
        queue = self._by_name.get(name) or Queue(name)
        source = source or queue.source or STATIC
        queue_id = queue.id
        for value_name, value in values.items():
            setattr(queue, value_name, value)
        groups = {GROUP_OF[one] for one in values if one in GROUP_OF}
        for group in groups if groups and source != STATIC else GROUPS:
            queue.stamp(group).renew(now, source, expires)
        self._forget_id(queue_id, queue)
        self._by_name[name] = queue
        self._by_id[queue.id] = queue
        return queue

    def add(self, queue: Queue) -> None:
        """Take in a queue that somebody else keeps. One that has its name already keeps the name."""
        self._by_name.setdefault(queue.name, queue)
        self._by_id[queue.id] = queue

    def rename(self, queue: Queue, name: str, id: str) -> None:
        """Give a queue another name and id, of which it may have been found by one before."""
        self.remove(queue)
        queue.name, queue.id = name, id
        self.add(queue)

    def remove(self, queue: Queue) -> None:
        """Take out a queue. Another one of the same name is found by it from now on."""
        self._forget_id(queue.id, queue)
        if self._by_name.get(queue.name) is queue:
            del self._by_name[queue.name]
            for other in self._by_id.values():
                if other.name == queue.name:
                    self._by_name[other.name] = other
                    break

    def add_team(self, team: Team, name: str) -> None:
        """Take in a team under its name, which may be a new one."""
        if team.name != name:
            self.remove_team(team)
            team.name = name
        self._teams.setdefault(name, team)
        self._teams_by_id[team.id] = team

    def remove_team(self, team: Team) -> None:
        """Take out a team. Another one of the same name is found by it from now on."""
        if self._teams_by_id.get(team.id) is team:
            del self._teams_by_id[team.id]
        if self._teams.get(team.name) is team:
            del self._teams[team.name]
            for other in self._teams_by_id.values():
                if other.name == team.name:
                    self._teams[other.name] = other
                    break

    def _forget_id(self, id: str, queue: Queue) -> None:
        if self._by_id.get(id) is queue:
            del self._by_id[id]
