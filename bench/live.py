"""Live state as large and as busy as it may get: what the router takes for it, and what calls notice of it.

A simulated contact centre of full size, the compiled router that follows it over HTTP, signed events at a rate from
outside, and SIPp's calls beside them. One after another, on one router: seed, a quiet minute, events one by one, calls
alone, calls with events, and the rate of events that calls can bear.
"""

from __future__ import annotations

import json
import platform
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path

from pydantic import TypeAdapter

import edge_router
from bench import sipp
from bench.accounting import cpu_seconds, most_resident_bytes, resident_bytes
from bench.contenders import Router
from bench.highest_rate import highest
from bench.live_centre import Centre, Layout, Size, lay_out, running_centre
from bench.live_decision import DecisionTimes, Prober
from bench.live_router import LiveRouter
from bench.live_sender import Sent, send
from bench.live_watch import OUTCOMES, Watch, waiting
from bench.load import Load, Range
from bench.places import Places
from bench.process import BenchError, Process, wait_for
from bench.results import DIRECTORY, describe_machine
from bench.set_up_probe import SetUpProbe, SetUpTimes

IDLE, CALLS, CALLS_AND_EVENTS = "alone", "with calls", "with calls and events"
"""What goes on beside events that are looked at one by one."""

SLOWEST = 20.0  # ms, the 99th percentile of set-up that calls may have beside events
_LEAD = 1.5  # s for which calls and events are there before and after what is measured among them
_EMPTIED = 5.0  # s for the inbox to empty after the last event
_SEEDED = 120.0  # s at most
_LEAST_OF_RATE = 0.97  # of the events asked for, or the sender didn't keep its rate
_FILE = DIRECTORY / "live.json"
_SCRIPT = Path(__file__).parent / "live_lookup.py"


@dataclass(frozen=True)
class Extent:
    """How much is measured. Rates are a second, times in s."""

    size: Size = field(default_factory=Size)
    calls: int = 200
    events: int = 5_000
    seconds: float = 60.0
    quiet: float = 60.0
    alone: float = 20.0
    one_by_one: float = 10.0
    first_try: int = 2_500
    last_try: int = 12_000
    a_try: float = 6.0


SHORT = Extent(seconds=8.0, quiet=5.0, alone=5.0, one_by_one=2.0, first_try=4_000, last_try=6_000, a_try=4.0)


@dataclass(frozen=True)
class Seed:
    """What the router had after the seed. Memory is resident, in octets."""

    seconds: float
    queues: int
    agents: int
    tasks: int
    memory: int
    memory_quiet: int
    memory_most: int  # at any time up to the end of the quiet


@dataclass(frozen=True)
class Run:
    """Calls, and events beside them if any. ``results`` are the router's counts of events by result."""

    load: Load
    times: SetUpTimes
    sent: Sent | None = None
    results: dict[str, int] = field(default_factory=dict)
    most_waiting: int = 0  # events that were accepted and not applied yet, where that was looked at
    others_cores: float = 0.0  # used by nothing that takes part in this

    @property
    def unharmed(self) -> bool:
        """No call failed, set-up was quick, and all events were taken at the rate that was asked for."""
        calls = self.load.failed == 0 and self.times.p99 < SLOWEST
        sent = self.sent
        return calls and (sent is None or (self.lost == 0 and sent.rate >= _LEAST_OF_RATE * sent.asked))

    @property
    def lost(self) -> int:
        """Events that were refused or dropped, or still waited when all was over."""
        if self.sent is None:
            return 0
        dropped = sum(count for result, count in self.results.items() if result not in ("accepted", *OUTCOMES))
        return self.sent.events - self.sent.answered + dropped + max(0, waiting(Counter(self.results)))


@dataclass
class Live:
    """All that was measured."""

    extent: Extent
    seed: Seed
    lookup: dict[str, float]  # ns
    compiled: bool
    decisions: dict[str, DecisionTimes]  # by what went on beside
    alone: Run
    beside: Run
    most_events: int  # a second, at which calls were unharmed; 0: at none that was tried
    tries: list[Run]
    memory_at_end: int
    taken: str = field(default_factory=lambda: datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"))
    machine: str = field(default_factory=describe_machine)
    versions: dict[str, str] = field(
        default_factory=lambda: {
            "Python": platform.python_version(),
            "edge-router": edge_router.__version__,
            "aiohttp": version("aiohttp"),
        }
    )


class Stage:
    """What is running while it is measured."""

    def __init__(
        self, extent: Extent, ground: Range, router: LiveRouter, process: Process, centre: Centre, layout: Layout
    ) -> None:
        self.extent = extent
        self.ground = ground
        self.router = router
        self.process = process
        self.layout = layout
        self._centre = centre

    def seed(self, say: Callable[[str], None]) -> Seed:
        """Wait until everything is known, and then for a quiet while."""
        router, pid, extent = self.router, self.process.pid, self.extent
        wait_for(lambda: router.known_after(self.ground.scratch) is not None, "the seed", _SEEDED)
        memory = resident_bytes(pid)
        say(f"{extent.quiet:.0f} s of quiet")
        time.sleep(extent.quiet)
        quiet, most = resident_bytes(pid), most_resident_bytes(pid)
        queues, agents, tasks = (router.count(what) for what in ("queues", "agents", "tasks"))
        seconds = router.known_after(self.ground.scratch) or 0.0
        return Seed(seconds, queues, agents, tasks, memory, quiet, most)

    def decisions(self, pool: Executor, calls: int, events: int) -> DecisionTimes:
        """Events one by one and the calls that they decide, with so many other calls and events a second beside."""
        ground, router, extent = self.ground, self.router, self.extent
        longer = extent.one_by_one + 2 * _LEAD
        with ExitStack() as beside:
            sending = pool.submit(send, router.webhook, self.layout, events, longer) if events else None
            if calls:
                arguments = (router.address, sipp.BRIDGED, calls, round(calls * longer))
                end = beside.enter_context(sipp.carrier(ground.places, ground.scratch, *arguments))
                beside.callback(end.process.ended, _LEAD + sipp.LAST_CALL)
            time.sleep(_LEAD)
            with Prober(ground.places, router.address, router.webhook, self.layout) as prober:
                found = prober.measure(extent.one_by_one)
            if sending is not None:
                sending.result()
        return found

    def run(self, pool: Executor, events: int, seconds: float) -> Run:
        """Calls, and so many events a second beside them, for so many seconds."""
        router, extent = self.router, self.extent
        before = router.events()
        simulator = cpu_seconds(self._centre.process.tree())
        sending = pool.submit(send, router.webhook, self.layout, events, seconds) if events else None
        with Watch(router) as watch, SetUpProbe(router.address) as probe:
            load = self.ground.load(self.process, router.address, sipp.BRIDGED, extent.calls, seconds)
            sent = sending.result() if sending is not None else None
        with suppress(BenchError):  # what doesn't get done in this time is lost
            wait_for(lambda: waiting(router.events()) == 0, "the inbox to empty", _EMPTIED)
        simulator = (cpu_seconds(self._centre.process.tree()) - simulator) / load.seconds
        return Run(
            load=load,
            times=probe.times(),
            sent=sent,
            results=dict(router.events() - before),
            most_waiting=watch.most_waiting,
            others_cores=max(0.0, load.others_cores - simulator - (sent.cores if sent is not None else 0.0)),
        )


def measure(extent: Extent, places: Places, scratch: Path, say: Callable[[str], None]) -> Live:
    """Everything; raises BenchError where it can't go on."""
    lookup, compiled = look_up(extent.size.queues)
    layout = lay_out(extent.size)
    say("the simulated contact centre fills")
    with running_centre(extent.size, places, scratch) as centre, sipp.premise(places, scratch) as premise:
        centre.fill(layout, extent.size.tasks)
        router = LiveRouter(places, 0, centre, layout)
        say("the router starts")
        pool = ProcessPoolExecutor(1, get_context("spawn"))  # a fork would take along the probe's thread
        with router.running(scratch) as process, pool:
            stage = Stage(extent, Range(places, scratch, premise), router, process, centre, layout)
            return _measure(stage, pool, lookup, compiled, say)


def _measure(
    stage: Stage, pool: Executor, lookup: dict[str, float], compiled: bool, say: Callable[[str], None]
) -> Live:
    extent = stage.extent
    calls, events = extent.calls, extent.events
    seed = stage.seed(say)
    decisions: dict[str, DecisionTimes] = {}
    for beside, with_calls, with_events in (
        (IDLE, 0, 0),
        (CALLS, calls, 0),
        (CALLS_AND_EVENTS, calls, events),
    ):
        say(f"events one by one, {beside}")
        decisions[beside] = stage.decisions(pool, with_calls, with_events)
    say(f"{calls} calls/s alone")
    alone = stage.run(pool, 0, extent.alone)
    say(f"{calls} calls/s beside {events} events/s")
    beside_events = stage.run(pool, events, extent.seconds)
    memory = resident_bytes(stage.process.pid)
    tries: list[Run] = []

    def holds(rate: int, longer: float) -> bool:
        say(f"{calls} calls/s beside {rate} events/s")
        tries.append(stage.run(pool, rate, extent.a_try * longer))
        return tries[-1].unharmed

    most = highest(holds, extent.first_try, extent.last_try)
    return Live(extent, seed, lookup, compiled, decisions, alone, beside_events, most, tries, memory)


def look_up(queues: int) -> tuple[dict[str, float], bool]:
    """Times of a queue's look-up in ns, by the interpreter that the router runs in, and whether it is compiled."""
    command = [Router.python, "-P", str(_SCRIPT), str(queues)]
    found = json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)
    compiled = bool(found.pop("compiled"))
    return found, compiled


def write(found: Live) -> None:
    """Keep what was found."""
    DIRECTORY.mkdir(exist_ok=True)
    _FILE.write_bytes(TypeAdapter(Live).dump_json(found, indent=1) + b"\n")


def read() -> Live:
    """What `write` kept. FileNotFoundError where there is nothing."""
    return TypeAdapter(Live).validate_json(_FILE.read_bytes())
