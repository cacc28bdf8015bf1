"""A cloud to ask: a real HTTP server on loopback that issues tokens and answers what a test tells it to."""

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import aiohttp
import orjson
from aiohttp import web

from state_client.webex.limiter import Limiter
from state_client.webex.oauth import TokenKeeper
from state_client.webex.rest import WebexApi
from state_client.webex.secret import SecretFile
from state_client.webex.transport import open_session

ORG = "11111111-2222-3333-4444-555555555555"
CLIENT_SECRET = "client-secret-0f2a"
REFRESH = "refresh-token-0"

Reply = Callable[["Asked"], web.StreamResponse]


class Asked:
    """One request as it came."""

    def __init__(self, request: web.Request, body: bytes) -> None:
        self.request = request
        self.method = request.method
        self.path = request.path
        self.query = dict(request.query)
        self.headers = request.headers
        self.body = body

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)


def reply(content: Any = None, status: int = 200, **headers: str) -> Reply:
    """A JSON answer, the same each time."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    def make(_: Asked) -> web.Response:
        if content is None:
            return web.Response(status=status, headers=named)
        return web.Response(body=orjson.dumps(content), status=status, headers=named, content_type="application/json")

    return make


def fault(status: int, words: str, **headers: str) -> Reply:
    """An error in the cloud's form."""
    body = {
        "trackingId": "tracked-by-cloud",
        "error": {"key": str(status), "reason": words, "message": [{"description": f"{words} in detail"}]},
    }
    return reply(body, status, **headers)


class Cloud:
    """``replies`` are given in turn for each path, the last one again and again."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.token_requests: list[dict[str, str]] = []
        self.token_headers: list[Mapping[str, str]] = []
        self.replies: dict[str, list[Reply]] = {}
        self.token_replies: list[Reply] = []
        self.address = ""
        self.accepted = ""
        self.refresh = REFRESH
        self.rotates = False
        self.life = 1000
        self.before_token_answer: Callable[[], Any] | None = None

    def on(self, path: str, *replies: Reply) -> None:
        self.replies[path] = list(replies)

    def asked_for(self, path: str) -> list[Asked]:
        return [asked for asked in self.asked if asked.path == path]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        if request.path == "/v1/access_token":
            self.token_headers.append(request.headers)
            return await self.grant({name: values[0] for name, values in parse_qs(body.decode()).items()})
        asked = Asked(request, body)
        self.asked.append(asked)
        if asked.headers.get("Authorization") != f"Bearer {self.accepted}":
            return fault(401, "invalid token")(asked)
        replies = self.replies.get(request.path)
        if not replies:
            return fault(404, "nothing here")(asked)
        return (replies.pop(0) if len(replies) > 1 else replies[0])(asked)

    async def grant(self, form: dict[str, str]) -> web.StreamResponse:
        self.token_requests.append(form)
        if self.before_token_answer is not None:
            await self.before_token_answer()
        if self.token_replies:
            return self.token_replies.pop(0)(None)  # type: ignore[arg-type]
        known = form.get("refresh_token") == self.refresh or form.get("code") == "good-code"
        if not known or form.get("client_secret") != CLIENT_SECRET:
            return web.json_response({"error": "invalid_grant", "error_description": "not known"}, status=400)
        count = len(self.token_requests)
        self.accepted = f"access-token-{count}"
        if self.rotates:
            self.refresh = f"refresh-token-{count}"
        return web.json_response(
            {
                "access_token": self.accepted,
                "expires_in": self.life,
                "refresh_token": self.refresh,
                "refresh_token_expires_in": 7_776_000,
                "token_type": "Bearer",
            }
        )


@contextlib.asynccontextmanager
async def serve(cloud: Cloud) -> AsyncIterator[Cloud]:
    """The cloud on a free port, until the end of the block."""
    application = web.Application(client_max_size=64 * 1024 * 1024)
    application.router.add_route("*", "/{path:.*}", cloud.answer)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    cloud.address = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield cloud
    finally:
        await runner.cleanup()


class Clock:
    """A clock that stands still until somebody sleeps by it."""

    def __init__(self, now: float = 1_700_000_000.0) -> None:
        self.now = now
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


class Rest:
    """A client of a cloud, and what a test looks at."""

    def __init__(
        self, cloud: Cloud, http: aiohttp.ClientSession, folder: Path, patience: float, per_minute: int
    ) -> None:
        self.cloud = cloud
        self.http = http
        self.clock = Clock()
        self.seen: list[tuple[str, str]] = []
        self.refresh_path = folder / "refresh"
        self.refresh_path.write_text(REFRESH)
        self.client_secret_path = folder / "client"
        self.client_secret_path.write_text(CLIENT_SECRET + "\n")
        self.limiter = Limiter(per_minute)
        self.keeper = self.new_keeper()
        self.api = WebexApi(
            cloud.address,
            ORG,
            self.keeper,
            self.limiter,
            http,
            clock=self.clock,
            observe=self.observe,
            sleep=self.clock.sleep,
            chance=lambda: 0.0,
            timeout=patience,
        )

    def new_keeper(self) -> TokenKeeper:
        return TokenKeeper(
            f"{self.cloud.address}/v1/access_token",
            "client-id",
            SecretFile(self.client_secret_path),
            SecretFile(self.refresh_path),
            self.http,
            self.clock,
            self.observe,
        )

    def observe(self, operation: str, code: str) -> None:
        self.seen.append((operation, code))


@contextlib.asynccontextmanager
async def client(folder: Path, patience: float = 10.0, per_minute: int = 240) -> AsyncIterator[Rest]:
    """A client and the cloud that it asks."""
    async with serve(Cloud()) as cloud, open_session(cloud.address) as http:
        rest = Rest(cloud, http, folder, patience, per_minute)
        yield rest
        await rest.keeper.close()
