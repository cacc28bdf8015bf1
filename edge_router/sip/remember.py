"""What was read of a text before: the same few texts come with nearly every message, and are read once.

A stranger chooses the texts, so there is a bound on how many are kept and on how long each may be. They lie scattered
among the calls that they came with, and the memory about them can't be given back while they are there, so after a
burst all of them are forgotten.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

LONGEST: Final = 256  # characters; what is longer is read each time, and nothing of it is kept

_Read = TypeVar("_Read")
_forgetting: Final[list[Callable[[], object]]] = []


class _Readings(dict[str, _Read]):
    """The readings by their texts. A look-up that hits is one of a dictionary, and runs no Python."""

    def __init__(self, read: Callable[[str], _Read], most: int) -> None:
        self._read = read
        self._most = most

    def __missing__(self, text: str) -> _Read:
        reading = self._read(text)
        if len(text) <= LONGEST:
            if len(self) >= self._most:
                self.clear()
            self[text] = reading
        return reading


def remembered(most: int) -> Callable[[Callable[[str], _Read]], Callable[[str], _Read]]:
    """Decorates a function of one text: its last results, ``most`` of them, are kept. What it raises is not."""

    def decorate(read: Callable[[str], _Read]) -> Callable[[str], _Read]:
        readings = _Readings(read, most)
        to_forget(readings.clear)
        return readings.__getitem__

    return decorate


def to_forget(clear: Callable[[], object]) -> None:
    """Has ``clear`` called by ``forget_readings``: for other tables of the kind."""
    _forgetting.append(clear)


def forget_readings() -> None:
    """Empties every table; what is still in use is read anew."""
    for clear in _forgetting:
        clear()
