"""The contact centre as plain data, and back: what a store keeps over a restart.

What has come back is made into objects first, all of it, so that data of another form changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from state_client.agent import SIGNED_OFF, Agent, Channel
from state_client.agent_table import AgentTable
from state_client.picture import AGENT_STATES, Picture, Queue, QueueValues
from state_client.rows import QueueRow, TeamRow
from state_client.task import ENDED, RANKS, Task
from state_client.task_table import TaskTable

VERSION: Final = 1


class Stored:
    """What has come back."""

    __slots__ = ("agents", "pushed", "queues", "tasks", "teams")

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.queues = [_queue(one) for one in data["queues"]]
        self.teams = [TeamRow(str(id), str(name)) for id, name in data["teams"]]
        self.tasks = [_task(one) for one in data["tasks"]]
        self.agents = [_agent(one) for one in data["agents"]]
        self.pushed = [(str(name), _values(values)) for name, values in data["pushed"]]


def snapshot(table: TaskTable, staff: AgentTable, picture: Picture) -> dict[str, Any]:
    """Everything that is worth keeping: not what has ended, nor who has signed off."""
    return {
        "version": VERSION,
        "queues": [
            [id, one.queue.name, one.queue.type, one.queue.channel, one.max_time, one.team_ids]
            for id, one in table.queues.items()
            if one.configured
        ],
        "teams": [[id, one.team.name] for id, one in staff.teams.items() if one.configured],
        "tasks": [_of_task(task) for task in table.tasks.values()],
        "agents": [_of_agent(agent) for agent in staff.agents.values() if agent.signed_on],
        "pushed": [[queue.name, _of_values(queue)] for queue in picture if queue.source == "pushed"],
    }


def read(data: Mapping[str, Any]) -> Stored | None:
    """What `snapshot` made; None where the data are not of that form."""
    try:
        return Stored(data) if data["version"] == VERSION else None
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def _queue(one: list[Any]) -> QueueRow:
    id, name, type, channel, max_time, team_ids = one
    groups = None if team_ids is None else tuple(str(team) for team in team_ids)
    return QueueRow(str(id), str(name), str(type), str(channel), float(max_time), groups)


def _of_task(task: Task) -> dict[str, Any]:
    return {
        "id": task.id,
        "state": task.state,
        "since": task.since,
        "time": task.order.time,
        "queue": task.queue_id,
        "team": task.team_id,
        "agent": task.agent_id,
        "channel": task.channel,
        "direction": task.direction,
        "origin": task.origin,
        "destination": task.destination,
        "callback": task.callback,
        "created": task.created,
        "parked_at": task.parked_at,
        "parked_in": task.parked_in,
    }


def _task(one: Mapping[str, Any]) -> Task:
    task = Task(str(one["id"]))
    state = str(one["state"])
    if state not in RANKS or state == ENDED:
        raise ValueError(state)
    task.order.note_event(float(one["time"]), 0.0, RANKS[state])
    task.queue_id = str(one["queue"])
    task.queue_told = task.order.time
    task.enter(state, float(one["since"]))
    task.team_id = str(one["team"])
    task.agent_id = str(one["agent"])
    task.channel = str(one["channel"])
    task.direction = str(one["direction"])
    task.origin = str(one["origin"])
    task.destination = str(one["destination"])
    task.callback = bool(one["callback"])
    task.created = float(one["created"])
    task.parked_at = float(one["parked_at"])
    task.parked_in = str(one["parked_in"])
    return task


def _of_agent(agent: Agent) -> dict[str, Any]:
    return {
        "id": agent.id,
        "name": agent.name,
        "team": agent.team_id,
        "team_time": agent.team_time,
        "channels": [
            [name, channel.state, channel.since, channel.idle_code, channel.task_id]
            for name, channel in agent.channels.items()
            if channel.state != SIGNED_OFF
        ],
    }


def _agent(one: Mapping[str, Any]) -> Agent:
    agent = Agent(str(one["id"]))
    agent.name = str(one["name"])
    agent.team_id = str(one["team"])
    agent.team_time = float(one["team_time"])
    for name, state, since, idle_code, task_id in one["channels"]:
        if state not in AGENT_STATES:
            raise ValueError(state)
        channel = agent.channels[str(name)] = Channel()
        channel.state = str(state)
        channel.order.note_event(float(since), 0.0, 0)
        channel.idle_code = str(idle_code)
        channel.task_id = str(task_id)
    return agent


def _of_values(queue: Queue) -> QueueValues:
    return {
        "id": queue.id,
        "type": queue.type,
        "channel": queue.channel,
        "length": queue.length,
        "longest_wait": queue.longest_wait,
        "total_wait": queue.total_wait,
        "calls": queue.calls,
        "agents_available": queue.agents_available,
        "agents_signed_on": queue.agents_signed_on,
        "estimated_wait": queue.estimated_wait,
    }


def _values(one: Mapping[str, Any]) -> QueueValues:
    return {
        "id": str(one["id"]),
        "type": str(one["type"]),
        "channel": str(one["channel"]),
        "length": int(one["length"]),
        "longest_wait": int(one["longest_wait"]),
        "total_wait": int(one["total_wait"]),
        "calls": int(one["calls"]),
        "agents_available": int(one["agents_available"]),
        "agents_signed_on": int(one["agents_signed_on"]),
        "estimated_wait": int(one["estimated_wait"]),
    }
