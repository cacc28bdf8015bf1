"""The ledger: what a search shows, which is what was true a few seconds ago.

Here live records of tasks and agents as they were, in the order they became so. A record is made whenever something
changes and is seen when it is old enough. Records turn into rows, in the words of `/search`, only when they are asked.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from state_client.simulator.centre import Agent, Queue, Task, Team

Row = dict[str, Any]

Shape = dict[str, Any]
"""The fields of a row: None for a plain value, a Shape for what has fields of its own."""

NAMED: Shape = {"id": None, "name": None}
TASK_SHAPE: Shape = {
    **dict.fromkeys("id status channelType direction outboundType origin destination createdTime endedTime".split()),
    **dict.fromkeys("lastActivityTime isActive isCallback captureRequested".split()),
    "callbackData": {"callbackType": None, "callbackRequestTime": None},
    "lastQueue": NAMED,
    "lastTeam": NAMED,
    "owner": NAMED,
    "stringGlobalVariables": {"name": None, "value": None},
}
AGENT_SHAPE: Shape = {
    **dict.fromkeys("agentId agentName agentSessionId teamId teamName siteId startTime isActive state".split()),
    "channelInfo": dict.fromkeys("channelId channelType currentState lastActivityTime idleCodeName".split()),
}

REMEMBER = 3600.0
"""Seconds for which a search still finds an interaction that has ended."""

MOST_ENDED = 50_000
"""How many of those it finds at most."""


class TaskRecord:
    """An interaction as it was at the time `at`."""

    __slots__ = (
        "agent",
        "at",
        "callback",
        "direction",
        "ended",
        "outbound_type",
        "parked",
        "queue",
        "status",
        "task",
        "team",
    )

    def __init__(self, task: Task, at: float) -> None:
        self.task = task
        self.at = at
        self.status = task.status
        self.queue: Queue | None = task.queue
        self.team: Team | None = task.team
        self.agent: Agent | None = task.agent
        self.direction = task.direction
        self.outbound_type = task.outbound_type
        self.callback = task.callback
        self.parked = task.parked
        self.ended = task.ended

    def row(self) -> Row:
        """As `taskDetails` shows it."""
        task = self.task
        return {
            "id": task.id,
            "status": self.status,
            "channelType": task.channel,
            "direction": self.direction.lower(),
            "outboundType": self.outbound_type,
            "origin": task.origin,
            "destination": task.destination,
            "createdTime": int(task.created * 1000),
            "endedTime": int(self.ended * 1000) if self.ended else None,
            "lastActivityTime": int(self.at * 1000),
            "isActive": self.status != "ended",
            "isCallback": self.callback,
            "callbackData": _callback(self),
            "captureRequested": task.recorded,
            "lastQueue": _named(self.queue),
            "lastTeam": _named(self.team),
            "owner": _named(self.agent),
            "stringGlobalVariables": [{"name": name, "value": value} for name, value in task.variables.items()],
        }


class AgentRecord:
    """An agent as he was at the time `at`."""

    __slots__ = ("agent", "at", "busy_on", "idle_code", "session", "signed_on", "since", "state", "task_id")

    def __init__(self, agent: Agent, at: float) -> None:
        self.agent = agent
        self.at = at
        self.state = agent.state
        self.busy_on = agent.busy_on
        self.idle_code = agent.idle_code
        self.session = agent.session
        self.signed_on = agent.signed_on
        self.since = agent.since
        self.task_id = agent.task.id if agent.task else ""

    def state_on(self, channel: str) -> str:
        """His state on that channel: while he is busy on one, he is engaged elsewhere on the others."""
        return self.state if self.busy_on in ("", channel) else "EngagedOther"

    def row(self, site_id: str) -> Row:
        """As `agentSession` shows it."""
        agent = self.agent
        active = self.state != "logged-out"
        return {
            "agentId": agent.id,
            "agentName": agent.name,
            "agentSessionId": self.session,
            "teamId": agent.team.id,
            "teamName": agent.team.name,
            "siteId": site_id,
            "startTime": int(self.signed_on * 1000),
            "isActive": active,
            "state": "login" if active else "logout",
            "channelInfo": [
                {
                    "channelId": f"{self.session}-{channel}",
                    "channelType": channel,
                    "currentState": self.state_on(channel),
                    "lastActivityTime": int(self.since * 1000),
                    "idleCodeName": self.idle_code or None,
                }
                for channel in agent.team.channels
            ],
        }


class Ledger:
    """Records, seen ``lag`` seconds after they were made."""

    __slots__ = ("_agents", "_coming", "_ended", "_tasks", "lag")

    def __init__(self, lag: float) -> None:
        self.lag = lag
        self._coming: deque[TaskRecord | AgentRecord] = deque()
        self._tasks: dict[str, TaskRecord] = {}
        self._agents: dict[str, AgentRecord] = {}
        self._ended: deque[TaskRecord] = deque()

    def task(self, task: Task, now: float) -> None:
        """Note how the interaction is now."""
        self._coming.append(TaskRecord(task, now))

    def agent(self, agent: Agent, now: float) -> None:
        """Note how the agent is now."""
        self._coming.append(AgentRecord(agent, now))

    def settle(self, now: float) -> None:
        """See what is old enough to be seen, and forget what ended long ago."""
        coming = self._coming
        while coming and coming[0].at <= now - self.lag:
            record = coming.popleft()
            if isinstance(record, AgentRecord):
                self._agents[record.agent.id] = record
                continue
            self._tasks[record.task.id] = record
            if record.status == "ended":
                self._ended.append(record)
        while self._ended and (self._ended[0].at < now - REMEMBER or len(self._ended) > MOST_ENDED):
            self._tasks.pop(self._ended.popleft().task.id, None)

    @property
    def tasks(self) -> list[TaskRecord]:
        """Every interaction that a search can find, oldest first."""
        return list(self._tasks.values())

    @property
    def agents(self) -> list[AgentRecord]:
        """Every agent who has signed on since the start."""
        return list(self._agents.values())


def _named(thing: Queue | Team | Agent | None) -> Row | None:
    return {"id": thing.id, "name": thing.name} if thing else None


def _callback(record: TaskRecord) -> Row | None:
    if not record.callback:
        return None
    return {"callbackType": "courtesy", "callbackRequestTime": int(record.parked * 1000)}
