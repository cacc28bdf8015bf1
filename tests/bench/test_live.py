"""The parts of the measurement of live state that need neither a router nor a quiet machine."""

import time
from collections import Counter

import pytest

from bench.live import CALLS, CALLS_AND_EVENTS, IDLE, Extent, Live, Run, Seed
from bench.live_centre import SECRET, Layout, Size, lay_out
from bench.live_decision import DecisionTimes
from bench.live_events import IN_PROGRESS, LIFE, Post, Traffic
from bench.live_page import beside_rows, rows
from bench.live_router import results_in
from bench.live_sender import Sent
from bench.live_watch import waiting
from bench.load import Load
from bench.set_up_probe import SetUpTimes
from state_client.centre import ContactCentre
from state_client.picture import TELEPHONY
from state_client.rows import AgentEvent, QueueRow, TaskEvent
from state_client.simulator.__main__ import arguments, script_of
from state_client.simulator.world import World
from state_client.webex.events import read_event
from state_client.webex.inbox import Inbox
from state_client.webex.secret import Secret
from state_client.webex.signature import SIGNATURE, TIMESTAMP, WINDOW, timely, verify

SMALL = Size(queues=8, agents=2000, tasks=10)
NOW = 1_700_000_000.0


@pytest.fixture(scope="module")
def layout() -> Layout:
    return lay_out(SMALL)


def traffic(layout: Layout) -> Traffic:
    return Traffic(Post("http://127.0.0.1:8443/webhooks/webex", layout.org_id), layout, 5)


def test_it_lays_out_what_the_simulator_does(layout: Layout) -> None:
    world = World(script_of(arguments().parse_args(SMALL.arguments())), time.time())
    telephony = [queue.id for queue in world.centre.queues.values() if queue.channel == TELEPHONY]
    assert (layout.org_id, [layout.watched, *layout.queues]) == (world.org_id, telephony)
    assert [agent for agent, _ in layout.agents] == list(world.centre.agents)


def test_every_request_is_signed_and_of_now(layout: Layout) -> None:
    head, _, body = traffic(layout).request(NOW).partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = dict(line.split(": ") for line in lines)
    assert first == "POST /webhooks/webex HTTP/1.1"
    assert int(headers["Content-Length"]) == len(body)
    assert verify(Secret(SECRET), body, headers[SIGNATURE])
    assert timely(int(NOW * 1000), headers[TIMESTAMP], NOW, WINDOW)


def test_events_are_each_another_and_all_of_them_count(layout: Layout) -> None:
    requests = traffic(layout)
    centre, inbox = ContactCentre(), Inbox()
    centre.configure([QueueRow(queue, queue, "INBOUND", TELEPHONY) for queue in layout.queues], [])
    results: Counter[str] = Counter()
    for number in range(2 * IN_PROGRESS * len(LIFE)):
        now = NOW + number / 5000
        event = read_event(requests.request(now).partition(b"\r\n\r\n")[2])
        assert isinstance(event, TaskEvent | AgentEvent)
        assert event.queue_id != layout.watched
        assert inbox.put(event, now) == "accepted"
        if number >= IN_PROGRESS * len(LIFE):  # the first ones begin in the middle of a life
            results[centre.apply(event, now)] += 1
    assert results["applied"] > 0.99 * results.total()


def test_the_counts_of_events_are_read_by_result() -> None:
    text = (
        "# TYPE edge_router_state_events_total counter\n"
        'edge_router_state_events_total{result="accepted",type="task:new"} 5.0\n'
        'edge_router_state_events_total{result="accepted",type="other"} 1.0\n'
        'edge_router_state_events_total{result="applied",type="task:new"} 2.0\n'
        'edge_router_calls_total{result="accepted"} 7.0\n'
    )
    assert results_in(text) == {"accepted": 6, "applied": 2}
    assert waiting(results_in(text)) == 4


LOAD = Load(200, 200.0, 4000, 0, 0, 20.0, 0.2, 0.1, 0.0)
QUICK = SetUpTimes(4000, 0, 0.5, 4.0, 9.0, 12.0)
SENT = Sent(5000, 60.0, 300_000, 300_000, 0, 0.01, 0.3, 2.0, 20.0, 0.2)
RESULTS = {"accepted": 300_002, "applied": 300_000, "late": 2}


@pytest.mark.parametrize(
    ("run", "unharmed"),
    [
        (Run(LOAD, QUICK), True),
        (Run(LOAD, QUICK, SENT, RESULTS), True),
        (Run(LOAD, SetUpTimes(4000, 0, 0.5, 20.0, 30.0, 40.0), SENT, RESULTS), False),
        (Run(Load(200, 200.0, 4000, 1, 0, 20.0, 0.2, 0.1, 0.0), QUICK, SENT, RESULTS), False),
        (Run(LOAD, QUICK, SENT, {**RESULTS, "overflow": 1}), False),
        (Run(LOAD, QUICK, SENT, {**RESULTS, "applied": 299_999}), False),  # one still waits
        (Run(LOAD, QUICK, Sent(6000, 60.0, 300_000, 300_000, 0, 9.0, 0.3, 2.0, 20.0, 0.2), RESULTS), False),
        (Run(LOAD, QUICK, Sent(5000, 60.0, 300_000, 299_999, 1, 0.1, 0.3, 2.0, 20.0, 0.2), RESULTS), False),
    ],
)
def test_calls_are_unharmed_where_all_of_both_came_through_in_time(run: Run, unharmed: bool) -> None:
    assert run.unharmed is unharmed


def test_the_tables_say_which_goals_were_missed() -> None:
    slow, quick = DecisionTimes(900, 1.1, 5.0, 9.0, 2.0, 0.2), DecisionTimes(900, 1.1, 4.9, 9.0, 2.0, 0.2)
    found = Live(
        extent=Extent(),
        seed=Seed(1.25, 200, 10_000, 5_000, 100_000_000, 150_000_000, 149_000_000),
        lookup={"queue": 62.0},
        compiled=True,
        decisions={IDLE: quick, CALLS: slow, CALLS_AND_EVENTS: slow},
        alone=Run(LOAD, QUICK),
        beside=Run(LOAD, SetUpTimes(4000, 0, 1.0, 8.0, 30.0, 40.0), SENT, RESULTS),
        most_events=4_900,
        tries=[],
        memory_at_end=160_000_000,
    )
    missed = [cells[0] for cells in [*rows(found), *beside_rows(found)] if cells[-1] == "missed"]
    assert missed == [
        "memory of the whole router, after 60 s of quiet",
        "p99 of 900",
        "events/s at most, with 200 calls/s unharmed",
    ]
    assert ("set-up time added, p99", "4.00 ms", "8.00 ms", "2.0", "< 20 ms", "reached") in list(beside_rows(found))
