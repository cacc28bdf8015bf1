"""A web application on one address, bounded in every way that a stranger could grow it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from aiohttp import web

MOST_CONNECTIONS: Final = 64
IDLE: Final = 20.0
"""Seconds that a connection may wait for its next request, or take to send one's head."""
LARGEST_HEAD_LINE: Final = 8 * 1024
LINGER: Final = 2.0
"""Seconds that the end of the server waits for answers in the making."""

# aiohttp logs a traceback for every request that is no HTTP. Our own faults are caught and logged before it sees them.
_strangers = logging.getLogger(f"{__name__}.strangers")
_strangers.setLevel(logging.CRITICAL)


def _nobody(transport: asyncio.BaseTransport) -> bool:
    return False


class BoundedServer:
    """Serves an application without an access log. ``port`` is the one it listens on.

    Where there are too many connections the oldest makes room, since it is the likeliest to be stuck: but not one that
    ``stays``.
    """

    def __init__(self, application: web.Application, stays: Callable[[asyncio.BaseTransport], bool] = _nobody) -> None:
        self.port = 0
        self._stays = stays
        self._server: asyncio.Server | None = None
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

    async def close(self) -> None:
        """Stop listening, let answers in the making finish, and close what is left."""
        if self._server is not None:
            self._server.close()
            self._server = None
        await self._runner.cleanup()

    def _connected(self) -> asyncio.Protocol:
        """A new connection, for which another may have to make room."""
        server = self._runner.server
        assert server is not None, "connections come only between setup and cleanup"
        transports = [each.transport for each in server.connections]
        open_ones = [each for each in transports if each is not None and not each.is_closing()]
        if len(open_ones) >= MOST_CONNECTIONS:
            next(each for each in open_ones if not self._stays(each)).abort()
        return server()
