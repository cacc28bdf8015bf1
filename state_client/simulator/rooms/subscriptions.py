"""Subscriptions and event types, in both versions of the interface."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from state_client.simulator.cloud import CLOUD
from state_client.simulator.registry import TYPES
from state_client.simulator.rooms.asked import answer, content_object


def _version_2(request: web.Request) -> bool:
    return request.path.startswith("/v2/")


async def event_types(request: web.Request) -> web.Response:
    """`GET /v1|v2/event-types`."""
    cloud = request.app[CLOUD]
    names = list(dict.fromkeys(name for version in cloud.registry.versions for name in TYPES[version]))
    data = [dict(zip(("name", "resource", "action"), (name, *name.split(":")), strict=True)) for name in names]
    meta: dict[str, Any] = {"orgId": cloud.org_id}
    if _version_2(request):
        pairs = [version.split(":") for version in cloud.registry.versions]
        meta["resourceVersionList"] = [{"resource": resource, "version": number} for resource, number in pairs]
    return answer(request, {"meta": meta, "data": data})


async def listing(request: web.Request) -> web.Response:
    """`GET /v1|v2/subscriptions`: those of the same version; the count is of all."""
    registry = request.app[CLOUD].registry
    meta: dict[str, Any] = {"orgId": registry.org_id}
    if _version_2(request):
        meta["subscriptionCount"] = len(registry)
    data = [subscription.shown() for subscription in registry.shown(_version_2(request))]
    return answer(request, {"meta": meta, "data": data})


async def create(request: web.Request) -> web.Response:
    """`POST /v1|v2/subscriptions`."""
    cloud = request.app[CLOUD]
    made = cloud.registry.create(await content_object(request), _version_2(request), cloud.clock())
    return answer(request, {"meta": {"orgId": cloud.org_id}, "data": made.shown()}, 201)


async def one(request: web.Request) -> web.Response:
    """`GET /v1|v2/subscriptions/{id}`."""
    cloud = request.app[CLOUD]
    found = cloud.registry.get(request.match_info["id"], _version_2(request))
    return answer(request, {"meta": {"orgId": cloud.org_id}, "data": found.shown()})


async def update(request: web.Request) -> web.Response:
    """`PATCH /v1|v2/subscriptions/{id}`."""
    cloud = request.app[CLOUD]
    wanted = await content_object(request)
    found = cloud.registry.update(request.match_info["id"], wanted, _version_2(request), cloud.clock())
    return answer(request, {"meta": {"orgId": cloud.org_id}, "data": found.shown()})


async def delete(request: web.Request) -> web.Response:
    """`DELETE /v1|v2/subscriptions/{id}`."""
    request.app[CLOUD].registry.delete(request.match_info["id"], _version_2(request))
    return web.Response(status=204)


ROUTES = [
    route
    for version in ("v1", "v2")
    for route in (
        web.get(f"/{version}/event-types", event_types),
        web.get(f"/{version}/subscriptions", listing),
        web.post(f"/{version}/subscriptions", create),
        web.get(f"/{version}/subscriptions/{{id}}", one),
        web.patch(f"/{version}/subscriptions/{{id}}", update),
        web.delete(f"/{version}/subscriptions/{{id}}", delete),
    )
]
