"""From the command to readiness."""

from __future__ import annotations

import time
from pathlib import Path
from statistics import median

from bench.contenders import Contender


def start_seconds(device: Contender, scratch: Path, times: int) -> float:
    """Median time in s until the device says that it is ready, to within 20 ms."""
    taken = []
    for _ in range(times):
        began = time.monotonic()
        with device.running(scratch):
            taken.append(time.monotonic() - began)
    return median(taken)
