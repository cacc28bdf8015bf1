"""The server: the cloud's HTTP interface, with tokens, limits and errors around every room of it.

simulator = Simulator(Script(seed=7))
url = await simulator.start()         # http://127.0.0.1:PORT, which is API and OAuth in one
simulator.cloud.world.truth()
await simulator.close()
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from typing import Any

from aiohttp import hdrs, web

from state_client.simulator.cloud import CLOUD, TRACKING_ID, Cloud
from state_client.simulator.refusal import Refusal
from state_client.simulator.rooms import configuration, control, oauth, records, subscriptions
from state_client.simulator.script import Script
from state_client.simulator.tokens import READ, WRITE

OPEN = ("/v1/authorize", "/v1/access_token")
"""Paths that need no token and aren't limited."""

SHORTEST = 0.002
LONGEST = 0.02
"""Seconds between two looks at the world: it is looked at when something happens in it, and now and then besides."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def front_desk(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Everything that comes passes here: tracking id, faults on demand, token, limit, and the form of errors."""
    tracking_id = request.headers.get("TrackingId") or f"simulator_{uuid.uuid4()}"
    request[TRACKING_ID] = tracking_id
    whole_key = "/subscriptions" in request.path or "/event-types" in request.path
    try:
        response = await _admitted(request, handler)
    except Refusal as refusal:
        response = _refused(refusal, tracking_id, whole_key)
    except web.HTTPClientError as fault:  # aiohttp's own: no such path or method
        allowed = {name: value for name, value in fault.headers.items() if name == hdrs.ALLOW}
        response = _refused(Refusal(fault.status, fault.reason, allowed), tracking_id, whole_key)
    response.headers["TrackingId"] = tracking_id
    response.headers[hdrs.DATE] = formatdate(request.app[CLOUD].clock(), usegmt=True)
    return response


def _refused(refusal: Refusal, tracking_id: str, whole_key: bool) -> web.Response:
    body = refusal.body(tracking_id, whole_key)
    return web.json_response(body, status=refusal.status, headers=refusal.headers)


async def _admitted(request: web.Request, handler: Handler) -> web.StreamResponse:
    cloud = request.app[CLOUD]
    if request.path.startswith("/simulator/"):
        return await handler(request)
    wrong = cloud.answers.pick(request.method, request.path)
    if wrong and wrong.status == 0:
        await cloud.closing.wait()
        raise Refusal(503)
    if wrong and wrong.delay:
        await asyncio.sleep(wrong.delay)
    if wrong and wrong.status != 200:
        raise wrong.refusal
    if request.path not in OPEN:
        reads = request.method == "GET" or request.path == "/search"
        authorization = request.headers.get(hdrs.AUTHORIZATION, "")
        client_id = cloud.tokens.check(authorization, READ if reads else WRITE, cloud.clock())
        cloud.limits.count(client_id, cloud.clock())
        if request.query.get("orgId", cloud.org_id) != cloud.org_id:
            raise Refusal(403, "The token is for another organization")
    return await handler(request)


class Simulator:
    """The simulated contact centre behind HTTP. Keyword arguments are those of `Cloud`."""

    def __init__(self, script: Script | None = None, **options: Any) -> None:
        self._script = script
        self._options = options
        self._runner: web.AppRunner | None = None
        self._living: asyncio.Task[None] | None = None
        self.cloud: Cloud
        self.url = ""

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Begin to listen and to live; port 0 takes a free one. Gives the URL; raises OSError if the port is taken."""
        self.cloud = Cloud(self._script, **self._options)
        app = web.Application(middlewares=[front_desk])
        app[CLOUD] = self.cloud
        for room in (oauth, subscriptions, configuration, records, control):
            app.add_routes(room.ROUTES)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        self.url = f"http://{host}:{self._runner.addresses[0][1]}"
        self._living = asyncio.create_task(self._live())
        return self.url

    async def close(self) -> None:
        """Stop listening and living."""
        self.cloud.closing.set()
        if self._living:
            self._living.cancel()
            await asyncio.gather(self._living, return_exceptions=True)
        await self.cloud.delivery.close()
        if self._runner:
            await self._runner.cleanup()

    async def _live(self) -> None:
        cloud = self.cloud
        while True:
            cloud.advance()
            due = cloud.world.next_at
            until = LONGEST if due is None else due - cloud.clock()
            await asyncio.sleep(min(max(until, SHORTEST), LONGEST))
