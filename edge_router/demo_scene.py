"""The scene of `edge-router demo`: its addresses, its configuration, its contact centre, and the SIPps around it.

What is played in it is demo.py's.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from state_client.picture import Picture

CALLS_PER_SECOND: Final = 2
MOST_WAITING: Final = 9
"""Calls in the queue at high tide."""
WAIT_PER_CALL: Final = 25
"""Seconds that each of them adds to the longest wait."""
PATIENCE: Final = 5.0
"""Seconds that calls have to end when the carrier has made its last one, and SIPp to end when it is told to."""

SCENARIOS: Final = Path(__file__).resolve().parent.parent / "sipp_scenarios"
SIP_PORT, HTTP_PORT = 5060, 8080

CONFIGURATION: Final = """\
# What `edge-router demo` runs. Copy it, and put in your own addresses and numbers.
#
#   edge-router check -c edge-router.yaml
#   edge-router route -c edge-router.yaml --calling +13035550101 --called +18005550302 --queue Support:length=5
#   edge-router run -c edge-router.yaml

node: edge-demo

listen:
  - {name: pstn, transport: udp, address: "127.0.0.10:5060"}

http:
  address: "127.0.0.10:8080"

trunks:
  carrier:
    targets: ["sip:127.0.0.12:5060"]
  premise:
    targets: ["sip:127.0.0.13:5060"]
  cloud:
    targets: ["sip:127.0.0.14:5060"]

dial_peers:
  - name: from-carrier
    incoming: {trunk: carrier, called: "+1800555...."}
    policy: front-door
  - name: premise
    outgoing: {trunk: premise}
  - name: cloud
    outgoing: {trunk: cloud}

policies:
  front-door:
    rules:
      - name: nobody should wait so long
        when: queue("Support").longest_wait > 180
        reject: 480
        reason: Temporarily Unavailable
      - name: cloud by 302
        when: call.called == "+18005550302" && queue("Support").expected < 4 && trunk("cloud").up
        to: [cloud, premise]
        by: redirect
      - name: cloud by REFER
        when: call.called == "+18005550303" && queue("Support").expected < 4 && trunk("cloud").up
        to: [cloud, premise]
        by: refer
      - name: cloud by a bridge
        when: queue("Support").expected < 4 && trunk("cloud").up
        to: [cloud, premise]
    otherwise: {to: premise}

state:
  source: static
  queues:
    Support: {length: 0, longest_wait: 0, agents_available: 4}
"""

CALLED: Final = ("+18005550302", "+18005550303", "+18005550100")
"""The numbers that are called in turn: by 302, by REFER, and bridged while the cloud has room."""
CALLERS: Final = 99


class CannotRun(Exception):
    """The demo can't be played on this machine; says why."""


class Places:
    """The demo's addresses, in a loopback network where nobody listens.

    As long as they are not closed, other demos keep off this network.
    """

    def __init__(self) -> None:
        """Find them; raises CannotRun."""
        for third in range(10, 60):
            self._network = f"127.0.{third}."
            self._claim = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            try:
                self._claim.bind((f"{self._network}1", SIP_PORT))  # nobody sends there
                self._try()
            except OSError:
                self.close()
            else:
                return
        raise CannotRun("no free loopback addresses: 127.0.10.x to 127.0.59.x are all in use, or can't be bound")

    @property
    def router(self) -> str:
        """The router's IP address."""
        return f"{self._network}10"

    @property
    def carrier(self) -> str:
        """The carrier's IP address."""
        return f"{self._network}12"

    @property
    def premise(self) -> str:
        """The premise's IP address."""
        return f"{self._network}13"

    @property
    def cloud(self) -> str:
        """The cloud's IP address."""
        return f"{self._network}14"

    def configuration(self) -> str:
        """The router's configuration at these addresses."""
        return CONFIGURATION.replace("127.0.0.", self._network)

    def close(self) -> None:
        """Let others have the network."""
        self._claim.close()

    def _try(self) -> None:
        """Raises OSError where an address is taken."""
        places = [(socket.SOCK_DGRAM, host, SIP_PORT) for host in (self.router, self.carrier, self.premise, self.cloud)]
        for kind, host, port in [*places, (socket.SOCK_STREAM, self.router, HTTP_PORT)]:
            with socket.socket(socket.AF_INET, kind) as probe:
                if kind == socket.SOCK_STREAM:  # connections of the demo before that linger are no hindrance
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((host, port))


def numbers() -> str:
    """SIPp's injection file: who calls whom, one call a line, from the top again at its end."""
    pairs = (f"+130355501{caller:02};{CALLED[caller % len(CALLED)]}" for caller in range(CALLERS))
    return "\n".join(["SEQUENTIAL", *pairs, ""])


class Tide:
    """The queue: one call more at each step up to `MOST_WAITING`, then one less down to none, and so on."""

    def __init__(self, picture: Picture) -> None:
        self._picture = picture
        self._waiting = 0
        self._change = 1

    def step(self) -> None:
        """Let time pass at the contact centre."""
        self._waiting += self._change
        if self._waiting in (0, MOST_WAITING):
            self._change = -self._change
        self._picture.set(
            "Support",
            0.0,
            length=self._waiting,
            longest_wait=self._waiting * WAIT_PER_CALL,
            agents_available=max(0, 4 - self._waiting),
        )


class Ends:
    """The SIPp processes. Each is ended by its own id."""

    def __init__(self, sipp: str, places: Places, directory: Path) -> None:
        self._sipp = sipp
        self._places = places
        self._directory = directory
        self._processes: list[asyncio.subprocess.Process] = []

    async def start_agent(self, host: str) -> asyncio.subprocess.Process:
        """The premise or the cloud: answers on this address."""
        return await self._start(host, "demo_agent.xml")

    async def start_carrier(self, calls: int | None) -> asyncio.subprocess.Process:
        """The carrier: calls at once, so often or for ever."""
        (self._directory / "numbers.csv").write_text(numbers())
        options = ["-inf", "numbers.csv", "-r", str(CALLS_PER_SECOND)]
        if calls is not None:
            options += ["-m", str(calls)]
        router = f"{self._places.router}:{SIP_PORT}"
        return await self._start(self._places.carrier, "demo_carrier.xml", *options, router)

    async def _start(self, host: str, scenario: str, *options: str) -> asyncio.subprocess.Process:
        where = ["-sf", str(SCENARIOS / scenario), "-i", host, "-p", str(SIP_PORT), "-bind_local", "-nostdin"]
        process = await asyncio.create_subprocess_exec(
            self._sipp,
            *where,
            *options,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            cwd=self._directory,
        )
        self._processes.append(process)
        return process

    async def stop(self) -> None:
        """End what still runs, and wait for it."""
        running = [process for process in self._processes if process.returncode is None]
        for process in running:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
        ended = [asyncio.create_task(process.wait()) for process in running]
        if ended:
            await asyncio.wait(ended, timeout=PATIENCE)
        for process in running:
            if process.returncode is None:  # it waits for calls that nobody will end
                process.kill()
                await process.wait()
