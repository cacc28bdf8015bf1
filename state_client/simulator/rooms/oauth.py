"""OAuth: the authorisation-code flow, in which everybody consents at once, and tokens."""

from __future__ import annotations

from aiohttp import web
from yarl import URL

from state_client.simulator.cloud import CLOUD, TRACKING_ID
from state_client.simulator.refusal import Refusal


async def authorise(request: web.Request) -> web.Response:
    """`GET /v1/authorize`: sends the browser back with a code."""
    cloud = request.app[CLOUD]
    code = cloud.tokens.authorise(request.query, cloud.clock())
    back = URL(request.query["redirect_uri"]).update_query(code=code, state=request.query.get("state", ""))
    raise web.HTTPFound(back)


async def access_token(request: web.Request) -> web.Response:
    """`POST /v1/access_token`: tokens for a code or a refresh token."""
    cloud = request.app[CLOUD]
    form = {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
    try:
        given = cloud.tokens.exchange(form, cloud.clock())
    except Refusal as refusal:
        tracking_id = request[TRACKING_ID]
        errors = [{"description": refusal.description}]
        body = {"message": refusal.description, "errors": errors, "trackingId": tracking_id}
        return web.json_response(body, status=refusal.status)
    return web.json_response(given, headers={"Cache-Control": "no-store"})


ROUTES = [web.get("/v1/authorize", authorise), web.post("/v1/access_token", access_token)]
