"""SIPp's two ends: the carrier that calls (one run at a rate) and the premise that answers (one for a whole series)."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.places import CALLED, SIP_PORT, Places, bound
from bench.process import Process

_SCENARIOS = Path(__file__).parents[1] / "sipp_scenarios"
BRIDGED = _SCENARIOS / "load_uac.xml"
REDIRECTED = _SCENARIOS / "load_redirect_uac.xml"
ANSWERING = _SCENARIOS / "load_uas.xml"

PAUSE_MS = 100  # between ACK and BYE: on loopback one can overtake the other when a busy core hands packets on late
LAST_CALL = 15.0  # s after the last attempt in which every call must have ended, or it counts as failed
_MOST_OPEN = 15_000  # calls at once; SIPp wants fewer than its file descriptors

# -buff_size: the kernel's default of 212 KB holds a tenth of a second of load. -timer_resol: in ms; by default calls
# start in bursts, one burst each 10 ms. -deadcall_wait: ms that an ended call is remembered. -f: s between screens that
# nobody sees. -pause_msg_ign: a provisional that comes after the 200 doesn't fail the call.
_SETTINGS = ["-nostdin", "-buff_size", "4194304", "-timer_resol", "1", "-deadcall_wait", "1000", "-f", "60"]
_SETTINGS += ["-pause_msg_ign"]
_BY = {"udp": ["-t", "u1"], "tcp": ["-t", "t1"]}  # over TCP all goes by one connection


@dataclass(frozen=True)
class Counts:
    """What an end counted up to now: calls, messages sent again, and s since its start."""

    attempted: int
    established: int  # gone through the whole scenario
    failed: int
    retransmissions: int
    seconds: float


class End:
    """A running SIPp and the file in which it writes its counts, once a second and when it ends."""

    def __init__(self, process: Process, counts_file: Path) -> None:
        self.process = process
        self._counts_file = counts_file

    def counts(self) -> Counts:
        """At most a second old while SIPp runs, final when it has ended."""
        return self._history()[-1]

    def attempt_rate(self) -> float:
        """Attempts a second for as long as attempts were made: what SIPp really offered."""
        history = self._history()
        total = history[-1].attempted
        under_way = [counts for counts in history if counts.attempted < total]
        last = under_way[-1] if under_way else history[-1]
        return last.attempted / last.seconds if last.seconds else 0.0

    def _history(self) -> list[Counts]:
        try:
            text = self._counts_file.read_text()
        except FileNotFoundError:
            text = ""
        lines = text.splitlines()
        # A line that is just being written is short, and one that SIPp was ended in the middle of is anything.
        whole_lines = [line for line in lines if line.count(";") == lines[0].count(";")]
        rows = csv.DictReader(whole_lines, delimiter=";")
        return [_counts(row) for row in rows] or [Counts(0, 0, 0, 0, 0.0)]


def _counts(row: dict[str, str]) -> Counts:
    return Counts(
        attempted=int(row["TotalCallCreated"]),
        established=int(row["SuccessfulCall(C)"]),
        failed=int(row["FailedCall(C)"]),
        retransmissions=int(row["Retransmissions(C)"]),
        seconds=_epoch(row["CurrentTime"]) - _epoch(row["StartTime"]),
    )


def _epoch(stamp: str) -> float:
    return float(stamp.rpartition("\t")[2])  # date, time and seconds since 1970, between tabs


@contextmanager
def carrier(
    places: Places,
    scratch: Path,
    device: str,
    scenario: Path,
    rate: int,
    calls: int,
    hold_ms: int = PAUSE_MS,
    transport: str = "udp",
) -> Iterator[End]:
    """The calling end: `calls` attempts at `rate` a second, each held for `hold_ms`. It ends by itself at the last."""
    who = ["-i", places.carrier, "-p", str(SIP_PORT), "-bind_local", "-s", CALLED]
    load = ["-r", str(rate), "-m", str(calls), "-l", str(min(calls, _MOST_OPEN)), "-d", str(hold_ms)]
    load += _BY[transport]
    with _sipp([f"{device}:{SIP_PORT}", "-sf", str(scenario), *who, *load], scratch, "carrier") as end:
        yield end


@contextmanager
def premise(places: Places, scratch: Path, transport: str = "udp") -> Iterator[End]:
    """The answering end, ready; stopped at the end."""
    who = ["-i", places.premise, "-p", str(SIP_PORT), "-bind_local", *_BY[transport]]
    with _sipp(["-sf", str(ANSWERING), *who], scratch, f"premise-{transport}") as end:
        end.process.wait_until(lambda: (places.premise, SIP_PORT) in bound(transport))
        yield end


@contextmanager
def _sipp(arguments: Sequence[str], scratch: Path, label: str) -> Iterator[End]:
    counts_file = scratch / f"{label}.csv"
    counts_file.unlink(missing_ok=True)
    tracing = ["-trace_stat", "-stf", str(counts_file), "-fd", "1"]
    tracing += ["-trace_err", "-error_file", str(scratch / f"{label}.errors")]
    command = ["sipp", *arguments, *_SETTINGS, *tracing]
    with Process(command, scratch / f"{label}.log", {"TERM": "dumb"}) as process:
        yield End(process, counts_file)
