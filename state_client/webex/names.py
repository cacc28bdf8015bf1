"""What queues and teams are called, which are gone, and which teams serve which queue: asked for now and then.

Here lives what keeps the picture's names current; nothing here knows what happens in a queue.
"""

from __future__ import annotations

import logging
from typing import Final

from state_client.centre import ContactCentre
from state_client.rows import QueueRow, TeamRow
from state_client.webex import directory
from state_client.webex.rest import WebexApi

TURNS: Final = 12
"""Who serves a queue is asked for queue by queue: one in so many of them each time."""

_log = logging.getLogger(__name__)


class Names:
    """Keeps the names that ``centre`` has. ``queues`` are those that the contact centre has, by id."""

    def __init__(self, api: WebexApi, centre: ContactCentre) -> None:
        self.queues: dict[str, QueueRow] = {}
        self._api = api
        self._centre = centre
        self._turn = 0
        self._asked: set[str] = set()

    async def read_lists(self) -> int:
        """Take in all names. What is deleted or deactivated leaves the picture: gives how many of those there were.

        That something is missing in a list isn't believed of the list alone: it is asked for by id.
        """
        teams = {row.id: row for row in await directory.teams(self._api)}
        queues = {row.id: row for row in await directory.queues(self._api)}
        gone = 0
        for id in [id for id, team in self._centre.teams.items() if team.configured]:
            gone += await self._team_gone(id, teams)
        for id in [id for id, queue in self._centre.queues.items() if queue.configured]:
            gone += await self._queue_gone(id, queues)
        self.queues = {id: row for id, row in queues.items() if row.active}
        self._centre.configure(self.queues.values(), [row for row in teams.values() if row.active])
        self._asked.clear()
        return gone

    async def refresh(self) -> int:
        """Read the lists, and who serves the queues that are new and some of the others. Gives how many are gone."""
        known = set(self.queues)
        gone = await self.read_lists()
        self._turn = (self._turn + 1) % TURNS
        for number, id in enumerate(self.queues):
            if id not in known or number % TURNS == self._turn:
                await self.who_serves(id)
        return gone

    async def who_serves(self, queue_id: str) -> None:
        """Ask which teams serve a queue, and what it is called."""
        row = await directory.queue(self._api, queue_id)
        if row is not None and row.active:
            self._centre.configure([row], [])

    async def ask_unknown(self) -> None:
        """Ask for the names that events and searches have brought no more than ids of; once, until the next lists."""
        queues, teams = self._centre.unknown_ids()
        for id in queues - self._asked:
            await self.who_serves(id)
            self._asked.add(id)
        if teams - self._asked:
            listed = await directory.teams(self._api)
            self._centre.configure([], [row for row in listed if row.active])
            self._asked |= teams

    async def _queue_gone(self, id: str, listed: dict[str, QueueRow]) -> bool:
        row = listed.get(id) or await directory.queue(self._api, id)
        if row is not None and row.active:
            listed[id] = row
            return False
        _log.warning("queue %s is deleted or deactivated: rules don't see it any more", self._centre.retire_queue(id))
        return True

    async def _team_gone(self, id: str, listed: dict[str, TeamRow]) -> bool:
        row = listed.get(id) or await directory.team(self._api, id)
        if row is not None and row.active:
            listed[id] = row
            return False
        _log.warning("team %s is deleted or deactivated: rules don't see it any more", self._centre.retire_team(id))
        return True
