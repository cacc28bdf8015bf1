"""The webhook over a real server and client on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import logging
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial

import pytest
from aiohttp import ClientSession, web

from state_client.rows import TaskEvent
from state_client.webex import webhook as webhook_module
from state_client.webex.inbox import ACCEPTED, DUPLICATE, FAILED, FORGED, MALFORMED, OVERFLOW, STALE, EntityEvent, Inbox
from state_client.webex.secret import Secret
from state_client.webex.signature import SIGNATURE, TIMESTAMP
from state_client.webex.webhook import LARGEST_BODY, MOST_MISTRUSTED, PATH, SLICE, Webhook
from tests.state_client.webex.posts import SECRET, SUBSCRIPTION, body, signed, task_post

HOST = "127.0.0.1"
STRANGERS = logging.getLogger(f"{__name__}.strangers")
STRANGERS.setLevel(logging.CRITICAL)  # aiohttp would log what isn't packed as it says
NOW = 1_700_000_000.0
OLD_SECRET = Secret("the-secret-before-this-one-32-or-more")


class Site:
    """A webhook that listens, and what it did with what it got."""

    def __init__(self, inbox: Inbox) -> None:
        self.now = NOW
        self.secrets: dict[str, Sequence[Secret]] = {SUBSCRIPTION: [SECRET]}
        self.inbox = inbox
        self.webhook = Webhook(inbox, lambda name: self.secrets.get(name, ()), lambda: self.now)
        self.applied: list[EntityEvent] = []
        self.fail = False
        self.port = 0
        self.http: ClientSession
        self._changed = asyncio.Event()

    @property
    def ids(self) -> list[str]:
        return [event.id for event in self.applied]

    def has_applied(self, count: int) -> bool:
        return len(self.applied) == count

    def apply(self, event: EntityEvent, now: float) -> str:
        assert now == self.now
        self._changed.set()
        if self.fail:
            raise RuntimeError("a fault of ours")
        self.applied.append(event)
        return "applied"

    async def until(self, reached: Callable[[], bool]) -> None:
        while not reached():
            self._changed.clear()
            await asyncio.wait_for(self._changed.wait(), 5)

    async def post(self, raw: bytes, headers: dict[str, str] | None = None, method: str = "POST") -> int:
        url = f"http://{HOST}:{self.port}{PATH}"
        async with self.http.request(method, url, data=raw, headers=signed(raw) if headers is None else headers) as got:
            await got.read()
            return got.status


@contextlib.asynccontextmanager
async def site(inbox: Inbox, working: bool = True) -> AsyncIterator[Site]:
    it = Site(inbox)
    runner = web.AppRunner(it.webhook.application(), access_log=None, logger=STRANGERS)
    await runner.setup()
    await web.TCPSite(runner, HOST, 0).start()
    it.port = runner.addresses[0][1]
    work = asyncio.create_task(it.webhook.run(it.apply)) if working else None
    async with ClientSession() as it.http:
        yield it
    if work is not None:
        assert not work.done()
        work.cancel()
    await runner.cleanup()


@pytest.fixture
async def live() -> AsyncIterator[Site]:
    async with site(Inbox()) as it:
        yield it


# ------------------------------------------------------------------------------------------------ genuine events


async def test_a_signed_event_is_answered_and_applied(live: Site) -> None:
    assert await live.post(task_post("e-1", "t-1", NOW)) == 200
    await live.until(lambda: len(live.applied) == 1)
    event = live.applied[0]
    assert isinstance(event, TaskEvent)
    assert (event.id, event.task_id, event.queue_id, event.time) == ("e-1", "t-1", "q-1", NOW)
    assert live.inbox.counts == {("task:parked", ACCEPTED): 1, ("task:parked", "applied"): 1}
    assert live.webhook.last_event == NOW


async def test_events_are_applied_in_the_order_in_which_they_happened() -> None:
    async with site(Inbox(), working=False) as it:
        for number in (3, 1, 2):
            await it.post(task_post(f"e-{number}", "t-1", NOW + number))
        work = asyncio.create_task(it.webhook.run(it.apply))
        await it.until(lambda: len(it.applied) == 3)
        work.cancel()
        assert it.ids == ["e-1", "e-2", "e-3"]


async def test_held_events_are_applied_though_nothing_else_comes(live: Site) -> None:
    for number in (2, 1):  # both before `run` has its next turn, as in one read of a busy socket
        raw = task_post(f"e-{number}", "t-1", NOW + number)
        headers = signed(raw)
        assert live.webhook.receive(raw, headers[SIGNATURE], headers[TIMESTAMP]) == ACCEPTED
    await live.until(lambda: len(live.applied) == 2)  # nothing else would wake it
    assert live.ids == ["e-1", "e-2"]


async def test_an_event_does_not_wait_for_others_that_are_held() -> None:
    async with site(Inbox(hold=0.5)) as it:

        def receive(number: int, task: str) -> None:
            raw = task_post(f"e-{number}", task, NOW + number)
            headers = signed(raw)
            it.webhook.receive(raw, headers[SIGNATURE], headers[TIMESTAMP])

        receive(2, "t-1")
        receive(1, "t-1")
        for _ in range(3):
            await asyncio.sleep(0)  # turns in which these two are found waiting, and held
        receive(3, "t-2")
        await it.until(lambda: len(it.applied) == 3)
        assert it.ids == ["e-3", "e-1", "e-2"]


async def test_who_no_longer_runs_applies_nothing() -> None:
    async with site(Inbox(), working=False) as it:
        for number in (1, 2):
            work = asyncio.create_task(it.webhook.run(it.apply))
            await it.post(task_post(f"e-{number}", f"t-{number}", NOW))
            await it.until(partial(it.has_applied, number))
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            await it.post(task_post(f"later-{number}", f"later-{number}", NOW))
            assert len(it.inbox) == 1
            it.inbox.take(asyncio.get_running_loop().time(), SLICE)
        assert it.ids == ["e-1", "e-2"]


async def test_an_event_that_comes_twice_counts_once(live: Site) -> None:
    raw = task_post("e-1", "t-1", NOW)
    assert [await live.post(raw), await live.post(raw)] == [200, 200]
    await live.post(task_post("e-2", "t-2", NOW))
    await live.until(lambda: len(live.applied) == 2)
    assert live.ids == ["e-1", "e-2"]
    assert live.inbox.counts["task:parked", DUPLICATE] == 1


async def test_while_a_secret_is_replaced_both_are_good(live: Site) -> None:
    live.secrets[SUBSCRIPTION] = [SECRET, OLD_SECRET]
    for number, secret in enumerate([SECRET, OLD_SECRET]):
        raw = task_post(f"e-{number}", f"t-{number}", NOW)
        await live.post(raw, signed(raw, secret))
    await live.until(lambda: len(live.applied) == 2)


async def test_an_event_of_v1_has_no_time_of_sending(live: Site) -> None:
    raw = body("agent:state_change", {"agentId": "a", "currentState": "idle", "createdTime": 1_600_000_000_000})
    assert TIMESTAMP not in signed(raw)
    await live.post(raw)
    await live.until(lambda: len(live.applied) == 1)


# ------------------------------------------------------------------------------------------------ what is dropped


async def dropped(live: Site, raw: bytes, headers: dict[str, str] | None, event_type: str, result: str) -> None:
    """It was answered with 200 all the same, counted, and never applied."""
    assert await live.post(raw, headers) == 200
    assert live.inbox.counts == {(event_type, result): 1}
    assert len(live.inbox) == 0
    assert live.webhook.last_event == 0
    await live.post(task_post("next", "t-next", live.now))
    await live.until(lambda: bool(live.applied))
    assert live.ids == ["next"]


async def test_a_forged_event_is_dropped(live: Site) -> None:
    raw = task_post("e-1", "t-1", NOW)
    await dropped(live, raw, signed(raw, OLD_SECRET), "task:parked", FORGED)


async def test_an_event_without_a_signature_is_dropped(live: Site) -> None:
    await dropped(live, task_post("e-1", "t-1", NOW), {}, "task:parked", FORGED)


async def test_an_event_that_was_changed_on_its_way_is_dropped(live: Site) -> None:
    headers = signed(task_post("e-1", "t-1", NOW))
    await dropped(live, task_post("e-1", "t-2", NOW), headers, "task:parked", FORGED)


async def test_an_event_for_nobody_s_subscription_is_dropped(live: Site) -> None:
    raw = task_post("e-1", "t-1", NOW, source="/com/cisco/wxcc/another")
    await dropped(live, raw, signed(raw), "task:parked", FORGED)


async def test_a_header_of_another_time_is_dropped(live: Site) -> None:
    raw = task_post("e-1", "t-1", NOW)
    await dropped(live, raw, signed(raw) | {TIMESTAMP: str(round(NOW * 1000) + 1)}, "task:parked", FORGED)


@pytest.mark.parametrize("late", [301, -301])
async def test_an_event_from_another_time_is_dropped(live: Site, late: int) -> None:
    await dropped(live, task_post("e-1", "t-1", NOW - late), None, "task:parked", STALE)


@pytest.mark.parametrize("raw", [b"", b"{", b"\x00" * 100, b"[]"])
async def test_what_is_no_event_is_dropped(live: Site, raw: bytes) -> None:
    await dropped(live, raw, {}, "other", MALFORMED)


async def test_a_signed_event_that_lacks_its_data_is_dropped(live: Site) -> None:
    await dropped(live, body("task:parked", {}), None, "task:parked", MALFORMED)


async def test_a_full_inbox_answers_200_and_knows_the_gap() -> None:
    async with site(Inbox(size=1), working=False) as it:
        assert [await it.post(task_post(f"e-{n}", f"t-{n}", NOW)) for n in range(2)] == [200, 200]
        assert it.inbox.counts == {("task:parked", ACCEPTED): 1, ("task:parked", OVERFLOW): 1}
        assert it.inbox.gap


async def test_forgers_take_no_place_in_the_inbox() -> None:
    async with site(Inbox(size=1), working=False) as it:
        raw = task_post("e-1", "t-1", NOW)
        await it.post(raw, signed(raw, OLD_SECRET))
        await it.post(raw)
        assert it.inbox.counts == {("task:parked", FORGED): 1, ("task:parked", ACCEPTED): 1}
        assert not it.inbox.gap


async def test_subscriptions_that_forged_events_name_can_be_asked_for_once(live: Site) -> None:
    for number in range(MOST_MISTRUSTED + 5):
        raw = task_post("e", "t", NOW, source=f"/com/cisco/wxcc/{SUBSCRIPTION if number == 0 else number}")
        await live.post(raw, signed(raw, OLD_SECRET))
    named = live.webhook.mistrusted()
    assert SUBSCRIPTION in named
    assert len(named) == MOST_MISTRUSTED
    assert live.webhook.mistrusted() == set()


# ------------------------------------------------------------------------------------------------ requests


async def test_the_largest_body_is_taken_and_a_larger_one_is_not(live: Site) -> None:
    small = task_post("e-1", "t-1", NOW)
    padded = small[:-1] + b" " * (LARGEST_BODY - len(small)) + b"}"
    assert await live.post(padded) == 200
    assert live.inbox.counts["task:parked", ACCEPTED] == 1
    assert await live.post(padded + b" ", {}) == 413


async def test_a_body_that_will_be_too_large_is_refused_before_it_comes(live: Site) -> None:
    reader, writer = await asyncio.open_connection(HOST, live.port)
    writer.write(f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: {LARGEST_BODY + 1}\r\n\r\n".encode())
    assert b"413" in await asyncio.wait_for(reader.readline(), 2)
    writer.close()
    await writer.wait_closed()


async def test_a_body_that_grows_too_large_in_chunks_is_refused(live: Site) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(5):
            yield b" " * (LARGEST_BODY // 4)

    async with live.http.post(f"http://{HOST}:{live.port}{PATH}", data=chunks()) as got:
        assert got.status == 413
    assert live.inbox.counts == {("other", MALFORMED): 1}


async def test_a_small_body_that_unfolds_too_large_is_refused(live: Site) -> None:
    assert await live.post(gzip.compress(b" " * (LARGEST_BODY + 1)), {"Content-Encoding": "gzip"}) == 413


async def test_a_body_that_isn_t_packed_as_it_says_is_refused(live: Site) -> None:
    assert await live.post(b"no gzip", {"Content-Encoding": "gzip"}) == 400
    assert live.inbox.counts == {("other", MALFORMED): 1}


async def test_a_body_that_doesn_t_come_is_not_waited_for(live: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook_module, "READING", 0.05)
    reader, writer = await asyncio.open_connection(HOST, live.port)
    writer.write(f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf".encode())
    answer = await asyncio.wait_for(reader.readline(), 5)
    assert b"408" in answer
    writer.close()
    await writer.wait_closed()
    assert live.inbox.counts == {("other", MALFORMED): 1}


async def test_who_hangs_up_in_the_middle_harms_nobody(live: Site, caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_connection((HOST, live.port)) as caller:
        caller.sendall(f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf".encode())
        await asyncio.sleep(0.02)
    await live.post(task_post("e-1", "t-1", NOW))
    await live.until(lambda: live.ids == ["e-1"])
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_nothing_else_is_served(live: Site) -> None:
    assert await live.post(b"", {}, method="GET") == 405
    for path in ("/", "/metrics", "/v1/queues", f"{PATH}/x"):
        async with live.http.get(f"http://{HOST}:{live.port}{path}") as got:
            assert got.status == 404


# ------------------------------------------------------------------------------------------------ work


async def test_others_have_their_turn_between_slices() -> None:
    async with site(Inbox(), working=False) as it:
        most = 0
        since = 0

        def apply(event: EntityEvent, now: float) -> str:
            nonlocal most, since
            since += 1
            most = max(most, since)
            return it.apply(event, now)

        for number in range(SLICE * 3):  # half of them of one interaction: they come out of the inbox together
            raw = task_post(f"e-{number}", "t" if number % 2 else f"t-{number}", NOW)
            headers = signed(raw)
            it.webhook.receive(raw, headers[SIGNATURE], headers[TIMESTAMP])
        work = asyncio.create_task(it.webhook.run(apply))
        async with asyncio.timeout(5):
            while len(it.applied) < SLICE * 3:
                since = 0
                await asyncio.sleep(0)
        work.cancel()
        assert most <= SLICE


async def test_a_fault_of_ours_costs_one_event_and_leaves_a_gap(live: Site, caplog: pytest.LogCaptureFixture) -> None:
    live.fail = True
    await live.post(task_post("e-1", "t-1", NOW))
    await live.post(task_post("e-2", "t-2", NOW))
    await live.until(lambda: live.inbox.counts["task:parked", FAILED] == 2)
    assert live.inbox.gap
    assert len([record for record in caplog.records if record.levelno == logging.ERROR]) == 1
    live.fail = False
    await live.post(task_post("e-3", "t-3", NOW))
    await live.until(lambda: live.ids == ["e-3"])


async def test_forgers_can_t_fill_the_log(live: Site, caplog: pytest.LogCaptureFixture) -> None:
    raw = task_post("e", "t", NOW, source="/com/cisco/wxcc/evil\nforged line")
    for _ in range(5):
        await live.post(raw, {})
    live.now += 61
    await live.post(raw, {})
    assert len(caplog.records) == 2
    assert all("\n" not in record.getMessage() for record in caplog.records)
    assert SECRET.reveal() not in caplog.text
