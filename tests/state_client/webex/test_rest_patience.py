import asyncio
from email.utils import formatdate
from pathlib import Path

import pytest
from aiohttp import web

from state_client.webex.errors import Busy, NotAuthorised, Unreachable, WebexError
from state_client.webex.rest import MOST_WAITING, WebexApi
from tests.state_client.webex.rest_cloud import Asked, client, fault, reply

THING = "/v1/thing"


async def test_401_renews_the_token_once_and_asks_again(tmp_path: Path) -> None:
    async with client(tmp_path) as rest:
        rest.cloud.on(THING, reply({"a": 1}))
        await rest.api.call("thing", "GET", THING)
        rest.cloud.accepted = "changed by somebody"
        assert await rest.api.call("thing", "GET", THING) == {"a": 1}
        assert len(rest.cloud.token_requests) == 2
        assert [code for operation, code in rest.seen if operation == "thing"] == ["200", "401", "200"]


async def test_many_that_get_401_at_once_share_one_renewal(tmp_path: Path) -> None:
    async with client(tmp_path) as rest:
        rest.cloud.on(THING, reply({"a": 1}))
        await rest.api.call("thing", "GET", THING)
        rest.cloud.accepted = "changed by somebody"
        await asyncio.gather(*(rest.api.call(f"thing-{n}", "GET", THING) for n in range(10)))
        assert len(rest.cloud.token_requests) == 2


async def test_a_second_401_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    async with client(tmp_path) as rest:
        rest.cloud.on(THING, fault(401, "token of another organisation"))
        with pytest.raises(NotAuthorised, match=r"another organisation.*edge-router webex login"):
            await rest.api.call("thing", "GET", THING)
        assert len(rest.cloud.asked) == 2


async def test_429_waits_as_long_as_it_says_to_the_second_and_asks_again(tmp_path: Path) -> None:
    async with client(tmp_path) as rest:
        rest.cloud.on(THING, fault(429, "slow down", Retry_After="17"), reply({"a": 1}))
        assert await rest.api.call("thing", "GET", THING) == {"a": 1}
        assert rest.clock.slept == [17.0]


async def test_429_holds_every_operation(tmp_path: Path) -> None:
    async with client(tmp_path) as rest:
        rest.cloud.on(THING, fault(429, "slow down", Retry_After="200"))
        with pytest.raises(Busy) as caught:
            await rest.api.call("thing", "GET", THING)
        assert caught.value.retry_after == 200
        rest.cloud.on("/v1/other", reply({}))
        with pytest.raises(Busy, match="longer than 120 s"):
            await rest.api.call("other", "GET", "/v1/other", urgent=True)
        assert len(rest.cloud.asked) == 1
        rest.clock.now += 200
        await rest.api.call("other", "GET", "/v1/other")


async def test_429_without_end_is_given_up(tmp_path: Path) -> None:
    async with client(tmp_path) as rest:
        rest.cloud.on(THING, fault(429, "slow down", Retry_After="1"))
        with pytest.raises(Busy, match="429"):
            await rest.api.call("thing", "GET", THING)
        assert len(rest.cloud.asked) == 3


@pytest.mark.parametrize(("header", "pause"), [("", 60.0), ("soon", 60.0), ("-5", 60.0), ("date", 33.0)])
async def test_a_retry_after_that_is_a_date_or_none(tmp_path: Path, header: str, pause: float) -> None:
    async with client(tmp_path) as rest:
        value = formatdate(rest.clock.now + 33, usegmt=True) if header == "date" else header
        date = formatdate(rest.clock.now, usegmt=True)
        rest.cloud.on(THING, fault(429, "slow down", Retry_After=value, Date=date), reply({}))
        await rest.api.call("thing", "GET", THING)
        assert rest.clock.slept == [pause]


async def test_5xx_is_asked_again_after_a_pause_that_grows(tmp_path: Path) -> None:
    async with client(tmp_path) as rest:
        rest.cloud.on(THING, fault(503, "maintenance"), fault(500, "oh"), reply({"a": 1}))
        assert await rest.api.call("thing", "GET", THING) == {"a": 1}
        assert rest.clock.slept == [0.5, 1.0]


async def test_chance_shortens_the_pauses(tmp_path: Path) -> None:
    async with client(tmp_path) as rest:
        rest.cloud.on(THING, fault(503, "maintenance"))
        api = WebexApi(
            rest.cloud.address,
            "org",
            rest.keeper,
            rest.limiter,
            rest.http,
            clock=rest.clock,
            sleep=rest.clock.sleep,
            chance=lambda: 1.0,
        )
        with pytest.raises(Unreachable):
            await api.call("thing", "GET", THING)
        assert rest.clock.slept == [0.25, 0.5]


async def test_5xx_that_says_when_to_come_again_is_believed(tmp_path: Path) -> None:
    async with client(tmp_path) as rest:
        rest.cloud.on(THING, fault(503, "maintenance", Retry_After="21"), reply({"a": 1}))
        assert await rest.api.call("thing", "GET", THING) == {"a": 1}
        assert rest.clock.slept == [21.0]
        assert len(rest.cloud.asked) == 2


async def test_5xx_that_says_to_come_again_much_later_holds_its_operation_alone(tmp_path: Path) -> None:
    async with client(tmp_path) as rest:
        rest.cloud.on(THING, fault(503, "maintenance", Retry_After="300"), reply({"a": 1}))
        for passed in (0, 8, 150):
            rest.clock.now += passed
            with pytest.raises(Unreachable, match="503 maintenance"):
                await rest.api.call("thing", "GET", THING)
        assert (len(rest.cloud.asked), rest.clock.slept) == (1, [])
        rest.cloud.on("/v1/other", reply({}))
        await rest.api.call("other", "GET", "/v1/other")
        assert rest.clock.slept == []
        rest.clock.now += 42
        assert await rest.api.call("thing", "GET", THING) == {"a": 1}
        assert rest.clock.slept == [100.0], "what is left of the pause is waited for"


async def test_a_pause_is_kept_by_those_who_asked_for_their_turn_before_it(tmp_path: Path) -> None:
    async with client(tmp_path, per_minute=2) as rest:
        times: list[float] = []

        def first_not_well(asked: Asked) -> web.StreamResponse:
            times.append(rest.clock.now)
            return (fault(503, "maintenance", Retry_After="90") if len(times) == 1 else reply({"a": 1}))(asked)

        rest.cloud.on(THING, first_not_well)
        rest.limiter.delay(rest.clock.now)
        turn = asyncio.Event()

        async def wait(seconds: float) -> None:
            await turn.wait()
            await rest.clock.sleep(seconds)

        api = WebexApi(rest.cloud.address, "org", rest.keeper, rest.limiter, rest.http, clock=rest.clock, sleep=wait)
        waiting = asyncio.create_task(api.call("thing", "GET", THING))
        asking = asyncio.create_task(api.call("thing", "GET", THING, urgent=True))
        while not api._failures:  # noqa: ASYNC110 - what is waited for has no event of its own
            await asyncio.sleep(0.001)
        turn.set()
        await asyncio.gather(waiting, asking)
        assert times[1] >= times[0] + 90


async def test_a_date_to_come_again_is_of_the_clock_that_wrote_it(tmp_path: Path) -> None:
    async with client(tmp_path) as rest:
        there = rest.clock.now - 60  # our clock is a minute ahead
        dates = {"Retry_After": formatdate(there + 33, usegmt=True), "Date": formatdate(there, usegmt=True)}
        rest.cloud.on(THING, fault(429, "slow down", **dates), reply({}))
        await rest.api.call("thing", "GET", THING)
        assert rest.clock.slept == [33.0]


async def test_5xx_three_times_is_given_up_with_the_clouds_words(tmp_path: Path) -> None:
    async with client(tmp_path) as rest:
        rest.cloud.on(THING, fault(503, "maintenance"))
        with pytest.raises(Unreachable, match=r"thing: 503 maintenance; .*tracked-by-cloud"):
            await rest.api.call("thing", "GET", THING)
        assert len(rest.cloud.asked) == 3


async def test_what_would_be_made_twice_is_not_asked_again(tmp_path: Path) -> None:
    async with client(tmp_path) as rest:
        rest.cloud.on("/v2/subscriptions", fault(503, "maintenance"))
        with pytest.raises(Unreachable):
            await rest.api.call("subscribe", "POST", "/v2/subscriptions", json={})
        assert len(rest.cloud.asked) == 1
        rest.cloud.on("/search", fault(503, "maintenance"))
        with pytest.raises(Unreachable):
            await rest.api.call("search", "POST", "/search", json={})
        assert len(rest.cloud.asked_for("/search")) == 3


async def test_a_cloud_that_stays_silent_is_given_up(tmp_path: Path) -> None:
    never = asyncio.Event()

    async def silence(request: web.Request) -> web.StreamResponse:
        await never.wait()
        return web.Response()

    application = web.Application()
    application.router.add_get(THING, silence)
    runner = web.AppRunner(application, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with client(tmp_path) as rest:
        api = WebexApi(
            f"http://127.0.0.1:{runner.addresses[0][1]}",
            "org",
            rest.keeper,
            rest.limiter,
            rest.http,
            clock=rest.clock,
            observe=rest.observe,
            sleep=rest.clock.sleep,
            timeout=0.05,
        )
        with pytest.raises(Unreachable, match=r"thing: no answer within 0.05 s \(TrackingId edge-router_"):
            await api.call("thing", "GET", THING)
        assert [code for operation, code in rest.seen if operation == "thing"] == ["timeout"] * 3
    await runner.cleanup()


async def test_a_cloud_that_is_not_there_is_an_error_in_words(tmp_path: Path) -> None:
    async with client(tmp_path) as rest:
        api = WebexApi(
            "http://127.0.0.1:9",
            "org",
            rest.keeper,
            rest.limiter,
            rest.http,
            clock=rest.clock,
            observe=rest.observe,
            sleep=rest.clock.sleep,
        )
        with pytest.raises(Unreachable, match="Cannot connect") as caught:
            await api.call("thing", "GET", THING)
        assert caught.value.status == 0
        assert ("thing", "error") in rest.seen


async def test_an_operation_that_fails_again_and_again_is_left_alone(tmp_path: Path) -> None:
    async with client(tmp_path) as rest:
        rest.cloud.on(THING, fault(500, "oh"))
        rest.cloud.on("/v1/other", reply({}))
        for _ in range(2):
            with pytest.raises(Unreachable):
                await rest.api.call("thing", "GET", THING)
        assert len(rest.cloud.asked) == 5
        with pytest.raises(Unreachable, match=r"thing: 500 oh; .*\(TrackingId .*\); next try in \d+ s"):
            await rest.api.call("thing", "GET", THING)
        assert len(rest.cloud.asked) == 5
        await rest.api.call("other", "GET", "/v1/other")
        rest.cloud.on(THING, reply({"a": 1}))
        rest.clock.now += 30
        assert await rest.api.call("thing", "GET", THING) == {"a": 1}


async def test_a_request_at_fault_does_not_count_against_the_operation(tmp_path: Path) -> None:
    async with client(tmp_path) as rest:
        rest.cloud.on(THING, fault(404, "no such thing"))
        for _ in range(12):
            with pytest.raises(WebexError, match="404"):
                await rest.api.call("thing", "GET", THING)
        assert len(rest.cloud.asked) == 12


@pytest.mark.parametrize("status", [401, 408, 429])
async def test_what_says_that_the_cloud_is_not_well_counts_against_the_operation(tmp_path: Path, status: int) -> None:
    async with client(tmp_path) as rest:
        rest.cloud.on(THING, fault(status, "no", Retry_After="0"))
        for _ in range(5):
            with pytest.raises(WebexError):
                await rest.api.call("thing", "GET", THING)
        assert len(rest.cloud.asked) == 5


async def test_the_limit_of_the_client_id_is_kept(tmp_path: Path) -> None:
    async with client(tmp_path, per_minute=20) as rest:
        rest.cloud.on(THING, reply({}))
        for _ in range(18):
            await rest.api.call("thing", "GET", THING)
        assert rest.clock.slept == []
        await rest.api.call("thing", "GET", THING, urgent=True)
        assert rest.clock.slept == []
        await rest.api.call("thing", "GET", THING)
        assert rest.clock.slept == [60.0]


async def test_no_more_than_so_many_wait_for_the_limit(tmp_path: Path) -> None:
    async with client(tmp_path, per_minute=2) as rest:
        rest.cloud.on(THING, reply({}))
        await rest.api.call("thing", "GET", THING)
        everybody_waits, go_on = asyncio.Event(), asyncio.Event()
        waits = 0

        async def wait(seconds: float) -> None:
            nonlocal waits
            waits += 1
            if waits == MOST_WAITING:
                everybody_waits.set()
            await go_on.wait()
            rest.clock.now += seconds

        api = WebexApi(rest.cloud.address, "org", rest.keeper, rest.limiter, rest.http, clock=rest.clock, sleep=wait)
        waiting = [asyncio.create_task(api.call("thing", "GET", THING)) for _ in range(MOST_WAITING)]
        await everybody_waits.wait()
        with pytest.raises(Busy, match="100 requests wait already"):
            await api.call("thing", "GET", THING)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        go_on.set()
        assert await api.call("thing", "GET", THING) == {}
        assert waits == MOST_WAITING + 1


async def test_a_request_that_is_given_up_while_half_open_leaves_room_for_the_next(tmp_path: Path) -> None:
    async with client(tmp_path) as rest:
        rest.cloud.on(THING, fault(500, "oh"))
        for _ in range(2):
            with pytest.raises(Unreachable):
                await rest.api.call("thing", "GET", THING)
        rest.clock.now += 30
        rest.cloud.on(THING, reply({}))
        task = asyncio.create_task(rest.api.call("thing", "GET", THING))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await rest.api.call("thing", "GET", THING) == {}
