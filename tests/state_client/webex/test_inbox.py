import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from state_client.rows import AgentEvent, TaskEvent
from state_client.webex.events import Other
from state_client.webex.inbox import ACCEPTED, DUPLICATE, FORGED, HOLD, IGNORED, OVERFLOW, EntityEvent, Inbox

ALL = 1000


def task(event_id: str, at: float = 1.0, task_id: str = "", sent: float = 0.0) -> TaskEvent:
    return TaskEvent(id=event_id, type="task:parked", time=at, task_id=task_id or f"task of {event_id}", sent=sent)


def ids(events: list[EntityEvent]) -> list[str]:
    return [event.id for event in events]


# ------------------------------------------------------------------------------------------------ order


def test_a_lone_event_goes_straight_on() -> None:
    inbox = Inbox()
    inbox.put(task("a"), 7.0)
    assert (inbox.due, len(inbox)) == (0.0, 1)
    assert ids(inbox.take(7.0, ALL)) == ["a"]
    assert (inbox.due, len(inbox)) == (None, 0)


def test_events_of_different_entities_go_on_as_they_came() -> None:
    inbox = Inbox()
    for name in "cab":
        inbox.put(task(name), 0.0)
    assert ids(inbox.take(0.0, ALL)) == ["c", "a", "b"]


def test_two_events_of_one_entity_are_held_and_put_in_order() -> None:
    inbox = Inbox()
    inbox.put(task("second", at=2.0, task_id="t"), 10.0)
    inbox.put(task("first", at=1.0, task_id="t"), 10.001)
    assert inbox.take(10.001, ALL) == []
    assert inbox.due == pytest.approx(10.0 + HOLD)
    inbox.put(task("third", at=3.0, task_id="t"), 10.01)
    inbox.put(task("nought", at=0.5, task_id="t"), 10.02)
    assert inbox.take(10.0 + HOLD - 0.001, ALL) == []
    assert ids(inbox.take(10.0 + HOLD, ALL)) == ["nought", "first", "second", "third"]
    assert inbox.due is None


def test_what_is_held_holds_nobody_else_up() -> None:
    inbox = Inbox()
    inbox.put(task("second", at=2.0, task_id="t"), 0.0)
    inbox.put(task("first", at=1.0, task_id="t"), 0.0)
    inbox.put(task("other"), 0.0)
    assert ids(inbox.take(0.0, ALL)) == ["other"]
    inbox.put(task("later"), 0.01)
    assert ids(inbox.take(0.01, ALL)) == ["later"]
    assert len(inbox) == 2


def test_what_waited_long_enough_already_isn_t_held_as_well() -> None:
    inbox = Inbox()
    inbox.put(task("second", at=2.0, task_id="t"), 0.0)
    inbox.put(task("first", at=1.0, task_id="t"), 0.0)
    assert ids(inbox.take(HOLD, ALL)) == ["first", "second"]


def test_of_things_that_happened_at_once_the_cloud_s_sending_decides() -> None:
    inbox = Inbox()
    inbox.put(task("second", sent=2.0, task_id="t"), 0.0)
    inbox.put(task("first", sent=1.0, task_id="t"), 0.0)
    assert ids(inbox.take(HOLD, ALL)) == ["first", "second"]


def test_an_agent_s_events_are_put_in_order_too() -> None:
    inbox = Inbox()
    for name, at in (("second", 2.0), ("first", 1.0)):
        inbox.put(AgentEvent(id=name, type="agent:state_change", time=at, agent_id="a"), 0.0)
    assert ids(inbox.take(HOLD, ALL)) == ["first", "second"]


def test_about_as_many_are_taken_as_are_asked_for() -> None:
    inbox = Inbox()
    for name in "abcde":
        inbox.put(task(name), 0.0)
    assert ids(inbox.take(0.0, 2)) == ["a", "b"]
    assert inbox.due == 0.0
    assert ids(inbox.take(0.0, ALL)) == ["c", "d", "e"]


@given(st.integers(0, 2**32))
def test_every_event_comes_out_once_and_each_entity_s_in_order(seed: int) -> None:
    rng = random.Random(seed)
    inbox = Inbox()
    now = 0.0
    taken: list[EntityEvent] = []
    for number in range(60):
        inbox.put(task(f"{number}", at=number, task_id=f"t{rng.randrange(5)}"), now)
        now += rng.choice([0.0, 0.001, HOLD])
        if rng.random() < 0.3:
            taken += inbox.take(now, rng.randrange(1, 9))
    while inbox.due is not None:
        now = max(now, inbox.due)
        taken += inbox.take(now, 3)
    assert len(inbox) == 0
    assert sorted(int(event.id) for event in taken) == list(range(60))
    for entity in {event.task_id for event in taken if isinstance(event, TaskEvent)}:
        times = [event.time for event in taken if isinstance(event, TaskEvent) and event.task_id == entity]
        assert times == sorted(times)


# ------------------------------------------------------------------------------------------------ once, and bounded


def test_an_event_counts_once() -> None:
    inbox = Inbox()
    assert inbox.put(task("a"), 0.0) == ACCEPTED
    assert inbox.put(task("a"), 0.0) == DUPLICATE
    assert ids(inbox.take(0.0, ALL)) == ["a"]
    assert inbox.put(task("a"), 1.0) == DUPLICATE
    assert inbox.counts == {("task:parked", ACCEPTED): 1, ("task:parked", DUPLICATE): 2}


def test_only_so_many_ids_are_remembered_the_last_ones() -> None:
    inbox = Inbox(dedupe=3)
    for name in "abcd":
        inbox.put(task(name), 0.0)
    assert [inbox.put(task(name), 0.0) for name in "dcba"] == [DUPLICATE, DUPLICATE, DUPLICATE, ACCEPTED]


def test_a_full_inbox_takes_no_more_and_knows_that_it_missed_something() -> None:
    inbox = Inbox(size=2)
    assert [inbox.put(task(name), 0.0) for name in "ab"] == [ACCEPTED, ACCEPTED]
    assert inbox.gap is False
    assert (inbox.put(task("c"), 0.0), inbox.gap) == (OVERFLOW, True)
    assert len(inbox) == 2
    assert inbox.counts["task:parked", OVERFLOW] == 1


def test_a_duplicate_in_a_full_inbox_is_no_gap() -> None:
    inbox = Inbox(size=1)
    inbox.put(task("a"), 0.0)
    assert inbox.put(task("a"), 0.0) == DUPLICATE
    assert not inbox.gap


def test_what_overflowed_is_welcome_when_it_comes_again() -> None:
    inbox = Inbox(size=1)
    inbox.put(task("a"), 0.0)
    inbox.put(task("b"), 0.0)
    inbox.take(0.0, ALL)
    assert inbox.put(task("b"), 1.0) == ACCEPTED


def test_held_events_take_room_too() -> None:
    inbox = Inbox(size=2)
    inbox.put(task("a", task_id="t"), 0.0)
    inbox.put(task("b", task_id="t"), 0.0)
    inbox.take(0.0, ALL)
    assert inbox.put(task("c"), 0.0) == OVERFLOW


def test_an_event_of_no_entity_is_counted_and_doesn_t_wait() -> None:
    inbox = Inbox()
    assert inbox.put(Other("o", "task-message:appended"), 0.0) == ACCEPTED
    assert inbox.put(Other("o", "task-message:appended"), 0.0) == DUPLICATE
    assert inbox.due is None
    kind = "task-message:appended"
    assert inbox.counts == {(kind, ACCEPTED): 1, (kind, IGNORED): 1, (kind, DUPLICATE): 1}


def test_a_stranger_s_types_can_t_grow_the_counts() -> None:
    inbox = Inbox()
    for number in range(100):
        inbox.count(f"made-up:{number}", FORGED)
    assert inbox.counts == {("other", FORGED): 100}
