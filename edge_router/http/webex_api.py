"""How the connection to Webex Contact Center stands, over HTTP: what `edge-router webex status` asks for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from edge_router.http.server import json_answer
from state_client.webex.report import Report

PATH: Final = "/v1/webex"


def route(ask: Callable[[], Awaitable[Report | None]]) -> web.RouteDef:
    """Give the route; ``ask`` gives None where this router follows no cloud."""

    async def tell(request: web.Request) -> web.Response:
        found = await ask()
        if found is None:
            return json_answer(404, ok=False, error="this router follows no contact centre in the cloud")
        return json_answer(200, ok=not found.error, **found.as_dict())

    return web.get(PATH, tell)
