"""What somebody waits who asks for a decision over HTTP, alone and beside calls.

It is an open loop: a question is put when it is due, whether the last one is answered or not.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import aiohttp

from bench import sipp
from bench.accounting import cpu_seconds, machine_cpu_seconds
from bench.contenders import Router
from bench.places import CALLED, HTTP_PORT, Places
from bench.set_up_probe import percentile

CONNECTIONS: Final = 16
HOLD_MS: Final = 1_000
_LEAD: Final = 2.0  # s that calls go on before the first question and after the last


class Asked(Router):
    """The router as it is measured elsewhere, by a rule that reads a queue and doesn't hold."""

    name = "edge-router, asked"

    def adapt(self, config: dict[str, Any], scratch: Path) -> None:
        config["policies"]["front-door"]["rules"][0]["when"] = 'queue("Support").length > 5'


@dataclass(frozen=True)
class Answers:
    """How long answers took, in ms; `cores` is the router's CPU and `others` that of all else but it, SIPp included."""

    rate: int
    calls_a_second: int
    failed_calls: int
    statuses: dict[int, int]
    p50: float
    p95: float
    p99: float
    most: float
    cores: float
    others: float

    def line(self) -> str:
        beside = f"beside {self.calls_a_second} calls/s" if self.calls_a_second else "alone"
        return (
            f"{self.rate} questions/s {beside:<20} p50 {self.p50:.1f} ms   p95 {self.p95:.1f}   p99 {self.p99:.1f}   "
            f"max {self.most:.1f}   router {self.cores:.0%} of a core, all else {self.others:.0%}   "
            f"statuses {self.statuses}, calls failed {self.failed_calls}"
        )


def measure(places: Places, scratch: Path, rate: int, calls_a_second: int, seconds: float) -> Answers:
    """Ask `rate` times a second for so many seconds, while so many calls a second are bridged."""
    device = Asked(places, 0)
    with device.running(scratch) as process, _calls(places, scratch, device.address, calls_a_second, seconds) as ends:
        used, all_used, began = cpu_seconds(process.tree()), machine_cpu_seconds(), time.monotonic()
        url = f"http://{device.address}:{HTTP_PORT}/v1/decisions?called={quote(CALLED)}&calling=%2B13125550199"
        times, statuses = asyncio.run(_ask(url, rate, round(rate * seconds)))
        took = time.monotonic() - began
        cores = (cpu_seconds(process.tree()) - used) / took
        others = (machine_cpu_seconds() - all_used) / took - cores
        failed = 0
        if ends is not None:
            ends.process.ended(_LEAD + HOLD_MS / 1000 + sipp.LAST_CALL)
            failed = ends.counts().attempted - ends.counts().established
    times.sort()
    p50, p95, p99 = (percentile(times, share) for share in (0.5, 0.95, 0.99))
    return Answers(rate, calls_a_second, failed, dict(statuses), p50, p95, p99, times[-1], cores, others)


@contextmanager
def _calls(places: Places, scratch: Path, device: str, rate: int, seconds: float) -> Iterator[sipp.End | None]:
    """Calls that go on for as long as is asked, and a little before and after."""
    if not rate:
        yield None
        return
    calls = round(rate * (seconds + 2 * _LEAD))
    with (
        sipp.premise(places, scratch),
        sipp.carrier(places, scratch, device, sipp.BRIDGED, rate, calls, HOLD_MS) as end,
    ):
        time.sleep(_LEAD)
        yield end


async def _ask(url: str, rate: int, questions: int) -> tuple[list[float], Counter[int]]:
    """The ms that each answer took from when its question was due, and how many had which status."""
    times: list[float] = []
    statuses: Counter[int] = Counter()
    connector = aiohttp.TCPConnector(limit=CONNECTIONS, keepalive_timeout=60)
    async with aiohttp.ClientSession(connector=connector) as session, asyncio.TaskGroup() as under_way:

        async def ask(due: float) -> None:
            async with session.get(url) as answer:
                await answer.read()
                statuses[answer.status] += 1
            times.append((time.perf_counter() - due) * 1000)

        began = time.perf_counter()
        for number in range(questions):
            due = began + number / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            under_way.create_task(ask(due))
    return times, statuses
