"""`edge-router demo`: a router on loopback between a carrier, a premise and a cloud, with calls that flow.

The router is the real one, with a real configuration that can be copied; carrier and premise are SIPp. The cloud is a
simulated Webex Contact Center, which the router follows as it would the true one: its queue fills up and drains, so
that the same numbers are answered now in the cloud, now on the premise, and now not at all. What the cloud is, and
where all that takes place, is demo_scene.py's.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import uvloop
from rich.console import Console
from rich.text import Text

from edge_router.app import App
from edge_router.b2bua.events import Silence
from edge_router.config.loading import load
from edge_router.demo_scene import BURST_PORT, HELD_BACK, HTTP_PORT, SIP_PORT, CannotRun, Cloud, Places, SentOn
from edge_router.policy.decision import shown
from edge_router.status import Status
from edge_router.telemetry.call_log import what_became
from edge_router.telemetry.logs import safe, start_logging
from state_client.webex.secret import SecretError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edge_router.b2bua.record import CallRecord
    from edge_router.policy.decision import Decision

CALLS_PER_SECOND: Final = 2
CALLED: Final = ("+18005550302", "+18005550303", "+18005550100")
"""The numbers that are called in turn: by 302, by REFER, and bridged while the cloud has room."""
CALLERS: Final = 3000
"""As many as call in 25 minutes: who calls twice within 15 would seem to come back from where he was sent."""
BURST_CALLED: Final = ("+18005550302", "+18005550200")
"""The numbers that a burst calls in turn: by 302 while few are expected in the cloud, and whoever waits there."""
BURST_AFTER, BURST_EVERY = 8.0, 60.0
"""Seconds to the first burst, and from one to the next."""
PATIENCE: Final = 5.0
"""Seconds that calls have to end when the carrier has made its last one, and SIPp to end when it is told to."""

SCENARIOS: Final = Path(__file__).resolve().parent.parent / "sipp_scenarios"

STYLES: Final = {"cloud": "cyan", "premise": "yellow"}
_CTRL_C: Final = 1.0  # s: Ctrl-C reaches SIPp too, and its end may be seen before our own signal


class Wish(NamedTuple):
    """What somebody wants to see: so many calls or seconds, None without end; bursts of so many calls, 0 for none.

    Without ``share`` nothing keeps a burst from the cloud but that it refuses what is too much.
    """

    calls: int | None = None
    seconds: float | None = None
    burst: int = 50
    share: bool = True


def numbers(callers: Iterable[int] = range(CALLERS), called: tuple[str, ...] = CALLED) -> str:
    """SIPp's injection file: who calls whom, one call a line, from the top again at its end."""
    pairs = (f"+1303555{caller:04};{called[caller % len(called)]}" for caller in callers)
    return "\n".join(["SEQUENTIAL", *pairs, ""])


def of_burst(record: CallRecord) -> bool:
    """Whether this caller is one of a burst's: their numbers begin where the others' end."""
    return int(record.calling[-4:]) >= CALLERS


class Ends:
    """The SIPp processes. Each is ended by its own id."""

    def __init__(self, sipp: str, places: Places, directory: Path) -> None:
        self._sipp = sipp
        self._places = places
        self._directory = directory
        self._processes: list[asyncio.subprocess.Process] = []

    async def start_agent(self, host: str) -> asyncio.subprocess.Process:
        """The premise: answers on this address."""
        return await self._start(host, "demo_agent.xml")

    async def start_carrier(self, calls: int | None) -> asyncio.subprocess.Process:
        """The carrier: calls at once, so often or for ever."""
        (self._directory / "numbers.csv").write_text(numbers())
        options = ["-inf", "numbers.csv", "-r", str(CALLS_PER_SECOND)]
        if calls is not None:
            options += ["-m", str(calls)]
        router = f"{self._places.router}:{SIP_PORT}"
        return await self._start(self._places.carrier, "demo_carrier.xml", *options, router)

    async def start_burst(self, calls: int, before: int) -> None:
        """The carrier once more: so many calls within a second, after as many of bursts ``before``."""
        callers = (CALLERS + (before + call) % (10_000 - CALLERS) for call in range(calls))
        (self._directory / "burst.csv").write_text(numbers(callers, BURST_CALLED))
        options = ["-inf", "burst.csv", "-r", str(calls), "-m", str(calls)]
        router = f"{self._places.router}:{SIP_PORT}"
        await self._start(self._places.carrier, "demo_carrier.xml", *options, router, port=BURST_PORT)

    async def _start(self, host: str, scenario: str, *options: str, port: int = SIP_PORT) -> asyncio.subprocess.Process:
        where = ["-sf", str(SCENARIOS / scenario), "-i", host, "-p", str(port), "-bind_local", "-nostdin"]
        process = await asyncio.create_subprocess_exec(
            self._sipp,
            *where,
            *options,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            cwd=self._directory,
        )
        self._processes.append(process)
        return process

    async def stop(self) -> None:
        """End what still runs, and wait for it."""
        running = [process for process in self._processes if process.returncode is None]
        for process in running:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
        ended = [asyncio.create_task(process.wait()) for process in running]
        if ended:
            await asyncio.wait(ended, timeout=PATIENCE)
        for process in running:
            if process.returncode is None:  # it waits for calls that nobody will end
                process.kill()
                await process.wait()


class Play(Silence):
    """Watches the router: each call that is over is news, and None ends the play. ``in_bursts`` are calls so far."""

    def __init__(self, sent_on: SentOn) -> None:
        self.news: asyncio.Queue[CallRecord | None] = asyncio.Queue()
        self.trouble = ""
        self.in_bursts = 0
        self._over = False
        self._sent_on = sent_on
        self._watchers: list[asyncio.Task[None]] = []

    def ended(self, record: CallRecord) -> None:
        """Tell of the call; who was sent elsewhere calls there now, as he does by his carrier."""
        self.news.put_nowait(record)
        if record.outcome in ("redirected", "referred") and record.target is not None:
            self._sent_on.call(record.calling, record.target)

    def end(self) -> None:
        """Nothing more is told, and that SIPp ends too is no surprise: Ctrl-C reaches it as well."""
        self._over = True
        self.news.put_nowait(None)

    async def until_known(self, app: App) -> None:
        """Wait until the router knows the contact centre. If that takes too long, calls come without."""
        deadline = time.monotonic() + PATIENCE
        while not self._over and time.monotonic() < deadline:
            queue = app.state.picture.queue("Support")
            if queue is not None and queue.age(time.monotonic()) < PATIENCE:
                break
            await asyncio.sleep(0.02)

    async def raise_curtain(self, ends: Ends, places: Places, wish: Wish) -> None:
        """Start the SIPps, the carrier last, and keep an eye on them."""
        premise = await ends.start_agent(places.premise)
        carrier = await ends.start_carrier(wish.calls)
        self._watchers = [
            asyncio.create_task(self._watch("premise", premise, _CTRL_C)),
            # A carrier that has made its calls may go: the last of them is over a moment later.
            asyncio.create_task(self._watch("carrier", carrier, _CTRL_C if wish.calls is None else PATIENCE)),
        ]

    def burst_now_and_then(self, console: Console, ends: Ends, cloud: Cloud, app: App, calls: int) -> None:
        """Many calls within a second, of which the cloud tells nothing before they are all decided."""

        async def bursts() -> None:
            await asyncio.sleep(BURST_AFTER)
            for number in itertools.count():
                await self._until_nobody_waits(app)
                cloud.hold_back(HELD_BACK)
                console.print(f"{calls} calls come within a second, and the cloud's events are late", style="bold")
                self.in_bursts += calls
                await ends.start_burst(calls, number * calls)
                await asyncio.sleep(HELD_BACK)
                cloud.hold_back(0)
                await asyncio.sleep(BURST_EVERY)

        self._watchers.append(asyncio.create_task(bursts()))

    async def _until_nobody_waits(self, app: App) -> None:
        """A burst is worst where the cloud seems to be empty. If that takes too long, it comes all the same."""
        deadline = time.monotonic() + PATIENCE
        queue = app.state.picture.queue("Support")
        while time.monotonic() < deadline:
            if queue is None or not queue.length:
                break
            await asyncio.sleep(0.02)

    def lower_curtain(self) -> None:
        """Look away."""
        for watcher in self._watchers:
            watcher.cancel()

    async def _watch(self, name: str, process: asyncio.subprocess.Process, patience: float) -> None:
        """A SIPp that is gone ends the play, if the play isn't over by itself soon after."""
        status = await process.wait()
        await asyncio.sleep(patience)
        if not self._over:
            self.trouble = f"the {name}'s SIPp has ended with status {status}"
            self.end()


async def play(console: Console, sipp: str, wish: Wish) -> None:
    """The whole demo, in the event loop; raises CannotRun or OSError."""
    async with contextlib.AsyncExitStack() as stack:
        sent_on = SentOn()
        watched = Play(sent_on)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, watched.end)
        places = stack.enter_context(contextlib.closing(Places()))
        cloud = Cloud(places.cloud)
        stack.push_async_callback(cloud.close)
        await cloud.start()
        await sent_on.open(places.carrier)
        stack.callback(sent_on.close)
        file = places.write(Path(tempfile.mkdtemp(prefix="edge-router-demo-")), cloud.organisation, wish.share)
        app = App(load(file), str(file), [watched])
        await app.start()
        stack.push_async_callback(app.close)
        ends = Ends(sipp, places, Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="edge-router-sipp-"))))
        if wish.seconds is not None:
            loop.call_later(wish.seconds, watched.end)
        try:
            greet(console, places, file)
            await watched.until_known(app)
            await watched.raise_curtain(ends, places, wish)
            if wish.burst:
                watched.burst_now_and_then(console, ends, cloud, app, wish.burst)
            await tell(console, watched, cloud, wish)
        finally:
            watched.lower_curtain()
            await ends.stop()
            app.router.interrupt()
    console.print(f"The configuration stays at {file}", soft_wrap=True)


async def tell(console: Console, watched: Play, cloud: Cloud, wish: Wish) -> None:
    """Print a line for each call until there are enough, or the end comes; then how many went where.

    Calls of bursts are counted apart, and a burst that has begun is told whole.
    """
    sums: Counter[str] = Counter()
    bursts: Counter[str] = Counter()
    while wish.calls is None or sums.total() < wish.calls or bursts.total() < watched.in_bursts:
        record = await watched.news.get()
        if record is None:
            break
        (bursts if of_burst(record) else sums)[went(record)] += 1
        console.print(line(record), soft_wrap=True)
    console.print(f"{sums.total()} calls: {in_words(sums)}")
    if wish.burst:
        console.print(f"{bursts.total()} calls in bursts: {in_words(bursts)}; the cloud had to refuse {cloud.refused}")
    if watched.trouble:
        raise CannotRun(watched.trouble)


# ------------------------------------------------------------------------------------------------ what is printed


def greet(console: Console, places: Places, file: Path) -> None:
    """Who is who, and where to look."""
    http = f"http://{places.router}:{HTTP_PORT}"
    cloud = f"http://{places.cloud}:{HTTP_PORT}"
    for name, what in (
        ("router", f"{places.router}:{SIP_PORT}"),
        ("around it", f"carrier {places.carrier}, premise {places.premise}, cloud {places.cloud}"),
        ("configuration", str(file)),
        ("ready?", f"{http}/readyz"),
        ("queues", f"{http}/v1/queues"),
        ("tasks", f"{http}/v1/tasks (what the cloud has; call_id: which call of the router's it is)"),
        ("events", f"{http}/v1/events"),
        ("metrics", f"{http}/metrics"),
        ("simulator", f"{cloud}/simulator/truth (a Webex Contact Center in which a second is a minute)"),
        ("end it", "Ctrl-C"),
    ):
        console.print(Text.assemble((f"{name:<15}", "bold"), what), soft_wrap=True)
    console.print()


def line(record: CallRecord) -> Text:
    """A call in one line: calling -> called, decision, outcome, what else there is to say, rule and what it read."""
    decision = record.decision
    text = Text(f"{safe(record.calling)} -> {safe(record.called)}  ")
    text.append(f"{what_to_do(decision):<18}", STYLES.get(went(record), "red"))
    text.append(f"  {what_became(record):<26}")
    if record.reason:
        text.append(f"  {record.reason}")
    if decision is not None:
        values = ", ".join(f"{read} = {shown(value)}" for read, value in decision.values.items())
        text.append(f"  {decision.rule}: {values}", "dim")
    return text


def what_to_do(decision: Decision | None) -> str:
    """What was decided, without the reasons."""
    if decision is None:
        return "nothing"
    return f"{decision.method} to {decision.to[0].peer}" if decision.to else f"reject {decision.code}"


def went(record: CallRecord) -> str:
    """The dial-peer that took the call or that it was sent to, else what became of it."""
    there = record.outcome in ("answered", "redirected", "referred")
    return record.dial_peer_out or record.outcome if there else record.outcome


def in_words(sums: Counter[str]) -> str:
    """How many went where, most of all first."""
    return ", ".join(f"{count} {where}" for where, count in sums.most_common())


def run(wish: Wish) -> Status:
    """`edge-router demo`: plays until Ctrl-C, or so many calls or seconds."""
    sipp = shutil.which("sipp")
    writer = start_logging("warning", "text")
    try:
        if sipp is None:
            raise CannotRun("SIPp plays the other ends, and is not installed; on Debian: apt-get install sip-tester")
        if not SCENARIOS.is_dir():
            raise CannotRun(f"the scenarios that SIPp plays are not at {SCENARIOS}")
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(play(Console(highlight=False), sipp, wish))
    except (CannotRun, SecretError, OSError) as error:
        print(f"edge-router demo: {error}", file=sys.stderr)
        return Status.COULD_NOT_RUN
    finally:
        writer.close()
    return Status.DONE
