"""The session establishment rate of RFC 7501: the highest session attempt rate at which no call fails."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bench import sipp
from bench.contenders import Contender
from bench.load import Range
from bench.places import Places

_GROWTH = 1.4  # from one rate to the next while no call fails
_NEAR = 1.05  # how near the highest good and the lowest bad rate must come
_LONGER = 2.5  # how much longer the rate that is reported must hold


def session_establishment_rate(
    device: Contender, places: Places, scratch: Path, start: int, cap: int, seconds: float
) -> int:
    """Calls a second, to within 5 %; 0 where calls fail even at `start`. No more than `cap` is tried.

    Each rate is tried for `seconds` with device and ends started afresh, the one that is found for longer.
    """

    def holds(rate: int, longer: float) -> bool:
        with sipp.premise(places, scratch) as premise, device.running(scratch) as process:
            ground = Range(places, scratch, premise)
            return ground.load(process, device.address, sipp.BRIDGED, rate, seconds * longer).whole

    return highest(holds, start, cap)


def highest(holds: Callable[[int, float], bool], start: int, cap: int) -> int:
    """The highest rate from `start` to `cap` that holds, and does so once more for longer.

    `holds` is asked for a rate and for how many times the usual duration.
    """
    good, bad = 0, 0
    rate = start
    while not bad and rate <= cap:
        if holds(rate, 1.0):
            good = rate
            rate = cap if good < cap < rate * _GROWTH else round(rate * _GROWTH)
        else:
            bad = rate
    while good and bad > good * _NEAR:
        rate = (good + bad) // 2
        if holds(rate, 1.0):
            good = rate
        else:
            bad = rate
    while good >= start and not holds(good, _LONGER):
        good = round(good / _NEAR)
    return good if good >= start else 0
