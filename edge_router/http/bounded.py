"""A web application on one address, bounded in every way that a stranger could grow it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web, web_response

from edge_router.http.unreadable import UNREADABLE, connection_kind

MOST_CONNECTIONS: Final = 64
IDLE: Final = 20.0
"""Seconds that a connection may wait for its next request, or take to send one's head."""
LARGEST_HEAD_LINE: Final = 8 * 1024
LINGER: Final = 2.0
"""Seconds that the end of the server waits for answers in the making."""
UNREAD: Final = 20.0
"""Seconds that an answer may wait to be read. While one does, aiohttp makes no other, and soon reads no more."""
LOOK_EVERY: Final = 5.0
SAY_EVERY: Final = 60.0
"""Seconds between two log lines of connections that were cut off."""

# What an answer says of the server, also one that aiohttp makes itself: no versions, which only help an attacker.
web_response.SERVER_SOFTWARE = "edge-router"  # type: ignore[attr-defined]  # its own name for it

_log = logging.getLogger(__name__)
# aiohttp logs a traceback for every request that is no HTTP. Our own faults are caught and logged before it sees them.
_strangers = logging.getLogger(f"{__name__}.strangers")
_strangers.setLevel(logging.CRITICAL)


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def _nowhere(request: web.Request) -> web.StreamResponse:
    """What is asked at no path, or not in its way. aiohttp's own answer leaves a cycle in memory for each request."""
    allowed: set[str] = set()
    for resource in request.app.router.resources():
        found, methods = await resource.resolve(request)
        allowed |= methods if found is None else set()
    if allowed:
        raise web.HTTPMethodNotAllowed(request.method, allowed)
    raise web.HTTPNotFound


@web.middleware
async def _as_it_is(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuses what would have to be inflated."""
    encoding = request.headers.get("Content-Encoding", "identity")
    if encoding.strip().lower() not in ("", "identity"):
        raise web.HTTPUnsupportedMediaType(reason="the body has to come as it is, without a Content-Encoding")
    return await handler(request)


def _plain(refusal: web.HTTPException) -> web.Response:
    """The answer that an exception is, as one that is none.

    By its traceback an exception knows those who know it: nobody collects such a cycle while there are calls.
    """
    refusal.with_traceback(None)
    headers = {name: refusal.headers[name] for name in ("Allow",) if name in refusal.headers}
    return web.Response(status=refusal.status, text=refusal.reason, headers=headers)


def _bad_request(said: str) -> web.Response:
    return web.json_response({"ok": False, "error": UNREADABLE}, status=400)


def _nobody(transport: asyncio.BaseTransport) -> bool:
    return False


class BoundedServer:
    """Serves an application without an access log. ``port`` is the one it listens on.

    Where there are too many connections the oldest makes room, since it is the likeliest to be stuck: but not one that
    ``stays``. Who doesn't read his answers is ``cut_off``, which counts them; one that stays watches over itself.
    ``requests`` counts them, and connections: either may leave garbage behind. ``unreadable`` answers what is no HTTP.
    """

    def __init__(
        self,
        application: web.Application,
        stays: Callable[[asyncio.BaseTransport], bool] = _nobody,
        unreadable: Callable[[str], web.Response] = _bad_request,
    ) -> None:
        self.port = 0
        self.cut_off = 0
        self.requests = 0
        self._stays = stays
        self._connection = connection_kind(unreadable)
        self._answered: dict[asyncio.WriteTransport, float] = {}  # since when there is something to read, 0 if not
        self._said = 0.0
        self._look: asyncio.TimerHandle | None = None
        self._server: asyncio.Server | None = None
        application.middlewares.insert(0, self._guard)
        application.middlewares.append(_as_it_is)  # inside all others: how a refusal is written is theirs to say
        application.router.add_route("*", "/{rest:(?s:.*)}", _nowhere)
        self._runner = web.AppRunner(
            application,
            access_log=None,
            logger=_strangers,
            keepalive_timeout=IDLE,
            lingering_time=LINGER,
            max_line_size=LARGEST_HEAD_LINE,
            max_field_size=LARGEST_HEAD_LINE,
            shutdown_timeout=LINGER,
            handle_signals=False,
            auto_decompress=False,  # a quarter of a megabyte may inflate to 250, which would hold up all calls
        )

    async def start(self, host: str, port: int) -> None:
        """Listen; raises OSError where the address can't be had."""
        await self._runner.setup()
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(self._connected, host, port, backlog=MOST_CONNECTIONS)
        except OSError:
            await self._runner.cleanup()
            raise
        self.port = self._server.sockets[0].getsockname()[1]
        self._look = loop.call_later(LOOK_EVERY, self._look_who_reads, loop)

    async def close(self) -> None:
        """Stop listening, let answers in the making finish, and close what is left."""
        if self._server is not None:
            self._server.close()
            self._server = None
        if self._look is not None:
            self._look.cancel()
        await self._runner.cleanup()

    def _connected(self) -> asyncio.Protocol:
        """A new connection, for which another may have to make room."""
        self.requests += 1
        server = self._runner.server
        assert server is not None, "connections come only between setup and cleanup"
        transports = [each.transport for each in server.connections]
        open_ones = [each for each in transports if each is not None and not each.is_closing()]
        if len(open_ones) >= MOST_CONNECTIONS:
            next(each for each in open_ones if not self._stays(each)).abort()
        connection = server()
        connection.__class__ = self._connection
        return connection

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Counts, and lets no exception out that aiohttp would hold on to."""
        self.requests += 1
        if request.transport is not None:
            self._answered.setdefault(request.transport, 0.0)
        try:
            return await handler(request)
        except web.HTTPException as refusal:
            return _plain(refusal)

    def _look_who_reads(self, loop: asyncio.AbstractEventLoop) -> None:
        """Cuts off who has left an answer unread for too long, also one whose connection is closed for us."""
        now = loop.time()
        for transport, since in list(self._answered.items()):
            if not transport.get_write_buffer_size() or self._stays(transport):
                del self._answered[transport]
            elif not since:
                self._answered[transport] = now
            elif now - since >= UNREAD:
                self._cut_off(transport)
        self._look = loop.call_later(LOOK_EVERY, self._look_who_reads, loop)

    def _cut_off(self, transport: asyncio.WriteTransport) -> None:
        self.cut_off += 1
        self._answered.pop(transport, None)
        transport.abort()
        now = asyncio.get_running_loop().time()
        if self.cut_off == 1 or now - self._said >= SAY_EVERY:
            self._said = now
            _log.warning("an HTTP connection was cut off that doesn't read its answers; %d so far", self.cut_off)
