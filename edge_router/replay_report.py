"""What a replay has found, for people and for machines: a table by service and hour, and what would be done instead."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from edge_router.policy.decision import harmless
from edge_router.replay import HOUR, Bucket, Change, Findings

BAR: Final = 20
"""Characters of a bar that stands for all calls."""
MOST_ROWS: Final = 200
MOST_CHANGES: Final = 30
"""Rows of a table for people at the most."""


def hour_of(hour: int) -> str:
    """When an hour begins, as 2026-11-21T19:00Z."""
    return datetime.fromtimestamp(hour * HOUR, UTC).strftime("%Y-%m-%dT%H:%MZ")


def by_hour(findings: Findings) -> list[tuple[int, str, Bucket]]:
    """All hours and services, in order."""
    return [(hour, service, bucket) for (service, hour), bucket in sorted(findings.buckets.items(), key=_order)]


def _order(item: tuple[tuple[str, int], Bucket]) -> tuple[int, str]:
    (service, hour), _ = item
    return hour, service


def most_frequent(findings: Findings) -> list[Change]:
    """What would be done otherwise, the most frequent first."""
    return sorted(findings.changes.values(), key=lambda change: (-change.calls, change.was, change.would_be))


def as_json(findings: Findings) -> str:
    """Write it for machines."""
    hours = [
        {
            "service": service,
            "hour": hour_of(hour),
            "calls": bucket.calls,
            "changed": bucket.changed,
            "changes": [
                {"was": was, "would_be": would_be, "calls": calls} for (was, would_be), calls in bucket.changes.items()
            ],
        }
        for hour, service, bucket in by_hour(findings)
    ]
    changes = [
        {"was": one.was, "would_be": one.would_be, "calls": one.calls, "example": one.example}
        for one in most_frequent(findings)
    ]
    whole = {
        "calls": findings.calls,
        "changed": findings.changed,
        "undecided": findings.undecided,
        "without_state": findings.without_state,
        "bad_lines": findings.bad_lines,
        "bad": findings.bad,
        "notes": findings.notes,
        "by_service_and_hour": hours,
        "changes": changes,
    }
    return json.dumps(whole, indent=2)


def show(findings: Findings, console: Console | None = None) -> None:
    """Print it for people."""
    out = console or Console(highlight=False)
    share = f" ({findings.changed / findings.calls:.1%})" if findings.calls else ""
    out.print(f"{findings.calls:,} calls replayed; {findings.changed:,} would have been treated otherwise{share}")
    if findings.undecided:
        out.print(f"{findings.undecided:,} would have gone by if_stale: state was missing or stale, or a rule failed")
    if findings.without_state:
        out.print(f"{findings.without_state:,} came before the first state that is known, and were left out")
    for note in findings.notes:
        out.print(note, markup=False)
    for fault in findings.bad:
        out.print(harmless(fault), markup=False, style="red")
    if findings.bad_lines > len(findings.bad):
        out.print(f"... {findings.bad_lines:,} lines in all can't be used", style="red")
    if findings.calls:
        out.print(_hours(findings))
    if findings.changes:
        out.print(_changes(findings))


def _hours(findings: Findings) -> Table:
    table = Table("hour", "service", title="By hour and service (UTC)", title_justify="left")
    for head in ("calls", "otherwise"):
        table.add_column(head, justify="right")
    table.add_column("share of calls")
    rows = by_hour(findings)
    for hour, service, bucket in rows[:MOST_ROWS]:
        bar = round(BAR * bucket.changed / bucket.calls)
        if bucket.changed and not bar:
            bar = 1
        text = Text.assemble(
            ("█" * bar, "dark_orange"), ("░" * (BAR - bar), "dim"), f" {bucket.changed / bucket.calls:.0%}"
        )
        table.add_row(hour_of(hour), Text(service or "-"), f"{bucket.calls:,}", f"{bucket.changed:,}", text)
    if len(rows) > MOST_ROWS:
        table.caption = f"{len(rows) - MOST_ROWS} more rows are in --json"
    return table


def _changes(findings: Findings) -> Table:
    table = Table(
        "calls", "was", "would be", "for instance", title="What would be done otherwise", title_justify="left"
    )
    changes = most_frequent(findings)
    for change in changes[:MOST_CHANGES]:
        example = change.example
        calling, called = harmless(str(example["calling"])), harmless(str(example["called"]))
        at = datetime.fromtimestamp(float(str(example["t"])), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        words = f"{at} {calling or 'anonymous'} → {called}: {example['would_be']}"
        table.add_row(f"{change.calls:,}", Text(harmless(change.was)), Text(change.would_be), Text(words))
    if len(changes) > MOST_CHANGES:
        table.caption = f"{len(changes) - MOST_CHANGES} more are in --json"
    return table
