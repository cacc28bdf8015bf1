"""The contact centre as this router has it: where its state comes from, and whether something is missing.

Lives here: which source feeds the picture, and what a reload keeps of it. Must not know what is decided on it.
"""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

from edge_router.admission.cloud_tasks import CloudTasks
from edge_router.admission.ledger import Ledger
from edge_router.admission.placed import PlacedCalls
from edge_router.config.build import picture_of
from edge_router.config.files import beside, secret_at
from edge_router.telemetry.state_metrics import StateReading
from state_client.centre import ContactCentre
from state_client.feeds.kept import Kept
from state_client.feeds.peer import PeerSource
from state_client.webex.settings import Settings
from state_client.webex.source import WebexSource

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge_router.b2bua.routing.routing import Routing
    from edge_router.config.models import Config
    from edge_router.config.state_model import Webex
    from edge_router.policy.latch import Latch
    from edge_router.policy.policy import Policy
    from state_client.picture import Picture, Queue
    from state_client.source import StateSource
    from state_client.task import Task
    from state_client.webex.report import Report
    from state_client.webex.webhook import Webhook

PATIENCE: Final = 10.0
"""Seconds after the start in which nobody is told that the cloud hasn't answered yet."""


MOST_UNKNOWN: Final = 100
"""Names that nobody knows that are told, in a metric too; a table of services may be wrong in every row."""
MOST_WORDS: Final = 10
"""Of these, how many `degraded` names."""


class Names(NamedTuple):
    """Queues and teams that rules and latches read, and queues that the table of services names; by name or id."""

    queues: frozenset[str] = frozenset()
    teams: frozenset[str] = frozenset()
    of_services: frozenset[str] = frozenset()


def names_read(routing: Routing) -> Names:
    """The queues and teams that calls may ask for."""
    none = frozenset[str]()
    readers: list[Policy | Latch] = [*routing.policies.values(), *routing.latches.latches.values()]
    return Names(
        none.union(*(each.queues for each in readers)),
        none.union(*(each.teams for each in readers)),
        frozenset(service.queue for service in routing.services.services if service.queue),
    )


class StateOfCentre:
    """``centre`` is what is known of the contact centre; rules read its picture, in the monotonic clock.

    ``path`` is the configuration's own, beside which its secrets are. ``read`` are the queues and teams that calls
    may ask for. ``clock`` gives monotonic seconds.
    """

    def __init__(self, config: Config, path: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._config = config
        self._clock = clock
        self._began = clock()
        self._requests: Counter[tuple[str, str]] = Counter()
        self.read = Names()
        offset = time.time() - time.monotonic()
        self.centre = ContactCentre(offset, picture_of(config, time.monotonic()))
        self.ledger = Ledger()
        self._cloud: WebexSource | None = None
        self._source: StateSource | None = None
        state = config.state
        if state.source == "webex" and state.webex is not None:
            settings = settings_of(config.node, state.webex, path)
            self._source = self._cloud = WebexSource(settings, self.centre, observe=self._asked)
            tasks = CloudTasks(PlacedCalls(), lambda: self.centre.offset)
            self.ledger = Ledger(tasks)
            self.centre.table.listener = tasks.heard
        elif state.source == "peer":
            token = secret_at(path, state.peer_token_file) if state.peer_token_file else None
            self._source = peer = PeerSource(state.peers, self.centre, token, heard=self._heard_of)
            self.ledger = Ledger(CloudTasks(PlacedCalls(), lambda: self.centre.offset, told=lambda: peer.tasks.telling))
        self._kept: Kept | None = None
        if self._cloud is not None:
            self._kept = Kept(beside(path, state.store), self.centre, self._cloud.marks)

    async def start(self) -> None:
        """Begin to follow the contact centre, with the last picture; doesn't wait for an answer."""
        if self._kept is not None:
            await self._kept.start()
        if self._cloud is not None:
            self._cloud.first = self.read.queues | self.read.of_services
        if self._source is not None:
            await self._source.start()

    async def close(self) -> None:
        """Follow it no longer."""
        if self._source is not None:
            await self._source.close()
        if self._kept is not None:
            await self._kept.close()

    def on_change(self, heard: Callable[[], None]) -> None:
        """Have this called besides whenever a queue changes."""
        tell = self.centre.listener

        def both(queue: Queue) -> None:
            heard()
            if tell is not None:
                tell(queue)

        self.centre.listener = both

    def entitled(self) -> int | None:
        """The calls that the cloud says it takes at once, None where it hasn't said so."""
        return self._cloud.entitled if self._cloud is not None else None

    def knows_all_tasks(self) -> bool:
        """Whether all calls that the contact centre has are known here, and can be told to who follows us."""
        return self._cloud is not None and self._cloud.seeded.is_set()

    @property
    def picture(self) -> Picture:
        """What rules read."""
        return self.centre.picture

    @property
    def webhook(self) -> Webhook | None:
        """What takes the cloud's events, None where none come."""
        return self._cloud.webhook if self._cloud is not None and self._cloud.settings.webhook_url else None

    @property
    def degraded(self) -> str:
        """What is missing, in words; "" when nothing is."""
        source = self._source
        if source is None or (not source.seeded.is_set() and self._clock() - self._began < PATIENCE):
            return ""
        names = self.unknown
        unknown = [f"no {kind} is called {name}, which {self._who_names(kind, name)}" for kind, name in names]
        if len(unknown) > MOST_WORDS:
            unknown[MOST_WORDS:] = ["and more names are unknown: edge_router_state_unknown has them"]
        kept = self._kept.fault if self._kept is not None else ""
        return "; ".join(filter(None, [source.degraded, *unknown, kept]))

    @property
    def unknown(self) -> tuple[tuple[str, str], ...]:
        """The queues and teams that calls may ask for and nobody knows, once the contact centre has said which it has.

        No more than `MOST_UNKNOWN`.
        """
        if self._source is None or not self._source.seeded.is_set():
            return ()
        read = self.read
        queues = sorted(name for name in read.queues | read.of_services if self.picture.queue(name) is None)
        teams = sorted(name for name in read.teams if self.picture.team(name) is None)
        return (*(("queue", name) for name in queues), *(("team", name) for name in teams))[:MOST_UNKNOWN]

    def _who_names(self, kind: str, name: str) -> str:
        of_table = kind == "queue" and name not in self.read.queues
        return "the table of services names" if of_table else "rules read"

    def reading(self) -> StateReading:
        """What a scrape shows."""
        if self._cloud is None:
            return StateReading(unknown=self.unknown)
        return StateReading(dict(self._cloud.inbox.counts), dict(self._requests), self._cloud.corrections, self.unknown)

    async def report(self) -> Report | None:
        """How the connection to the cloud stands; None where there is none."""
        return await self._cloud.report() if self._cloud is not None else None

    def picture_for(self, config: Config) -> Picture:
        """Give the picture that goes with another configuration; what others have pushed stays in it."""
        if self._source is None:
            return picture_of(config, time.monotonic(), self.picture)
        for queue in picture_of(config, time.monotonic(), self.picture):
            self.picture.add(queue)
        return self.picture

    def take_over(self, config: Config, picture: Picture) -> None:
        """Go on with another configuration, and the picture that was made for it."""
        self._config = config
        self.centre.picture = picture

    def refuses_push(self, name: str) -> str:
        """Say why a queue's values may not be pushed, "" where they may."""
        if self._config.state.source == "static" or name in self._config.state.queues:
            return ""
        return f"the values of this queue come from {self._config.state.source}"

    def _heard_of(self, task: Task) -> None:
        """Another gateway tells of a call at the contact centre. What it calls it counts where that is a call of ours.

        Else the call is known by its numbers and its time: the other one may have taken it for one of its own.
        """
        if task.call and task.call not in self.ledger.placed:
            task.call = ""
        if self.ledger.tasks is not None:
            self.ledger.tasks.heard(task)

    def _asked(self, operation: str, code: str) -> None:
        self._requests[operation, code] += 1


def settings_of(node: str, webex: Webex, path: str) -> Settings:
    """Give what the configuration says of the cloud; ``path`` is the configuration's own."""
    estimates, webhook = webex.estimated_wait, webex.webhook
    return Settings(
        api=webex.api,
        org_id=webex.org_id,
        node=node,
        token_url=webex.token_url,
        client_id=webex.client_id,
        client_secret=secret_at(path, webex.client_secret_file),
        refresh=secret_at(path, webex.refresh_token_file),
        webhook_url=webhook.url if webhook else "",
        webhook_secret=secret_at(path, webhook.secret_file) if webhook else None,
        confirm_every=webex.confirm_every,
        look_every=webex.look_every,
        reconcile_every=webex.reconcile_every,
        requests_per_minute=webex.requests_per_minute,
        clock_tolerance=webex.clock_tolerance,
        estimates=estimates.queues if estimates else (),
        estimate_every=estimates.every if estimates else 30.0,
        estimate_lookback=round(estimates.lookback / 60) if estimates else 15,
        allow_loopback=webhook is not None and webhook.url.startswith("http://"),
        call_variable=webex.call_variable or "",
    )
