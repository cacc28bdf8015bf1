"""What was found of drift: the file it is kept in, the table in docs/state.md, and a picture."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import TypeAdapter
from rich import box
from rich.console import Console
from rich.table import Table

from bench.drift import DAYS, WAYS, Drift, Way, measure
from bench.page import DOCS, put, table
from bench.results import DIRECTORY

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PAGE = DOCS / "state.md"
COMMAND = "python -m bench drift"
GOAL = 0.99
BUDGET = 240  # requests a minute
_FILE = DIRECTORY / "drift.json"
_COLOURS = ("#9e2a2b", "#e09f3e", "#89c2d9", "#2a6f97")

Found = dict[str, list[Drift]]
"""By day, in the order of `WAYS`."""


def measure_all(seconds: int, workers: int) -> Found:
    """Every way on every day, in processes of their own."""
    with ProcessPoolExecutor(workers) as pool:
        under_way = {
            day: [pool.submit(_measure, way, day, seconds) for way in WAYS] for day in reversed(DAYS)
        }  # the longest ones first
        return {day: [each.result() for each in under_way[day]] for day in DAYS}


def _measure(way: Way, day: str, seconds: int) -> Drift:
    return measure(way, DAYS[day], seconds)


def write(found: Found) -> None:
    """Keep what was found."""
    DIRECTORY.mkdir(exist_ok=True)
    _FILE.write_bytes(TypeAdapter(Found).dump_json(found, indent=1) + b"\n")


def read() -> Found:
    """What `write` kept. FileNotFoundError where there is nothing."""
    return TypeAdapter(Found).validate_json(_FILE.read_bytes())


def rows(drifts: list[Drift]) -> Iterator[list[str]]:
    """One day's figures in words: what it is, then one for each way."""
    figures: list[tuple[str, Callable[[Drift], str]]] = [
        ("**length right**, of all time and queues", lambda each: f"**{each.share:.2%}**"),
        ("in the worst hour", lambda each: f"{min(each.right_by_hour):.2%}"),
        ("of the worst queue", lambda each: f"{min(each.right_by_queue.values()):.2%}"),
        ("wrong by, on average, callers", lambda each: f"{each.missed / each.looks:.4f}"),
        ("wrong without a break for, at most", lambda each: f"{each.longest} s"),
        ("corrections", lambda each: f"{each.corrections:,}"),
        ("reconciliations", lambda each: f"{each.reconciliations}" if each.reconciliations else "-"),
        ("all lengths right at once after one", _right_after),
        ("interactions wrong after one that events of the last 12 s don't excuse", _settled_wrong),
        ("requests", lambda each: f"{sum(each.requests.values()):,}"),
        ("a minute, on average", lambda each: f"{sum(each.requests.values()) * 60 / each.seconds:.1f}"),
        (f"in the busiest minute (of {BUDGET})", lambda each: f"{each.most_in_a_minute}"),
    ]
    for what, figure in figures:
        yield [what, *map(figure, drifts)]


def _right_after(each: Drift) -> str:
    return f"{each.right_after / each.reconciliations:.1%}" if each.reconciliations else "-"


def _settled_wrong(each: Drift) -> str:
    return str(each.settled_wrong) if each.reconciliations else "-"


def conditions(day: str, drifts: list[Drift]) -> str:
    """What that day was like."""
    script, one = DAYS[day], drifts[-1]
    return (
        f"{script.queues} queues, {script.agents} agents, {one.events:,} events, {one.lost:,} of them lost; "
        f"{one.waiting / one.looks:.2f} callers wait in a queue on average, {one.busiest:.2f} in the busiest hour."
    )


def show(found: Found) -> None:
    """Print the tables."""
    console = Console(width=200)
    for day, drifts in found.items():
        console.print(f"{_title(day)}: {conditions(day, drifts)}", highlight=False)
        shown = Table("", *(each.way for each in drifts), box=box.SIMPLE)
        for row in rows(drifts):
            shown.add_row(*(cell.replace("*", "") for cell in row))
        console.print(shown)


def publish(found: Found) -> None:
    """Put the tables between their marks in docs/state.md."""
    lines: list[str] = []
    for day, drifts in found.items():
        lines += ["", f"### {_title(day)}", "", conditions(day, drifts), ""]
        lines += table(["", *(each.way for each in drifts)], rows(drifts))
    put(PAGE, COMMAND, lines[1:])


def draw(found: Found) -> Path:
    """Write the picture; gives its path."""
    import matplotlib as mpl  # here, since the page is also read where nothing is drawn and it isn't installed

    mpl.use("Agg")  # no display
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, len(found), figsize=(11, 4.5), layout="constrained", sharey=True, squeeze=False)
    for place, (day, drifts) in zip(axes[0], found.items(), strict=True):
        _day(place, day, drifts)
    axes[0][0].set_ylabel("time in which a queue's length is wrong, % (log)")
    path = DIRECTORY / "drift.png"
    figure.savefig(path, dpi=110)
    plt.close(figure)
    return path


def _day(axes: Axes, day: str, drifts: list[Drift]) -> None:
    axes.set_title(_title(day))
    axes.set_yscale("log")
    axes.set_xlabel("hour of the day (UTC)")
    for each, colour in zip(drifts, _COLOURS, strict=True):
        wrong = [max(100 * (1 - right), 0.01) for right in each.right_by_hour]  # 0 has no place on a log axis
        axes.step(range(len(wrong)), wrong, where="post", color=colour, label=f"{each.way}: {each.share:.2%} right")
    axes.axhline(100 * (1 - GOAL), color="black", linestyle=":", linewidth=1)
    axes.legend(fontsize=8)


def _title(day: str) -> str:
    return {"office": "An office day", "rush": "A day without a quiet hour"}[day]
