"""Configuration: queues and teams in pages, one by id, and the organisation's settings."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from aiohttp import web

from state_client.simulator.centre import Queue, Team
from state_client.simulator.cloud import CLOUD, Cloud
from state_client.simulator.ledger import Row
from state_client.simulator.refusal import Refusal
from state_client.simulator.rooms.asked import answer, several, whole

BIGGEST_PAGE = 100
"""Rows; who asks for more gets so many and no error."""

LEFT_OUT = ("callDistributionGroups", "queueSkillRequirements", "agents")
"""What a list of queues doesn't have: it is there where one queue is asked for."""


def queue_row(cloud: Cloud, queue: Queue) -> Row:
    """A queue as the cloud describes it."""
    groups = [
        {"order": number + 1, "duration": 0 if number == 0 else 30, "agentGroups": [{"teamId": team.id}]}
        for number, team in enumerate(queue.teams)
    ]
    return {
        "organizationId": cloud.org_id,
        "id": queue.id,
        "version": 1,
        "name": queue.name,
        "description": "",
        "queueType": "INBOUND",
        "checkAgentAvailability": False,
        "channelType": queue.channel.upper(),
        "serviceLevelThreshold": 60,
        "maxActiveContacts": 1000,
        "maxTimeInQueue": queue.max_time,
        "timezone": "UTC",
        "active": queue.active,
        "routingType": "LONGEST_AVAILABLE_AGENT",
        "queueRoutingType": "TEAM_BASED",
        "queueSkillRequirements": [],
        "agents": [],
        "callDistributionGroups": groups,
        "systemDefault": False,
        "createdTime": 1_600_000_000_000,
        "lastUpdatedTime": 1_600_000_000_000,
    }


def team_row(cloud: Cloud, team: Team) -> Row:
    """A team as the cloud describes it."""
    return {
        "organizationId": cloud.org_id,
        "id": team.id,
        "version": 1,
        "name": team.name,
        "teamType": "AGENT",
        "teamStatus": "IN_SERVICE",
        "active": team.active,
        "siteId": cloud.world.centre.site_id,
        "siteName": "Site 1",
        "systemDefault": False,
        "createdTime": 1_600_000_000_000,
        "lastUpdatedTime": 1_600_000_000_000,
    }


def _cloud(request: web.Request) -> Cloud:
    cloud = request.app[CLOUD]
    if request.match_info["org"] != cloud.org_id:
        raise Refusal(403, "The token is for another organization")
    return cloud


def _queues(cloud: Cloud) -> list[Row]:
    rows = [queue_row(cloud, queue) for queue in cloud.world.centre.queues.values()]
    return [{name: value for name, value in row.items() if name not in LEFT_OUT} for row in rows]


def _teams(cloud: Cloud) -> list[Row]:
    return [team_row(cloud, team) for team in cloud.world.centre.teams.values()]


def _settings(cloud: Cloud) -> list[Row]:
    script = cloud.world.script
    if not script.sessions:
        return []
    most = int(script.sessions * script.surge)
    return [
        {
            "organizationId": cloud.org_id,
            "id": cloud.world.centre.site_id,
            "version": 1,
            "concurrentVoiceContactEntitlement": script.sessions,
            "voiceContactSurgeFactor": script.surge,
            "maximumActiveCalls": most,
            "inboundMaximumActiveCalls": most,
        }
    ]


LISTS: dict[str, Callable[[Cloud], list[Row]]] = {
    "contact-service-queue": _queues,
    "team": _teams,
    "organization-setting": _settings,
}


def _filtered(rows: list[Row], text: str) -> list[Row]:
    """By `name=="…"`, `id!="…"` or `id=in=("…","…")`, which is what the simulator knows of RSQL."""
    found = re.fullmatch(r"""(\w+)(==|!=|=in=)\(?((?:["'][^"']*["'],?)+|[\w-]+)\)?""", text.strip())
    if not found:
        raise Refusal(400, f"The filter can not be read: {text}")
    field, operator, values = found.groups()
    wanted = [value.strip("\"'") for value in values.split(",")]
    if any(field not in row for row in rows):
        raise Refusal(400, f"{field} is no field to filter by")
    return [row for row in rows if (str(row[field]) in wanted) != (operator == "!=")]


def _chosen(request: web.Request) -> list[Row]:
    rows = LISTS[request.match_info["kind"]](_cloud(request))
    if text := request.query.get("filter"):
        rows = _filtered(rows, text)
    if text := request.query.get("search"):
        rows = [row for row in rows if text.lower() in str(row.get("name", "")).lower()]
    if names := several(request, "attributes"):
        rows = [{name: row[name] for name in names if name in row} for row in rows]
    return rows


async def pages(request: web.Request) -> web.Response:
    """`GET /organization/{org}/v2/…`: a page and where the others are."""
    rows = _chosen(request)
    page = whole(request, "page", 0, 1_000_000, 0)
    size = min(whole(request, "pageSize", 1, 1_000_000, 100), BIGGEST_PAGE)
    last = max(0, (len(rows) - 1) // size)
    links = {"self": page, "first": 0, "last": last}
    if page < last:
        links["next"] = page + 1
    if page > 0:
        links["prev"] = page - 1
    meta: dict[str, Any] = {
        "orgid": request.match_info["org"],
        "page": page,
        "pageSize": size,
        "totalPages": last + 1,
        "totalRecords": len(rows),
        "links": {name: f"{request.path}?page={number}&pageSize={size}" for name, number in links.items()},
    }
    return answer(request, {"meta": meta, "data": rows[page * size : (page + 1) * size]})


async def bare(request: web.Request) -> web.Response:
    """`GET /organization/{org}/…`, the first version: everything at once."""
    return answer(request, _chosen(request))


async def one(request: web.Request) -> web.Response:
    """`GET /organization/{org}/[v2/]…/{id}`: one thing with everything that it has."""
    cloud, kind, wanted = _cloud(request), request.match_info["kind"], request.match_info["id"]
    if kind == "contact-service-queue" and (queue := cloud.world.centre.queues.get(wanted)):
        return answer(request, queue_row(cloud, queue))
    if kind == "team" and (team := cloud.world.centre.teams.get(wanted)):
        return answer(request, team_row(cloud, team))
    raise Refusal(404, f"There is no {kind} {wanted}")


KINDS = "{kind:" + "|".join(LISTS) + "}"
ROUTES = [
    web.get(f"/organization/{{org}}/v2/{KINDS}", pages),
    web.get(f"/organization/{{org}}/v2/{KINDS}/{{id}}", one),
    web.get(f"/organization/{{org}}/{KINDS}", bare),
    web.get(f"/organization/{{org}}/{KINDS}/{{id}}", one),
]
