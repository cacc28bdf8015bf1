"""The world on its own clock: what it says is what is so, but for what the cloud is known to get wrong."""

from collections import Counter, defaultdict
from dataclasses import replace
from itertools import pairwise

import pytest

from state_client.simulator import ledger
from state_client.simulator.script import OFFICE_DAY, Script
from state_client.simulator.stage import Event
from state_client.simulator.world import World

START = 1_700_000_000.0
BUSY = Script(seed=7, load=1.2, rona=0.1, callback=0.5)
QUIET = Script(seed=7, load=0.0, rest=0.0, rona=0.0)


def hours(world: World, count: float) -> list[Event]:
    """The events of so many hours."""
    return [event for _ in range(int(count * 360)) for event in world.step(world.now + 10)]


def by_task(events: list[Event]) -> dict[str, list[Event]]:
    told: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        if event["type"].startswith("task:"):
            told[event["data"]["taskId"]].append(event)
    return told


class Reckoning:
    """Queues reckoned from the events alone, by somebody who knows what `RONA` means."""

    def __init__(self) -> None:
        self.parked: dict[str, str] = {}
        self.callbacks: set[str] = set()

    def read(self, events: list[Event]) -> None:
        for event in events:
            data = event["data"]
            if event["type"] == "task:parked":
                self.parked[data["taskId"]] = data["queueId"]
            elif event["type"] in ("task:connect", "task:ended") and "RONA" not in data.get("reason", ""):
                self.parked.pop(data["taskId"], None)

    def lengths(self) -> Counter[str]:
        return Counter(self.parked.values())


def test_the_same_seed_gives_the_same_events_however_it_is_stepped() -> None:
    at_once = World(BUSY).step(START + 600)
    in_steps = World(BUSY)
    assert [event for n in range(1, 601) for event in in_steps.step(START + n)] == at_once
    assert at_once != World(replace(BUSY, seed=8)).step(START + 600)


def test_events_come_in_order_and_in_the_cloud_s_envelope() -> None:
    events = hours(World(BUSY), 0.5)
    times = [event["data"]["createdTime"] for event in events]
    assert all(later >= earlier - 5 for earlier, later in pairwise(times))
    assert len({event["id"] for event in events}) == len(events)
    for event in events:
        assert event["specversion"] == "1.0"
        assert event["datacontenttype"] == "application/json"
        assert int(event["comciscotimestamp"]) >= event["data"]["createdTime"]
        assert START * 1000 <= event["data"]["createdTime"] <= (START + 1800) * 1000 + 5


def test_who_counts_the_events_has_the_truth_but_for_the_callbacks() -> None:
    world, reckoning = World(BUSY), Reckoning()
    seen = 0
    for _ in range(720):
        reckoning.read(world.step(world.now + 10))
        counted = reckoning.lengths()
        for queue_id, queue in world.truth().queues.items():
            assert counted[queue_id] == queue.length + queue.callbacks
            seen += queue.callbacks
            assert queue.length == world.lengths()[queue_id]
            assert queue.longest_wait <= queue.total_wait <= queue.length * queue.longest_wait + 1e-6
    assert seen > 0


def test_a_callback_is_told_only_when_it_is_made() -> None:
    stories = by_task(hours(World(BUSY), 2))
    called_back = [
        story for story in stories.values() if any(e["data"]["outboundType"] == "COURTESY_CALLBACK" for e in story)
    ]
    assert called_back
    for story in called_back:
        types = [event["type"] for event in story]
        first = next(n for n, event in enumerate(story) if event["data"]["outboundType"] == "COURTESY_CALLBACK")
        assert types[first] == "task:connect"
        assert types[first - 1] in ("task:parked", "task:ended")  # ended, that is, as nobody answered
        assert story[first]["data"]["direction"] == "OUTBOUND"
        assert story[first]["data"]["createdTime"] - story[first - 1]["data"]["createdTime"] > 30_000


def test_a_call_that_nobody_answers_is_parked_and_then_said_to_have_ended() -> None:
    rona = 0
    for story in by_task(hours(World(BUSY), 1)).values():
        for before, event in pairwise(story):
            if "RONA" in event["data"].get("reason", ""):
                rona += 1
                assert event["data"]["terminatingParty"] == "System"
                assert before["type"] == "task:parked"
                assert 0 < event["data"]["createdTime"] - before["data"]["createdTime"] <= 5
    assert rona > 5


def test_it_waits_from_when_it_was_first_parked_though_nobody_answered() -> None:
    world = World(replace(QUIET, agents=1, teams=1, queues=1, rona=1.0, chat_every=0))
    world.step(START + 1)
    queue = next(iter(world.centre.queues.values()))
    assert world.call(queue)
    world.step(START + 25)
    assert world.truth().queues[queue.id].longest_wait == pytest.approx(24, abs=0.01)


@pytest.mark.parametrize(
    ("word", "begin", "script"),
    [
        ("hold", "task:on-hold", replace(BUSY, hold=0.9)),
        ("consult", "task:consulting", replace(BUSY, consult=0.9)),
        ("conference", "task:conferencing", replace(BUSY, conference=0.9)),
    ],
)
def test_what_is_done_while_connected_ends_with_done(word: str, begin: str, script: Script) -> None:
    stories = by_task(hours(World(script), 0.5)).values()
    pairs = Counter(
        following["type"] for story in stories for event, following in pairwise(story) if event["type"] == begin
    )
    assert pairs[f"task:{word}-done"] > 50
    assert set(pairs) <= {f"task:{word}-done", "task:ended", "task:consulting", "task:conferencing"}


def test_an_agent_s_two_views_and_the_truth_agree() -> None:
    world = World(BUSY)
    states: dict[str, str] = {
        agent.id: "Available" if agent.state == "available" else "Idle" for agent in world.centre.agents.values()
    }
    for event in hours(world, 1):
        if event["type"] == "agent:channelType_state_change" and event["data"]["channelType"] == "telephony":
            states[event["data"]["agentId"]] = event["data"]["currentState"]
    counted = Counter(states.values())
    truth: Counter[str] = Counter()
    for team in world.truth().teams.values():
        truth.update(team.states)
    assert counted["Available"] == truth["available"]
    assert counted["Reserved"] == truth["reserved"]
    assert counted["WrapUp"] == truth["wrapup"]
    assert counted["Idle"] == truth["idle"] + truth["not_responding"]


def test_an_agent_s_events_have_times_that_never_go_back() -> None:
    latest: Counter[str] = Counter()
    for event in hours(World(BUSY), 1):
        if event["type"].startswith("agent:"):
            data = event["data"]
            assert data["createdTime"] >= latest[data["agentId"]]
            latest[data["agentId"]] = data["createdTime"]


def test_agents_come_and_go_with_their_shifts() -> None:
    world = World(Script(seed=2, shifts=True, hours=OFFICE_DAY), start=START - START % 86400)
    there = []
    for _ in range(24):
        world.step(world.now + 3600)
        there.append(sum(sum(team.states.values()) for team in world.truth().teams.values()))
    assert there[3] == there[23] == 0
    assert there[12] == 40
    events = World(Script(seed=2, shifts=True), start=START - START % 86400).step(START - START % 86400 + 86400)
    assert Counter(event["type"] for event in events)["agent:login"] == 40
    assert Counter(event["type"] for event in events)["agent:logout"] == 40


def test_a_search_shows_what_was_so_before() -> None:
    world = World(QUIET, lag=3.0)
    queue = next(iter(world.centre.queues.values()))
    for agent in world.centre.agents.values():
        world.staff.rest(agent, 3600)
    world.step(START + 10)
    task = world.call(queue, origin="+15551234567")
    assert task
    assert world.lengths()[queue.id] == 1
    assert world.task_rows(START + 12.9) == []
    (row,) = world.task_rows(START + 13)
    assert (row["id"], row["status"], row["isActive"], row["direction"]) == (task.id, "parked", True, "inbound")
    assert row["lastQueue"] == {"id": queue.id, "name": queue.name}
    assert row["origin"] == "+15551234567"
    world.step(START + 20)
    assert world.hang_up(task.id)
    assert world.task_rows(START + 22)[0]["isActive"]
    assert not world.task_rows(START + 23)[0]["isActive"]
    world.step(START + 20 + 3700)
    assert world.task_rows(world.now) == []


def test_a_search_that_has_caught_up_shows_the_truth() -> None:
    world = World(replace(BUSY, swing=0.5), lag=0.0)
    hours(world, 1)
    truth = world.truth()
    rows = [row for row in world.task_rows(world.now) if row["isActive"]]
    assert {row["id"]: row["status"] for row in rows} == truth.tasks
    waiting = Counter(row["lastQueue"]["id"] for row in rows if row["status"] == "parked" and not row["isCallback"])
    assert waiting == Counter({queue.id: queue.length for queue in truth.queues.values() if queue.length})
    available = Counter(
        row["teamId"]
        for row in world.agent_rows(world.now)
        if row["channelInfo"][0]["currentState"] == "available" and row["isActive"]
    )
    assert available == Counter({t.id: t.states["available"] for t in truth.teams.values() if "available" in t.states})


def test_a_held_call_lasts_until_its_caller_hangs_up() -> None:
    world = World(QUIET)
    world.step(START + 1)
    task = world.call(next(iter(world.centre.queues.values())))
    assert task
    types = [event["type"] for event in world.step(START + 3600) if event["type"].startswith("task:")]
    assert types == ["task:new", "task:parked", "task:connect", "task:connected"]
    assert world.hang_up(task.id)
    assert not world.hang_up(task.id)
    events = [event for event in world.step(START + 3601) if event["type"].startswith("task:")]
    assert [(e["type"], e["data"]["terminatingParty"]) for e in events] == [("task:ended", "Customer")]


def test_over_the_entitlement_nobody_gets_in() -> None:
    world = World(replace(QUIET, sessions=10, surge=1.3, agents=0, teams=1))
    queue = world.queue("Support")
    assert queue
    assert [world.call(queue) is not None for _ in range(15)] == [True] * 13 + [False] * 2
    assert (world.truth().voice, world.truth().refused) == (13, 2)
    assert world.hang_up(next(iter(world.calls.tasks)))
    assert world.call(queue)


def test_a_faster_world_does_the_same_in_less_time() -> None:
    slow, fast = World(BUSY), World(BUSY.faster(10))
    new = "task:new"
    in_an_hour = Counter(event["type"] for event in hours(slow, 1))[new]
    in_six_minutes = Counter(event["type"] for event in hours(fast, 0.1))[new]
    assert in_six_minutes == pytest.approx(in_an_hour, rel=0.15)


def test_nothing_is_kept_of_calls_that_are_over() -> None:
    world = World(replace(BUSY, load=1.0))
    hours(world, 3)
    kept = len(world.calls.tasks), len(world.ledger.tasks), len(world._stage._agenda)
    hours(world, 3)
    assert len(world.calls.tasks) < 2 * kept[0] + 50
    assert len(world.ledger.tasks) < 2 * kept[1]
    assert len(world._stage._agenda) < 2 * kept[2]


def test_a_search_finds_so_many_that_ended_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "MOST_ENDED", 100)
    world = World(BUSY, lag=0.0)
    hours(world, 1)
    ended = [row["endedTime"] for row in world.task_rows(world.now) if row["status"] == "ended"]
    assert len(ended) == 100
    assert min(ended) > (world.now - 1200) * 1000


def test_calls_come_by_the_hour_of_the_day() -> None:
    midnight = START - START % 86400
    events = World(Script(seed=2, hours=OFFICE_DAY), start=midnight).step(midnight + 86400)
    came = Counter(e["data"]["createdTime"] // 3_600_000 % 24 for e in events if e["type"] == "task:new")
    assert came[12] == pytest.approx(720, rel=0.2)  # 40 agents, 204 seconds a call, and some calls of agents' own
    assert came[8] == pytest.approx(came[12] * OFFICE_DAY[8], rel=0.25)
    assert came[3] < 0.05 * came[12]


def test_calls_rise_and_fall_with_the_swing() -> None:
    script = replace(BUSY, queues=1, teams=1, load=1.0, swing=1.0, swing_period=1000.0, outdial=0.0)
    events = World(script).step(START + 20_000)
    came = Counter(e["data"]["createdTime"] % 1_000_000 // 100_000 for e in events if e["type"] == "task:new")
    assert max(came.values()) > 5 * min(came.values())
    assert came.total() == pytest.approx(20_000 * 40 / script.busy, rel=0.1)


def test_a_search_shows_what_is_done_while_connected() -> None:
    world = World(replace(BUSY, hold=1.0, consult=1.0, conference=1.0), lag=0.0)
    of_tasks: set[str] = set()
    of_agents: set[str] = set()
    for _ in range(60):
        world.step(world.now + 10)
        of_tasks |= {row["status"] for row in world.task_rows(world.now)}
        of_agents |= {row["channelInfo"][0]["currentState"] for row in world.agent_rows(world.now)}
    acts = {"connected", "on-hold", "consulting", "conferencing", "wrapup"}
    assert of_tasks == acts | {"new", "parked", "connect", "ended"}
    assert of_agents == acts | {"available", "idle", "ringing", "not-responding"}
