"""The cloud as a source of state: the real loops against the simulated contact centre over loopback."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest

from state_client.picture import Queue
from state_client.rows import QueueRow
from state_client.simulator.faults import WrongAnswer
from state_client.simulator.server import Simulator
from state_client.webex import source as source_module
from state_client.webex.secret import Secret
from state_client.webex.signature import SIGNATURE, TIMESTAMP
from state_client.webex.source import WebexSource
from tests.state_client.tidings import task
from tests.state_client.webex.following import age, subscribed, support, until, waits
from tests.state_client.webex.posts import signed, task_post

pytestmark = pytest.mark.usefixtures("impatient")


async def test_it_begins_with_what_the_cloud_has(source: WebexSource, simulator: Simulator) -> None:
    waits(simulator, 2)
    assert source.degraded == "nothing is known yet of the contact centre"
    await source.start()
    await until(source.seeded.is_set)
    assert support(source).length == 2
    await until(lambda: age(source, "agents_available") < 60)
    assert support(source).agents_signed_on == 20
    await until(lambda: not source.degraded)


async def test_events_change_it(source: WebexSource, simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_module, "SOONEST_AGAIN", 3600.0)  # no comparison has a part in it
    source.settings = replace(source.settings, confirm_every=3600.0)
    await source.start()
    await until(source.seeded.is_set)
    await subscribed(source, simulator)
    (task,) = waits(simulator)
    await until(lambda: support(source).length == 1)
    assert source.inbox.counts["task:parked", "applied"] == 1
    simulator.cloud.world.hang_up(task)
    simulator.cloud.advance()
    await until(lambda: support(source).length == 0)


async def test_a_confirmation_renews_the_age_of_a_quiet_queue(source: WebexSource, simulator: Simulator) -> None:
    await source.start()
    await until(source.seeded.is_set)
    await until(lambda: support(source).of_tasks.source == "confirm")
    await until(lambda: support(source).of_agents.source == "confirm")
    stamped = support(source).of_tasks.time
    await until(lambda: support(source).of_tasks.time > stamped)


async def test_others_get_their_turn_while_everything_is_compared(
    source: WebexSource, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is taken and checked goes through one way, which gives way after each few."""
    monkeypatch.setattr(source_module, "FEW", 2)
    taken: Counter[str] = Counter()
    most: dict[str, int] = {}
    give_way = source._take

    async def watched(rows: list[Any], take: Callable[[Any, float], None], few: int = source_module.SLICE) -> None:
        def counted(some: Iterable[Any], now: float) -> None:
            count = len(list(some))
            taken[name] += count
            most[name] = max(most.get(name, 0), count)
            take(some, now)

        name = f"{type(take.__self__).__name__}.{take.__name__}"  # type: ignore[attr-defined]
        await give_way(rows, counted, few)

    monkeypatch.setattr(source, "_take", watched)
    source.settings = replace(source.settings, webhook_url="")
    waits(simulator, 300)
    await source.start()
    await until(source.seeded.is_set)
    await until(lambda: support(source).of_agents.source == "confirm")
    centre = source.centre
    assert taken["TaskComparison.take"] == 300
    assert taken["TaskComparison.check"] == 300
    assert taken["AgentComparison.check"] >= len(centre.agents)
    assert taken["QueueConfirmation.check"] >= len(centre.queues)
    assert taken["TeamConfirmation.check"] >= len(centre.teams)
    assert most["TaskComparison.take"] == most["TaskComparison.check"] == source_module.SLICE
    assert most["QueueConfirmation.check"] == most["TeamConfirmation.check"] == 2


async def test_slices_are_taken_one_by_one_with_others_between(source: WebexSource) -> None:
    turns: list[str] = []

    async def another() -> None:
        while len(turns) < 5:
            turns.append("another")
            await asyncio.sleep(0)

    beside = asyncio.create_task(another())
    await source._take([1, 2, 3, 4, 5], lambda some, now: turns.append(f"{some}"), 2)
    await beside
    assert turns == ["[1, 2]", "another", "[3, 4]", "another", "[5]"]


async def test_what_events_have_lost_is_found_by_confirming(source: WebexSource, simulator: Simulator) -> None:
    source.settings = replace(source.settings, webhook_url="")
    await source.start()
    await until(source.seeded.is_set)
    waits(simulator, 3)
    await until(lambda: support(source).length == 3)
    assert source.corrections > 0


async def test_a_count_of_callers_that_disagrees_is_looked_into_at_once(
    source: WebexSource, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_module, "SOONEST_AGAIN", 3600.0)  # no comparison has a part in it
    source.settings = replace(source.settings, webhook_url="")
    await source.start()
    await until(source.seeded.is_set)
    waits(simulator, 3)
    await until(lambda: support(source).length == 3)


async def test_who_waits_is_looked_at_often_while_anybody_does(
    source: WebexSource, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_module, "SOONEST_AGAIN", 3600.0)  # no comparison has a part in it
    source.settings = replace(source.settings, webhook_url="", confirm_every=3600.0, look_every=0.02)
    asked: Counter[str] = Counter()
    source._observe = lambda operation, code: asked.update([operation])
    first, second = waits(simulator, 2)
    await source.start()
    await until(source.seeded.is_set)
    assert support(source).length == 2
    waits(simulator)
    simulator.cloud.world.hang_up(first)
    simulator.cloud.advance()
    await until(lambda: second in source.centre.tasks and first not in source.centre.tasks)
    await until(lambda: support(source).length == 2)
    for one in list(source.centre.tasks):
        simulator.cloud.world.hang_up(one)
    simulator.cloud.advance()
    await until(lambda: support(source).length == 0)
    looks = asked["ParkedTasks"]
    await asyncio.sleep(0.2)
    assert asked["ParkedTasks"] <= looks + 1  # nobody waits, so that nobody asks


async def test_who_waits_is_never_looked_at_where_nobody_wants_it(source: WebexSource, simulator: Simulator) -> None:
    source.settings = replace(source.settings, webhook_url="", look_every=0.0)
    asked: Counter[str] = Counter()
    source._observe = lambda operation, code: asked.update([operation])
    waits(simulator)
    await source.start()
    await until(lambda: asked["ParkedCounts"] > 4)
    assert support(source).length == 1
    assert asked["ParkedTasks"] == 0


async def test_looks_at_a_long_line_leave_requests_for_others(source: WebexSource, simulator: Simulator) -> None:
    source.settings = replace(source.settings, confirm_every=3600.0, look_every=0.01)
    waits(simulator, 260)
    await source.start()
    await until(source.seeded.is_set)
    source.settings = replace(source.settings, requests_per_minute=240)
    await until(lambda: source._look_pause() == 2.0)


async def test_a_subscription_that_the_system_switched_off_is_on_again_and_everything_is_compared(
    source: WebexSource, simulator: Simulator
) -> None:
    source.settings = replace(source.settings, confirm_every=3600.0)
    await source.start()
    await until(source.seeded.is_set)
    await subscribed(source, simulator)
    for one in simulator.cloud.registry.all:
        simulator.cloud.registry.deactivate(one)
    waits(simulator)
    await subscribed(source, simulator)
    await until(lambda: support(source).length == 1)


async def test_a_cloud_that_is_not_well_is_said_once_and_recovered_from(
    source: WebexSource, simulator: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    asked: Counter[tuple[str, str]] = Counter()
    source._observe = lambda operation, code: asked.update([(operation, code)])
    simulator.cloud.answers.wrong = [WrongAnswer(path="/organization", status=403)]
    with caplog.at_level(logging.INFO):
        await source.start()
        await until(lambda: "403" in source.degraded)
        tried = asked["teams", "403"]
        await until(lambda: asked["teams", "403"] > tried + 2)
        assert caplog.text.count("asking for queues and teams:") == 1
        simulator.cloud.answers.wrong = []
        await until(source.seeded.is_set)
        await until(lambda: not source.degraded)
    assert "asking for queues and teams works again" in caplog.text


async def test_an_event_of_a_time_to_come_does_not_make_all_later_ones_late(
    source: WebexSource, simulator: Simulator, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_module, "SETTLE_DOUBTS", 3600.0)  # so that the gap is still to be seen
    await source.start()
    await until(source.seeded.is_set)
    await subscribed(source, simulator)
    (waiting,) = waits(simulator)
    await until(lambda: support(source).length == 1)
    now = time.time()
    with caplog.at_level(logging.WARNING):
        for number in range(2):
            raw = task_post(
                f"event-{number}", waiting, now + 86_400, "task:connected", comciscotimestamp=round(now * 1000)
            )
            headers = signed(raw, Secret("h" * 40))
            assert source.webhook.receive(raw, headers[SIGNATURE], headers[TIMESTAMP]) == "accepted"
        await until(lambda: source.inbox.counts["task:connected", "stale"] == 2)
    assert caplog.text.count("an event task:connected was dropped: it says that it happens in 86400 s") == 1
    assert source.inbox.gap, "something was lost: everything is compared"
    assert support(source).length == 1
    simulator.cloud.world.hang_up(waiting)
    simulator.cloud.advance()
    await until(lambda: source.inbox.counts["task:ended", "applied"] == 1)
    assert support(source).length == 0


async def test_an_event_may_be_ahead_by_as_much_as_clocks_may_differ(source: WebexSource) -> None:
    now = time.time()
    ahead = source.settings.clock_tolerance
    source.centre.configure([QueueRow("q", "Support")], [])
    assert source._apply(task("1", "parked", now + ahead, "q"), now) == "applied"
    assert source._apply(task("1", "ended", now + ahead + 0.1), now) == "stale"


async def test_a_queue_that_is_switched_off_leaves_the_picture_and_comes_back(
    source: WebexSource, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_module, "LISTS_EVERY", 0.02)
    monkeypatch.setattr(source_module, "SOONEST_AGAIN", 3600.0)  # no comparison has a part in it
    await source.start()
    await until(source.seeded.is_set)
    corrections, queue = source.corrections, simulator.cloud.world.queue("Support")
    assert queue is not None
    queue.active = False
    await until(lambda: source.picture.queue("Support") is None)
    await until(lambda: source.corrections == corrections + 1)
    queue.active = True
    await until(lambda: source.picture.queue("Support") is not None)
    await until(lambda: support(source).agents_signed_on == 20)
    assert not source.degraded


async def test_estimates_are_asked_for(source: WebexSource, simulator: Simulator) -> None:
    source.settings = replace(source.settings, estimates=("Support", "Nowhere"), estimate_every=0.05)
    await source.start()
    await until(lambda: "there is no queue Nowhere" in source.degraded)
    await until(lambda: support(source).of_estimate.source != "")


async def test_events_are_asked_for_before_the_state(source: WebexSource, simulator: Simulator) -> None:
    """Else what happens between the two would have to wait for a comparison."""
    asked: list[str] = []
    source._observe = lambda operation, code: asked.append(operation)
    await source.start()
    await until(source.seeded.is_set)
    assert asked.count("create-subscription") == 2
    assert max(at for at, one in enumerate(asked) if one == "create-subscription") < asked.index("ActiveTasks")


async def test_queues_that_rules_read_are_looked_up_first(source: WebexSource, simulator: Simulator) -> None:
    looked_up: list[str] = []

    def told(queue: Queue) -> None:
        state = source.centre.queues[queue.id]
        if state.team_ids is not None and queue.name not in looked_up:
            looked_up.append(queue.name)

    source.centre.listener = told
    source.first = frozenset({"Billing"})
    await source.start()
    await until(lambda: len(looked_up) == 6)
    assert looked_up[0] == "Billing"


async def test_the_report(source: WebexSource, simulator: Simulator) -> None:
    assert await source.report() is None
    await source.start()
    await subscribed(source, simulator)
    found = await source.report()
    assert found is not None
    assert [one["node"] for one in found.subscriptions] == ["edge-1", "edge-1"]
    assert found.token_expires > time.time()
    assert found.error == ""
