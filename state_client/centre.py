"""The contact centre as it is kept in memory: events, searches and lists go in, and the picture is current.

Nothing here knows a network or a clock: whoever calls says what time it is, in seconds since the epoch. Only the
picture is in its reader's clock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, Unpack

from state_client import confirmation, snapshot, stored
from state_client.agent import Agent
from state_client.agent_table import AgentTable, TeamState
from state_client.hint import hint
from state_client.picture import AWAITED, FOREVER, GROUPS, NEVER, STATIC, Picture, Queue, QueueValues
from state_client.queue_state import QueueState
from state_client.rows import AgentEvent, AgentRow, QueueRow, TaskEvent, TaskRow, TeamRow
from state_client.task import Task
from state_client.task_table import GRAVES, TaskTable

PUSHED: Final = "pushed"
RECONCILE: Final = "reconcile"
STORED: Final = "stored"
_FORGET_EVERY: Final = 60.0


class ContactCentre:
    """What is known of a contact centre now.

    ``offset`` is what has to be taken off an epoch time to get the picture's clock: ``time.time() - time.monotonic()``
    where the picture is read by the monotonic clock. ``picture`` may be one that others write in, too.

    ``listener`` is called with a queue when its values or its age have changed. It is called thousands of times a
    second: it had better only remember the queue.
    """

    def __init__(self, offset: float = 0.0, picture: Picture | None = None) -> None:
        self.picture = picture if picture is not None else Picture()
        self.listener: Callable[[Queue], None] | None = None
        self.table = TaskTable(offset, self._changed)
        self.staff = AgentTable(offset, self._changed)
        self._offset = offset
        self._now = self._forgotten = 0.0

    @property
    def offset(self) -> float:
        """What has to be taken off an epoch time to get the picture's clock."""
        return self._offset

    @offset.setter
    def offset(self, offset: float) -> None:
        self._offset = self.table.offset = self.staff.offset = offset

    @property
    def tasks(self) -> dict[str, Task]:
        """Interactions in progress, by id."""
        return self.table.tasks

    @property
    def queues(self) -> dict[str, QueueState]:
        """Queues by id, those without a name too."""
        return self.table.queues

    @property
    def agents(self) -> dict[str, Agent]:
        """Agents by id, for a while also those who have signed off."""
        return self.staff.agents

    @property
    def teams(self) -> dict[str, TeamState]:
        """Teams by id, those without a name too."""
        return self.staff.teams

    def apply(self, event: TaskEvent | AgentEvent, now: float) -> str:
        """Apply an event. Gives what became of it: applied, late (it was known, or overtaken) or ignored."""
        if isinstance(event, TaskEvent):
            if event.queue_id:
                self._queue(event.queue_id)
            return self.table.apply(event, now)
        task = self.tasks.get(event.task_id) if event.task_id else None
        hinted = hint(event, task) if task is not None else None
        if hinted is not None:
            self.table.apply(hinted, now)
        return self.staff.apply(event, now)

    def configure(self, queues: Iterable[QueueRow], teams: Iterable[TeamRow]) -> None:
        """Take in names, limits and distribution groups, of all queues and teams or of some."""
        for team_row in teams:
            team = self.staff.team(team_row.id)
            team.configured = True
            self.picture.add_team(team.team, team_row.name)
        for row in queues:
            self._configure(row)

    def retire_queue(self, queue_id: str) -> str:
        """Take a queue out of the picture that the contact centre has no more. Gives its name.

        Contacts that are in it still are kept under its id, and are shown nowhere unless it comes back.
        """
        queue = self.queues.pop(queue_id)
        queue.configured = False
        self.staff.release(queue)
        self.picture.remove(queue.queue)
        self.table.reseat(queue_id, self._now)
        for group in GROUPS:
            queue.queue.stamp(group).doubt(AWAITED)
        self._changed(queue.queue)
        return queue.queue.name

    def retire_team(self, team_id: str) -> str:
        """Take a team out of the picture that the contact centre has no more. Gives its name.

        Agents who are signed on in it count for the queues that it serves until they are seen elsewhere.
        """
        team = self.teams[team_id]
        team.configured = False
        self.picture.remove_team(team.team)
        if not team.queues and not any(sum(counts.values()) for counts in team.team.counts.values()):
            del self.teams[team_id]
        return team.team.name

    def unknown_ids(self) -> tuple[set[str], set[str]]:
        """Queues and teams that events or searches have named by an id that no list has had a name for."""
        queues = {id for id, queue in self.queues.items() if not queue.configured}
        return queues, {id for id, team in self.teams.items() if not team.configured}

    def task_comparison(self, asked: float, source: str = RECONCILE) -> snapshot.TaskComparison:
        """Begin a comparison with a search of active inbound telephone contacts, to be taken page by page."""
        return snapshot.TaskComparison(self.table, asked, source)

    def parked_comparison(self, asked: float) -> snapshot.ParkedComparison:
        """Begin a comparison with a search of parked inbound telephone contacts, to be taken page by page.

        Who waits here and isn't shown there is among the `doubted` afterwards.
        """
        return snapshot.ParkedComparison(self.table, asked, confirmation.CONFIRM)

    def agent_comparison(self, asked: float, source: str = RECONCILE) -> snapshot.AgentComparison:
        """Begin a comparison with a search of signed-on agents, to be taken page by page."""
        return snapshot.AgentComparison(self.staff, asked, source)

    def compare_tasks(self, rows: Iterable[TaskRow], asked: float, now: float, source: str = RECONCILE) -> int:
        """Compare with all active inbound telephone contacts, as asked for at ``asked``. Gives the corrections."""
        comparison = self.task_comparison(asked, source)
        comparison.take(rows, now)
        comparison.check(comparison.kept(), now)
        return comparison.finish(now)

    def compare_agents(self, rows: Iterable[AgentRow], asked: float, now: float, source: str = RECONCILE) -> int:
        """Compare with all signed-on agents, as asked for at ``asked``. Gives the corrections."""
        comparison = self.agent_comparison(asked, source)
        comparison.take(rows, now)
        comparison.check(comparison.kept(), now)
        return comparison.finish()

    def queue_confirmation(self, counts: Mapping[str, int], asked: float) -> confirmation.QueueConfirmation:
        """Begin to compare with a count of parked contacts by queue id, to be checked a few at a time."""
        return confirmation.QueueConfirmation(self.table, counts, asked)

    def team_confirmation(self, counts: Mapping[tuple[str, str], int], asked: float) -> confirmation.TeamConfirmation:
        """Begin to compare with a count of agents by team id and state, to be checked a few at a time."""
        return confirmation.TeamConfirmation(self.staff, counts, asked)

    def confirm_tasks(self, counts: Mapping[str, int], asked: float, now: float) -> tuple[str, ...]:
        """Renew the age of queues with as many parked contacts as counted, by queue id. Gives the ids of the others."""
        found = self.queue_confirmation(counts, asked)
        found.check(found.kept(), now)
        return tuple(found.wrong)

    def confirm_agents(self, counts: Mapping[tuple[str, str], int], asked: float, now: float) -> tuple[str, ...]:
        """Renew the age of teams with as many agents as counted, by team id and state. Gives the ids of the others."""
        found = self.team_confirmation(counts, asked)
        found.check(found.kept(), now)
        return found.finish()

    def in_line(self) -> bool:
        """Whether a caller waits, or is about to, or was just offered to an agent."""
        return self.table.in_line()

    def doubted(self, now: float) -> tuple[str, ...]:
        """Interactions to be searched for by id.

        They are parked for longer than their queue allows, and don't count; or a search has shown them otherwise.
        """
        return self.table.doubted(now)

    def settle_doubt(self, rows: Iterable[TaskRow], asked: float, now: float) -> int:
        """Take what a search by id has shown of all doubted interactions. Gives the corrections."""
        return snapshot.settle_doubt(self.table, rows, asked, now)

    def tick(self, now: float) -> None:
        """Let waits grow, and forget what is long past. To be called once a second."""
        self._now = now
        self.table.tick(now)
        if now - self._forgotten >= _FORGET_EVERY:
            self._forgotten = now
            self.table.forget(now)
            self.staff.forget(now, GRAVES)

    def set_estimate(self, queue_id: str, seconds: float | None, now: float) -> None:
        """Set a queue's estimated wait; None where the contact centre has too little to estimate it by."""
        queue = self._queue(queue_id)
        queue.queue.estimated_wait = -1 if seconds is None else round(seconds)
        queue.queue.of_estimate.renew(now - self._offset, RECONCILE)
        self._told(queue)

    def push(self, name: str, ttl: float | None, now: float, **values: Unpack[QueueValues]) -> Queue:
        """Set a queue's values from outside; they hold for ``ttl`` seconds."""
        at = now - self._offset
        queue = self.picture.set(name, at, PUSHED, FOREVER if ttl is None else at + ttl, **values)
        self._changed(queue)
        return queue

    def everything_stale(self, source: str = STORED) -> None:
        """Say that nobody knows whether any of this is still so, as after loading it from disk."""
        for queue in [*self.picture, *(state.queue for state in self.queues.values())]:
            for group in GROUPS:
                stamp = queue.stamp(group)
                if stamp.source not in ("", STATIC):
                    stamp.doubt(source)
        for team in self.teams.values():
            team.team.of_agents.doubt(source)

    def state_rows(self) -> Iterator[tuple[str, Any]]:
        """Everything as plain rows by name, for a store. It may change between two of them."""
        return stored.rows(self.table, self.staff, self.picture)

    def restore(self, data: Mapping[str, Any]) -> bool:
        """Take back what `state_rows` gave: it shows, but it is stale until somebody says it anew.

        Data of another form changes nothing; then this gives False.
        """
        state = stored.read(data)
        if state is None:
            return False
        self.configure(state.queues, state.teams)
        for task in state.tasks:
            self.tasks[task.id] = task
            self.table.seat(task, task.order.time)
        for agent in state.agents:
            self.staff.admit(agent)
        for name, values in state.pushed:
            self.picture.set(name, NEVER, STORED, **values)
        self.everything_stale()
        return True

    def _queue(self, queue_id: str) -> QueueState:
        return self.table.queue(queue_id)

    def _configure(self, row: QueueRow) -> None:
        known = row.id in self.queues
        queue = self._queue(row.id)
        shown = queue.queue
        channel = shown.channel
        queue.max_time = row.max_time
        shown.type, shown.channel = row.type, row.channel
        queue.configured = True
        if shown.name != row.name:
            self.picture.rename(shown, row.name, row.id)
        if row.team_ids is not None:
            self.staff.serve(queue, row.team_ids)
        elif channel != row.channel and queue.team_ids is not None:
            self.staff.serve(queue, queue.team_ids)
        if known and channel != row.channel:
            self.table.reseat(row.id, self._now)
        self._changed(shown)

    def _told(self, queue: QueueState) -> None:
        if queue.configured:
            self._changed(queue.queue)

    def _changed(self, queue: Queue) -> None:
        if self.listener is not None:
            self.listener(queue)
