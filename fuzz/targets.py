"""What is fuzzed, by name."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Final

LONGEST: Final = {"message": 20_000, "uri": 2_000, "sdp": 8_000, "framing": 3_000, "router": 4_000}
"""The targets, and the octets of an input: enough to pass each limit by."""

Check = Callable[[bytes], bool]
"""Takes any octets, tells whether they could be read, and raises where something doesn't hold."""


def check_of(target: str) -> Check:
    """The check of a target, for which nothing is imported that it doesn't need."""
    check: Check = getattr(import_module(f"fuzz.{target}"), f"check_{target}")
    return check
