"""Call records to observe."""

from typing import Any

from edge_router.b2bua.reports.record import CallRecord
from edge_router.policy.decision import Decision, Hop


def record(**known: Any) -> CallRecord:
    made = CallRecord("ours-1", "theirs-1", "edge-1", "+13035550123", "+18005550100", "carrier", 1_000.0)
    for name, value in known.items():
        assert hasattr(made, name)
        setattr(made, name, value)
    return made


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
