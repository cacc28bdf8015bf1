"""What counts were a moment ago: to compare them with a search, which shows the cloud as it was some seconds back."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Final

KEEP: Final = 45.0
"""Seconds that changes are kept: as long as a search can lag, and take to answer."""
MOST: Final = 500
"""Changes kept at most. Where there are more, a comparison errs towards a difference, which a full one then settles."""


class Recent:
    """The changes of some counts within the last seconds, by the count's name."""

    __slots__ = ("_changes",)

    def __init__(self) -> None:
        self._changes: deque[tuple[float, str, int]] = deque(maxlen=MOST)

    def note(self, now: float, name: str, by: int) -> None:
        """Say that a count has just changed."""
        changes = self._changes
        if changes and changes[0][0] < now - KEEP:
            changes.popleft()
            if (
                changes and changes[0][0] < now - KEEP
            ):  # two for one, and no more: the first after a pause waits for none
                changes.popleft()
        changes.append((now, name, by))

    def bounds(self, counts: Mapping[str, int], since: float) -> dict[str, tuple[int, int]]:
        """The least and the most that each count has been since then; ``counts`` is what they are now."""
        value = dict(counts)
        least = dict(counts)
        most = dict(counts)
        for time, name, by in reversed(self._changes):
            if time < since:
                break
            value[name] = was = value.get(name, 0) - by
            least[name] = min(least.get(name, 0), was)
            most[name] = max(most.get(name, 0), was)
        return {name: (low, most[name]) for name, low in least.items()}
