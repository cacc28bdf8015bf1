"""A gateway that follows another one: its real server on this side, the real client on that."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from aiohttp import web

from edge_router.http.state_api import StateApi
from state_client.centre import ContactCentre
from state_client.feeds import peer as peer_module
from state_client.feeds.peer import PeerSource
from state_client.picture import Team
from state_client.rows import AgentEvent
from state_client.webex.secret import SecretFile
from tests.http.api import centre, parked, refuses, served

PATIENCE = 10.0


async def until(probe: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not probe():  # noqa: ASYNC110 - what is waited for has no event of its own
            await asyncio.sleep(0.005)


@pytest.fixture
def api() -> StateApi:
    return StateApi(centre(), 60.0, refuses)


@pytest.fixture
def here() -> ContactCentre:
    return ContactCentre(time.time() - time.monotonic())


@pytest.fixture
async def url(api: StateApi) -> AsyncIterator[str]:
    async with served(api) as address:
        yield address


def length(here: ContactCentre) -> int:
    queue = here.picture.queue("Support")
    return queue.length if queue is not None else -1


async def test_what_the_other_one_knows_is_known_here(url: str, api: StateApi, here: ContactCentre) -> None:
    source = PeerSource((url,), here)
    assert source.degraded
    await source.start()
    await until(lambda: length(here) == 1)
    assert (source.degraded, source.followed, source.seeded.is_set()) == ("", url, True)
    queue, there = here.picture.queue("q-1"), api.centre.picture.queue("q-1")
    assert queue is not None
    assert there is not None
    assert (queue.name, queue.agents_available, queue.type, queue.source) == ("Support", 1, "INBOUND", "peer")
    assert queue.longest_wait == there.longest_wait
    api.centre.apply(parked("task-2"), time.time())
    await until(lambda: length(here) == 2)
    await source.close()


async def test_it_is_as_old_here_as_it_is_there_and_grows_older(url: str, api: StateApi, here: ContactCentre) -> None:
    there = api.centre.picture.queue("Support")
    assert there is not None
    there.of_tasks.time -= 40.0
    source = PeerSource((url,), here)
    await source.start()
    await until(lambda: length(here) == 1)
    queue = here.picture.queue("Support")
    assert queue is not None
    now = time.monotonic()
    assert 40.0 <= queue.age_of("length", now) < 60.0
    assert queue.age_of("length", now + 30) >= 70.0
    assert queue.age_of("agents_available", now) < 30.0
    await source.close()


async def test_what_the_other_one_does_not_know_is_not_known_here(url: str, api: StateApi, here: ContactCentre) -> None:
    api.centre.everything_stale()
    source = PeerSource((url,), here)
    await source.start()
    await until(lambda: length(here) == 1)
    queue = here.picture.queue("Support")
    assert queue is not None
    assert queue.age_of("length", time.monotonic()) == float("inf")
    await source.close()


def day(here: ContactCentre) -> Team | None:
    return here.picture.team("Day")


async def test_teams_are_known_here_as_they_are_there(
    url: str, api: StateApi, here: ContactCentre, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peer_module, "TEAMS_EVERY", 0.01)
    source = PeerSource((url,), here)
    await source.start()
    await until(lambda: day(here) is not None)
    team = day(here)
    assert team is not None
    assert team is here.picture.team("t-1")
    assert (team.available, team.signed_on, team.of_agents.source) == (1, 1, "peer")
    now = time.time()
    api.centre.apply(AgentEvent("e", "agent:state_change", now, "a-1", team_id="t-1", state="idle"), now)
    await until(lambda: (team.available, team.idle) == (0, 1))
    assert source.degraded == ""
    api.centre.retire_team("t-1")
    await until(lambda: day(here) is None)
    await source.close()


async def test_teams_are_as_old_here_as_they_are_there_and_the_line_is(
    url: str, api: StateApi, here: ContactCentre, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peer_module, "TEAMS_EVERY", 0.01)
    there = api.centre.picture.team("Day")
    assert there is not None
    there.of_agents.time -= 40.0
    source = PeerSource((url,), here)
    await source.start()
    await until(lambda: day(here) is not None)
    team = day(here)
    assert team is not None
    now = time.monotonic()
    assert 40.0 <= team.age_of("available", now) < 60.0
    assert team.age_of("available", now + 30) >= 70.0
    api.centre.everything_stale()
    await until(lambda: team.age_of("available", time.monotonic()) == float("inf"))
    await source.close()


async def test_a_gateway_that_knows_less_than_the_one_before_is_not_taken_for_as_well_informed(
    url: str, api: StateApi, here: ContactCentre
) -> None:
    there = api.centre.picture.queue("Support")
    assert there is not None
    source = PeerSource((url,), here)
    await source.start()
    await until(lambda: length(here) == 1)
    there.of_tasks.time -= 100.0
    api.centre._changed(there)
    queue = here.picture.queue("Support")
    assert queue is not None
    await until(lambda: queue.age_of("length", time.monotonic()) >= 100)
    there.of_tasks.doubt("stored")
    api.centre._changed(there)
    await until(lambda: queue.age_of("length", time.monotonic()) == float("inf"))
    await source.close()


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"{", "unexpected end of data"),
        (b"[]", "no teams"),
        (b'{"teams": 3}', "no teams"),
        (b" " * (peer_module.LONGEST_ANSWER + 1), "longer than"),
        (b'{"teams": [3, {"name": 4}, {"name": "Odd", "id": 1, "agents_idle": "x", "age_secs": "y"}]}', ""),
    ],
)
async def test_nonsense_instead_of_teams_is_survived_and_said(
    body: bytes, why: str, here: ContactCentre, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peer_module, "TEAMS_EVERY", 0.01)
    asked = 0

    async def queues(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"event: beat\ndata: {}\n\n")
        await asyncio.sleep(60)
        return response

    async def teams(request: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        return web.Response(body=body)

    runner, url = await serve(queues, teams)
    source = PeerSource((url,), here)
    await source.start()
    await until(lambda: asked > 2)
    assert source.followed == url
    if why:
        await until(lambda: why in source.degraded)
    else:
        assert source.degraded == ""
        odd = here.picture.team("Odd")
        assert odd is not None
        assert (odd.idle, odd.age_of("idle", time.monotonic())) == (0, float("inf"))
    await source.close()
    await runner.cleanup()


async def test_teams_that_could_not_be_asked_for_are_said_until_they_can(
    here: ContactCentre, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peer_module, "TEAMS_EVERY", 0.01)
    status = 403

    async def silent(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"event: beat\ndata: {}\n\n")
        await asyncio.sleep(60)
        return response

    async def teams(request: web.Request) -> web.Response:
        return web.Response(body=b'{"teams": []}', status=status)

    runner, url = await serve(silent, teams)
    source = PeerSource((url,), here)
    await source.start()
    await until(lambda: f"{url} can't be asked for teams: it answers 403 Forbidden" in source.degraded)
    status = 200
    await until(lambda: not source.degraded)
    await source.close()
    await runner.cleanup()


async def test_the_next_one_is_followed_where_the_first_is_gone(url: str, here: ContactCentre) -> None:
    source = PeerSource(("http://127.0.0.1:9", url), here, first_pause=0.01)
    await source.start()
    await until(lambda: length(here) == 1)
    assert source.followed == url
    await source.close()


async def test_a_gateway_that_comes_back_is_followed_again(api: StateApi, here: ContactCentre) -> None:
    async with served(api) as url:
        source = PeerSource((url,), here, first_pause=0.01)
        await source.start()
        await until(lambda: length(here) == 1)
        api.feed.close()
        await until(lambda: "it has ended the stream" in source.degraded)
        api.feed._over = False
        await until(lambda: not source.degraded)
        await source.close()


async def serve(
    handler: Callable[[web.Request], object], teams: Callable[[web.Request], object] | None = None
) -> tuple[web.AppRunner, str]:
    application = web.Application()
    application.router.add_get("/v1/events", handler)  # type: ignore[arg-type]
    if teams is not None:
        application.router.add_get("/v1/teams", teams)  # type: ignore[arg-type]
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner, f"http://127.0.0.1:{runner.addresses[0][1]}"


async def test_a_line_that_falls_silent_is_taken_for_dead(here: ContactCentre) -> None:
    async def silent(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await asyncio.sleep(60)
        return response

    runner, url = await serve(silent)
    source = PeerSource((url,), here, silence=0.05, first_pause=0.01)
    await source.start()
    await until(lambda: "nothing was heard for 0.05 s" in source.degraded)
    await source.close()
    await runner.cleanup()


@pytest.mark.parametrize(
    "octets",
    [
        b"event: queue\ndata: {\n\n",
        b"event: queue\ndata: []\n\n",
        b'event: queue\ndata: {"name": 3}\n\n',
        b'event: queue\ndata: {"name": "Support", "length": "x", "tasks_age_secs": "y", "id": 7}\n\n',
        b"data: " + b"x" * 600_000 + b"\n\n",
        b"\xff\xfe\n\n",
    ],
)
async def test_nonsense_is_survived(octets: bytes, here: ContactCentre) -> None:
    asked = 0

    async def nonsense(request: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        return web.Response(body=octets)

    runner, url = await serve(nonsense)
    source = PeerSource((url,), here, silence=0.2, first_pause=0.01)
    await source.start()
    await until(lambda: asked > 2)
    assert source.degraded
    assert length(here) in (-1, 0)
    await source.close()
    await runner.cleanup()


async def test_a_token_goes_along_and_never_into_words(here: ContactCentre, tmp_path: Path) -> None:
    heard: list[str] = []

    async def refuse(request: web.Request) -> web.Response:
        heard.append(request.headers.get("Authorization", ""))
        return web.Response(status=401)

    (tmp_path / "token").write_text("very-secret-token\n")
    runner, url = await serve(refuse)
    source = PeerSource((url,), here, SecretFile(tmp_path / "token"), first_pause=0.01)
    await source.start()
    await until(lambda: "it answers 401" in source.degraded)
    assert heard[0] == "Bearer very-secret-token"
    assert "very-secret" not in source.degraded
    await source.close()
    await runner.cleanup()
