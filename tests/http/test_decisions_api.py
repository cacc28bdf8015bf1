"""What is taken for a question, and how it is answered; what is decided is shown elsewhere."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from xml.etree import ElementTree

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_router.admission.tokens import read_tokens
from edge_router.http.access import Access
from edge_router.http.answer import KEYS, Answer, form_of
from edge_router.http.asker import budget_of
from edge_router.http.decisions_api import PATH, REFUSALS, Asked, BadQuestion, DecisionsApi
from edge_router.http.rate import Rate
from edge_router.http.server import HttpServer, Readiness

HOST = "127.0.0.1"
TOKENS = "0123456789abcdef-asks ccx decide\n0123456789abcdef-reads wall read\n0123456789abcdef-other cvp decide\n"
TOKENS += "0123456789abcdef-named 127.0.0.1 decide\n"


class Desk:
    """Answers, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []

    def decide(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        if asked.called == "13":
            raise ZeroDivisionError
        if asked.called == "14":
            raise BadQuestion("fourteen")
        reason = 'a < b & "c"\r\nok=false\x01'
        return Answer(True, "cloud", "redirect", asked.called, "sip:x", "Sales", "door", "empty", reason, 0.4)

    def safe(self, called: str, why: str) -> Answer:
        return Answer(False, "premise", "bridge", called, error=why)


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
async def client(desk: Desk) -> AsyncIterator[aiohttp.ClientSession]:
    async with served(desk) as session:
        yield session


@asynccontextmanager
async def served(desk: Desk, rate: Rate | None = None) -> AsyncIterator[aiohttp.ClientSession]:
    access = Access([], read_tokens(TOKENS))
    api = DecisionsApi(desk.decide, desk.safe, lambda request: budget_of(access, request), rate)
    server = HttpServer(lambda: Readiness("ready"), lambda: (), access, api.routes(), refusals=REFUSALS)
    await server.start(HOST, 0)
    try:
        async with aiohttp.ClientSession(f"http://{HOST}:{server.port}") as session:
            yield session
    finally:
        await server.close()


async def ask(client: aiohttp.ClientSession, query: str, **headers: str) -> dict[str, Any]:
    async with client.get(f"{PATH}?{query}", headers=headers) as answer:
        assert answer.status == 200
        found: dict[str, Any] = await answer.json()
        assert tuple(found) == KEYS
        return found


async def post(client: aiohttp.ClientSession, body: bytes, kind: str, query: str = "") -> dict[str, Any]:
    async with client.post(f"{PATH}?{query}", data=body, headers={"Content-Type": kind}) as answer:
        assert answer.status == 200
        found: dict[str, Any] = await answer.json()
        assert tuple(found) == KEYS
        return found


async def test_a_question_in_a_query(client: aiohttp.ClientSession, desk: Desk) -> None:
    found = await ask(
        client, "called=%2B18005550100&calling=%2B13125550199&trunk=carrier&session_id=ab;remote=cd&row=1"
    )
    assert desk.asked == [Asked("+18005550100", "+13125550199", "carrier", "ab;remote=cd", {})]
    assert (found["ok"], found["target"], found["age_secs"], found["code"]) == (True, "cloud", 0.4, 0)


async def test_a_plus_that_was_not_escaped_is_a_plus(client: aiohttp.ClientSession, desk: Desk) -> None:
    await ask(client, "called=+18005550100&calling=+13125550199")
    await post(client, b"called=+18005550100&calling=+13125550199", "application/x-www-form-urlencoded")
    assert {each[:2] for each in desk.asked} == {("+18005550100", "+13125550199")}


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"called": "42", "headers": {"X-Customer": "gold"}}', "application/json"),
        (b' {"called": 42, "calling": null, "headers": {"X-Customer": "gold"}}', "text/plain"),
        (b"called=42&header=X-Customer:+gold", "application/x-www-form-urlencoded"),
        (b"called=42&header=X-Customer:+gold", "application/octet-stream"),
    ],
)
async def test_a_question_in_a_body(client: aiohttp.ClientSession, desk: Desk, body: bytes, kind: str) -> None:
    await post(client, body, kind)
    assert desk.asked == [Asked("42", "", "", "", {"X-Customer": "gold"})]


async def test_what_the_body_says_counts_more_than_the_query(client: aiohttp.ClientSession, desk: Desk) -> None:
    await post(client, b'{"called": "42"}', "application/json", "called=1&trunk=carrier")
    assert desk.asked == [Asked("42", "", "carrier", "", {})]
    await post(client, b"", "application/json", "called=1")
    assert desk.asked[-1].called == "1"


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"{", "the body is no JSON"),
        (b"[1]", "the body is no JSON object"),
        (b"{}", "called is missing"),
        (b'{"called": " "}', "called is missing"),
        (b'{"called": ["42"]}', "called: write a text"),
        (b'{"called": true}', "called: write a text"),
        (b'{"called": "4\\r\\n2"}', "called: at most 256"),
        (b'{"called": "%s"}' % (b"4" * 257), "called: at most 256"),
        (b'{"called": "42", "headers": "X"}', "headers: write an object"),
        (b'{"called": "42", "headers": {"X-A": 1}}', "headers: a value is a text"),
        (b'{"called": "42", "headers": {"X-A": "1\\r\\nX-B: 2"}}', "headers: a value is a text"),
        (b'{"called": "42", "headers": %s}' % json.dumps({f"X-{n}": "" for n in range(33)}).encode(), "headers: write"),
        (b'{"called": "14"}', "fourteen"),
        (b'{"called": "%s"}' % (b"4" * 70_000), "the body is larger than 64 KB"),
        (b"&".join([b"x=1"] * 100), "the form has too many fields"),
        (b'{"called": "\xff"}', "the body is no JSON"),
        (b"called=4\xff2", "the body isn't UTF-8"),
        (b"called=4%ff2", "called: it isn't UTF-8"),
        (b"\x89PNG\r\n\x1a\n", "the body isn't UTF-8"),
        (b'{"called": "42", "format": "yaml"}', "format: write json, xml or text"),
    ],
)
async def test_a_bad_question_gets_the_safe_answer_and_why(
    client: aiohttp.ClientSession, body: bytes, error: str
) -> None:
    found = await post(client, body, "application/octet-stream")
    assert (found["ok"], found["target"]) == (False, "premise")
    assert found["error"].startswith(error)


async def test_a_fault_of_ours_gets_the_safe_answer_too(
    client: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    found = await ask(client, "called=13")
    assert (found["ok"], found["target"], found["number"]) == (False, "premise", "13")
    assert found["error"] == "this failed; the log says why"
    assert "ZeroDivisionError" in caplog.text


# ------------------------------------------------------------------------------------------------ forms


async def written(client: aiohttp.ClientSession, query: str, accept: str = "*/*") -> tuple[str, str]:
    async with client.get(f"{PATH}?called=42&{query}", headers={"Accept": accept}) as answer:
        assert answer.status == 200
        assert answer.headers["Cache-Control"] == "no-store"
        return answer.headers["Content-Type"], await answer.text()


async def test_as_xml(client: aiohttp.ClientSession) -> None:
    kind, text = await written(client, "format=xml")
    assert kind == "application/xml; charset=utf-8"
    root = ElementTree.fromstring(text)
    assert [element.tag for element in root] == list(KEYS)
    assert all(len(element) == 0 for element in root)
    assert root.findtext("./ok") == "true"
    assert root.findtext("./reason") == 'a < b & "c"\nok=false\ufffd'  # an XML parser makes one of CR LF
    assert (root.findtext("./age_secs"), root.findtext("./error")) == ("0.4", "")


async def test_as_text_no_value_can_begin_a_line(client: aiohttp.ClientSession) -> None:
    kind, text = await written(client, "format=text")
    assert kind == "text/plain; charset=utf-8"
    pairs = [line.split("=", 1) for line in text.splitlines()]
    assert [key for key, _ in pairs] == list(KEYS)
    assert dict(pairs)["ok"] == "true"


async def test_the_parameter_counts_more_than_accept(client: aiohttp.ClientSession) -> None:
    assert (await written(client, "format=json", "text/xml"))[0].startswith("application/json")
    assert (await written(client, "", "text/xml"))[0].startswith("application/xml")


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", "json"),
        ("*/*", "json"),
        ("application/xml", "xml"),
        ("text/xml;q=0.9, application/json;q=0.5", "xml"),
        ("text/plain", "text"),
        ("text/html, application/xhtml+xml, application/xml;q=0.9, */*;q=0.8", "xml"),
        ("application/xml;q=0", "json"),
        ("text/plain;q=x", "json"),
        ("image/png", "json"),
    ],
)
def test_accept(accept: str, form: str) -> None:
    assert form_of("", accept) == form


@given(st.text(), st.one_of(st.none(), st.floats(0, 1e6)))
def test_whatever_is_in_an_answer_every_form_can_be_read(text: str, age: float | None) -> None:
    answer = Answer(True, reason=text, rule=text, age_secs=age)
    root = ElementTree.fromstring(answer.written("xml"))
    assert [element.tag for element in root] == list(KEYS)
    assert [line.partition("=")[0] for line in answer.written("text").decode().splitlines()] == list(KEYS)
    assert json.loads(answer.written("json"))["reason"] == text


# ------------------------------------------------------------------------------------------------ who may, how often


async def refused(client: aiohttp.ClientSession, headers: Mapping[str, str]) -> int:
    async with client.get(f"{PATH}?called=42", headers=headers) as answer:
        return answer.status


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer 0123456789abcdef-{token}"}


async def test_it_takes_the_scope_decide(client: aiohttp.ClientSession) -> None:
    assert await refused(client, bearer("asks")) == 200
    assert await refused(client, bearer("reads")) == 403
    assert await refused(client, bearer("nobodys")) == 401
    assert await refused(client, {"X-Forwarded-For": "192.0.2.1"}) == 401


async def test_who_asks_too_often_hears_when_he_may_again(desk: Desk) -> None:
    async with served(desk, Rate(0.01, burst=2)) as client:
        codes = [await refused(client, bearer("asks")) for _ in range(3)]
        assert codes == [200, 200, 429]
        async with client.get(f"{PATH}?called=42&format=xml", headers=bearer("asks")) as answer:
            assert int(answer.headers["Retry-After"]) in range(90, 101)
            assert ElementTree.fromstring(await answer.text()).findtext("ok") == "false"
        assert await refused(client, bearer("other")) == 200
        assert await refused(client, {}) == 200
    assert len(desk.asked) == 4


async def test_an_address_of_this_machine_has_a_budget_of_its_own(desk: Desk) -> None:
    async with served(desk, Rate(0.01, burst=1)) as client:
        assert [await refused(client, {}) for _ in range(2)] == [200, 429]
        other = aiohttp.TCPConnector(local_addr=("127.0.0.2", 0))
        async with aiohttp.ClientSession(client._base_url, connector=other) as neighbour:
            assert [await refused(neighbour, {}) for _ in range(2)] == [200, 429]


async def test_a_token_asks_from_wherever_it_likes_and_its_name_is_no_address(desk: Desk) -> None:
    async with served(desk, Rate(0.01, burst=1)) as client:
        other = aiohttp.TCPConnector(local_addr=("127.0.0.2", 0))
        async with aiohttp.ClientSession(client._base_url, connector=other) as neighbour:
            assert await refused(client, bearer("named")) == 200
            assert await refused(neighbour, bearer("named")) == 429
            assert await refused(client, {}) == 200


# ------------------------------------------------------------------------------------------------ what nobody reads


def keys_of(kind: str, text: str) -> list[str]:
    """The keys of an answer of some type."""
    if kind.startswith("application/xml"):
        return [element.tag for element in ElementTree.fromstring(text)]
    if kind.startswith("text/plain"):
        return [line.partition("=")[0] for line in text.splitlines()]
    return list(json.loads(text))


@pytest.mark.parametrize(
    ("form", "kind"), [("json", "application/json"), ("xml", "application/xml"), ("text", "text/")]
)
@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("POST", {"Content-Encoding": "gzip"}, 415),
        ("PUT", {}, 405),
        ("GET", {"Forwarded": "for=192.0.2.1"}, 401),
        ("GET", {"Authorization": "Bearer 0123456789abcdef-reads"}, 403),
    ],
)
async def test_a_refusal_has_every_key_in_the_format_that_was_asked_for(
    client: aiohttp.ClientSession, method: str, headers: dict[str, str], status: int, form: str, kind: str
) -> None:
    async with client.request(method, f"{PATH}?called=42&format={form}", data=b"called=42", headers=headers) as answer:
        assert (answer.status, answer.content_type.startswith(kind)) == (status, True)
        assert keys_of(answer.content_type, await answer.text()) == list(KEYS)


@pytest.mark.parametrize("form", ["json", "xml", "text"])
@pytest.mark.parametrize("query", [b"called=\xff", b"called=42&trunk=\xed\xa0\x80", b"called=42&\x80"])
async def test_octets_beyond_ascii_in_the_query_get_an_answer_with_every_key(
    client: aiohttp.ClientSession, query: bytes, form: str
) -> None:
    url = client._base_url
    assert url is not None
    reader, writer = await asyncio.open_connection(HOST, url.port)
    writer.write(b"GET %s?format=%s&%s HTTP/1.1\r\nHost: x\r\n\r\n" % (PATH.encode(), form.encode(), query))
    head, _, text = (await reader.read()).decode().partition("\r\n\r\n")
    writer.close()
    kind = next(line[14:] for line in head.splitlines() if line.startswith("Content-Type: "))
    assert head.split()[1] == "400"
    assert keys_of(kind, text) == list(KEYS)
    assert "%XX" in text
    assert "xff" not in text
