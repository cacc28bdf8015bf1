"""What a stranger can't make of an HTTP listener: CPU work, memory that grows, or a look inside."""

import asyncio
import gc
import socket
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from http.client import HTTPResponse

import pytest
from aiohttp import web

from edge_router.http import bounded as bounded_module
from edge_router.http.access import Access
from edge_router.http.bounded import BoundedServer
from edge_router.http.server import HttpServer, Readiness

HOST = "127.0.0.1"
TEXT = "x" * 10_000

Probe = Callable[[], object]


async def until(probe: Probe) -> None:
    async with asyncio.timeout(10):
        while not probe():  # noqa: ASYNC110 - what is waited for has no event of its own
            await asyncio.sleep(0.005)


class Stage:
    """A server with one path, and what was asked there."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.application = application = web.Application(client_max_size=2**30)
        application.router.add_route("*", "/", self.handle)
        self.server = BoundedServer(application)

    async def handle(self, request: web.Request) -> web.Response:
        self.bodies.append(await request.read())
        return web.Response(text=TEXT)


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    found = Stage()
    await found.server.start(HOST, 0)
    yield found
    await found.server.close()


@asynccontextmanager
async def asking(port: int, octets: bytes) -> AsyncIterator[socket.socket]:
    """Somebody who has asked this, and takes little at a time."""
    with socket.socket() as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        line.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(line, (HOST, port))
        sending = asyncio.create_task(loop.sock_sendall(line, octets))
        try:
            yield line
        finally:
            sending.cancel()
            with suppress(asyncio.CancelledError, ConnectionError):
                await sending


async def answer(port: int, octets: bytes) -> tuple[int, str, bytes]:
    """Status, Server and body of what comes back."""

    def ask() -> tuple[int, str, bytes]:
        with socket.create_connection((HOST, port), timeout=10) as line:
            line.sendall(octets)
            response = HTTPResponse(line)
            response.begin()
            return response.status, response.headers["Server"], response.read()

    return await asyncio.to_thread(ask)


def bomb() -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join(packer.compress(bytes(2**20)) for _ in range(8)) + packer.flush()


def post(body: bytes, *more: str) -> bytes:
    head = ["POST / HTTP/1.1", "Host: x", f"Content-Length: {len(body)}", *more]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "deflate", "br", "zstd", "gzip, identity"])
async def test_a_body_that_is_packed_is_not_taken(stage: Stage, coding: str) -> None:
    status, _, body = await answer(stage.server.port, post(bomb(), f"Content-Encoding: {coding}"))
    assert (status, b"Content-Encoding" in body) == (415, True)
    assert stage.bodies == []


async def test_a_body_as_it_is_may_say_so(stage: Stage) -> None:
    status, _, _ = await answer(stage.server.port, post(b"plain", "Content-Encoding: identity"))
    assert (status, stage.bodies) == (200, [b"plain"])


async def test_a_body_that_is_packed_is_not_unpacked() -> None:
    """Nobody asks for it, and aiohttp would unpack it all the same: so look at what comes where nobody refuses it."""
    stage = Stage()
    stage.application.middlewares.clear()
    await stage.server.start(HOST, 0)
    await answer(stage.server.port, post(bomb(), "Content-Encoding: gzip"))
    assert stage.bodies == [bomb()]
    await stage.server.close()


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_module, "LOOK_EVERY", 0.01)
    monkeypatch.setattr(bounded_module, "UNREAD", 0.02)


@pytest.mark.usefixtures("hurried")
async def test_who_asks_and_never_reads_is_cut_off(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    server = stage.server
    many = 3_000
    async with asking(server.port, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * many):
        await until(lambda: server.cut_off)
    assert not server._answered
    assert len(stage.bodies) < many / 2
    assert "doesn't read its answers" in caplog.text


async def test_who_asks_in_a_row_and_reads_gets_every_answer(stage: Stage) -> None:
    many = 100
    reader, writer = await asyncio.open_connection(HOST, stage.server.port)
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * many)
    got = 0
    async with asyncio.timeout(10):
        while got < many:
            got += (await reader.readuntil(b"HTTP/1.1 200 OK")).count(b"HTTP/1.1 200 OK")
    assert stage.server.cut_off == 0
    writer.close()


@pytest.mark.usefixtures("hurried")
async def test_one_answer_that_is_left_unread_does_not_stay() -> None:
    """Also where the connection is over for us, and is only held for what is still to be sent."""
    application = web.Application()
    large = web.Response(body=bytes(16 * 2**20))
    large.force_close()

    async def handle(request: web.Request) -> web.Response:
        return large

    application.router.add_get("/", handle)
    server = BoundedServer(application)
    await server.start(HOST, 0)
    async with asking(server.port, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"):
        await until(lambda: server.cut_off)
    await server.close()


@pytest.mark.usefixtures("hurried")
async def test_who_reads_may_go_on_asking(stage: Stage) -> None:
    reader, writer = await asyncio.open_connection(HOST, stage.server.port)
    for _ in range(20):
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await reader.readuntil(TEXT.encode())
        await asyncio.sleep(0.005)
    assert stage.server.cut_off == 0
    writer.close()


@pytest.mark.parametrize("request_line", ["GET / HTTP/1.1", "GET /nothing HTTP/1.1", "PATCH / HTTP/1.1", "no HTTP"])
async def test_no_answer_says_what_it_is_made_of(stage: Stage, request_line: str) -> None:
    octets = f"{request_line}\r\nHost: x\r\n\r\n".encode()
    assert (await answer(stage.server.port, octets))[1] == "edge-router"
    api = HttpServer(lambda: Readiness("ready"), lambda: (), Access(["/"]))
    await api.start(HOST, 0)
    assert (await answer(api.port, octets))[1] == "edge-router"
    status, _, body = await answer(api.port, post(bomb(), "Content-Encoding: gzip"))
    assert (status, b'"ok":false' in body) == (415, True)
    await api.close()


@pytest.mark.parametrize(
    "octets",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /only/read HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"PUT /only/read HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /refused HTTP/1.1\r\nHost: x\r\n\r\n",
        post(b"packed", "Content-Encoding: gzip"),
    ],
)
async def test_no_request_leaves_a_cycle(octets: bytes) -> None:
    """They are collected by nobody while there are calls: 60 strangers could make a gigabyte of them in seconds."""

    async def refuse(request: web.Request) -> web.Response:
        raise web.HTTPRequestTimeout

    application = web.Application()
    application.router.add_get("/only/read", refuse)
    application.router.add_get("/refused", refuse)
    application.router.add_get("/", Stage().handle)
    plain = BoundedServer(application)
    api = HttpServer(lambda: Readiness("ready"), lambda: (), Access(["/nothing"]), [web.get("/only/read", refuse)])
    for server in (plain, api):
        await server.start(HOST, 0)
        await answer(server.port, octets)
        gc.collect()
        gc.disable()
        try:
            for _ in range(20):
                await answer(server.port, octets)
            assert gc.collect() < 20
        finally:
            gc.enable()
        await server.close()


async def test_a_path_says_how_it_is_to_be_asked() -> None:
    application = web.Application()
    application.router.add_get("/read", Stage().handle)
    server = BoundedServer(application)
    await server.start(HOST, 0)
    reader, writer = await asyncio.open_connection(HOST, server.port)
    writer.write(b"PUT /read HTTP/1.1\r\nHost: x\r\n\r\n")
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 405 ")
    assert b"\r\nAllow: GET,HEAD\r\n" in head
    writer.close()
    await server.close()
