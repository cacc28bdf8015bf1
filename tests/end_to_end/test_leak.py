"""Burst, quiet, and again: nothing of finished calls is left, neither in the router's counts nor in its memory.

Each burst is one by UDP and one by TCP. `make leak` has 20 of twice as many calls. Memory is that of the process as the
kernel counts it, after the router has tidied up.
"""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import yaml

from edge_router.garbage import IDLE_AFTER, SLICE_EVERY
from tests.end_to_end.block import Block
from tests.end_to_end.router_process import RouterProcess, StartRouter
from tests.end_to_end.sipp_process import SCENARIOS, bound_addresses
from tests.end_to_end.waiting import until

CYCLES: Final = int(os.environ.get("LEAK", "2"))
CALLS: Final = int(os.environ.get("LEAK_CALLS", "500"))
RATE: Final = 200
QUIET: Final = 60.0
"""Seconds in which all that lingers must be over: 64*T1, and some for a busy machine."""
TIDIED: Final = 1.2 * IDLE_AFTER * SLICE_EVERY
"""Seconds for which memory stands still once the router has tidied up, which it does after so long without calls."""
WARM: Final = 5
"""Cycles after which nothing more is loaded or laid out for the first time."""
FIRST: Final = 1_500
"""KB by which memory may grow from the first quiet to the second, after twice as many calls as a burst has."""
SLOPE: Final = 50
"""KB that a cycle may add on average in the long run."""
HELD: Final = ("transactions", "dialogs", "calls_active")


NUMBERS: Final = {"udp": "+18005550100", "tcp": "+18005550101"}


def configuration(block: Block) -> str:
    at = "{}:{}".format(*block.router)
    return yaml.safe_dump(
        {
            "node": "leak",
            "listen": [{"name": each, "transport": each, "address": at} for each in NUMBERS],
            "http": {"address": "{}:{}".format(*block.http), "open": ["metrics", "healthz", "readyz"]},
            "trunks": {
                "carrier": {"targets": [f"sip:{block.carrier}:5060"]},
                **{each: {"targets": [f"sip:{block.premise}:5060;transport={each}"]} for each in NUMBERS},
            },
            "dial_peers": [
                *(
                    {"name": f"in-{each}", "incoming": {"trunk": "carrier", "called": number}, "destinations": [each]}
                    for each, number in NUMBERS.items()
                ),
                *({"name": each, "outgoing": {"trunk": each}} for each in NUMBERS),
            ],
            "log": {"level": "warning"},
        },
        sort_keys=False,
    )


@contextmanager
def sipp(scenario: str, host: str, transport: str, log: Path, *more: str) -> Iterator["subprocess.Popen[bytes]"]:
    command = ["sipp", "-sf", str(SCENARIOS / scenario), "-i", host, "-p", "5060", "-bind_local", "-nostdin", "-t"]
    command += ["t1" if transport == "tcp" else "u1", "-deadcall_wait", "1000", "-pause_msg_ign", *more]
    with log.open("ab") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env={**os.environ, "TERM": "dumb"})
    try:
        yield process
    finally:
        process.kill()
        process.wait(10)


def burst(router: RouterProcess, transport: str, log: Path) -> None:
    """Calls at a steady rate; returns when the last is over."""
    block = router.block
    load = ["-s", NUMBERS[transport], "-r", str(RATE), "-m", str(CALLS), "-l", str(CALLS), "-d", "100"]
    load += ["-timeout", f"{CALLS // RATE + 60}s", "-timeout_error"]
    with sipp("load_uac.xml", block.carrier, transport, log, *load, "{}:{}".format(*block.router)) as carrier:
        assert carrier.wait(CALLS / RATE + 90) == 0, log.read_text(errors="backslashreplace")[-3000:]


def quiet(router: RouterProcess) -> int:
    """Waits until nothing is held, and the router has tidied up; its memory then, in KB."""
    until(lambda: not any(router.metric(each) for each in HELD), "all that lingers to be over", QUIET)
    last, since = 0, time.monotonic()

    def stands_still() -> bool:
        nonlocal last, since
        found = memory(router)
        if found != last:
            last, since = found, time.monotonic()
        return time.monotonic() - since > TIDIED

    until(stands_still, "memory to stand still", QUIET)
    return last


def memory(router: RouterProcess) -> int:
    """KB that are in use."""
    status = Path(f"/proc/{router.pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:")))


def slope(values: list[int]) -> float:
    """By how much a value grows from one to the next on average: least squares."""
    middle, mean = (len(values) - 1) / 2, sum(values) / len(values)
    spread = sum((at - middle) ** 2 for at in range(len(values)))
    return sum((at - middle) * (value - mean) for at, value in enumerate(values)) / spread


def test_nothing_is_left_of_calls_that_are_over(start_router: StartRouter, block: Block, tmp_path: Path) -> None:
    router = start_router(configuration(block))
    found: list[int] = []
    with ExitStack() as stack:
        for transport in NUMBERS:
            stack.enter_context(sipp("load_uas.xml", block.premise, transport, tmp_path / f"premise-{transport}.log"))
            until(lambda by=transport: (block.premise, 5060) in bound_addresses(by), "SIPp to listen")  # type: ignore[misc]
        for _ in range(CYCLES):
            for transport in NUMBERS:
                burst(router, transport, tmp_path / "carrier.log")
            found.append(quiet(router))
    print(f"{CYCLES} times {CALLS} calls by each transport; KB afterwards: {found}")
    assert router.metric("calls_total", direction="in", outcome="answered") == 2 * CYCLES * CALLS
    assert found[1] - found[0] < FIRST
    if CYCLES > 2 * WARM:
        assert slope(found[WARM:]) < SLOPE
    router.check_health()
