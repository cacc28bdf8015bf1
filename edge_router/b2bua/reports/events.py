"""What a call tells the world: the events that observers (metrics, logs, CDRs) subscribe to.

The B2BUA calls these methods and knows nothing of who listens. They are called on the hot path: an observer counts
and returns, it never blocks, awaits or raises.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from edge_router.b2bua.reports.record import CallRecord
    from edge_router.policy.facts import CallFacts


class Observer(Protocol):
    """Listens to messages and calls. ``direction`` is ``in`` or ``out``; ``trunk`` is "" where none is known."""

    def request(self, direction: str, method: str, trunk: str) -> None:
        """A request came in, or left for the first time (retransmissions are counted apart)."""

    def response(self, direction: str, method: str, code: int, trunk: str) -> None:
        """A response came in, or left for the first time."""

    def rejected(self, reason: str) -> None:
        """A datagram or request was dropped or refused before it became a call; ``reason`` is one of few words."""

    def emergency_began(self, trunk: str) -> None:
        """An emergency call came in by this trunk, whether there is room for it or not."""

    def emergency_refused(self, trunk: str) -> None:
        """There was no room for an emergency call from this trunk, not even by the reserve."""

    def routed(self, record: CallRecord, facts: CallFacts, listen: str) -> None:
        """The call, which came in by a listener, has its decision by these facts, which nobody keeps."""

    def decided(self, record: CallRecord, seconds: float) -> None:
        """The call has its decision, which took so many seconds."""

    def failover(self, came_from: str, went_to: str, reason: str) -> None:
        """A call moved on to the next dial-peer; ``reason`` is a status, ``timeout``, ``down`` or ``full (...)``."""

    def ringing(self, record: CallRecord) -> None:
        """The first ringing or answer went out to the caller: the post-dial delay is known."""

    def ended(self, record: CallRecord) -> None:
        """The attempt is over and its record complete."""


class Silence:
    """An observer that does not listen; base for those that want only some events."""

    def request(self, direction: str, method: str, trunk: str) -> None:
        """Ignored."""

    def response(self, direction: str, method: str, code: int, trunk: str) -> None:
        """Ignored."""

    def rejected(self, reason: str) -> None:
        """Ignored."""

    def emergency_began(self, trunk: str) -> None:
        """Ignored."""

    def emergency_refused(self, trunk: str) -> None:
        """Ignored."""

    def routed(self, record: CallRecord, facts: CallFacts, listen: str) -> None:
        """Ignored."""

    def decided(self, record: CallRecord, seconds: float) -> None:
        """Ignored."""

    def failover(self, came_from: str, went_to: str, reason: str) -> None:
        """Ignored."""

    def ringing(self, record: CallRecord) -> None:
        """Ignored."""

    def ended(self, record: CallRecord) -> None:
        """Ignored."""
