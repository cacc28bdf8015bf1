"""A gateway that follows another one: its real server on this side, the real client on that."""

import asyncio
import gzip
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import orjson
import pytest
from aiohttp import web

from edge_router.http.state_api import StateApi
from edge_router.http.state_views import queue_view
from state_client.centre import ContactCentre
from state_client.feeds import peer as peer_module
from state_client.feeds import told
from state_client.feeds.peer import PeerSource
from state_client.picture import Team
from state_client.rows import AgentEvent
from state_client.webex.secret import SecretFile
from tests.http.api import centre, parked, refuses, served

PATIENCE = 10.0


def said(name: object, **values: object) -> bytes:
    """A queue as another gateway tells it."""
    told = {"name": name, "id": name, "tasks_age_secs": 1.0, "agents_age_secs": 1.0, **values}
    return b"event: queue\ndata: %s\n\n" % orjson.dumps(told)


BEAT = b"event: beat\ndata: {}\n\n"


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
        (b" " * (told.LONGEST_ANSWER + 1), "longer than"),
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
        await response.write(said("Support", length=1))
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
        await response.write(said("Support", length=1))
        await asyncio.sleep(60)
        return response

    async def teams(request: web.Request) -> web.Response:
        return web.Response(body=b'{"teams": []}', status=status)

    runner, url = await serve(silent, teams)
    source = PeerSource((url,), here)
    await source.start()
    await until(lambda: f"{url} can't be asked for teams and queues: it answers 403 Forbidden" in source.degraded)
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
    handler: Callable[[web.Request], object],
    teams: Callable[[web.Request], object] | None = None,
    queues: Callable[[web.Request], object] | None = None,
) -> tuple[web.AppRunner, str]:
    application = web.Application()
    application.router.add_get("/v1/events", handler)  # type: ignore[arg-type]
    if teams is not None:
        application.router.add_get("/v1/teams", teams)  # type: ignore[arg-type]
    if queues is not None:
        application.router.add_get("/v1/queues", queues)  # type: ignore[arg-type]
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


class Other:
    """Another gateway, of which the test says what it tells first, and again and again."""

    def __init__(self, *first: bytes, again: bytes = b"", encoding: str = "") -> None:
        self.first = first
        self.again = again
        self.encoding = encoding
        self.asked = 0
        self.beats = 0
        self.queues: list[str] = []
        self.meanwhile: Callable[[], Awaitable[None]] | None = None

    async def events(self, request: web.Request) -> web.StreamResponse:
        self.asked += 1
        response = web.StreamResponse(headers={"Content-Encoding": self.encoding} if self.encoding else {})
        await response.prepare(request)
        for octets in self.first:
            await response.write(octets)
        with suppress(ConnectionError):
            while True:
                await response.write(self.again)
                self.beats += 1
                await asyncio.sleep(0.005)
        return response

    async def tell_teams(self, request: web.Request) -> web.Response:
        return web.Response(body=b'{"teams": []}')

    async def tell_queues(self, request: web.Request) -> web.Response:
        names = list(self.queues)
        if self.meanwhile is not None:
            await self.meanwhile()
        return web.Response(body=orjson.dumps({"queues": [{"name": name} for name in names]}))

    @asynccontextmanager
    async def there(self) -> AsyncIterator[str]:
        runner, url = await serve(self.events, self.tell_teams, self.tell_queues)
        try:
            yield url
        finally:
            await runner.cleanup()


@asynccontextmanager
async def following(
    here: ContactCentre, *urls: str, silence: float = 15.0, patience: float = 120.0
) -> AsyncIterator[PeerSource]:
    source = PeerSource(urls, here, silence=silence, first_pause=0.01, patience=patience)
    await source.start()
    try:
        yield source
    finally:
        await source.close()


@pytest.mark.parametrize("value", [1e300, -1, -1e300, 10**9 + 1, 10**400, True, "3", None, [3], {}])
@pytest.mark.parametrize("key", ["length", "agents_available", "longest_wait_secs", "estimated_wait_secs"])
async def test_what_can_not_be_counted_is_not_known(key: str, value: object, here: ContactCentre) -> None:
    if key == "estimated_wait_secs" and value == -1:
        return  # it isn't known
    octets = (
        b"event: queue\ndata: "
        + json.dumps({"name": "Odd", **dict.fromkeys(told.AGES.values(), 1.0), key: value}).encode()
    )
    other = Other(said("Support", length=1), octets + b"\n\n")
    async with other.there() as url, following(here, url):
        await until(lambda: here.picture.queue("Odd") or other.asked > 1)
        odd = here.picture.queue("Odd")
        if odd is None:
            assert value == 10**400  # no JSON reader of ours takes that
            return
        shown = queue_view(odd, time.monotonic(), 60.0)
        assert orjson.dumps(shown)
        field = key.removesuffix("_secs")
        ages = {each: odd.age_of(each, time.monotonic()) for each in ("length", "agents_available", "estimated_wait")}
        wrong = {"length": "length", "longest_wait": "length"}.get(field, field)
        assert [each for each, age in ages.items() if age == float("inf")] == [wrong]
        assert (odd.length, odd.agents_available, odd.longest_wait, odd.estimated_wait) == (0, 0, 0, -1)


async def test_counts_are_taken_to_the_last(here: ContactCentre) -> None:
    other = Other(said("Big", length=10**9, estimated_wait_secs=-1, estimate_age_secs=1, longest_wait_secs=2.6))
    async with other.there() as url, following(here, url):
        await until(lambda: here.picture.queue("Big"))
        big = here.picture.queue("Big")
        assert big is not None
        assert (big.length, big.longest_wait, big.estimated_wait) == (10**9, 3, -1)
        assert max(big.age(time.monotonic()), big.age_of("estimated_wait", time.monotonic())) < 60


@pytest.mark.parametrize("age", [None, -1, True, "1", 1e308, [1]])
async def test_a_value_whose_age_is_not_known_is_no_longer_fresh(age: object, here: ContactCentre) -> None:
    """What comes with it is not put under the age of what was known before."""
    other = Other(said("Support", length=0), said("Support", length=9, tasks_age_secs=age))
    async with other.there() as url, following(here, url):
        await until(lambda: length(here) == 9)
        queue = here.picture.queue("Support")
        assert queue is not None
        assert queue.age_of("length", time.monotonic()) == float("inf")
        assert queue.age_of("agents_available", time.monotonic()) < 60


async def test_an_older_value_is_as_old_as_it_is(here: ContactCentre) -> None:
    other = Other(said("Support", length=0), said("Support", length=9, tasks_age_secs=500))
    async with other.there() as url, following(here, url):
        await until(lambda: length(here) == 9)
        queue = here.picture.queue("Support")
        assert queue is not None
        assert 500 <= queue.age_of("length", time.monotonic()) < 560


async def test_names_are_short_and_few(here: ContactCentre, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peer_module, "MOST_QUEUES", 3)
    longest = "n" * told.LONGEST_NAME
    first = [said(longest + "n"), said(longest, id="i" * 1000, type="t" * 1000), said("a"), said("b"), said("c")]
    other = Other(*first, said("a", length=7))
    async with other.there() as url, following(here, url):
        await until(lambda: (queue := here.picture.queue("a")) and queue.length == 7)
        assert here.picture.names == [longest, "a", "b"]
        queue = here.picture.queue(longest)
        assert queue is not None
        assert (queue.id, queue.type) == (longest, "")


async def test_what_is_named_no_more_is_forgotten(here: ContactCentre, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peer_module, "TEAMS_EVERY", 0.01)
    monkeypatch.setattr(peer_module, "QUEUES_EVERY", 0.02)
    here.picture.set("Ours", time.monotonic(), length=4)
    other = Other(said("Support"), said("Gone"))
    other.queues = ["Support", "Gone"]
    heard: list[str] = []
    here.listener = lambda queue: heard.append(queue.name)

    async def tell_of_a_new_one() -> None:
        other.again = said("New")
        await until(lambda: here.picture.queue("New"))
        other.queues = ["Support", "New"]

    async with other.there() as url, following(here, url):
        await until(lambda: here.picture.queue("Gone"))
        gone = here.picture.queue("Gone")
        assert gone is not None
        heard.clear()
        other.queues, other.meanwhile = ["Support"], tell_of_a_new_one
        await until(lambda: not here.picture.queue("Gone"))
        assert here.picture.names == ["Ours", "Support", "New"]
        assert gone.age(time.monotonic()) == float("inf")
        assert "Gone" in heard


@pytest.mark.parametrize(
    "again", [b": hello\n", BEAT, b"x", said("Support", tasks_age_secs=None, agents_age_secs=None)]
)
async def test_who_says_nothing_of_use_is_left_for_the_next_one(again: bytes, url: str, here: ContactCentre) -> None:
    async with Other(again=again).there() as useless, following(here, useless, url, silence=0.3) as source:
        await until(lambda: length(here) == 1)
        await until(lambda: source.followed == url)


async def test_that_is_said_in_words(here: ContactCentre) -> None:
    async with Other(again=BEAT).there() as url, following(here, url, silence=0.1) as source:
        await until(lambda: f"{url} can't be followed: it had no news of any queue for 0.1 s" in source.degraded)


async def test_who_has_no_news_any_more_is_left_for_the_next_one(url: str, here: ContactCentre) -> None:
    other = Other(said("Support", length=8), again=BEAT)
    async with other.there() as quiet, following(here, quiet, url, patience=0.3) as source:
        await until(lambda: length(here) == 8)
        await until(lambda: source.followed == url)
        assert length(here) == 1


async def test_one_alone_is_not_left_because_nothing_happens(here: ContactCentre) -> None:
    other = Other(said("Support", length=8), again=BEAT)
    async with other.there() as quiet, following(here, quiet, patience=0.1) as source:
        await until(lambda: length(here) == 8)
        beats = other.beats
        await until(lambda: other.beats > beats + 60 or other.asked > 1)  # one every 5 ms at most
        assert (source.followed, other.asked) == (quiet, 1)


async def test_a_thousand_events_at_once_hold_nobody_up(here: ContactCentre) -> None:
    many = 1_000
    other = Other(b"".join(said("Support", length=number) for number in range(many)))
    heard: list[int] = []
    here.listener = lambda queue: heard.append(queue.length)
    at_once, seen = 0, 0
    async with other.there() as url, following(here, url):
        async with asyncio.timeout(PATIENCE):
            while len(heard) < many:
                await asyncio.sleep(0)
                at_once, seen = max(at_once, len(heard) - seen), len(heard)
    assert at_once <= told.LINES


async def test_nothing_is_inflated(here: ContactCentre) -> None:
    other = Other(gzip.compress(said("Support") + bytes(2**20)), encoding="gzip")
    async with other.there() as url, following(here, url) as source:
        await until(lambda: "its answer is compressed" in source.degraded)
        assert length(here) == -1


async def test_a_queue_of_ours_stays_ours(here: ContactCentre) -> None:
    here.picture.set("Ours", time.monotonic(), length=4)
    other = Other(said("Ours", length=9, id="o-1"), said("Support", length=1))
    async with other.there() as url, following(here, url):
        await until(lambda: length(here) == 1)
        ours = here.picture.queue("Ours")
        assert ours is not None
        assert (ours.length, ours.source, here.picture.queue("o-1")) == (4, "static", None)
