"""What a decision costs with everything on, and what that adds to a bridged call."""

from __future__ import annotations

import gc
import json
import subprocess
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter_ns, time

from bench import sipp
from bench.everything import Everything, Plain
from bench.places import CALLED, free_places
from bench.replay import Replay
from bench.rig import PLACES, Rig
from bench.series import run_series
from bench.set_up_probe import percentile
from edge_router.policy.facts import CallFacts


def show_decisions(calls: int) -> None:
    """Print µs of one decision: from the facts of a call to where it goes."""
    for contender in (Plain, Everything):
        taken = sorted(_decisions(contender, calls))
        mean = sum(taken) / len(taken)
        print(
            f"{contender.name:<28} decision   mean {mean:7.2f} µs   p50 {percentile(taken, 0.5):7.2f}"
            f"   p99 {percentile(taken, 0.99):7.2f}   p99.9 {percentile(taken, 0.999):7.2f}"
        )


def _decisions(contender: type[Plain] | type[Everything], calls: int) -> list[float]:
    with TemporaryDirectory() as scratch:
        rig = Rig(Path(scratch), contender)
    routing, now = rig.engine.routing, rig.now
    taken: list[float] = []
    gc.collect()
    gc.disable()
    try:
        for number in range(calls):
            calling = f"+1312{number:07}"
            facts = CallFacts(calling, CALLED, CALLED, "carrier", PLACES.carrier, call_id=f"{number}@bench")
            began = perf_counter_ns()
            peer, decision = routing.route(facts, "pstn", now)
            taken.append((perf_counter_ns() - began) / 1000)
            assert peer is not None
            assert decision.rule == "otherwise", decision.explain()
            now += 0.001
    finally:
        gc.enable()
    return taken


def show_calls(calls: int, rounds: int, rate: int) -> None:
    """Print µs of a bridged call with a plain rule and with everything on, in turns, and the ratio."""
    devices: tuple[type[Plain] | type[Everything], ...] = (Plain, Everything)
    plays = {device: Replay(rate, device, 0) for device in devices}
    totals: dict[type[Plain] | type[Everything], list[float]] = {contender: [] for contender in plays}
    for _ in range(rounds):
        for contender, play in plays.items():
            totals[contender].append(play.run(calls).total)
    for contender, found in totals.items():
        print(f"{contender.name:<28} a call     best {min(found):7.2f} µs   median {median(found):7.2f}")
    pairs = [full / plain for plain, full in zip(totals[Plain], totals[Everything], strict=True)]
    print(
        f"everything on costs {median(pairs):.3f} times a plain rule (median of {rounds} pairs; {min(pairs):.3f} to "
        f"{max(pairs):.3f})"
    )


def show_live(rate: int, seconds: float, pairs: int) -> None:
    """Print the CPU time of a bridged call through two real routers in turns, and the ratio."""
    places = free_places()
    with TemporaryDirectory(prefix="edge-router-bench-") as scratch:
        devices = (Plain(places, 0), Everything(places, 1))
        series = run_series(devices, places, Path(scratch), sipp.BRIDGED, rate, seconds, pairs)
    for device in devices:
        failed = sum(trial.load.failed for trial in series.trials[device.name])
        print(f"{device.name:<28} {rate}/s on the wire: {series.cpu_us(device.name):7.1f} µs a call, {failed} failed")
    print(f"everything on costs {series.ratio(Everything.name, Plain.name):.3f} times a plain rule on the wire")


def show_look_ups() -> None:
    """Print ns of a look-up in a list and in the table of services, as compiled."""
    script = Path(__file__).with_name("table_lookup.py")
    found = json.loads(subprocess.run([Everything.python, "-P", script], capture_output=True, check=True).stdout)
    for what in ("listed", "not_listed", "service", "no_service"):
        print(f"{what.replace('_', ' '):<28} look-up    {found[what]:7.0f} ns")


def show_loading() -> None:
    """Print how long the configuration takes to be read and built."""
    began = time()
    with TemporaryDirectory() as scratch:
        Rig(Path(scratch), Everything)
    print(f"{Everything.name:<28} read and built in {time() - began:.2f} s")
