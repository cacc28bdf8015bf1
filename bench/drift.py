"""How far the state drifts from the truth over a simulated day, in one process, without sockets, on a fast clock.

    the simulated contact centre ──► a bad line ──► inbox ──► state
                   └──► searches, `LAG` seconds behind ──► the source's own loops ──┘

The loops, the questions and the readers of answers are those that a router runs; only HTTP is left out.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from bench.fast_loop import run_fast
from state_client.centre import ContactCentre
from state_client.order import SETTLE
from state_client.picture import TELEPHONY
from state_client.simulator.faults import Disturbance, Line
from state_client.simulator.script import OFFICE_DAY, Script
from state_client.simulator.search import Search
from state_client.simulator.world import World
from state_client.task import PARKED
from state_client.webex.events import read_event
from state_client.webex.rest import WebexApi
from state_client.webex.secret import SecretFile
from state_client.webex.settings import Settings
from state_client.webex.source import WebexSource

DAY = 86_400
NEVER = 1e9  # s: a loop that is not to take part
MIDNIGHT = 1_700_006_400.0
LAG = 3.0  # s that a search is behind the truth
ANSWER = 0.2  # s from a question to its answer
STEP = 0.1  # s between two looks at what has arrived
BAD_LINE = Disturbance(lost=0.05, doubled=0.05, disordered=0.10)
SETTLED = SETTLE + BAD_LINE.disorder_secs  # s without a change, after which a comparison has no excuse

DAYS: dict[str, Script] = {
    "office": Script(seed=11, hours=OFFICE_DAY, shifts=True),
    "rush": Script(seed=11),
}
"""A day with a morning, a noon and a quiet night; and one of which every hour is as busy as the agents can bear."""


@dataclass(frozen=True)
class Way:
    """What keeps the state beside events: seconds from one confirmation, look at who waits and comparison to the next.

    Where nothing confirms, nothing is asked after the start.
    """

    name: str
    confirm_every: float = NEVER
    look_every: float = NEVER
    reconcile_every: float = NEVER

    def settings(self, org_id: str) -> Settings:
        """Of a source without HTTP."""
        nothing = SecretFile(Path("nothing"))
        return Settings(
            *("", org_id, "edge-1", "", "", nothing, nothing),
            confirm_every=self.confirm_every,
            look_every=self.look_every,
            reconcile_every=self.reconcile_every,
        )


_USUAL = Settings("", "", "", "", "", SecretFile(Path()), SecretFile(Path()))
_HABITS = (_USUAL.confirm_every, _USUAL.look_every, _USUAL.reconcile_every)
WAYS = (
    Way("events only"),
    Way("with confirm", *_HABITS[:1]),
    Way("with looks, too", *_HABITS[:2]),
    Way("with reconcile, too", *_HABITS),
)


@dataclass
class Drift:
    """What became of one way to keep the state.

    Counts are of looks at a queue, one a second; ``missed`` adds up by how many callers a length was wrong.
    ``longest`` is the longest time without a break that a queue's length was wrong, in seconds.
    """

    way: str
    seconds: int = 0
    looks: int = 0
    right: int = 0
    missed: int = 0
    waiting: int = 0
    longest: int = 0
    busiest: float = 0.0  # callers who wait in a queue on average in the busiest hour
    right_by_hour: list[float] = field(default_factory=list)
    right_by_queue: dict[str, float] = field(default_factory=dict)
    events: int = 0
    lost: int = 0
    corrections: int = 0
    requests: dict[str, int] = field(default_factory=dict)
    most_in_a_minute: int = 0
    reconciliations: int = 0
    right_after: int = 0  # reconciliations after which every queue was right at once
    settled_wrong: int = 0  # interactions that were wrong after one though nothing had happened to them for SETTLED

    @property
    def share(self) -> float:
        """Of all looks, those that saw the right length."""
        return self.right / self.looks


class InProcess(WebexApi):
    """Asks the simulated cloud without HTTP, and counts. ``compared`` is called with when a full comparison began."""

    def __init__(self, world: World, clock: Callable[[], float]) -> None:
        self.org_id = world.org_id
        self.lacks = set()
        self.asked: Counter[str] = Counter()
        self.most_in_a_minute = 0
        self._world = world
        self._search = Search(world)
        self._clock = clock
        self._minute: deque[float] = deque()

    def begin(self) -> None:
        """Count from now on."""
        self.asked.clear()
        self._minute.clear()
        self.most_in_a_minute = 0

    async def call(
        self,
        operation: str,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        json: Any = None,
        urgent: bool = False,
        fault: Callable[[Any], str] | None = None,
    ) -> Any:
        self._count(operation)
        await asyncio.sleep(ANSWER / 2)
        answer = self._search.answer(json, self._clock()) if path == "/search" else self._list(path)
        await asyncio.sleep(ANSWER / 2)
        return answer

    def _list(self, path: str) -> Any:
        """Lists name everything; who serves which queue takes no part in this."""
        if path.endswith("/team"):
            return {"data": [{"id": team.id, "name": team.name} for team in self._world.centre.teams.values()]}
        rows = [
            {
                "id": queue.id,
                "name": queue.name,
                "queueType": "INBOUND",
                "channelType": queue.channel.upper(),
                "maxTimeInQueue": queue.max_time,
            }
            for queue in self._world.centre.queues.values()
        ]
        return next((row for row in rows if path.endswith(f"/{row['id']}")), {"data": rows})

    def _count(self, operation: str) -> None:
        now = self._clock()
        self.asked[operation] += 1
        self._minute.append(now)
        while self._minute[0] <= now - 60:
            self._minute.popleft()
        self.most_in_a_minute = max(self.most_in_a_minute, len(self._minute))


class _Watched(WebexSource):
    """The source, which says when it has compared everything. ``compared`` gets when it asked."""

    compared: Callable[[float], None]

    async def _full_comparison(self, api: WebexApi) -> None:
        asked = self._clock()
        await super()._full_comparison(api)
        self.compared(asked)


class _Day:
    """One day of one way."""

    def __init__(self, way: Way, script: Script, start: float, line: Disturbance) -> None:
        self.drift = Drift(way.name)
        self._start = start
        self._world = World(script, start, LAG)
        self._line: Line[bytes] = Line(line, script.seed)
        self._api = InProcess(self._world, self._now)
        self._source = _Watched(way.settings(self._world.org_id), ContactCentre(), clock=self._now)
        self._source.compared = self._compared
        self._asks = way.confirm_every < NEVER
        self._queues = {
            queue.id: queue.name for queue in self._world.centre.queues.values() if queue.channel == TELEPHONY
        }
        self._right = dict.fromkeys(self._queues, 0)
        self._wrong_for = dict.fromkeys(self._queues, 0)
        self._hour = [0, 0, 0]  # looks, right ones, callers who wait

    async def run(self, seconds: int) -> Drift:
        """So many seconds, counted from when the state is known."""
        loops = [asyncio.create_task(each) for each in self._source.loops(self._api)]
        while not self._source.seeded.is_set():
            await self._step()
        await asyncio.sleep(2 * ANSWER)
        if not self._asks:
            for each in loops:
                each.cancel()
        self._api.begin()
        self._source.corrections = self.drift.reconciliations = self.drift.right_after = 0
        for second in range(1, seconds + 1):
            for _ in range(round(1 / STEP)):
                await self._step()
            self._source.centre.tick(self._now())
            self._look()
            if second % 3600 == 0 or second == seconds:
                self._end_hour()
        for each in loops:
            each.cancel()
        await asyncio.gather(*loops, return_exceptions=True)
        return self._result(seconds)

    def _end_hour(self) -> None:
        looks, right, waiting = self._hour
        self.drift.right_by_hour.append(right / looks)
        self.drift.busiest = max(self.drift.busiest, waiting / looks)
        self._hour = [0, 0, 0]

    def _now(self) -> float:
        return self._start + asyncio.get_running_loop().time()

    async def _step(self) -> None:
        """A moment passes: what happens sets off, and what arrives is applied."""
        await asyncio.sleep(STEP)
        now = self._now()
        for event in self._world.step(now):
            self.drift.events += 1
            self._line.send(orjson.dumps(event), event["data"]["createdTime"] / 1000)
        inbox = self._source.inbox
        for body in self._line.due(now):
            inbox.put(read_event(body), now)
        for applied in inbox.take(now, 1_000_000):
            self._source.centre.apply(applied, now)

    def _look(self) -> None:
        drift, hour, known = self.drift, self._hour, self._source.centre.queues
        for id, truth in self._world.lengths().items():
            if id not in self._queues:
                continue
            drift.looks += 1
            drift.waiting += truth
            hour[0] += 1
            hour[2] += truth
            off = abs(known[id].length - truth)
            drift.missed += off
            if off:
                self._wrong_for[id] += 1
                drift.longest = max(drift.longest, self._wrong_for[id])
                continue
            self._wrong_for[id] = 0
            drift.right += 1
            self._right[id] += 1
            hour[1] += 1

    def _compared(self, asked: float) -> None:
        """After a full comparison: are the queues right, and has anything no excuse?"""
        drift, known = self.drift, self._source.centre
        drift.reconciliations += 1
        truth = self._world.lengths()
        drift.right_after += all(known.queues[id].length == truth[id] for id in self._queues)
        waiting = {id for queue in self._world.centre.queues.values() for id in queue.waiting}
        for record in self._world.task_records(self._now()):
            id, shown_waiting = record.task.id, record.status == "parked" and not record.callback
            if record.at > asked - SETTLED or record.task.channel != TELEPHONY or shown_waiting != (id in waiting):
                continue  # something has happened to it of late
            task = known.tasks.get(id)
            waits = task is not None and task.state == PARKED and task.inbound and not task.doubted
            drift.settled_wrong += waits != shown_waiting

    def _result(self, seconds: int) -> Drift:
        drift = self.drift
        drift.seconds = seconds
        drift.lost = self._line.lost
        drift.corrections = self._source.corrections
        drift.requests = dict(sorted(self._api.asked.items()))
        drift.most_in_a_minute = self._api.most_in_a_minute
        drift.right_by_queue = {self._queues[id]: right / seconds for id, right in self._right.items()}
        return drift


def measure(
    way: Way, script: Script, seconds: int = DAY, start: float = MIDNIGHT, line: Disturbance = BAD_LINE
) -> Drift:
    """Let a day go by, or so many seconds of it from ``start``, and see how right the state was."""

    async def day() -> Drift:
        return await _Day(way, script, start, line).run(seconds)

    return run_fast(day())
