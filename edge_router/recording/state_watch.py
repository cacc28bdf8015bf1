"""What has changed of all that rules read besides the call: queues, teams, trunks, latches, switches, the cloud.

It looks when it is told to, and knows what it said the last time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import inf
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from edge_router.policy.faults import Undecided
from state_client.picture import AGENT_STATES, AGENTS, ESTIMATE, NEVER, STATIC, TASKS, TELEPHONY, Queue, Stamp, Team

if TYPE_CHECKING:
    from edge_router.b2bua.routing.cloud import Cloud
    from edge_router.b2bua.routing.routing import Routing
    from edge_router.b2bua.trunks.live_trunk import LiveTrunk
    from edge_router.recording.call_line import Line
    from state_client.picture import Picture

QUEUE_VALUES: Final = (
    *("length", "longest_wait", "total_wait", "calls", "agents_available", "agents_signed_on", "estimated_wait"),
)
_VALUES: Final = attrgetter(*QUEUE_VALUES)
KNOWN: Final = (TASKS, AGENTS, ESTIMATE)
"""The groups of a queue's values, in the order of `known`: for each its source, and its age in seconds or null."""
PARTS: Final = ("queues", "teams", "trunks", "latches")
"""The keys of a line that hold what changes one by one, by name."""

Entry = dict[str, object] | bool
"""What a line says of one queue, team, trunk or latch."""


class StateWatch:
    """Gives the lines of a recording of state. Each says only what has changed, but for one that is `full`.

    A queue that is only known anew is told of once a second at the most.
    """

    def __init__(self) -> None:
        self._said: dict[str, dict[str, object]]
        self._cloud: object
        self._switches: object
        self._forget()

    def _forget(self) -> None:
        self._said = {part: {} for part in PARTS}
        self._cloud = self._switches = None

    def look(self, routing: Routing, picture: Picture, now: float, epoch: float, full: bool = False) -> Line | None:
        """What has changed, None if nothing has. `now` is in seconds of the picture's clock, `epoch` since 1970."""
        if full:
            self._forget()
        line: Line = {"t": epoch}
        if full:
            line["full"] = True
        unseen = routing.ledger.placed.unseen
        queues = {queue.name: queue for queue in picture}
        teams = {team.name: team for team in picture.teams}
        trunks, latches = routing.trunks, routing.latches.latches
        marks: dict[str, object] = {name: _queue_mark(queue, unseen(name), now) for name, queue in queues.items()}
        self._tell(line, "queues", marks, lambda name: _queue(queues[name], unseen(name), now))
        marks = {name: _team_mark(team, now) for name, team in teams.items()}
        self._tell(line, "teams", marks, lambda name: _team(teams[name], now))
        marks = {name: (trunk.up, trunk.calls, trunk.cps, trunk.sent_in_all) for name, trunk in trunks.items()}
        self._tell(line, "trunks", marks, lambda name: _trunk(trunks[name]))
        self._tell(line, "latches", {name: latch.on for name, latch in latches.items()}, lambda name: latches[name].on)
        self._tell_of_cloud(line, routing.cloud, now)
        switches = routing.ledger.switches.snapshot()
        if switches != self._switches:
            self._switches = switches
            line["switches"] = switches
        return line if full or len(line) > 1 else None

    def _tell(self, line: Line, part: str, marks: Mapping[str, object], entry: Callable[[str], Entry]) -> None:
        """Add what of one part is new, by its mark, or gone: that is null."""
        said = self._said[part]
        changed: dict[str, object] = {}
        for name, mark in marks.items():
            if name not in said or said[name] != mark:
                said[name] = mark
                changed[name] = entry(name)
        if len(said) > len(marks):
            for name in [name for name in said if name not in marks]:
                del said[name]
                changed[name] = None
        if changed:
            line[part] = changed

    def _tell_of_cloud(self, line: Line, cloud: Cloud | None, now: float) -> None:
        if cloud is None:
            return
        try:
            calls: int | None = cloud.calls(now)
        except Undecided:
            calls = None
        try:
            entitlement: int | None = cloud.entitlement(now)
        except Undecided:
            entitlement = None
        mark = calls, entitlement
        if mark != self._cloud:
            self._cloud = mark
            line["cloud"] = {"calls": calls, "entitlement": entitlement}


def _queue_mark(queue: Queue, unseen: int, now: float) -> object:
    """What differs when there is news of a queue. Its age is when it was last known to be so, to the second."""
    stamps = queue.of_tasks, queue.of_agents, queue.of_estimate
    return (
        *(queue.id, queue.channel, unseen, queue.static_age, *_VALUES(queue)),
        *[stamp.source for stamp in stamps],
        *[_second(stamp, now) for stamp in stamps],
    )


def _queue(queue: Queue, unseen: int, now: float) -> Entry:
    known: list[tuple[str, float | None]] = []
    for group in KNOWN:
        stamp = queue.stamp(group)
        age = queue.static_age if stamp.source == STATIC else stamp.age(now)
        known.append((stamp.source, None if age == inf else age))
    values = dict(zip(QUEUE_VALUES, _VALUES(queue), strict=True))
    return {"id": queue.id, "channel": queue.channel, "unseen": unseen, "known": known, **values}


def _second(stamp: Stamp, now: float) -> int | None:
    """The second as of which something is known, None where it isn't."""
    return None if stamp.time == NEVER or now >= stamp.expires else int(stamp.time)


def _team_mark(team: Team, now: float) -> object:
    return team.id, *team.counts.get(TELEPHONY, {}).values(), _second(team.of_agents, now)


def _team(team: Team, now: float) -> Entry:
    counts = {state: team.count(state) for state in AGENT_STATES}
    age = team.age(now)
    return {"id": team.id, **counts, "age": None if age == inf else age}


def _trunk(trunk: LiveTrunk) -> Entry:
    return {"up": trunk.up, "calls": trunk.calls, "cps": trunk.cps, "sent": trunk.sent_in_all}
