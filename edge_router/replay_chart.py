"""What a replay has found as a picture: for each service its calls by the hour, and how many would go another way."""

from __future__ import annotations

from html import escape
from typing import Final

from edge_router.replay import Bucket, Findings
from edge_router.replay_report import hour_of

MOST_SERVICES: Final = 12
"""Services that have a chart of their own: those where most would change."""
MOST_HOURS: Final = 24 * 31
"""Hours that are drawn, the last ones."""
WIDTH: Final = 960
HEIGHT: Final = 130
_LEFT: Final = 70
_TOP: Final = 50
_BARS: Final = HEIGHT - 60
_SAME: Final = "#c5ccd3"
_OTHERWISE: Final = "#d9730d"


def svg(findings: Findings) -> str:
    """Draw it, as SVG."""
    by_service: dict[str, dict[int, Bucket]] = {}
    for (service, hour), bucket in findings.buckets.items():
        by_service.setdefault(service, {})[hour] = bucket
    services = sorted(by_service, key=lambda name: (-sum(one.changed for one in by_service[name].values()), name))
    shown = services[:MOST_SERVICES]
    hours = [hour for _, hour in findings.buckets]
    last = max(hours, default=0)
    first = max(min(hours, default=0), last - MOST_HOURS + 1)
    height = _TOP + HEIGHT * len(shown) + 30
    pieces = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
        _text(_LEFT, 20, _headline(findings, len(services) - len(shown)), size=14),
        f'<rect x="{_LEFT}" y="30" width="10" height="10" fill="{_SAME}"/>',
        _text(_LEFT + 15, 39, "calls treated as they were"),
        f'<rect x="{_LEFT + 190}" y="30" width="10" height="10" fill="{_OTHERWISE}"/>',
        _text(_LEFT + 205, 39, "calls treated otherwise"),
    ]
    for place, service in enumerate(shown):
        pieces += _service(service, by_service[service], first, last, _TOP + place * HEIGHT)
    return "\n".join([*pieces, "</svg>", ""])


def _headline(findings: Findings, left_out: int) -> str:
    rest = f"; {left_out} services more are in --json" if left_out else ""
    return f"{findings.calls:,} calls replayed, {findings.changed:,} would have been treated otherwise{rest}"


def _service(name: str, buckets: dict[int, Bucket], first: int, last: int, top: int) -> list[str]:
    """One row: a bar an hour, of which the changed part stands below."""
    most = max(one.calls for one in buckets.values())
    ground = top + 25 + _BARS
    step = (WIDTH - _LEFT - 20) / (last - first + 1)
    calls = sum(one.calls for one in buckets.values())
    changed = sum(one.changed for one in buckets.values())
    pieces = [
        _text(_LEFT, top + 18, f"{name or 'no service'}: {changed:,} of {calls:,}"),
        _text(_LEFT - 8, top + 33, f"{most:,}", anchor="end"),
        _text(_LEFT - 8, ground, "0", anchor="end"),
        f'<path d="M{_LEFT} {ground}H{WIDTH - 20}" stroke="#888"/>',
        _text(_LEFT, ground + 16, hour_of(first)),
        _text(WIDTH - 20, ground + 16, hour_of(last), anchor="end"),
    ]
    for hour, bucket in sorted(buckets.items()):
        if hour < first:
            continue
        x = _LEFT + (hour - first) * step
        title = f"<title>{hour_of(hour)}: {bucket.changed:,} of {bucket.calls:,} calls otherwise</title>"
        for colour, count in ((_SAME, bucket.calls), (_OTHERWISE, bucket.changed)):
            high = _BARS * count / most
            pieces.append(
                f'<rect x="{x:.1f}" y="{ground - high:.1f}" width="{max(0.5, min(40, step * 0.85)):.1f}" '
                f'height="{high:.1f}" fill="{colour}">{title}</rect>'
            )
    return pieces


def _text(x: float, y: float, words: str, anchor: str = "start", size: int = 12) -> str:
    shown = escape("".join(c if c.isprintable() else "?" for c in words))
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" font-size="{size}">{shown}</text>'
