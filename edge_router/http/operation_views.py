"""What is told over HTTP of calls in progress and of trunks: flat JSON objects, the same keys always.

Keys that a call record has too are named as there. Times are RFC 3339 UTC; null is what isn't so, or not yet.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from edge_router.b2bua.reports.record import CallRecord, why

if TYPE_CHECKING:
    from edge_router.b2bua.trunks.live_trunk import LiveTrunk

View = dict[str, object]

TRYING = "trying"
RINGING = "ringing"
ANSWERED = "answered"


def call_view(record: CallRecord) -> View:
    """One call in progress."""
    decision = record.decision
    state, since = _state(record)
    return {
        "call_id": record.call_id,
        "calling": record.calling,
        "called": record.called,
        "ingress_trunk": record.ingress_trunk,
        "egress_trunk": record.egress_trunk,
        "dial_peer_in": record.dial_peer_in,
        "dial_peer_out": record.dial_peer_out,
        "state": state,
        "since": _time(since),
        "start": _time(record.start),
        "method": record.method,
        "policy": decision and decision.policy,
        "rule": decision and decision.rule,
        "reason": why(record),
        "values": decision.values if decision is not None else {},
        "service": record.service,
        "transferred_to": record.transferred_to,
        "webex_task_id": record.webex_task_id,
    }


def trunk_view(trunk: LiveTrunk, now: float) -> View:
    """One trunk, as rules see it, and each of its targets; ``now`` is in the trunk's clock."""
    inbound, outbound = trunk.counts()
    configured = trunk.trunk
    return {
        "name": trunk.name,
        "up": trunk.up,
        "state": trunk.state,
        "registered": trunk.registered if configured.register is not None else None,
        "unregistered_reason": trunk.unregistered,
        "targets": [
            {"uri": target.uri, "address": "" if target.is_unlocated else target.at, "up": up, "reason": trouble}
            for target, up, trouble in trunk.standing(now)
        ],
        "calls": trunk.calls,
        "calls_in": inbound,
        "calls_out": outbound,
        "cps": trunk.cps,
        "max_calls": configured.limit.max_calls,
        "max_cps": configured.limit.max_cps,
        "inbound_max_calls": configured.inbound_limit.max_calls,
        "inbound_max_cps": configured.inbound_limit.max_cps,
        "outbound_max_calls": configured.outbound_limit.max_calls,
        "outbound_max_cps": configured.outbound_limit.max_cps,
    }


def _state(record: CallRecord) -> tuple[str, float]:
    if record.answer is not None:
        return ANSWERED, record.answer
    return (TRYING, record.start) if record.ringing is None else (RINGING, record.ringing)


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
