"""What the contact centre shows of calls that were placed there."""

import time

from edge_router.admission.cloud_tasks import CloudTasks
from edge_router.admission.placed import PlacedCalls
from tests.state_client.tidings import centre, row, task, tell

T = time.time() - 10  # which is what the tidings are held against
CALLER, CALLED = "+12125550100", "+18005550111"


def two_calls_of_one_caller() -> PlacedCalls:
    placed = PlacedCalls()
    for number in range(2):
        placed.placed(f"call-{number}", "cloud", "cloud", ("Support",), "redirect", CALLER, (CALLED,), T + number)
    return placed


def test_by_numbers_it_is_the_call_that_was_placed_last() -> None:
    placed = two_calls_of_one_caller()
    cc = centre()
    cc.table.listener = CloudTasks(placed).heard
    tell(cc, task("task", "new", T + 2, origin=CALLER, destination=CALLED))
    assert placed.call_of("task") == "call-1"


def test_what_a_search_shows_of_the_call_s_own_name_is_surer_than_numbers() -> None:
    placed = two_calls_of_one_caller()
    links: list[tuple[str, str]] = []
    placed.linked = lambda call, its: links.append((call, its))
    cc = centre()
    cc.table.listener = CloudTasks(placed).heard
    tell(cc, task("task", "parked", T + 2, "q", origin=CALLER, destination=CALLED))
    cc.compare_tasks([row("task", "parked", "q", T + 2, call="call-0")], T + 4, T + 4)
    assert placed.call_of("task") == "call-0"
    assert links == [("call-1", "task"), ("call-0", "task"), ("call-1", "")]
