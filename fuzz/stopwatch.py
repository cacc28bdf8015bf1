"""Whether an input takes much longer than others of its size: work that grows faster than the input does."""

from __future__ import annotations

from collections.abc import Callable
from time import thread_time
from typing import Final

_TIMES: Final = 50  # as long as others of its size
_PEERS: Final = 200  # before one can be compared to them
_LEAST: Final = 0.001  # seconds; below that it's the machine's own noise
_TRIES: Final = 5


class TooSlow(AssertionError):
    """An input took more than 50 times as long as others of its size."""


class Stopwatch:
    """Runs a check and compares its time with that of its peers: twice as long at the most, and read or refused too.

    ``clock`` gives seconds of this thread's own work, so that what else the machine does isn't counted.
    """

    def __init__(self, check: Callable[[bytes], bool], clock: Callable[[], float] = thread_time) -> None:
        self._check = check
        self._clock = clock
        self._peers: dict[tuple[int, bool], tuple[int, float]] = {}

    def run(self, data: bytes) -> None:
        """Checks an input. Raises what the check raises, and TooSlow."""
        read, took = self._time(data)
        peers = len(data).bit_length(), read
        count, total = self._peers.get(peers, (0, 0.0))
        if count >= _PEERS and took > max(_TIMES * total / count, _LEAST):
            took = min(took, *(self._time(data)[1] for _ in range(_TRIES)))
            if took > max(_TIMES * total / count, _LEAST):
                raise TooSlow(f"{took * 1e3:.1f} ms for {len(data)} octets; its peers take {total / count * 1e3:.3f}")
        self._peers[peers] = count + 1, total + took

    def _time(self, data: bytes) -> tuple[bool, float]:
        begin = self._clock()
        read = self._check(data)
        return read, self._clock() - begin
