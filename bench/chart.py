"""The results as one picture."""

from __future__ import annotations

from pathlib import Path
from statistics import median

import matplotlib as mpl

mpl.use("Agg")  # no display
import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from bench.contenders import Interpreted, Kamailio, Router, Sippy
from bench.results import DIRECTORY, Results
from bench.series import Series

_COLOURS = {Router.name: "#2a6f97", Interpreted.name: "#89c2d9", Kamailio.name: "#e09f3e", Sippy.name: "#9e2a2b"}


def draw(results: Results, name: str) -> Path:
    """Write `name`.png beside the JSON; gives its path."""
    figure, axes = plt.subplots(2, 2, figsize=(11, 8), layout="constrained")
    _cpu(axes[0][0], results.bridging, "CPU time of a bridged call, µs")
    _cpu(axes[0][1], results.redirecting, "CPU time of a 302, µs")
    _set_up(axes[1][0], results)
    _rates(axes[1][1], results)
    figure.suptitle(f"{results.machine}, {results.taken}", fontsize=9)
    path = DIRECTORY / f"{name}.png"
    figure.savefig(path, dpi=110)
    plt.close(figure)
    return path


def _cpu(axes: Axes, all_series: list[Series], title: str) -> None:
    """A bar for the median of each device at each rate, a dot for each trial."""
    axes.set_title(title)
    for place, series in enumerate(all_series):
        width = 0.8 / len(series.trials)
        for index, (device, trials) in enumerate(series.trials.items()):
            device = device.removesuffix(" 302")
            us = [trial.cpu_us for trial in trials]
            x = place + (index + 0.5) * width - 0.4
            bars = axes.bar(x, median(us), width * 0.9, color=_COLOURS[device], label=device if place == 0 else None)
            axes.bar_label(bars, fmt="%.0f", fontsize=8, padding=5)
            axes.scatter([x] * len(us), us, s=6, color="black", zorder=3)
    axes.set_xticks(range(len(all_series)), [f"{series.rate}/s" for series in all_series])
    if all_series:
        axes.legend(fontsize=8)


def _set_up(axes: Axes, results: Results) -> None:
    axes.set_title("set-up time added, ms (log)")
    axes.set_yscale("log")
    words = ("p50", "p99", "p99.9")
    for run in results.set_up:
        values = (run.times.p50, run.times.p99, run.times.p999)
        line = "-" if run.load.rate == max(each.load.rate for each in results.set_up) else ":"
        axes.plot(words, values, line, marker="o", color=_COLOURS[run.device], label=f"{run.device}, {run.load.rate}/s")
    if results.set_up:
        axes.legend(fontsize=8)


def _rates(axes: Axes, results: Results) -> None:
    axes.set_title("session establishment rate, calls/s")
    for device, rate in results.establishment_rate.items():
        axes.bar_label(axes.bar(device, rate, color=_COLOURS[device]), fontsize=8)
