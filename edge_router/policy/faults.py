"""What is wrong with a rule, in words for the person who wrote it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches


@dataclass(frozen=True, slots=True)
class RuleFault:
    """One thing that is wrong with a policy: `rule` counts from 0, `key` is the key of the rule that is wrong.

    `at` is the offset in that key's text, from 0, and None where it is the text as a whole that is wrong; the
    message says it too.
    """

    message: str
    rule: int = 0
    key: str = "when"
    at: int | None = None


def fault_at(text: str, offset: int, what: str) -> RuleFault:
    """A fault at a place in the text of a rule."""
    return RuleFault(f"{what} (at {_place(text, offset)})", at=offset)


class RuleError(ValueError):
    """A policy that can't be used, with all its faults."""

    def __init__(self, faults: Sequence[RuleFault]) -> None:
        super().__init__("; ".join(fault.message for fault in faults))
        self.faults = tuple(faults)


class Undecided(Exception):
    """A read that can't be had at this call: the state is missing or stale. Its text says which, in plain words."""


class Missing(Undecided):
    """A read that fails whatever is known of the contact centre: there is no such row, or nothing has that name."""


def _place(text: str, offset: int) -> str:
    """Where in a rule something is, counted from 1: `character 7`, or `line 2, character 7` in a longer rule."""
    line = text.count("\n", 0, offset) + 1
    character = offset - text.rfind("\n", 0, offset)
    return f"line {line}, character {character}" if "\n" in text.rstrip() else f"character {character}"


def unknown(noun: str, name: str, known: Iterable[str], listed: Iterable[str] | None = None) -> str:
    """Say that nothing has this name, and which known one is near, or else which there are: `listed`, or all."""
    names = sorted(known)
    by_lower = {known_name.lower(): known_name for known_name in names}
    near = get_close_matches(name.lower(), by_lower, n=1)
    if near:
        return f'there is no {noun} "{name}"; did you mean "{by_lower[near[0]]}"?'
    if not names:
        return f'there is no {noun} "{name}"; none is defined'
    few = names if listed is None else sorted(listed)
    return f'there is no {noun} "{name}"; there is {", ".join(few[:12])}{", ..." if len(few) > 12 else ""}'
