"""What must hold of any octets holds of the seeds, of what was once found, and of what comes up at once."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import pytest

from fuzz.calls import whole_calls
from fuzz.router import PAUSE, datagrams
from fuzz.seeds import FOUND, ROOT, seeds, words
from fuzz.stopwatch import Stopwatch, TooSlow
from fuzz.targets import LONGEST, check_of

CASES: Final = sorted(FOUND.glob("*/*"))
EACH: Final = pytest.mark.parametrize("target", LONGEST)
RUNS: Final = {"message": 700, "uri": 15_000, "sdp": 5_000, "framing": 700, "router": 220}
"""Inputs of some seconds, as many on any machine, from the same seed: `make fuzz` is who looks for new ones."""


@EACH
def test_the_seeds(target: str) -> None:
    check = check_of(target)
    read = [check(seed) for seed in seeds(target)]
    assert sum(read) > len(read) // 3
    assert max(map(len, seeds(target))) <= LONGEST[target]


@pytest.mark.parametrize("call", whole_calls())
def test_whole_calls(call: bytes) -> None:
    assert check_of("router")(call)
    assert not any(each[0] & PAUSE for each in datagrams(call))  # else it times out before anybody answers


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}-{case.name}")
def test_what_was_once_found(case: Path) -> None:
    check_of(case.parent.name)(case.read_bytes())


def test_every_case_has_its_target() -> None:
    assert {case.parent.name for case in CASES} <= set(LONGEST)


def test_the_dictionary_has_what_sip_is_made_of() -> None:
    assert {b"INVITE", b"SIP/2.0/UDP", b"Content-Length:"} <= set(words())


@pytest.mark.skipif(find_spec("atheris") is None, reason="atheris is the extra `fuzz`, and there for Linux on x86_64")
@EACH
def test_some_seconds_of_fuzzing(target: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "fuzz", target, "--runs", str(RUNS[target]), "--corpus", str(tmp_path)]
    same = {**os.environ, "PYTHONHASHSEED": "0"}
    done = subprocess.run(
        command, cwd=ROOT, env=same, capture_output=True, text=True, errors="replace", timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout[-2_000:] + done.stderr[-4_000:]
    assert "DONE" in done.stderr


def test_whoever_takes_longer_than_his_peers_is_found() -> None:
    now = 0.0

    def check(data: bytes) -> bool:
        nonlocal now
        now += 0.1 if data == b"slow" else 0.001
        return True

    watch = Stopwatch(check, lambda: now)
    watch.run(b"slow")  # there is nobody to be compared to
    for _ in range(1_000):
        watch.run(b"fast")
    watch.run(b"slow" * 100)
    with pytest.raises(TooSlow):
        watch.run(b"slow")


def test_a_machine_that_is_busy_for_a_moment_is_no_find() -> None:
    now, hiccup = 0.0, 0.0

    def check(data: bytes) -> bool:
        nonlocal now, hiccup
        now, hiccup = now + 0.001 + hiccup, 0.0
        return True

    watch = Stopwatch(check, lambda: now)
    for _ in range(1_000):
        watch.run(b"fast")
    hiccup = 1.0
    watch.run(b"fast")
