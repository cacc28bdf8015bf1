"""What a trunk's refusals are to callers: its `error_map`, read once into one table.

Read when the configuration is loaded, so that a call asks with one look-up. It must not know what a cause means
(`edge_router.b2bua.messages.causes`), nor which codes are never given to a caller.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, Self

from edge_router.dialplan.failures import FailureError, FailureSet

CAUSE: Final = "cause"
"""The code that stands for the Q.850 cause of the refusal."""
Told = int | Literal["cause"]


class ErrorMapError(ValueError):
    """An entry of `error_map` that cannot be read; the text says what would be right."""


@dataclass(frozen=True, slots=True)
class ErrorMap:
    """Final codes of a target, and what the caller gets in their place: a code, or None for that of their cause."""

    codes: Mapping[int, int | None] = field(hash=False)

    @classmethod
    def parse(cls, entries: Iterable[tuple[str, Told]]) -> Self:
        """Reads codes (404), ranges (500-504) and classes (5xx), of which the narrower counts. Raises ErrorMapError."""
        read = sorted(((_codes(came), told) for came, told in entries), key=lambda entry: -len(entry[0]))
        return cls({code: None if told == CAUSE else told for codes, told in read for code in codes})

    def __str__(self) -> str:
        """Write it as `480 for 404, the code of its cause for 5xx`."""
        by_told: dict[int | None, set[int | None]] = {}
        for code, told in self.codes.items():
            by_told.setdefault(told, set()).add(code)
        words = [
            f"{'the code of its cause' if told is None else told} for {FailureSet(frozenset(codes))}"
            for told, codes in by_told.items()
        ]
        return ", ".join(words)


def _codes(text: str) -> list[int]:
    if not text.startswith("!") and text != "timeout":
        try:
            return [code for code in FailureSet.parse([text]).codes if code is not None]
        except FailureError:
            pass
    raise ErrorMapError(
        f'"{text}" is no refusal; write a code from 300 to 699, a class such as 5xx or a range such as 500-504'
    )
