"""The results as rows of words, for the terminal and for docs/performance.md."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from rich import box
from rich.console import Console
from rich.table import Table

from bench.contenders import (
    Interpreted,
    Kamailio,
    RedirectingInterpreted,
    RedirectingKamailio,
    RedirectingRouter,
    Router,
    Sippy,
)
from bench.memory import Held
from bench.page import DOCS, put, table
from bench.results import Results
from bench.series import Series
from bench.set_up_probe import SetUpTimes

_DEVICES = (Router.name, Interpreted.name, Kamailio.name, Sippy.name)
HEADINGS = ("", *_DEVICES, "ratio", "goal", "")
PAGE = DOCS / "performance.md"
COMMAND = "make bench"

_BRIDGING_GOALS = {300: 1.1, 800: 0.80, 1500: 0.70}  # of Kamailio's CPU time, by calls a second
_REDIRECT_GOALS = {800: 1.8, 3000: 1.5}
_SIPPY_GOAL = 0.10
_SUSTAINED = 2000  # calls a second at which set-up times have goals
_START_GOAL = 1.0  # s


@dataclass(frozen=True)
class Row:
    """One figure: what it is, its value for each device, and how it stands to its goal."""

    figure: str
    values: Mapping[str, str]
    ratio: str = ""
    goal: str = ""
    reached: bool | None = None

    def cells(self) -> tuple[str, ...]:
        mark = {True: "reached", False: "missed", None: ""}[self.reached]
        values = (self.values.get(name, "-") for name in _DEVICES)
        return (self.figure, *values, self.ratio, self.goal, mark)


def rows(results: Results) -> Iterator[Row]:
    """Every figure that was measured."""
    for series in results.bridging:
        yield from _bridging(series)
    for series in results.redirecting:
        yield from _redirecting(series)
    yield from _set_up(results)
    yield from _rates(results)
    yield from _memory(results)


def _bridging(series: Series) -> Iterator[Row]:
    values = {name: f"{series.cpu_us(name):.0f} µs" for name in series.trials}
    for other, goal in ((Kamailio.name, _BRIDGING_GOALS.get(series.rate)), (Sippy.name, _SIPPY_GOAL)):
        if other in series.trials:
            yield _compared(f"CPU of a bridged call at {series.rate}/s", values, series, Router.name, other, goal)


def _redirecting(series: Series) -> Iterator[Row]:
    ours, theirs = RedirectingRouter.name, RedirectingKamailio.name
    columns = {Router.name: ours, Kamailio.name: theirs, Interpreted.name: RedirectingInterpreted.name}
    values = {
        column: f"{series.cpu_us(device):.0f} µs" for column, device in columns.items() if device in series.trials
    }
    goal = _REDIRECT_GOALS.get(series.rate)
    yield _compared(f"CPU of a 302 at {series.rate}/s", values, series, ours, theirs, goal)


def _compared(
    figure: str, values: Mapping[str, str], series: Series, ours: str, theirs: str, goal: float | None
) -> Row:
    ratio = series.ratio(ours, theirs)
    other = theirs.removesuffix(" 302")
    if goal is None:
        return Row(figure, values, f"{ratio:.2f} of {other}")
    return Row(figure, values, f"{ratio:.2f} of {other}", f"≤ {goal:.2f}", ratio <= goal)


_PERCENTILES: tuple[tuple[str, Callable[[SetUpTimes], float], float | None], ...] = (
    ("p50", lambda times: times.p50, None),
    ("p99", lambda times: times.p99, 5.0),
    ("p99.9", lambda times: times.p999, 15.0),
)


def _set_up(results: Results) -> Iterator[Row]:
    for rate in sorted({each.load.rate for each in results.set_up}):
        runs = {each.device: each for each in results.set_up if each.load.rate == rate}
        ours = runs[Router.name]
        has_goal = rate == _SUSTAINED
        failed = {name: f"{run.load.failed} of {run.load.attempted}" for name, run in runs.items()}
        goal, reached = ("0", ours.load.whole) if has_goal else ("", None)
        yield Row(f"failed calls at {rate}/s", failed, "", goal, reached)
        for word, percentile_of, limit in _PERCENTILES:
            ms = {name: percentile_of(run.times) for name, run in runs.items()}
            values = {name: f"{each:.2f} ms" for name, each in ms.items()}
            figure = f"set-up time added at {rate}/s, {word}"
            if limit is None or not has_goal:
                yield Row(figure, values)
            else:
                yield Row(figure, values, "", f"≤ {limit:g} ms", ms[Router.name] <= limit)


def _rates(results: Results) -> Iterator[Row]:
    rates = results.establishment_rate
    if rates:
        values = {name: f"{rate}/s" if rate else "none" for name, rate in rates.items()}
        ratio = f"{rates[Router.name] / rates[Kamailio.name]:.2f} of {Kamailio.name}" if rates[Kamailio.name] else ""
        yield Row("session establishment rate", values, ratio)


_HELD_WHEN: tuple[tuple[str, Callable[[Held], float]], ...] = (
    ("just answered", lambda held: held.at_once),
    ("transactions over", lambda held: held.settled),
)


def _memory(results: Results) -> Iterator[Row]:
    for word, octets_of in _HELD_WHEN if results.held else ():
        octets = {name: octets_of(held) for name, held in results.held.items()}
        # Right after the answer a call has transactions, too: the goals of a held and of a finished call together.
        goal = 4 if octets_of is _HELD_WHEN[1][1] else 8
        calls = next(iter(results.held.values())).calls
        yield _sized(f"memory of a held call ({calls} held), {word}", octets, 1024, "KB", goal)
    if results.burst:
        bursts = results.burst
        calls = next(iter(bursts.values())).calls
        lingering = {name: each.lingering for name, each in bursts.items()}
        yield _sized("memory of a finished call, transactions lingering", lingering, 1024, "KB", 4)
        left = {name: float(each.left) for name, each in bursts.items()}
        yield _sized(f"memory left after {calls} calls", left, 1024 * 1024, "MB", 40)
        gauges = bursts[Router.name].gauges
        names = ", ".join(name.removeprefix("edge_router_") for name in gauges)
        counts = ", ".join(f"{value:g}" for value in gauges.values())
        yield Row(f"{names} left then", {Router.name: counts}, "", "0", not any(gauges.values()))
    if results.start_seconds is not None:
        taken = results.start_seconds
        yield Row("start to ready", {Router.name: f"{taken:.2f} s"}, "", f"< {_START_GOAL:g} s", taken < _START_GOAL)


def _sized(figure: str, octets: Mapping[str, float], unit: int, name: str, goal: int) -> Row:
    values = {device: f"{each / unit:.1f} {name}" for device, each in octets.items()}
    return Row(figure, values, "", f"≤ {goal} {name}", octets[Router.name] <= goal * unit)


# ---------------------------------------------------------------------------------------------- where it is shown


def conditions(results: Results) -> list[str]:
    """What the figures were taken on, and how quiet that was."""
    versions = ", ".join(f"{name} {version}" for name, version in results.versions.items())
    lines = [f"{results.taken} on {results.machine}.", f"{versions}."]
    others = results.others_cores()
    if others is not None:
        middle, most = others
        lines.append(f"All else on the machine used {middle:.2f} cores during the median load, {most:.2f} at most.")
    for device, load in results.loads():
        if not load.whole:
            lines.append(
                f"{device} at {load.rate}/s: {load.failed} of {load.attempted} calls failed, {load.offered:.0f}/s."
            )
    return lines


def show(results: Results) -> None:
    """Print the table."""
    shown = Table(*HEADINGS, box=box.SIMPLE)
    for row in rows(results):
        shown.add_row(*row.cells(), style="red" if row.reached is False else "")
    console = Console(width=None if sys.stdout.isatty() else 200)
    console.print(shown)
    for line in conditions(results):
        console.print(line, highlight=False)


def publish(results: Results) -> None:
    """Put the table between its marks in docs/performance.md."""
    cells = (row.cells() for row in rows(results))
    put(PAGE, COMMAND, [*conditions(results), "", *table(HEADINGS, cells)])
