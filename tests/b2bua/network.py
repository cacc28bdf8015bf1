"""Networks between the router on the stage and its peers: one that mistreats datagrams, and connections that break.

Everything comes from one seed, so what has done harm can be had again. ``calm`` says that it does nothing bad any more.
"""

import heapq
import itertools
from collections.abc import Callable
from random import Random
from typing import Final

from tests.b2bua.stage import Address, Stage

LATENCY: Final = 0.02
"""Seconds that a message takes from end to end, on a good day."""
_LATE: Final = (0.05, 0.3, 0.6)  # later than that, when others overtake it
_BREAKS_EVERY: Final = 7.0  # seconds on average that a connection lasts


class Network:
    """Datagrams, of which the given shares are lost, doubled and overtaken by others."""

    reliable = False

    def __init__(self, stage: Stage, seed: int, lost: float = 0, doubled: float = 0, overtaken: float = 0) -> None:
        self.stage = stage
        self.dice = Random(seed)
        self.lost, self.doubled, self.overtaken = lost, doubled, overtaken
        self.calm = False
        self.counts = {"carried": 0, "lost": 0, "doubled": 0, "overtaken": 0, "broken": 0}
        self._order = itertools.count()
        self._due: list[tuple[float, int, Callable[[], object]]] = []

    @property
    def now(self) -> float:
        return self.stage.clock()

    def later(self, seconds: float, action: Callable[[], object]) -> None:
        """Does something so long from now."""
        heapq.heappush(self._due, (self.now + seconds, next(self._order), action))

    def passes(self, seconds: float) -> None:
        """Lets time pass and does what is due."""
        end = self.now + seconds
        while self.now < end:
            while self._due and self._due[0][0] <= self.now:
                heapq.heappop(self._due)[2]()
            self.stage.pass_time(0)

    def carry(self, peer: Address, delivery: Callable[[], object]) -> None:
        """Carries a message between the router and a peer."""
        self.counts["carried"] += 1
        if not self.calm and self._happens("lost", self.lost):
            return
        copies = 2 if not self.calm and self._happens("doubled", self.doubled) else 1
        for _ in range(copies):
            late = not self.calm and self._happens("overtaken", self.overtaken)
            self.later(LATENCY + (self.dice.choice(_LATE) if late else 0), delivery)

    def _happens(self, what: str, share: float) -> bool:
        happens = self.dice.random() < share
        self.counts[what] += happens
        return happens


class Connections(Network):
    """One connection with each peer: all arrives once and in order, until it breaks and what is on its way is lost.

    ``broken`` is told to the peer whose connection it was.
    """

    reliable = True

    def __init__(self, stage: Stage, seed: int) -> None:
        super().__init__(stage, seed)
        stage.line.reliable = True
        self._current: dict[Address, int] = {}
        self.broken: dict[Address, Callable[[], object]] = {}

    def breaks(self, peer: Address) -> None:
        """The connection with a peer breaks, and again after a while."""
        if self.calm:
            return
        self.counts["broken"] += 1
        self._current[peer] = self._current.get(peer, 0) + 1
        self.stage.router.lost(peer, self.stage.line)
        self.broken[peer]()
        self.breaks_later(peer)

    def breaks_later(self, peer: Address) -> None:
        self.later(self.dice.expovariate(1 / _BREAKS_EVERY), lambda: self.breaks(peer))

    def carry(self, peer: Address, delivery: Callable[[], object]) -> None:
        """Carries a message by the connection of now."""
        self.counts["carried"] += 1
        taken = self._current.get(peer, 0)

        def arrive() -> None:
            if self._current.get(peer, 0) == taken:
                delivery()
            else:
                self.counts["lost"] += 1

        self.later(LATENCY, arrive)
