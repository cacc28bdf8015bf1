"""Reading the cloud's JSON: a field that is missing or of another kind reads as unknown, never as an exception."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def part(row: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """An object inside a row, empty where there is none."""
    value = row.get(name)
    return value if isinstance(value, dict) else {}


def parts(row: Mapping[str, Any], name: str) -> Sequence[Mapping[str, Any]]:
    """The objects of a list inside a row; an object by itself is a list of one."""
    value = row.get(name)
    if isinstance(value, dict):
        return [value]
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def text(row: Mapping[str, Any], name: str) -> str:
    """A text, "" where there is none."""
    value = row.get(name)
    return value if isinstance(value, str) else ""


def number(row: Mapping[str, Any], name: str) -> float:
    """A number, 0 where there is none. The cloud means "none" by a negative one."""
    value = row.get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and value > 0 else 0.0


def seconds(row: Mapping[str, Any], name: str) -> float:
    """A time or duration that the cloud has in milliseconds, 0 where there is none."""
    return number(row, name) / 1000
