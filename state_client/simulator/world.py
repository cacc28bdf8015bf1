"""The world: a contact centre that goes on by a seeded script, on whatever clock it is given.

    world = World(Script(seed=7), start=now)
    events = world.step(now + 1)          # what the cloud would send, in order, with the times at which it happened
    world.truth().queues[queue_id].length # what is so
    world.task_rows(now + 1)              # what a search shows then: `lag` seconds behind

Here lives what holds the scripts together. No clock, no network, no event loop.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from random import Random

from state_client.simulator.calls import NO_HEADERS, Calls
from state_client.simulator.centre import Agent, Queue, Task, lay_out, new_id
from state_client.simulator.ledger import AgentRecord, Ledger, Row, TaskRecord
from state_client.simulator.script import Script
from state_client.simulator.staff import Staff
from state_client.simulator.stage import Event, Stage
from state_client.simulator.truth import STATES, QueueTruth, TeamTruth, Truth


class World:
    """A simulated contact centre. ``start`` is in seconds since the epoch, ``lag`` in seconds."""

    def __init__(self, script: Script | None = None, start: float = 1_700_000_000.0, lag: float = 3.0) -> None:
        self.script = script or Script()
        self._rng = Random(self.script.seed)
        self.org_id = new_id(self._rng)
        self.centre = lay_out(self.script, self._rng)
        self.ledger = Ledger(lag)
        self._stage = Stage(self._rng, self.org_id, start)
        self.staff = Staff(self._stage, self.script, self.ledger)
        self.calls = Calls(self._stage, self.script, self.centre, self.staff, self.ledger)
        for agent in self.centre.agents.values():
            self.staff.hire(agent)
        for queue in self.centre.queues.values():
            self._expect(queue)
        self.ledger.settle(start + lag)

    @property
    def now(self) -> float:
        """The time that it has come to, in seconds since the epoch."""
        return self._stage.now

    @property
    def next_at(self) -> float | None:
        """When the next thing happens; None: never, unless somebody calls."""
        return self._stage.next_at

    def step(self, until: float) -> list[Event]:
        """Go on to that time. Gives the events in the order in which they happened, in the cloud's own form.

        Agents' are those of `agent:2.0.0`; `source` names no subscription. A time that has passed gives what was said
        by `call` and the like since the last step.
        """
        events = self._stage.run(until)
        self.ledger.settle(self._stage.now)
        return events

    def queue(self, name_or_id: str) -> Queue | None:
        """The queue of that id or name."""
        found = self.centre.queues.get(name_or_id)
        return found or next((queue for queue in self.centre.queues.values() if queue.name == name_or_id), None)

    def call(
        self,
        queue: Queue,
        origin: str = "",
        destination: str = "",
        held: bool = True,
        headers: Mapping[str, str] = NO_HEADERS,
    ) -> Task | None:
        """Somebody calls that queue now and is in it at once; None if the entitlement has no room.

        A held call waits and talks until `hang_up`; one that isn't held goes by the script. `step` gives its events.
        ``headers`` are those of its INVITE.
        """
        return self.calls.arrive(queue, origin, destination, held, headers)

    def hang_up(self, task_id: str) -> bool:
        """The caller of that interaction hangs up; False if it isn't in progress."""
        task = self.calls.tasks.get(task_id)
        if task is None or task.status in ("wrapup", "ended"):
            return False
        self.calls.hang_up(task)
        return True

    def lengths(self) -> dict[str, int]:
        """How many wait in each queue now, by id: those who asked to be called back apart."""
        return {queue.id: len(queue.waiting) for queue in self.centre.queues.values()}

    def truth(self) -> Truth:
        """All that is so now."""
        queues = {queue.id: self._queue_truth(queue) for queue in self.centre.queues.values()}
        teams = {}
        for team in self.centre.teams.values():
            states = Counter(_state(agent) for agent in team.agents if agent.state != "logged-out")
            teams[team.id] = TeamTruth(team.id, team.name, dict(states))
        tasks = {task.id: task.status for task in self.calls.tasks.values()}
        return Truth(self.now, queues, teams, tasks, self.calls.voice, self.calls.refused)

    def task_records(self, now: float) -> list[TaskRecord]:
        """Interactions as a search at that time shows them, also those that ended within the hour."""
        self.ledger.settle(now)
        return self.ledger.tasks

    def task_rows(self, now: float) -> list[Row]:
        """The rows of `task_records` in the words of `/search`."""
        return [record.row() for record in self.task_records(now)]

    def agent_records(self, now: float) -> list[AgentRecord]:
        """Agents as a search at that time shows them, also those who signed off."""
        self.ledger.settle(now)
        return self.ledger.agents

    def agent_rows(self, now: float) -> list[Row]:
        """The rows of `agent_records` in the words of `/search`: sessions with their channels."""
        return [record.row(self.centre.site_id) for record in self.agent_records(now)]

    def _queue_truth(self, queue: Queue) -> QueueTruth:
        waits = [self.now - task.parked for task in queue.waiting.values()]
        return QueueTruth(
            id=queue.id,
            name=queue.name,
            channel=queue.channel,
            length=len(waits),
            longest_wait=max(waits, default=0.0),
            total_wait=sum(waits),
            callbacks=len(queue.callbacks),
            agents_available=sum(len(team.available) for team in queue.teams),
            agents_signed_on=sum(team.signed_on for team in queue.teams),
        )

    def _expect(self, queue: Queue) -> None:
        """The next caller: drawn at the highest rate there is, and taken with the share that the hour has of it."""
        script = self.script
        rate = queue.share * script.load * len(self.centre.agents) / script.busy
        most = rate * max(script.hours) * (1 + script.swing)
        if most <= 0:
            return
        phase = self._rng.random()

        def somebody() -> None:
            now = self.now
            if self._rng.random() * most < rate * _rise(script, now, phase):
                self.calls.arrive(queue)
            self._stage.later(self._rng.expovariate(most), somebody)

        self._stage.later(self._rng.expovariate(most), somebody)


def _rise(script: Script, now: float, phase: float) -> float:
    """How much of the usual comes at that time: a triangle between 1 − swing and 1 + swing, times the hour's share."""
    place = (now / script.swing_period + phase) % 1.0
    triangle = 4 * abs(place - 0.5) - 1
    return script.hours[int(now // 3600) % 24] * (1 + script.swing * triangle)


def _state(agent: Agent) -> str:
    return STATES.get(agent.state, "engaged") if agent.busy_on in ("", "telephony") else "engaged"
