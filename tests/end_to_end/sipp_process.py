"""SIPp, bounded: a scenario run by the very command that its file names, on the addresses of a test's block."""

import re
import shlex
import subprocess
from pathlib import Path
from typing import Final

from tests.end_to_end.block import Address, Block
from tests.end_to_end.waiting import until

ROOT: Final = Path(__file__).resolve().parents[2]
SCENARIOS: Final = ROOT / "sipp_scenarios"

_TIMEOUT: Final = 20
"""Seconds after which SIPp gives up and fails by itself."""


def command_of(scenario: str) -> str:
    """The command in a scenario's comment, on one line."""
    found = re.search(r"^ +Run: (sipp .*)$", (SCENARIOS / scenario).read_text(), re.MULTILINE)
    assert found, f"{scenario} does not say how it is run"
    return found[1]


def on_block(text: str, block: Block) -> str:
    """What is written for 127.0.0.10 and its neighbours, for the same parts in another block."""
    return text.replace("127.0.0.", f"{block.prefix}.")


class Sipp:
    """A running SIPp: the scenario's own command, with another called number where `number` says so.

    `transport` is what SIPp calls it: u1, t1 (one TCP connection) or tn (one for each call); `calls` how many it makes.
    """

    def __init__(
        self, scenario: str, block: Block, directory: Path, number: str = "", transport: str = "u1", calls: int = 1
    ) -> None:
        self.scenario = scenario
        arguments = shlex.split(on_block(command_of(scenario), block))
        if number:
            arguments[arguments.index("-s") + 1] = number
        arguments[arguments.index("-timeout") + 1] = f"{_TIMEOUT}s"
        arguments[arguments.index("-m") + 1] = str(calls)
        arguments[1:1] = ["-t", transport, "-max_socket", "500"]  # it wants room for 50,000 with tn
        self._table = "udp" if transport == "u1" else "tcp"
        self.local: Address = (arguments[arguments.index("-i") + 1], int(arguments[arguments.index("-p") + 1]))
        name = f"{Path(scenario).stem}-{self.local[0]}"
        self._logs = [directory / f"{name}.{kind}.log" for kind in ("errors", "messages", "screen")]
        errors, messages, screen = self._logs
        arguments += [
            "-nostdin",
            "-trace_err",
            "-error_file",
            str(errors),
            "-trace_msg",
            "-message_file",
            str(messages),
        ]
        with screen.open("wb") as output:
            self._process = subprocess.Popen(
                arguments, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, cwd=ROOT
            )

    def wait_until_bound(self) -> None:
        """Returns once its socket is there, so that no first request is lost."""

        def bound() -> bool:
            assert self._process.poll() is None, self._story()
            return self.local in bound_addresses(self._table)

        until(bound, f"SIPp to bind {self.local}")

    def failure(self) -> str:
        """Waits for its end; "" when every call of it went as its scenario says, else the story."""
        status = self._process.wait(_TIMEOUT + 10)
        return f"{self.scenario} ended with {status}\n{self._story()}" if status else ""

    def stop(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait(10)

    def _story(self) -> str:
        logs = (log.read_text(errors="backslashreplace")[-6000:] for log in self._logs if log.exists())
        return "\n".join(logs)


def bound_addresses(table: str = "udp") -> set[Address]:
    """The IPv4 sockets of this machine that are bound, from /proc/net/udp or tcp."""
    found = set()
    for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
        host, port = line.split()[1].split(":")
        found.add((".".join(str(int(host[at : at + 2], 16)) for at in (6, 4, 2, 0)), int(port, 16)))
    return found
