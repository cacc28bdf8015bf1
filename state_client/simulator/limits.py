"""How many requests a client may make: so many in any minute, all its requests together.

Sans-IO: it is told the time. A request that is refused doesn't count, and neither does it shorten the wait.
"""

from __future__ import annotations

from collections import deque
from math import ceil

from state_client.simulator.refusal import Refusal

MINUTE = 60.0


class Limits:
    """The requests of the last minute, by client id."""

    __slots__ = ("_recent", "per_minute", "refused")

    def __init__(self, per_minute: int = 300) -> None:
        self.per_minute = per_minute
        self.refused = 0
        self._recent: dict[str, deque[float]] = {}

    def count(self, client_id: str, now: float) -> None:
        """One more request; raises Refusal 429 with the whole seconds after which there is room again."""
        recent = self._recent.setdefault(client_id, deque())
        while recent and recent[0] <= now - MINUTE:
            recent.popleft()
        if len(recent) >= self.per_minute:
            self.refused += 1
            wait = recent[0] + MINUTE - now if recent else MINUTE
            raise Refusal(429, headers={"Retry-After": str(max(1, ceil(wait)))})
        recent.append(now)
