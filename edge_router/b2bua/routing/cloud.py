"""The contact centre as a whole: which trunks lead there, how many calls it has, and how many it takes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from math import inf
from typing import TYPE_CHECKING, Final

from edge_router.policy.faults import Undecided
from state_client.centre import PUSHED
from state_client.picture import STATIC, TELEPHONY, Picture, Queue

if TYPE_CHECKING:
    from edge_router.admission.ledger import Ledger

LOOK_EVERY: Final = 1.0
"""Seconds for which the age of the state is good, once it was looked for among all queues."""
_OF_OTHERS: Final = frozenset((PUSHED, STATIC, ""))
"""Sources of queues that aren't the contact centre's where it tells of its own: the premise's, which may never be
pushed, or not for hours."""


class Cloud:
    """What rules read as `cloud()`, and where calls are expected.

    ``trunks`` lead there. ``entitled`` gives the calls that it takes at once, None where nobody has said it.
    ``all_its_own``: it tells of no queue itself, and all that the configuration states or others push are its queues.
    """

    def __init__(
        self,
        trunks: Collection[str],
        ledger: Ledger,
        picture: Picture,
        stale_after: float,
        entitled: Callable[[], int | None],
        all_its_own: bool,
    ) -> None:
        self.trunks: Final = frozenset(trunks)
        self._placed: Final = ledger.placed
        self._tasks: Final = ledger.tasks
        self._picture: Final = picture
        self._stale_after: Final = stale_after
        self._entitled: Final = entitled
        self._all_its_own: Final = all_its_own
        self._looked = 0.0
        self._known: float | None = None

    def expecting(self, service: Mapping[str, str] | None, read: tuple[str, ...]) -> tuple[str, ...]:
        """The names of the queues where a call is expected: its service's, else those that its rule speaks of.

        Nobody ever says of a static queue that a call has come there: it has what its owner says.
        """
        own = service.get("queue", "") if service is not None else ""
        found = [self._picture.queue(queue) for queue in ((own,) if own else read)]
        return tuple([queue.name for queue in found if queue is not None and queue.of_tasks.source != STATIC])

    def calls(self, now: float) -> int:
        """Calls there: those that it shows, and those of ours that it doesn't show yet. Raises Undecided."""
        age = self.age(now)
        if age is None:
            raise Undecided("nothing is known of the contact centre's calls")
        if age > self._stale_after:
            raise Undecided(f"cloud() is {age:.1f} s old, more than {self._stale_after:g} s")
        unseen = self._placed.unseen_total
        if self._tasks is not None and self._tasks.told():
            return len(self._tasks) + unseen
        return sum([queue.length + queue.calls for queue in self._queues()]) + unseen

    def entitlement(self, now: float) -> int:
        """Calls that it takes at the same time. Raises Undecided where nobody has said it."""
        entitled = self._entitled()
        if entitled is None:
            raise Undecided("nobody has said how many calls the contact centre takes; state.webex.entitlement does")
        return entitled

    def age(self, now: float) -> float | None:
        """The age of what is known of its calls: that of the queue that was confirmed the longest time ago."""
        if now - self._looked >= LOOK_EVERY or now < self._looked:
            self._looked = now
            oldest = max([queue.age_of("length", now) for queue in self._queues()], default=inf)
            self._known = None if oldest == inf else now - oldest
        return None if self._known is None else max(0.0, now - self._known)

    def _queues(self) -> Iterator[Queue]:
        """Its own queues of telephone calls."""
        for queue in self._picture:
            if queue.channel.lower() == TELEPHONY and (self._all_its_own or queue.of_tasks.source not in _OF_OTHERS):
                yield queue
