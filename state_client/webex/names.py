"""What queues and teams are called, which are gone, and which teams serve which queue: asked for now and then.

Here lives what keeps the picture's names current; nothing here knows what happens in a queue.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from typing import Final

from state_client.centre import ContactCentre
from state_client.rows import QueueRow, TeamRow
from state_client.webex import directory
from state_client.webex.rest import WebexApi

TURNS: Final = 12
"""Who serves a queue is asked for queue by queue: one in so many of them each time, and `LEAST` at least."""
LEAST: Final = 25

FIRST_PAUSE: Final = 5.0
LONGEST_PAUSE: Final = 600.0
"""Seconds after which an id is asked for again that the cloud had no name for, doubled each time."""
MOST_NAMELESS: Final = 200
"""Ids without a name of which it is remembered when they were asked for; others have to wait until there is room."""
AT_ONCE: Final = 5
"""Ids that are asked for at a time, so that requests are left for others."""

_log = logging.getLogger(__name__)


class Nameless:
    """Ids that the cloud had no name for, and when each may be asked for again. Times are in seconds."""

    def __init__(self) -> None:
        self._pauses: dict[str, tuple[float, float]] = {}

    def due(self, ids: Iterable[str], now: float) -> list[str]:
        """Which of all ids that have no name may be asked for now. Of others nothing has to be remembered any more."""
        ids = set(ids)
        self._pauses = {id: pause for id, pause in self._pauses.items() if id in ids}
        room = MOST_NAMELESS - len(self._pauses)
        news = [id for id in ids if id not in self._pauses][:room]
        again = [id for id, (until, _) in self._pauses.items() if now >= until]
        return (news + again)[:AT_ONCE]

    def asked(self, id: str, now: float) -> None:
        """It was asked for, and has no name yet."""
        _, last = self._pauses.get(id, (0.0, 0.0))
        pause = min(2 * last, LONGEST_PAUSE) or FIRST_PAUSE
        self._pauses[id] = now + pause, pause


class Names:
    """Keeps the names that ``centre`` has. ``queues`` are those that the contact centre has, by id.

    ``clock`` is in seconds, and never goes back.
    """

    def __init__(self, api: WebexApi, centre: ContactCentre, clock: Callable[[], float] = time.monotonic) -> None:
        self.queues: dict[str, QueueRow] = {}
        self._api = api
        self._centre = centre
        self._clock = clock
        self._turn = 0
        self._queues = Nameless()
        self._teams = Nameless()

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
        return gone

    async def refresh(self) -> int:
        """Read the lists, and who serves the queues that are new and some of the others. Gives how many are gone."""
        known = set(self.queues)
        gone = await self.read_lists()
        ids = list(self.queues)
        count = min(len(ids), max(LEAST, -(-len(ids) // TURNS)))
        turn = {ids[(self._turn + n) % len(ids)] for n in range(count)}
        self._turn += count
        for id in ids:
            if id in turn or id not in known:
                await self.who_serves(id)
        return gone

    async def who_serves(self, queue_id: str) -> None:
        """Ask which teams serve a queue, and what it is called."""
        row = await directory.queue(self._api, queue_id)
        if row is not None and row.active:
            self._centre.configure([row], [])

    async def ask_unknown(self) -> None:
        """Ask for the names that events and searches have brought no more than ids of, each more and more seldom."""
        queues, teams = self._centre.unknown_ids()
        for id in self._queues.due(queues, self._clock()):
            self._queues.asked(id, self._clock())
            await self.who_serves(id)
        asked = self._teams.due(teams, self._clock())
        for id in asked:
            self._teams.asked(id, self._clock())
        if asked:
            listed = await directory.teams(self._api)
            self._centre.configure([], [row for row in listed if row.active])

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
