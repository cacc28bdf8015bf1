"""The TLS handshakes that go on with those who connect: how many there are, and whose gives way to one more.

Must not know: sockets, certificates. Whoever stalls holds his place until the handshake's time is over, so that who has
all the places would keep everybody else out.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge_router.net.connection import Connection


class Handshakes:
    """Those of one listener, the oldest first. ``count`` are those that aren't over, given up or not."""

    __slots__ = ("_going_on", "count")

    def __init__(self) -> None:
        self.count = 0
        self._going_on: dict[Connection, asyncio.Task[None]] = {}

    def begin(self, connection: Connection) -> None:
        """The task that runs now is in the handshake of this connection."""
        self.count += 1
        task = asyncio.current_task()
        if task is not None:
            self._going_on[connection] = task

    def over(self, connection: Connection) -> None:
        """It has come to something, or to nothing."""
        self.count -= 1
        self._going_on.pop(connection, None)

    def make_room(self, host: str, stranger: bool) -> bool:
        """Gives one up for one more from this host; False where none has to.

        The oldest of a stranger's goes first, then, if it isn't a stranger who comes, the oldest of the host that has
        the most, as long as that has more than he.
        """
        chosen = next((each for each in self._going_on if each.stranger), None)
        if chosen is None and not stranger:
            chosen = self._of_the_busiest(host)
        return chosen is not None and self._going_on.pop(chosen).cancel()

    def _of_the_busiest(self, host: str) -> Connection | None:
        counts = Counter(each.address[0] for each in self._going_on)
        busiest = max(counts, key=lambda each: counts[each], default=host)
        if counts[busiest] <= counts[host] + 1:
            return None
        return next(each for each in self._going_on if each.address[0] == busiest)
