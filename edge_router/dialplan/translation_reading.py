r"""Reads one translation rule, `/match/ /replacement/`, and says in plain words what is wrong with it.

The grammar is that of `voice translation-rule` on Cisco IOS, a basic regular expression: `\( \)` groups, `.`, sets,
`*` `+` `?` after one digit or group, `^` first and `$` last, `\*` `\+` `\#`; `\1` to `\9`, `\0` and `&` in the
replacement. What can't be in a number is refused, since a rule with it would never match. It must not know how rules
are applied.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from edge_router.dialplan.fragment import DIALABLE, Step
from edge_router.dialplan.reading import PatternError, read

MAX_LENGTH: Final = 128
"""Characters of a match, and of a replacement."""
MOST_GROUPS: Final = 9

# What an instruction asks for. A quantifier comes with a place in the program: FORK tries what follows it, and that
# place if it fails; AGAIN tries that place, and what follows it if it fails.
DIGIT: Final = 0
FORK: Final = 1
AGAIN: Final = 2
MARK: Final = 3
END: Final = 4
DONE: Final = 5

_QUANTIFIERS: Final = "*+?"
_NO_DIGIT: Final[Step] = frozenset()
_IN_MATCH: Final = {
    "(": r"write \( and \) around a group",
    ")": r"write \( and \) around a group",
    "]": "no set is open here; write [ before its first digit",
    "|": "there are no alternatives in a rule; write a rule for each",
    "{": "there are no counts in a rule; write each digit, such as .... for four",
    "}": "there are no counts in a rule; write each digit, such as .... for four",
    "-": "numbers are compared without separators; leave it out, or write a range in a set such as [2-9]",
    " ": "numbers are compared without separators; leave it out",
    ",": "numbers are compared without separators; leave it out",
    "^": "the beginning can only stand first; move it there, or write [^1] for any digit but 1",
    "$": "the end can only stand last; move it there",
    "&": "what was matched can only stand in the replacement",
    "T": "write .* for any more digits",
    "x": "write . for any one digit",
    "X": "write . for any one digit",
}
_IN_REPLACEMENT: Final = {
    ".": r"a replacement holds digits; write \1 for the first group of the match",
    "(": r"groups stand in the match; write \1 for the first of them",
    ")": r"groups stand in the match; write \1 for the first of them",
    "$": r"write \1 for the first group of the match",
    "^": "a replacement has no beginning and no end; leave it out",
    "-": "numbers go on without separators; leave it out",
    " ": "numbers go on without separators; leave it out",
}


class TranslationError(ValueError):
    """A rule that can't be used. The text quotes it, says where and what is wrong, and what would be right.

    `at` is the offset in the rule's text, from 0; `not_built` tells a rule that is right, but can't be had yet.
    """

    def __init__(self, text: str, at: int, what: str, *, not_built: bool = False) -> None:
        quoted = text if len(text) <= 80 else text[:77] + "..."
        super().__init__(f'"{quoted}", character {at + 1}: {what}')
        self.at: Final = at
        self.not_built: Final = not_built


Replacement = tuple[tuple[str, int], ...]
"""Digits, and the group that follows them: 0 for all that was matched, -1 for none."""


class RuleReading(NamedTuple):
    """What a rule's text says: the match as instructions, one after the other, and the replacement.

    Of each instruction there is what it asks for, of which digits, and of which place: a place in the program, or for
    a MARK the slot that it fills, 2n where group n begins and 2n+1 where it ends.
    """

    asks: list[int]
    digits: list[Step]
    places: list[int]
    groups: int
    anchored: bool
    """It holds at a number's beginning only."""
    replacement: Replacement


def read_rule(text: str) -> RuleReading:
    """Reads the text of a rule. Raises TranslationError."""
    return _Reader(text).rule()


class _Program:
    """The instructions of a match, as they come."""

    __slots__ = ("asks", "digits", "groups", "places")

    def __init__(self) -> None:
        self.asks: Final[list[int]] = []
        self.digits: Final[list[Step]] = []
        self.places: Final[list[int]] = []
        self.groups = 0

    def add(self, asks: int, digits: Step = _NO_DIGIT, place: int = 0) -> None:
        self.asks.append(asks)
        self.digits.append(digits)
        self.places.append(place)

    def repeat(self, begun: int, quantifier: str) -> None:
        """Puts a quantifier to the instructions from `begun` on, which have none within."""
        if quantifier != "+":
            self.asks.insert(begun, FORK)
            self.digits.insert(begun, _NO_DIGIT)
            # Beyond the last instruction, of which there will be one more here, and one more still for the star.
            self.places.insert(begun, len(self.places) + (2 if quantifier == "*" else 1))
            begun += 1
        if quantifier != "?":
            self.add(AGAIN, place=begun)


class _Reader:
    """One pass over a rule's text from left to right; `at` is the character that is looked at, `end` the part's end."""

    __slots__ = ("anchored", "at", "end", "program", "replacement", "text")

    def __init__(self, text: str) -> None:
        self.text: Final = text
        self.at = 0
        self.end = 0
        self.program: Final = _Program()
        self.anchored = False
        self.replacement: Replacement = ()

    def fault(self, what: str, at: int | None = None, *, not_built: bool = False) -> TranslationError:
        return TranslationError(self.text, self.at if at is None else at, what, not_built=not_built)

    def rule(self) -> RuleReading:
        self.skip_blanks()
        self.refuse_words()
        self.part("the match")
        self.match()
        self.at = self.end + 1
        after_match = self.at
        self.skip_blanks()
        if self.at == len(self.text):
            raise self.fault("the replacement is missing; write it after the match, such as /^9/ //", after_match)
        if self.at == after_match:
            raise self.fault("write a space between the match and the replacement")
        self.part("the replacement")
        self.replace()
        self.at = self.end + 1
        self.skip_blanks()
        self.refuse_words()
        if self.at < len(self.text):
            raise self.fault("nothing follows the replacement; take it out, or write a rule of its own")
        program = self.program
        return RuleReading(
            program.asks, program.digits, program.places, program.groups, self.anchored, self.replacement
        )

    def skip_blanks(self) -> None:
        while self.text[self.at : self.at + 1] in (" ", "\t"):
            self.at += 1

    def refuse_words(self) -> None:
        """Refuses what Cisco's grammar has beside match and replacement."""
        word = self.text[self.at :].partition(" ")[0].partition("/")[0]
        if word == "reject":
            raise self.fault("not built yet: reject; a number list with `reject` refuses callers", not_built=True)
        if word in ("type", "plan"):
            raise self.fault(f"not built yet: {word}; a rule changes the number alone", not_built=True)
        if word == "rule":
            raise self.fault("leave out `rule` and its number: rules are tried in the order in which they stand")

    def part(self, what: str) -> None:
        """Goes to the first character after the slash that opens a part, and finds the slash that closes it."""
        if not self.text.startswith("/", self.at):
            raise self.fault(f"{what} stands between slashes; write a rule as /match/ /replacement/")
        opened = self.at
        self.at = self.end = opened + 1
        while self.end < len(self.text) and self.text[self.end] != "/":
            self.end += 2 if self.text[self.end] == "\\" else 1
        if self.end >= len(self.text):
            raise self.fault(f"{what} is not closed; write / after its last character", opened)
        if self.end - self.at > MAX_LENGTH:
            raise self.fault(f"{what} has {self.end - self.at} characters; {MAX_LENGTH} are allowed")

    def next(self, count: int = 1) -> str:
        """The next characters of the part: fewer where it ends."""
        return self.text[self.at : min(self.at + count, self.end)]

    # ---------------------------------------------------------------------------------------- the match

    def match(self) -> None:
        if self.at == self.end:
            raise self.fault("the match is empty; write /^/ to put digits before any number")
        if self.next() == "^":
            self.anchored = True
            self.at += 1
        self.sequence(None)
        self.program.add(DONE)

    def sequence(self, opened: int | None) -> bool:
        r"""Reads up to the end, or to the `\)` of the group that was opened there; says if a quantifier is in it."""
        begun, quantified = len(self.program.asks), False
        while self.at < self.end:
            place, within = len(self.program.asks), False
            if self.next(2) == r"\)" and opened is not None:
                if place == begun:
                    raise self.fault(r"this group is empty; write digits between \( and \)", opened)
                self.at += 2
                return quantified
            if self.next(2) == r"\(":
                within = self.group()
            elif self.next() == "$" and self.at == self.end - 1 and opened is None:
                self.program.add(END)
                self.at += 1
                break
            else:
                self.program.add(DIGIT, self.digit(first=place == begun))
            quantified = self.quantifier(place, within) or within or quantified
        if opened is not None:
            raise self.fault(r"this group is not closed; write \) after its last digit", opened)
        return quantified

    def group(self) -> bool:
        opened = self.at
        self.program.groups += 1
        slot = 2 * self.program.groups
        if self.program.groups > MOST_GROUPS:
            raise self.fault(f"more than {MOST_GROUPS} groups; leave those out that the replacement doesn't name")
        self.program.add(MARK, place=slot)
        self.at += 2
        quantified = self.sequence(opened)
        self.program.add(MARK, place=slot + 1)
        return quantified

    def quantifier(self, begun: int, within: bool) -> bool:
        """Reads a quantifier to the instructions from `begun` on, if there is one; `within`: they have one already."""
        quantifier = self.next()
        if not quantifier or quantifier not in _QUANTIFIERS:
            return False
        if within:
            raise self.fault("a group with a quantifier in it can't have one itself; take one of them out")
        self.at += 1
        if self.next() and self.next() in _QUANTIFIERS:
            raise self.fault(rf"two quantifiers in a row; write one, or \{self.next()} for the key or the plus")
        self.program.repeat(begun, quantifier)
        return True

    def digit(self, *, first: bool) -> Step:
        """Reads what one digit may be. A plus that stands first can repeat nothing: it is the plus of a number."""
        character = self.next()
        if character == "[":
            return self.digit_set()
        if character == "\\":
            return frozenset(self.escaped("match"))
        if character in _QUANTIFIERS and not (first and character == "+"):
            key = r"write \* for the key" if character == "*" else "write that digit before it"
            raise self.fault(f'"{character}" says how often the digit before it comes; {key}')
        if character != "." and character not in DIALABLE:
            raise self.stray(character, _IN_MATCH)
        self.at += 1
        return DIALABLE if character == "." else frozenset(character)

    def digit_set(self) -> Step:
        """Reads `[2,5-8]` or `[^135]`, as in a number pattern."""
        close = self.text.find("]", self.at, self.end)
        written = self.text[self.at : self.end if close < 0 else close + 1]
        try:
            step = read(written).items[0]
        except PatternError as error:
            raise self.fault(f"in the set {error}") from None
        self.at += len(written)
        assert isinstance(step, frozenset)  # a set has no quantifier in it
        return step

    def escaped(self, part: str) -> str:
        character = self.next(2)[1:]
        if character in tuple("123456789") and part == "match":
            raise self.fault(rf"\{character} can only stand in the replacement")
        if character == ")":
            raise self.fault(r"no group is open here; write \( before its first digit")
        if character not in tuple("*+#"):
            raise self.fault(r"\ takes the meaning from *, + and #, and no other character of a number has one")
        self.at += 2
        return character

    def stray(self, character: str, hints: dict[str, str]) -> TranslationError:
        hint = hints.get(character, "a number holds 0 to 9, A to F, *, # and +")
        if character in tuple("abcdef"):
            hint = f"write {character.upper()} in upper case"
        return self.fault(f'"{character}": {hint}')

    # ---------------------------------------------------------------------------------------- the replacement

    def replace(self) -> None:
        if not self.next(MAX_LENGTH).strip(" "):  # some write / / for nothing
            return
        parts: list[tuple[str, int]] = []
        digits = ""
        while self.at < self.end:
            character, after = self.next(), self.next(2)[1:]
            if character == "&" or (character == "\\" and after in tuple("0123456789")):
                parts.append((digits, self.reference(after if character == "\\" else "0")))
                digits = ""
            elif character == "\\":
                digits += self.escaped("replacement")
            elif character in DIALABLE:
                digits += character
                self.at += 1
            else:
                raise self.stray(character, _IN_REPLACEMENT)
        self.replacement = (*parts, (digits, -1))

    def reference(self, group: str) -> int:
        there = self.program.groups
        if int(group) > there:
            raise self.fault(rf"\{group}: the match has {there or 'no'} group{'s' if there != 1 else ''} \( \)")
        self.at += 1 if self.next() == "&" else 2
        return int(group)
