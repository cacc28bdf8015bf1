"""Call records to observe."""

from typing import Any

from edge_router.b2bua.record import CallRecord
from edge_router.policy.decision import Decision, Hop


def record(**known: Any) -> CallRecord:
    facts: dict[str, Any] = {
        "call_id": "ours-1",
        "ingress_call_id": "theirs-1",
        "node": "edge-1",
        "calling": "+13035550123",
        "called": "+18005550100",
        "ingress_trunk": "carrier",
        "start": 1_000.0,
    }
    return CallRecord(**(facts | known))


def to_cloud(**known: Any) -> Decision:
    facts: dict[str, Any] = {
        "policy": "front-door",
        "rule": "cloud while its queue is empty",
        "method": "redirect",
        "to": (Hop("cloud", "redirect"), Hop("premise", "bridge")),
        "values": {'queue("Support").expected': 0},
        "age": 0.25,
    }
    return Decision(**(facts | known))
