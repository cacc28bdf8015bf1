"""Another gateway's state: its queues by its event stream ``GET /v1/events``, and beside that its ``GET /v1/teams``.

One gateway follows the cloud and many follow that one: they need no token of the cloud's and no subscription, and ask
it for nothing. A value is as old here as it is there, and grows older while the line is silent.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import Any, Final

import aiohttp
import orjson

from state_client.centre import ContactCentre
from state_client.picture import (
    AGENT_STATES,
    AGENTS,
    ESTIMATE,
    TASKS,
    TELEPHONY,
    Picture,
    Queue,
    QueueValues,
    Stamp,
    Team,
)
from state_client.webex.secret import SecretFile

PATH: Final = "/v1/events"
TEAMS: Final = "/v1/teams"
TEAMS_EVERY: Final = 2.0
"""Seconds between two questions for teams: few rules read them, and there is no event of theirs."""
SILENCE: Final = 15.0
"""Seconds without a word after which the line is taken to be dead; the other side sends a beat every five."""
FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 30.0
LONGEST_LINE: Final = 256 * 1024
LONGEST_REASON: Final = 200
LONGEST_ANSWER: Final = 4 * 1024 * 1024
MOST_QUEUES: Final = 10_000
MOST_TEAMS: Final = 10_000
PEER: Final = "peer"

_AGES: Final = {TASKS: "tasks_age_secs", AGENTS: "agents_age_secs", ESTIMATE: "estimate_age_secs"}
_log = logging.getLogger(__name__)


class PeerSource:
    """Keeps ``centre``'s picture as another gateway has it (a `state_client.source.StateSource`).

    ``peers`` are the other gateways' addresses, such as https://edge-1:8080; the first that answers is followed, and
    the next one when it falls silent. ``clock`` is the picture's.
    """

    def __init__(
        self,
        peers: tuple[str, ...],
        centre: ContactCentre,
        token: SecretFile | None = None,
        clock: Callable[[], float] = time.monotonic,
        silence: float = SILENCE,
        first_pause: float = FIRST_PAUSE,
    ) -> None:
        self.centre = centre
        self.seeded = asyncio.Event()
        self.followed = ""
        self._peers = peers
        self._token = token
        self._clock = clock
        self._silence = silence
        self._first_pause = first_pause
        self._fault = "no other gateway has been reached yet"
        self._teams_fault = ""
        self._teams: dict[str, Team] = {}
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
        async with aiohttp.ClientSession(timeout=timeout, read_bufsize=LONGEST_LINE) as http:
            while True:
                for peer in self._peers:
                    if await self._listen(http, peer):
                        pause = self._first_pause
                await asyncio.sleep(pause * (1.0 - random.random() / 2))
                pause = min(2 * pause, LONGEST_PAUSE)

    async def _listen(self, http: aiohttp.ClientSession, peer: str) -> bool:
        """Follow one gateway for as long as that works. Gives whether it did at all."""
        heard = False
        try:
            headers = await self._authority()
            async with http.get(
                peer + PATH, headers=headers | {"Accept": "text/event-stream"}, allow_redirects=False
            ) as answer:
                _demand(answer)
                teams = asyncio.create_task(self._ask_for_teams(http, peer, headers))
                try:
                    async for name, data in _events(answer.content):
                        if not heard:
                            heard = True
                            self._reached(peer)
                        if name == "queue":
                            self._take(data)
                finally:
                    teams.cancel()
                    await asyncio.gather(teams, return_exceptions=True)
            why = "it has ended the stream"
        except TimeoutError:
            why = f"nothing was heard for {self._silence:g} s"
        except Exception as error:  # whatever the other side sends: it is followed again, and never given up on
            why = str(error)[:LONGEST_REASON] or type(error).__name__
        self.followed = ""
        fault = f"{peer} can't be followed: {why}"
        if fault != self._fault:
            _log.warning("%s", fault)
        self._fault = fault
        return heard

    async def _authority(self) -> dict[str, str]:
        if self._token is None:
            return {}
        secret = await asyncio.to_thread(self._token.read)
        return {"Authorization": f"Bearer {secret.reveal()}"}

    async def _ask_for_teams(self, http: aiohttp.ClientSession, peer: str, headers: Mapping[str, str]) -> None:
        """Ask for a gateway's teams again and again."""
        while True:
            asked = self._clock()
            try:
                async with http.get(peer + TEAMS, headers=headers, allow_redirects=False) as answer:
                    _demand(answer)
                    content = orjson.loads(await _whole(answer.content))
                rows = content.get("teams") if isinstance(content, dict) else None
                if not isinstance(rows, list):
                    raise ValueError("its answer has no teams")
                self._take_teams([row for row in rows[:MOST_TEAMS] if isinstance(row, dict)], asked)
                self._teams_fault = ""
            except Exception as error:  # as with its events
                fault = f"{peer} can't be asked for teams: {str(error)[:LONGEST_REASON] or type(error).__name__}"
                if fault != self._teams_fault:
                    _log.warning("%s", fault)
                self._teams_fault = fault
            await asyncio.sleep(TEAMS_EVERY)

    def _reached(self, peer: str) -> None:
        self._fault = ""
        self.followed = peer
        self.seeded.set()
        _log.info("following %s", peer)

    def _take(self, data: Mapping[str, Any]) -> None:
        """Take in a queue as the other gateway tells it."""
        name = data.get("name")
        if not isinstance(name, str) or not name:
            return
        picture = self.centre.picture
        queue = picture.queue(name)
        if queue is None:
            if len(picture.names) >= MOST_QUEUES:
                return
            queue = Queue(name, _text(data, "id"))
            for group in _AGES:
                queue.stamp(group).doubt(PEER)
            picture.add(queue)
        elif queue.source != PEER:
            return  # one of our own, that others push
        queue.type, queue.channel = _text(data, "type"), _text(data, "channel")
        for field, value in _values(data).items():
            setattr(queue, field, value)
        now = self._clock()
        for group, key in _AGES.items():
            _date(queue.stamp(group), now, data.get(key))
        if self.centre.listener is not None:
            self.centre.listener(queue)

    def _take_teams(self, rows: Iterable[Mapping[str, Any]], asked: float) -> None:
        """Take in all teams as the other gateway had them when it was asked, or later."""
        shown = {name: row for row in rows if (name := _text(row, "name"))}
        for name in self._teams.keys() - shown.keys():
            self.centre.picture.remove_team(self._teams.pop(name))
        for name, row in shown.items():
            team = self._teams.get(name)
            if team is None:
                team = self._teams[name] = Team(_text(row, "id") or name)
                self.centre.picture.add_team(team, name)
            counts = team.counts[TELEPHONY]
            for state in AGENT_STATES:
                count = row.get(f"agents_{state}")
                counts[state] = count if isinstance(count, int) else 0
            _date(team.of_agents, asked, row.get("age_secs"))


def _date(stamp: Stamp, now: float, age: object) -> None:
    """Say how old values are; who followed another gateway before may have known younger ones."""
    stamp.doubt(PEER)
    if isinstance(age, int | float) and age >= 0:
        stamp.renew(now - age, PEER)


def _demand(answer: aiohttp.ClientResponse) -> None:
    if answer.status != 200:
        raise aiohttp.ClientError(f"it answers {answer.status} {answer.reason}")


async def _whole(stream: aiohttp.StreamReader) -> bytes:
    """An answer's body. Raises ValueError where it is too long."""
    body = bytearray()
    async for octets in stream.iter_any():
        body += octets
        if len(body) > LONGEST_ANSWER:
            raise ValueError(f"its answer is longer than {LONGEST_ANSWER} octets")
    return bytes(body)


def _values(data: Mapping[str, Any]) -> QueueValues:
    """The values of a queue, those left out that are no numbers."""
    values: QueueValues = {}
    for key, value in data.items():
        field = key.removesuffix("_secs")
        if field in QueueValues.__annotations__ and isinstance(value, int | float) and not isinstance(value, bool):
            values[field] = round(value)  # type: ignore[literal-required]  # it was looked up just now
    return values


def _text(data: Mapping[str, Any], key: str) -> str:
    value = data.get(key)
    return value if isinstance(value, str) else ""


async def _events(stream: aiohttp.StreamReader) -> AsyncIterator[tuple[str, Mapping[str, Any]]]:
    """The events of a stream: name and data. Raises ValueError for a line that is too long or data that is no JSON."""
    name = ""
    async for line in stream:
        if line.startswith(b"event:"):
            name = line[6:].strip().decode("utf-8", "replace")
        elif line.startswith(b"data:"):
            data = orjson.loads(line[5:])
            yield name, data if isinstance(data, dict) else {}
