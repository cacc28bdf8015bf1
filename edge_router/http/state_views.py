"""What is told over HTTP of the contact centre's state: flat JSON objects, the same keys always.

Waits and ages are in seconds; null is what isn't known. A queue's `fresh` says that a rule may rely on it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import isfinite
from typing import Final

from state_client.agent import Agent
from state_client.centre import ContactCentre
from state_client.picture import AGENT_STATES, Queue, Team
from state_client.task import Task

View = dict[str, object]

QUEUE_KEYS: Final = (
    "id",
    "name",
    "type",
    "channel",
    "length",
    "expected",
    "total_wait_secs",
    "longest_wait_secs",
    "calls",
    "agents_available",
    "agents_signed_on",
    "estimated_wait_secs",
    "age_secs",
    "tasks_age_secs",
    "agents_age_secs",
    "estimate_age_secs",
    "fresh",
    "source",
)


def queue_view(queue: Queue, now: float, stale_after: float, unseen: int = 0) -> View:
    """One queue; ``now`` is in the picture's clock. ``unseen`` are calls sent there that it doesn't show yet."""
    age = queue.age(now)
    return {
        "id": queue.id,
        "name": queue.name,
        "type": queue.type,
        "channel": queue.channel,
        "length": queue.length,
        "expected": queue.length + unseen,
        "total_wait_secs": queue.total_wait,
        "longest_wait_secs": queue.longest_wait,
        "calls": queue.calls,
        "agents_available": queue.agents_available,
        "agents_signed_on": queue.agents_signed_on,
        "estimated_wait_secs": queue.estimated_wait,
        "age_secs": _seconds(age),
        "tasks_age_secs": _seconds(queue.age_of("length", now)),
        "agents_age_secs": _seconds(queue.age_of("agents_available", now)),
        "estimate_age_secs": _seconds(queue.age_of("estimated_wait", now)),
        "fresh": age <= stale_after,
        "source": queue.source,
    }


def team_view(team: Team, now: float, stale_after: float) -> View:
    """One team: its agents by what they do on the telephone."""
    age = team.of_agents.age(now)
    counts: View = {f"agents_{state}": team.count(state) for state in AGENT_STATES}
    return {
        "id": team.id,
        "name": team.name,
        "agents_signed_on": team.signed_on,
        **counts,
        "age_secs": _seconds(age),
        "fresh": age <= stale_after,
        "source": team.of_agents.source,
    }


def agent_views(centre: ContactCentre, now: float) -> Iterator[View]:
    """Signed-on agents, one object for each channel; ``now`` is seconds since the epoch."""
    for agent in list(centre.agents.values()):
        if agent.signed_on:
            yield from _channels(agent, centre, now)


def _channels(agent: Agent, centre: ContactCentre, now: float) -> Iterator[View]:
    team = centre.teams.get(agent.team_id)
    for name, channel in agent.channels.items():
        yield {
            "id": agent.id,
            "name": agent.name,
            "team": team.team.name if team else "",
            "channel": name,
            "state": channel.state,
            "state_secs": _seconds(max(0.0, now - channel.since)),
            "idle_code": channel.idle_code,
            "task": channel.task_id,
        }


def task_views(centre: ContactCentre, now: float, call_of: Callable[[str], str | None]) -> Iterator[View]:
    """Interactions in progress; ``now`` is seconds since the epoch. ``call_of`` gives the call of ours that one is."""
    return (_task(task, centre, now, call_of(task.id)) for task in list(centre.tasks.values()))


def _interaction(task: Task, centre: ContactCentre) -> View:
    """What everybody is told of an interaction."""
    queue = centre.queues.get(task.queue_id)
    return {
        "id": task.id,
        "state": task.state,
        "queue": queue.queue.name if queue else "",
        "channel": task.channel,
        "direction": task.direction,
        "origin": task.origin,
        "destination": task.destination,
    }


def _task(task: Task, centre: ContactCentre, now: float, call_id: str | None) -> View:
    return {
        **_interaction(task, centre),
        "callback": task.callback,
        "doubted": task.doubted,
        "agent": task.agent_id,
        "call_id": call_id or task.call,
        "parked_secs": _seconds(max(0.0, now - task.parked_at)) if task.parked_at else None,
    }


def task_event_view(task: Task, centre: ContactCentre, now: float, call_id: str | None) -> View:
    """What is told of an interaction when it begins, changes or ends; ``now`` is seconds since the epoch."""
    return {
        **_interaction(task, centre),
        "call_id": task.call or call_id or "",
        "began_secs": _seconds(max(0.0, now - task.created)) if task.created else None,
    }


def _seconds(amount: float) -> float | None:
    """Seconds to the millisecond; None where there is no telling, which JSON has no number for."""
    return round(amount, 3) if isfinite(amount) else None
