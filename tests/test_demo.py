"""`edge-router demo`: the real thing, as a user starts it."""

import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from edge_router.config.loading import examine, examine_bytes
from edge_router.demo_scene import CONFIGURATION, MOST_WAITING, Places, Tide, numbers
from state_client.picture import Picture

SIPP: Final = pytest.mark.skipif(shutil.which("sipp") is None, reason="SIPp is not installed")
PATIENCE: Final = 60.0
LONG: Final = "40"
"""Seconds after which a demo ends that should have been ended before."""


@contextmanager
def demo(directory: Path, *options: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "edge_router", "demo", *options],
        env={**os.environ, "TMPDIR": str(directory), **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def finished(process: subprocess.Popen[str]) -> tuple[int, list[str], str]:
    """Exit status, lines of stdout, stderr."""
    output, errors = process.communicate(timeout=PATIENCE)
    return process.returncode, output.splitlines(), errors


def children(process: subprocess.Popen[str]) -> list[int]:
    """The ids of its child processes."""
    tasks = Path(f"/proc/{process.pid}/task").glob("*/children")
    return [int(pid) for task in tasks for pid in task.read_text().split()]


def alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


# ------------------------------------------------------------------------------------------------ the whole


@SIPP
@pytest.mark.end_to_end
def test_calls_turn_from_cloud_to_premise_and_each_is_a_line(tmp_path: Path) -> None:
    with demo(tmp_path, "--calls", "12") as process:
        status, lines, errors = finished(process)
    assert (status, errors) == (0, "")
    calls = [line for line in lines if " -> " in line]
    assert len(calls) == 12
    assert all(line.isprintable() for line in calls)
    for decision, outcome in (
        ("redirect to cloud", "redirected to cloud"),
        ("refer to cloud", "referred to cloud"),
        ("bridge to cloud", "answered by cloud"),
        ("bridge to premise", "answered by premise"),
        ("reject 480", "rejected 480"),
    ):
        assert any(re.search(f" {decision} +{outcome}", line) for line in calls), (decision, lines)
    # 0 to 9 calls wait and then fewer: four go to the cloud, four stay, three are too many, one stays again.
    assert "12 calls: 5 premise, 4 cloud, 3 rejected" in lines
    assert any('cloud by 302: call.called = "+18005550302", queue("Support").expected = 0' in line for line in calls)


@SIPP
@pytest.mark.end_to_end
def test_it_shows_where_to_look_and_ctrl_c_ends_everything(tmp_path: Path) -> None:
    with demo(tmp_path, "--seconds", LONG) as process:
        assert process.stdout is not None
        shown: dict[str, str] = {}
        while len(words := process.stdout.readline().split(maxsplit=1)) == 2:
            shown[words[0]] = words[1].strip()
        assert " -> " in process.stdout.readline()
        with urllib.request.urlopen(shown["ready?"], timeout=PATIENCE) as answer:
            assert answer.status == 200
        with urllib.request.urlopen(shown["metrics"], timeout=PATIENCE) as answer:
            assert 'edge_router_decisions_total{method="redirect"' in answer.read().decode()
        file = Path(shown["configuration"])
        before = children(process)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all of them
        status, lines, errors = finished(process)
    assert (status, errors) == (0, "")
    assert len(before) == 3
    assert not any(map(alive, before))
    assert lines[-1] == f"The configuration stays at {file}"
    assert examine(file).faults == ()


@SIPP
@pytest.mark.end_to_end
def test_it_ends_by_itself_when_its_time_is_up(tmp_path: Path) -> None:
    with demo(tmp_path, "--seconds", "0") as process:
        status, lines, errors = finished(process)
    assert (status, errors) == (0, "")
    assert any(line.startswith("0 calls") for line in lines)


def test_without_sipp_it_says_what_to_install(tmp_path: Path) -> None:
    with demo(tmp_path, PATH=str(tmp_path)) as process:
        status, lines, errors = finished(process)
    assert (status, lines) == (1, [])
    assert errors == (
        "edge-router demo: SIPp plays the other ends, and is not installed; on Debian: apt-get install sip-tester\n"
    )


@pytest.mark.end_to_end
def test_a_sipp_that_fails_is_named_and_nothing_stays_behind(tmp_path: Path) -> None:
    broken = tmp_path / "sipp"
    broken.write_text("#!/bin/sh\nexit 3\n")
    broken.chmod(0o755)
    with demo(tmp_path, PATH=f"{tmp_path}:{os.environ['PATH']}") as process:
        status, _, errors = finished(process)
    assert status == 1
    assert re.fullmatch(r"edge-router demo: the (premise|cloud|carrier)'s SIPp has ended with status 3\n", errors)


# ------------------------------------------------------------------------------------------------ its parts


def test_the_configuration_is_taken_without_a_word() -> None:
    examined = examine_bytes(CONFIGURATION.encode(), "edge-router.yaml")
    assert [str(fault) for fault in (*examined.faults, *examined.warnings)] == []


def test_two_demos_take_different_networks() -> None:
    first, second = Places(), Places()
    assert first.router != second.router
    assert f'"{second.router}:5060"' in second.configuration()
    assert "127.0.0." not in second.configuration()
    taken = first.router
    first.close()
    third = Places()
    assert third.router == taken
    second.close()
    third.close()


def test_the_queue_fills_and_drains_and_fills_again() -> None:
    picture = Picture()
    tide = Tide(picture)
    lengths = []
    for _ in range(3 * MOST_WAITING):
        tide.step()
        queue = picture.queue("Support")
        assert queue is not None
        assert queue.longest_wait == 25 * queue.length
        lengths.append(queue.length)
    up = list(range(1, MOST_WAITING + 1))
    down = list(range(MOST_WAITING - 1, -1, -1))
    assert lengths == up + down + up


def test_every_number_is_called() -> None:
    first, *calls = numbers().splitlines()
    assert first == "SEQUENTIAL"
    assert {call.split(";")[1] for call in calls} == {"+18005550302", "+18005550303", "+18005550100"}
