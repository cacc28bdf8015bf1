"""A pause that the cloud has ordered (Retry-After, RFC 9110 §10.2.3). No clock in here."""

from __future__ import annotations

from typing import Final

LONGEST: Final = 3600.0
"""Seconds that a Retry-After is believed."""


class Pause:
    """Says how long nothing may be asked. Times are in seconds."""

    __slots__ = ("_seconds", "_since")

    def __init__(self) -> None:
        self._since = 0.0
        self._seconds = 0.0

    def hold(self, seconds: float, now: float) -> None:
        """Ask nothing for so long; a longer pause that lasts already stays."""
        seconds = min(max(seconds, 0.0), LONGEST)
        if seconds > self.left(now):
            self._since = now
            self._seconds = seconds

    def left(self, now: float) -> float:
        """Seconds until something may be asked again, 0 if it may be now."""
        passed = now - self._since
        if passed < 0:  # the clock was set back: a pause begins anew rather than last for ever
            self._since = now
            passed = 0.0
        return max(self._seconds - passed, 0.0)
