"""A piece of a number pattern as an automaton, made when the pattern is read.

This is Glushkov's construction: one state for each digit that the pattern spells, and for each state those that may
come after it. There is nothing to try and take back, so no pattern, however nested, takes more than (digits of the
number) x (states) x (states) steps. It must not know how patterns are written.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
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

    def then(self, other: Fragment) -> Fragment:
        """This piece and then the other one."""
        shift = len(self.steps)
        first = _shifted(other.first, shift)
        last = _shifted(other.last, shift)
        mine = [states | first if n in self.last else states for n, states in enumerate(self.after)]
        return Fragment(
            steps=self.steps + other.steps,
            after=(*mine, *(_shifted(states, shift) for states in other.after)),
            first=self.first | first if self.empty else self.first,
            last=self.last | last if other.empty else last,
            empty=self.empty and other.empty,
        )

    def repeated(self) -> Fragment:
        """This piece, once or more often."""
        after = tuple(states | self.first if n in self.last else states for n, states in enumerate(self.after))
        return replace(self, after=after)

    def optional(self) -> Fragment:
        """This piece, or nothing."""
        return replace(self, empty=True)


NOTHING: Final = Fragment((), (), frozenset(), frozenset(), empty=True)


def single(step: Step) -> Fragment:
    """The piece that is one digit."""
    return Fragment((step,), (frozenset(),), frozenset({0}), frozenset({0}), empty=False)


def _shifted(states: frozenset[int], shift: int) -> frozenset[int]:
    return frozenset(state + shift for state in states)
