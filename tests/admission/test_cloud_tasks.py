"""What the contact centre shows of calls that were placed there."""

from edge_router.admission.cloud_tasks import CloudTasks
from edge_router.admission.placed import PlacedCalls
from tests.state_client.tidings import centre, row, task, tell

T = 1_000.0  # in the clock of those who place calls
AHEAD = 50_000.0  # what is to be taken off the times of the contact centre
CALLER, CALLED = "+12125550100", "+18005550111"


def two_calls_of_one_caller() -> PlacedCalls:
    placed = PlacedCalls()
    for number in range(2):
        placed.placed(
            f"call-{number}", "door", "cloud", "cloud", ("Support",), "redirect", CALLER, (CALLED,), T + number
        )
    return placed


def test_by_numbers_it_is_the_call_that_was_placed_last() -> None:
    placed = two_calls_of_one_caller()
    cc = centre()
    cc.table.listener = CloudTasks(placed, lambda: AHEAD, lambda: T + 5).heard
    tell(cc, task("task", "new", AHEAD + T + 2, origin=CALLER, destination=CALLED))
    assert placed.call_of("task") == "call-1"


def test_what_a_search_shows_of_the_call_s_own_name_is_surer_than_numbers() -> None:
    placed = two_calls_of_one_caller()
    links: list[tuple[str, str]] = []
    placed.linked = lambda call, its: links.append((call, its))
    cc = centre()
    cc.table.listener = CloudTasks(placed, lambda: AHEAD, lambda: T + 5).heard
    tell(cc, task("task", "parked", AHEAD + T + 2, "q", origin=CALLER, destination=CALLED))
    cc.compare_tasks([row("task", "parked", "q", AHEAD + T + 2, call="call-0")], AHEAD + T + 4, AHEAD + T + 4)
    assert placed.call_of("task") == "call-0"
    assert links == [("call-1", "task"), ("call-0", "task"), ("call-1", "")]


def test_it_counts_telephone_calls_until_the_caller_has_gone() -> None:
    placed = PlacedCalls()
    tasks = CloudTasks(placed, lambda: AHEAD, lambda: T + 5)
    cc = centre()
    cc.table.listener = tasks.heard
    tell(cc, task("one", "new", AHEAD + T), task("two", "parked", AHEAD + T, "q"))
    tell(cc, task("mail", "parked", AHEAD + T, "q", channel="email"))
    assert len(tasks) == 2
    tell(cc, task("one", "ended", AHEAD + T + 1))
    assert len(tasks) == 1
    tell(cc, task("two", "ended", AHEAD + T + 2))
    assert len(tasks) == 0


def test_a_call_that_is_no_longer_there_leaves_room() -> None:
    placed = two_calls_of_one_caller()
    cc = centre()
    cc.table.listener = CloudTasks(placed, lambda: AHEAD, lambda: T + 5).heard
    tell(cc, task("task", "parked", AHEAD + T + 2, "q", origin=CALLER, destination=CALLED))
    assert (placed.unseen("Support"), placed.concurrent(("door", "cloud"))) == (1, 2)
    tell(cc, task("task", "ended", AHEAD + T + 3))
    assert (placed.unseen("Support"), placed.concurrent(("door", "cloud"))) == (1, 1)
