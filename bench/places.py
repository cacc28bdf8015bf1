"""Where everything stands: one loopback network of our own, the same port everywhere."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.process import BenchError

SIP_PORT = 5060
HTTP_PORT = 8080
CALLED = "+18005550100"  # what the carrier dials


@dataclass(frozen=True)
class Places:
    """Addresses of one run, all in one /24 of 127.0.0.0/8 that nobody else uses."""

    network: str  # the first three numbers, "127.0.71"

    @property
    def carrier(self) -> str:
        """SIPp's calling end."""
        return f"{self.network}.1"

    @property
    def premise(self) -> str:
        """SIPp's answering end."""
        return f"{self.network}.2"

    @property
    def cloud(self) -> str:
        """Where a 302 points. Nothing listens there."""
        return f"{self.network}.3"

    @property
    def contact_centre(self) -> str:
        """The simulated contact centre, over HTTP."""
        return f"{self.network}.4"

    @property
    def prober(self) -> str:
        """A second carrier, who calls to learn what is decided."""
        return f"{self.network}.5"

    def device(self, number: int) -> str:
        """The address of the device under test with this number, 0 to 99."""
        return f"{self.network}.{100 + number}"


def free_places() -> Places:
    """The first network from 127.0.71 on in which no UDP socket is bound."""
    taken = {address.rpartition(".")[0] for address, _ in bound_udp()}
    for third in range(71, 255):
        network = f"127.0.{third}"
        if network not in taken:
            return Places(network)
    raise BenchError("no /24 of 127.0.71.0 to 127.0.254.0 is free")


@contextmanager
def alone(name: str = "edge-router-bench") -> Iterator[None]:
    """While this lasts no other bench runs on the machine: two would measure each other. BenchError where one does."""
    with socket.socket(socket.AF_UNIX) as sign:
        try:
            sign.bind(f"\0{name}")  # an abstract name: it goes with the process, however that ends
        except OSError as taken:
            raise BenchError("another bench is running on this machine") from taken
        yield


def bound_udp() -> set[tuple[str, int]]:
    """Address and port of each UDP socket (IPv4) that is bound now."""
    return bound("udp")


def bound(transport: str) -> set[tuple[str, int]]:
    """Address and port of each socket (IPv4) of udp or tcp that is bound now: proc(5), /proc/net."""
    found = set()
    for line in Path(f"/proc/net/{transport}").read_text().splitlines()[1:]:
        address, _, port = line.split()[1].partition(":")
        found.add((socket.inet_ntoa(bytes.fromhex(address)[::-1]), int(port, 16)))
    return found
