"""The cloud's subscriptions service, small: its rules, and two interfaces that don't see each other's subscriptions."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import ClientSession, web

from state_client.webex.errors import Refused, WebexError

ORGANISATION = "97cdbf45-ebe2-4687-8341-44d5c7abf101"
OWNER = "admin@example.com"
PATCHABLE = {"description", "eventTypes", "destinationUrl", "status", "secret", "orgId", "resourceVersion"}
AGENT_1 = ("login", "logout", "state_change")
AGENT_2 = ("login", "logout", "channel_state_change", "channelType_state_change")
TASK_1 = ("new", "parked", "connect", "connected", "on-hold", "ended", "surprise")


@dataclass
class Service:
    """What is subscribed in one organisation. ``asked`` is what was asked for, in order, but for the lists.

    ``ghosts`` are listed, and gone by the time that somebody asks for one; ``full`` is what a full organisation hears.
    """

    versions: dict[str, tuple[str, ...]] = field(
        default_factory=lambda: {"agent:1.0.0": AGENT_1, "agent:2.0.0": AGENT_2, "task:1.0.0": TASK_1}
    )
    limit: int = 20
    full: str = "Organization subscription limit exceeded"
    ghosts: list[dict[str, Any]] = field(default_factory=list)
    unversioned: bool = False
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    forbidden: bool = False
    garbled: Any = None

    def application(self) -> web.Application:
        application = web.Application(middlewares=[self.errors])
        for interface in ("v1", "v2"):
            one = f"/{interface}/subscriptions/{{id}}"
            application.router.add_get(f"/{interface}/subscriptions", self.list_all)
            application.router.add_post(f"/{interface}/subscriptions", self.create)
            application.router.add_patch(one, self.patch)
            application.router.add_delete(one, self.delete)
        application.router.add_get("/v2/event-types", self.event_types)
        return application

    @web.middleware
    async def errors(self, request: web.Request, handler: Any) -> web.StreamResponse:
        try:
            if self.forbidden:
                raise Fault(403, "Forbidden")
            return await handler(request)  # type: ignore[no-any-return]
        except Fault as fault:
            error = {"key": fault.status, "message": [{"description": fault.why}]}
            return web.json_response({"trackingId": "NOTIFS_1", "error": error}, status=fault.status)

    async def event_types(self, request: web.Request) -> web.Response:
        names = sorted({f"{key.partition(':')[0]}:{action}" for key, of in self.versions.items() for action in of})
        data = [{"name": name, "resource": name.split(":")[0], "action": name.split(":")[1]} for name in names]
        listed = [
            dict(zip(("resource", "version"), key.split(":"), strict=True))
            for key in self.versions
            if not self.unversioned
        ]
        return web.json_response({"data": data, "meta": {"orgId": ORGANISATION, "resourceVersionList": listed}})

    async def list_all(self, request: web.Request) -> web.Response:
        interface = request.path.split("/")[1]
        data = [self.shown(row) for row in [*self.rows.values(), *self.ghosts] if row["interface"] == interface]
        meta = {"orgId": ORGANISATION, "subscriptionCount": len(self.rows)}
        return web.json_response(self.garbled or {"data": data, "meta": meta})

    async def create(self, request: web.Request) -> web.Response:
        interface = request.path.split("/")[1]
        body = await request.json()
        self.asked.append((f"create {body.get('name')}", body))
        self.check(
            body, {"name", "eventTypes", "destinationUrl"} | ({"resourceVersion"} if interface == "v2" else set())
        )
        if len(self.rows) >= self.limit:
            raise Fault(400, self.full)
        return web.json_response({"meta": {}, "data": self.shown(self.add(interface, **body))}, status=201)

    async def patch(self, request: web.Request) -> web.Response:
        row = self.find(request)
        body = await request.json()
        self.asked.append((f"patch {row['name']}", body))
        if set(body) - PATCHABLE:
            raise Fault(400, f"not patchable: {set(body) - PATCHABLE}")
        self.check({"resourceVersion": row.get("resourceVersion")} | body, {"resourceVersion"} & set(body))
        if row["interface"] == "v2" and "resourceVersion" not in body:
            raise Fault(400, "resourceVersion is required")
        row.update({key: value for key, value in body.items() if key != "secret"})
        if "secret" in body:
            self.secrets[row["id"]] = body["secret"]
        return web.json_response({"meta": {}, "data": self.shown(row)})

    async def delete(self, request: web.Request) -> web.Response:
        row = self.find(request)
        self.asked.append((f"delete {row['name']}", {}))
        del self.rows[row["id"]]
        return web.Response(status=204)

    def add(self, interface: str, secret: str = "", **fields: Any) -> dict[str, Any]:
        """Make a subscription, as if somebody had asked for it."""
        row: dict[str, Any] = {
            "id": str(uuid.uuid4()),
            "interface": interface,
            "status": "active",
            "createdBy": OWNER,
            "createdTime": 1,
            "lastUpdatedBy": OWNER,
            "lastUpdatedTime": 1,
        } | fields
        self.rows[row["id"]] = row
        self.secrets[row["id"]] = secret
        return row

    def find(self, request: web.Request) -> dict[str, Any]:
        row = self.rows.get(request.match_info["id"])
        if row is None or row["interface"] != request.path.split("/")[1]:
            raise Fault(404, "Subscription not found")
        return row

    def shown(self, row: dict[str, Any]) -> dict[str, Any]:
        hidden = {"interface"} if row["interface"] == "v2" else {"interface", "resourceVersion"}
        return {key: value for key, value in row.items() if key not in hidden}

    def check(self, body: Mapping[str, Any], required: set[str]) -> None:
        """Refuse what the service refuses."""
        if required - set(body):
            raise Fault(400, f"missing: {required - set(body)}")
        version = body.get("resourceVersion", "")
        known = {f"{version.partition(':')[0]}:{action}" for action in self.versions.get(version, ())}
        tests: dict[str, Callable[[Any], object]] = {
            "name": lambda it: 4 <= len(it) <= 64,
            "description": lambda it: len(it) <= 1024,
            "secret": lambda it: 32 <= len(it) <= 256,
            "eventTypes": lambda it: 1 <= len(it) <= 32 and set(it) <= known,
            "resourceVersion": lambda it: it in self.versions,
            "status": lambda it: it in ("active", "inactive"),
            "destinationUrl": lambda it: re.fullmatch(r"https://[a-z0-9.-]+\.(com|net)(:443)?/[^?#]*", it),
        }
        for key, good in tests.items():
            if key in body and not good(body[key]):
                raise Fault(400, f"{key} is invalid")


class Fault(Exception):
    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status
        self.why = why


class Caller:
    """Asks the service over HTTP, once."""

    def __init__(self, base: str, http: ClientSession) -> None:
        self.base = base
        self.http = http

    async def call(
        self,
        operation: str,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        json: Any = None,
        urgent: bool = False,
    ) -> Any:
        async with self.http.request(method, self.base + path, params=params, json=json) as answer:
            content: Any = await answer.json() if answer.status != 204 else None
        if answer.status < 400:
            return content
        kind = Refused if answer.status == 403 else WebexError
        raise kind(operation, answer.status, content["trackingId"], content["error"]["message"][0]["description"])
