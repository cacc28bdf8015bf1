"""Comparing what is kept with what a search shows, and correcting it.

A search shows the cloud as it was some seconds back. So it is never believed against an event that came within SETTLE
before it was asked; what it shows of things that we have no such tidings of, it knows better than we do.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from state_client.agent import DONE, SIGNED_OFF, WRAPPED, Agent, state_of
from state_client.agent import RANKS as AGENT_RANKS
from state_client.agent_table import AgentTable
from state_client.order import SETTLE
from state_client.picture import ENGAGED, IDLE, NOT_RESPONDING, TELEPHONY
from state_client.rows import AgentRow, TaskRow
from state_client.task import (
    CONFERENCING,
    CONNECTED,
    CONSULTING,
    ENDED,
    HELD,
    NEW,
    OFFERED,
    PARKED,
    RANKS,
    TALKING,
    WRAPUP,
    Task,
)
from state_client.task_table import TaskTable

STATUSES: Final[dict[str, str]] = {
    "new": NEW,
    "created": NEW,
    "parked": PARKED,
    "queued": PARKED,
    "connect": OFFERED,
    "offered": OFFERED,
    "connected": CONNECTED,
    "assigned": CONNECTED,
    "on-hold": HELD,
    "consulting": CONSULTING,
    "conferencing": CONFERENCING,
    "wrapup": WRAPUP,
    "ended": ENDED,
    "abandoned": ENDED,
    "completed": ENDED,
}
"""The words of searches and lists, and our states."""

OFFER: Final = 30.0
"""Seconds that an agent's telephone may ring while a search still calls the contact parked."""


class TaskComparison:
    """One search of all active inbound telephone contacts, page by page; then what is `kept` is checked; then it ends.

    ``asked`` is when the first page was asked for. ``corrections`` counts what had to be put right.
    """

    __slots__ = ("_asked", "_seen", "_settled", "_source", "_table", "corrections")

    def __init__(self, table: TaskTable, asked: float, source: str) -> None:
        self.corrections = 0
        self._table = table
        self._asked = asked
        self._settled = asked - SETTLE
        self._source = source
        self._seen: set[str] = set()

    def take(self, rows: Iterable[TaskRow], now: float) -> None:
        """Compare with one page."""
        for row in rows:
            self._seen.add(row.id)
            state = STATUSES.get(row.status.lower(), "") if row.active else ENDED
            if state:
                self.corrections += self._take(row, state, now)

    def kept(self) -> list[Task]:
        """All interactions, to be checked once every page is taken."""
        return list(self._table.tasks.values())

    def check(self, tasks: Iterable[Task], now: float) -> None:
        """End those that no page has shown."""
        for task in tasks:
            if task.id in self._seen or not covered(task) or task.state == ENDED:
                continue
            if task.heard > self._settled:
                task.questioned = True
                continue
            self._table.end(task, self._settled, now)
            self.corrections += 1

    def finish(self, now: float) -> int:
        """Renew the age of every queue. Gives the number of corrections."""
        for queue in self._table.queues.values():
            if queue.queue.channel.lower() == TELEPHONY:
                self._table.publish(queue, now, self._asked, self._source)
        return self.corrections

    def _take(self, row: TaskRow, state: str, now: float) -> bool:
        """Compare with one row. Gives whether anything had to be corrected."""
        table = self._table
        task = table.tasks.get(row.id)
        made = task is None
        if task is None:
            grave = table.graves.get(row.id)
            if state in (ENDED, WRAPUP) or (grave is not None and grave.heard > self._settled):
                return False
            table.graves.pop(row.id, None)
            task = table.tasks[row.id] = Task(row.id)
        # Nothing goes back to being new, so that what a search shows of something new can't be older.
        settled = task.heard <= self._settled or task.state == NEW
        differs = made or not _same(task, row, state, self._asked)
        wrong = settled and differs
        if settled:
            _correct(task, row, state, self._asked, wrong)
        elif differs:
            self._differs(task)
        missing = _fill(task, row)
        if wrong or missing:
            table.seat(task, now)
        return wrong

    def _differs(self, task: Task) -> None:
        """It is shown otherwise so soon after an event that this can't be believed: it is asked for again."""
        task.questioned = True


class ParkedComparison(TaskComparison):
    """One search of all parked inbound telephone contacts, page by page: the quick look between full comparisons.

    What it doesn't show isn't parked any more, and what has become of it, it doesn't say: that is `questioned`. Against
    a fresh event it isn't believed, and nothing is asked either, since the next look is soon.
    """

    __slots__ = ()

    def finish(self, now: float) -> int:
        """Question who waits here and on no page. Gives the number of corrections."""
        for queue in self._table.queues.values():
            if queue.queue.channel.lower() != TELEPHONY:
                continue
            for id in queue.waiting_ids():
                task = self._table.tasks[id]
                if id not in self._seen and task.heard <= self._settled:
                    task.questioned = True
        return self.corrections

    def _differs(self, task: Task) -> None:
        """Leave it to the next look."""


def settle_doubt(table: TaskTable, rows: Iterable[TaskRow], asked: float, now: float) -> int:
    """Take what a search by id has shown of the doubted interactions. What it doesn't show has ended."""
    shown = {row.id: row for row in rows}
    corrections = 0
    for id in table.take_asked():
        task = table.tasks.get(id)
        row = shown.get(id)
        state = STATUSES.get(row.status.lower(), "") if row is not None and row.active else ENDED
        if task is None or task.heard > asked - SETTLE:
            continue
        task.questioned = False
        if not state:
            continue
        task.doubted = False
        if row is None or state in (ENDED, WRAPUP):
            table.end(task, asked - SETTLE, now)
            corrections += 1
            continue
        wrong = not _same(task, row, state, asked)
        _correct(task, row, state, asked, wrong)
        corrections += wrong
        _fill(task, row)
        task.vouched = asked
        table.seat(task, now)
    return corrections


def covered(task: Task) -> bool:
    """Whether a search of active inbound telephone contacts should show an interaction."""
    return (task.channel or TELEPHONY) == TELEPHONY and task.direction != "outbound"


class AgentComparison:
    """One search of all signed-on agents, page by page, as with tasks."""

    __slots__ = ("_asked", "_channels", "_seen", "_settled", "_source", "_table", "corrections")

    def __init__(self, table: AgentTable, asked: float, source: str) -> None:
        self.corrections = 0
        self._table = table
        self._asked = asked
        self._settled = asked - SETTLE
        self._source = source
        self._seen: set[tuple[str, str]] = set()
        self._channels = {TELEPHONY}

    def take(self, rows: Iterable[AgentRow], now: float) -> None:
        """Compare with one page."""
        for row in rows:
            state = state_of(row.state) if row.active else SIGNED_OFF
            if state == DONE:
                state = ENGAGED
            elif state == WRAPPED:
                state = IDLE
            self._channels.add(row.channel)
            self._seen.add((row.agent_id, row.channel))
            agent = self._table.agent(row.agent_id) if state else None
            if agent is not None:
                self.corrections += self._take(agent, row, state, now)

    def kept(self) -> list[Agent]:
        """All agents, to be checked once every page is taken."""
        return list(self._table.agents.values())

    def check(self, agents: Iterable[Agent], now: float) -> None:
        """Sign off whom no page has shown."""
        for agent in agents:
            for name in agent.channels:
                if name in self._channels and (agent.id, name) not in self._seen:
                    self.corrections += self._set(agent, name, SIGNED_OFF, 0.0, now)

    def finish(self) -> int:
        """Renew the age of every team. Gives the number of corrections."""
        self._table.renew_agreed(set(), self._channels, self._asked, self._source)
        return self.corrections

    def _take(self, agent: Agent, row: AgentRow, state: str, now: float) -> bool:
        agent.name = agent.name or row.name
        self._table.move(agent, row.team_id, min(row.since or self._settled, self._settled), now)
        corrected = self._set(agent, row.channel, state, row.since, now)
        if agent.channels[row.channel].state == IDLE:
            agent.channels[row.channel].idle_code = row.idle_code
        return corrected

    def _set(self, agent: Agent, name: str, state: str, since: float, now: float) -> bool:
        channel = agent.channel(name)
        before = channel.state
        if max(channel.heard, agent.signed_off_at) > self._settled:
            return False
        same = state == before or (before == NOT_RESPONDING and state == IDLE)
        if since or not same:
            channel.order.note_row(since, self._asked, AGENT_RANKS[state])
        if same:
            return False
        channel.state = state
        self._table.shift(agent, name, before, now)
        return True


def _same(task: Task, row: TaskRow, state: str, asked: float) -> bool:
    """Whether a row says of an interaction what is known of it."""
    if row.callback and not task.callback:
        return False
    if state == PARKED and task.state == OFFERED:
        return asked - task.since < OFFER
    if task.state != state and not (task.state in TALKING and state in TALKING):
        return False
    return row.queue_id in ("", task.queue_id)


def _correct(task: Task, row: TaskRow, state: str, asked: float, wrong: bool) -> None:
    """Make an interaction what a row says; where it is that already, note that it was so as late as that."""
    if wrong or row.active_at:
        task.order.note_row(row.active_at, asked, RANKS[state])
    time = task.order.time
    if row.queue_id:
        task.queue_id, task.queue_told = row.queue_id, time
    if not wrong:
        return
    task.callback = task.callback or row.callback
    known = task.parked_at and task.parked_in == task.queue_id
    task.enter(state, time)
    if state == PARKED and not known:
        # A search says when a contact was made, and last touched, not when it was parked. Who has an agent's name on
        # him has been in a queue before; of others the time in the menu is counted as waiting.
        task.parked_at = time if row.agent_id or not row.created else row.created
        task.guessed = True


def _fill(task: Task, row: TaskRow) -> bool:
    """Take from a row what isn't known yet. Gives whether that tells who it is, or may give it another place."""
    before = (task.queue_id, task.channel, task.direction, task.call)
    task.queue_id = task.queue_id or row.queue_id
    task.channel = task.channel or row.channel
    task.direction = task.direction or row.direction
    task.origin = task.origin or row.origin
    task.destination = task.destination or row.destination
    task.team_id = row.team_id or task.team_id
    task.agent_id = row.agent_id or task.agent_id
    task.created = task.created or row.created
    task.call = row.call or task.call
    return before != (task.queue_id, task.channel, task.direction, task.call)
