"""`edge-router demo`: a router on loopback between a carrier, a premise and a cloud, with calls that flow.

The router is the real one, with a real configuration that can be copied; the other three are SIPp. What is played is
the contact centre alone: a queue that fills up and drains, call by call, so that the same numbers are answered now in
the cloud, now on the premise, and now not at all. Where all that takes place is demo_scene.py's.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Final

import uvloop
from rich.console import Console
from rich.text import Text

from edge_router.app import App
from edge_router.b2bua.events import Silence
from edge_router.config.loading import load
from edge_router.demo_scene import HTTP_PORT, PATIENCE, SCENARIOS, SIP_PORT, CannotRun, Ends, Places, Tide
from edge_router.policy.decision import shown
from edge_router.status import Status
from edge_router.telemetry.call_log import what_became
from edge_router.telemetry.logs import safe, start_logging

if TYPE_CHECKING:
    from edge_router.b2bua.record import CallRecord
    from edge_router.policy.decision import Decision

STYLES: Final = {"cloud": "cyan", "premise": "yellow"}
_CTRL_C: Final = 1.0  # s: Ctrl-C reaches SIPp too, and its end may be seen before our own signal


class Play(Silence):
    """Watches the router: each decision moves the tide, and each call that is over is news. None ends the play."""

    def __init__(self) -> None:
        self.news: asyncio.Queue[CallRecord | None] = asyncio.Queue()
        self.trouble = ""
        self.tide: Tide | None = None
        self._over = False
        self._watchers: list[asyncio.Task[None]] = []

    def decided(self, record: CallRecord, seconds: float) -> None:
        """Let the queue change between one call and the next."""
        if self.tide is not None:
            self.tide.step()

    def ended(self, record: CallRecord) -> None:
        """Tell of the call."""
        self.news.put_nowait(record)

    def end(self) -> None:
        """Nothing more is told, and that SIPp ends too is no surprise: Ctrl-C reaches it as well."""
        self._over = True
        self.news.put_nowait(None)

    async def raise_curtain(self, ends: Ends, places: Places, calls: int | None) -> None:
        """Start the SIPps, the carrier last, and keep an eye on them."""
        premise = await ends.start_agent(places.premise)
        cloud = await ends.start_agent(places.cloud)
        carrier = await ends.start_carrier(calls)
        self._watchers = [
            asyncio.create_task(self._watch("premise", premise, _CTRL_C)),
            asyncio.create_task(self._watch("cloud", cloud, _CTRL_C)),
            # A carrier that has made its calls may go: the last of them is over a moment later.
            asyncio.create_task(self._watch("carrier", carrier, _CTRL_C if calls is None else PATIENCE)),
        ]

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


async def play(console: Console, sipp: str, calls: int | None, seconds: float | None) -> None:
    """The whole demo, in the event loop; raises CannotRun or OSError."""
    with contextlib.ExitStack() as stack:
        places = stack.enter_context(contextlib.closing(Places()))
        file = Path(tempfile.mkdtemp(prefix="edge-router-demo-")) / "edge-router.yaml"
        file.write_text(places.configuration())
        watched = Play()
        app = App(load(file), str(file), [watched])
        watched.tide = Tide(app.state.picture)
        await app.start()
        ends = Ends(sipp, places, Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="edge-router-sipp-"))))
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, watched.end)
        if seconds is not None:
            loop.call_later(seconds, watched.end)
        try:
            greet(console, places, file)
            await watched.raise_curtain(ends, places, calls)
            await tell(console, watched, calls)
        finally:
            watched.lower_curtain()
            await ends.stop()
            app.router.interrupt()
            await app.close()
        console.print(f"The configuration stays at {file}", soft_wrap=True)


async def tell(console: Console, watched: Play, calls: int | None) -> None:
    """Print a line for each call until there are enough, or the end comes; then how many went where."""
    sums: Counter[str] = Counter()
    while calls is None or sums.total() < calls:
        record = await watched.news.get()
        if record is None:
            break
        sums[where_to(record.decision)] += 1
        console.print(line(record), soft_wrap=True)
    console.print(f"{sums.total()} calls: " + ", ".join(f"{count} {where}" for where, count in sums.most_common()))
    if watched.trouble:
        raise CannotRun(watched.trouble)


# ------------------------------------------------------------------------------------------------ what is printed


def greet(console: Console, places: Places, file: Path) -> None:
    """Who is who, and where to look."""
    http = f"http://{places.router}:{HTTP_PORT}"
    for name, what in (
        ("router", f"{places.router}:{SIP_PORT}"),
        ("around it", f"carrier {places.carrier}, premise {places.premise}, cloud {places.cloud}"),
        ("configuration", str(file)),
        ("ready?", f"{http}/readyz"),
        ("metrics", f"{http}/metrics"),
        ("end it", "Ctrl-C"),
    ):
        console.print(Text.assemble((f"{name:<15}", "bold"), what), soft_wrap=True)
    console.print()


def line(record: CallRecord) -> Text:
    """A call in one line: calling -> called, decision, outcome, rule and what it read."""
    decision = record.decision
    where = where_to(decision)
    text = Text(f"{safe(record.calling)} -> {safe(record.called)}  ")
    text.append(f"{what_to_do(decision):<18}", STYLES.get(where, "red"))
    text.append(f"  {what_became(record):<26}")
    if decision is not None:
        values = ", ".join(f"{read} = {shown(value)}" for read, value in decision.values.items())
        text.append(f"  {decision.rule}: {values}", "dim")
    return text


def what_to_do(decision: Decision | None) -> str:
    """What was decided, without the reasons."""
    if decision is None:
        return "nothing"
    return f"{decision.method} to {decision.to[0].peer}" if decision.to else f"reject {decision.code}"


def where_to(decision: Decision | None) -> str:
    """The dial-peer that is tried first, or that there is none."""
    return decision.to[0].peer if decision is not None and decision.to else "rejected"


def run(calls: int | None = None, seconds: float | None = None) -> Status:
    """`edge-router demo`: plays until Ctrl-C, or so many calls, or so many seconds."""
    sipp = shutil.which("sipp")
    writer = start_logging("warning", "text")
    try:
        if sipp is None:
            raise CannotRun("SIPp plays the other ends, and is not installed; on Debian: apt-get install sip-tester")
        if not SCENARIOS.is_dir():
            raise CannotRun(f"the scenarios that SIPp plays are not at {SCENARIOS}")
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(play(Console(highlight=False), sipp, calls, seconds))
    except (CannotRun, OSError) as error:
        print(f"edge-router demo: {error}", file=sys.stderr)
        return Status.COULD_NOT_RUN
    finally:
        writer.close()
    return Status.DONE
