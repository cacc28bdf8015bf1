"""The real client and the simulator: what one asks the other answers, and what one posts the other takes."""

import time
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from state_client.simulator.script import Script
from state_client.simulator.server import Simulator
from state_client.webex import directory, search
from state_client.webex.errors import WebexError
from state_client.webex.estimated_wait import estimated_wait
from state_client.webex.inbox import Inbox
from state_client.webex.limiter import Limiter
from state_client.webex.oauth import TokenKeeper
from state_client.webex.rest import WebexApi
from state_client.webex.secret import Secret, SecretFile
from state_client.webex.subscriptions import Subscriptions
from state_client.webex.webhook import PATH, Webhook
from tests.state_client.simulator.kit import SECRET, Visitor, running, until

BUSY = Script(seed=7, queues=9, teams=5, agents=320, load=1.3, callback=0.6)


@pytest.fixture
async def client(visitor: Visitor, tmp_path: Path) -> AsyncIterator[WebexApi]:
    async with aiohttp.ClientSession() as session:
        yield await connect(visitor, session, tmp_path)


async def connect(visitor: Visitor, session: aiohttp.ClientSession, folder: Path) -> WebexApi:
    (folder / "client").write_text("simulated-secret")
    (folder / "refresh").write_text(visitor.refresh)
    url = visitor.simulator.url
    secrets = SecretFile(folder / "client"), SecretFile(folder / "refresh")
    keeper = TokenKeeper(f"{url}/v1/access_token", "simulated-client", *secrets, session)
    return WebexApi(url, visitor.cloud.org_id, keeper, Limiter(240), session)


async def test_it_reads_what_a_busy_contact_centre_shows(tmp_path: Path) -> None:
    now = time.time()
    simulator = Simulator(BUSY, lag=0.0, warm_up=1800.0, clock=lambda: now)  # it stands still from now on
    async with running(simulator) as visitor, aiohttp.ClientSession() as session:
        api = await connect(visitor, session, tmp_path)
        world = visitor.cloud.world
        agents, tasks = await search.agent_sessions(api, now), await search.active_tasks(api, now)
        assert {row.agent_id for row in agents} == set(world.centre.agents)
        going = world.calls.tasks.values()
        inbound = {task.id for task in going if (task.channel, task.direction) == ("telephony", "INBOUND")}
        assert len(inbound) > 250
        assert {row.id for row in tasks} == inbound
        truth = {queue.id: queue.length for queue in world.truth().queues.values()}
        voice = {queue.id for queue in world.centre.queues.values() if queue.channel == "telephony"}
        waiting = {queue_id: length for queue_id, length in truth.items() if length and queue_id in voice}
        assert await search.parked_counts(api, now) == waiting
        assert sum(waiting.values()) > 10
        counts = await search.agent_counts(api, now)
        assert sum(counts.values()) == len(world.centre.agents)
        assert {team_id for team_id, _ in counts} == set(world.centre.teams)
        (row,) = await search.tasks_by_id(api, [tasks[0].id, "none"], now)
        assert row.id == tasks[0].id
        assert {row.agent_id for row in await search.activities(api, now)} == set(world.centre.agents)


async def test_it_reads_how_the_contact_centre_is_set_up(client: WebexApi, visitor: Visitor) -> None:
    centre = visitor.cloud.world.centre
    queues = await directory.queues(client)
    assert {row.id: row.name for row in queues} == {queue.id: queue.name for queue in centre.queues.values()}
    assert {row.team_ids for row in queues} == {None}
    one = await directory.queue(client, queues[0].id)
    assert one
    assert one.team_ids == tuple(team.id for team in centre.queues[one.id].teams)
    assert {row.name for row in await directory.teams(client)} == {team.name for team in centre.teams.values()}
    team = await directory.team(client, next(iter(centre.teams)))
    assert team
    assert team.name == "Team 1"
    assert await directory.queue(client, "none") is None
    assert await directory.organization_setting(client) is None


async def test_it_reads_an_estimate_in_seconds(client: WebexApi, visitor: Visitor) -> None:
    queue = visitor.cloud.world.queue("Support")
    assert queue
    assert await estimated_wait(client, queue.id, 30) is None
    queue.waits += [(visitor.cloud.clock() - 60, 10.0)]
    assert await estimated_wait(client, queue.id, 30) == 10.0
    assert await estimated_wait(client, "none", 30) is None


async def test_a_token_that_expires_is_renewed_with_the_rotated_refresh_token(
    client: WebexApi, visitor: Visitor
) -> None:
    for _ in range(3):
        assert await directory.teams(client)
        await visitor.control("faults", expire_tokens=True)
    await visitor.control("faults", refuse_refresh=True)
    with pytest.raises(WebexError, match="webex login"):
        await directory.teams(client)


async def test_its_subscriptions_are_taken_and_its_webhook_believes_what_comes(
    client: WebexApi, visitor: Visitor
) -> None:
    inbox = Inbox()
    webhook = Webhook(inbox, lambda _: (Secret(SECRET),))
    runner = web.AppRunner(webhook.application(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        url = f"http://127.0.0.1:{runner.addresses[0][1]}{PATH}"
        subscriptions = Subscriptions(client, "edge-1", url, Secret(SECRET), allow_loopback=True)
        assert len((await subscriptions.ensure()).created) == 2
        assert not await subscriptions.check()
        await visitor.control("calls", queue="Support", calling="+15550002222")
        await until(lambda: visitor.cloud.delivery.counts["delivered"] >= 8)
        assert visitor.cloud.delivery.counts["failed"] == 0
        assert {result for (_, result), _ in inbox.counts.items()} == {"accepted"}
        await visitor.control("faults", wrong_secret=1.0)
        await visitor.control("calls", "DELETE")
        await until(lambda: any(result == "forged" for _, result in inbox.counts))
        await visitor.control("faults", inactive=True)
        assert await subscriptions.check()
        assert {each.status for each in visitor.cloud.registry.all} == {"active"}
    finally:
        await runner.cleanup()


async def test_a_limit_that_is_reached_is_waited_out(client: WebexApi, visitor: Visitor) -> None:
    await visitor.control("faults", answers=[{"path": "/organization", "status": 429, "times": 1, "retry_after": 1}])
    assert await directory.teams(client)
    await visitor.control("faults", answers=[{"path": "/organization", "status": 500, "times": 1}])
    assert await directory.teams(client)
