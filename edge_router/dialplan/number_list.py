"""Lists of numbers from files of the user's, such as who is preferred and who is refused.

It must not know what being on a list leads to.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from edge_router.dialplan.fragment import DIALABLE, MAX_DIGITS
from edge_router.dialplan.number import normalise
from edge_router.dialplan.text_lines import MOST_FAULTS, STOPPED, lines_of, unfit

MOST_NUMBERS: Final = 1_000_000
"""Numbers of one list; blank lines and comments count."""

_WRITABLE: Final = DIALABLE | frozenset("-.() ")
_HINTS: Final = {
    ",": "write one number on each line",
    ";": "write one number on each line, without parameters",
    ":": "write the number without sip: or tel:",
    "@": "write the number without @ and the host",
    "%": "write characters as they are, not as %XX",
    "[": "a list holds whole numbers, no patterns",
    "T": "a list holds whole numbers, no patterns",
    "?": "a list holds whole numbers, no patterns",
    "$": "a list holds whole numbers, no patterns",
    "^": "a list holds whole numbers, no patterns",
    '"': "write the number without quotes",
}


class BadNumbers(ValueError):
    """What is wrong with a list of numbers: `faults` holds a line number and words for each, in the file's order."""

    def __init__(self, faults: list[tuple[int, str]]) -> None:
        super().__init__("; ".join(f"line {line}: {why}" for line, why in faults))
        self.faults = faults


class NumberList:
    """Numbers that are in or not; how they are written, with separators or without, makes no difference."""

    __slots__ = ("_numbers",)

    def __init__(self, numbers: Iterable[str] = ()) -> None:
        self._numbers: Final = frozenset([normalise(number) for number in numbers])

    def __len__(self) -> int:
        return len(self._numbers)

    def __contains__(self, number: object) -> bool:
        return isinstance(number, str) and normalise(number) in self._numbers


def read_numbers(text: str) -> NumberList:
    """Read one number a line; what follows a `#` at a line's beginning or after a space is a comment.

    A number that begins with the key `#` can't be listed. Raises BadNumbers with all that is wrong.
    """
    if text.count("\n") > MOST_NUMBERS:
        raise BadNumbers([(MOST_NUMBERS + 1, f"more than {MOST_NUMBERS:,} lines; split the list")])
    numbers: list[str] = []
    faults: list[tuple[int, str]] = []
    for line, written in lines_of(text):
        number = _without_comment(written)
        if not number:
            continue
        if why := _what_is_wrong(number):
            faults.append((line, why))
        else:
            numbers.append(number)
        if len(faults) == MOST_FAULTS:
            faults.append((line, STOPPED))
            break
    if faults:
        raise BadNumbers(faults)
    return NumberList(numbers)


def _without_comment(line: str) -> str:
    if "#" not in line:
        return line
    if line.startswith("#"):
        return ""
    for space in (" #", "\t#"):
        line = line.partition(space)[0]
    return line.rstrip(" \t")


def _what_is_wrong(number: str) -> str:
    """What is wrong with a number as it is written; "" if nothing is."""
    digits = number.removeprefix("+")
    if digits.isascii() and digits.isdigit() and len(number) <= MAX_DIGITS:  # nearly every number
        return ""
    if why := unfit(number):
        return why
    for place, character in enumerate(number, 1):
        if character not in _WRITABLE:
            hint = _HINTS.get(character, "a number holds 0 to 9, A to F, * and #, with + before it where it has one")
            return f'"{character}" at character {place}: {hint}'
    # A separator that stands at the end or twice would vanish from what was meant as a pattern.
    if ".." in number or number.endswith("."):
        return 'the dots stand for no digit here: a list holds whole numbers; write "called" patterns in a dial-peer'
    plain = normalise(number)
    if "+" in plain[1:]:
        return "+ stands before a number only; format a spreadsheet's column as text to keep its numbers whole"
    if not plain.strip("+-.() "):
        return "no digit is here; write a number, or take the line out"
    if len(plain) > MAX_DIGITS:
        return f"{len(plain)} digits; no number has more than {MAX_DIGITS}"
    return ""
