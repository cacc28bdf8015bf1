"""Running a router over HTTP: the calls that it has, its trunks, reload and drain.

It knows nothing of the router but the functions that it is given.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple

from aiohttp import web

from edge_router.http.operation_views import call_view, trunk_view
from edge_router.http.server import json_answer

if TYPE_CHECKING:
    from edge_router.b2bua.reports.record import CallRecord
    from edge_router.b2bua.trunks.live_trunk import LiveTrunk

MOST_CALLS: Final = 1_000
"""Calls in one answer."""
KEYS: Final = {
    "/v1/calls": ("total", "truncated", "calls"),
    "/v1/trunks": ("trunks",),
    "/v1/reload": ("faults",),
    "/v1/drain": ("calls_in_progress",),
}
"""The keys of the answers, which refusals have too."""


class Operation(NamedTuple):
    """What is asked of the router, and told to it.

    ``calls`` gives the records of the calls in progress, the oldest first. ``reload`` reads the configuration anew and
    gives its faults in words: with any, the old one stays. ``drain`` lets no more calls in, and gives how many are in
    progress.
    """

    calls: Callable[[], Iterable[CallRecord]]
    trunks: Callable[[], Iterable[LiveTrunk]]
    reload: Callable[[], Awaitable[Sequence[str]]]
    drain: Callable[[], int]


class OperationApi:
    """The routes of one router's operation."""

    def __init__(self, operation: Operation) -> None:
        self._operation = operation

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        """Give what an application is to serve."""
        return (
            web.get("/v1/calls", self._calls),
            web.get("/v1/trunks", self._trunks),
            web.post("/v1/reload", self._reload),
            web.post("/v1/drain", self._drain),
        )

    async def _calls(self, request: web.Request) -> web.Response:
        """Calls in progress, or of them those that are a certain task in the cloud."""
        task = request.query.get("task")
        found = [each for each in self._operation.calls() if task is None or each.webex_task_id == task]
        views = [call_view(record) for record in islice(found, MOST_CALLS)]
        total = len(found)
        return json_answer(200, ok=True, error="", total=total, truncated=total > MOST_CALLS, calls=views)

    async def _trunks(self, request: web.Request) -> web.Response:
        now = time.monotonic()
        return json_answer(200, ok=True, error="", trunks=[trunk_view(each, now) for each in self._operation.trunks()])

    async def _reload(self, request: web.Request) -> web.Response:
        faults = await self._operation.reload()
        if faults:
            many = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
            return json_answer(422, ok=False, error=f"{many}; the old configuration stays", faults=faults)
        return json_answer(200, ok=True, error="", faults=[])

    async def _drain(self, request: web.Request) -> web.Response:
        return json_answer(200, ok=True, error="", calls_in_progress=self._operation.drain())
