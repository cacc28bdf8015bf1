r"""Reads the text of a number pattern, and says in plain words what is wrong with it.

Accepted is what CUBE's command line accepts (`^[][^0-9,A-F#*.?+%()-]*T?(\$)?$`, Cisco doc 211306) as far as it can
ever match a number, and `\` before `+`, `*` or `#`. It must not know how numbers are matched.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from edge_router.dialplan.fragment import DIALABLE, MAX_DIGITS, Item, Step, in_sequence

MAX_LENGTH: Final = 128
MAX_DOTS: Final = 15
QUANTIFIERS: Final = "+?%"

_RANGES: Final = "0123456789ABCDEF"
_STEPS: Final = {digit: frozenset(digit) for digit in DIALABLE} | {".": DIALABLE}
_HINTS: Final = {
    "|": "there are no alternatives in a pattern; write a list of patterns",
    "{": "there are no counts in a pattern; write each digit, such as .... for four",
    "}": "there are no counts in a pattern; write each digit, such as .... for four",
    ")": "no group is open here; write ( before its first digit",
    "]": "no set is open here; write [ before its first digit",
    "-": "numbers are compared without separators; leave it out, or write a range in a set such as [2-9]",
    " ": "numbers are compared without separators; leave it out",
    ",": "a pause is never part of a number; leave it out, or write a list of patterns",
    "!": "write T for any more digits",
    "t": "write T in upper case for any more digits",
    "x": "write . for any one digit",
    "X": "write . for any one digit",
    "T": "any more digits can only stand at the end; move it there, or write . for each digit",
    "^": "the beginning can only stand first, and is meant anyway; leave it out",
    "$": "the end can only stand last; move it there",
}


class PatternError(ValueError):
    """A pattern that cannot be read. The text quotes it, says where and what is wrong, and what would be right."""


class Reading(NamedTuple):
    """What a pattern's text says."""

    items: tuple[Item, ...]
    to_end: bool
    """It ends in `$`: no digit may follow what was matched."""
    tail: bool
    """It ends in `T`: any more digits may follow what was matched."""


def read(text: str) -> Reading:
    """Reads the text of a pattern. Raises PatternError."""
    return _Reader(text).pattern()


class _Reader:
    """One pass over the text from left to right; `at` is the character that is looked at."""

    __slots__ = ("at", "digits", "dots", "end", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.end = len(text)
        self.dots = 0
        self.digits = 0

    def fault(self, what: str, at: int | None = None) -> PatternError:
        place = self.at if at is None else at
        return PatternError(f'"{self.text}", character {place + 1}: {what}')

    def pattern(self) -> Reading:
        if self.end > MAX_LENGTH:
            raise PatternError(f"a pattern of {self.end} characters is too long; {MAX_LENGTH} are allowed")
        if self.text.startswith("^"):
            self.at = 1
        # The end is cut off first: what is left holds digits, sets, groups and quantifiers only.
        to_end = self.end > self.at and self.text.endswith("$") and not self.text.endswith("\\$")
        self.end -= to_end
        tail = self.end > self.at and self.text[self.end - 1] == "T"
        self.end -= tail
        items = self.sequence(None)
        if not items and not tail:
            raise PatternError(f'"{self.text}" holds no digit; write . for any one digit, T for any number of digits')
        return Reading(tuple(items), to_end, tail)

    def sequence(self, opened: int | None) -> list[Item]:
        """Reads up to the end, or to the `)` of the group that was opened at `opened`."""
        items: list[Item] = []
        while self.at < self.end:
            if self.text[self.at] == ")" and opened is not None:
                return items
            items += self.quantified(self.atom(first=not items))
        if opened is not None:
            raise self.fault("this group is not closed; write ) after its last digit", opened)
        return items

    def atom(self, first: bool) -> list[Item]:
        """Reads one digit, set or group, without its quantifier."""
        character = self.text[self.at]
        if character == "(":
            return self.group()
        if character in QUANTIFIERS and not (first and character == "+"):
            raise self.fault(f'"{character}" says how often the digit before it comes; write that digit before it')
        return [self.digit(character)]

    def digit(self, character: str) -> Step:
        self.digits += 1
        if self.digits > MAX_DIGITS:
            raise self.fault(f"more than {MAX_DIGITS} digits; no number is that long")
        if character == "[":
            return self.digit_set()
        if character == "\\":
            return self.escaped()
        self.dots += character == "."
        if self.dots > MAX_DOTS:
            raise self.fault(f"more than {MAX_DOTS} dots; write T for any number of digits")
        step = _STEPS.get(character)
        if step is None:
            raise self.stray(character)
        self.at += 1
        return step

    def escaped(self) -> Step:
        character = self.text[self.at + 1 : self.end][:1]
        if character not in DIALABLE:
            raise self.fault("\\ takes the meaning from +, * or # and stands before one of these only; leave it out")
        self.at += 2
        return _STEPS[character]

    def group(self) -> list[Item]:
        opened = self.at
        self.at += 1
        items = self.sequence(opened)
        if not items:
            raise self.fault("this group is empty; write digits between ( and )", opened)
        self.at += 1
        return items

    def quantified(self, items: list[Item]) -> list[Item]:
        """The items as they are, or as one piece if a quantifier follows them."""
        quantifier = self.text[self.at : self.end][:1]
        if not quantifier or quantifier not in QUANTIFIERS:
            return items
        self.at += 1
        if self.text[self.at : self.end][:1] in tuple(QUANTIFIERS):
            raise self.fault("two quantifiers in a row; write one, or put the first with its digit into ( )")
        piece = in_sequence(items)
        if quantifier != "?":
            piece = piece.repeated()
        if quantifier != "+":
            piece = piece.optional()
        return [piece]

    def digit_set(self) -> Step:
        """Reads `[2,5-8]` or `[^135]`."""
        opened = self.at
        self.at += 1
        negated = self.text.startswith("^", self.at)
        self.at += negated
        digits: set[str] = set()
        while (character := self.in_set(opened)) != "]":
            if character == ",":
                self.at += 1
            else:
                digits |= self.digit_range(character)
        self.at += 1
        step = DIALABLE - digits if negated else frozenset(digits)
        if not step or not digits:
            raise self.fault("this set holds no digit; write digits between [ and ]", opened)
        return step

    def digit_range(self, low: str) -> set[str]:
        """Reads one digit of a set, or a range such as 5-8."""
        begun = self.at
        if low not in DIALABLE:
            raise self.fault(f'"{low}": a set holds 0 to 9, A to F, *, #, + and ranges such as 2-9 only')
        self.at += 1
        if not self.text.startswith("-", self.at):
            return {low}
        high = self.text[self.at + 1 : self.end][:1]
        if not high or low not in _RANGES or high not in _RANGES:
            raise self.fault(f'the range "{low}-{high}" is not one; write its first and last digit, such as 2-9', begun)
        if low > high:
            raise self.fault(f'the range "{low}-{high}" runs backwards; write {high}-{low}', begun)
        self.at += 2
        return set(_RANGES[_RANGES.index(low) : _RANGES.index(high) + 1])

    def in_set(self, opened: int) -> str:
        if self.at >= self.end:
            raise self.fault("this set is not closed; write ] after its last digit", opened)
        return self.text[self.at]

    def stray(self, character: str) -> PatternError:
        hint = _HINTS.get(character, "a number holds 0 to 9, A to F, *, # and +; write . for any one of them")
        if character in "abcdef":
            hint = f"write {character.upper()} in upper case"
        return self.fault(f'"{character}": {hint}')
