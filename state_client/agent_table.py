"""All agents and teams, and how many agents each queue can hope for.

A queue's agents are those of the teams in its distribution groups. They are kept by increments: an agent is in one
team at a time, so that counting his team's queues up and down counts nobody twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Set
from typing import Final

from state_client.agent import EVENTS, LOGIN, LOGOUT, SIGNED_OFF, Agent
from state_client.order import APPLIED, IGNORED, LATE
from state_client.picture import (
    AGENT_STATES,
    AVAILABLE,
    AWAITED,
    ENGAGED,
    IDLE,
    NOT_RESPONDING,
    RESERVED,
    TELEPHONY,
    WRAPUP,
    Queue,
    Team,
)
from state_client.queue_state import QueueState
from state_client.recent import Recent
from state_client.rows import AgentEvent

COARSE: Final[dict[str, str]] = {
    AVAILABLE: AVAILABLE,
    IDLE: IDLE,
    NOT_RESPONDING: IDLE,
    RESERVED: ENGAGED,
    ENGAGED: ENGAGED,
    WRAPUP: ENGAGED,
}
"""States as a count can be compared: a search has fewer words than events have."""
MOST: Final = 200_000
"""Agents kept at most."""

EVENT: Final = "event"


class TeamState:
    """One team as it is kept: ``team`` is what the picture shows of it. ``configured`` says that its name is known."""

    __slots__ = ("configured", "queues", "recent", "team")

    def __init__(self, id: str) -> None:
        self.team = Team(id)
        self.team.of_agents.doubt(AWAITED)
        self.configured = False
        self.queues: list[QueueState] = []
        self.recent = Recent()

    def agrees(self, counts: Mapping[str, int], since: float) -> bool:
        """Whether a search may have seen these counts by coarse state, if it shows any moment since then."""
        here = dict.fromkeys((AVAILABLE, IDLE, ENGAGED), 0)
        for state in AGENT_STATES:
            here[COARSE[state]] += self.team.count(state)
        if all(counts.get(state, 0) == count for state, count in here.items()):
            return True
        bounds = self.recent.bounds(here, since)
        return all(low <= counts.get(state, 0) <= high for state, (low, high) in bounds.items())


class AgentTable:
    """All agents and teams by id, ``most`` agents. ``offset`` takes an epoch time to the picture's clock."""

    def __init__(self, offset: float, changed: Callable[[Queue], None], most: int = MOST) -> None:
        self.agents: dict[str, Agent] = {}
        self.teams: dict[str, TeamState] = {}
        self.served: list[QueueState] = []
        self.offset = offset
        self._most = most
        self._changed = changed

    def team(self, team_id: str) -> TeamState:
        """The team of that id, which is made where it isn't known."""
        found = self.teams.get(team_id)
        if found is None:
            found = self.teams[team_id] = TeamState(team_id)
        return found

    def agent(self, agent_id: str) -> Agent | None:
        """The agent of that id, who is made where he isn't known; None where there are too many already."""
        found = self.agents.get(agent_id)
        if found is None and len(self.agents) < self._most:
            found = self.agents[agent_id] = Agent(agent_id)
        return found

    def apply(self, event: AgentEvent, now: float) -> str:
        """Apply an event. Gives APPLIED, LATE or IGNORED."""
        agent = self.agent(event.agent_id) if event.agent_id and event.type in EVENTS else None
        if agent is None:
            return IGNORED
        self.move(agent, event.team_id, event.time, now)
        names = [event.channel or TELEPHONY]
        if event.type == LOGOUT and not event.channel:
            names = list({TELEPHONY, *agent.channels})
            agent.signed_off_at = max(agent.signed_off_at, event.time)
        elif event.type == LOGIN and agent.state(names[0]) != SIGNED_OFF:
            return LATE  # he is signed on already: a later event has said so
        result = IGNORED
        for name in names:
            before = agent.state(name)
            word = agent.channel(name).take(event, now)
            if word == APPLIED:
                self.shift(agent, name, before, now)
                result = APPLIED
            elif result == IGNORED:
                result = word
        if result == APPLIED and agent.team_id:
            self.renew(self.team(agent.team_id), min(event.time, now), EVENT)
        return result

    def move(self, agent: Agent, team_id: str, time: float, now: float) -> None:
        """Take an agent over into the team in which he is as of that time."""
        old = agent.team_id
        if not agent.join(team_id, time):
            return
        for name, channel in agent.channels.items():
            if old:
                self._count(self.team(old), name, channel.state, -1, now)
            self._count(self.team(team_id), name, channel.state, 1, now)

    def admit(self, agent: Agent) -> None:
        """Take in an agent with what he does on each channel."""
        self.agents[agent.id] = agent
        for name, channel in agent.channels.items():
            if agent.team_id:
                self._count(self.team(agent.team_id), name, channel.state, 1, channel.since)

    def shift(self, agent: Agent, channel: str, before: str, now: float) -> None:
        """Count an agent anew after his state on a channel has changed."""
        state = agent.channels[channel].state
        if state == before or not agent.team_id:
            return
        team = self.team(agent.team_id)
        self._count(team, channel, before, -1, now)
        self._count(team, channel, state, 1, now)

    def renew(self, team: TeamState, known: float, source: str) -> None:
        """Say that a team's counts are true as of ``known``, and so those of the queues that it serves."""
        at = known - self.offset
        team.team.of_agents.renew(at, source)
        for queue in team.queues:
            queue.queue.of_agents.renew(at, source)
            if queue.configured:
                self._changed(queue.queue)

    def renew_agreed(self, wrong: Set[str], channels: Set[str], known: float, source: str) -> None:
        """Say that all teams but the wrong ones are as the picture has them, and the queues that only those serve."""
        at = known - self.offset
        for id, team in self.teams.items():
            if id not in wrong:
                team.team.of_agents.renew(at, source)
        for queue in self.served:
            if queue.queue.channel.lower() in channels and wrong.isdisjoint(queue.team_ids or ()):
                queue.queue.of_agents.renew(at, source)
                if queue.configured:
                    self._changed(queue.queue)

    def serve(self, queue: QueueState, team_ids: Iterable[str]) -> None:
        """Say which teams a queue's contacts are given to, and count their agents."""
        for id in queue.team_ids or ():
            self.team(id).queues.remove(queue)
        if queue.team_ids is None:
            self.served.append(queue)
        queue.team_ids = tuple(dict.fromkeys(team_ids))
        shown, channel = queue.queue, queue.queue.channel.lower()
        shown.agents_available = shown.agents_signed_on = 0
        for id in queue.team_ids:
            team = self.team(id)
            team.queues.append(queue)
            shown.agents_available += team.team.count(AVAILABLE, channel)
            shown.agents_signed_on += team.team.count_signed_on(channel)
        if queue.team_ids:
            oldest = min((self.team(id).team.of_agents for id in queue.team_ids), key=lambda stamp: stamp.time)
            shown.of_agents.renew(oldest.time, oldest.source)

    def release(self, queue: QueueState) -> None:
        """Say that a queue is gone: nobody serves it."""
        if queue.team_ids is None:
            return
        for id in queue.team_ids:
            self.team(id).queues.remove(queue)
        self.served.remove(queue)
        queue.team_ids = None

    def forget(self, now: float, after: float) -> None:
        """Drop agents who signed off that long ago: until then, what comes late must not sign them on again."""
        before = now - after
        for agent in list(self.agents.values()):
            for channel in agent.channels.values():
                if channel.state != SIGNED_OFF or channel.order.time >= before:
                    break
            else:
                del self.agents[agent.id]

    def _count(self, team: TeamState, channel: str, state: str, by: int, now: float) -> None:
        if state == SIGNED_OFF:
            return
        counts = team.team.counts.get(channel)
        if counts is None:
            counts = team.team.counts[channel] = dict.fromkeys(AGENT_STATES, 0)
        counts[state] += by
        if channel == TELEPHONY:
            team.recent.note(now, COARSE[state], by)
        available = by if state == AVAILABLE else 0
        for queue in team.queues:
            shown = queue.queue
            if shown.channel.lower() == channel:
                shown.agents_signed_on += by
                shown.agents_available += available
