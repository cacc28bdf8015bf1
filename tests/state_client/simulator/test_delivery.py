"""Webhooks: who gets what, signed how, and what becomes of it when the receiver or the way is bad."""

import asyncio
import hashlib
import hmac
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import orjson
import pytest
from aiohttp import web

from state_client.simulator import delivery as delivery_room
from state_client.simulator.server import Simulator
from tests.state_client.simulator.kit import QUIET, SECRET, Visitor, running, until

TASKS = ["task:new", "task:parked", "task:connect", "task:connected", "task:ended"]
VIEWS = ["agent:channel_state_change", "agent:channelType_state_change"]
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Receiver:
    """A web server that keeps what is posted to it."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.answer: Answer = self._ok
        self.url = ""

    @staticmethod
    async def _ok(request: web.Request) -> web.StreamResponse:
        return web.Response(status=200)

    async def _receive(self, request: web.Request) -> web.StreamResponse:
        self.got.append((dict(request.headers), await request.read()))
        return await self.answer(request)

    async def start(self) -> web.AppRunner:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._receive)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
        return runner

    @property
    def events(self) -> list[Any]:
        return [orjson.loads(body) for _, body in self.got]

    @property
    def types(self) -> list[str]:
        return [event["type"] for event in self.events]


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    made = Receiver()
    runner = await made.start()
    yield made
    await runner.cleanup()


async def subscribe(visitor: Visitor, receiver: Receiver, version: str = "task:1.0.0", **changes: Any) -> str:
    types = {"task": TASKS, "agent": ["agent:login", *VIEWS]}[version.split(":")[0]]
    wanted = {
        "name": "edge-1-test",
        "eventTypes": types,
        "destinationUrl": receiver.url,
        "secret": SECRET,
        "resourceVersion": version,
        **changes,
    }
    path = "/v2/subscriptions" if wanted["resourceVersion"] else "/v1/subscriptions"
    answer = await visitor.ask("POST", path, {name: value for name, value in wanted.items() if value})
    assert answer.status == 201, answer.json
    return str(answer.json["data"]["id"])


def sorted_types(receiver: Receiver) -> list[str]:
    """In the order in which things happened, whatever order they came in."""
    return [event["type"] for event in sorted(receiver.events, key=lambda event: event["data"]["createdTime"])]


async def test_an_event_is_signed_and_says_whose_it_is(visitor: Visitor, receiver: Receiver) -> None:
    subscription = await subscribe(visitor, receiver)
    await visitor.control("agents", state="idle")
    (task,) = (await visitor.control("calls", queue="Support", calling="+15550001111"))["tasks"]
    await until(lambda: len(receiver.got) == 2)
    assert sorted_types(receiver) == ["task:new", "task:parked"]
    for headers, body in receiver.got:
        event = orjson.loads(body)
        assert headers["X-WebexCC-Signature"] == hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        assert headers["X-WebExCC-Timestamp"] == event["comciscotimestamp"]
        assert abs(int(headers["X-WebExCC-Timestamp"]) / 1000 - time.time()) < 60
        assert headers["X-WebexCC-Webhook-Version"] == "task:1.0.0"
        assert headers["Content-Type"] == "application/json"
        assert event["source"] == f"/com/cisco/wxcc/{subscription}"
        assert event["comciscoorgid"] == visitor.cloud.org_id
        assert (event["data"]["taskId"], event["data"]["origin"]) == (task, "+15550001111")


async def test_each_gets_what_it_subscribed_to(visitor: Visitor, receiver: Receiver) -> None:
    await subscribe(visitor, receiver, eventTypes=["task:parked"])
    await subscribe(visitor, receiver, eventTypes=["task:connected"])
    await visitor.control("calls", queue="Support")
    await until(lambda: "task:connected" in receiver.types)
    assert sorted(receiver.types) == ["task:connected", "task:parked"]
    assert len({event["source"] for event in receiver.events}) == 2


async def test_version_1_of_an_agent_has_neither_channel_nor_second_view(visitor: Visitor, receiver: Receiver) -> None:
    await subscribe(visitor, receiver, "agent:1.0.0", eventTypes=["agent:state_change"])
    await visitor.control("agents", state="idle", count=1)
    await until(lambda: receiver.got)
    (event,) = receiver.events
    assert event["type"] == "agent:state_change"
    assert event["data"]["currentState"] == "idle"
    assert not {"channelType", "channelId"} & set(event["data"])


async def test_what_the_old_interface_subscribed_has_no_timestamp(visitor: Visitor, receiver: Receiver) -> None:
    await subscribe(visitor, receiver, resourceVersion="", eventTypes=["agent:state_change"])
    await visitor.control("agents", state="idle", count=1)
    await until(lambda: receiver.got)
    headers, body = receiver.got[0]
    assert "X-WebexCC-Signature" in headers
    assert not {"X-WebExCC-Timestamp", "X-WebexCC-Webhook-Version"} & set(headers)
    assert "comciscotimestamp" not in orjson.loads(body)


async def test_without_a_secret_nothing_is_signed(visitor: Visitor, receiver: Receiver) -> None:
    await subscribe(visitor, receiver, secret="")
    await visitor.control("calls", queue="Support")
    await until(lambda: receiver.got)
    assert "X-WebexCC-Signature" not in receiver.got[0][0]


async def test_a_changed_secret_and_url_are_used_from_then_on(visitor: Visitor, receiver: Receiver) -> None:
    subscription = await subscribe(visitor, receiver, destinationUrl="http://127.0.0.1:9/nobody")
    change = {"resourceVersion": "task:1.0.0", "destinationUrl": receiver.url + "/new", "secret": "t" * 40}
    assert (await visitor.ask("PATCH", f"/v2/subscriptions/{subscription}", change)).status == 200
    await visitor.control("calls", queue="Support")
    await until(lambda: receiver.got)
    headers, body = receiver.got[0]
    assert headers["X-WebexCC-Signature"] == hmac.new(b"t" * 40, body, hashlib.sha256).hexdigest()


async def test_nothing_comes_to_what_is_inactive_or_deleted(visitor: Visitor, receiver: Receiver) -> None:
    first, second = [await subscribe(visitor, receiver) for _ in range(2)]
    await visitor.control("faults", inactive=[first])
    await visitor.ask("DELETE", f"/v2/subscriptions/{second}")
    await visitor.control("calls", queue="Support")
    third = await subscribe(visitor, receiver)
    await visitor.control("calls", queue="Sales")
    await until(lambda: "task:connected" in receiver.types)
    assert {event["source"].rpartition("/")[2] for event in receiver.events} == {third}
    change = {"resourceVersion": "task:1.0.0", "status": "active"}
    assert (await visitor.ask("PATCH", f"/v2/subscriptions/{first}", change)).status == 200
    await visitor.control("calls", "DELETE")
    await until(lambda: any(event["source"].endswith(first) for event in receiver.events))


@pytest.mark.parametrize("status", [500, 404, 302])
async def test_who_fails_too_often_in_a_row_is_made_inactive(receiver: Receiver, status: int) -> None:
    async def fail(request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, headers={"Location": "/elsewhere"})

    receiver.answer = fail
    async with running(Simulator(QUIET, disable_after=5)) as visitor:
        await subscribe(visitor, receiver)
        await visitor.control("agents", state="logged-out")
        await visitor.control("calls", queue="Support", count=4)
        await until(lambda: visitor.cloud.registry.all[0].status == "inactive")
        assert visitor.cloud.delivery.counts["delivered"] == 0
        assert visitor.cloud.delivery.counts["failed"] >= 5
        await until(lambda: visitor.cloud.delivery.waiting == 0)
        assert len(receiver.got) <= 8  # nothing was sent twice, and no redirect was followed
        again = {"resourceVersion": "task:1.0.0", "status": "active"}
        await visitor.ask("PATCH", f"/v2/subscriptions/{visitor.cloud.registry.all[0].id}", again)
        failed = visitor.cloud.delivery.counts["failed"]
        await visitor.control("calls", queue="Support")
        await until(lambda: visitor.cloud.delivery.counts["failed"] == failed + 2)
        assert visitor.cloud.registry.all[0].status == "active"  # it has as much patience as with a new one


async def test_one_good_answer_makes_up_for_the_bad_ones(visitor: Visitor, receiver: Receiver) -> None:
    statuses = iter([500, 500, 200, 500])

    async def some(request: web.Request) -> web.StreamResponse:
        return web.Response(status=next(statuses, 200))

    receiver.answer = some
    visitor.cloud.delivery.disable_after = 3
    await subscribe(visitor, receiver)
    for queue in ("Support", "Sales"):
        await visitor.control("calls", queue=queue)
        await until(lambda: visitor.cloud.delivery.counts.total() >= 4)
    assert visitor.cloud.registry.all[0].status == "active"


async def test_silence_is_a_failure_after_the_timeout(
    visitor: Visitor, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(60)
        return web.Response()

    assert delivery_room.TIMEOUT == 5.0
    monkeypatch.setattr(delivery_room, "TIMEOUT", 0.05)
    receiver.answer = nothing
    await subscribe(visitor, receiver)
    await visitor.control("calls", queue="Support")
    await until(lambda: visitor.cloud.delivery.counts["failed"] >= 2)


async def test_nobody_listens_at_first(visitor: Visitor, receiver: Receiver) -> None:
    await subscribe(visitor, receiver, destinationUrl="http://127.0.0.1:9/nobody")
    await visitor.control("agents", state="idle")
    await visitor.control("calls", queue="Support")
    await until(lambda: visitor.cloud.delivery.counts["failed"] == 2)


@pytest.mark.parametrize(
    "answer",
    [
        web.Response(status=204),
        web.Response(status=202, text="thanks", headers={"Connection": "close"}),
        web.Response(status=200, body=b"x" * 60_000),
    ],
)
async def test_any_2xx_is_success(visitor: Visitor, receiver: Receiver, answer: web.Response) -> None:
    peers: set[Any] = set()

    async def any_2xx(request: web.Request) -> web.StreamResponse:
        assert request.transport
        peers.add(request.transport.get_extra_info("peername"))
        return web.Response(status=answer.status, body=answer.body, headers=answer.headers)

    receiver.answer = any_2xx
    await subscribe(visitor, receiver)
    await visitor.control("agents", state="logged-out")
    await visitor.control("calls", queue="Support", count=20)
    await until(lambda: visitor.cloud.delivery.counts["delivered"] == 40)
    assert visitor.cloud.delivery.counts["failed"] == 0
    assert len(peers) == 40 if "Connection" in answer.headers else len(peers) <= delivery_room.CONNECTIONS


async def test_a_connection_that_is_said_to_close_is_not_used_again(visitor: Visitor, receiver: Receiver) -> None:
    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answers the first request, and leaves the connection open in silence."""
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
        await reader.read()
        writer.close()

    server = await asyncio.start_server(once, "127.0.0.1", 0)
    async with server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        await subscribe(visitor, receiver, destinationUrl=url)
        await visitor.control("agents", state="logged-out")
        await visitor.control("calls", queue="Support", count=20)
        await until(lambda: visitor.cloud.delivery.counts["delivered"] == 40, seconds=4)


async def test_an_answer_in_pieces_without_a_length_is_success_too(visitor: Visitor, receiver: Receiver) -> None:
    async def in_pieces(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"piece")
        await response.write(b"piece")
        return response

    receiver.answer = in_pieces
    await subscribe(visitor, receiver)
    await visitor.control("agents", state="logged-out")
    await visitor.control("calls", queue="Support", count=20)
    await until(lambda: visitor.cloud.delivery.counts["delivered"] == 40)


async def test_faults_on_the_way(visitor: Visitor, receiver: Receiver) -> None:
    await subscribe(visitor, receiver)
    await visitor.control("agents", state="logged-out")
    await visitor.control("faults", lost=1.0)
    await visitor.control("calls", queue="Support")
    await visitor.control("faults", lost=0.0, doubled=1.0)
    await visitor.control("calls", queue="Support")
    await until(lambda: len(receiver.got) == 4)
    assert len({event["id"] for event in receiver.events}) == 2
    assert visitor.cloud.delivery.counts["lost"] == 2
    await visitor.control("faults", doubled=0.0, late=1.0, late_secs=0.3)
    await visitor.control("calls", queue="Support")
    assert len(receiver.got) == 4
    await until(lambda: len(receiver.got) == 6)
    last = receiver.events[-1]
    assert int(last["comciscotimestamp"]) - last["data"]["createdTime"] >= 290


async def test_a_wrong_secret(visitor: Visitor, receiver: Receiver) -> None:
    await subscribe(visitor, receiver)
    await visitor.control("faults", wrong_secret=1.0)
    await visitor.control("calls", queue="Support")
    await until(lambda: receiver.got)
    headers, body = receiver.got[0]
    assert len(headers["X-WebexCC-Signature"]) == 64
    assert headers["X-WebexCC-Signature"] != hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
