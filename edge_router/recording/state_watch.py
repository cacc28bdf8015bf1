"""What has changed of all that rules read besides the call: queues, teams, trunks, latches, switches, the cloud.

It looks when it is told to, and knows what it said the last time.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import TYPE_CHECKING, Final

from edge_router.policy.faults import Undecided
from state_client.picture import AGENT_STATES, AGENTS, ESTIMATE, STATIC, TASKS, Queue, Team

if TYPE_CHECKING:
    from edge_router.b2bua.cloud import Cloud
    from edge_router.b2bua.live_trunk import LiveTrunk
    from edge_router.b2bua.routing import Routing
    from edge_router.recording.lines import Line
    from state_client.picture import Picture

QUEUE_VALUES: Final = (
    *("length", "longest_wait", "total_wait", "calls", "agents_available", "agents_signed_on", "estimated_wait"),
)
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
        queues = {queue.name: _queue(queue, unseen(queue.name), now) for queue in picture}
        teams = {team.name: _team(team, now) for team in picture.teams}
        trunks = {name: _trunk(trunk, now) for name, trunk in routing.trunks.items()}
        latches: dict[str, tuple[object, Entry]] = {
            name: (latch.on, latch.on) for name, latch in routing.latches.latches.items()
        }
        for part, found in zip(PARTS, (queues, teams, trunks, latches), strict=True):
            self._tell(line, part, found)
        self._tell_of_cloud(line, routing.cloud, now)
        switches = routing.ledger.switches.snapshot()
        if switches != self._switches:
            self._switches = switches
            line["switches"] = switches
        return line if full or len(line) > 1 else None

    def _tell(self, line: Line, part: str, found: Mapping[str, tuple[object, Entry]]) -> None:
        """Add what is new or gone of one part; what is gone is null."""
        said = self._said[part]
        changed: dict[str, object] = {}
        for name, (mark, entry) in found.items():
            if name not in said or said[name] != mark:
                said[name] = mark
                changed[name] = entry
        if len(said) > len(found):
            for name in [name for name in said if name not in found]:
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


def _queue(queue: Queue, unseen: int, now: float) -> tuple[object, Entry]:
    values = [getattr(queue, name) for name in QUEUE_VALUES]
    known: list[tuple[str, float | None]] = []
    marks: list[tuple[str, int | None]] = []
    for group in KNOWN:
        stamp = queue.stamp(group)
        age = queue.static_age if stamp.source == STATIC else stamp.age(now)
        known.append((stamp.source, None if age == inf else age))
        renewed = None if age == inf else round(age if stamp.source == STATIC else now - age)
        marks.append((stamp.source, renewed))
    entry: dict[str, object] = {"id": queue.id, "channel": queue.channel, "unseen": unseen, "known": known}
    entry.update(zip(QUEUE_VALUES, values, strict=True))
    return (queue.id, queue.channel, unseen, tuple(values), tuple(marks)), entry


def _team(team: Team, now: float) -> tuple[object, Entry]:
    counts = {state: team.count(state) for state in AGENT_STATES}
    age = team.age(now)
    mark = team.id, tuple(counts.values()), None if age == inf else round(now - age)
    return mark, {"id": team.id, **counts, "age": None if age == inf else age}


def _trunk(trunk: LiveTrunk, now: float) -> tuple[object, Entry]:
    mark = trunk.up, trunk.calls, trunk.cps, trunk.sent_in_all
    return mark, {"up": mark[0], "calls": mark[1], "cps": mark[2], "sent": mark[3]}
