"""What a monitor sees of the router's inbox while events come: how many wait in it."""

from __future__ import annotations

import threading
from collections import Counter
from types import TracebackType

from bench.live_router import LiveRouter

EVERY = 5.0  # s between two looks, each of which costs the router a scrape, as a monitor's would
OUTCOMES = ("applied", "late", "ignored", "failed")
"""What becomes of an event that was accepted."""


class Watch:
    """Looks for as long as the block lasts. ``most_waiting`` is of events that were accepted and have no outcome."""

    def __init__(self, router: LiveRouter) -> None:
        self.most_waiting = 0
        self._router = router
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(EVERY):
            self.most_waiting = max(self.most_waiting, waiting(self._router.events()))


def waiting(results: Counter[str]) -> int:
    """How many events are in the inbox, by the counts of results."""
    return results["accepted"] - sum(results[outcome] for outcome in OUTCOMES)
