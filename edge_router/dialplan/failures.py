"""Which failures of a target count: `hunt_on` and `next_peer_on` of a trunk, read once into one set.

The set is expanded when the configuration is loaded, so that a call asks with one look-up. It must not know what
happens next: whether another target or another dial-peer is tried is the call's business.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self

LOWEST: Final = 300
HIGHEST: Final = 699
TIMEOUT: Final = "timeout"
_FEW: Final = 5  # codes that a class is said to be without


class FailureError(ValueError):
    """An entry of `hunt_on` or `next_peer_on` that cannot be read; the text says what would be right."""


@dataclass(frozen=True, slots=True)
class FailureSet:
    """The final response codes, and None for no final response at all, that count as failures."""

    codes: frozenset[int | None]

    @classmethod
    def parse(cls, entries: Iterable[int | str]) -> Self:
        """Reads codes (486), classes (5xx), ranges (500-504) and `timeout`; with `!` before it an entry is taken out.

        What is taken out stays out wherever in the list it stands. Raises FailureError.
        """
        counted: set[int | None] = set()
        taken_out: set[int | None] = set()
        for entry in entries:
            text = str(entry).strip()
            if text.startswith("!"):
                taken_out |= _codes(text[1:].strip(), text)
            else:
                counted |= _codes(text, text)
        if taken_out and not counted:
            raise FailureError(
                "there are only entries with ! here, and nothing to take them from; name what counts too"
            )
        return cls(frozenset(counted - taken_out))

    def has(self, code: int | None) -> bool:
        """Whether this final code, or None for a timeout, counts."""
        return code in self.codes

    def __str__(self) -> str:
        """Write it as `408, 5xx but 503, timeout`; "nothing" where nothing counts."""
        words: list[str] = []
        for start in range(300, 700, 100):
            every = range(start, start + 100)
            inside = [code for code in every if code in self.codes]
            left = [str(code) for code in every if code not in self.codes]
            if not left:
                words.append(f"{start // 100}xx")
            elif len(left) <= _FEW:
                words.append(f"{start // 100}xx but {' and '.join(left)}")
            else:
                words += _spans(inside)
        if None in self.codes:
            words.append(TIMEOUT)
        return ", ".join(words) or "nothing"


def _spans(codes: list[int]) -> list[str]:
    """Codes in ascending order, those that follow each other as 500-504."""
    spans: list[list[int]] = []
    for code in codes:
        if spans and spans[-1][1] == code - 1:
            spans[-1][1] = code
        else:
            spans.append([code, code])
    return [f"{first}-{last}" if last > first else str(first) for first, last in spans]


def _codes(text: str, entry: str) -> set[int | None]:
    """The codes that one entry without its `!` stands for; `entry` is how it was written."""
    if text == TIMEOUT:
        return {None}
    if len(text) == 3 and text[0] in "3456" and text[1:].lower() == "xx":
        start = int(text[0]) * 100
        return set(range(start, start + 100))
    first, dash, last = (part.strip() for part in text.partition("-"))
    low, high = _code(first, entry), _code(last if dash else first, entry)
    if low > high:
        raise FailureError(f'"{entry}" runs backwards; write {high}-{low}')
    return set(range(low, high + 1))


def _code(text: str, entry: str) -> int:
    if len(text) == 3 and text.isascii() and text.isdigit() and LOWEST <= int(text) <= HIGHEST:
        return int(text)
    raise FailureError(
        f'"{entry}" is not a failure; write a code from {LOWEST} to {HIGHEST}, a class such as 5xx,'
        f" a range such as 500-504, or timeout, with ! before it to take it out"
    )


DEFAULT_FAILURES: Final = FailureSet.parse([408, "5xx", TIMEOUT])
