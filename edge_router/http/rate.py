"""How often one asker may ask: so often on average, and some more at once (a leaky bucket, GCRA)."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

MOST_ASKERS: Final = 1_024
_ROUNDING: Final = 1e-6
"""Seconds by which times may be off that were added up."""


class Rate:
    """``per_second`` requests for each asker, ``burst`` of them at once. Of too many askers the longest silent goes."""

    def __init__(self, per_second: float, burst: int, most: int = MOST_ASKERS) -> None:
        self._every: Final = 1 / per_second
        self._ahead: Final = (burst - 1) / per_second + _ROUNDING
        self._most: Final = most
        self._due: OrderedDict[str, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._due)

    def wait(self, asker: str, now: float) -> float:
        """0.0 where this one may ask now, which counts; else the seconds after which it may. ``now`` is in seconds."""
        due = max(self._due.get(asker, now), now)
        if due - now > self._ahead:
            return due - now - self._ahead
        self._due[asker] = due + self._every
        self._due.move_to_end(asker)
        if len(self._due) > self._most:
            self._due.popitem(last=False)
        return 0.0
