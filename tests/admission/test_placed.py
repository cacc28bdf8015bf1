import gc

import pytest

from edge_router.admission.placed import PlacedCalls

CALLER, CALLED = "+12125550100", "+18005550111"
POLICIES = ("door", "night", "")


def place(
    placed: PlacedCalls,
    call_id: str,
    now: float,
    method: str = "redirect",
    origin: str = CALLER,
    destinations: tuple[str, ...] = (CALLED,),
    queues: tuple[str, ...] = ("Support",),
) -> None:
    placed.placed(call_id, "door", "cloud", "to-cloud", queues, method, origin, destinations, now)


def links(placed: PlacedCalls) -> dict[str, str]:
    """The task of each call, as it is told; "" once it was a mistake."""
    told: dict[str, str] = {}
    placed.linked = told.__setitem__
    return told


def counts(placed: PlacedCalls) -> tuple[int, int, int]:
    """Expected in the queue, unseen in all, concurrent."""
    return placed.unseen("Support"), placed.unseen_total, placed.concurrent(("door", "cloud"))


def test_a_burst_counts_though_no_event_comes() -> None:
    placed = PlacedCalls(expect_for=120.0)
    for number in range(50):
        place(placed, f"call-{number}", number / 50, origin=f"+1212555{number:04}")
    assert counts(placed) == (50, 50, 50)
    assert placed.unseen("Sales") == 0
    assert placed.concurrent(("door", "elsewhere")) == 0


def test_a_redirected_call_counts_until_it_is_expected_no_longer() -> None:
    placed = PlacedCalls(expect_for=120.0)
    place(placed, "first", 0.0)
    place(placed, "second", 1.0)
    placed.over("first", 2.0)  # the 302 ended our part, not the call
    assert counts(placed) == (2, 2, 2)
    placed.tidy(119.75)
    assert counts(placed) == (2, 2, 2)
    placed.tidy(120.0)
    assert counts(placed) == (1, 1, 1)
    placed.tidy(121.0)
    assert counts(placed) == (0, 0, 0)


def test_how_long_a_call_is_expected_may_change() -> None:
    placed = PlacedCalls(expect_for=120.0)
    place(placed, "call", 0.0)
    placed.expect_for = 30.0
    placed.tidy(30.0)
    assert counts(placed) == (0, 0, 0)


def test_once_seen_it_is_the_clouds_and_expected_until_it_is_in_a_queue() -> None:
    placed = PlacedCalls()
    place(placed, "call", 0.0, queues=("Support", "Sales"))
    assert placed.seen("task", CALLER, CALLED, 0.5, 2.0, queued=False) == "call"
    assert (placed.unseen("Sales"), counts(placed)) == (1, (1, 0, 1))
    assert placed.seen("task", CALLER, CALLED, 0.5, 60.0, queued=True) == "call"
    assert (placed.unseen("Sales"), counts(placed)) == (0, (0, 0, 1))
    assert placed.seen("task", CALLER, CALLED, 0.5, 61.0, queued=False) == "call"  # an event that came late
    assert counts(placed) == (0, 0, 1)
    placed.tidy(10_000.0)
    assert counts(placed) == (0, 0, 1)
    placed.task_over("task", 10_001.0)
    assert counts(placed) == (0, 0, 0)


def test_a_task_that_stays_in_the_ivr_is_expected_no_longer_than_others() -> None:
    placed = PlacedCalls(expect_for=120.0)
    place(placed, "call", 0.0)
    placed.seen("task", CALLER, CALLED, 0.5, 2.0, queued=False)
    placed.tidy(120.0)
    assert counts(placed) == (0, 0, 1)


def test_a_bridged_call_that_ends_unseen_counts_no_more() -> None:
    placed = PlacedCalls()
    place(placed, "call", 0.0, "bridge")
    assert counts(placed) == (1, 1, 1)
    placed.over("call", 3.0)
    assert counts(placed) == (0, 0, 0)


def test_a_bridged_call_that_nobody_sees_is_there_as_long_as_its_leg() -> None:
    placed = PlacedCalls(expect_for=120.0)
    place(placed, "call", 0.0, "bridge")
    placed.tidy(500.0)
    assert counts(placed) == (0, 0, 1)
    placed.over("call", 501.0)
    assert counts(placed) == (0, 0, 0)


def test_call_and_task_end_in_either_order() -> None:
    for call_first in (True, False):
        placed = PlacedCalls()
        told = links(placed)
        place(placed, "call", 0.0, "bridge")
        placed.seen("task", CALLER, CALLED, 0.5, 1.0, queued=True)
        placed.over("call", 9.0) if call_first else placed.task_over("task", 9.0)
        assert counts(placed) == (0, 0, 0)
        assert (told, placed.call_of("task")) == ({"call": "task"}, "call")
        placed.task_over("task", 9.0) if call_first else placed.over("call", 9.0)
        assert counts(placed) == (0, 0, 0)
        assert (told, placed.call_of("task")) == ({"call": "task"}, "call")


def test_a_task_that_shows_itself_after_its_call_is_linked_and_counts_nowhere() -> None:
    placed = PlacedCalls()
    told = links(placed)
    place(placed, "call", 0.0, "bridge")
    placed.over("call", 2.0)
    assert placed.seen("task", CALLER, CALLED, 0.5, 4.0, queued=True) == "call"
    assert (told, placed.call_of("task")) == ({"call": "task"}, "call")
    assert counts(placed) == (0, 0, 0)
    placed.task_over("task", 5.0)
    assert placed.tasks == []


def test_a_task_whose_end_is_told_before_its_beginning() -> None:
    placed = PlacedCalls()
    place(placed, "call", 0.0)
    placed.task_over("task", 3.0)
    assert counts(placed) == (1, 1, 1)
    assert placed.seen("task", CALLER, CALLED, 0.5, 4.0, queued=False) == "call"
    assert counts(placed) == (0, 0, 0)
    assert placed.call_of("task") == "call"


def test_what_is_told_late_of_a_task_that_ended_is_not_taken_for_the_next_call() -> None:
    placed = PlacedCalls()
    place(placed, "first", 0.0)
    placed.seen("task-1", CALLER, CALLED, 0.5, 1.0, queued=True)
    placed.task_over("task-1", 2.0)
    place(placed, "second", 3.0)
    assert placed.seen("task-1", CALLER, CALLED, 0.5, 4.0, queued=True) == "first"
    assert counts(placed) == (1, 1, 1)


def test_a_call_that_never_got_there() -> None:
    placed = PlacedCalls()
    place(placed, "call", 0.0, "refer")
    placed.failed("call", 1.0)
    assert counts(placed) == (0, 0, 0)
    assert placed.seen("task", CALLER, CALLED, 0.5, 2.0, queued=True) is None
    assert placed.in_last_minute(("door", "cloud"), 2.0) == 1  # it knocked at the door all the same


def test_a_call_that_is_placed_again_counts_once() -> None:
    placed = PlacedCalls()
    told = links(placed)
    place(placed, "call", 0.0, "bridge")
    placed.seen("task-1", CALLER, CALLED, 0.5, 1.0, queued=False)
    place(placed, "call", 2.0, "bridge")
    assert counts(placed) == (1, 1, 1)
    assert placed.seen("task-1", CALLER, CALLED, 0.5, 3.0, queued=True) == "call"  # the first try's, and no news
    assert counts(placed) == (1, 1, 1)
    assert placed.seen("task-2", CALLER, CALLED, 2.5, 3.0, queued=True) == "call"
    assert told == {"call": "task-2"}


@pytest.mark.parametrize("origin", ["+12125550100", "12125550100", "2125550100", "0012125550100", "sip:+12125550100@a"])
@pytest.mark.parametrize("destination", ["+18005550111", "8005550111", "2001"])
def test_numbers_in_other_forms(origin: str, destination: str) -> None:
    placed = PlacedCalls()
    place(placed, "call", 0.0, destinations=("18005550111", "2001"))
    assert placed.seen("task", origin, destination, 0.5, 1.0, queued=True) == "call"


@pytest.mark.parametrize(
    ("origin", "destination", "time"),
    [
        ("+13105550100", CALLED, 0.5),  # the same seven digits in another town
        (CALLER, "+18885550111", 0.5),
        (CALLER, "5550111", 0.5 + 120),
        (CALLER, CALLED, -5.25),
        (CALLER, "", 0.5),
        ("", CALLED, 0.5),
        ("anonymous", CALLED, 0.5),
    ],
)
def test_what_does_not_fit(origin: str, destination: str, time: float) -> None:
    placed = PlacedCalls()
    place(placed, "call", 0.0)
    assert placed.seen("task", origin, destination, time, 1.0, queued=True) is None
    assert counts(placed) == (1, 1, 1)
    assert placed.seen("task", CALLER, CALLED, -5.0, 1.0, queued=True) == "call"  # once it is known better


def test_the_nearest_in_time_of_two_calls_by_one_caller() -> None:
    placed = PlacedCalls()
    place(placed, "first", 0.0)
    place(placed, "second", 30.0)
    assert placed.seen("task-2", CALLER, CALLED, 30.5, 31.0, queued=True) == "second"
    assert placed.seen("task-1", CALLER, CALLED, 0.5, 32.0, queued=True) == "first"


def test_no_task_begins_after_its_call_has_ended() -> None:
    placed = PlacedCalls()
    place(placed, "first", 0.0, "bridge")
    placed.over("first", 10.0)
    assert placed.seen("task", CALLER, CALLED, 15.25, 16.0, queued=True) is None
    assert placed.seen("task", CALLER, CALLED, 15.0, 16.0, queued=True) == "first"


def test_an_anonymous_call_is_found_if_no_other_can_be_meant() -> None:
    placed = PlacedCalls()
    place(placed, "first", 0.0, origin="anonymous")
    place(placed, "elsewhere", 0.0, origin="", destinations=("+18005550122",))
    place(placed, "second", 100.0, origin="")
    assert placed.seen("task", "Anonymous", CALLED, 101.0, 102.0, queued=True) is None  # either may be meant
    assert placed.seen("task", "Anonymous", CALLED, 1.0, 102.0, queued=True) == "first"
    assert placed.seen("other", "anonymous", CALLED, 101.0, 103.0, queued=True) == "second"


def test_many_anonymous_calls_are_nobodys() -> None:
    placed = PlacedCalls()
    place(placed, "one", 90.0, origin="")
    for number in range(40):
        place(placed, f"call-{number}", 100.0, origin="")
    assert placed.seen("task", "", CALLED, 90.5, 101.0, queued=True) is None


def test_a_correlation_is_worth_more_than_numbers() -> None:
    placed = PlacedCalls()
    told = links(placed)
    place(placed, "call", 0.0)
    place(placed, "named", 0.0, origin="+4989123456")
    assert placed.seen("task", CALLER, CALLED, 0.5, 1.0, queued=True, correlation="named") == "named"
    assert placed.seen("task-2", CALLER, CALLED, 0.5, 1.0, queued=True, correlation="of another router") is None
    assert placed.seen("task-3", CALLER, CALLED, 0.5, 1.0, queued=True, correlation="named") is None
    assert (placed.call_of("task"), told, counts(placed)) == ("named", {"named": "task"}, (1, 1, 2))


def test_a_correlation_that_is_known_later_corrects_a_guess() -> None:
    placed = PlacedCalls()
    told = links(placed)
    place(placed, "a", 0.0)
    place(placed, "b", 0.0)
    assert placed.seen("task-of-b", CALLER, CALLED, 0.5, 1.0, queued=False) == "a"
    assert placed.seen("task-of-a", CALLER, CALLED, 0.5, 1.0, queued=True) == "b"
    assert placed.seen("task-of-b", CALLER, CALLED, 0.5, 2.0, queued=False, correlation="b") == "b"
    assert (placed.call_of("task-of-a"), told) == ("a", {"a": "task-of-a", "b": "task-of-b"})
    assert counts(placed) == (1, 0, 2)  # b's is in the IVR yet, as before
    assert placed.seen("task-of-b", CALLER, CALLED, 0.5, 3.0, queued=False, correlation="a") == "b"


def test_a_guess_that_was_wrong_leaves_its_call_as_it_was() -> None:
    placed = PlacedCalls()
    told = links(placed)
    place(placed, "a", 0.0)
    place(placed, "b", 0.0, origin="+4989123456")
    assert placed.seen("task", CALLER, CALLED, 0.5, 1.0, queued=True) == "a"
    assert placed.seen("task", CALLER, CALLED, 0.5, 2.0, queued=True, correlation="b") == "b"
    assert (counts(placed), told) == ((1, 1, 2), {"a": "", "b": "task"})
    assert placed.seen("other", CALLER, CALLED, 0.5, 3.0, queued=True) == "a"


def test_a_guess_about_a_task_that_has_ended_is_corrected_too() -> None:
    placed = PlacedCalls()
    place(placed, "a", 0.0, "bridge")
    place(placed, "b", 0.0, "bridge")
    assert placed.seen("task-of-b", CALLER, CALLED, 0.5, 1.0, queued=True) == "a"
    placed.task_over("task-of-b", 2.0)
    assert counts(placed) == (1, 1, 1)
    assert placed.seen("task-of-a", CALLER, CALLED, 0.5, 3.0, queued=True, correlation="a") == "a"
    assert placed.call_of("task-of-b") is None
    assert counts(placed) == (1, 1, 2)
    assert placed.seen("task-of-b", CALLER, CALLED, 0.5, 3.0, queued=True) == "b"
    assert counts(placed) == (0, 0, 1)


def test_trunk_and_dial_peer_of_one_name_are_one() -> None:
    placed = PlacedCalls()
    placed.placed("call", "door", "cloud", "cloud", (), "redirect", CALLER, (CALLED,), 0.0)
    assert (placed.concurrent(("door", "cloud")), placed.in_last_minute(("door", "cloud"), 0.0)) == (1, 1)
    place(placed, "other", 0.0)
    assert (placed.concurrent(("door", "cloud")), placed.concurrent(("door", "to-cloud"))) == (2, 1)


def test_the_last_minute() -> None:
    placed = PlacedCalls(expect_for=10.0)
    for second in range(100):
        place(placed, f"call-{second}", float(second))
        assert placed.in_last_minute(("door", "to-cloud"), float(second)) == min(second + 1, 61)
    assert placed.in_last_minute(("door", "to-cloud"), 159.0) == 1
    assert placed.in_last_minute(("door", "to-cloud"), 159.25) == 0
    assert placed.in_last_minute(("door", "nowhere"), 159.25) == 0


def test_names_that_went_with_the_configuration_are_forgotten() -> None:
    placed = PlacedCalls(expect_for=10.0)
    for number in range(100):
        ways = f"trunk-{number}", f"peer-{number}"
        placed.placed("call", "door", *ways, (), "redirect", CALLER, (CALLED,), 61.0 * number)
    assert sorted(placed._tallies) == [("door", "peer-99"), ("door", "trunk-99")]


def test_what_a_policy_has_sent_is_its_own() -> None:
    placed = PlacedCalls()
    for number, policy in enumerate(("door", "night", "door", None)):
        placed.placed(f"call-{number}", policy, "cloud", "to-cloud", (), "redirect", CALLER, (CALLED,), 0.0)
    assert placed.unseen_total == 4
    found = [(placed.concurrent((name, "cloud")), placed.in_last_minute((name, "to-cloud"), 1.0)) for name in POLICIES]
    assert found == [(2, 2), (1, 1), (0, 0)]


def test_the_tasks_that_the_contact_centre_may_have_lost() -> None:
    placed = PlacedCalls()
    for number in range(3):
        place(placed, f"call-{number}", 0.0)
        placed.seen(f"task-{number}", CALLER, CALLED, 0.5, 1.0, queued=True)
    placed.task_over("task-1", 2.0)
    assert sorted(placed.tasks) == ["task-0", "task-2"]


@pytest.mark.parametrize("method", ["redirect", "bridge"])
@pytest.mark.parametrize("seen", [True, False])
def test_however_many_calls_come_no_more_than_the_most_are_remembered(method: str, seen: bool) -> None:
    placed = PlacedCalls(expect_for=120.0, most=100)
    for number in range(1000):
        origin = f"+1212{number:07}"
        place(placed, f"call-{number}", number / 100, method, origin=origin)
        if seen:
            placed.seen(f"task-{number}", origin, CALLED, number / 100, number / 100, queued=False)
        placed.task_over(f"stranger-{number}", number / 100)
    assert counts(placed) == (100, 0 if seen else 100, 100)
    sizes = [len(each) for each in (placed._calls, placed._tasks, placed._fresh, placed._lines, placed._ended)]
    assert max(sizes) <= 100
    assert placed.call_of("task-0") is None


def test_calls_of_one_caller_leave_nothing_behind_however_they_end() -> None:
    gc.collect()
    placed = PlacedCalls(expect_for=10.0)
    for number in range(3000):
        now = number / 100
        place(placed, f"call-{number}", now, ("bridge", "redirect", "refer")[number % 3])
        if number % 2:
            placed.seen(f"task-{number}", CALLER, CALLED, now, now, queued=number % 5 == 0)
        if number % 7 == 0:
            placed.failed(f"call-{number}", now)
        placed.over(f"call-{number - 100}", now)
        placed.task_over(f"task-{number - 200}", now)
    for number in range(3000):
        placed.over(f"call-{number}", 50.0)
        placed.task_over(f"task-{number}", 50.0)
    placed.tidy(100.0)
    assert counts(placed) == (0, 0, 0)
    left = (placed._calls, placed._tasks, placed._fresh, placed._lines, placed._ended, placed._ends, placed._queues)
    assert [len(each) for each in left] == [0] * len(left)
    assert gc.collect() == 0
