"""In which order a trunk's targets are tried.

A lower preference always comes before a higher one, as in a CUBE server-group and as with SRV priorities; round-robin,
weighted and random are about the targets of one preference. It must not know which targets are down.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from math import inf
from random import Random
from typing import Final

from edge_router.dialplan.trunk import Hunt, Target


class Hunting:
    """Gives, call by call, the order in which to try the targets. It keeps whose turn is next in a round-robin."""

    __slots__ = ("_hunt", "_levels", "_rng", "_turn", "by_preference")

    def __init__(self, targets: Sequence[Target], hunt: Hunt = "preference", rng: Random | None = None) -> None:
        self.by_preference: Final = tuple(sorted(targets, key=_preference))
        self._levels: Final = [tuple(level) for _, level in groupby(self.by_preference, _preference)]
        # With one target in each level every way to hunt comes to the same.
        self._hunt: Final[Hunt] = hunt if len(self._levels) < len(self.by_preference) else "preference"
        self._rng: Final = rng or Random()
        self._turn = -1

    def order(self) -> Sequence[Target]:
        """All targets, the one to try first at the front."""
        if self._hunt == "preference":
            return self.by_preference
        self._turn += 1
        return [target for level in self._levels for target in self._within(level)]

    def peek(self) -> Sequence[Target]:
        """What the next call would get of `order`; its turn stays."""
        turn = self._turn
        found = self.order()
        self._turn = turn
        return found

    def _within(self, level: tuple[Target, ...]) -> Sequence[Target]:
        if self._hunt == "round-robin":
            first = self._turn % len(level)
            return level[first:] + level[:first]
        if self._hunt == "random":
            return self._rng.sample(level, len(level))
        return sorted(level, key=self._wait)

    def _wait(self, target: Target) -> float:
        """As if each target came along at random, weight times in a while: how long this one takes; the first is tried.

        That makes each target the first as often as its share of the weights says, and the second among the rest.
        """
        return self._rng.expovariate(target.weight) if target.weight > 0 else inf


def _preference(target: Target) -> int:
    return target.preference
