"""A piece of a number pattern as an automaton, made when the pattern is read.

This is Glushkov's construction: one state for each digit that the pattern spells, and for each state those that may
come after it. There is nothing to try and take back, so no pattern, however nested, takes more than (digits of the
number) x (states) x (states) steps. It must not know how patterns are written.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

Step = frozenset[str]
"""What one digit may be."""

DIALABLE: Final[Step] = frozenset("0123456789ABCDEF*#+")
"""What a number is made of, and what `.` stands for."""

MAX_DIGITS: Final = 64
"""How many digits of a number are looked at: twice what `T` may add."""


@dataclass(frozen=True, slots=True)
class Fragment:
    """States are numbered from 0; `after[n]` are the states that may follow state n, whose digit is in `steps[n]`."""

    steps: tuple[Step, ...]
    after: tuple[frozenset[int], ...]
    first: frozenset[int]
    last: frozenset[int]
    empty: bool
    """Whether no digit at all will do."""

    def repeated(self) -> Fragment:
        """This piece, once or more often."""
        after = tuple(states | self.first if n in self.last else states for n, states in enumerate(self.after))
        return replace(self, after=after)

    def optional(self) -> Fragment:
        """This piece, or nothing."""
        return replace(self, empty=True)


Item = Step | Fragment
"""One digit, or a piece with a quantifier."""

NOTHING: Final = Fragment((), (), frozenset(), frozenset(), empty=True)


def in_sequence(items: Iterable[Item]) -> Fragment:
    """The items one after the other as one piece."""
    steps: list[Step] = []
    after: list[set[int]] = []
    first: set[int] = set()
    last: set[int] = set()
    empty = True
    for item in items:
        piece = item if isinstance(item, Fragment) else _single(item)
        shift = len(steps)
        begins = {state + shift for state in piece.first}
        ends = {state + shift for state in piece.last}
        for state in last:
            after[state] |= begins
        steps += piece.steps
        after += [{state + shift for state in states} for states in piece.after]
        first |= begins if empty else set()
        last = last | ends if piece.empty else ends
        empty = empty and piece.empty
    return Fragment(tuple(steps), tuple(map(frozenset, after)), frozenset(first), frozenset(last), empty)


@cache
def _single(step: Step) -> Fragment:
    return Fragment((step,), (frozenset(),), frozenset({0}), frozenset({0}), empty=False)
