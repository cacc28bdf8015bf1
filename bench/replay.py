"""Calls through the router's engine in this very process: quick, without sockets, the same work each time.

What the two ends do isn't timed. Live calls cost more than these: sockets, wake-ups and colder caches come on top; but
what gets cheaper here gets cheaper there, and differences of one per cent can be seen.
"""

from __future__ import annotations

import cProfile
import gc
import os
import tracemalloc
from collections import deque
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bench import rig as rig_module
from bench.accounting import memory_bytes
from bench.contenders import RedirectingRouter, Router
from bench.hot_spots import SOURCE, report_functions, sampled_lines, shown
from bench.replay_calls import UNTIL_HELD, Ends
from bench.rig import Rig

_TOGETHER = 16  # calls under way at once, so that one datagram is not of the same call as the one before
_LINGER = 33.0  # s until the last transaction is over
_IDLE_COLLECTION = 5.0  # s of quiet after which the router has looked for garbage
_WARM_UP = 500


@dataclass(frozen=True)
class Round:
    """µs of one call, by kind of message, with the clearing up of its transactions among `timers`."""

    us: dict[str, float]

    @property
    def total(self) -> float:
        return sum(self.us.values())


@dataclass(frozen=True)
class Weight:
    """What so many calls that are ``what`` keep: by line, those that have allocated most first."""

    what: str
    calls: int
    grown: list[tracemalloc.StatisticDiff]

    @property
    def octets(self) -> float:
        """What one of them keeps."""
        return sum(each.size_diff for each in self.grown) / self.calls


class Replay:
    """What to play: calls that a `device` bridges or redirects, at `rate` a second on the router's clock.

    `cold` is how many MB of the caches are emptied before each datagram.
    """

    def __init__(self, rate: int, device: type[Router], cold: int) -> None:
        self._rate = rate
        self._device = device
        self._cold = b"x" * (cold << 20)

    def rig(self) -> tuple[Rig, Ends]:
        """A router that has seen some calls, and nothing left of them."""
        with TemporaryDirectory() as scratch:
            rig = Rig(Path(scratch), self._device)
        ends = Ends(rig)
        self.play(rig, ends, range(_WARM_UP))
        rig.advance(_LINGER)
        rig.spent.clear()
        return rig, ends

    def run(self, calls: int, profile: cProfile.Profile | None = None) -> Round:
        """`calls` calls, and then quiet until all their transactions are over."""
        rig, ends = self.rig()
        rig.profile = profile
        rig.cold = self._cold
        rig.garbage.begin()
        try:
            self.play(rig, ends, range(_WARM_UP, _WARM_UP + calls))
            rig.advance(_LINGER)
        finally:
            gc.unfreeze()
            gc.enable()
        left = {name: count for name, count in rig.engine.counts().items() if count}
        if left:
            raise AssertionError(f"something is left after the last call: {left}")
        return Round({kind: ns / calls / 1000 for kind, ns in rig.spent.items()})

    def play(self, rig: Rig, ends: Ends, numbers: range) -> None:
        """Take the calls' steps in turn; each call that is over lets the next one in, 1/rate s later."""
        make = ends.redirected if issubclass(self._device, RedirectingRouter) else ends.bridged
        waiting = iter(numbers)
        under_way = deque(make(number) for number in islice(waiting, _TOGETHER))
        while under_way:
            call = under_way.popleft()
            try:
                next(call)
            except StopIteration:
                rig.advance(1 / self._rate)
                under_way.extend(make(number) for number in islice(waiting, 1))
            else:
                under_way.append(call)


def show_time(replay: Replay, calls: int, rounds: int) -> None:
    """Print µs of a call by kind of message: the best round, and how far the rounds are apart."""
    results = sorted((replay.run(calls) for _ in range(rounds)), key=lambda each: each.total)
    best = results[0]
    for kind, us in best.us.items():
        print(f"{kind:<12}{us:8.2f} µs")
    middle, worst = median(each.total for each in results), results[-1].total
    print(f"{'a call':<12}{best.total:8.2f} µs   best of {rounds} rounds; median {middle:.2f}, worst {worst:.2f}")


def show_functions(replay: Replay, calls: int, most: int) -> None:
    """Print the functions that took most time."""
    profile = cProfile.Profile()
    replay.run(calls, profile)
    print(*report_functions(profile, calls, most), sep="\n")


def show_lines(replay: Replay, calls: int, most: int) -> None:
    """Print the lines that took most time."""
    with sampled_lines() as lines:
        replay.run(calls)
    print(*lines.report(most), sep="\n")


def weigh(replay: Replay, calls: int) -> list[Weight]:
    """What a call keeps, as Python's allocator counts it: answered, held, finished and forgotten."""
    rig, ends = replay.rig()
    under_way = [ends.bridged(number) for number in range(_WARM_UP, _WARM_UP + 2 * calls)]
    tracemalloc.start()
    try:
        empty = _kept()
        for call in under_way[:calls]:
            for _ in range(UNTIL_HELD):
                next(call)
        answered = _kept()
        rig.advance(_LINGER)
        held = _kept()
        for call in under_way[:calls]:
            deque(call, maxlen=0)
        rig.advance(_LINGER)
        over = _kept()
        for call in under_way[calls:]:
            deque(call, maxlen=0)
        finished = _kept()
    finally:
        tracemalloc.stop()
    return [
        Weight("just answered", calls, answered.compare_to(empty, "lineno")),
        Weight("held, the transactions of its set-up over", calls, held.compare_to(empty, "lineno")),
        Weight("finished, all its transactions lingering", calls, finished.compare_to(over, "lineno")),
        Weight("over", calls, over.compare_to(empty, "lineno")),
    ]


def show_memory(replay: Replay, calls: int, most: int) -> None:
    """Print what a call keeps, and which lines allocated it."""
    for weight in weigh(replay, calls):
        blocks = sum(each.count_diff for each in weight.grown) / calls
        print(f"{weight.octets:8.0f} octets in {blocks:.1f} blocks of a call that is {weight.what}")
        for each in weight.grown[:most]:
            place = shown(Path(each.traceback[0].filename), each.traceback[0].lineno)
            print(f"{each.size_diff / calls:12.0f} in {each.count_diff / calls:4.1f}  {place}")


def show_burst(replay: Replay, calls: int) -> None:
    """Print what a burst takes of this process's resident memory, and what is left of that when all is quiet again."""
    rig, ends = replay.rig()
    rig.garbage.begin()
    rig.advance(_IDLE_COLLECTION)
    empty = memory_bytes([os.getpid()])
    replay.play(rig, ends, range(_WARM_UP, _WARM_UP + calls))
    lingering = memory_bytes([os.getpid()]) - empty
    rig.advance(_LINGER + _IDLE_COLLECTION)
    left = memory_bytes([os.getpid()]) - empty
    print(f"{lingering / calls:8.0f} octets of a call that is finished, all its transactions lingering")
    print(f"{left / 1e6:8.1f} MB left of {lingering / 1e6:.1f} MB after {calls} calls")


def _kept() -> tracemalloc.Snapshot:
    """What the router's own source has allocated and not given back, the datagrams that it keeps among it."""
    gc.collect()
    ours = [tracemalloc.Filter(True, f"{SOURCE}/*"), tracemalloc.Filter(True, rig_module.__file__)]
    return tracemalloc.take_snapshot().filter_traces(ours)
