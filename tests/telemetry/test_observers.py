import logging
from collections.abc import Callable

import pytest

from edge_router.b2bua.reports.events import Observer, Silence
from edge_router.b2bua.reports.record import CallRecord
from edge_router.policy.facts import CallFacts
from edge_router.telemetry.observers import Observers
from tests.telemetry.records import record


class Heard(Silence):
    """Notes what it hears, in one list that several may share."""

    def __init__(self, name: str, notes: list[tuple[object, ...]]) -> None:
        self._name = name
        self._notes = notes

    def request(self, direction: str, method: str, trunk: str) -> None:
        self._notes.append((self._name, direction, method, trunk))

    def response(self, direction: str, method: str, code: int, trunk: str) -> None:
        self._notes.append((self._name, direction, method, code, trunk))

    def rejected(self, reason: str) -> None:
        self._notes.append((self._name, reason))

    def emergency_began(self, trunk: str) -> None:
        self._notes.append((self._name, trunk))

    def emergency_refused(self, trunk: str) -> None:
        self._notes.append((self._name, trunk))

    def routed(self, record: CallRecord, facts: CallFacts, listen: str) -> None:
        self._notes.append((self._name, record.call_id, facts.called, listen))

    def decided(self, record: CallRecord, seconds: float) -> None:
        self._notes.append((self._name, record.call_id, seconds))

    def failover(self, came_from: str, went_to: str, reason: str) -> None:
        self._notes.append((self._name, came_from, went_to, reason))

    def ringing(self, record: CallRecord) -> None:
        self._notes.append((self._name, record.call_id, record.ringing))

    def ended(self, record: CallRecord) -> None:
        self._notes.append((self._name, record.call_id, record.outcome))


class Broken(Silence):
    """Fails at whatever it listens to."""

    def request(self, direction: str, method: str, trunk: str) -> None:
        raise RuntimeError("broken")

    def response(self, direction: str, method: str, code: int, trunk: str) -> None:
        raise RuntimeError("broken")

    def rejected(self, reason: str) -> None:
        raise RuntimeError("broken")

    def emergency_began(self, trunk: str) -> None:
        raise RuntimeError("broken")

    def emergency_refused(self, trunk: str) -> None:
        raise RuntimeError("broken")

    def routed(self, record: CallRecord, facts: CallFacts, listen: str) -> None:
        raise RuntimeError("broken")

    def decided(self, record: CallRecord, seconds: float) -> None:
        raise RuntimeError("broken")

    def failover(self, came_from: str, went_to: str, reason: str) -> None:
        raise RuntimeError("broken")

    def ringing(self, record: CallRecord) -> None:
        raise RuntimeError("broken")

    def ended(self, record: CallRecord) -> None:
        raise RuntimeError("broken")


EVENTS: list[tuple[Callable[[Observer], None], tuple[object, ...]]] = [
    (lambda each: each.rejected("malformed"), ("malformed",)),
    (lambda each: each.emergency_began("carrier"), ("carrier",)),
    (lambda each: each.emergency_refused("carrier"), ("carrier",)),
    (lambda each: each.decided(record(), 0.5), ("ours-1", 0.5)),
    (lambda each: each.failover("cloud", "premise", "503"), ("cloud", "premise", "503")),
    (lambda each: each.ringing(record(ringing=1_001.0)), ("ours-1", 1_001.0)),
    (lambda each: each.ended(record(outcome="answered")), ("ours-1", "answered")),
]


@pytest.mark.parametrize(("event", "expected"), EVENTS)
def test_each_event_reaches_all_also_past_a_broken_one(
    event: Callable[[Observer], None], expected: tuple[object, ...]
) -> None:
    notes: list[tuple[object, ...]] = []
    observers = Observers(Heard("first", notes), Silence(), Broken(), Heard("last", notes))
    event(observers)
    assert notes == [("first", *expected), ("last", *expected)]
    assert observers.errors == 1


def test_messages_are_heard_by_the_counter_alone() -> None:
    notes: list[tuple[object, ...]] = []
    observers = Observers(Heard("counter", notes), Heard("other", notes), Broken())
    observers.request("in", "INVITE", "carrier")
    observers.response("out", "BYE", 200, "cloud")
    assert notes == [("counter", "in", "INVITE", "carrier"), ("counter", "out", "BYE", 200, "cloud")]


def test_what_a_call_was_decided_by_is_heard_by_all_but_the_counter() -> None:
    notes: list[tuple[object, ...]] = []
    observers = Observers(Heard("counter", notes), Broken(), Heard("other", notes))
    observers.routed(record(), CallFacts("1", "2"), "pstn")
    assert notes == [("other", "ours-1", "2", "pstn")]
    assert observers.errors == 1


def test_a_broken_observer_is_logged_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    times = iter((0.0, 1.0, 59.9, 60.0, 61.0))
    observers = Observers(Broken(), clock=lambda: next(times))
    with caplog.at_level(logging.ERROR):
        for _ in range(5):
            observers.rejected("malformed")
    assert [line.getMessage() for line in caplog.records] == [
        "an observer of calls failed (1 times so far); calls go on",
        "an observer of calls failed (4 times so far); calls go on",
    ]
    assert all(line.exc_info and isinstance(line.exc_info[1], RuntimeError) for line in caplog.records)
