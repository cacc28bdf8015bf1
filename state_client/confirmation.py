"""Comparing mere counts: where a search counts as many as there are here, what is known is still true.

A count disagrees only where nothing that was so here lately fits it. Each queue and team is looked at by itself, so
that whoever compares may do so a few at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from state_client.agent import DONE, state_of
from state_client.agent_table import COARSE, AgentTable
from state_client.order import SETTLE
from state_client.picture import ENGAGED, TELEPHONY
from state_client.task_table import TaskTable

CONFIRM: Final = "confirm"


class QueueConfirmation:
    """One count of parked inbound telephone contacts by queue id, as asked for at ``asked``.

    ``wrong`` are the ids of the queues that don't agree.
    """

    __slots__ = ("_asked", "_counts", "_table", "wrong")

    def __init__(self, table: TaskTable, counts: Mapping[str, int], asked: float) -> None:
        self.wrong: list[str] = []
        self._table = table
        self._counts = counts
        self._asked = asked

    def kept(self) -> list[str]:
        """The ids of all queues, to be checked."""
        return list({**self._table.queues, **self._counts})

    def check(self, ids: Iterable[str], now: float) -> None:
        """Renew the age of those that have as many parked contacts as were counted."""
        for id in ids:
            queue = self._table.queue(id)
            if queue.queue.channel.lower() != TELEPHONY:
                continue
            if queue.agrees(self._counts.get(id, 0), self._asked - SETTLE):
                self._table.publish(queue, now, self._asked, CONFIRM)
            else:
                self.wrong.append(id)


class TeamConfirmation:
    """One count of agents by team id and state, the cloud's word, as asked for at ``asked``.

    ``wrong`` are the ids of the teams that don't agree.
    """

    __slots__ = ("_asked", "_counts", "_table", "wrong")

    def __init__(self, table: AgentTable, counts: Mapping[tuple[str, str], int], asked: float) -> None:
        self.wrong: set[str] = set()
        self._table = table
        self._asked = asked
        self._counts: dict[str, dict[str, int]] = {}
        for (team_id, word), count in counts.items():
            state = state_of(word)
            name = COARSE.get(state, ENGAGED if state == DONE else "")
            if name:
                of_team = self._counts.setdefault(team_id, {})
                of_team[name] = of_team.get(name, 0) + count

    def kept(self) -> list[str]:
        """The ids of all teams, to be checked."""
        return list({**self._table.teams, **self._counts})

    def check(self, ids: Iterable[str], now: float) -> None:
        """Compare the counts of those teams."""
        for id in ids:
            if not self._table.team(id).agrees(self._counts.get(id, {}), self._asked - SETTLE):
                self.wrong.add(id)

    def finish(self) -> tuple[str, ...]:
        """Renew the age of every team that agrees, and of queues all of whose teams do. Gives the ids of the others."""
        self._table.renew_agreed(self.wrong, {TELEPHONY}, self._asked, CONFIRM)
        return tuple(self.wrong)
