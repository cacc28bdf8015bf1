"""Records: the search, agents' activities, interactions, and the estimated wait."""

from __future__ import annotations

from math import sqrt
from typing import Any

from aiohttp import web

from state_client.simulator.cloud import CLOUD
from state_client.simulator.ledger import AgentRecord, Row, TaskRecord
from state_client.simulator.refusal import Refusal
from state_client.simulator.rooms.asked import answer, content, several, whole

DAY_MS = 86_400_000
LATEST_MS = 10**15
MOST_RECORDS = 10_000
STATUS = {"new": "created", "parked": "queued", "connect": "offered"}
"""What `/v1/tasks` calls a status; any other of an interaction in progress is assigned."""

CHANNELS = ("email", "chat", "telephony", "social")


async def search(request: web.Request) -> web.Response:
    """`POST /search`."""
    cloud = request.app[CLOUD]
    return answer(request, cloud.search.answer(await content(request), cloud.clock()))


async def activities(request: web.Request) -> web.Response:
    """`GET /v1/agents/activities`: what agents do now, by when they began. What they did before isn't kept."""
    cloud = request.app[CLOUD]
    now = cloud.clock()
    begin = whole(request, "from", 0, LATEST_MS)
    end = whole(request, "to", 0, LATEST_MS, int(now * 1000))
    if end - begin >= DAY_MS:
        raise Refusal(400, "from and to must be less than 24 hours apart")
    size, page = whole(request, "pageSize", 1, 1000, 100), whole(request, "page", 0, MOST_RECORDS, 0)
    agents, teams, channels = several(request, "agentIds"), several(request, "teamIds"), _channels(request)
    rows = []
    for record in cloud.world.agent_records(now):
        agent = record.agent
        if record.state == "logged-out" or not begin <= int(record.since * 1000) <= end:
            continue
        if (agents and agent.id not in agents) or (teams and agent.team.id not in teams):
            continue
        rows += [_activity(record, cloud.world.centre.site_id, each) for each in agent.team.channels]
    rows = sorted(
        (row for row in rows if not channels or row["channelType"] in channels), key=lambda row: row["startTime"]
    )
    if (page + 1) * size > MOST_RECORDS:
        raise Refusal(413, f"No more than {MOST_RECORDS} records can be fetched")
    return answer(request, {"meta": {"orgId": cloud.org_id}, "data": rows[page * size : (page + 1) * size]})


async def tasks(request: web.Request) -> web.Response:
    """`GET /v1/tasks`: interactions by when they were created."""
    cloud = request.app[CLOUD]
    now = cloud.clock()
    begin = whole(request, "from", 0, LATEST_MS)
    end = whole(request, "to", 0, LATEST_MS, int(now * 1000))
    size, channels = whole(request, "pageSize", 1, 1000, 100), _channels(request)
    records = [
        record
        for record in cloud.world.task_records(now)
        if begin <= int(record.task.created * 1000) <= end and (not channels or record.task.channel in channels)
    ]
    records.sort(key=lambda record: record.task.created)
    return answer(request, {"meta": {"orgId": cloud.org_id}, "data": [_task(record) for record in records[:size]]})


async def estimated_wait(request: web.Request) -> web.Response:
    """`GET /v1/ewt`: the mean of those minutes in which waits were alike; 204 where too few were, or for no queue."""
    cloud = request.app[CLOUD]
    queue_id = request.query.get("queueId")
    if not queue_id:
        raise Refusal(400, "queueId is required")
    lookback = whole(request, "lookbackMinutes", 5, 240)
    most_variance = whole(request, "maxCV", 1, 100, 40)
    least_valid = whole(request, "minValidSamples", 1, 100, 40)
    queue = cloud.world.centre.queues.get(queue_id)
    begin = cloud.clock() - lookback * 60
    minutes: dict[int, list[float]] = {}
    for at, wait in queue.waits if queue else []:
        if at >= begin:
            minutes.setdefault(int(at // 60), []).append(wait)
    means = [sum(waits) / len(waits) for waits in minutes.values() if _variance(waits) <= most_variance]
    if not means or 100 * len(means) < least_valid * len(minutes):
        return web.Response(status=204)
    return answer(request, {"estimatedWaitTime": 1000 * sum(means) / len(means)})


def _variance(values: list[float]) -> float:
    """The coefficient of variance, in per cent."""
    mean = sum(values) / len(values)
    spread = sqrt(sum((value - mean) ** 2 for value in values) / len(values))
    return 100 * spread / mean if mean else 0.0


def _channels(request: web.Request) -> list[str]:
    channels = several(request, "channelTypes")
    if any(channel not in CHANNELS for channel in channels):
        raise Refusal(400, f"channelTypes must be of {', '.join(CHANNELS)}")
    return channels


def _activity(record: AgentRecord, site_id: str, channel: str) -> Row:
    agent = record.agent
    busy = record.busy_on in ("", channel)
    return {
        "active": True,
        "agentId": agent.id,
        "agentDn": "",
        "agentLogin": f"{agent.name.lower().replace(' ', '.')}@simulated.example.com",
        "agentSessionId": record.session,
        "agentName": agent.name,
        "currentState": record.state_on(channel),
        "siteId": site_id,
        "siteName": "Site 1",
        "teamId": agent.team.id,
        "teamName": agent.team.name,
        "isLogin": 0,
        "taskId": record.task_id if busy else "",
        "channelId": f"{record.session}-{channel}",
        "channelType": channel,
        "subChannelType": "",
        "idleCodeName": record.idle_code,
        "idleCode": record.idle_code,
        "queueId": "",
        "queueName": "",
        "wrapupCodeName": "",
        "reason": "",
        "startTime": int(record.since * 1000),
        "endTime": -1,
        "mmProfileType": "",
    }


def _task(record: TaskRecord) -> Row:
    task = record.task
    if record.status in ("wrapup", "ended"):
        status = "completed" if record.agent else "abandoned"
    else:
        status = STATUS.get(record.status, "assigned")
    attributes: dict[str, Any] = {
        "owner": _named(record.agent),
        "queue": _named(record.queue),
        "channelType": task.channel,
        "status": status,
        "createdTime": int(task.created * 1000),
        "lastUpdatedTime": int(record.at * 1000),
        "captureRequested": task.recorded,
        "origin": task.origin,
        "destination": task.destination,
        "direction": record.direction.lower(),
    }
    return {"id": task.id, "attributes": attributes}


def _named(thing: Any) -> Row:
    return {"id": thing.id, "name": thing.name} if thing else {"id": "", "name": ""}


ROUTES = [
    web.post("/search", search),
    web.get("/v1/agents/activities", activities),
    web.get("/v1/tasks", tasks),
    web.get("/v1/ewt", estimated_wait),
]
