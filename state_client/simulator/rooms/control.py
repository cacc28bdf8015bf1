"""What a test or a demonstration tells the simulator, and asks of it. The cloud has nothing of the kind.

None of it needs a token: the simulator listens on loopback unless it is told otherwise.
"""

from __future__ import annotations

from dataclasses import asdict, fields, replace
from itertools import islice
from typing import Any

from aiohttp import web

from state_client.simulator.centre import Agent, Queue
from state_client.simulator.cloud import CLOUD, Cloud
from state_client.simulator.faults import Disturbance, WrongAnswer
from state_client.simulator.refusal import Refusal
from state_client.simulator.rooms.asked import answer, content_object

MOST_CALLS = 10_000
AGENT_STATES = ("available", "idle", "logged-out")
OTHER_FAULTS = ("answers", "inactive", "expire_tokens", "refuse_refresh", "administrator", "per_minute")


async def truth(request: web.Request) -> web.Response:
    """`GET /simulator/truth`: what is so now, and what became of the events so far."""
    cloud = request.app[CLOUD]
    cloud.advance()
    body = asdict(cloud.world.truth())
    body["delivery"] = {**cloud.delivery.counts, "waiting": cloud.delivery.waiting}
    body["limited"] = cloud.limits.refused
    return answer(request, body)


async def add_calls(request: web.Request) -> web.Response:
    """`POST /simulator/calls`: calls come in.

    Keys: `queue` (name or id; without it the queue whose number is `called`), `calling`, `called`, `count` (1),
    `headers` (those of the INVITE: names and texts), and `held` (true: they last until they are ended; false: by the
    script). Gives `tasks`, their ids, and `refused`.
    """
    cloud = request.app[CLOUD]
    asked = await content_object(request)
    queue = _queue(cloud, asked)
    count, held = asked.get("count", 1), asked.get("held", True)
    if not isinstance(count, int) or not 1 <= count <= MOST_CALLS:
        raise Refusal(400, f"count must be a whole number from 1 to {MOST_CALLS}")
    headers = asked.get("headers", {})
    if not isinstance(headers, dict) or not all(isinstance(value, str) for value in headers.values()):
        raise Refusal(400, "headers must be an object of texts")
    cloud.advance()
    calling, called = str(asked.get("calling", "")), str(asked.get("called", ""))
    made = [cloud.world.call(queue, calling, called, bool(held), headers) for _ in range(count)]
    cloud.advance()
    tasks = [task.id for task in made if task]
    return answer(request, {"tasks": tasks, "refused": count - len(tasks)}, 201 if tasks else 503)


async def end_call(request: web.Request) -> web.Response:
    """`DELETE /simulator/calls/{task}`: its caller hangs up. 404 if it isn't in progress."""
    cloud = request.app[CLOUD]
    cloud.advance()
    if not cloud.world.hang_up(request.match_info["task"]):
        raise Refusal(404, "There is no such call in progress")
    cloud.advance()
    return web.Response(status=204)


async def end_calls(request: web.Request) -> web.Response:
    """`DELETE /simulator/calls`: every held call ends."""
    cloud = request.app[CLOUD]
    cloud.advance()
    ended = [task.id for task in list(cloud.world.calls.tasks.values()) if task.held and cloud.world.hang_up(task.id)]
    cloud.advance()
    return answer(request, {"tasks": ended})


async def set_agents(request: web.Request) -> web.Response:
    """`POST /simulator/agents`: agents become `state` (available, idle or logged-out), unless a call is in hand.

    Keys: `state`, `team` (name or id; all without), `count` (all of them without). Gives `agents`, the ids of those who
    changed. Who is made idle stays so until he is made something else.
    """
    cloud = request.app[CLOUD]
    asked = await content_object(request)
    state = asked.get("state")
    if state not in AGENT_STATES:
        raise Refusal(400, f"state must be one of {', '.join(AGENT_STATES)}")
    team = asked.get("team")
    cloud.advance()
    agents = [each for each in cloud.world.centre.agents.values() if team in (None, each.team.name, each.team.id)]
    if not agents:
        raise Refusal(404, f"There is no team {team}")
    willing = (agent.id for agent in agents if _set_agent(cloud, agent, state))
    changed = list(islice(willing, asked.get("count")))
    cloud.advance()
    return answer(request, {"agents": changed})


async def faults(request: web.Request) -> web.Response:
    """`GET /simulator/faults`: what goes wrong at present."""
    cloud = request.app[CLOUD]
    body = asdict(cloud.delivery.disturbance)
    body["answers"] = [asdict(wrong) for wrong in cloud.answers.wrong]
    body["refuse_refresh"] = cloud.tokens.refuse_refresh
    body["administrator"] = cloud.tokens.administrator
    body["per_minute"] = cloud.limits.per_minute
    return answer(request, body)


async def set_faults(request: web.Request) -> web.Response:
    """`POST /simulator/faults`: things go wrong from now on; what isn't named stays as it is.

    Keys: those of `Disturbance` (events on their way), `answers` (a list of `WrongAnswer`, in place of those before),
    `inactive` (true, or ids of subscriptions: the system switches them off), `expire_tokens` (true: every access token
    is refused from now on), `refuse_refresh`, `administrator` (false: writing is refused), `per_minute`.
    """
    cloud = request.app[CLOUD]
    asked = await content_object(request)
    known = {field.name for field in fields(Disturbance)}
    if unknown := set(asked) - known - set(OTHER_FAULTS):
        raise Refusal(400, f"There is no fault {unknown.pop()}")
    try:
        wrong = [WrongAnswer(**each) for each in asked.get("answers", [])]
    except TypeError as fault:
        raise Refusal(400, f"answers can not be read: {fault}") from None
    cloud.delivery.disturbance = replace(
        cloud.delivery.disturbance, **{name: float(value) for name, value in asked.items() if name in known}
    )
    if "answers" in asked:
        cloud.answers.wrong = wrong
    if asked.get("expire_tokens"):
        cloud.tokens.expire()
    cloud.tokens.refuse_refresh = bool(asked.get("refuse_refresh", cloud.tokens.refuse_refresh))
    cloud.tokens.administrator = bool(asked.get("administrator", cloud.tokens.administrator))
    cloud.limits.per_minute = int(asked.get("per_minute", cloud.limits.per_minute))
    _deactivate(cloud, asked.get("inactive"))
    return await faults(request)


async def no_faults(request: web.Request) -> web.Response:
    """`DELETE /simulator/faults`: all is well again. Subscriptions that were switched off stay so."""
    cloud = request.app[CLOUD]
    cloud.delivery.disturbance = Disturbance()
    cloud.answers.wrong = []
    cloud.tokens.refuse_refresh = False
    cloud.tokens.administrator = True
    return await faults(request)


def _queue(cloud: Cloud, asked: dict[str, Any]) -> Queue:
    if "queue" in asked:
        found = cloud.world.queue(str(asked["queue"]))
    else:
        queues = cloud.world.centre.queues.values()
        found = next((queue for queue in queues if queue.number == asked.get("called")), None)
    if found is None:
        raise Refusal(404, "There is no such queue")
    return found


def _set_agent(cloud: Cloud, agent: Agent, state: str) -> bool:
    if state == "idle":
        return agent.state != "idle" and cloud.world.staff.rest(agent)
    if state == "logged-out":
        return cloud.world.staff.sign_off(agent)
    return cloud.world.staff.be_available(agent)


def _deactivate(cloud: Cloud, wanted: Any) -> None:
    for subscription in cloud.registry.all:
        if wanted is True or (isinstance(wanted, list) and subscription.id in wanted):
            cloud.registry.deactivate(subscription)


ROUTES = [
    web.get("/simulator/truth", truth),
    web.post("/simulator/calls", add_calls),
    web.delete("/simulator/calls", end_calls),
    web.delete("/simulator/calls/{task}", end_call),
    web.post("/simulator/agents", set_agents),
    web.get("/simulator/faults", faults),
    web.post("/simulator/faults", set_faults),
    web.delete("/simulator/faults", no_faults),
]
