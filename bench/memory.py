"""What calls keep in memory: held ones, and finished ones while their transactions linger.

Memory is resident memory as the kernel counts it (`accounting.memory_bytes`), as a difference to the same device after
a warm-up and 64*T1 of quiet, so that what every first call loads and allocates is not in it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from bench import sipp
from bench.accounting import memory_bytes
from bench.contenders import Contender, Router
from bench.load import Range
from bench.places import Places
from bench.process import PATIENCE, BenchError, Process, wait_for
from bench.series import QUIET

_IDLE_COLLECTION = 5.0  # s after which a router with nothing to do has looked for garbage
_WARM_UP = 200  # calls: enough to have loaded everything, too few to leave room for those that count
_HOLD_MS = 3_600_000  # longer than anyone looks


@dataclass(frozen=True)
class Held:
    """Octets for each of `calls` calls that are answered and held: at once, and when their transactions are over."""

    calls: int
    at_once: float
    settled: float


@dataclass(frozen=True)
class Burst:
    """Octets for each of `calls` calls that are over while their transactions linger, and what is left after these.

    `left` is in octets for the device as a whole. `gauges` are the router's own counts then, by metric.
    """

    calls: int
    failed: int
    lingering: float
    left: int
    gauges: dict[str, float]


def hold(device: Contender, places: Places, scratch: Path, calls: int, rate: int) -> Held:
    """`calls` calls set up at `rate` a second and held."""
    with sipp.premise(places, scratch) as premise, device.running(scratch) as process:
        empty = _warm(Range(places, scratch, premise), process, device, rate)
        with sipp.carrier(places, scratch, device.address, sipp.BRIDGED, rate, calls, _HOLD_MS) as carrier:
            answered = calls + premise.counts().attempted
            wait_for(lambda: premise.counts().attempted >= answered, "all calls to be held", calls / rate + PATIENCE)
            at_once = memory_bytes(process.tree()) - empty
            time.sleep(QUIET)  # their transactions end
            if carrier.counts().failed:
                raise BenchError(f"{carrier.counts().failed} of the calls that {device.name} was to hold failed")
            settled = memory_bytes(process.tree()) - empty
    return Held(calls, at_once / calls, settled / calls)


def burst(device: Contender, places: Places, scratch: Path, calls: int, rate: int) -> Burst:
    """`calls` whole calls at `rate` a second, which should take less than 64*T1; then quiet."""
    with sipp.premise(places, scratch) as premise, device.running(scratch) as process:
        ground = Range(places, scratch, premise)
        empty = _warm(ground, process, device, rate)
        load = ground.load(process, device.address, sipp.BRIDGED, rate, calls / rate)
        lingering = memory_bytes(process.tree()) - empty
        time.sleep(QUIET + _IDLE_COLLECTION)
        left = memory_bytes(process.tree()) - empty
        gauges = device.gauges() if isinstance(device, Router) else {}
    wanted = ("edge_router_transactions", "edge_router_dialogs", "edge_router_calls_active")
    found = {name: gauges[name] for name in wanted if name in gauges}
    return Burst(calls, load.failed, lingering / calls, left, found)


def _warm(ground: Range, process: Process, device: Contender, rate: int) -> int:
    """Memory in octets after some calls, when nothing is left of them."""
    ground.load(process, device.address, sipp.BRIDGED, rate, _WARM_UP / rate)
    time.sleep(QUIET + _IDLE_COLLECTION)
    return memory_bytes(process.tree())
