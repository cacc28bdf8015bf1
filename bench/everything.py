"""A configuration that uses all that a policy can: 10,000 services, hours, latches, lists, shares, translations."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from bench.contenders import Router
from bench.places import CALLED

SERVICES: Final = 10_000
LISTED: Final = 100_000

_RULES: Final = (
    ("gold callers", 'listed("vip", call.calling) && trunk("cloud").up'),
    ("after hours", "!hours(call.service.hours)"),
    ("too full", 'latch("full") || trunk("cloud").sent(60) > 1000000'),
    ("a part of all", 'percent(0.0001, "pilot") && call.visits("cloud") == 0 && !call.anonymous'),
    ("cloud while its queue is short", "queue(call.service.queue).expected == 0 && cloud().calls < 0"),
)


class Everything(Router):
    """The router with all of it; no rule holds, so that each call is bridged to the premise, as with the others."""

    name = "edge-router, everything on"

    def adapt(self, config: dict[str, Any], scratch: Path) -> None:
        (scratch / "services.csv").write_text(services())
        (scratch / "vip.txt").write_text(numbers(LISTED))
        (scratch / "blocked.txt").write_text(numbers(LISTED, "+1900"))
        config["services"] = {"file": "services.csv"}
        config["hours"] = {"always": {"timezone": "America/Chicago", "open": {"daily": ["00:00-24:00"]}}}
        latch = {"set": 'queue("Support").length > 5', "clear": 'queue("Support").length < 3'}
        config["latches"] = {"full": latch, **{f"full-{number}": latch for number in range(9)}}
        config["number_lists"] = {"vip": {"file": "vip.txt"}, "blocked": {"file": "blocked.txt", "reject": 603}}
        config["dial_peers"].append({"name": "emergency", "outgoing": {"trunk": "premise"}})
        config["emergency"] = {"called": ["911", "112"], "destinations": ["emergency"]}
        config["translation_rules"] = {"to-e164": [r"/^\([2-9].........\)$/ /+1\1/", r"/^1\(..........\)$/ /+1\1/"]}
        config["trunks"]["premise"]["correlation"] = {"headers": {"X-Edge-Call": "call_id", "X-Edge-Node": "node"}}
        config["trunks"]["carrier"]["translate"] = {"inbound": {"called": "to-e164", "calling": "to-e164"}}
        config["dial_peers"][1]["called_number"] = "{service.premise_number}"
        config["policies"]["front-door"] = {
            "rules": [{"name": name, "when": when, "to": ["cloud"], "by": "redirect"} for name, when in _RULES],
            "otherwise": {"to": "premise"},
            "share": {"of": "cloud", "max_concurrent": 1000, "per_minute": 100000},
        }


class Plain(Router):
    """The router with one rule that reads nothing and doesn't hold."""

    name = "edge-router, a plain rule"

    def adapt(self, config: dict[str, Any], scratch: Path) -> None:
        config["policies"]["front-door"]["rules"][0]["when"] = "false"


def services() -> str:
    """The table: the number that the bench calls, and many others."""
    rows = ["called,service,policy,queue,cloud_number,premise_number,hours,owner"]
    rows += [f"+1877{number:07},S{number},,Support,,{number},always,x" for number in range(SERVICES - 1)]
    rows.append(f"{CALLED},Bench,front-door,Support,,{CALLED},always,x")
    return "\n".join(rows) + "\n"


def numbers(count: int, prefix: str = "+1800") -> str:
    """So many numbers, one a line."""
    return "".join(f"{prefix}{number:07}\n" for number in range(count))
