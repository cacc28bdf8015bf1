"""In which order a trunk's targets are tried.

A lower preference always comes before a higher one, as in a CUBE server-group and as with SRV priorities; round-robin,
weighted and random are about the targets of one preference. A target that is a name may have several addresses: they
are tried in its place, by the priorities and weights that DNS gives them (RFC 2782). It must not know which targets are
down, nor what DNS is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from math import inf
from random import Random
from typing import Final, NamedTuple

from edge_router.dialplan.trunk import Hunt, Target


class Located(NamedTuple):
    """One of the addresses that a target's name leads to; the lowest priority is tried first, weights share."""

    target: Target
    priority: int = 0
    weight: float = 1


class Hunting:
    """Gives, call by call, the order in which to try the targets. It keeps whose turn is next in a round-robin.

    ``located`` has the addresses of those that are names, by URI.
    """

    __slots__ = ("_hunt", "_levels", "_located", "_rng", "_turn", "by_preference")

    def __init__(
        self,
        targets: Sequence[Target],
        hunt: Hunt = "preference",
        rng: Random | None = None,
        located: Mapping[str, Sequence[Located]] | None = None,
    ) -> None:
        self._located: Final = located
        self.by_preference: Final = tuple(sorted(targets, key=_preference))
        self._levels: Final = [tuple(level) for _, level in groupby(self.by_preference, _preference)]
        # With one target in each level every way to hunt comes to the same.
        self._hunt: Final[Hunt] = hunt if len(self._levels) < len(self.by_preference) else "preference"
        self._rng: Final = rng or Random()
        self._turn = -1

    def order(self) -> Sequence[Target]:
        """All targets, the one to try first at the front."""
        if self._hunt == "preference":
            found: Sequence[Target] = self.by_preference
        else:
            self._turn += 1
            found = [target for level in self._levels for target in self._within(level)]
        return found if self._located is None else self._addresses(found, self._located)

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

    def _addresses(self, targets: Sequence[Target], located: Mapping[str, Sequence[Located]]) -> list[Target]:
        """The targets, each name's addresses in its place."""
        found: list[Target] = []
        for target in targets:
            if target.named:
                found += [one.target for one in sorted(located[target.uri], key=self._rank)]
            else:
                found.append(target)
        return found

    def _rank(self, one: Located) -> tuple[int, float]:
        return one.priority, self._wait_for(one.weight)

    def _wait(self, target: Target) -> float:
        return self._wait_for(target.weight)

    def _wait_for(self, weight: float) -> float:
        """As if each target came along at random, weight times in a while: how long this one takes; the first is tried.

        That makes each target the first as often as its share of the weights says, and the second among the rest.
        """
        return self._rng.expovariate(weight) if weight > 0 else inf


def _preference(target: Target) -> int:
    return target.preference
