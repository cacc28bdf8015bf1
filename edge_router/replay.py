"""Deciding recorded calls by another configuration: what would have been decided differently.

Each call is decided by itself, on the state as it was recorded: that fewer calls would have been in a queue, had others
gone elsewhere, nobody can know.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson

from edge_router.admission.visits import identity_of
from edge_router.policy.facts import CallFacts
from edge_router.recording.files import parts_of
from edge_router.replay_state import BadState, RecordedState
from state_client.regular_file import open_regular

if TYPE_CHECKING:
    from edge_router.config.models import Config
    from edge_router.config.tables import Tables
    from edge_router.policy.decision import Decision

HOUR: Final = 3600
MOST_NAMED: Final = 20
"""Lines that can't be used that are named; more are counted."""
LATEST: Final = 253_402_300_800.0
"""The year 10000: no time of a recording is later."""

Lines = Iterator[tuple[float, dict[str, Any]]]
"""Each with its time, in seconds since 1970."""


class NoRecording(Exception):
    """There is nothing to replay; the text says why."""


@dataclass(slots=True)
class Change:
    """Calls that would have been treated in another way: `was` and `would_be` say how; and the first of them."""

    was: str
    would_be: str
    calls: int
    example: dict[str, object]


@dataclass(slots=True)
class Bucket:
    """The calls of one service in one hour; `changes` counts the different ones by what was and what would be."""

    calls: int = 0
    changes: dict[tuple[str, str], int] = field(default_factory=dict)

    @property
    def changed(self) -> int:
        """Calls that would have been treated in another way."""
        return sum(self.changes.values())


@dataclass(slots=True)
class Findings:
    """What a replay has found. Hours begin at `hour * 3600` seconds since 1970.

    `undecided` calls would have been decided by `if_stale`, since state was missing or a rule failed; `without_state`
    came before the first state that is known, and weren't replayed. Of `bad_lines` the first ones are in `bad`.
    """

    calls: int = 0
    changed: int = 0
    undecided: int = 0
    without_state: int = 0
    bad_lines: int = 0
    bad: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    buckets: dict[tuple[str, int], Bucket] = field(default_factory=dict)
    changes: dict[tuple[str, str], Change] = field(default_factory=dict)


class Replay:
    """One replay, of the calls in one file on the state in another, by a configuration without faults."""

    def __init__(self, config: Config, tables: Tables) -> None:
        self._config = config
        self._state = RecordedState(config, tables)
        self._headers: set[str] = set()
        rules = (rule.when or "" for policy in config.policies.values() for rule in policy.rules)
        self._visits = any("visits" in when for when in rules)  # else nobody asks where a call was before
        self.findings: Final = Findings()

    def run(self, calls: Path, state: Path) -> Findings:
        """Replay all calls. A file's older parts that are beside it go before it. Raises NoRecording."""
        states = self._lines(state, _no_fault_of_state)
        upcoming = next(states, None)
        if upcoming is None:
            raise NoRecording(f"{state} holds no state that can be read")
        recorded = self._state
        for at, line in self._lines(calls, _fault_of_call):
            while upcoming is not None and upcoming[0] <= at:
                self._take(state, *upcoming)
                upcoming = next(states, None)
            if recorded.began:
                recorded.pass_time(at)
                self._replay(at, line)
            else:
                self.findings.without_state += 1
        self._take_notes()
        return self.findings

    def _take(self, path: Path, at: float, line: Mapping[str, object]) -> None:
        self._state.pass_time(at)
        try:
            self._state.take(line)
        except BadState as error:
            self._bad(f"{path}: the line of {at:.3f} {error}")

    def _replay(self, at: float, line: dict[str, Any]) -> None:
        routing, findings = self._state.routing, self.findings
        call = _facts(line)
        self._headers.update(line.get("headers", ()))
        call.emergency = routing.is_emergency(call)
        peer, decision = routing.route(call, line.get("listen", ""), self._state.now)
        if self._visits and line.get("policy") is not None and line["to"]:
            routing.ledger.visits.note(identity_of(*call.identity), line["to"][0], self._state.now)
        findings.calls += 1
        if decision.fallback == "stale" or decision.fallback == "error":
            findings.undecided += 1
        service = line.get("service") or (call.service or _NOTHING).get("service", "")
        hour = int(at) // HOUR
        bucket = findings.buckets.get((service, hour))
        if bucket is None:
            bucket = findings.buckets[service, hour] = Bucket()
        bucket.calls += 1
        was, would_be = line["action"], decision.action()
        if was != would_be:
            self._differs(bucket, line, was, would_be, peer.name if peer is not None else None, decision)

    def _differs(
        self, bucket: Bucket, line: dict[str, Any], was: str, would_be: str, peer: str | None, decision: Decision
    ) -> None:
        self.findings.changed += 1
        key = was, would_be
        bucket.changes[key] = bucket.changes.get(key, 0) + 1
        change = self.findings.changes.get(key)
        if change is not None:
            change.calls += 1
            return
        example = {key: line.get(key) for key in ("t", "call_id", "calling", "called", "trunk", "policy", "rule")}
        example |= {"dial_peer_in": peer, "would_be": decision.explain()}
        self.findings.changes[key] = Change(was, would_be, 1, example)

    def _lines(self, path: Path, fault_of: Any) -> Lines:
        """The lines of a file and its older parts that can be used, with their times; the others are counted."""
        parts = parts_of(path)
        if not parts:
            raise NoRecording(f"{path}: there is no such file")
        for part in parts:
            try:
                file = open_regular(part)
            except OSError as error:
                raise NoRecording(f"{part} can't be read: {error.strerror}") from None
            with file:
                for number, text in enumerate(file, 1):
                    try:
                        line = orjson.loads(text)
                    except ValueError:
                        self._bad(f"{part}:{number}: is no JSON")
                        continue
                    fault = _fault_of_any(line) or fault_of(line)
                    if fault:
                        self._bad(f"{part}:{number}: {fault}")
                    else:
                        yield line["t"], line

    def _bad(self, fault: str) -> None:
        self.findings.bad_lines += 1
        if len(self.findings.bad) < MOST_NAMED:
            self.findings.bad.append(fault)

    def _take_notes(self) -> None:
        """What must be known to judge what was found."""
        routing, notes = self._state.routing, self.findings.notes
        read = frozenset[str]().union(*(policy.headers for policy in routing.policies.values()))
        for name in sorted(read - self._headers):
            notes.append(f"no recorded call has the header {name}, which rules read: perhaps no rule read it then")
        for name, trunk in self._state.trunks.items():
            if not trunk.recorded and self._config.trunks[name].targets:
                notes.append(f"trunk {name} isn't in the recording: it was taken to be up and idle")


_NOTHING: Final[Mapping[str, str]] = {}


def _facts(line: dict[str, Any]) -> CallFacts:
    """A recorded call, as it came."""
    called = line.get("called_received") or line["called"]
    call = CallFacts(
        line.get("calling_received") or line["calling"],
        called,
        called,
        line["trunk"],
        line.get("source", ""),
        line.get("anonymous") is True,
        line.get("diverted_from", ""),
        line.get("sip_call_id", ""),
    )
    call.session_id = line.get("session_id", "")
    headers = line.get("headers")
    if headers:
        call.headers = lambda name: headers.get(name, "")
    return call


def _fault_of_any(line: object) -> str:
    """Why a line can't be used, of whatever kind; "" if it can."""
    if type(line) is not dict:
        return "is no JSON object"
    at = line.get("t")
    if type(at) is not float and type(at) is not int:
        return 'has no time "t"'
    return "" if 0 <= at < LATEST else f"its time {at} is none"


_TEXTS: Final = ("calling", "called", "trunk", "action")
_MAYBE_TEXTS: Final = (
    *("called_received", "calling_received", "listen", "source", "diverted_from", "sip_call_id", "session_id"),
    "service",
)


def _fault_of_call(line: dict[str, Any]) -> str:
    for key in _TEXTS:
        if type(line.get(key)) is not str:
            return f'has no "{key}"'
    for key in _MAYBE_TEXTS:
        if key in line and type(line[key]) is not str:
            return f'"{key}" is no text'
    to = line.get("to")
    if type(to) is not list or (to and type(to[0]) is not str):
        return '"to" is no list of names'
    headers = line.get("headers", {})
    if type(headers) is not dict or any(type(value) is not str for value in headers.values()):
        return '"headers" is no map of texts'
    return ""


def _no_fault_of_state(line: dict[str, Any]) -> str:
    return ""
