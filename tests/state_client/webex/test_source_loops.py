"""Each of the loops that keep the state true, alone: what it does, and that it is asked for no more than that."""

import logging
import time
from dataclasses import replace

import pytest

from state_client.simulator import centre as simulated
from state_client.simulator import ledger
from state_client.simulator import search as simulated_search
from state_client.simulator.faults import WrongAnswer
from state_client.simulator.server import Simulator
from state_client.webex import source as source_module
from state_client.webex.limiter import first_delay
from state_client.webex.source import WebexSource
from tests.state_client.tidings import task
from tests.state_client.webex.following import counted, subscribed, support, until, waits

pytestmark = pytest.mark.usefixtures("impatient")


def node(source: WebexSource, late: bool) -> str:
    """A node that begins at once by its name's hash, or late."""
    least, most = (0.99, 1.0) if late else (0.0, 1e-5)
    names = (f"edge-{number}" for number in range(1_000_000))
    return next(name for name in names if least <= first_delay(source.settings.org_id, name, 1.0) < most)


@pytest.fixture
def alone(source: WebexSource) -> WebexSource:
    """The source without events, whose loops do nothing for an hour."""
    source.settings = replace(
        source.settings, node=node(source, late=True), webhook_url="", confirm_every=3600.0, look_every=0.0
    )
    return source


async def test_everything_is_compared_now_and_then(alone: WebexSource, simulator: Simulator) -> None:
    alone.settings = replace(alone.settings, reconcile_every=0.05)
    await alone.start()
    await until(alone.seeded.is_set)
    for length in (1, 2):
        waits(simulator)
        await until(lambda: support(alone).length == length)  # noqa: B023 - it is waited for in here
    assert support(alone).of_tasks.source == "reconcile"


async def test_a_comparison_that_was_asked_for_and_failed_is_tried_again(
    alone: WebexSource, simulator: Simulator
) -> None:
    await alone.start()
    await until(alone.seeded.is_set)
    waits(simulator)
    simulator.cloud.answers.wrong = [WrongAnswer(path="/search", status=400)]
    alone.compare_soon()
    await until(lambda: "400" in alone.degraded)
    simulator.cloud.answers.wrong = []
    await until(lambda: not alone.degraded)
    assert support(alone).length == 1


async def test_lists_that_could_not_be_read_are_read_again_soon(
    alone: WebexSource, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone.settings = replace(alone.settings, node=node(alone, late=False))
    simulator.cloud.answers.wrong = []
    await alone.start()
    await until(alone.seeded.is_set)
    simulator.cloud.answers.wrong = [WrongAnswer(path="/organization", status=403)]
    await until(lambda: "403" in alone.degraded)
    simulator.cloud.answers.wrong = []
    await until(lambda: not alone.degraded)


async def test_a_look_that_failed_is_tried_again_when_nobody_waits_any_more(
    alone: WebexSource, simulator: Simulator
) -> None:
    (caller,) = waits(simulator)
    alone.settings = replace(alone.settings, look_every=0.02)
    await alone.start()
    await until(alone.seeded.is_set)
    simulator.cloud.answers.wrong = [WrongAnswer(path="/search", status=400)]
    await until(lambda: "ParkedTasks" in alone.degraded)
    alone.centre.apply(task(caller, "ended", time.time() + 1), time.time() + 1)
    assert not alone.centre.in_line()
    simulator.cloud.answers.wrong = []
    await until(lambda: not alone.degraded)


async def test_a_queue_that_nobody_has_named_yet_is_asked_for(alone: WebexSource, simulator: Simulator) -> None:
    await alone.start()
    await until(alone.seeded.is_set)
    new = simulated.Queue("new-id", "Novel", "telephony", "+1", 60)
    simulator.cloud.world.centre.queues[new.id] = new
    alone.centre.apply(task("1", "parked", time.time(), "new-id"), time.time())
    await until(lambda: alone.picture.queue("Novel") is not None)


async def test_who_waits_for_longer_than_his_queue_allows_is_asked_for(
    alone: WebexSource, simulator: Simulator
) -> None:
    await alone.start()
    await until(alone.seeded.is_set)
    heard = time.time() - 80_000.0
    alone.centre.apply(task("ghost", "parked", heard, support(alone).id), heard)
    assert "ghost" in alone.centre.tasks
    await until(lambda: "ghost" not in alone.centre.tasks)
    assert alone.corrections > 0


async def test_a_gap_in_the_events_has_everything_compared(alone: WebexSource, simulator: Simulator) -> None:
    await alone.start()
    await until(alone.seeded.is_set)
    waits(simulator)
    alone.inbox.gap = True
    await until(lambda: support(alone).length == 1)
    assert not alone.inbox.gap


async def test_a_secret_that_was_lost_is_written_anew(source: WebexSource, simulator: Simulator) -> None:
    source.settings = replace(source.settings, confirm_every=3600.0)
    await source.start()
    await until(source.seeded.is_set)
    await subscribed(source, simulator)
    for one in simulator.cloud.registry.all:
        one.secret = "somebody has written another one here"
    simulator.cloud.registry.changed()
    (caller,) = waits(simulator)
    await until(lambda: source.inbox.counts["task:parked", "forged"])
    await until(lambda: {one.secret for one in simulator.cloud.registry.all} == {"h" * 40})
    await until(lambda: support(source).length == 1)  # what was missed is compared
    simulator.cloud.world.hang_up(caller)
    simulator.cloud.advance()
    await until(lambda: source.inbox.counts["task:ended", "applied"])


async def test_a_count_of_agents_that_disagrees_has_everything_compared(
    alone: WebexSource, simulator: Simulator
) -> None:
    alone.settings = replace(alone.settings, confirm_every=0.05)
    await alone.start()
    await until(alone.seeded.is_set)
    await until(lambda: support(alone).agents_available == 20)
    cloud = simulator.cloud
    for agent in cloud.world.centre.agents.values():
        cloud.world.staff.rest(agent)
    cloud.advance()
    await until(lambda: support(alone).agents_available == 0)
    assert support(alone).agents_signed_on == 20


async def test_agents_are_had_of_their_activities_where_sessions_may_not_be_searched(
    alone: WebexSource, simulator: Simulator, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delitem(simulated_search.ROWS, "agentSession")
    asked = counted(alone)
    with caplog.at_level(logging.INFO):
        await alone.start()
        await until(lambda: alone.seeded.is_set() and support(alone).agents_signed_on == 20)
    assert asked["activities"] == 1
    assert "agents are had of their activities, since Webex AgentSessions" in caplog.text
    assert not alone.degraded


async def test_a_cloud_that_does_not_know_callbacks_is_asked_without_them(
    alone: WebexSource, simulator: Simulator, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delitem(ledger.TASK_SHAPE, "isCallback")
    alone.settings = replace(alone.settings, confirm_every=0.02)
    waits(simulator, 2)
    asked = counted(alone)
    await alone.start()
    await until(lambda: alone.seeded.is_set() and support(alone).of_tasks.source == "confirm")
    assert support(alone).length == 2
    assert asked["ActiveTasks"] == 2, "once with the field and once without"
    assert caplog.text.count("who asked to be called back counts as waiting") == 1
    assert not alone.degraded


async def test_an_estimate_is_asked_for_once_in_its_time(alone: WebexSource, simulator: Simulator) -> None:
    alone.settings = replace(
        alone.settings,
        node=node(alone, late=False),
        confirm_every=0.02,
        estimates=("Support", "Billing"),
        estimate_every=3600.0,
    )
    asked = counted(alone)
    await alone.start()
    await until(lambda: asked["ParkedCounts"] > 20)
    assert asked["estimated-wait"] == 2


async def test_what_a_full_comparison_corrects_is_counted(alone: WebexSource, simulator: Simulator) -> None:
    await alone.start()
    await until(alone.seeded.is_set)
    before = alone.corrections
    waits(simulator, 3)
    agents = sum(len(agent.team.channels) for agent in simulator.cloud.world.centre.agents.values())
    alone.compare_soon()
    await until(lambda: support(alone).agents_available == 0 and support(alone).length == 3)
    await until(lambda: alone.corrections == before + 3 + agents)


@pytest.mark.parametrize(
    ("operation", "at_the_start"),
    [("ActiveTasks", 1), ("ParkedTasks", 0), ("estimated-wait", 0), ("list-subscriptions", 1), ("teams", 1)],
)
@pytest.mark.parametrize("late", [False, True])
async def test_many_gateways_do_not_strike_together(
    source: WebexSource,
    simulator: Simulator,
    operation: str,
    at_the_start: int,
    late: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whose name's hash is small begins at once with what is done every hour, and the last one an hour later."""
    for name in ("LISTS_EVERY", "CHECK_SUBSCRIPTIONS"):
        monkeypatch.setattr(source_module, name, 3600.0)
    waits(simulator)
    source.settings = replace(
        source.settings, node=node(source, late), estimates=("Support",), estimate_every=3600.0, confirm_every=0.02
    )
    if operation != "list-subscriptions":
        source.settings = replace(source.settings, webhook_url="")  # who has just subscribed compares
    asked = counted(source)
    await source.start()
    await until(lambda: asked["ParkedCounts"] > 20)
    if late:
        assert asked[operation] == at_the_start
    else:
        await until(lambda: asked[operation] == at_the_start + 1)
