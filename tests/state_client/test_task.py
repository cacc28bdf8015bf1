"""The interaction's table, row by row, and the sequences that break naive caches."""

import itertools

import pytest

from state_client.order import APPLIED, IGNORED, LATE
from state_client.rows import TaskEvent
from state_client.task import (
    BEGIN,
    CONFERENCING,
    CONNECTED,
    CONSULTING,
    ENDED,
    ENTER,
    EVENTS,
    FINISH,
    HELD,
    NEW,
    OFFERED,
    PARKED,
    TALKING,
    Task,
)

IDS = itertools.count()
STATES = (NEW, PARKED, OFFERED, CONNECTED, HELD, CONSULTING, CONFERENCING)


def event(type: str, time: float, **fields: str) -> TaskEvent:
    return TaskEvent(f"e{next(IDS)}", f"task:{type}" if ":" not in type else type, time, "t", 0.0, **fields)


def told(*events: TaskEvent) -> Task:
    task = Task("t")
    for each in events:
        task.take(each, each.time)
    return task


def rona(time: float) -> TaskEvent:
    return event("ended", time, reason="RONA Timer Expired", terminating_party="System")


@pytest.mark.parametrize("before", STATES)
@pytest.mark.parametrize("type", [type for type, (does, _, _) in EVENTS.items() if does == ENTER])
def test_entering(type: str, before: str) -> None:
    task = Task("t")
    task.enter(before, 1.0)
    assert task.take(event(type, 2.0), 2.0) == APPLIED
    assert task.state == EVENTS[type][1]


@pytest.mark.parametrize("before", STATES)
@pytest.mark.parametrize("type", [type for type, (does, _, _) in EVENTS.items() if does == BEGIN])
def test_beginning_and_finishing_goes_back_to_what_was_before(type: str, before: str) -> None:
    task = Task("t")
    task.enter(before, 1.0)
    task.take(event(type, 2.0), 2.0)
    state = EVENTS[type][1]
    assert task.state == state
    done = next(name for name, (does, of, _) in EVENTS.items() if does == FINISH and of == state)
    task.take(event(done, 3.0), 3.0)
    assert task.state == (before if before in TALKING and before != state else CONNECTED)


def test_what_is_done_uncovers_layer_by_layer() -> None:
    events = ["new", "parked", "connect", "connected", "on-hold", "consulting", "conferencing"]
    task = told(*(event(type, 1.0 + n) for n, type in enumerate(events)))
    seen = []
    for n, type in enumerate(["conference-done", "consult-done", "hold-done"]):
        task.take(event(type, 20.0 + n), 20.0 + n)
        seen.append(task.state)
    assert seen == [CONSULTING, HELD, CONNECTED]


def test_something_done_that_never_began_leaves_the_state() -> None:
    task = told(event("connected", 1.0), event("on-hold", 2.0), event("consult-done", 3.0))
    assert task.state == HELD


def test_layers_do_not_pile_up_for_ever() -> None:
    task = Task("t")
    for n in range(100):
        task.take(event(("on-hold", "consulting")[n % 2], 1.0 + n), 1.0)
    for n in range(5):
        task.take(event(("consult-done", "hold-done")[n % 2], 200.0 + n), 200.0)
    assert task.state == CONNECTED


def test_rona_is_not_the_end_and_keeps_the_first_time_in_the_queue() -> None:
    task = told(event("parked", 10.0, queue_id="q"), event("connect", 20.0), event("parked", 38.0, queue_id="q"))
    task.take(rona(38.5), 39.0)
    assert (task.state, task.parked_at) == (PARKED, 10.0)


def test_rona_whose_parked_was_lost() -> None:
    task = told(event("parked", 10.0, queue_id="q"), event("connect", 20.0), rona(38.0))
    assert (task.state, task.queue_id, task.parked_at) == (PARKED, "q", 10.0)


@pytest.mark.parametrize(
    ("reason", "party"),
    [("Agent Left", "Agent"), ("Customer Left", "Customer"), ("", "System"), ("RONA", "Customer"), ("", "")],
)
def test_other_ends_are_ends(reason: str, party: str) -> None:
    ended = event("ended", 12.0, reason=reason, terminating_party=party)
    assert told(event("parked", 10.0, queue_id="q"), ended).state == ENDED


def test_a_transfer_into_a_queue_begins_a_new_wait() -> None:
    task = told(event("parked", 10.0, queue_id="q"), event("connected", 20.0), event("parked", 90.0, queue_id="q"))
    assert task.parked_at == 90.0


def test_another_queue_begins_a_new_wait() -> None:
    task = told(event("parked", 10.0, queue_id="q"), event("parked", 50.0, queue_id="r"))
    assert (task.queue_id, task.parked_at) == ("r", 50.0)


def test_a_courtesy_callback_is_no_inbound_call() -> None:
    task = told(event("parked", 10.0, direction="inbound", queue_id="q"))
    was = task.inbound
    task.take(event("connect", 900.0, direction="outbound", outbound_type="COURTESY_CALLBACK"), 900.0)
    assert (was, task.inbound) == (True, False)
    task.take(event("parked", 920.0, direction="inbound", queue_id="q"), 920.0)
    assert not task.inbound, "it stays one when its agent doesn't answer"


def test_it_was_made_when_it_was_first_told_of() -> None:
    events = (event("new", 5.0), event("parked", 10.0), event("connect", 20.0))
    assert [told(*order).created for order in itertools.permutations(events)] == [5.0] * 6


def test_a_late_event_changes_no_state_but_fills_in_what_is_not_known() -> None:
    task = told(event("connected", 20.0))
    late = event("parked", 10.0, queue_id="q", origin="+1", destination="+2", channel="telephony", direction="inbound")
    assert task.take(late, 21.0) == LATE
    assert (task.state, task.queue_id, task.origin, task.destination) == (CONNECTED, "q", "+1", "+2")
    assert (task.channel, task.direction, task.heard) == ("telephony", "inbound", 20.0)


def test_the_newest_word_on_the_queue_counts_though_it_comes_late() -> None:
    task = told(event("parked", 10.0, queue_id="q"), rona(30.0))
    task.take(event("parked", 20.0, queue_id="r"), 31.0)
    assert (task.queue_id, task.state) == ("r", PARKED)
    task.take(event("parked", 15.0, queue_id="q"), 32.0)
    assert task.queue_id == "r"


def test_the_first_time_in_the_queue_may_come_late() -> None:
    task = told(event("connect", 20.0, queue_id="q"), event("parked", 10.0, queue_id="q"), rona(38.0))
    assert task.parked_at == 10.0
    assert told(rona(38.0), event("parked", 10.0, queue_id="q")).parked_at == 10.0


def test_an_answer_that_comes_late_ends_the_first_wait_all_the_same() -> None:
    task = told(event("parked", 10.0, queue_id="q"), event("parked", 90.0, queue_id="q"), event("connected", 20.0))
    assert task.parked_at == 90.0
    task.take(event("parked", 10.0, queue_id="q"), 95.0)
    assert task.parked_at == 90.0, "the first wait is over, and a doubled event doesn't bring it back"


def test_within_a_millisecond_the_order_of_sending_counts_then_that_of_a_call() -> None:
    assert told(event("connected", 5.0), event("connect", 5.0)).state == CONNECTED
    assert told(event("connect", 5.0), event("connected", 5.0)).state == CONNECTED
    task = Task("t")
    task.take(TaskEvent("1", "task:connect", 5.0, "t", sent=6.0), 6.0)
    task.take(TaskEvent("2", "task:parked", 5.0, "t", sent=7.0), 7.0)
    assert task.state == PARKED
    assert task.take(TaskEvent("3", "task:connected", 5.0, "t", sent=6.5), 8.0) == LATE


def test_the_same_event_twice_is_late() -> None:
    task = Task("t")
    once = event("parked", 5.0)
    assert [task.take(once, 5.0), task.take(once, 6.0)] == [APPLIED, LATE]


def test_an_origin_that_becomes_known_changes_nothing_else() -> None:
    task = told(event("parked", 5.0, queue_id="q", origin="+1"))
    assert task.take(event("origin-updated", 9.0, origin="+2"), 9.0) == APPLIED
    assert (task.origin, task.state, task.order.time) == ("+2", PARKED, 5.0)


def test_what_is_no_tiding_of_a_state_is_ignored() -> None:
    task = Task("t")
    assert [task.take(event(type, 5.0), 5.0) for type in ("task-message:appended", "task:updated")] == [IGNORED] * 2
