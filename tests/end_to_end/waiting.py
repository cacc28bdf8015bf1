"""Waiting for a condition: nothing in these tests sleeps for a fixed time."""

import time
from collections.abc import Callable
from typing import Final, TypeVar

T = TypeVar("T")

PATIENCE: Final = 15.0
"""Seconds until a wait gives up: a busy machine needs them, a good run never does."""


def until(probe: Callable[[], T | None], what: str, within: float = PATIENCE) -> T:
    """Asks `probe` until it gives something other than None or False, and hands that back.

    The longer it takes, the seldomer: asking costs the router and other tests time.
    """
    began = time.monotonic()
    while True:
        found = probe()
        if found is not None and found is not False:
            return found
        waited = time.monotonic() - began
        if waited >= within:
            raise AssertionError(f"waited {within:g} s for {what}, in vain")
        time.sleep(max(0.005, waited / 50))
