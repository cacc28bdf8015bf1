"""What /proc says a process tree has used: CPU time and memory. Read-only, a few file reads."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterable
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pids: Iterable[int]) -> float:
    """CPU time that these processes have used so far, user and system together, in seconds.

    /proc/PID/schedstat counts the same run time as utime + stime of /proc/PID/stat (proc(5)), but in ns, not 10 ms.
    """
    return sum(_thread_seconds(task) for pid in pids for task in Path(f"/proc/{pid}/task").iterdir())


def _thread_seconds(task: Path) -> float:
    try:
        return int((task / "schedstat").read_text().split()[0]) / 1e9
    except FileNotFoundError:  # a kernel without CONFIG_SCHED_INFO
        after_name = (task / "stat").read_text().rpartition(")")[2].split()
        return (int(after_name[11]) + int(after_name[12])) / _TICKS


def memory_bytes(pids: Iterable[int]) -> int:
    """Resident memory of these processes in bytes; what several share is counted once (the kernel's PSS)."""
    total = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1]) * 1024
    return total


def resident_bytes(pid: int) -> int:
    """Resident memory of one process in bytes, with all that it shares with others."""
    return _status_kb(pid, "VmRSS") * 1024


def most_resident_bytes(pid: int) -> int:
    """The most that `resident_bytes` has been since the process began."""
    return _status_kb(pid, "VmHWM") * 1024


def _status_kb(pid: int, name: str) -> int:
    """A value of /proc/PID/status (proc(5)) that is in kB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


def machine_cpu_seconds() -> float:
    """CPU time that the whole machine has spent on anything but idling, over all cores, in seconds."""
    all_cores = Path("/proc/stat").read_text().partition("\n")[0].split()[1:9]
    user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, all_cores)
    return (user + nice + system + irq + softirq + steal) / _TICKS


def ended_children_cpu_seconds() -> float:
    """CPU time of all the processes that the bench started and that have ended, in seconds."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
