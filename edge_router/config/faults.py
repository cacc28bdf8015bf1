"""What is wrong with a configuration, and where: one `Fault` for each, and `ConfigFaults` that holds all.

A fault is for the person who edits the file: it says what is wrong and what would be right, in the file's words.
"""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from enum import Enum
from typing import NamedTuple

Path = tuple[str | int, ...]
"""The way to a value from the top of the file: keys of maps and indices of lists (from 0)."""


class Kind(Enum):
    """What sort of fault it is; tests and tools tell faults apart by it, people by the message."""

    SYNTAX = "syntax"  # not YAML, or YAML that a configuration has no use for
    UNKNOWN_KEY = "unknown key"
    NOT_BUILT = "not built yet"  # the key is right, but this version can't do it
    MISSING = "missing"
    VALUE = "value"  # a wrong type or a value out of range
    REFERENCE = "reference"  # a name that names nothing
    CONFLICT = "conflict"  # two entries that can't both hold
    RULE = "rule"  # a policy rule's CEL
    ADDRESS = "address"  # an address that this machine can't listen on
    WARNING = "warning"  # it works, but most likely not as meant


class Position(NamedTuple):
    """A place in the file; both from 1, as editors count."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong. `key` is its path as a person writes it (`trunks.cloud.targets[0]`), or ""."""

    file: str
    line: int
    column: int
    key: str
    message: str
    kind: Kind

    def __str__(self) -> str:
        """Write it as `FILE:LINE:COL: key.path: what is wrong, and what would be right`."""
        key = f" {self.key}:" if self.key else ""
        warning = " warning:" if self.kind is Kind.WARNING else ""
        return _one_line(f"{self.file}:{self.line}:{self.column}:{key}{warning} {self.message}")


class ConfigFaults(Exception):
    """A configuration that can't be used: every fault that was found, in the order of the file."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = tuple(faults)


def as_json_text(faults: Iterable[Fault]) -> str:
    """Write faults for machines: a list of maps."""
    return json.dumps([{**asdict(fault), "kind": fault.kind.value} for fault in in_order(faults)], indent=2)


def in_order(faults: Iterable[Fault]) -> list[Fault]:
    """Sort faults as they stand in the file, and of another file that stands there; the same one is named once."""
    return sorted(dict.fromkeys(faults), key=lambda f: (f.line, f.column, f.key, _by_number(f.message)))


def _by_number(text: str) -> list[str | tuple[int, str]]:
    """Text to sort by in which `line 18` goes before `line 501`."""
    pieces: list[str | tuple[int, str]] = list(re.split(r"([0-9]+)", text))
    pieces[1::2] = [(len(digits), digits) for digits in map(str, pieces[1::2])]
    return pieces


def key_path(path: Path) -> str:
    """Write a path as `trunks.cloud.targets[0].uri`; a key with a dot, a bracket or a space is quoted."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            plain = part.isprintable() and part and not set(part) & set(".[]: \"'")
            text += ("." if text else "") + (part if plain else quoted(part))
    return text


def quoted(text: str) -> str:
    """Quote a text of the file for a message: one line, no control characters, not long."""
    if len(text) > 80:
        text = text[:77] + "..."
    return f'"{_one_line(text)}"'


def _one_line(text: str) -> str:
    """Escape what could begin a line of its own, or play with a terminal."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Give the known word that a person most likely meant, or None."""
    by_lower = {name.lower(): name for name in known}
    found = get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[found[0]] if found else None


def nothing_called(noun: str, name: str, known: Iterable[str]) -> str:
    """Say that a name names nothing, with the nearest that does, or with all of them where they are few."""
    names = sorted(known)
    guess = nearest(name, names)
    if guess is not None:
        return f"there is no {noun} {quoted(name)}; did you mean {quoted(guess)}?"
    if not names:
        return f"there is no {noun} {quoted(name)}; none is defined"
    few = ", ".join(names[:6]) + (", ..." if len(names) > 6 else "")
    return f"there is no {noun} {quoted(name)}; there is {few}"
