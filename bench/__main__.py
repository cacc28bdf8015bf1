"""`python -m bench`: everything, or parts of it; `replay`: the engine alone; `drift` and `live`: live state.

`ask`, `decide` and `replay-file`: decisions; `transports` and `handshakes`: TCP and TLS.
"""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from bench import ask as asking
from bench import decide as deciding
from bench import drift_page, live_page, recorded
from bench import live as live_state
from bench import replay as replaying
from bench import transports as by_transport
from bench.chart import draw
from bench.contenders import RedirectingRouter, Router
from bench.places import alone, free_places
from bench.process import BenchError
from bench.programme import PARTS, SHORT, Extent, Programme
from bench.results import Results, describe_machine, describe_versions, read
from bench.table import publish
from bench.table import show as print_table

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, help=__doc__)


@app.callback(invoke_without_command=True)
def run(
    context: typer.Context,
    only: Annotated[str, typer.Option(help=f"Parts, with commas between them: {', '.join(PARTS)}.")] = "",
    short: Annotated[bool, typer.Option("--short", help="A few minutes: to see that it works, not to learn.")] = False,
    pairs: Annotated[int | None, typer.Option(help="Alternating pairs for each rate.")] = None,
    seconds: Annotated[float | None, typer.Option(help="Length of each load of a pair.")] = None,
    rates: Annotated[str, typer.Option(help="Rates for bridging, with commas between them.")] = "",
) -> None:
    """Measure the router beside Kamailio and Sippy B2BUA; a whole run takes most of an hour on a quiet machine.

    A whole run is published in docs/performance.md; one with options is only shown and left in bench/results.
    """
    if context.invoked_subcommand is not None:
        return
    _end_what_was_started()
    parts = only.split(",") if only else list(PARTS)
    unknown = [part for part in parts if part not in PARTS]
    if unknown:
        raise typer.BadParameter(f"no such part: {', '.join(unknown)}")
    extent = SHORT if short else Extent()
    extent = replace(
        extent,
        pairs=pairs or extent.pairs,
        seconds=seconds or extent.seconds,
        bridging=tuple(map(int, rates.split(","))) if rates else extent.bridging,
    )
    whole = extent == Extent() and not only
    results = Results(machine=describe_machine(), versions=describe_versions())

    try:
        with alone(), TemporaryDirectory(prefix="edge-router-bench-") as scratch:
            programme = Programme(extent, free_places(), Path(scratch), results, _teller())
            for part in parts:
                PARTS[part](programme)
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        raise typer.Exit(1) from error
    results.write("latest" if whole else "partial")
    show("latest" if whole else "partial")


@app.command()
def show(name: Annotated[str, typer.Argument(help="latest: the last whole run; partial: another.")] = "latest") -> None:
    """Show what was measured last, and draw it; the last whole run is put into docs/performance.md as well."""
    results = read(name)
    print_table(results)
    print(draw(results, name))
    if name == "latest":
        publish(results)


@app.command()
def replay(
    calls: Annotated[int, typer.Option(help="Calls in a round.")] = 3000,
    rounds: Annotated[int, typer.Option(help="Rounds; the best one is shown.")] = 5,
    rate: Annotated[int, typer.Option(help="Calls a second on the router's clock.")] = 1500,
    redirect: Annotated[bool, typer.Option("--redirect", help="Calls that get a 302 instead of bridged ones.")] = False,
    functions: Annotated[bool, typer.Option("--functions", help="The functions that take most time.")] = False,
    lines: Annotated[bool, typer.Option("--lines", help="The lines that take most time.")] = False,
    memory: Annotated[bool, typer.Option("--memory", help="What held and finished calls keep.")] = False,
    burst: Annotated[bool, typer.Option("--burst", help="What ten times as many calls leave in memory.")] = False,
    cold: Annotated[int, typer.Option(help="MB of cache to empty before each datagram, as at low rates.")] = 0,
    most: Annotated[int, typer.Option(help="How many functions or lines.")] = 30,
) -> None:
    """Play calls through the router's engine in this process, without sockets, and show where the time goes."""
    play = replaying.Replay(rate, RedirectingRouter if redirect else Router, cold)
    if functions:
        replaying.show_functions(play, calls, most)
    if lines:
        replaying.show_lines(play, calls * rounds, most)
    if memory:
        replaying.show_memory(play, calls, most)
    if burst:
        replaying.show_burst(play, 10 * calls)
    if not (functions or lines or memory or burst):
        replaying.show_time(play, calls, rounds)


@app.command()
def decide(
    calls: Annotated[int, typer.Option(help="Calls in a round.")] = 3000,
    rounds: Annotated[int, typer.Option(help="Pairs of rounds.")] = 7,
    rate: Annotated[int, typer.Option(help="Calls a second.")] = 1500,
    live: Annotated[bool, typer.Option("--live", help="Calls through real routers, as compiled, and SIPp.")] = False,
) -> None:
    """Measure a decision with everything on that a policy can use, and what that adds to a bridged call."""
    if live:
        with alone():
            deciding.show_live(rate, 6.0, rounds)
        return
    deciding.show_loading()
    deciding.show_look_ups()
    deciding.show_decisions(10 * calls)
    deciding.show_calls(calls, rounds, rate)


@app.command()
def ask(
    rate: Annotated[int, typer.Option(help="Questions a second.")] = 200,
    calls: Annotated[int, typer.Option(help="Calls a second beside them.")] = 200,
    seconds: Annotated[float, typer.Option(help="For how long.")] = 25.0,
) -> None:
    """Measure how long /v1/decisions takes to answer, alone and beside calls."""
    _end_what_was_started()
    try:
        for beside in (0, calls):
            with alone(), TemporaryDirectory(prefix="edge-router-bench-") as scratch:
                print(asking.measure(free_places(), Path(scratch), rate, beside, seconds).line())
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        raise typer.Exit(1) from error


@app.command()
def transports(
    rate: Annotated[int, typer.Option(help="Calls a second.")] = 800,
    seconds: Annotated[float, typer.Option(help="Length of each load.")] = 6.0,
    pairs: Annotated[int, typer.Option(help="Alternating pairs.")] = 5,
    interpreted: Annotated[bool, typer.Option("--interpreted", help="This tree's sources, in plain Python.")] = False,
) -> None:
    """Measure a bridged call over TCP beside one over UDP."""
    _end_what_was_started()
    try:
        with alone(), TemporaryDirectory(prefix="edge-router-bench-") as scratch:
            python = sys.executable if interpreted else None
            print(by_transport.compare(free_places(), Path(scratch), rate, seconds, pairs, python))
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        raise typer.Exit(1) from error


@app.command()
def handshakes(
    rate: Annotated[int, typer.Option(help="Handshakes a second.")] = 50,
    calls: Annotated[int, typer.Option(help="UDP calls a second beside them.")] = 200,
    seconds: Annotated[float, typer.Option(help="For how long.")] = 15.0,
    interpreted: Annotated[bool, typer.Option("--interpreted", help="This tree's sources, in plain Python.")] = False,
) -> None:
    """Measure how long calls take to be set up while others shake hands over TLS, with ECDSA and with RSA keys."""
    _end_what_was_started()
    try:
        for key in ("ecdsa", "rsa"):
            with alone(), TemporaryDirectory(prefix="edge-router-bench-") as scratch:
                python = sys.executable if interpreted else None
                for line in by_transport.handshakes(free_places(), Path(scratch), rate, calls, seconds, key, python):
                    print(line)
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        raise typer.Exit(1) from error


@app.command()
def replay_file(
    calls: Annotated[int, typer.Option(help="Recorded calls.")] = 1_000_000,
) -> None:
    """Write a recording, and measure `edge-router replay` on it: time and memory of the whole process."""
    _end_what_was_started()
    try:
        with alone(), TemporaryDirectory(prefix="edge-router-bench-") as scratch:
            recorded.write(Path(scratch), calls)
            print(recorded.measure(Path(scratch), calls).line())
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        raise typer.Exit(1) from error


@app.command()
def drift(
    hours: Annotated[float, typer.Option(help="Hours from midnight; only whole days are published.")] = 24.0,
    again: Annotated[bool, typer.Option("--again", help="Show and publish the last whole days anew.")] = False,
    workers: Annotated[int, typer.Option(help="Processes.")] = 2,
) -> None:
    """Measure over simulated days how right the lengths of queues stay while events are lost; takes some minutes.

    It writes the tables in docs/state.md, and the chart.
    """
    found = drift_page.read() if again else drift_page.measure_all(round(hours * 3600), workers)
    drift_page.show(found)
    if again or hours == 24:
        drift_page.write(found)
        drift_page.publish(found)
        print(drift_page.draw(found))


@app.command()
def live(
    short: Annotated[bool, typer.Option("--short", help="A minute: to see that it works, not to learn.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Show and publish the last whole run anew.")] = False,
) -> None:
    """Measure live state at full size and under load: seed, memory, events, and what calls notice. Some five minutes.

    A whole run is kept in bench/results, and written into docs/state.md.
    """
    _end_what_was_started()
    try:
        found = live_state.read() if again else _measure_live(live_state.SHORT if short else live_state.Extent())
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        raise typer.Exit(1) from error
    live_page.show(found)
    if not short:
        live_state.write(found)
        live_page.publish(found)


def _measure_live(extent: live_state.Extent) -> live_state.Live:
    with alone(), TemporaryDirectory(prefix="edge-router-bench-") as scratch:
        return live_state.measure(extent, free_places(), Path(scratch), _teller())


def _end_what_was_started() -> None:
    """Where we are told to end."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))


def _teller() -> Callable[[str], None]:
    """Tells on stderr what goes on, and when that was."""
    began = time.monotonic()

    def say(what: str) -> None:
        print(f"{time.monotonic() - began:6.0f} s  {what}", file=sys.stderr, flush=True)

    return say


if __name__ == "__main__":
    app()
