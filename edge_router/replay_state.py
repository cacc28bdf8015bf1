"""Recorded state, as it was at any moment of a recording: what rules read while calls are replayed.

Time is the recording's own, in seconds since 1970, for ages and for hours.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING, Any, Final

from edge_router.admission.ledger import Ledger
from edge_router.config.build import build, picture_of
from edge_router.policy.faults import Undecided
from edge_router.policy.surroundings import LONGEST_WINDOW, CloudView, Surroundings
from edge_router.recording.state_watch import KNOWN, QUEUE_VALUES
from state_client.picture import AGENT_STATES, STATIC, TELEPHONY, Queue, Team

if TYPE_CHECKING:
    from edge_router.b2bua.routing.routing import Routing
    from edge_router.config.models import Config
    from edge_router.config.tables import Tables
    from edge_router.switches import Switches

MOST_SAMPLES: Final = 20_000
"""Counts of calls sent to a trunk that are kept before those are dropped that no rule can look back to."""
LONGEST_PAUSE: Final = 86_400.0
"""Seconds without calls and state in which latches are looked at every second; of a longer pause its end."""


class BadState(ValueError):
    """A line of state that can't be used; the text says why."""


class RecordedState:
    """The state of a recording, and the `routing` that is built on it. It begins before the first line of state."""

    def __init__(self, config: Config, tables: Tables) -> None:
        self.now = 0.0
        self.began = False
        self._picture = picture_of(config, 0.0)
        self._ledger = Ledger()
        self._unseen: dict[str, int] = {}
        self._cloud_calls: int | None = None
        self._entitlement: int | None = None
        self.trunks: Final = {name: RecordedTrunk(self, name, self._ledger.switches) for name in config.trunks}
        self.routing: Final[Routing] = build(
            config,
            lambda: self.now,
            picture=self._picture,
            tables=tables,
            ledger=self._ledger,
            entitled=lambda: self._entitlement,
            adapted=self._as_recorded,
        )

    def _as_recorded(self, surroundings: Surroundings) -> Surroundings:
        cloud = surroundings.cloud
        return replace(
            surroundings,
            trunks=self.trunks,
            unseen=lambda queue: self._unseen.get(queue, 0),
            cloud=None if cloud is None else _RecordedCloud(cloud, self),
            wall=lambda: self.now,
        )

    @property
    def cloud_calls(self) -> int | None:
        """Calls at the contact centre, None where that wasn't known."""
        return self._cloud_calls

    def pass_time(self, until: float) -> None:
        """Let time pass. Latches are looked at as a router does: once a second, and soon after a change."""
        latches = self.routing.latches
        due = latches.due
        if due <= until:
            if due < until - LONGEST_PAUSE:
                due = until - LONGEST_PAUSE
            while due <= until:
                self.now = due
                latches.look(due)
                due = latches.due
        if until > self.now:
            self.now = until

    def take(self, line: Mapping[str, object]) -> None:
        """Take in a line of state, whose time has come. Raises BadState; then part of it may be in."""
        full = line.get("full") is True
        if not (self.began or full):
            return  # what it was before is unknown
        try:
            self._take(line, full)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BadState(f"is no line of state: {type(error).__name__}: {error}") from None
        self.routing.latches.touch()

    def _take(self, line: Mapping[str, object], full: bool) -> None:
        queues = _part(line, "queues")
        if full and self.began:
            for queue in self._picture:
                if queue.name not in queues:
                    _doubt(queue)
        for name, entry in queues.items():
            self._queue(name, entry)
        for name, entry in _part(line, "teams").items():
            self._team(name, entry)
        for name, entry in _part(line, "trunks").items():
            if entry is not None and name in self.trunks:
                self.trunks[name].take(entry)
        cloud = line.get("cloud")
        if isinstance(cloud, dict):
            self._cloud_calls, self._entitlement = cloud["calls"], cloud["entitlement"]
        if "switches" in line:
            self._ledger.switches.restore(line["switches"])
        if not self.began:
            self.began = True
            self._set_latches(_part(line, "latches"))

    def _set_latches(self, recorded: Mapping[str, Any]) -> None:
        """Begin with latches as they were; from then on they go by their conditions."""
        for name, latch in self.routing.latches.latches.items():
            latch.stand(recorded.get(name) is True, latch.since, self.now)

    def _queue(self, name: str, entry: Mapping[str, Any] | None) -> None:
        queue = self._picture.queue(name)
        if entry is None:
            if queue is not None:
                _doubt(queue)
            return
        if queue is None or queue.name != name:
            queue = Queue(name, str(entry["id"]))
            self._picture.add(queue)
        elif queue.id != entry["id"]:
            self._picture.rename(queue, name, str(entry["id"]))
        queue.channel = str(entry.get("channel", TELEPHONY))
        for key in QUEUE_VALUES:
            setattr(queue, key, int(entry[key]))
        self._unseen[name] = int(entry["unseen"])
        known = entry["known"]
        for group, (source, age) in zip(KNOWN, known, strict=True):
            stamp = queue.stamp(group)
            stamp.source = source
            stamp.time = -inf if age is None else self.now - age
            stamp.expires = inf
            if source == STATIC:
                queue.static_age = age

    def _team(self, name: str, entry: Mapping[str, Any] | None) -> None:
        team = self._picture.team(name)
        if entry is None:
            if team is not None:
                self._picture.remove_team(team)
            return
        if team is None or team.name != name:
            team = Team(str(entry["id"]), name)
            self._picture.add_team(team, name)
        team.counts[TELEPHONY] = {state: int(entry[state]) for state in AGENT_STATES}
        age = entry["age"]
        team.of_agents.time = -inf if age is None else self.now - float(age)


class RecordedTrunk:
    """A trunk as rules saw it. One that isn't in the recording is up and has no calls."""

    def __init__(self, state: RecordedState, name: str, switches: Switches) -> None:
        self.calls = 0
        self.cps = 0.0
        self.recorded = False
        self._up = True
        self._state = state
        self._name = name
        self._switches = switches
        self._times: list[float] = []
        self._totals: list[int] = []
        self._before = 0

    @property
    def up(self) -> bool:
        """Whether any of its targets was up, and nobody had switched it off."""
        return self._up and self._switches.engaged("trunk", self._name) is not False

    def sent(self, seconds: int, /) -> int:
        """Calls sent there in the last `seconds`, as far as the recording goes back."""
        if not self._times:
            return 0
        place = bisect_right(self._times, self._state.now - seconds)
        return self._totals[-1] - self._totals[max(0, place - 1)]

    def take(self, entry: Mapping[str, Any]) -> None:
        """Go on as recorded; its `sent` are the calls that were sent there since the router's start."""
        self.recorded = True
        self._up, self.calls, self.cps = entry["up"] is True, int(entry["calls"]), float(entry["cps"])
        sent = int(entry["sent"])
        last = self._totals[-1] if self._totals else 0
        if sent + self._before < last:  # the router was started anew
            self._before = last
        total = sent + self._before
        if not self._times or total != last:
            self._times.append(self._state.now)
            self._totals.append(total)
            if len(self._times) > MOST_SAMPLES:
                old = max(0, bisect_right(self._times, self._state.now - LONGEST_WINDOW) - 1)
                del self._times[:old], self._totals[:old]


class _RecordedCloud:
    """The contact centre as rules saw it; its entitlement is what the configuration says, else as recorded."""

    def __init__(self, cloud: CloudView, state: RecordedState) -> None:
        self._state = state
        self.entitlement = cloud.entitlement
        self.age = cloud.age

    def calls(self, now: float, /) -> int:
        """Calls there. Raises Undecided where that wasn't known."""
        calls = self._state.cloud_calls
        if calls is None:
            raise Undecided("nothing was known of the contact centre's calls")
        return calls


def _part(line: Mapping[str, object], name: str) -> Mapping[str, Any]:
    found = line.get(name, {})
    if not isinstance(found, dict):
        raise TypeError(f"{name} is no map")
    return found


def _doubt(queue: Queue) -> None:
    """Nobody knows any more how this queue was."""
    for group in KNOWN:
        queue.stamp(group).doubt("")
