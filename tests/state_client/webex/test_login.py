import asyncio
import logging
import socket
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from state_client.webex.errors import NotAuthorised
from state_client.webex.login import NOT_OURS, OTHER_STATE, authorize_url, login
from state_client.webex.oauth import Grant
from state_client.webex.secret import SecretFile
from tests.state_client.webex.rest_cloud import CLIENT_SECRET, REFRESH, Rest, client


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Login:
    """A login under way, and the browser that comes back; ``settings`` are those of `login` that a test wants."""

    def __init__(self, rest: Rest, patience: float = 30.0, redirect_uri: str = "", **settings: Any) -> None:
        self.rest = rest
        self.redirect_uri = redirect_uri or f"http://127.0.0.1:{free_port()}/callback"
        self.said: list[str] = []
        self.opened = asyncio.Event()
        rest.refresh_path.unlink()
        self.task: asyncio.Task[Grant] = asyncio.create_task(
            login(
                token_url=f"{rest.cloud.address}/v1/access_token",
                client_id="client-id",
                client_secret=SecretFile(rest.client_secret_path),
                refresh=SecretFile(rest.refresh_path),
                redirect_uri=self.redirect_uri,
                http=rest.http,
                say=self.say,
                clock=rest.clock,
                patience=patience,
                **settings,
            )
        )

    def say(self, words: str) -> None:
        self.said.append(words)
        self.opened.set()

    @property
    def query(self) -> dict[str, str]:
        """The query of the address that the person was told to open."""
        address = next(word for word in self.said[0].split() if word.startswith("https://"))
        return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}

    async def come_back(self, path: str = "", **query: str) -> tuple[int, str]:
        await self.opened.wait()
        async with self.rest.http.get(self.redirect_uri + path, params=query) as response:
            return response.status, await response.text()


def test_the_address_to_open() -> None:
    address = authorize_url(
        "https://webexapis.com/v1/authorize", "C0ffee", "http://127.0.0.1:1/cb", "st&te", ("a:b", "c")
    )
    parts = urlsplit(address)
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == "https://webexapis.com/v1/authorize"
    assert parse_qs(parts.query) == {
        "response_type": ["code"],
        "client_id": ["C0ffee"],
        "redirect_uri": ["http://127.0.0.1:1/cb"],
        "scope": ["a:b c"],
        "state": ["st&te"],
    }


async def test_the_code_that_the_browser_brings_becomes_a_refresh_token_on_disk(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with client(tmp_path) as rest:
        under_way = Login(rest)
        await under_way.opened.wait()
        assert under_way.query["scope"] == "cjp:config_read cjp:config_write"
        assert (await under_way.come_back(code="good-code", state=under_way.query["state"]))[0] == 200
        grant = await under_way.task
        assert rest.refresh_path.read_text().strip() == REFRESH
        assert rest.refresh_path.stat().st_mode & 0o777 == 0o600
        assert grant.refresh_expires == rest.clock.now + 7_776_000
        assert rest.cloud.token_requests == [
            {
                "grant_type": "authorization_code",
                "code": "good-code",
                "redirect_uri": under_way.redirect_uri,
                "client_id": "client-id",
                "client_secret": CLIENT_SECRET,
            }
        ]
        shown = caplog.text + repr(grant) + "".join(under_way.said)
        assert not [secret for secret in ("good-code", CLIENT_SECRET, REFRESH) if secret in shown]


async def test_whoever_does_not_know_the_state_is_sent_away_and_the_wait_goes_on(tmp_path: Path) -> None:
    async with client(tmp_path) as rest:
        under_way = Login(rest)
        for query in ({"code": "forged"}, {"code": "forged", "state": "guess"}, {"error": "denied", "state": "é"}):
            assert (await under_way.come_back(**query))[0] == 400
        await under_way.opened.wait()
        assert (await under_way.come_back("/elsewhere", code="forged", state=under_way.query["state"]))[0] == 400
        assert rest.cloud.token_requests == []
        await under_way.come_back(code="good-code", state=under_way.query["state"])
        await under_way.task
        assert rest.cloud.token_requests[0]["code"] == "good-code"


async def test_a_refusal_is_told(tmp_path: Path) -> None:
    async with client(tmp_path) as rest:
        under_way = Login(rest)
        await under_way.opened.wait()
        await under_way.come_back(error="access_denied", state=under_way.query["state"])
        with pytest.raises(NotAuthorised, match="access_denied"):
            await under_way.task
        assert not rest.refresh_path.exists()


async def test_a_code_that_the_cloud_does_not_take_is_told_without_the_code(tmp_path: Path) -> None:
    async with client(tmp_path) as rest:
        under_way = Login(rest)
        await under_way.opened.wait()
        await under_way.come_back(code="spoilt-code", state=under_way.query["state"])
        with pytest.raises(NotAuthorised, match="invalid_grant") as caught:
            await under_way.task
        assert "spoilt-code" not in str(caught.value)
        assert not rest.refresh_path.exists()


async def test_a_browser_that_does_not_come_back_ends_the_wait_and_frees_the_port(tmp_path: Path) -> None:
    async with client(tmp_path) as rest:
        under_way = Login(rest, patience=0.05)
        with pytest.raises(TimeoutError):
            await under_way.task
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", urlsplit(under_way.redirect_uri).port))


@pytest.mark.parametrize(
    ("redirect_uri", "why"),
    [
        ("https://edge.example.com/callback", "isn't on this machine"),
        ("http://10.0.0.1:8000/callback", "isn't on this machine"),
        ("http://127.0.0.1:8000/callback?a=b", "without a query"),
        ("callback", "has to be an http or https address"),
    ],
)
async def test_a_redirect_uri_that_nobody_would_hear_is_refused(tmp_path: Path, redirect_uri: str, why: str) -> None:
    async with client(tmp_path) as rest:
        with pytest.raises(ValueError, match=why):
            await login(
                token_url="https://example.com/token",
                client_id="client-id",
                client_secret=SecretFile(rest.client_secret_path),
                refresh=SecretFile(rest.refresh_path),
                redirect_uri=redirect_uri,
                http=rest.http,
            )


async def test_the_person_hears_once_that_somebody_came_with_another_state(tmp_path: Path) -> None:
    async with client(tmp_path) as rest:
        under_way = Login(rest)
        for _ in range(3):
            assert await under_way.come_back(code="old", state="of-an-earlier-login") == (400, NOT_OURS)
        await under_way.come_back(code="none")
        assert under_way.said[1:] == [OTHER_STATE]
        await under_way.come_back(code="good-code", state=under_way.query["state"])
        await under_way.task


async def test_a_port_that_is_taken_is_said_with_what_to_do(tmp_path: Path) -> None:
    async with client(tmp_path) as rest:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            under_way = Login(rest, redirect_uri=f"http://127.0.0.1:{port}/callback")
            with pytest.raises(
                OSError, match=f"can't listen on 127.0.0.1 port {port} .* Address already in use"
            ) as caught:
                await under_way.task
        assert "--listen" in str(caught.value)
        assert "--paste" in str(caught.value)


class Pasted:
    """What a person pastes line by line, and after the last one nothing, or no more lines."""

    def __init__(self, *lines: str, ends: bool = False) -> None:
        self.lines = list(lines)
        self.ends = ends
        self.under_way: Login | None = None

    async def next(self) -> str:
        if not self.lines:
            if self.ends:
                raise EOFError
            await asyncio.Event().wait()
        assert self.under_way is not None
        return self.lines.pop(0).replace("STATE", self.under_way.query["state"])


def pasting(rest: Rest, *lines: str, ends: bool = False, listening: bool = False) -> Login:
    pasted = Pasted(*lines, ends=ends)
    pasted.under_way = Login(
        rest,
        redirect_uri="" if listening else "https://edge.example.com/callback",
        listening=listening,
        paste=pasted.next,
    )
    return pasted.under_way


@pytest.mark.parametrize(
    "line",
    [
        "https://edge.example.com/callback?code=good-code&state=STATE",
        "http://127.0.0.1:8484/webex?state=STATE&code=good%2Dcode#_=_",
        "code=good-code&state=STATE",
        "good-code",
    ],
)
async def test_what_the_browser_shows_may_be_pasted(tmp_path: Path, line: str) -> None:
    async with client(tmp_path) as rest:
        under_way = pasting(rest, "", line)
        await under_way.task
        assert rest.refresh_path.read_text().strip() == REFRESH
        assert rest.cloud.token_requests[0]["code"] == "good-code"
        assert rest.cloud.token_requests[0]["redirect_uri"] == under_way.redirect_uri
        assert "paste the address" in under_way.said[1]
        assert "good-code" not in "".join(under_way.said)


async def test_what_is_pasted_of_another_login_or_by_mistake_is_said_and_the_wait_goes_on(tmp_path: Path) -> None:
    async with client(tmp_path) as rest:
        address = "https://edge.example.com/callback"
        under_way = pasting(
            rest,
            f"{address}?code=old&state=guess",
            "yes",
            "ls -l",
            address,
            "http://[",
            f"{address}?code=good-code&state=STATE",
        )
        await under_way.task
        assert under_way.said[2] == OTHER_STATE
        assert [words.startswith("That is neither the address") for words in under_way.said[3:]] == [True] * 4
        assert [each["code"] for each in rest.cloud.token_requests] == ["good-code"]


async def test_a_refusal_may_be_pasted_too(tmp_path: Path) -> None:
    async with client(tmp_path) as rest:
        under_way = pasting(rest, "https://edge.example.com/callback?error=access_denied&state=STATE")
        with pytest.raises(NotAuthorised, match="access_denied"):
            await under_way.task


async def test_where_nothing_right_is_pasted_and_nobody_listens_it_is_over(tmp_path: Path) -> None:
    async with client(tmp_path) as rest:
        under_way = pasting(rest, "what?", ends=True)
        with pytest.raises(ValueError, match="nothing was pasted that is an answer"):
            await under_way.task
        assert rest.cloud.token_requests == []


async def test_where_nothing_is_pasted_the_browser_may_still_come_back(tmp_path: Path) -> None:
    async with client(tmp_path) as rest:
        under_way = pasting(rest, ends=True, listening=True)
        await under_way.opened.wait()
        await under_way.come_back(code="good-code", state=under_way.query["state"])
        await under_way.task
        assert rest.refresh_path.read_text().strip() == REFRESH


async def test_beside_listening_one_may_paste(tmp_path: Path) -> None:
    async with client(tmp_path) as rest:
        await pasting(rest, "good-code", listening=True).task
        assert rest.refresh_path.read_text().strip() == REFRESH


async def test_behind_a_reverse_proxy_it_listens_where_it_is_told(tmp_path: Path) -> None:
    async with client(tmp_path) as rest:
        under_way = Login(rest)
        under_way.task.cancel()
        port = free_port()
        under_way.opened.clear()
        under_way.said.clear()
        task = asyncio.create_task(
            login(
                token_url=f"{rest.cloud.address}/v1/access_token",
                client_id="client-id",
                client_secret=SecretFile(rest.client_secret_path),
                refresh=SecretFile(rest.refresh_path),
                redirect_uri="https://edge.example.com/callback",
                http=rest.http,
                listen=("127.0.0.1", port),
                say=under_way.say,
            )
        )
        under_way.redirect_uri = f"http://127.0.0.1:{port}/callback"
        await under_way.opened.wait()
        assert under_way.query["redirect_uri"] == "https://edge.example.com/callback"
        await under_way.come_back(code="good-code", state=under_way.query["state"])
        await task
        assert rest.refresh_path.read_text().strip() == REFRESH
