"""What goes wrong when it is told to: with events on their way, and with answers to requests.

Sans-IO: it is told the time. `Line` is the way of events from the cloud to a receiver, and a drift measurement can use
it without any network; `Answers` says what a request gets in place of its answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heappop, heappush
from random import Random
from typing import Generic, TypeVar

from state_client.simulator.refusal import Refusal

Item = TypeVar("Item")


@dataclass(slots=True)
class Disturbance:
    """Shares between 0 and 1 of the events that meet with something, and for how long, in seconds.

    A disordered one is held back for up to ``disorder_secs``, so that later ones pass it; a late one for ``late_secs``.
    """

    lost: float = 0.0
    doubled: float = 0.0
    disordered: float = 0.0
    late: float = 0.0
    wrong_secret: float = 0.0
    disorder_secs: float = 2.0
    late_secs: float = 60.0


class Line(Generic[Item]):
    """Events on their way. The same seed and events meet with the same things."""

    __slots__ = ("_coming", "_rng", "_serial", "disturbance", "lost")

    def __init__(self, disturbance: Disturbance | None = None, seed: int = 1) -> None:
        self.disturbance = disturbance or Disturbance()
        self.lost = 0
        self._rng = Random(seed)
        self._coming: list[tuple[float, int, Item]] = []
        self._serial = 0

    def send(self, item: Item, now: float) -> None:
        """It goes off; `due` gives it when it arrives, once, twice or never."""
        wrong = self.disturbance
        if wrong.lost and self._rng.random() < wrong.lost:
            self.lost += 1
            return
        self._arrive(item, now + self._delay())
        if wrong.doubled and self._rng.random() < wrong.doubled:
            self._arrive(item, now + self._delay())

    def due(self, now: float) -> list[Item]:
        """What has arrived by then, in the order of arrival."""
        arrived = []
        while self._coming and self._coming[0][0] <= now:
            arrived.append(heappop(self._coming)[2])
        return arrived

    def forged(self) -> bool:
        """Whether the next one is signed with a secret that isn't the subscription's."""
        share = self.disturbance.wrong_secret
        return bool(share) and self._rng.random() < share

    def _delay(self) -> float:
        wrong = self.disturbance
        delay = 0.0
        if wrong.disordered and self._rng.random() < wrong.disordered:
            delay += self._rng.uniform(0.0, wrong.disorder_secs)
        if wrong.late and self._rng.random() < wrong.late:
            delay += wrong.late_secs
        return delay

    def _arrive(self, item: Item, at: float) -> None:
        self._serial += 1
        heappush(self._coming, (at, self._serial, item))


@dataclass(slots=True)
class WrongAnswer:
    """What requests to a path get: a status, or with status 0 silence. ``path`` is how their path begins.

    ``times`` is for how many of them, ``share`` for what part of them, ``retry_after`` in seconds, ``delay`` is how
    long the right answer is kept back, in seconds, where status is 200.
    """

    path: str = "/"
    method: str = ""
    status: int = 500
    times: int = 1_000_000_000
    share: float = 1.0
    retry_after: int = 0
    delay: float = 0.0

    def fits(self, method: str, path: str) -> bool:
        """Whether it is for such a request."""
        return self.times > 0 and path.startswith(self.path) and self.method in ("", method)

    @property
    def refusal(self) -> Refusal:
        """What is answered."""
        headers = {"Retry-After": str(self.retry_after)} if self.retry_after else {}
        return Refusal(self.status, headers=headers)


class Answers:
    """What is to go wrong with answers, the first that fits."""

    __slots__ = ("_rng", "wrong")

    def __init__(self, seed: int = 1) -> None:
        self.wrong: list[WrongAnswer] = []
        self._rng = Random(seed)

    def pick(self, method: str, path: str) -> WrongAnswer | None:
        """What that request gets; None: its answer."""
        for wrong in self.wrong:
            if wrong.fits(method, path) and self._rng.random() < wrong.share:
                wrong.times -= 1
                return wrong
        return None
