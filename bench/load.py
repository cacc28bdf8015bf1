"""A steady load through one device, and what was used while it ran."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from bench import sipp
from bench.accounting import cpu_seconds, ended_children_cpu_seconds, machine_cpu_seconds
from bench.places import Places
from bench.process import Process, wait_for


@dataclass(frozen=True)
class Load:
    """One run of SIPp. `rate` is the session attempt rate of RFC 7501 in calls a second; CPU is in cores."""

    rate: int  # asked for
    offered: float  # reached by SIPp
    attempted: int
    failed: int  # at either end, or not over 15 s after the last attempt
    retransmissions: int  # by the calling end
    seconds: float  # from SIPp's start to the end of the last call
    device_cores: float
    ends_cores: float  # both SIPps
    others_cores: float  # everything else: where this isn't near 0 the machine was not quiet

    @property
    def whole(self) -> bool:
        """No call failed, and SIPp kept its rate: the result is the device's own."""
        return self.failed == 0 and self.offered >= 0.97 * self.rate


@dataclass(frozen=True)
class Range:
    """What stays up while devices come and go: the answering end, and a directory for files."""

    places: Places
    scratch: Path
    premise: sipp.End
    transport: str = "udp"

    def load(self, device: Process, address: str, scenario: Path, rate: int, seconds: float) -> Load:
        """`rate` calls a second for `seconds`; returns after the end of the last call."""
        began = time.monotonic()
        premise_failed = self.premise.counts().failed
        before = self._cpu(device)
        calls = round(rate * seconds)
        with sipp.carrier(
            self.places, self.scratch, address, scenario, rate, calls, transport=self.transport
        ) as carrier:
            carrier.process.ended(seconds + sipp.LAST_CALL)
            took = time.monotonic() - began
        used_device, used_ends, used_all = (
            (late - early) / took for early, late in zip(before, self._cpu(device), strict=True)
        )
        self._premise_has_counted()
        counts = carrier.counts()
        return Load(
            rate=rate,
            offered=carrier.attempt_rate(),
            attempted=counts.attempted,
            failed=counts.attempted - counts.established + self.premise.counts().failed - premise_failed,
            retransmissions=counts.retransmissions,
            seconds=took,
            device_cores=used_device,
            ends_cores=used_ends,
            others_cores=max(0.0, used_all - used_device - used_ends),
        )

    def _cpu(self, device: Process) -> tuple[float, float, float]:
        """CPU seconds so far of the device, of both ends, and of the whole machine."""
        ends = cpu_seconds([self.premise.process.pid]) + ended_children_cpu_seconds()
        return cpu_seconds(device.tree()), ends, machine_cpu_seconds()

    def _premise_has_counted(self) -> None:
        seen = self.premise.counts().seconds
        wait_for(lambda: self.premise.counts().seconds > seen, "the premise's counts of the next second")
