"""Number patterns as CUBE writes them: destination-pattern, incoming called-number, e164-pattern-map.

Source: Cisco, "Understand IOS and IOS XE Call Routing" (document 211306). `reading.py` reads a pattern's text; here is
what was read, and whether one number matches it. Many patterns at once are trie.py's business.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Self

from edge_router.dialplan.fragment import DIALABLE, MAX_DIGITS, NOTHING, Fragment, Item, Step, in_sequence
from edge_router.dialplan.reading import PatternError, read

__all__ = ["Pattern", "PatternError"]

MAX_TAIL: Final = 32
"""How many digits `T` stands for at most."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern that was read. It holds from a number's beginning, and to its end only where it is written with `$`.

    `steps` are its digits one after the other, or None where a quantifier makes that impossible: then `whole` is all
    of it as one automaton. `digits` is how many of the steps are spelt out; `sets` is how many are sets, which are
    less than a digit and more than a dot when two patterns match equally long.
    """

    text: str
    items: tuple[Item, ...] = field(compare=False, repr=False)
    to_end: bool = field(compare=False, repr=False)
    tail: bool = field(compare=False, repr=False)
    steps: tuple[Step, ...] | None = field(compare=False, repr=False)
    whole: Fragment = field(compare=False, repr=False)
    digits: int = field(compare=False, repr=False)
    sets: int = field(compare=False, repr=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads a pattern. Raises PatternError, whose text says what is wrong, where, and what would be right."""
        items, to_end, tail = read(text)
        plain = tuple(item for item in items if not isinstance(item, Fragment))
        if len(plain) == len(items):
            steps, whole, spelt = plain, NOTHING, plain
        else:
            whole = in_sequence(items)
            steps, spelt = None, whole.steps
        digits = sum(len(step) == 1 for step in spelt)
        sets = sum(1 < len(step) < len(DIALABLE) for step in spelt)
        return cls(text, items, to_end, tail, steps, whole, digits, sets)

    def __str__(self) -> str:
        return self.text

    def matches(self, number: str) -> int | None:
        """How many digits of the number are matched by a digit that is spelt out, or None if it does not match.

        Of several ways to match, the one with the most such digits counts.
        """
        if self.steps is None:
            return self._longest(number)
        if len(number) < len(self.steps):
            return None
        for digit, step in zip(number, self.steps, strict=False):
            if digit not in step:
                return None
        return self.digits if self.may_end(number, len(self.steps)) else None

    def may_end(self, number: str, at: int) -> bool:
        """Whether what follows the first `at` digits may follow."""
        if not self.to_end or at == len(number):
            return True
        return self.tail and len(number) - at <= MAX_TAIL and DIALABLE.issuperset(number[at:])

    def _longest(self, number: str) -> int | None:
        """Walks all ways to match at once, and keeps for each state the most digits that were spelt out."""
        steps, after, last = self.whole.steps, self.whole.after, self.whole.last
        longest = 0 if self.whole.empty and self.may_end(number, 0) else None
        reached = dict.fromkeys(self.whole.first, 0)  # the states that the next digit may be
        for at, digit in enumerate(number[:MAX_DIGITS], 1):
            following: dict[int, int] = {}
            ends = -1
            for state, count in reached.items():
                if digit in steps[state]:
                    count += len(steps[state]) == 1
                    if state in last:
                        ends = max(ends, count)
                    for successor in after[state]:
                        if following.get(successor, -1) < count:
                            following[successor] = count
            if ends > -1 and self.may_end(number, at):
                longest = ends if longest is None else max(longest, ends)
            if not following:
                break
            reached = following
        return longest
