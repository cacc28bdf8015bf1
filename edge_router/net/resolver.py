"""Keeps the names of trunks resolved, beside the calls: no call ever waits for DNS.

names.py says what to ask and what the answers mean; here are the clock, the task that asks, and the log. The library
that speaks DNS is only loaded where there is a name.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from math import isfinite
from typing import TYPE_CHECKING, Final

from edge_router.net.address import Address
from edge_router.net.names import Name, Names, Query, Standing

if TYPE_CHECKING:
    from edge_router.net.dns_client import DnsClient

MOST_AT_ONCE: Final = 16
"""Questions that wait for an answer at a time."""
_SOON: Final = 0.01  # seconds; a wait of none would be a loop that never waits
_log = logging.getLogger(__name__)


class Resolver:
    """Follows names. ``on_change`` is called when one leads elsewhere, or nowhere, or DNS has gone or come back.

    ``servers`` are asked in their order; those of the system where there are none.
    """

    def __init__(self, on_change: Callable[[], None]) -> None:
        self.servers: Sequence[Address] = ()
        self._names = Names()
        self._on_change = on_change
        self._client: DnsClient | None = None
        self._changed = asyncio.Event()
        self._heard = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._asking: set[asyncio.Task[None]] = set()

    @property
    def failures(self) -> int:
        """Questions that DNS gave no answer to since the start."""
        return self._names.failures

    def of(self, name: Name) -> Standing:
        """What is known of a name that is followed."""
        return self._names.of(name)

    def all(self) -> Collection[tuple[Name, Standing]]:
        """All that is followed, and what is known of it."""
        return self._names.all().items()

    async def follow(self, names: Iterable[Name], servers: Sequence[Address], within: float) -> None:
        """Follows these names from now on, and waits so many seconds at most until it is known where they lead."""
        if servers != self.servers:
            self.servers = servers
            self._client = None
        self._names.follow(names, time.monotonic())
        self._changed.set()
        if not self._names.all():
            return
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                while not self._names.settled:
                    self._heard.clear()
                    await self._heard.wait()

    async def close(self) -> None:
        """Asks no more."""
        tasks = [*self._asking] + ([self._task] if self._task is not None else [])
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        gate = asyncio.Semaphore(MOST_AT_ONCE)
        while True:
            self._changed.clear()
            for query in self._names.due(time.monotonic()):
                self._asking.add(task := loop.create_task(self._ask(query, gate)))
                task.add_done_callback(self._asking.discard)
            wait = self._names.next_due - time.monotonic()
            with contextlib.suppress(TimeoutError):  # wait_for loses a cancellation that comes with the change (3.11)
                async with asyncio.timeout(max(wait, _SOON) if isfinite(wait) else None):
                    await self._changed.wait()

    async def _ask(self, query: Query, gate: asyncio.Semaphore) -> None:
        async with gate:
            try:
                reply = await (await self._client_now()).ask(query)
            except Exception as error:  # whatever the library meets: the question comes again
                self._client = None  # the system's servers may be others by then
                changed = self._names.failed(query, str(error) or type(error).__name__, time.monotonic())
            else:
                changed = self._names.answered(query, reply.records, reply.ttl, time.monotonic(), reply.why)
        self._changed.set()
        self._heard.set()
        if changed:
            self._tell(changed)
            self._on_change()

    async def _client_now(self) -> DnsClient:
        client = self._client
        if client is None:
            client = self._client = await asyncio.to_thread(_client_of, self.servers)
        return client

    def _tell(self, changed: Iterable[Name]) -> None:
        for name in changed:
            standing = self._names.of(name)
            where = ", ".join(sorted({f"{place.host} port {place.port}" for place in standing.places}))
            if standing.trouble and where:
                age = time.monotonic() - standing.known_at
                _log.warning("%s: %s; what was known %.0f s ago stays in use", name.host, standing.trouble, age)
            elif standing.trouble:
                _log.warning("%s leads nowhere: %s", name.host, standing.trouble)
            else:
                _log.info("%s leads to %s", name.host, where)


def _client_of(servers: Sequence[Address]) -> DnsClient:
    """Loading the library takes a while, and so may reading which servers the system has: not in the loop."""
    from edge_router.net.dns_client import DnsClient

    return DnsClient(servers)
