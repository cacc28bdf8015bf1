"""How much of a way to the contact centre a policy may use: beyond it, calls go elsewhere and none is refused."""

from __future__ import annotations

from typing import Final

from edge_router.admission.placed import PlacedCalls

MAX_CONCURRENT: Final = "max_concurrent"
PER_MINUTE: Final = "per_minute"


class Share:
    """A limit on the calls at a dial-peer or trunk; None is no limit.

    ``max_concurrent`` holds for calls that are there or on their way, ``per_minute`` for any 60 seconds.
    """

    __slots__ = ("max_concurrent", "of", "per_minute")

    def __init__(self, of: str, max_concurrent: int | None = None, per_minute: int | None = None) -> None:
        self.of: Final = of
        self.max_concurrent: Final = max_concurrent
        self.per_minute: Final = per_minute

    def full(self, placed: PlacedCalls, now: float) -> str | None:
        """Which limit one more call would break ("max_concurrent" or "per_minute"), or None. Counts nothing."""
        if self.max_concurrent is not None and placed.concurrent(self.of) >= self.max_concurrent:
            return MAX_CONCURRENT
        if self.per_minute is not None and placed.in_last_minute(self.of, now) >= self.per_minute:
            return PER_MINUTE
        return None
