"""A recording of a day's work, written by the bench, and `edge-router replay` run on it as anybody would."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

import orjson
import yaml

from bench.contenders import Router
from bench.process import BenchError

DNISES: Final = 200
RATE: Final = 200  # calls a second, and one change of state
START: Final = 1_795_291_200.0
_BATCH: Final = 10_000  # lines that are written at once


@dataclass(frozen=True)
class Replayed:
    """One replay: seconds of the whole process, the most memory that it had, in bytes, and what it found."""

    calls: int
    seconds: float
    memory: int
    recorded_bytes: int
    found: dict[str, Any]

    def line(self) -> str:
        return (
            f"{self.calls:,} recorded calls ({self.recorded_bytes / 1e6:.0f} MB): replayed in {self.seconds:.1f} s, "
            f"{self.memory / 1e6:.0f} MB at most; {self.found['changed']:,} changed, "
            f"{self.found['bad_lines']} lines that can't be read"
        )


def write(directory: Path, calls: int) -> None:
    """Write a recording of so many calls and the configuration to try on it."""
    _write_lines(directory / "calls.jsonl", map(_call, range(calls)))
    _write_lines(directory / "state.jsonl", map(_state, range(calls // RATE + 2)))
    rows = [f"{_dnis(number)},Service {number % 20},door,Support {number % 10}" for number in range(DNISES)]
    (directory / "services.csv").write_text("\n".join(["called,service,policy,queue", *rows]) + "\n")
    (directory / "new.yaml").write_text(yaml.safe_dump(_configuration(), sort_keys=False))


def measure(directory: Path, calls: int) -> Replayed:
    """Replay what `write` wrote by the router as `make compiled` makes it."""
    files = ["--calls", "calls.jsonl", "--state", "state.jsonl", "-c", "new.yaml", "--json"]
    command = [Router.python, "-E", "-P", "-m", "edge_router", "replay", *files]
    began = time.monotonic()
    with (directory / "found.json").open("wb") as output:
        process = subprocess.Popen(command, cwd=directory, stdin=subprocess.DEVNULL, stdout=output)
        _, status, used = os.wait4(process.pid, 0)
    took = time.monotonic() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise BenchError(f"edge-router replay ended with {process.returncode}")
    recorded = sum((directory / name).stat().st_size for name in ("calls.jsonl", "state.jsonl"))
    found = orjson.loads((directory / "found.json").read_bytes())
    return Replayed(calls, took, used.ru_maxrss * 1024, recorded, found)


def _write_lines(path: Path, lines: Iterator[dict[str, Any]]) -> None:
    with path.open("wb") as file:
        while batch := list(islice(lines, _BATCH)):
            file.write(b"".join([orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE) for line in batch]))


def _dnis(number: int) -> str:
    return f"+1800555{number % DNISES:04}"


def _call(number: int) -> dict[str, Any]:
    """A call that went to the cloud, or to the premise, as lines of a recording have it."""
    cloud = number % 3 == 0
    return {
        "t": START + 1 + number / RATE,
        "call_id": f"{number:016x}",
        "calling": f"+1312{number % 10_000_000:07}",
        "called": _dnis(number),
        "trunk": "carrier",
        "listen": "pstn",
        "source": "192.0.2.1",
        "sip_call_id": f"{number}@carrier.example",
        "service": f"Service {number % DNISES % 20}",
        "dial_peer_in": "from-carrier",
        "policy": "door",
        "rule": "nobody waits" if cloud else "otherwise",
        "action": "redirect to cloud, then bridge to premise" if cloud else "bridge to premise",
        "to": ["cloud", "premise"] if cloud else ["premise"],
    }


def _state(second: int) -> dict[str, Any]:
    """The state of one second: each time another length of every queue, and how busy the trunks are."""
    t = START + second
    known = [["event", 0.2], ["event", 0.5], ["", None]]
    values = dict.fromkeys(("longest_wait", "total_wait", "calls", "estimated_wait"), 0)
    queues = {
        f"Support {number}": {
            "id": f"q{number}",
            "channel": "telephony",
            "unseen": 0,
            "known": known,
            "length": (second + number) % 7,
            **values,
            "agents_available": 3,
            "agents_signed_on": 9,
        }
        for number in range(10)
    }
    trunk = {"up": True, "calls": second % 100, "cps": float(RATE), "sent": second * RATE}
    line: dict[str, Any] = {"t": t, "queues": queues, "trunks": {"cloud": trunk, "premise": trunk}}
    return line if second else line | {"full": True, "teams": {}, "latches": {}, "switches": []}


def _configuration() -> dict[str, Any]:
    rules = [
        {"name": "nobody waits", "when": "queue(call.service.queue).length == 0", "to": ["cloud", "premise"]},
        {"name": "few wait", "when": 'queue(call.service.queue).length < 3 && trunk("cloud").up', "to": ["cloud"]},
        {"name": "a part", "when": 'percent(10, "pilot")', "to": ["cloud"]},
    ]
    return {
        "node": "bench",
        "listen": [{"name": "pstn", "address": "127.0.0.1:5060"}],
        "trunks": {
            "carrier": {"sources": ["192.0.2.1"]},
            "cloud": {"targets": ["sip:192.0.2.4"]},
            "premise": {"targets": ["sip:192.0.2.3"]},
        },
        "dial_peers": [
            {"name": "from-carrier", "incoming": {"trunk": "carrier", "called": "+1800555...."}, "policy": "door"},
            {"name": "cloud", "outgoing": {"trunk": "cloud"}},
            {"name": "premise", "outgoing": {"trunk": "premise"}},
        ],
        "policies": {"door": {"rules": [{**rule, "by": "redirect"} for rule in rules], "otherwise": {"to": "premise"}}},
        "services": {"file": "services.csv"},
        "state": {"queues": {f"Support {number}": {"source": "pushed"} for number in range(10)}},
    }
