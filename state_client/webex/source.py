"""Webex Contact Center as a source of state: what is asked when, and what is done with the answers.

    webhooks ──► inbox ──► the contact centre's state ◄── seed, confirm, reconcile ◄── search, lists

Each loop in here does one thing over and over. A failure is said in words, and the loop goes on: the cloud may be
down, slow or refuse for hours, and nothing needs a restart when it is back.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, MutableMapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Final, TypeVar

import aiohttp

from state_client.centre import ContactCentre
from state_client.picture import Picture
from state_client.rows import AgentEvent, AgentRow, TaskEvent
from state_client.webex import directory, search
from state_client.webex.cloud_clock import CloudClock
from state_client.webex.errors import Busy, Unreachable, WebexError
from state_client.webex.estimated_wait import estimated_wait
from state_client.webex.inbox import STALE, Inbox
from state_client.webex.limiter import Limiter, first_delay
from state_client.webex.names import Names
from state_client.webex.oauth import TokenKeeper
from state_client.webex.report import Report, report
from state_client.webex.rest import WebexApi
from state_client.webex.secret import Secret, SecretFile
from state_client.webex.settings import Settings, connection
from state_client.webex.subscriptions import Subscriptions
from state_client.webex.transport import Observe, open_session, unobserved
from state_client.webex.trying import Trying
from state_client.webex.webhook import Webhook

CHECK_SUBSCRIPTIONS: Final = 60.0
"""Seconds between two looks at our subscriptions: the cloud deactivates those whose webhook failed too often."""
TRY_AGAIN: Final = 5.0
"""Seconds after which a seed that failed is tried again."""
SUBSCRIBE_FIRST: Final = 5.0
"""Seconds that the seed waits for subscriptions."""
SETTLE_DOUBTS: Final = 5.0
"""Seconds between two looks for interactions that have waited for too long, and for names that aren't known."""
LISTS_EVERY: Final = 300.0
"""Seconds between two readings of the lists of queues and teams: new ones come into the picture, others leave it."""
SOONEST_AGAIN: Final = 30.0
"""Seconds between two full comparisons at least, however often a confirmation disagrees."""
LOOKS_SHARE: Final = 0.25
"""The share of all requests that looks at who waits may use."""
LOOKING: Final = "looking who waits"
SLICE: Final = 200
"""Rows that are compared before calls get their turn again."""
FEW: Final = 10
"""Queues or teams that are: what was so lately is gone through for each of them."""

_log = logging.getLogger(__name__)
_Row = TypeVar("_Row")


class WebexSource:
    """Keeps ``centre`` as the cloud has it (a `state_client.source.StateSource`).

    ``webhook`` takes the events: it is for the caller to serve it. ``corrections`` counts what comparisons had to
    correct. ``first`` are the queues, by name or id, whose teams are looked up before those of others. ``marks`` say
    which secret each subscription has; they are worth keeping over a restart.
    """

    def __init__(
        self,
        settings: Settings,
        centre: ContactCentre,
        *,
        marks: MutableMapping[str, str] | None = None,
        observe: Observe = unobserved,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.settings = settings
        self.centre = centre
        self.inbox = Inbox()
        self.webhook = Webhook(self.inbox, self._secrets, clock, settings.clock_tolerance)
        self.marks: MutableMapping[str, str] = {} if marks is None else marks
        self.corrections = 0
        self.first: frozenset[str] = frozenset()
        self.entitled: int | None = None
        self.seeded = asyncio.Event()
        self._tried_to_subscribe = asyncio.Event()
        self._observe = observe
        self._clock = clock
        self._there = CloudClock(clock, self._clock_moved)
        self._offset = centre.offset
        self._secret: Secret | None = None
        self._trying = Trying(clock)
        self._compare = asyncio.Event()
        self._settling = asyncio.Lock()
        self._began = clock()
        self._look_pages = 1
        self._tasks: list[asyncio.Task[None]] = []
        self._http: aiohttp.ClientSession | None = None
        self._api: WebexApi | None = None
        self._keeper: TokenKeeper | None = None
        self.limiter = Limiter(settings.requests_per_minute)

    @property
    def picture(self) -> Picture:
        """What rules read."""
        return self.centre.picture

    @property
    def degraded(self) -> str:
        """What is missing, in words; "" when nothing is."""
        faults = self._trying.words
        if not self.seeded.is_set():
            faults.insert(0, "nothing is known yet of the contact centre")
        return "; ".join(faults)

    # ------------------------------------------------------------------------------------------ beginning and end

    async def start(self) -> None:
        """Begin. It comes back at once: what the cloud says comes when it comes."""
        settings = self.settings
        self._began = self._clock()
        self._http = open_session(settings.api)
        self._keeper, api = connection(settings, self._http, self.limiter, self._clock, self._observe, self._there.note)
        self._api = api
        loops = [*self.loops(api), self.webhook.run(self._apply)]
        if settings.estimates:
            loops.append(self._estimate(api))
        if settings.webhook_url and settings.webhook_secret is not None:
            loops.append(self._subscribe(api, settings.webhook_secret))
        else:
            self._tried_to_subscribe.set()
        self._tasks = [asyncio.create_task(each) for each in loops]

    def loops(self, api: WebexApi) -> list[Coroutine[Any, Any, None]]:
        """What keeps the state true by asking, to be run beside what brings the events: `start` runs these, too."""
        names = Names(api, self.centre)
        return [
            self._waits_grow(),
            self._know(api, names),
            self._keep_names(api, names),
            self._reconcile(api),
            self._confirm(api),
            self._settle(api, names),
            self._look(api),
        ]

    async def close(self) -> None:
        """End. The subscriptions stay: the next start finds them."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        if self._keeper is not None:
            await self._keeper.close()
        if self._http is not None:
            await self._http.close()

    async def report(self) -> Report | None:
        """How the connection to the cloud stands; None before the beginning."""
        if self._api is None or self._keeper is None:
            return None
        last_event, degraded = self.webhook.last_event, self.degraded
        return await report(self._api, self._keeper, self.limiter, self._clock(), last_event, degraded)

    def _spread(self, every: float) -> float:
        """When within ``every`` seconds we begin what we do so often: many gateways mustn't strike together."""
        return first_delay(self.settings.org_id, self.settings.node, every)

    def compare_soon(self) -> None:
        """Ask for a full comparison: something may have been missed."""
        self._compare.set()

    def _secrets(self, subscription_id: str) -> Sequence[Secret]:
        return (self._secret,) if self._secret is not None else ()

    def _apply(self, event: TaskEvent | AgentEvent, now: float) -> str:
        """Take in an event, unless it is of a time to come: nothing that happens until then would be news any more."""
        now -= self._there.ahead
        ahead = event.time - now
        if ahead <= self.settings.clock_tolerance:
            return self.centre.apply(event, now)
        self.inbox.gap = True
        if self._trying.news(STALE):
            _log.warning(
                "an event %s was dropped: it says that it happens in %.0f s; is our clock right?", event.type, ahead
            )
        return STALE

    def _clock_moved(self) -> None:
        """All times in the state are the cloud's; only the picture is in our clock."""
        self.centre.offset = self._offset - self._there.ahead

    async def _tried(self, what: str, doing: Awaitable[None]) -> bool:
        """Do something, and say in `degraded` why it failed, until it works again."""
        return await self._trying.once(what, doing)

    async def _persist(self, what: str, do: Callable[[], Awaitable[None]]) -> None:
        """Try something until it is done."""
        await self._trying.persistently(what, do, TRY_AGAIN)

    # ------------------------------------------------------------------------------------------ seed and names

    async def _know(self, api: WebexApi, names: Names) -> None:
        """The names of all queues and teams, then their state, then who serves which queue."""
        await self._persist("asking for queues and teams", lambda: self._lists(names.read_lists))
        with suppress(TimeoutError):  # events first: what happens before they come would have to wait for a comparison
            async with asyncio.timeout(SUBSCRIBE_FIRST):
                await self._tried_to_subscribe.wait()
        await self._persist("asking for calls and agents", lambda: self._full_comparison(api))
        self.seeded.set()
        await self._limits(api)
        _log.info("the contact centre's state is known after %.1f s", self._clock() - self._began)
        for row in sorted(names.queues.values(), key=lambda row: not {row.name, row.id} & self.first):
            await self._persist("asking who serves which queue", partial(names.who_serves, row.id))

    async def _keep_names(self, api: WebexApi, names: Names) -> None:
        """Queues and teams that are new, have another name or are gone; and what the organisation may have at once."""
        await self.seeded.wait()
        pause = self._spread(LISTS_EVERY)
        while True:
            await asyncio.sleep(pause)
            good = await self._tried("asking for queues and teams", self._lists(names.refresh))
            await self._limits(api)
            pause = LISTS_EVERY if good else SOONEST_AGAIN

    async def _lists(self, read: Callable[[], Awaitable[int]]) -> None:
        self.corrections += await read()

    async def _limits(self, api: WebexApi) -> None:
        self.entitled = await directory.entitled_calls(api) or self.entitled

    async def _settle(self, api: WebexApi, names: Names) -> None:
        """What has waited for too long is asked for by id, and so are names that nobody has said yet."""
        await self.seeded.wait()
        while True:
            await asyncio.sleep(SETTLE_DOUBTS)
            await self._tried("asking for calls that wait for too long", self._settle_doubts(api))
            await self._tried("asking for names", names.ask_unknown())
            if self.inbox.gap:
                self.inbox.gap = False
                self.compare_soon()

    async def _settle_doubts(self, api: WebexApi) -> None:
        async with self._settling:  # the state remembers one set of what was asked for
            asked = self._there()
            doubted = self.centre.doubted(asked)
            if doubted:
                rows = await search.tasks_by_id(api, doubted, asked, self.settings.call_variable)
                self.corrections += self.centre.settle_doubt(rows, asked, self._there())

    # ------------------------------------------------------------------------------------------ truth

    async def _confirm(self, api: WebexApi) -> None:
        """Two light questions renew the age of all that they agree with."""
        every = self.settings.confirm_every
        await self.seeded.wait()
        await asyncio.sleep(self._spread(every))
        while True:
            await self._tried("confirming", self._confirm_all(api))
            await asyncio.sleep(every)

    async def _confirm_all(self, api: WebexApi) -> None:
        asked = self._there()
        queues = self.centre.queue_confirmation(await search.parked_counts(api, asked), asked)
        await self._take(queues.kept(), queues.check, FEW)
        asked = self._there()
        teams = self.centre.team_confirmation(await search.agent_counts(api, asked), asked)
        await self._take(teams.kept(), teams.check, FEW)
        disagree = teams.finish()
        if queues.wrong:
            await self._look_once(api)
        if disagree:
            self.compare_soon()

    async def _look(self, api: WebexApi) -> None:
        """Who waits is looked at often while anybody does: that is what calls are turned by, and goes out of date."""
        await self.seeded.wait()
        await asyncio.sleep(self._spread(self.settings.look_every))
        while self.settings.look_every:  # 0: never
            if self.centre.in_line() or LOOKING in self._trying:
                await self._tried(LOOKING, self._look_once(api))
            await asyncio.sleep(self._look_pause())

    def _look_pause(self) -> float:
        least = self._look_pages * 60 / (LOOKS_SHARE * self.settings.requests_per_minute)
        return max(self.settings.look_every, least)

    async def _look_once(self, api: WebexApi) -> None:
        asked = self._there()
        comparison = self.centre.parked_comparison(asked)
        rows = await search.parked_tasks(api, asked, self.settings.call_variable)
        self._look_pages = 1 + len(rows) // search.PAGE
        await self._take(rows, comparison.take)
        self.corrections += comparison.finish(self._there())
        await self._settle_doubts(api)

    async def _reconcile(self, api: WebexApi) -> None:
        """The full comparison, now and then and where something may have been missed."""
        every = self.settings.reconcile_every
        await self.seeded.wait()
        latest = self._spread(every)
        while True:
            await asyncio.sleep(min(SOONEST_AGAIN, every))
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, latest - SOONEST_AGAIN)):
                    await self._compare.wait()
            latest = every
            self._compare.clear()
            if not await self._tried("comparing", self._full_comparison(api)):
                self.compare_soon()

    async def _full_comparison(self, api: WebexApi) -> None:
        asked = self._there()
        tasks = self.centre.task_comparison(asked)
        await self._take(await search.active_tasks(api, asked, self.settings.call_variable), tasks.take)
        await self._take(tasks.kept(), tasks.check)
        self.corrections += tasks.finish(self._there())
        asked = self._there()
        rows = await self._agents(api, asked)
        agents = self.centre.agent_comparison(asked)
        await self._take(rows, agents.take)
        await self._take(agents.kept(), agents.check)
        self.corrections += agents.finish()

    async def _agents(self, api: WebexApi, asked: float) -> list[AgentRow]:
        try:
            return await search.agent_sessions(api, asked)
        except (Unreachable, Busy):
            raise
        except WebexError as error:  # a search that this organisation may not make: the list of activities does too
            _log.info("agents are had of their activities, since %s", error)
            return await search.activities(api, asked)

    async def _take(self, rows: list[_Row], take: Callable[[Iterable[_Row], float], None], few: int = SLICE) -> None:
        """Hand rows on a few at a time: calls must not wait for all of them."""
        for start in range(0, len(rows), few):
            take(rows[start : start + few], self._there())
            await asyncio.sleep(0)

    async def _waits_grow(self) -> None:
        while True:
            self.centre.tick(self._there())
            await asyncio.sleep(1.0)

    # ------------------------------------------------------------------------------------------ estimates, events

    async def _estimate(self, api: WebexApi) -> None:
        await self.seeded.wait()
        await asyncio.sleep(self._spread(self.settings.estimate_every))
        while True:
            for name in self.settings.estimates:
                await self._tried(f"asking for the estimated wait of {name}", self._estimate_one(api, name))
            await asyncio.sleep(self.settings.estimate_every)

    async def _estimate_one(self, api: WebexApi, name: str) -> None:
        queue = self.centre.picture.queue(name)
        if queue is None:
            raise ValueError(f"there is no queue {name} whose estimated wait could be asked for")
        seconds = await estimated_wait(api, queue.id, self.settings.estimate_lookback)
        self.centre.set_estimate(queue.id, seconds, self._there())

    async def _subscribe(self, api: WebexApi, secret: SecretFile) -> None:
        """Our subscriptions are there and active, and have our secret."""
        subscriptions: Subscriptions | None = None

        async def begin() -> None:
            nonlocal subscriptions
            self._secret = await asyncio.to_thread(secret.read)
            settings = self.settings
            subscriptions = Subscriptions(
                api,
                settings.node,
                settings.webhook_url,
                self._secret,
                self.marks,
                allow_loopback=settings.allow_loopback,
            )

        async def look() -> None:
            assert subscriptions is not None, "the loop below begins before it looks"
            subscriptions.distrust(self.webhook.mistrusted())
            if await subscriptions.check():
                self.compare_soon()

        await self._persist("subscribing to events", begin)
        pause = self._spread(CHECK_SUBSCRIPTIONS)
        while True:
            good = await self._tried("subscribing to events", look())
            self._tried_to_subscribe.set()
            await asyncio.sleep(pause if good else TRY_AGAIN)
            pause = CHECK_SUBSCRIPTIONS if good else pause
