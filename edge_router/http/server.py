"""The HTTP server: whether the router is alive, whether it takes calls, its metrics, and the routes that it is given.

A scrape every few seconds from every monitor is no news, and so there is no access log. It knows nothing of the router
but the functions that it is given.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final
from urllib.parse import parse_qsl

from aiohttp import web

from edge_router.http.access import Access, Question
from edge_router.http.bounded import BoundedServer
from edge_router.http.json_text import json_octets
from edge_router.http.unreadable import UNREADABLE

MOST_STREAMS: Final = 16
HANDLE: Final = 10.0
"""Seconds that an answer may take to make."""
LARGEST_BODY: Final = 64 * 1024

METRICS_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
"""Prometheus text format 0.0.4, the one that everybody reads."""

_log = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Keys = Mapping[str, Sequence[str]]
"""The keys that an answer at a path has, beside `ok` and `error`; one that ends in "/" stands for all below it."""
Refusals = Mapping[str, Callable[[int, str, Mapping[str, str], str], web.Response]]
"""How paths with a form of their own refuse: given the status, why in words, the query and the Accept header."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether the router takes calls: ``status`` is ``starting``, ``ready`` or ``draining``; ``reason`` in words.

    ``degraded`` says that it takes calls but something is missing.
    """

    status: str
    reason: str = ""
    degraded: bool = False


class HttpServer:
    """Serves on one address.

    ``readiness`` is asked at each /readyz. ``metrics`` gives the Prometheus text in slices; others run between two of
    them. ``access`` says who may ask what, ``routes`` what there is besides. ``errors`` counts faults of our own.
    Answers at the paths that ``endless`` names last as long as somebody listens; there are MOST_STREAMS of them at
    most, and they need not make room. What is refused has the ``keys`` of what isn't, or is written by ``refusals``.
    """

    def __init__(
        self,
        readiness: Callable[[], Readiness],
        metrics: Callable[[], Iterable[bytes]],
        access: Access,
        routes: Iterable[web.AbstractRouteDef] = (),
        endless: Iterable[str] = (),
        keys: Keys = MappingProxyType({}),
        refusals: Refusals = MappingProxyType({}),
    ) -> None:
        self.access = access
        self.errors = 0
        self._readiness = readiness
        self._metrics = metrics
        self._routes = tuple(routes)
        self._endless = frozenset(endless)
        self._keys = keys
        self._refusals = refusals
        self._streams: set[asyncio.BaseTransport | None] = set()
        self._server = BoundedServer(
            self._application(), lambda transport: transport in self._streams, self._unreadable
        )

    @property
    def requests(self) -> int:
        """What was asked so far, and by how many connections."""
        return self._server.requests

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return self._server.port

    async def start(self, host: str, port: int) -> None:
        """Listen; raises OSError where the address can't be had."""
        self.access.listening = host
        await self._server.start(host, port)

    async def close(self) -> None:
        """Stop listening, let answers in the making finish, and close what is left."""
        await self._server.close()

    def _application(self) -> web.Application:
        application = web.Application(middlewares=[self._guard], client_max_size=LARGEST_BODY)
        application.router.add_get("/healthz", self._healthz)
        application.router.add_get("/readyz", self._readyz)
        application.router.add_get("/metrics", self._exposition)
        application.add_routes(self._routes)
        return application

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Lets nobody in who may not."""
        refusal = self.access.refusal(Question(request.method, request.path, request.remote or "", request.headers))
        if refusal is not None:
            response = self._refused(request, refusal.status, refusal.why)
            if refusal.status == 401:
                response.headers["WWW-Authenticate"] = "Bearer"
            return response
        return await self._handled(request, handler)

    async def _handled(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answers in JSON whatever goes wrong."""
        try:
            if request.path in self._endless:
                return await self._stream(request, handler)
            async with asyncio.timeout(HANDLE):
                return await handler(request)
        except web.HTTPNotFound:
            return self._refused(request, 404, "there is nothing at this path")
        except web.HTTPMethodNotAllowed as refusal:
            allowed = ", ".join(sorted(refusal.allowed_methods))
            response = self._refused(request, 405, f"this path takes {allowed}")
            response.headers["Allow"] = allowed
            return response
        except web.HTTPException as refusal:
            return self._refused(request, refusal.status, refusal.reason)
        except TimeoutError:
            return self._refused(request, 503, "this took too long")
        except Exception:
            self.errors += 1
            _log.exception("an HTTP request failed: %s", request.path)
            return self._refused(request, 500, "this failed; the log says why")

    def _refused(self, request: web.Request, status: int, error: str) -> web.Response:
        """An answer without what was asked for, in the form of one that has it."""
        own = self._refusals.get(request.path)
        if own is not None:
            return own(status, error, request.query, request.headers.get("Accept", ""))
        return json_answer(status, ok=False, error=error, **dict.fromkeys(self._keys_at(request.path)))

    def _unreadable(self, said: str) -> web.Response:
        """The answer to what is no HTTP: in the form of the path that it was meant for, if so much can be told."""
        for path, refuse in self._refusals.items():
            _, found, rest = said.partition(path)
            if found:
                query = rest.removeprefix("?").partition(" ")[0]
                return refuse(400, UNREADABLE, dict(parse_qsl(query)), "")
        return json_answer(400, ok=False, error=UNREADABLE)

    def _keys_at(self, path: str) -> Sequence[str]:
        if path in self._keys:
            return self._keys[path]
        return next((keys for place, keys in self._keys.items() if place[-1] == "/" and path.startswith(place)), ())

    async def _stream(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """An answer that lasts."""
        if len(self._streams) >= MOST_STREAMS:
            return json_answer(503, ok=False, error=f"{MOST_STREAMS} listen already")
        transport = request.transport
        self._streams.add(transport)
        try:
            return await handler(request)
        finally:
            self._streams.discard(transport)

    async def _healthz(self, request: web.Request) -> web.Response:
        """Alive, since it answers."""
        return json_answer(200, ok=True, status="alive", degraded=False, reason="")

    async def _readyz(self, request: web.Request) -> web.Response:
        """Whether calls are taken."""
        now = self._readiness()
        ready = now.status == "ready"
        return json_answer(200 if ready else 503, ok=ready, status=now.status, degraded=now.degraded, reason=now.reason)

    async def _exposition(self, request: web.Request) -> web.Response:
        """The metrics; whoever has something to do runs between two slices."""
        text = bytearray()
        for piece in self._metrics():
            text += piece
            await asyncio.sleep(0)
        return web.Response(body=bytes(text), headers={"Content-Type": METRICS_TYPE})


def json_answer(code: int, /, **values: object) -> web.Response:
    """A flat JSON object."""
    return web.Response(status=code, body=json_octets(values), content_type="application/json")
