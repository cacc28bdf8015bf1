"""Alternating loads through several devices at one rate, A B A B ..., and the CPU time of each call.

A call costs CPU after its end, too: its transactions linger for up to 64*T1 = 32 s and are then cleared away. So all
devices stay up for the whole series, and a load is charged with what its device used from the start of that load to the
start of its next one (after the last, to the end of 64*T1 of quiet), less what the device uses when it is idle, as
measured before the first load.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench import sipp
from bench.accounting import cpu_seconds
from bench.contenders import Contender
from bench.load import Load, Range
from bench.places import Places
from bench.process import BenchError, Process

QUIET = 33.0  # s: 64*T1 (RFC 3261 §17.1.1.2) and a little more
_IDLE = 5.0  # s over which an idle device's CPU time is measured
_WARM_UP = 2.0  # s of load before the first that counts


@dataclass(frozen=True)
class Trial:
    """One load through one device, and the CPU time of each of its calls in µs."""

    load: Load
    cpu_us: float


@dataclass(frozen=True)
class Series:
    """The trials of each device at one rate, in the order they were run; those with the same index are a pair."""

    rate: int
    trials: dict[str, list[Trial]]
    idle_cores: dict[str, float]  # what each device uses when it does nothing

    def cpu_us(self, name: str) -> float:
        """Median CPU time of a call in µs."""
        return median(trial.cpu_us for trial in self.trials[name])

    def ratio(self, name: str, to: str) -> float:
        """One device's CPU time of a call to another's: median over the pairs."""
        pairs = zip(self.trials[name], self.trials[to], strict=True)
        return median(one.cpu_us / other.cpu_us for one, other in pairs)


class _Entrant:
    """A running device, its loads, and its CPU time at the start of each."""

    def __init__(self, device: Contender, process: Process) -> None:
        self.device = device
        self.process = process
        self.loads: list[Load] = []
        self._marks: list[tuple[float, float]] = []  # monotonic s, CPU s

    def mark(self) -> None:
        if not self.process.running:
            raise BenchError(f"{self.device.name} ended in the middle of the series")
        self._marks.append((time.monotonic(), cpu_seconds(self.process.tree())))

    def idle_cores(self) -> float:
        """CPU time per second between the first two marks, when nothing was to be done."""
        (began, cpu_before), (ended, cpu_after) = self._marks[:2]
        return (cpu_after - cpu_before) / (ended - began)

    def trials(self) -> list[Trial]:
        """From the third mark on, each begins a load and the quiet after it."""
        marks = self._marks[2:]
        trials = []
        for load, (began, cpu_before), (ended, cpu_after) in zip(self.loads, marks, marks[1:], strict=False):
            quiet = ended - began - load.seconds
            used = cpu_after - cpu_before - self.idle_cores() * max(0.0, quiet)
            trials.append(Trial(load, used / load.attempted * 1e6))
        return trials


def run_series(
    contenders: Sequence[Contender],
    places: Places,
    scratch: Path,
    scenario: Path,
    rate: int,
    seconds: float,
    pairs: int,
) -> Series:
    """`pairs` rounds in which each contender in turn gets `rate` calls a second for `seconds`."""
    with ExitStack() as stack:
        ground = Range(places, scratch, stack.enter_context(sipp.premise(places, scratch)))
        entrants = [_Entrant(one, stack.enter_context(one.running(scratch))) for one in contenders]
        _mark_all(entrants)
        time.sleep(_IDLE)  # this idleness is what is measured
        _mark_all(entrants)
        for entrant in entrants:
            ground.load(entrant.process, entrant.device.address, scenario, rate, _WARM_UP)
        for _ in range(pairs):
            for entrant in entrants:
                entrant.mark()
                address = entrant.device.address
                entrant.loads.append(ground.load(entrant.process, address, scenario, rate, seconds))
        time.sleep(QUIET)  # what the last calls still cost
        _mark_all(entrants)
        return Series(
            rate,
            {entrant.device.name: entrant.trials() for entrant in entrants},
            {entrant.device.name: entrant.idle_cores() for entrant in entrants},
        )


def _mark_all(entrants: Sequence[_Entrant]) -> None:
    for entrant in entrants:
        entrant.mark()
