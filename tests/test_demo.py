"""`edge-router demo`: the real thing, as a user starts it."""

import asyncio
import itertools
import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from edge_router.admission.visits import WINDOW
from edge_router.config.loading import examine
from edge_router.demo import CALLS_PER_SECOND, numbers
from edge_router.demo_scene import HTTP_PORT, SIP_PORT, Cloud, Places, SentOn
from tests.end_to_end.waiting import until

SIPP: Final = pytest.mark.skipif(shutil.which("sipp") is None, reason="SIPp is not installed")
PATIENCE: Final = 60.0
LONG: Final = "120"
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


def watched(process: subprocess.Popen[str], enough: Callable[[list[str]], bool]) -> tuple[int, list[str], str]:
    """The same of a demo that goes on without an end, and is ended once its lines are enough."""
    assert process.stdout is not None
    assert process.stderr is not None
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line.rstrip("\n"))
        if enough(lines):
            process.send_signal(signal.SIGINT)
            break
    lines += [line.rstrip("\n") for line in process.stdout]
    errors = process.stderr.read()
    return process.wait(PATIENCE), lines, errors


def children(process: subprocess.Popen[str]) -> list[int]:
    """The ids of its child processes."""
    tasks = Path(f"/proc/{process.pid}/task").glob("*/children")
    return [int(pid) for task in tasks for pid in task.read_text().split()]


def alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def greeting(process: subprocess.Popen[str]) -> dict[str, str]:
    """What is said at the start, by its first word."""
    assert process.stdout is not None
    shown: dict[str, str] = {}
    while len(words := process.stdout.readline().split(maxsplit=1)) == 2:
        shown[words[0]] = words[1].strip()
    return shown


def next_call(process: subprocess.Popen[str]) -> str:
    """The line of the next call."""
    assert process.stdout is not None
    line = process.stdout.readline()
    assert " -> " in line
    return line


def text(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
        return bytes(answer.read())


def ask(url: str, method: str = "GET", body: object = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        assert answer.status in (200, 201)
        return json.loads(answer.read() or "null")


# ------------------------------------------------------------------------------------------------ the whole


WAYS: Final = {
    "redirect to cloud": "redirected to cloud",
    "refer to cloud": "referred to cloud",
    "bridge to cloud": "answered by cloud",
    "bridge to premise": "answered by premise",
}
"""Each decision, and what becomes of it."""


def went_each_way(calls: list[str]) -> bool:
    return all(any(re.search(f" {way} +{became}", line) for line in calls) for way, became in WAYS.items())


def turns(calls: list[str]) -> int:
    """How often they turn from the cloud to the premise or back."""
    return sum(before != after for before, after in itertools.pairwise(" to cloud" in line for line in calls))


@SIPP
@pytest.mark.end_to_end
def test_calls_turn_between_cloud_and_premise_by_themselves_and_each_is_a_line(tmp_path: Path) -> None:
    def enough(lines: list[str]) -> bool:
        calls = [line for line in lines if " -> " in line]
        return went_each_way(calls) and turns(calls) >= 3

    with demo(tmp_path, "--seconds", LONG, "--burst", "0") as process:
        status, lines, errors = watched(process, enough)
    assert (status, errors) == (0, "")
    assert enough(lines), lines
    calls = [line for line in lines if " -> " in line]
    assert all(line.isprintable() for line in calls)
    for line in calls:
        expected = re.search(r'queue\("Support"\)\.expected = (\d+)', line)
        assert expected is None or (int(expected[1]) < 4) == (" to cloud" in line), line
        assert expected is not None or "reject 480" in line, line
    sums = re.fullmatch(rf"{len(calls)} calls: (.*)", lines[-2])
    assert sums is not None
    taken = [re.search(" (redirected|referred) to cloud | answered by cloud,", line) is not None for line in calls]
    assert f"{sum(taken)} cloud" in sums[1].split(", ")


@SIPP
@pytest.mark.end_to_end
def test_it_ends_by_itself_after_so_many_calls(tmp_path: Path) -> None:
    with demo(tmp_path, "--calls", "3", "--burst", "0") as process:
        status, lines, errors = finished(process)
    assert (status, errors) == (0, "")
    assert sum(" -> " in line for line in lines) == 3
    assert lines[-2].startswith("3 calls: ")


def of_burst(lines: list[str]) -> list[str]:
    """The calls of bursts: their callers' numbers begin where the others' end."""
    return [line for line in lines if line.startswith("+13035553")]


@SIPP
@pytest.mark.end_to_end
def test_a_burst_of_which_the_cloud_tells_nothing_does_not_all_go_there_and_nobody_is_refused(tmp_path: Path) -> None:
    with demo(tmp_path, "--seconds", LONG) as process:
        status, lines, errors = watched(process, lambda lines: len(of_burst(lines)) == 50)
    assert (status, errors) == (0, "")
    assert "50 calls come within a second, and the cloud's events are late" in lines
    calls = of_burst(lines)
    sent = [line for line in calls if " redirected to cloud " in line]
    assert 1 <= len(sent) <= 25
    kept = [line for line in calls if " answered by premise" in line and "cloud is over its share" in line]
    assert len(kept) >= 5
    asked = [int(found[1]) for found in map(re.compile(r"expected = (\d+)").search, calls) if found]
    if asked:
        assert max(asked) >= 4  # those that were sent before count, though no event tells of them
    else:  # somebody waited long already
        assert all(" reject 480 " in line or "whoever waits there" in line for line in calls)
    end = re.fullmatch(r"50 calls in bursts: (.*); the cloud had to refuse 0", lines[-2])
    assert end is not None
    assert f"{len(sent)} cloud" in end[1].split(", ")


@SIPP
@pytest.mark.end_to_end
def test_without_the_share_the_cloud_refuses_what_is_too_much(tmp_path: Path) -> None:
    with demo(tmp_path, "--seconds", LONG, "--burst", "150", "--without-share") as process:
        status, lines, errors = watched(process, lambda lines: len(of_burst(lines)) == 150)
    assert (status, errors) == (0, "")
    assert not any("share" in line for line in lines if " -> " in line)
    end = re.fullmatch(r"150 calls in bursts: .*; the cloud had to refuse (\d+)", lines[-2])
    assert end is not None
    assert int(end[1]) > 10


@SIPP
@pytest.mark.end_to_end
def test_calls_follow_the_queue(tmp_path: Path) -> None:
    with demo(tmp_path, "--seconds", LONG, "--burst", "0") as process:
        shown = greeting(process)
        calls = shown["simulator"].split()[0].replace("truth", "calls")
        next_call(process)
        # More than the agents can take, who all stay: those who are left over wait.
        ask(calls, "POST", {"queue": "Support", "count": 40})
        until(lambda: ask(shown["queues"])["queues"][0]["length"] >= 20, "a queue that is long", PATIENCE)
        for _ in range(4):
            next_call(process)  # calls that were decided before end now
        assert not any(" to cloud" in next_call(process) for _ in range(8))
        ask(calls, "DELETE")
        until(lambda: " to cloud" in next_call(process), "the cloud again", PATIENCE)


@SIPP
@pytest.mark.end_to_end
@pytest.mark.parametrize("called", ["+18005550302", "+18005550303", "+18005550100"], ids=["302", "REFER", "bridge"])
def test_a_call_in_the_cloud_is_a_task_there_until_it_ends(called: str, tmp_path: Path) -> None:
    with demo(tmp_path, "--seconds", LONG, "--burst", "0") as process:
        shown = greeting(process)

        def tasks() -> set[str]:
            """Tasks of our callers, as the router knows them, and knows which of its calls they are."""
            found = [task for task in ask(shown["tasks"].split()[0])["tasks"] if task["origin"][:6] == "+13035"]
            assert all(re.fullmatch("[0-9a-f]{16}", task["call_id"]) for task in found), found
            return {str(task["id"]) for task in found if task["destination"] == called}

        one = until(lambda: tasks() or None, "a task", PATIENCE).pop()
        until(lambda: one not in tasks(), "its end for the router", PATIENCE)
        assert ask(shown["simulator"].split()[0])["tasks"].get(one, "wrapup") == "wrapup"


@SIPP
@pytest.mark.end_to_end
def test_it_shows_where_to_look_and_ctrl_c_ends_everything(tmp_path: Path) -> None:
    with demo(tmp_path, "--seconds", LONG, "--burst", "0") as process:
        shown = greeting(process)
        next_call(process)
        assert ask(shown["ready?"])["degraded"] is False
        assert [queue["name"] for queue in ask(shown["queues"])["queues"]] == ["Support"]
        simulator = shown["simulator"].split()[0]
        assert len(ask(simulator)["queues"]) == 1
        with urllib.request.urlopen(shown["events"], timeout=PATIENCE) as answer:
            assert any(line.startswith(b"event: queue") for line in answer)
        until(
            lambda: b'{result="applied",type="task:parked"}' in text(shown["metrics"]),
            "an event that is applied",
            PATIENCE,
        )
        file = Path(shown["configuration"])
        before = children(process)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all of them
        status, lines, errors = finished(process)
    assert (status, errors) == (0, "")
    assert len(before) == 2
    assert not any(map(alive, before))
    for url in (simulator, shown["ready?"]):
        with pytest.raises(urllib.error.URLError):
            urllib.request.urlopen(url, timeout=PATIENCE)
    assert lines[-1] == f"The configuration stays at {file}"
    assert examine(file).faults == ()
    modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in file.parent.iterdir() if each != file}
    assert {"client-secret", "refresh-token", "webhook-secret"} <= modes.keys()
    assert set(modes.values()) == {0o600}


@SIPP
@pytest.mark.end_to_end
def test_told_to_end_it_ends_what_it_started(tmp_path: Path) -> None:
    with demo(tmp_path, "--seconds", LONG, "--burst", "0") as process:
        greeting(process)
        next_call(process)
        before = children(process)
        process.terminate()  # it alone: nobody else tells its children
        status, _, errors = finished(process)
    assert (status, errors) == (0, "")
    assert len(before) == 2
    assert not any(map(alive, before))


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
    assert re.fullmatch(r"edge-router demo: the (premise|carrier)'s SIPp has ended with status 3\n", errors)


# ------------------------------------------------------------------------------------------------ its parts


@pytest.mark.parametrize("share", [True, False])
def test_the_configuration_is_taken_without_a_word(share: bool, tmp_path: Path) -> None:
    places = Places()
    file = places.write(tmp_path, "somebody's", share)
    places.close()
    examined = examine(file)
    assert [str(fault) for fault in (*examined.faults, *examined.warnings)] == []
    assert examined.config is not None
    assert (examined.config.policies["front-door"].share is not None) == share


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


async def test_who_was_sent_on_puts_the_headers_of_the_uri_into_his_invite() -> None:
    places = Places()
    sent_on = SentOn()
    await sent_on.open(places.carrier)
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as cloud:
            cloud.settimeout(PATIENCE)
            cloud.bind((places.cloud, SIP_PORT))
            uri = f"sip:+18005550302@{places.cloud}:{SIP_PORT}"
            sent_on.call("+13035550101", f"{uri}?X-Edge-Call=ours&User-to-User=04%3Bencoding%3Dhex")
            invite = (await asyncio.to_thread(cloud.recv, 65535)).decode().split("\r\n")
    finally:
        sent_on.close()
        places.close()
    assert invite[0] == f"INVITE {uri} SIP/2.0"
    assert {"x-edge-call: ours", "User-to-User: 04;encoding=hex"} <= set(invite)


async def test_a_call_that_comes_twice_is_one_task_and_ends_with_its_bye() -> None:
    places = Places()
    cloud = Cloud(places.cloud)
    await cloud.start()

    def say(method: str) -> str:
        """The cloud's answer to a request of one call."""
        head = (
            f"{method} sip:+18005550100@{places.cloud} SIP/2.0\r\nVia: SIP/2.0/UDP {places.carrier};branch=z9hG4bKa\r\n"
        )
        ends = f"From: <sip:+13035550100@{places.carrier}>;tag=a\r\nTo: <sip:+18005550100@{places.cloud}>\r\n"
        phone.sendto(f"{head}{ends}Call-ID: one\r\nCSeq: 1 {method}\r\n\r\n".encode(), (places.cloud, SIP_PORT))
        return phone.recv(65535).decode()

    def held() -> list[str]:
        """Ends what only ends when it is told to."""
        return list(ask(f"http://{places.cloud}:{HTTP_PORT}/simulator/calls", "DELETE")["tasks"])

    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
            phone.settimeout(PATIENCE)
            phone.bind((places.carrier, 0))
            answer = await asyncio.to_thread(say, "INVITE")
            assert answer.startswith("SIP/2.0 200 ")
            assert await asyncio.to_thread(say, "INVITE") == answer
            assert len(await asyncio.to_thread(held)) == 1
            await asyncio.to_thread(say, "BYE")
            await asyncio.to_thread(say, "INVITE")
            await asyncio.to_thread(say, "BYE")
            assert await asyncio.to_thread(held) == []
    finally:
        await cloud.close()
        places.close()


def test_every_number_is_called() -> None:
    first, *calls = numbers().splitlines()
    assert first == "SEQUENTIAL"
    assert {call.split(";")[1] for call in calls} == {"+18005550302", "+18005550303", "+18005550100"}


def test_nobody_calls_twice_while_the_router_remembers_him() -> None:
    """Who does seems to come back from the cloud, and goes to the premise."""
    callers = [call.split(";")[0] for call in numbers().splitlines()[1:]]
    assert len(set(callers)) == len(callers) > WINDOW * CALLS_PER_SECOND
