"""The contact centre as plain rows by name, and back: what a store keeps over a restart.

A row is one queue, team, interaction or agent, so that only those need be written that have changed. What has come back
is made into objects first, all of it, so that data of another form changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from state_client.agent import SIGNED_OFF, Agent, Channel
from state_client.agent_table import AgentTable
from state_client.picture import AGENT_STATES, Picture, Queue, QueueValues
from state_client.rows import QueueRow, TeamRow
from state_client.task import ENDED, RANKS, Task
from state_client.task_table import TaskTable

VERSION: Final = 2
VERSION_ROW: Final = "version"

QUEUE: Final = "queue"
TEAM: Final = "team"
TASK: Final = "task"
AGENT: Final = "agent"
PUSHED: Final = "pushed"
LATEST: Final = 1e11
"""Seconds since the epoch beyond which no time is one; nor is a wait so long."""
MOST: Final = 10**9
"""The largest count."""
KINDS: Final = (QUEUE, TEAM, TASK, AGENT, PUSHED)
"""What a row can be: its name is that, a slash, and an id, or the name of what is pushed."""


class Stored:
    """What has come back."""

    __slots__ = ("agents", "pushed", "queues", "tasks", "teams")

    def __init__(self, data: Mapping[str, Any]) -> None:
        rows: dict[str, list[tuple[str, Any]]] = {kind: [] for kind in KINDS}
        for name, row in data.items():
            kind, _, id = name.partition("/")
            if kind in rows:
                rows[kind].append((id, row))
        self.queues = [_queue(id, row) for id, row in rows[QUEUE]]
        self.teams = [TeamRow(id, str(row)) for id, row in rows[TEAM]]
        self.tasks = [_task(id, row) for id, row in rows[TASK]]
        self.agents = [_agent(id, row) for id, row in rows[AGENT]]
        self.pushed = [(name, _values(row)) for name, row in rows[PUSHED]]


def rows(table: TaskTable, staff: AgentTable, picture: Picture) -> Iterator[tuple[str, Any]]:
    """Everything that is worth keeping, by name: not what has ended, nor who has signed off.

    It may change between two rows: each is as it is when it is asked for.
    """
    yield VERSION_ROW, VERSION
    for id, queue in list(table.queues.items()):
        if queue.configured:
            shown = queue.queue
            yield f"{QUEUE}/{id}", [shown.name, shown.type, shown.channel, queue.max_time, queue.team_ids]
    for id, team in list(staff.teams.items()):
        if team.configured:
            yield f"{TEAM}/{id}", team.team.name
    for task in list(table.tasks.values()):
        if task.state != ENDED:
            yield f"{TASK}/{task.id}", _of_task(task)
    for agent in list(staff.agents.values()):
        if agent.signed_on:
            yield f"{AGENT}/{agent.id}", _of_agent(agent)
    for pushed in picture:
        if pushed.source == "pushed":
            yield f"{PUSHED}/{pushed.name}", _of_values(pushed)


def read(data: Mapping[str, Any]) -> Stored | None:
    """What `rows` gave; None where the data are not of that form."""
    try:
        return Stored(data) if data[VERSION_ROW] == VERSION else None
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError):
        return None


def _time(value: Any) -> float:
    """Seconds since the epoch, or of a wait. Raises ValueError where that can't be, not a number among them."""
    if not 0.0 <= float(value) <= LATEST:
        raise ValueError(value)
    return float(value)


def _count(value: Any, least: int = 0) -> int:
    """A count or whole seconds. Raises ValueError where that can't be."""
    if not least <= int(value) <= MOST:
        raise ValueError(value)
    return int(value)


def _queue(id: str, one: list[Any]) -> QueueRow:
    name, type, channel, max_time, team_ids = one
    groups = None if team_ids is None else tuple(str(team) for team in team_ids)
    return QueueRow(id, str(name), str(type), str(channel), _time(max_time), groups)


def _of_task(task: Task) -> dict[str, Any]:
    return {
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
        "call": task.call,
        "created": task.created,
        "parked_at": task.parked_at,
        "parked_in": task.parked_in,
    }


def _task(id: str, one: Mapping[str, Any]) -> Task:
    task = Task(id)
    state = str(one["state"])
    if state not in RANKS or state == ENDED:
        raise ValueError(state)
    task.order.note_event(_time(one["time"]), 0.0, RANKS[state])
    task.queue_id = str(one["queue"])
    task.queue_told = task.order.time
    task.enter(state, _time(one["since"]))
    task.team_id = str(one["team"])
    task.agent_id = str(one["agent"])
    task.channel = str(one["channel"])
    task.direction = str(one["direction"])
    task.origin = str(one["origin"])
    task.destination = str(one["destination"])
    task.callback = bool(one["callback"])
    task.call = str(one.get("call", ""))  # which the store of an older release hasn't
    task.created = _time(one["created"])
    task.parked_at = _time(one["parked_at"])
    task.parked_in = str(one["parked_in"])
    return task


def _of_agent(agent: Agent) -> dict[str, Any]:
    return {
        "name": agent.name,
        "team": agent.team_id,
        "team_time": agent.team_time,
        "channels": [
            [name, channel.state, channel.since, channel.idle_code, channel.task_id]
            for name, channel in agent.channels.items()
            if channel.state != SIGNED_OFF
        ],
    }


def _agent(id: str, one: Mapping[str, Any]) -> Agent:
    agent = Agent(id)
    agent.name = str(one["name"])
    agent.team_id = str(one["team"])
    agent.team_time = _time(one["team_time"])
    for name, state, since, idle_code, task_id in one["channels"]:
        if state not in AGENT_STATES:
            raise ValueError(state)
        channel = agent.channels[str(name)] = Channel()
        channel.state = str(state)
        channel.order.note_event(_time(since), 0.0, 0)
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
        "length": _count(one["length"]),
        "longest_wait": _count(one["longest_wait"]),
        "total_wait": _count(one["total_wait"]),
        "calls": _count(one["calls"]),
        "agents_available": _count(one["agents_available"]),
        "agents_signed_on": _count(one["agents_signed_on"]),
        "estimated_wait": _count(one["estimated_wait"], -1),
    }
