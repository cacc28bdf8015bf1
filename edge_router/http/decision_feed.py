"""Decisions as they are made, for those who listen to the events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_router.b2bua.reports.events import Silence
from edge_router.b2bua.reports.record import CallRecord, why

if TYPE_CHECKING:
    from edge_router.http.feed import Feed


class DecisionFeed(Silence):
    """Tells a feed of every decision; where nobody listens, that costs a look."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed

    def decided(self, record: CallRecord, seconds: float) -> None:
        """Tell of a decision, in the words of a call record."""
        decision = record.decision
        if not self._feed or decision is None:
            return
        view = {
            "call_id": record.call_id,
            "calling": record.calling,
            "called": record.called,
            "trunk": record.ingress_trunk,
            "service": record.service,
            "policy": decision.policy,
            "rule": decision.rule,
            "method": decision.method,
            "to": [hop.peer for hop in decision.to],
            "reason": why(record),
            "values": decision.values,
            "state_age_s": decision.age,
        }
        self._feed.publish("decision", view)
