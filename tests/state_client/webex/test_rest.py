import asyncio
import gzip
import logging
import traceback
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from state_client.webex import rest as rest_module
from state_client.webex.errors import Busy, NotAuthorised, Refused, Unreachable, WebexError
from state_client.webex.limiter import Limiter
from state_client.webex.rest import MOST_WAITING, WebexApi
from tests.state_client.webex.rest_cloud import CLIENT_SECRET, REFRESH, Asked, client, fault, reply

THING = "/v1/thing"


async def test_an_answer_is_its_json_and_the_request_carries_what_the_cloud_wants(tmp_path: Path) -> None:
    async with client(tmp_path) as rest:
        rest.cloud.on(THING, reply({"a": 1}))
        answer = await rest.api.call("thing", "PATCH", THING, params={"q": "a&b c"}, json={"x": "ü"})
        assert answer == {"a": 1}
        (asked,) = rest.cloud.asked
        assert (asked.method, asked.query, asked.json) == ("PATCH", {"q": "a&b c"}, {"x": "ü"})
        assert asked.headers["Content-Type"] == "application/json"
        assert asked.headers["TrackingId"].startswith("edge-router_")
        assert len(asked.headers["TrackingId"]) == len("edge-router_") + 36
        assert rest.seen == [("token", "200"), ("thing", "200")]


async def test_each_request_has_a_tracking_id_of_its_own(tmp_path: Path) -> None:
    async with client(tmp_path) as rest:
        rest.cloud.on(THING, reply({}))
        for _ in range(3):
            await rest.api.call("thing", "GET", THING)
        assert len({asked.headers["TrackingId"] for asked in rest.cloud.asked}) == 3


async def test_no_content_is_none(tmp_path: Path) -> None:
    async with client(tmp_path) as rest:
        rest.cloud.on(THING, reply(None, 204))
        assert await rest.api.call("thing", "GET", THING) is None


async def test_a_compressed_answer_is_read(tmp_path: Path) -> None:
    def compressed(asked: Asked) -> web.Response:
        assert asked.headers["Accept-Encoding"] == "gzip"
        body = gzip.compress(b'{"rows": [' + b"1," * 100_000 + b"1]}")
        return web.Response(body=body, headers={"Content-Encoding": "gzip"}, content_type="application/json")

    async with client(tmp_path) as rest:
        rest.cloud.on(THING, compressed)
        assert len((await rest.api.call("thing", "GET", THING))["rows"]) == 100_001


async def test_an_answer_that_is_too_large_also_after_decompression_is_given_up(tmp_path: Path) -> None:
    def bomb(_: Asked) -> web.Response:
        body = gzip.compress(b" " * (rest_module.LARGEST_ANSWER + 1))
        assert len(body) < 100_000
        return web.Response(body=body, headers={"Content-Encoding": "gzip"}, content_type="application/json")

    async with client(tmp_path) as rest:
        rest.cloud.on(THING, bomb)
        with pytest.raises(WebexError, match="larger than 33554432 octets"):
            await rest.api.call("thing", "GET", THING)
        assert len(rest.cloud.asked) == 1


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"trackingId": "t-1", "error": {"key": 400, "message": [{"description": "bad name"}]}}, "bad name"),
        (
            {"trackingId": "t-1", "error": {"key": "400", "reason": "no", "message": [{"description": "bad name"}]}},
            "no; bad name",
        ),
        ({"trackingId": "t-1", "message": "bad name", "errors": [{"description": "in detail"}]}, "bad name; in detail"),
        ({"trackingId": "t-1", "error": "bad_name"}, "bad_name"),
        ({"trackingId": "t-1", "error": {"reason": "bad", "message": [{"description": "bad"}]}}, "bad"),
        ({"trackingId": "t-1"}, "Bad Request"),
        ({"trackingId": "t-1", "error": {"message": "bad\r\nname", "reason": 7}}, "bad name"),
    ],
)
async def test_an_error_says_the_clouds_words_and_its_tracking_id(tmp_path: Path, body: Any, words: str) -> None:
    async with client(tmp_path) as rest:
        rest.cloud.on(THING, reply(body, 400))
        with pytest.raises(WebexError) as caught:
            await rest.api.call("thing", "GET", THING)
        error = caught.value
        assert (type(error), error.operation, error.status) == (WebexError, "thing", 400)
        assert (error.reason, error.tracking_id) == (words, "t-1")
        assert str(error) == f"Webex thing: 400 {words} (TrackingId t-1)"
        assert len(rest.cloud.asked) == 1


async def test_an_error_without_a_body_has_the_tracking_id_that_we_sent(tmp_path: Path) -> None:
    async with client(tmp_path) as rest:
        rest.cloud.on(THING, reply(None, 418))
        with pytest.raises(WebexError) as caught:
            await rest.api.call("thing", "GET", THING)
        assert caught.value.tracking_id == rest.cloud.asked[0].headers["TrackingId"]


async def test_403_says_which_scope_and_role(tmp_path: Path) -> None:
    async with client(tmp_path) as rest:
        rest.cloud.on(THING, fault(403, "forbidden"))
        with pytest.raises(Refused, match=r"403 forbidden.*cjp:config_read.*cjp:config_write.*administrator"):
            await rest.api.call("thing", "GET", THING)
        assert len(rest.cloud.asked) == 1


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
        rest.cloud.on(THING, fault(429, "slow down", Retry_After=value), reply({}))
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
        rest.cloud.on(THING, fault(503, "maintenance", Retry_After="7200"))
        with pytest.raises(Unreachable, match="maintenance"):
            await rest.api.call("thing", "GET", THING)
        assert rest.clock.slept == [21.0]


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
        with pytest.raises(Unreachable, match=r"not asked, .* next try in \d+ s"):
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


async def test_a_redirect_is_not_followed(tmp_path: Path) -> None:
    async with client(tmp_path) as rest:
        rest.cloud.on(THING, reply(None, 302, Location=f"{rest.cloud.address}/v1/other"))
        rest.cloud.on("/v1/other", reply({}))
        with pytest.raises(WebexError, match="302 the answer is a redirect"):
            await rest.api.call("thing", "GET", THING)
        assert rest.cloud.asked_for("/v1/other") == []


async def test_an_answer_that_is_not_json_is_an_error(tmp_path: Path) -> None:
    async with client(tmp_path) as rest:
        rest.cloud.on(THING, lambda _: web.Response(text="<html>sign in</html>"))
        with pytest.raises(WebexError, match="200 the answer is not JSON"):
            await rest.api.call("thing", "GET", THING)


async def test_an_answer_may_be_none_in_spite_of_its_status(tmp_path: Path) -> None:
    async with client(tmp_path) as rest:
        rest.cloud.on(THING, reply({"wrong": True}))
        with pytest.raises(WebexError, match=r"200 so wrong \(TrackingId edge-router_"):
            await rest.api.call("thing", "GET", THING, fault=lambda answer: "so wrong" if answer["wrong"] else "")


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


def numbered(rows: list[dict[str, int]], size: int, envelope: bool) -> Any:
    def page(asked: Asked) -> web.StreamResponse:
        number = int(asked.query["page"])
        some = rows[number * size : (number + 1) * size]
        meta = {"page": number, "pageSize": size, "totalPages": -(-len(rows) // size), "totalRecords": len(rows)}
        return reply({"meta": meta, "data": some} if envelope else some)(asked)

    return page


@pytest.mark.parametrize("envelope", [True, False])
@pytest.mark.parametrize("count", [0, 1, 100, 101, 250])
async def test_every_page_of_a_list_is_asked_for(tmp_path: Path, envelope: bool, count: int) -> None:
    async with client(tmp_path) as rest:
        rows = [{"id": n} for n in range(count)]
        rest.cloud.on(THING, numbered(rows, 100, envelope))
        found = [row async for page in rest.api.pages("things", THING, params={"a": "b"}) for row in page]
        assert found == rows
        assert all(asked.query["a"] == "b" and asked.query["pageSize"] == "100" for asked in rest.cloud.asked)
        assert len(rest.cloud.asked) <= count // 100 + 1


async def test_pages_that_the_cloud_makes_smaller_than_asked_are_all_read(tmp_path: Path) -> None:
    async with client(tmp_path) as rest:
        rows = [{"id": n} for n in range(130)]
        rest.cloud.on(THING, numbered(rows, 50, envelope=True))
        assert [row async for page in rest.api.pages("things", THING) for row in page] == rows


async def test_a_list_without_pages_is_read_once(tmp_path: Path) -> None:
    async with client(tmp_path) as rest:
        rows = [{"id": n} for n in range(150)]
        rest.cloud.on(THING, reply(rows))
        assert [row async for page in rest.api.pages("things", THING) for row in page] == rows


@pytest.mark.parametrize("content", [{"data": None}, {"message": "hello"}, "text", None])
async def test_what_is_no_list_is_an_error_and_not_an_empty_list(tmp_path: Path, content: Any) -> None:
    async with client(tmp_path) as rest:
        rest.cloud.on(THING, reply(content) if content is not None else reply(None, 204))
        with pytest.raises(WebexError, match="the answer is no list"):
            [page async for page in rest.api.pages("things", THING)]


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("http://api.example.com", "has to begin with https"),
        ("http://localhost.example.com", "has to begin with https"),
        ("https://user:pw@api.example.com", "no user"),
        ("https://api.example.com?key=pw", "no user, password, query"),
        ("ftp://api.example.com", "no http or https address"),
        ("api.example.com", "no http or https address"),
    ],
)
async def test_a_token_only_goes_where_it_is_safe(tmp_path: Path, address: str, why: str) -> None:
    async with client(tmp_path) as rest:
        with pytest.raises(ValueError, match=why) as caught:
            WebexApi(address, "org", rest.keeper, Limiter(10), rest.http)
        assert "pw" not in str(caught.value)
        for good in ("https://api.example.com", "http://127.0.0.1:80", "http://[::1]:80", "http://localhost:80"):
            WebexApi(good, "org", rest.keeper, Limiter(10), rest.http)


async def test_no_secret_is_in_an_error_a_log_or_a_metric(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    def chatty(asked: Asked) -> web.StreamResponse:
        """A cloud that gives back all that it was sent."""
        words = f"{asked.headers['Authorization']} {asked.body.decode()} {REFRESH}"
        return fault(400, words)(asked)

    def broken(asked: Asked) -> web.StreamResponse:
        assert asked.request.transport is not None
        asked.request.transport.close()
        return web.Response()

    async with client(tmp_path) as rest:
        shown: list[str] = []
        secret_of_webhook = "-".join(["webhook", "secret"])  # a traceback shows our own lines
        replies = [chatty, broken, reply(None, 302, Location="/"), fault(401, "no"), reply(None, 500)]
        for number, answer in enumerate(replies):
            rest.cloud.on(THING, answer)
            with pytest.raises(WebexError) as caught:
                await rest.api.call(f"thing-{number}", "POST", THING, json={"secret": secret_of_webhook})
            shown += [str(caught.value), repr(caught.value), "".join(traceback.format_exception(caught.value))]
            shown += [repr(caught.value.__context__), repr(vars(caught.value))]
        shown += [caplog.text, repr(rest.seen), repr(rest.api), repr(vars(rest.api)), repr(vars(rest.keeper))]
        tokens = [f"access-token-{n}" for n in range(1, 5)]
        secrets = [*tokens, REFRESH, CLIENT_SECRET, secret_of_webhook]
        assert not [secret for secret in secrets for text in shown if secret in text]
        assert "Bearer ***" in shown[0]
