"""Another gateway's state: queues and calls by its event stream ``GET /v1/events``, and beside that ``GET /v1/teams``.

One gateway follows the cloud and many follow that one: they need no token of the cloud's and no subscription, and ask
it for nothing. A value is as old here as it is there, and grows older while the line is silent.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import aiohttp

from state_client.centre import ContactCentre
from state_client.feeds import told
from state_client.feeds.peer_tasks import PeerTasks
from state_client.picture import AGENT_STATES, GROUPS, TELEPHONY, Picture, Queue, Stamp, Team
from state_client.task import Task
from state_client.webex.secret import SecretFile

PATH: Final = "/v1/events"
TEAMS: Final = "/v1/teams"
QUEUES: Final = "/v1/queues"
TEAMS_EVERY: Final = 2.0
"""Seconds between two questions for teams: few rules read them, and there is no event of theirs."""
QUEUES_EVERY: Final = 60.0
"""Seconds between two questions for queues: which are there no more, for there is no event of that."""
SILENCE: Final = 15.0
"""Seconds without an event after which the line is taken to be dead; the other side sends a beat every five."""
PATIENCE: Final = 120.0
"""Seconds without news of any queue after which the next gateway is tried."""
FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 30.0
LONGEST_REASON: Final = 200
MOST_QUEUES: Final = 2_000
MOST_TEAMS: Final = 2_000
PEER: Final = "peer"

_log = logging.getLogger(__name__)


class PeerSource:
    """Keeps ``centre``'s picture as another gateway has it (a `state_client.source.StateSource`).

    ``peers`` are the other gateways' addresses, such as https://edge-1:8080; the first that answers is followed, and
    the next one when it falls silent for ``silence`` seconds, or has no news of a queue for ``patience`` seconds.
    ``clock`` is the picture's. ``heard`` is called with each telephone call that the other one tells of, when it has
    begun, changed or ended; ``tasks`` are those that go on.
    """

    def __init__(
        self,
        peers: tuple[str, ...],
        centre: ContactCentre,
        token: SecretFile | None = None,
        clock: Callable[[], float] = time.monotonic,
        silence: float = SILENCE,
        first_pause: float = FIRST_PAUSE,
        patience: float = PATIENCE,
        heard: Callable[[Task], None] = lambda task: None,
    ) -> None:
        self.centre = centre
        self.tasks = PeerTasks(heard, lambda: centre.offset, clock)
        self.seeded = asyncio.Event()
        self.followed = ""
        self._peers = peers
        self._token = token
        self._clock = clock
        self._silence = silence
        self._first_pause = first_pause
        self._patience = patience
        self._fault = "no other gateway has been reached yet"
        self._teams_fault = ""
        self._teams: dict[str, Team] = {}
        self._queues: dict[str, Queue] = {}
        self._told: dict[str, float] = {}  # when we heard of each of them last
        self._asked_for_queues = 0.0
        self._task: asyncio.Task[None] | None = None

    @property
    def picture(self) -> Picture:
        """What rules read."""
        return self.centre.picture

    @property
    def degraded(self) -> str:
        """What is missing, in words; "" when nothing is."""
        return self._fault or self._teams_fault

    async def start(self) -> None:
        """Begin; comes back at once."""
        self._task = asyncio.create_task(self._follow())

    async def close(self) -> None:
        """End."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _follow(self) -> None:
        pause = self._first_pause
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=self._silence, sock_read=self._silence)
        async with aiohttp.ClientSession(
            timeout=timeout,
            read_bufsize=told.LONGEST_LINE,
            headers={"Accept-Encoding": "identity"},
            auto_decompress=False,
        ) as http:
            while True:
                for peer in self._peers:
                    if await self._listen(http, peer):
                        pause = self._first_pause
                    await self.tasks.look(alive=False)
                await asyncio.sleep(pause * (1.0 - random.random() / 2))
                pause = min(2 * pause, LONGEST_PAUSE)

    async def _listen(self, http: aiohttp.ClientSession, peer: str) -> bool:
        """Follow one gateway for as long as that works. Gives whether it did at all."""
        try:
            headers = await self._authority()
            async with http.get(
                peer + PATH, headers=headers | {"Accept": "text/event-stream"}, allow_redirects=False
            ) as answer:
                told.demand(answer)
                beside = asyncio.create_task(self._ask_beside(http, peer, headers))
                try:
                    why = await self._hear(peer, answer.content)
                finally:
                    beside.cancel()
                    await asyncio.gather(beside, return_exceptions=True)
        except TimeoutError:
            why = f"nothing was heard for {self._silence:g} s"
        except Exception as error:  # whatever the other side sends: it is followed again, and never given up on
            why = str(error)[:LONGEST_REASON] or type(error).__name__
        heard = self.followed == peer
        self.followed = ""
        fault = f"{peer} can't be followed: {why}"
        if fault != self._fault:
            _log.warning("%s", fault)
        self._fault = fault
        return heard

    async def _hear(self, peer: str, stream: aiohttp.StreamReader) -> str:
        """Take in what a gateway tells, for as long as that is of use. Gives why it is no longer."""
        clock = asyncio.get_running_loop().time
        heard = news = clock()
        patience = self._silence
        self.tasks.begin()
        try:
            async with asyncio.timeout_at(heard + patience) as limit:
                async for name, data in told.events(stream):
                    heard = clock()
                    if name == "queue" and self._take(data):
                        news = heard
                        # One alone isn't left that once had news: it may be that nothing happens there.
                        patience = self._patience if len(self._peers) > 1 else float("inf")
                        self._reached(peer)
                    elif name == "task":
                        self.tasks.take(data)
                    elif name == "tasks":
                        await self.tasks.all_told()
                    await self.tasks.look(alive=True)
                    limit.reschedule(min(heard + self._silence, news + patience))
        except TimeoutError:
            if news + patience < heard + self._silence:
                return f"it had no news of any queue for {patience:g} s"
            raise
        return "it has ended the stream"

    async def _authority(self) -> dict[str, str]:
        if self._token is None:
            return {}
        secret = await asyncio.to_thread(self._token.read)
        return {"Authorization": f"Bearer {secret.reveal()}"}

    async def _ask_beside(self, http: aiohttp.ClientSession, peer: str, headers: Mapping[str, str]) -> None:
        """Ask for a gateway's teams again and again, and now and then for its queues."""
        self._asked_for_queues = self._clock()
        while True:
            asked = self._clock()
            try:
                async with http.get(peer + TEAMS, headers=headers, allow_redirects=False) as answer:
                    self._take_teams(await told.rows(answer, "teams", MOST_TEAMS), asked)
                if asked - self._asked_for_queues >= QUEUES_EVERY:
                    self._asked_for_queues = asked
                    async with http.get(peer + QUEUES, headers=headers, allow_redirects=False) as answer:
                        self._forget(await told.rows(answer, "queues", MOST_QUEUES), asked)
                self._teams_fault = ""
            except Exception as error:  # as with its events
                why = str(error)[:LONGEST_REASON] or type(error).__name__
                fault = f"{peer} can't be asked for teams and queues: {why}"
                if fault != self._teams_fault:
                    _log.warning("%s", fault)
                self._teams_fault = fault
            await asyncio.sleep(TEAMS_EVERY)

    def _reached(self, peer: str) -> None:
        if self.followed != peer:
            self._fault = ""
            self.followed = peer
            self.seeded.set()
            _log.info("following %s", peer)

    def _take(self, data: Mapping[str, Any]) -> bool:
        """Take in a queue as the other gateway tells it. Gives whether it was one, and anything is known of it."""
        name = told.text(data, "name")
        queue = self._queue(name, told.text(data, "id")) if name else None
        if queue is None:
            return False
        queue.type, queue.channel = told.text(data, "type"), told.text(data, "channel")
        values, ages = told.queue_values(data)
        for field, value in values.items():
            setattr(queue, field, value)
        now = self._clock()
        self._told[name] = now
        for group in GROUPS:
            _date(queue.stamp(group), now, ages[group])
        self._tell(queue)
        return any(age is not None for age in ages.values())

    def _queue(self, name: str, id: str) -> Queue | None:
        """The queue of that name; None where it isn't the other's to say, or there are too many."""
        queue = self._queues.get(name)
        if queue is None and len(self._queues) < MOST_QUEUES and name not in self.picture.names:
            queue = self._queues[name] = Queue(name, id)
            self.picture.add(queue)
        return queue

    def _forget(self, rows: Iterable[Mapping[str, Any]], asked: float) -> None:
        """Take out the queues that are not among these, and were not told of since we asked for these."""
        there = {told.text(row, "name") for row in rows}
        for name in [name for name, heard in self._told.items() if heard < asked and name not in there]:
            del self._told[name]
            queue = self._queues.pop(name)
            self.picture.remove(queue)
            for group in GROUPS:
                queue.stamp(group).doubt(PEER)
            self._tell(queue)

    def _tell(self, queue: Queue) -> None:
        if self.centre.listener is not None:
            self.centre.listener(queue)

    def _take_teams(self, rows: Iterable[Mapping[str, Any]], asked: float) -> None:
        """Take in all teams as the other gateway had them when it was asked, or later."""
        shown = {name: row for row in rows if (name := told.text(row, "name"))}
        for name in self._teams.keys() - shown.keys():
            self.centre.picture.remove_team(self._teams.pop(name))
        for name, row in shown.items():
            team = self._teams.get(name)
            if team is None:
                team = self._teams[name] = Team(told.text(row, "id") or name)
                self.centre.picture.add_team(team, name)
            counts = {state: told.number(row.get(f"agents_{state}")) for state in AGENT_STATES}
            team.counts[TELEPHONY].update({state: round(count or 0) for state, count in counts.items()})
            _date(team.of_agents, asked, None if None in counts.values() else told.number(row.get("age_secs")))


def _date(stamp: Stamp, now: float, age: float | None) -> None:
    """Say how old values are; who followed another gateway before may have known younger ones."""
    stamp.doubt(PEER)
    if age is not None:
        stamp.renew(now - age, PEER)
