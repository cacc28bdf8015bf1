"""How commands ask the router that runs: at which address, and with which token."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from edge_router.admission.tokens import read_tokens
from edge_router.ask_router import NotAsked, ask_router, reached_at
from edge_router.config.addresses import Address
from edge_router.config.loading import examine
from edge_router.config.models import Config
from edge_router.http.access import Access
from edge_router.http.server import HttpServer, Readiness, json_answer

READ, ADMIN, DECIDE = ("reading-0123456789", "admin-0123456789", "deciding-0123456789")
TOKENS = f"{ADMIN} boss admin\n# what asks\n{DECIDE} flow decide\n{READ} wall read\n"


async def who(request: web.Request) -> web.Response:
    sent = await request.text()
    return json_answer(
        200, ok=True, error="", asked_with=request.headers.get("Authorization"), method=request.method, sent=sent
    )


@asynccontextmanager
async def router(tokens: str = TOKENS) -> AsyncIterator[int]:
    """The port of a server, as the router has one."""
    access = Access([], read_tokens(tokens))
    server = HttpServer(
        lambda: Readiness("ready"), lambda: (), access, [web.get("/v1/who", who), web.put("/v1/who", who)]
    )
    await server.start("127.0.0.1", 0)
    try:
        yield server.port
    finally:
        await server.close()


@asynccontextmanager
async def from_elsewhere(port: int) -> AsyncIterator[int]:
    """The port of a proxy through which a question isn't this machine's own any more, so that it takes a token."""

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        inner, outer = await asyncio.open_connection("127.0.0.1", port)
        outer.write(head[:-2] + b"X-Forwarded-For: 192.0.2.1\r\nConnection: close\r\n\r\n")
        length = re.search(rb"Content-Length: (\d+)", head)
        outer.write(await reader.readexactly(int(length[1]) if length else 0))
        writer.write(await inner.read())
        outer.close()
        writer.close()

    server = await asyncio.start_server(pass_on, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


def configured(directory: Path, port: int, http: str = "", tokens: str | None = TOKENS) -> Config:
    path = directory / "edge.yaml"
    path.write_text(f'listen: [{{name: a, address: "127.0.0.1:5060"}}]\nhttp: {{address: "127.0.0.1:{port}"{http}}}\n')
    if tokens is not None:
        (directory / "tokens").write_text(tokens)
    config = examine(path, files=False).config
    assert config is not None
    return config


async def asked(config: Config, directory: Path, token_file: str | None = None) -> dict[str, object] | None:
    return await asyncio.to_thread(ask_router, config, directory / "edge.yaml", "/v1/who", token_file)


TAKEN = ", tokens_file: tokens"


async def test_from_its_own_machine_it_takes_no_token(tmp_path: Path) -> None:
    async with router() as port:
        found = await asked(configured(tmp_path, port, TAKEN), tmp_path)
        assert found is not None
        assert found["asked_with"] is None


async def test_else_it_gets_a_token_of_its_own_file_that_is_good_for_no_more_than_reading(tmp_path: Path) -> None:
    async with router() as inner, from_elsewhere(inner) as port:
        found = await asked(configured(tmp_path, port, TAKEN), tmp_path)
        assert found is not None
        assert found["asked_with"] == f"Bearer {READ}"


async def test_who_changes_something_takes_a_token_that_is_good_for_that(tmp_path: Path) -> None:
    async with router() as inner, from_elsewhere(inner) as port:
        config = configured(tmp_path, port, TAKEN)
        place = tmp_path / "edge.yaml"
        found = await asyncio.to_thread(ask_router, config, place, "/v1/who", None, {"state": "off"})
        assert found is not None
        assert (found["asked_with"], found["method"], found["sent"]) == (f"Bearer {ADMIN}", "PUT", '{"state":"off"}')
        (tmp_path / "tokens").write_text(f"{READ} wall read\n")
        with pytest.raises(NotAsked, match=r"has none with the scope admin; add one, or name .* whose scope is admin"):
            await asyncio.to_thread(ask_router, config, place, "/v1/who", None, {"state": "off"})


async def test_or_that_of_a_file_that_the_person_names(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text(f"{ADMIN}\n")
    async with router() as inner, from_elsewhere(inner) as port:
        found = await asked(configured(tmp_path, port, TAKEN), tmp_path, str(tmp_path / "mine"))
        assert found is not None
        assert found["asked_with"] == f"Bearer {ADMIN}"


@pytest.mark.parametrize(
    ("http", "tokens", "mine", "why"),
    [
        ("", None, None, "wants a token, and the configuration has no tokens_file; add one and restart"),
        (TAKEN, None, None, "wants a token, and tokens can't be read: No such file or directory; .* --token-file"),
        (TAKEN, "short read read\n", None, "wants a token, and tokens can't be read: line 1: the token is shorter"),
        (TAKEN, f"{DECIDE} flow decide\n", None, "tokens has none with the scope read; add one, or .* --token-file"),
        (TAKEN, f"{READ}-new wall read\n", None, "answers 401: this token is not known; .* at its start and at SIGHUP"),
        (TAKEN, TOKENS, DECIDE, "answers 403: the token of flow lacks the scope read"),
        (TAKEN, TOKENS, f"{READ} wall read", "mine holds more than that; write the token alone into it"),
        (TAKEN, TOKENS, "", "mine: there is no secret in it"),
    ],
)
async def test_without_a_token_that_it_takes_one_hears_what_to_do(
    tmp_path: Path, http: str, tokens: str | None, mine: str | None, why: str
) -> None:
    token_file = None
    if mine is not None:
        (tmp_path / "mine").write_text(mine)
        token_file = str(tmp_path / "mine")
    async with router() as inner, from_elsewhere(inner) as port:
        with pytest.raises(NotAsked, match=f"the router at 127.0.0.1:{port} .*{why}") as caught:
            await asked(configured(tmp_path, port, http, tokens), tmp_path, token_file)
        assert not [token for token in (READ, ADMIN, DECIDE) if token in str(caught.value)]


async def test_where_nobody_listens_nobody_answers(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        assert await asked(configured(tmp_path, taken.getsockname()[1]), tmp_path) is None


async def test_who_else_has_the_port_gets_no_token(tmp_path: Path) -> None:
    heard: list[str | None] = []

    async def other(request: web.BaseRequest) -> web.Response:
        heard.append(request.headers.get("Authorization"))
        headers = {"Server": "another"}  # what aiohttp says of itself in this process is the router's name
        return web.json_response({"ok": False, "error": "a token, please"}, status=401, headers=headers)

    runner = web.ServerRunner(web.Server(other, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        port = runner.addresses[0][1]
        assert await asked(configured(tmp_path, port, TAKEN), tmp_path) is None
        assert heard == [None]
    finally:
        await runner.cleanup()


async def test_what_it_refuses_for_another_reason_is_said(tmp_path: Path) -> None:
    async with router() as port:
        config = configured(tmp_path, port)
        with pytest.raises(
            NotAsked, match=f"the router at 127.0.0.1:{port} answers 404: there is nothing at this path"
        ):
            await asyncio.to_thread(ask_router, config, tmp_path / "edge.yaml", "/v1/nothing")


async def test_a_proxy_of_the_environment_has_no_part_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    async with router() as port:
        assert await asked(configured(tmp_path, port), tmp_path) is not None


@pytest.mark.parametrize(
    ("listening", "reached"), [("0.0.0.0", "127.0.0.1"), ("::", "::1"), ("192.0.2.1", "192.0.2.1"), ("::1", "::1")]
)
def test_who_listens_everywhere_is_reached_on_loopback(listening: str, reached: str) -> None:
    assert reached_at(Address(listening, 8080)) == (reached, 8080)
