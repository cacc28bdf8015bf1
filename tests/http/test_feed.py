import asyncio
import socket
import time
from collections.abc import AsyncIterator

import aiohttp
import orjson
import pytest
from aiohttp import web

from edge_router.http import feed as feed_module
from edge_router.http.access import Access
from edge_router.http.bounded import MOST_CONNECTIONS
from edge_router.http.decision_feed import DecisionFeed
from edge_router.http.server import MOST_STREAMS, HttpServer, Readiness
from edge_router.http.state_api import EVENTS, StateApi
from edge_router.telemetry.call_log import CallLine
from tests.http.api import centre, parked, refuses, served
from tests.telemetry.records import record, to_cloud


@pytest.fixture
def api() -> StateApi:
    return StateApi(centre(), 60.0, refuses)


@pytest.fixture
async def client(api: StateApi) -> AsyncIterator[aiohttp.ClientSession]:
    connector = aiohttp.TCPConnector(limit=0)
    async with served(api) as url, aiohttp.ClientSession(url, connector=connector) as session:
        yield session


async def events(answer: aiohttp.ClientResponse) -> AsyncIterator[tuple[str, dict[str, object]]]:
    """All but those of tasks, which have tests of their own."""
    name = ""
    async for line in answer.content:
        if line.startswith(b"event: "):
            name = line[7:].strip().decode()
        elif line.startswith(b"data: ") and not name.startswith("task"):
            yield name, orjson.loads(line[6:])


async def test_who_listens_hears_first_how_things_are_and_then_what_changes(
    client: aiohttp.ClientSession, api: StateApi
) -> None:
    async with client.get("/v1/events") as answer:
        assert answer.content_type == "text/event-stream"
        heard = events(answer)
        first = [await anext(heard), await anext(heard)]
        assert [(name, data["name"]) for name, data in first] == [("queue", "Support"), ("queue", "Pushed")]
        api.feed.publish("decision", {"rule": "r"})
        assert await anext(heard) == ("decision", {"rule": "r"})


async def test_a_decision_is_told_with_its_reason_in_the_words_of_the_log(
    client: aiohttp.ClientSession, api: StateApi
) -> None:
    made = record(decision=to_cloud(), service="Gold cards")
    DecisionFeed(api.feed).decided(made, 0.0)  # nobody listens yet
    async with client.get("/v1/events") as answer:
        heard = events(answer)
        await anext(heard), await anext(heard)
        DecisionFeed(api.feed).decided(made, 0.0)
        name, data = await anext(heard)
    assert (name, data["reason"]) == ("decision", CallLine(made).fields()["reason"])
    assert (data["service"], data["values"]) == ("Gold cards", {'queue("Support").expected': 0})
    assert (data["call_id"], data["rule"]) == ("ours-1", "cloud while its queue is empty")


async def test_a_stream_without_a_body_is_none(client: aiohttp.ClientSession, api: StateApi) -> None:
    async with client.head("/v1/events") as answer:
        assert (answer.status, answer.headers["Allow"]) == (405, "GET")
    async with client.get("/v1/queues") as answer:  # on the same connection, where no event has come in between
        assert answer.status == 200
    assert len(api.feed) == 0


async def test_a_queue_that_changes_often_is_told_once(client: aiohttp.ClientSession, api: StateApi) -> None:
    async with client.get("/v1/events") as answer:
        heard = events(answer)
        assert [(await anext(heard))[0] for _ in range(2)] == ["queue", "queue"]
        for number in range(5):
            api.centre.apply(parked(f"new {number}"), time.time())
        name, data = await anext(heard)
        assert (name, data["name"], data["length"]) == ("queue", "Support", 6)
        api.feed.publish("decision", {})
        assert (await anext(heard))[0] == "decision"


async def test_what_happens_while_the_beginning_is_told_is_not_lost(
    client: aiohttp.ClientSession, api: StateApi
) -> None:
    beginning = api.feed._beginning

    def told() -> list[bytes]:
        api.feed.publish("decision", {"rule": "meanwhile"})
        return list(beginning())

    api.feed._beginning = told
    async with client.get("/v1/events") as answer:
        heard = events(answer)
        names = [(await anext(heard))[0] for _ in range(3)]
        assert names == ["queue", "queue", "decision"]


async def test_the_line_is_known_to_be_alive(
    client: aiohttp.ClientSession, api: StateApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_module, "BEAT", 0.01)
    async with client.get("/v1/events") as answer:
        heard = events(answer)
        assert [(await anext(heard))[0] for _ in range(4)] == ["queue", "queue", "beat", "beat"]


async def test_who_is_too_slow_is_cut_off(
    client: aiohttp.ClientSession, api: StateApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_module, "MOST_WAITING", 3)
    async with client.get("/v1/events") as answer:
        heard = events(answer)
        await anext(heard)
        await anext(heard)
        for number in range(5):
            api.feed.publish("decision", {"number": number})
        assert len([name async for name, _ in heard if name == "decision"]) < 5
    assert len(api.feed) == 0


async def test_nobody_is_kept_who_has_gone(client: aiohttp.ClientSession, api: StateApi) -> None:
    async with client.get("/v1/events") as answer:
        await anext(events(answer))
        assert len(api.feed) == 1
    while len(api.feed):
        api.feed.publish("decision", {"text": "x" * 100_000})
        await asyncio.sleep(0.001)


async def test_streams_are_few_and_make_no_room_for_strangers(client: aiohttp.ClientSession, api: StateApi) -> None:
    streams = [await client.get("/v1/events") for _ in range(MOST_STREAMS)]
    async with client.get("/v1/events") as one_too_many:
        assert one_too_many.status == 503
        assert await one_too_many.json() == {"ok": False, "error": f"{MOST_STREAMS} listen already"}
    port = client._base_url.port if client._base_url else 0
    strangers = [await asyncio.open_connection("127.0.0.1", port) for _ in range(MOST_CONNECTIONS)]
    api.feed.publish("decision", {"rule": "r"})
    for answer in streams:
        heard = events(answer)
        assert [(await anext(heard))[0] for _ in range(3)] == ["queue", "queue", "decision"]
        answer.close()
    for _, writer in strangers:
        writer.close()


async def test_who_does_not_read_loses_his_place(api: StateApi, monkeypatch: pytest.MonkeyPatch) -> None:
    """There are few, and what is written to him waits for him without an end."""
    monkeypatch.setattr(feed_module, "PATIENCE", 0.05)
    async with served(api) as url:
        with socket.socket() as line:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            line.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(line, ("127.0.0.1", int(url.rpartition(":")[2])))
            await loop.sock_sendall(line, b"GET /v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            async with asyncio.timeout(10):
                while not len(api.feed):  # noqa: ASYNC110
                    await asyncio.sleep(0.001)
                while len(api.feed):
                    api.feed.publish("decision", {"text": "x" * 100_000})
                    await asyncio.sleep(0.001)
                    assert not any(each.cut_off for each in api.feed._listeners)


async def test_who_goes_at_once_is_no_fault_of_ours(api: StateApi, caplog: pytest.LogCaptureFixture) -> None:
    async def hang_up_first(request: web.Request) -> web.StreamResponse:
        if request.transport is not None:
            request.transport.abort()
        while request.transport is not None:  # noqa: ASYNC110
            await asyncio.sleep(0)
        return await api.feed.stream(request)

    server = HttpServer(
        lambda: Readiness("ready"),
        lambda: (),
        Access([]),
        [web.get(EVENTS, hang_up_first, allow_head=False)],
        endless={EVENTS},
    )
    await server.start("127.0.0.1", 0)
    async with aiohttp.ClientSession(f"http://127.0.0.1:{server.port}") as session:
        with pytest.raises(aiohttp.ClientError):
            await session.get(EVENTS)
    await server.close()
    assert (server.errors, len(api.feed), caplog.text) == (0, 0, "")
