"""What becomes of an interaction: it comes, hears a menu, waits, rings, is talked about, ends; or goes another way.

Here lives the callers' part of the script, with the three sequences that mislead who only counts events: a caller who
is to be called back says nothing when he hangs up; a call that no agent answers is parked again and *then* ended by the
system, though it goes on waiting; and what is done while connected ends in a word that says `done`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from state_client.simulator.centre import Agent, Centre, Queue, Task, new_id
from state_client.simulator.flow import variables_of
from state_client.simulator.ledger import Ledger
from state_client.simulator.script import Script
from state_client.simulator.staff import Staff
from state_client.simulator.stage import Event, Stage

ROUTING = 0.1
"""Seconds that the cloud takes to find an agent who is free."""

REQUEUED = 0.003
"""Seconds between a call that wasn't answered being parked again and the word that it has ended."""

NO_MENU = 0.001
"""Seconds between coming and being parked where the caller hears no menu."""

RECORDING = 30.0
"""Seconds until a recording is there."""

CALLBACK_AFTER = 30.0
"""Seconds that the cloud leaves a caller alone who asked to be called back."""

NO_HEADERS: Mapping[str, str] = MappingProxyType({})

SAMPLES = 2000
"""Waits of a queue that are kept for its estimate."""


class Calls:
    """All interactions in progress, by id."""

    __slots__ = ("_centre", "_ledger", "_script", "_staff", "_stage", "refused", "tasks", "voice")

    def __init__(self, stage: Stage, script: Script, centre: Centre, staff: Staff, ledger: Ledger) -> None:
        self._stage = stage
        self._script = script
        self._centre = centre
        self._staff = staff
        self._ledger = ledger
        self.tasks: dict[str, Task] = {}
        self.voice = 0  # voice contacts in progress, which the entitlement bounds
        self.refused = 0
        staff.when_available = self.serve

    def arrive(
        self,
        queue: Queue,
        origin: str = "",
        destination: str = "",
        held: bool = False,
        headers: Mapping[str, str] = NO_HEADERS,
    ) -> Task | None:
        """Somebody calls, on his way to that queue; None if the entitlement has no room for him."""
        script = self._script
        if queue.channel == "telephony" and script.sessions and self.voice >= int(script.sessions * script.surge):
            self.refused += 1
            return None
        origin = origin or f"+1{self._stage.rng.randrange(2_000_000_000, 9_999_999_999)}"
        task = self._new(queue.channel, origin, destination or queue.number)
        task.held = held
        task.variables = variables_of(headers)
        self._tell(task, "task:new", -NO_MENU if held else 0.0)
        self._become(task, "new")
        if held:
            self._park(task, queue)
        elif self._stage.chance(script.gives_up_in_menu):
            self._plan(task, self._stage.about(script.menu), lambda: self._leave(task, "Customer"))
        else:
            self._plan(task, self._stage.roughly(script.menu), lambda: self._park(task, queue))
        return task

    def hang_up(self, task: Task) -> None:
        """The caller hangs up, wherever he is. What has ended already stays so."""
        if task.status in ("connect", "new", "parked"):
            self._leave(task, "Customer")
        elif task.id in self.tasks and task.status not in ("wrapup", "ended"):
            self._finish(task, "Customer")

    def serve(self, agent: Agent) -> None:
        """An agent has time: he takes the one who has waited longest, or calls somebody himself."""
        if self._script.load and self._stage.chance(self._script.outdial):
            self._dial_out(agent)
            return
        longest: Task | None = None
        for queue in agent.team.queues:
            first = next(self._ready(queue), None)
            if first and (longest is None or first.parked < longest.parked):
                longest = first
        if longest:
            self._offer(longest, agent)

    def _ready(self, queue: Queue) -> Iterator[Task]:
        """Those who may be given to an agent now, longest first within the queue and within the callbacks."""
        yield from queue.waiting.values()
        patient = self._stage.now - CALLBACK_AFTER
        yield from (task for task in queue.callbacks.values() if task.parked < patient)

    def _new(self, channel: str, origin: str, destination: str) -> Task:
        task = Task(new_id(self._stage.rng), channel, origin, destination, self._stage.now)
        task.recorded = channel == "telephony" and self._stage.chance(self._script.recorded)
        self.tasks[task.id] = task
        self.voice += channel == "telephony"
        return task

    def _plan(self, task: Task, seconds: float, deed: Callable[[], None]) -> None:
        """Do it then, unless something else became of the call."""
        turn = task.turn

        def do() -> None:
            if task.turn == turn:
                deed()

        self._stage.later(seconds, do)

    def _become(self, task: Task, status: str) -> None:
        task.status = status
        task.turn += 1
        self._ledger.task(task, self._stage.now)

    def _park(self, task: Task, queue: Queue) -> None:
        """Into the queue. Whose call nobody answered keeps his place in it, and his patience."""
        task.queue = queue
        task.agent = None
        if task.requeued and task.callback:
            queue.callbacks[task.id] = task
        elif task.requeued:
            queue.waiting = {task.id: task, **queue.waiting}
        else:
            task.parked = self._stage.now
            task.visit += 1
            queue.waiting[task.id] = task
            if not task.held:
                visit = task.visit
                patience = min(self._stage.about(self._script.patience), queue.max_time * 0.9)
                self._stage.later(patience, lambda: self._lose_patience(task, visit))
        task.requeued = False
        self._tell(task, "task:parked", queueId=queue.id)
        self._become(task, "parked")
        self._plan(task, ROUTING, lambda: self._route(task, queue))

    def _route(self, task: Task, queue: Queue) -> None:
        """To whoever has been available longest, in any of the queue's teams. Else he waits for one who gets free."""
        agent: Agent | None = None
        for team in queue.teams:
            first = next(iter(team.available), None)
            if first and (agent is None or first.since < agent.since):
                agent = first
        if agent:
            self._offer(task, agent)

    def _lose_patience(self, task: Task, visit: int) -> None:
        if task.visit != visit or task.callback or task.status not in ("parked", "connect"):
            return
        queue = task.queue
        wants = queue is not None and task.channel == "telephony" and task.status == "parked"
        if wants and self._stage.chance(self._script.callback):
            self._ask_callback(task)
        else:
            self._leave(task, "Customer")

    def _ask_callback(self, task: Task) -> None:
        """He hangs up and is called back later. No event says so: to who counts events, he is waiting."""
        assert task.queue is not None
        del task.queue.waiting[task.id]
        task.queue.callbacks[task.id] = task
        task.callback = True
        self._become(task, "parked")
        self._plan(task, CALLBACK_AFTER * 1.1, lambda: self._route(task, task.queue) if task.queue else None)

    def _offer(self, task: Task, agent: Agent) -> None:
        queue = task.queue
        assert queue is not None
        queue.waiting.pop(task.id, None)
        queue.callbacks.pop(task.id, None)
        if task.callback:
            task.direction = "OUTBOUND"
            task.outbound_type = "COURTESY_CALLBACK"
        task.agent = agent
        task.team = agent.team
        self._tell(task, "task:connect", queueId=queue.id)
        self._become(task, "connect")
        self._staff.ring(agent, task)
        if self._stage.chance(self._script.rona):
            self._plan(task, self._script.rona_after, lambda: self._nobody_answers(task, agent, queue))
        else:
            ring = min(self._stage.roughly(self._script.ring), self._script.rona_after)
            self._plan(task, ring, lambda: self._answered(task, agent))

    def _nobody_answers(self, task: Task, agent: Agent, queue: Queue) -> None:
        """Back where he was; the word that follows says ended, and isn't true."""
        self._staff.miss(agent, task)
        task.requeued = True
        self._park(task, queue)
        self._tell(
            task, "task:ended", REQUEUED, queueId=queue.id, reason="RONA Timer Expired", terminatingParty="System"
        )

    def _answered(self, task: Task, agent: Agent) -> None:
        queue = task.queue
        if queue is not None and not task.callback:
            queue.waits.append((self._stage.now, self._stage.now - task.parked))
            del queue.waits[:-SAMPLES]
        self._tell(task, "task:connected", queueId=queue.id if queue else None)
        self._become(task, "connected")
        self._staff.answer(agent, task)
        if not task.held:
            self._talk(task, agent)

    def _talk(self, task: Task, agent: Agent) -> None:
        """What they do until it is over: perhaps a hold, a question to somebody else, a third party."""
        script, length = self._script, self._stage.roughly(self._script.handling)
        turn = task.turn
        acts = (
            (script.hold, 0.1, 0.3, "on-hold", "hold-done"),
            (script.consult, 0.4, 0.6, "consulting", "consult-done"),
            (script.conference, 0.65, 0.9, "conferencing", "conference-done"),
        )
        for share, begins, ends, word, done in acts:
            if task.channel == "telephony" and self._stage.chance(share):
                self._stage.later(length * begins, self._act(task, agent, turn, word, word))
                self._stage.later(length * ends, self._act(task, agent, turn, done, "connected"))
        self._stage.later(length, lambda: self._talked(task) if task.turn == turn else None)

    def _act(self, task: Task, agent: Agent, turn: int, word: str, status: str) -> Callable[[], None]:
        def do() -> None:
            if task.turn == turn:
                task.status = status
                self._tell(task, f"task:{word}", queueId=task.queue.id if task.queue else None)
                self._ledger.task(task, self._stage.now)
                self._staff.act(agent, word, task)

        return do

    def _talked(self, task: Task) -> None:
        others = [queue for queue in self._centre.queues.values() if queue.channel == task.channel]
        if task.direction == "INBOUND" and len(others) > 1 and self._stage.chance(self._script.transfer):
            agent = task.agent
            self._park(task, self._stage.rng.choice(others))
            if agent:
                self._staff.wrap_up(agent, task, lambda: None)
        else:
            self._finish(task, "Agent" if self._stage.chance(0.4) else "Customer")

    def _finish(self, task: Task, party: str) -> None:
        """The talk is over. It stays active in the search until the agent has wrapped it up."""
        agent = task.agent
        assert agent is not None
        self._over(task, party, "wrapup")
        self._staff.wrap_up(agent, task, lambda: self._close(task))

    def _leave(self, task: Task, party: str) -> None:
        """It ends before anybody talked."""
        agent = task.agent if task.status == "connect" else None
        self._over(task, party, "ended")
        self._close(task)
        if agent:
            self._staff.release(agent)

    def _over(self, task: Task, party: str, status: str) -> None:
        queue = task.queue
        if queue is not None:
            queue.waiting.pop(task.id, None)
            queue.callbacks.pop(task.id, None)
        queue_id = queue.id if queue else None
        self._tell(task, "task:ended", queueId=queue_id, reason=f"{party} Left", terminatingParty=party)
        task.ended = self._stage.now
        self._become(task, status)
        self.voice -= task.channel == "telephony"
        if task.recorded and status == "wrapup":
            path = f"https://recordings.example/{task.id}.wav"
            self._stage.later(
                RECORDING, lambda: self._stage.say("capture:available", {"taskId": task.id, "filePath": path})
            )

    def _close(self, task: Task) -> None:
        if task.status != "ended":
            self._become(task, "ended")
        self.tasks.pop(task.id, None)

    def _dial_out(self, agent: Agent) -> None:
        """An agent calls somebody. That is no call for any queue."""
        customer = f"+1{self._stage.rng.randrange(2_000_000_000, 9_999_999_999)}"
        task = self._new("telephony", "+18005559999", customer)
        task.direction, task.outbound_type = "OUTBOUND", "OUTDIAL"
        task.agent, task.team = agent, agent.team
        self._tell(task, "task:new")
        self._become(task, "connect")
        self._staff.ring(agent, task)
        ring = self._stage.roughly(self._script.ring)
        if self._stage.chance(self._script.unanswered):
            self._plan(task, ring * 3, lambda: self._not_reached(task))
        else:
            self._plan(task, ring, lambda: self._answered(task, agent))

    def _not_reached(self, task: Task) -> None:
        self._tell(task, "task:failed", reason="Customer Unavailable")
        self._leave(task, "Agent")

    def _tell(self, task: Task, kind: str, after: float = 0.0, **more: str | None) -> None:
        data: Event = {
            "taskId": task.id,
            "channelType": task.channel,
            "direction": task.direction,
            "origin": task.origin,
            "destination": task.destination,
            "outboundType": task.outbound_type,
            "workflowManager": None,
            **more,
        }
        self._stage.say(kind, data, after)
