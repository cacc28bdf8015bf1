"""What was found of live state under load: the tables in docs/state.md."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich import box
from rich.console import Console
from rich.table import Table

from bench.live import CALLS, CALLS_AND_EVENTS, IDLE, SLOWEST, Live, Run
from bench.page import DOCS, put, table

PAGE = DOCS / "state.md"
COMMAND = "python -m bench live"
HEADINGS = ("", "measured", "goal", "")
BESIDE = ("beside", "calls alone", "with events", "ratio", "goal", "")

_MB = 1_000_000
_MOST_MEMORY = 150 * _MB
_LONGEST_SEED = 5.0  # s
_LONGEST_LOOK_UP = 2_000.0  # ns
_LONGEST_DECISION = 5.0  # ms

Cells = tuple[str, ...]


def _mark(reached: bool) -> str:
    return "reached" if reached else "missed"


def rows(found: Live) -> Iterator[Cells]:
    """What the router takes, and how soon calls go by an event."""
    seed = found.seed
    known = f"{seed.queues:,} queues, {seed.agents:,} agents, {seed.tasks:,} interactions"
    yield f"seed: {known}", f"{seed.seconds:.1f} s", f"< {_LONGEST_SEED:g} s", _mark(seed.seconds < _LONGEST_SEED)
    for when, octets in (
        ("after the seed", seed.memory),
        (f"after {found.extent.quiet:.0f} s of quiet", seed.memory_quiet),
        ("at most until then", seed.memory_most),
    ):
        goal, reached = f"< {_MOST_MEMORY // _MB} MB", octets < _MOST_MEMORY
        yield f"memory of the whole router, {when}", f"{octets / _MB:.0f} MB", goal, _mark(reached)
    yield f"memory after {_events(found.beside)} more events", f"{found.memory_at_end / _MB:.0f} MB", "", ""
    look_up = found.lookup["queue"]
    yield "look-up of a queue", f"{look_up / 1000:.2f} µs", "< 2 µs", _mark(look_up < _LONGEST_LOOK_UP)
    calls, events = f"{found.extent.calls} calls/s", f"{found.extent.events:,} events/s"
    for beside, words in (
        (IDLE, ""),
        (CALLS, f", {calls} beside"),
        (CALLS_AND_EVENTS, f", {calls} and {events} beside"),
    ):
        times = found.decisions[beside]
        yield f"from an event to a call decided by it{words}: p50", f"{times.p50:.2f} ms", "", ""
        goals = f"< {_LONGEST_DECISION:g} ms", _mark(times.p99 < _LONGEST_DECISION)
        none = beside == CALLS_AND_EVENTS
        yield f"p99 of {times.events:,}", f"{times.p99:.2f} ms", *(("", "") if none else goals)
    yield (
        f"events/s at most, with {calls} unharmed",
        f"{found.most_events:,}",
        f"≥ {found.extent.events:,}",
        _mark(found.most_events >= found.extent.events),
    )


def beside_rows(found: Live) -> Iterator[Cells]:
    """What calls notice of events."""
    alone, run = found.alone, found.beside
    yield (
        "events sent a second",
        "-",
        f"{run.sent.rate:,.0f}" if run.sent else "-",
        "",
        f"{found.extent.events:,}",
        _mark(run.sent is not None and run.sent.rate >= 0.99 * found.extent.events),
    )
    yield "events sent, accepted, applied", "-", _three(run), "", "none lost", _mark(run.lost == 0)
    yield "waiting in the inbox, at most", "-", f"{run.most_waiting:,}", "", "", ""
    if run.sent is not None:
        yield "200 for an event: p50, p99", "-", f"{run.sent.p50:.1f} ms, {run.sent.p99:.1f} ms", "", "", ""
    failed = [f"{each.load.failed} of {each.load.attempted:,}" for each in (alone, run)]
    yield "failed calls", *failed, "", "0", _mark(run.load.failed == 0)
    for word, one, other, goal in (
        ("p50", alone.times.p50, run.times.p50, None),
        ("p99", alone.times.p99, run.times.p99, SLOWEST),
        ("p99.9", alone.times.p999, run.times.p999, None),
    ):
        ratio = f"{other / one:.1f}"
        goals = (f"< {goal:g} ms", _mark(other < goal)) if goal else ("", "")
        yield f"set-up time added, {word}", f"{one:.2f} ms", f"{other:.2f} ms", ratio, *goals
    cores = [f"{each.load.device_cores:.2f}" for each in (alone, run)]
    yield "cores that the router used", *cores, "", "1", _mark(run.load.device_cores <= 1.0)


def _events(run: Run) -> str:
    return f"{run.sent.events:,}" if run.sent else "no"


def _three(run: Run) -> str:
    return ", ".join([_events(run), *(f"{run.results.get(each, 0):,}" for each in ("accepted", "applied"))])


def conditions(found: Live) -> list[str]:
    """What the figures were taken on, and how quiet that was."""
    versions = ", ".join(f"{name} {number}" for name, number in found.versions.items())
    compiled = "compiled" if found.compiled else "not compiled"
    others = max(found.alone.others_cores, found.beside.others_cores)
    return [
        f"{found.taken} on {found.machine}. {versions}, {compiled}.",
        f"What takes no part in this used {others:.2f} cores meanwhile.",
    ]


def show(found: Live) -> None:
    """Print the tables."""
    console = Console(width=160)
    for line in conditions(found):
        console.print(line, highlight=False)
    beside = f"{found.extent.calls} calls/s for {found.extent.seconds:.0f} s"
    for headings, cells in ((HEADINGS, rows(found)), ((beside, *BESIDE[1:]), beside_rows(found))):
        console.print(_shown(headings, cells))


def _shown(headings: Cells, cells: Iterable[Cells]) -> Table:
    shown = Table(*headings, box=box.SIMPLE)
    for each in cells:
        shown.add_row(*each, style="red" if each[-1] == "missed" else "")
    return shown


def publish(found: Live) -> None:
    """Put the tables between their marks in docs/state.md."""
    beside = f"{found.extent.calls} calls/s for {found.extent.seconds:.0f} s"
    lines = [*conditions(found), "", *table(HEADINGS, rows(found))]
    lines += ["", *table((beside, *BESIDE[1:]), beside_rows(found))]
    put(PAGE, COMMAND, [*lines, "", "The figures behind it: [bench/results/live.json](../bench/results/live.json)."])
