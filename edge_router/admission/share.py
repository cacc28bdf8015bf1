"""How much of a way to the contact centre a policy may use: beyond it, its calls go elsewhere and none is refused."""

from __future__ import annotations

from typing import Final

from edge_router.admission.placed import PlacedCalls


class Share:
    """A limit on the calls that a policy has at a dial-peer or trunk, whatever others have there; None is no limit.

    ``max_concurrent`` holds for calls that are there or on their way, ``per_minute`` for any 60 seconds.
    """

    __slots__ = ("_way", "max_concurrent", "of", "per_minute")

    def __init__(self, policy: str, of: str, max_concurrent: int | None = None, per_minute: int | None = None) -> None:
        self._way: Final = policy, of
        self.of: Final = of
        self.max_concurrent: Final = max_concurrent
        self.per_minute: Final = per_minute

    def full(self, placed: PlacedCalls, now: float) -> str:
        """The limit that one more call would break, as in "max_concurrent 50"; "" if there is room. Counts nothing."""
        if self.max_concurrent is not None and placed.concurrent(self._way) >= self.max_concurrent:
            return f"max_concurrent {self.max_concurrent}"
        if self.per_minute is not None and placed.in_last_minute(self._way, now) >= self.per_minute:
            return f"per_minute {self.per_minute}"
        return ""
