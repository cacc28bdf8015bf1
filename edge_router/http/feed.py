"""Server-sent events (WHATWG HTML, "Server-sent events"): what happens, told to those who listen.

Who connects hears first how things are, then what changes, and a beat while nothing does. Who is too slow to take it
is cut off and may come again: he hears how things are then, so that nothing is lost.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Final

from aiohttp import web

from edge_router.http.json_text import json_octets

MOST_WAITING: Final = 4_096
"""Events that wait for a listener before he is cut off."""
SLICE: Final = 128
"""Events that are made and written at once, before calls get their turn again."""
BEAT: Final = 5.0
"""Seconds without an event after which a beat is sent: a listener knows that the line is alive."""
PATIENCE: Final = 20.0
"""Seconds that a listener may leave what he is told unread before he is cut off: there are few places."""
COME_AGAIN: Final = 2_000
"""Milliseconds after which a browser that was cut off is to connect again."""

Beginning = Callable[[], Iterable[bytes]]


def event(name: str, data: object) -> bytes:
    """One event as it stands in the stream; ``data`` becomes one line of JSON."""
    return b"event: %s\ndata: %s\n\n" % (name.encode(), json_octets(data))


class _Listener:
    """Somebody who listens, and what he hasn't heard yet."""

    __slots__ = ("cut_off", "waiting", "woken")

    def __init__(self) -> None:
        self.waiting: deque[bytes] = deque()
        self.woken = asyncio.Event()
        self.cut_off = False

    def tell(self, octets: bytes) -> None:
        if len(self.waiting) >= MOST_WAITING:
            self.cut_off = True
        else:
            self.waiting.append(octets)
        self.woken.set()


class Feed:
    """Events for all who listen at one path. ``beginning`` gives what a new listener is to hear first."""

    def __init__(self, beginning: Beginning) -> None:
        self._beginning = beginning
        self._listeners: set[_Listener] = set()
        self._over = False

    def __len__(self) -> int:
        """How many listen: who has something dear to tell may ask first."""
        return len(self._listeners)

    def publish(self, name: str, data: object) -> None:
        """Tell everyone."""
        if self._listeners:
            octets = event(name, data)
            for listener in self._listeners:
                listener.tell(octets)

    def close(self) -> None:
        """Tell everyone that it is over."""
        self._over = True
        for listener in self._listeners:
            listener.woken.set()

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """Answer a request with events, for as long as they are taken."""
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        )
        listener = _Listener()
        try:
            await response.prepare(request)
            await _write(response, b"retry: %d\n\n" % COME_AGAIN)
            self._listeners.add(listener)
            beginning = iter(self._beginning())
            while octets := b"".join(islice(beginning, SLICE)):
                await _write(response, octets)
                await asyncio.sleep(0)
            await self._tell(listener, response)
        except ConnectionError:  # he has gone
            pass
        except TimeoutError:  # he doesn't read, and his connection's end would have to wait for him, too
            if request.transport is not None:
                request.transport.abort()
        finally:
            self._listeners.discard(listener)
        return response

    async def _tell(self, listener: _Listener, response: web.StreamResponse) -> None:
        while not listener.cut_off and not self._over:
            listener.woken.clear()
            waiting = listener.waiting
            while waiting:
                await _write(response, b"".join([waiting.popleft() for _ in range(min(SLICE, len(waiting)))]))
                if waiting:
                    await asyncio.sleep(0)
            try:
                async with asyncio.timeout(BEAT):
                    await listener.woken.wait()
            except TimeoutError:
                await _write(response, event("beat", {}))


async def _write(response: web.StreamResponse, octets: bytes) -> None:
    """Raises TimeoutError where he doesn't read."""
    async with asyncio.timeout(PATIENCE):
        await response.write(octets)
