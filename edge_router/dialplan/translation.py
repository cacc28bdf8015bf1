r"""Translation rules: how a number is rewritten on its way, `/^\([2-9].........\)$/ /+1\1/`.

`translation_reading.py` reads a rule's text; here it is applied. It must not know whose numbers are translated, nor
when.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from edge_router.dialplan.fragment import DIALABLE, MAX_DIGITS, Step
from edge_router.dialplan.translation_reading import (
    AGAIN,
    DIGIT,
    END,
    FORK,
    MARK,
    RuleReading,
    TranslationError,
    read_rule,
)

__all__ = ["Translation", "TranslationError", "TranslationRule", "Translations"]

MOST_KNOWN: Final = 256
"""Numbers whose translation is remembered."""


class TranslationRule:
    """One rule. It holds for any part of a number, unless it is written with `^` or `$`; that part is replaced.

    Where it holds in several ways, the first place counts, and there what comes first takes all that it can get.
    """

    __slots__ = ("_anchored", "_asks", "_digits", "_first", "_marks", "_places", "_replacement", "text")

    def __init__(self, text: str) -> None:
        """Reads a rule. Raises TranslationError."""
        reading = read_rule(text)
        self.text: Final = text
        self._asks: Final = reading.asks
        self._digits: Final = reading.digits
        self._places: Final = reading.places
        self._marks: Final = (-1,) * (2 * reading.groups + 2)
        self._anchored: Final = reading.anchored
        self._replacement: Final = reading.replacement
        self._first: Final = _first_digits(reading)

    def __str__(self) -> str:
        return self.text

    def apply(self, number: str) -> str | None:
        """The number with what was matched replaced, or None if the rule doesn't hold for it.

        It never holds for a name, for more than MAX_DIGITS digits, and where more than those would come out.
        """
        if self._first is not None and number[:1] not in self._first:
            return None
        if len(number) > MAX_DIGITS or not DIALABLE.issuperset(number):
            return None
        marks = self._search(number)
        if marks is None:
            return None
        translated = number[: marks[0]]
        for digits, group in self._replacement:
            translated += digits
            if group >= 0:
                translated += number[marks[2 * group] : marks[2 * group + 1]]
        translated += number[marks[1] :]
        return translated if len(translated) <= MAX_DIGITS else None

    def _search(self, number: str) -> tuple[int, ...] | None:
        """Where the match and each of its groups begin and end in the number; None if it isn't there."""
        # What failed once at an instruction and a digit fails there whatever came before, so it is tried once only:
        # a rule takes no more than (instructions) x (digits) steps, however it is written.
        tried: set[tuple[int, int]] = set()
        for start in range(1 if self._anchored else len(number) + 1):
            marks = self._match(number, start, tried)
            if marks is not None:
                return marks
        return None

    def _match(self, number: str, at: int, tried: set[tuple[int, int]]) -> tuple[int, ...] | None:
        asks, digits, places = self._asks, self._digits, self._places
        begun, marks = at, self._marks
        step = 0
        later: list[tuple[int, int, tuple[int, ...]]] = []
        while True:
            ask = asks[step]
            if ask == DIGIT:
                holds = at < len(number) and number[at] in digits[step]
                at += 1
            elif ask == MARK:
                slot = places[step]
                marks = (*marks[:slot], at, *marks[slot + 1 :])
                holds = True
            elif ask == END:
                holds = at == len(number)
            elif ask in (FORK, AGAIN):
                holds = (step, at) not in tried
                if holds:
                    tried.add((step, at))
                    there = places[step]
                    later.append((there if ask == FORK else step + 1, at, marks))
                    if ask == AGAIN:
                        step = there - 1
            else:
                return (begun, at, *marks[2:])
            if holds:
                step += 1
            elif later:
                step, at, marks = later.pop()
            else:
                return None


def _first_digits(reading: RuleReading) -> Step | None:
    """What a number must begin with for a rule to hold: the least that tells most rules that don't. None: anything."""
    first = next(place for place, ask in enumerate(reading.asks) if ask != MARK)
    return reading.digits[first] if reading.anchored and reading.asks[first] == DIGIT else None


class Translation:
    """Rules in order: the first that holds for a number is applied, and no other."""

    __slots__ = ("_known", "rules")

    def __init__(self, rules: Iterable[TranslationRule] = ()) -> None:
        self.rules: Final = tuple(rules)
        self._known: Final[dict[str, str]] = {}  # one call asks for the same number some three times

    def match(self, number: str) -> tuple[int, str] | None:
        """The place of the rule that holds, from 0, and what it makes of the number; None if no rule holds."""
        for place, rule in enumerate(self.rules):
            translated = rule.apply(number)
            if translated is not None:
                return place, translated
        return None

    def apply(self, number: str) -> str:
        """The number as it goes on: unchanged where no rule holds."""
        known = self._known.get(number)
        if known is None:
            found = self.match(number)
            known = number if found is None else found[1]
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            if len(number) <= MAX_DIGITS:
                self._known[number] = known
        return known


@dataclass(frozen=True, slots=True)
class Translations:
    """What becomes of a call's numbers in one place of its way; None: nothing."""

    called: Translation | None = None
    calling: Translation | None = None
