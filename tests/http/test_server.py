import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Iterable, Iterator

import pytest

from edge_router.http.access import Access
from edge_router.http.bounded import LARGEST_HEAD_LINE, MOST_CONNECTIONS
from edge_router.http.server import HttpServer, Readiness

Answer = tuple[int, dict[str, str], bytes]

HOST = "127.0.0.1"
KEYS = {"ok", "status", "degraded", "reason"}


class Router:
    """What the server is told about a router."""

    def __init__(self) -> None:
        self.readiness = Readiness("ready")
        self.slices: Iterable[bytes] = [b"edge_router_dialogs 0\n"]

    def read_readiness(self) -> Readiness:
        return self.readiness

    def read_metrics(self) -> Iterable[bytes]:
        return self.slices


async def hang_up(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


class Client:
    def __init__(self, port: int) -> None:
        self.port = port

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(HOST, self.port)

    async def send(self, request: bytes) -> Answer:
        """The answer to these octets, once the server has closed."""
        reader, writer = await self.connect()
        writer.write(request)
        raw = await reader.read()
        await hang_up(writer)
        head, _, body = raw.partition(b"\r\n\r\n")
        status, *lines = head.decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines)
        return int(status.split(" ")[1]), headers, body

    async def get(self, path: str, method: str = "GET", host: str = HOST, **headers: str) -> Answer:
        named = {"Host": host, "Connection": "close"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in named.items())
        return await self.send(f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode())


@pytest.fixture
def router() -> Router:
    return Router()


async def started(router: Router, open_paths: Iterable[str]) -> tuple[HttpServer, Client]:
    server = HttpServer(router.read_readiness, router.read_metrics, Access("/" + name for name in open_paths))
    await server.start(HOST, 0)
    return server, Client(server.port)


@pytest.fixture
async def client(router: Router) -> AsyncIterator[Client]:
    server, client = await started(router, ["metrics"])
    yield client
    await server.close()


# ------------------------------------------------------------------------------------------------ answers


async def test_healthz_is_alive_even_while_no_calls_are_taken(client: Client, router: Router) -> None:
    router.readiness = Readiness("draining", "SIGTERM")
    status, headers, body = await client.get("/healthz")
    assert (status, headers["content-type"]) == (200, "application/json")
    assert json.loads(body) == {"ok": True, "status": "alive", "degraded": False, "reason": ""}


@pytest.mark.parametrize(
    ("readiness", "code"),
    [
        (Readiness("starting", "the sockets are being opened"), 503),
        (Readiness("ready"), 200),
        (Readiness("ready", "the cloud is missing", degraded=True), 200),
        (Readiness("draining", "3 calls in progress"), 503),
    ],
)
async def test_readyz_says_whether_calls_are_taken_and_why_not(
    client: Client, router: Router, readiness: Readiness, code: int
) -> None:
    router.readiness = readiness
    status, _, body = await client.get("/readyz")
    found = json.loads(body)
    assert status == code
    assert set(found) == KEYS
    assert found == {
        "ok": code == 200,
        "status": readiness.status,
        "degraded": readiness.degraded,
        "reason": readiness.reason,
    }


async def test_metrics_are_all_slices_together(client: Client, router: Router) -> None:
    router.slices = [b"a 1\n", b"b 2\n"]
    status, headers, body = await client.get("/metrics")
    assert (status, body) == (200, b"a 1\nb 2\n")
    assert headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"


async def test_others_run_between_two_slices(client: Client, router: Router) -> None:
    ran = 0

    async def other() -> None:
        nonlocal ran
        while True:
            ran += 1
            await asyncio.sleep(0)

    def slices() -> Iterator[bytes]:
        for _ in range(3):
            yield f"x {ran}\n".encode()

    router.slices = slices()
    task = asyncio.create_task(other())
    _, _, body = await client.get("/metrics")
    task.cancel()
    assert len(set(body.splitlines())) == 3


async def test_head_is_get_without_body(client: Client) -> None:
    status, headers, body = await client.get("/healthz", "HEAD")
    assert (status, body) == (200, b"")
    assert int(headers["content-length"]) > 0


@pytest.mark.parametrize("path", ["/", "/v1/calls", "/healthz/", "/../etc/passwd", "/%00"])
async def test_anything_else_is_404_in_json(client: Client, path: str) -> None:
    status, headers, body = await client.get(path)
    assert (status, headers["content-type"]) == (404, "application/json")
    assert json.loads(body) == {"ok": False, "error": "there is nothing at this path"}


async def test_a_wrong_method_is_told_the_right_ones(client: Client) -> None:
    status, headers, body = await client.get("/healthz", "DELETE")
    assert (status, headers["allow"]) == (405, "get, head")
    assert json.loads(body) == {"ok": False, "error": "this path takes GET, HEAD"}


async def test_nobody_learns_what_runs_here(client: Client) -> None:
    for path in ("/healthz", "/metrics", "/nothing"):
        _, headers, _ = await client.get(path)
        assert headers["server"] == "edge-router"


# ------------------------------------------------------------------------------------------------ access


@pytest.mark.parametrize(
    "headers", [{"X_Forwarded_For": "192.0.2.1"}, {"Forwarded": "for=192.0.2.1"}, {"host": "evil.example"}]
)
async def test_who_is_not_this_machine_has_the_open_paths_only(client: Client, headers: dict[str, str]) -> None:
    for path in ("/healthz", "/readyz", "/nothing"):
        status, _, body = await client.get(path, **headers)
        assert status == 401
        assert json.loads(body) == {"ok": False, "error": "a token is needed"}
    status, _, _ = await client.get("/metrics", **headers)
    assert status == 200


async def test_nothing_is_open_unless_it_is_said(router: Router) -> None:
    server, client = await started(router, [])
    for path in ("/metrics", "/healthz", "/readyz"):
        assert (await client.get(path))[0] == 200
        assert (await client.get(path, Forwarded="for=192.0.2.1"))[0] == 401
    await server.close()


# ------------------------------------------------------------------------------------------------ faults and bounds


async def test_a_fault_of_ours_is_500_counted_and_logged(router: Router, caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> Iterator[bytes]:
        yield b"a 1\n"
        raise RuntimeError("broken")

    router.slices = broken()
    server, client = await started(router, [])
    with caplog.at_level(logging.ERROR):
        status, _, body = await client.get("/metrics")
    assert status == 500
    assert json.loads(body) == {"ok": False, "error": "this failed; the log says why"}
    assert server.errors == 1
    assert caplog.messages == ["an HTTP request failed: /metrics"]
    assert (await client.get("/healthz"))[0] == 200
    await server.close()


@pytest.mark.parametrize(
    "garbage",
    [
        b"INVITE sip:x@y SIP/2.0\r\n\r\n",
        b"GET /" + b"a" * (LARGEST_HEAD_LINE + 1) + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"".join(b"H%d: 1\r\n" % number for number in range(2_000)) + b"\r\n",
    ],
)
async def test_garbage_is_400_and_no_line_in_the_log(
    client: Client, garbage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        status, _, _ = await client.send(garbage)
    assert status == 400
    assert caplog.messages == []
    assert (await client.get("/healthz"))[0] == 200


async def test_a_new_connection_pushes_out_the_oldest_of_too_many(client: Client) -> None:
    connections = [await client.connect() for _ in range(MOST_CONNECTIONS + 1)]
    assert await connections[0][0].read() == b""
    assert (await client.get("/healthz"))[0] == 200
    newest_reader, newest = connections[-1]
    newest.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert (await newest_reader.read()).startswith(b"HTTP/1.1 200 ")
    for _, writer in connections:
        await hang_up(writer)


async def test_an_address_that_is_taken_is_an_os_error(client: Client, router: Router) -> None:
    server = HttpServer(router.read_readiness, router.read_metrics, Access([]))
    with pytest.raises(OSError, match="in use"):
        await server.start(HOST, client.port)
    await server.close()


async def test_closing_gives_the_address_back_and_ends_idle_connections(router: Router) -> None:
    server, client = await started(router, [])
    reader, writer = await client.connect()
    writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
    await reader.readuntil(b"}")
    await server.close()
    assert await reader.read() == b""
    await hang_up(writer)
    with pytest.raises(ConnectionRefusedError):
        await client.connect()
