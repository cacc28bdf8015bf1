"""How often the cloud may be asked: one sliding window for the whole client id, and the pauses that the cloud orders.

No clock and no waiting here: whoever asks is told how long to wait and asks again.
"""

from __future__ import annotations

import hashlib
from collections import deque
from typing import Final

from state_client.webex.pause import Pause

WINDOW: Final = 60.0
"""Seconds in which ``per_minute`` requests are made at most."""


class Limiter:
    """A sliding window of ``per_minute`` requests, a tenth of which only urgent ones may use. Times are in seconds."""

    __slots__ = ("_pause", "_sent", "per_minute", "reserve")

    def __init__(self, per_minute: int) -> None:
        if per_minute < 2:
            raise ValueError("requests_per_minute has to be 2 or more")
        self.per_minute = per_minute
        self.reserve = max(1, per_minute // 10)
        self._sent: deque[float] = deque()
        self._pause = Pause()

    def delay(self, now: float, urgent: bool = False) -> float:
        """0 if a request may be made now, which then counts; else the seconds after which to ask again."""
        held = self.held(now)
        if held > 0:
            return held
        used = self.used(now)
        most = self.per_minute if urgent else self.per_minute - self.reserve
        if used < most:
            self._sent.append(now)
            return 0.0
        return max(self._sent[used - most] + WINDOW - now, 0.001)

    def hold(self, seconds: float, now: float) -> None:
        """Make no request for so long: the cloud said so, and asking earlier only gets another 429."""
        self._pause.hold(seconds, now)

    def held(self, now: float) -> float:
        """Seconds for which the cloud wants to be left alone, 0 if it doesn't."""
        return self._pause.left(now)

    def used(self, now: float) -> int:
        """How many requests were made in the last minute."""
        sent = self._sent
        while sent and not 0 <= now - sent[0] < WINDOW:  # also drops what a clock that was set back left in the future
            sent.popleft()
        return len(sent)


def first_delay(org_id: str, node: str, every: float) -> float:
    """When within ``every`` seconds this node begins to ask, so that many gateways don't strike together."""
    digest = hashlib.sha256(f"{org_id}\n{node}".encode()).digest()
    return int.from_bytes(digest[:8]) / 2**64 * every
