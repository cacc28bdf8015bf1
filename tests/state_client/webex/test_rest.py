import gzip
import logging
import traceback
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from state_client.webex import rest as rest_module
from state_client.webex.errors import Refused, WebexError
from state_client.webex.limiter import Limiter
from state_client.webex.rest import WebexApi
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
