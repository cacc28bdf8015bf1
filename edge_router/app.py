"""The program: a configuration in, a running router out, until it is told to stop.

Lives here: what is put together with what, signals, and the two clocks (the timers' tick and the garbage slices).
"""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import uvloop
from aiohttp import web

from edge_router import __version__
from edge_router.b2bua.router import Router
from edge_router.config.binding import bind_faults
from edge_router.config.build import build
from edge_router.config.files import beside, tokens_of
from edge_router.config.listening import securities_of
from edge_router.config.loading import examine
from edge_router.config.reloading import fixed, unbuilt
from edge_router.contact_centre import StateOfCentre, names_read
from edge_router.ending import end_within
from edge_router.garbage import SLICE_EVERY, Garbage
from edge_router.http.access import Access
from edge_router.http.bounded import BoundedServer
from edge_router.http.decision_feed import DecisionFeed
from edge_router.http.decisions_api import REFUSALS
from edge_router.http.description import route as description_route
from edge_router.http.operation_api import KEYS as OPERATION_KEYS
from edge_router.http.operation_api import Operation, OperationApi
from edge_router.http.server import HttpServer, Readiness
from edge_router.http.state_api import EVENTS, KEYS, StateApi
from edge_router.http.switches_api import REFUSED as SWITCH_KEYS
from edge_router.http.webex_api import route as webex_route
from edge_router.listeners import Listeners
from edge_router.naming import Naming
from edge_router.questions import question_routes
from edge_router.recording.recorder import Recorder, RecordingMetrics
from edge_router.standing import Standing
from edge_router.status import Status
from edge_router.telemetry.call_log import CallLog
from edge_router.telemetry.connection_metrics import ConnectionMetrics
from edge_router.telemetry.exposition import exposition
from edge_router.telemetry.logs import set_logging, start_logging
from edge_router.telemetry.metrics import Metrics
from edge_router.telemetry.name_metrics import NameMetrics
from edge_router.telemetry.observers import Observers
from edge_router.telemetry.readings import RouterReading, TrunkReading
from edge_router.telemetry.standing_metrics import StandingMetrics
from edge_router.telemetry.state_metrics import StateMetrics
from state_client.webex.webhook import PATH as WEBHOOK

if TYPE_CHECKING:
    from edge_router.b2bua.reports.events import Observer
    from edge_router.config.faults import Fault
    from edge_router.config.models import Config, Http
    from edge_router.config.tables import Tables

FAREWELL: Final = 2.0  # seconds that the last BYEs have to be answered
# Seconds between two looks at the timers. Each look wakes the process, which costs more than what it finds: at 100 a
# second an idle router used 0.8 % of a core. The shortest of SIP's timers is 0.5 s.
LOOK_EVERY: Final = 0.05
_log = logging.getLogger(__name__)


class App:
    """A router with its listeners, observers and HTTP server.

    ``observers`` hear of calls besides metrics and log. ``state`` is what rules read.
    """

    def __init__(
        self, config: Config, path: str, observers: Iterable[Observer] = (), tables: Tables | None = None
    ) -> None:
        self.config = config
        self.path = path
        self.state = StateOfCentre(config, path)
        self.standing = Standing(self.state.ledger, beside(path, config.state.store))
        self.metrics = Metrics(__version__)
        self.state_metrics = StateMetrics(self.state.reading)
        self.listeners = Listeners(config)
        self.standing_metrics = StandingMetrics(self.standing.reading)
        tables = tables if tables is not None else examine(path).tables
        routing = build(
            config,
            time.monotonic,
            picture=self.state.picture,
            tables=tables,
            ledger=self.state.ledger,
            entitled=self.state.entitled,
        )
        self.standing.follow(routing, config)
        self.state.read = names_read(routing)
        self.api = StateApi(self.state.centre, config.state.stale_after, self.state.refuses_push)
        self.api.unseen = self.state.ledger.placed.unseen
        self.api.call_of = self.state.ledger.placed.call_of
        self.api.tasks.complete = self.state.knows_all_tasks
        self.state.on_change(self.standing.touch)
        self.recorder: Recorder | None = None
        if config.record is not None:
            directory, max_mb = beside(path, config.record.dir), config.record.max_mb
            self.recorder = Recorder(directory, max_mb, lambda: self.router.routing, lambda: self.state.picture)
            observers = (*observers, self.recorder)
        # The call log and other observers hear little; the metrics alone hear of every message.
        self._observers = Observers(self.metrics, CallLog(), DecisionFeed(self.api.feed), *observers)
        self.router = Router(routing, self.listeners.by_name, self._observers)
        self.naming = Naming(self._names_changed)
        self.name_metrics = NameMetrics(self.naming.reading)
        self.http: HttpServer | None = None
        self.webhook: BoundedServer | None = None
        self._garbage = Garbage(self.router.tidy)
        self._status = "starting"
        self._stopping = False
        self._farewell = 0.0
        self._stop = asyncio.Event()
        self._reloading = asyncio.Lock()
        self._tasks: set[asyncio.Task[tuple[Fault, ...]]] = set()  # the loop alone would let them be collected
        self.metrics.read_router = self._read_router
        self.metrics.read_trunks = self._read_trunks
        self.metrics.read_state_ages = self._read_state_ages

    async def start(self) -> None:
        """Takes its addresses; raises OSError where one can't be had."""
        loop = asyncio.get_running_loop()
        try:
            if self.config.http is not None:
                await self._serve(self.config.http)
            await self.standing.start()  # before the state: both have their rows in one file
            await self.state.start()
            await self.naming.follow(self.config)
            if self.recorder is not None:
                self.recorder.start()
            securities = securities_of(self.config, self.path, self.router.expected_at)
            self.listeners.open(loop, self.router, securities)
            self._names_changed()
        except OSError:
            await self.close()
            raise
        self._garbage.begin()
        self._status = "ready"
        self._tick(loop)
        self._slice(loop)
        _log.info("edge router %s is ready: %s", __version__, self.listeners.in_words)

    async def _serve(self, http: Http) -> None:
        """Opens what is asked over HTTP: everything at one address, or the cloud's webhook at one of its own."""
        access = Access(["/" + name for name in http.open], tokens_of(self.config, self.path))
        operation = OperationApi(self._operation()).routes()
        routes = [*self.api.routes(), *operation, webex_route(self.state.report), description_route(__version__)]
        routes += question_routes(
            access, lambda: self.router.routing, next(iter(self.listeners.by_name)), self.standing
        )
        webhook = self.state.webhook
        if webhook is not None and http.webhook_address is None:
            access.open(WEBHOOK)
            routes.append(web.post(WEBHOOK, webhook.handle))
        keys = {**KEYS, **OPERATION_KEYS, **SWITCH_KEYS}
        self.http = HttpServer(self._readiness, self._exposition, access, routes, {EVENTS}, keys, REFUSALS)
        await self.http.start(http.address.host, http.address.port)
        if webhook is not None and http.webhook_address is not None:
            self.webhook = BoundedServer(webhook.application(WEBHOOK))
            await self.webhook.start(http.webhook_address.host, http.webhook_address.port)

    def _operation(self) -> Operation:
        """What is asked and told over HTTP of calls, trunks, reload and drain."""

        async def reload() -> Sequence[str]:
            # It goes on where whoever asked doesn't wait for it.
            return [str(fault) for fault in await asyncio.shield(self._reload_soon())]

        return Operation(
            calls=lambda: (call.record for call in self.router.calls.values()),
            trunks=lambda: self.router.routing.trunks.values(),
            reload=reload,
            drain=self.drain,
        )

    async def run(self) -> None:
        """Runs until it has been told to stop and the last call is over, or told twice."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        loop.add_signal_handler(signal.SIGHUP, self._reload_soon)
        await self.start()
        try:
            await self._stop.wait()
        finally:
            end_within()
            await self.close()

    def _reload_soon(self) -> asyncio.Task[tuple[Fault, ...]]:
        self._tasks.add(task := asyncio.get_running_loop().create_task(self.reload()))
        task.add_done_callback(self._tasks.discard)
        return task

    def stop(self) -> None:
        """Takes no new calls and ends with the last one in progress; told again, ends those too."""
        if self._stopping:
            self.router.interrupt()
        else:
            self._stopping = True
            self.drain()
            self.router.keepalives.stop()  # an answer that nobody waits for would hold up the end
            self._farewell = time.monotonic() + FAREWELL

    def drain(self) -> int:
        """Takes no new calls, and stays when the last is over, until it is stopped. Gives how many are in progress."""
        router = self.router
        router.draining = True
        self._status = "draining"
        _log.info("draining: %d calls in progress", len(router.calls))
        return len(router.calls)

    def _look_whether_drained(self) -> None:
        """Looks once a tick whether the last call is over, and the last BYE answered."""
        router = self.router
        if router.calls:
            self._farewell = time.monotonic() + FAREWELL
            return
        router.registrations.leave()  # the last thing that is said; until then the calls' ends are heard
        if not router.transactions.unanswered or time.monotonic() > self._farewell:
            self._stop.set()

    async def close(self) -> None:
        """Gives everything back."""
        loop = asyncio.get_running_loop()
        self.listeners.close(loop)
        self.api.feed.close()
        if self.webhook is not None:
            await self.webhook.close()
        await self.naming.close()
        await self.state.close()
        await self.standing.close()
        if self.recorder is not None:
            await asyncio.to_thread(self.recorder.close)
        if self.http is not None:
            await self.http.close()

    async def reload(self) -> tuple[Fault, ...]:
        """Reads the configuration anew for calls to come; with faults the old one stays, and they are returned.

        Reading and building go on in a thread: a large configuration takes a while, and calls must not wait for it.
        """
        async with self._reloading:
            examined = await asyncio.to_thread(examine, self.path)
            faults = examined.faults + tuple(fixed(self.config, examined))
            config = examined.config
            for warning in examined.warnings:
                _log.warning("%s", warning)
            if faults or config is None:
                for fault in faults:
                    _log.error("not reloaded: %s", fault)
                return faults
            await self.naming.follow(self.config, config)
            picture = self.state.picture_for(config)
            try:
                tokens = await asyncio.to_thread(tokens_of, config, self.path)
                securities = await asyncio.to_thread(securities_of, config, self.path, self.router.expected_at)
                routing = await asyncio.to_thread(
                    build,
                    config,
                    time.monotonic,
                    self.router.routing,
                    picture,
                    examined.tables,
                    entitled=self.state.entitled,
                )
            except Exception as error:  # what no check has found: the configuration in force stays all the same
                fault = unbuilt(examined, error)
                _log.error("not reloaded: %s", fault)
                await self.naming.follow(self.config)
                return (fault,)
            self.router.follow(self.naming.applied(config, routing))
            self.config = config
            self.listeners.secure(securities)
            self.standing.follow(routing, config)
            self.state.take_over(config, picture)
            self.state.read = names_read(routing)
            self.api.stale_after = config.state.stale_after
            if self.http is not None:
                self.http.access.tokens = tokens
            self.standing.look(time.monotonic())  # the next call reads the latches
            set_logging(config.log.level, config.log.format)
            _log.info("reloaded %s", self.path)
            await self.naming.follow(config)
            return ()

    def _names_changed(self) -> None:
        """Calls go by what names lead to now."""
        self.router.follow(self.naming.applied(self.config, self.router.routing))

    # The clocks

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            self.router.tick()
            self.standing.look(time.monotonic())
            if self.recorder is not None:
                self.recorder.tick()
            if self._stopping:
                self._look_whether_drained()
        finally:
            if not self._stop.is_set():
                loop.call_later(LOOK_EVERY, self._tick, loop)

    def _slice(self, loop: asyncio.AbstractEventLoop) -> None:
        router = self.router
        # The transactions, too, so that the quiet begins when the last has gone and there is something to tidy up.
        traffic = router.received, len(router.transactions)
        litter = sum(server.requests for server in (self.http, self.webhook) if server is not None)
        self._garbage.turn(traffic, litter + self.listeners.connected)
        if not self._stop.is_set():
            loop.call_later(SLICE_EVERY, self._slice, loop)

    # What is asked at a scrape

    def _readiness(self) -> Readiness:
        if self._status == "draining":
            return Readiness(self._status, "draining: no new calls, those in progress go on")
        down = [name for name, trunk in self.router.routing.trunks.items() if trunk.trunk.targets and not trunk.up]
        lost = f"down: {', '.join(down)}" if down else ""
        said = lost, self.naming.degraded, self.state.degraded, self.standing.degraded
        recorded = self.recorder.degraded if self.recorder is not None else ""
        reason = "; ".join(filter(None, (*said, recorded)))
        return Readiness(self._status, reason, degraded=bool(reason))

    def _exposition(self) -> Iterable[bytes]:
        yield from exposition(self.metrics)
        yield from exposition(self.state_metrics)
        yield from exposition(self.standing_metrics)
        yield from exposition(ConnectionMetrics(self.listeners.readings))
        yield from exposition(self.name_metrics)
        if self.recorder is not None:
            yield from exposition(RecordingMetrics(self.recorder.writer))

    def _read_router(self) -> RouterReading:
        router = self.router
        counts = router.counts()
        layer = router.transactions
        faults = {
            **self.listeners.unsent,
            "observer": self._observers.errors,
            "http": self.http.errors if self.http is not None else 0,
            "collection under load": self._garbage.forced,
        }
        return RouterReading(counts["transactions"], counts["dialogs"], layer.repeated, layer.retransmitted, faults)

    def _read_trunks(self) -> Iterable[TrunkReading]:
        now = time.monotonic()
        routing = self.router.routing
        for name, live in routing.trunks.items():
            calls_in, calls_out = live.counts()
            targets = {target.label: up for target, up, _ in live.standing(now)}
            registered = live.registered if live.trunk.register is not None else None
            yield TrunkReading(name, calls_in, calls_out, targets, routing.emergency is not None, registered)

    def _read_state_ages(self) -> Mapping[str, float]:
        now = time.monotonic()
        return {queue.name: queue.age(now) for queue in self.state.picture}


def run(path: Path | str) -> Status:
    """``edge-router run``; faults and errors go to stderr."""
    gc.disable()  # here, so that a large configuration isn't looked through again and again while it is read
    examined = examine(path)
    taken = bind_faults(examined)
    for fault in [*examined.warnings, *examined.faults, *taken]:
        print(fault, file=sys.stderr)
    config = examined.config
    if config is None:
        return Status.BAD
    if taken:
        return Status.COULD_NOT_RUN
    writer = start_logging(config.log.level, config.log.format)

    async def main() -> None:
        await App(config, str(path), tables=examined.tables).run()

    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(main())
    except OSError as error:
        print(f"edge-router: can't listen: {error}", file=sys.stderr)
        return Status.COULD_NOT_RUN
    finally:
        writer.close()
    return Status.DONE
