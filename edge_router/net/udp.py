"""A UDP socket that SIP is spoken on (RFC 3261 §18).

Lives here: the socket, its buffers, what it is called in Via and Contact. Must not know what a message is: it hands
each datagram on with the address it came from, and sends what it is given.

The socket is read in a loop from a readiness callback instead of through a datagram transport: that is 70 µs cheaper
for a whole call. A wake-up takes at most a few datagrams, so that timers and answers are not kept waiting by a burst.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable
from typing import Final

from edge_router.net.address import Address, family_of, host_of, is_wildcard

MOST_PER_WAKE: Final = 16
RECEIVE_BUFFER: Final = 8 * 1024 * 1024  # octets; the usual 212 KB is a tenth of a second of load
_LARGEST_DATAGRAM: Final = 65_535
_MOST_KNOWN_ADDRESSES: Final = 4_096

_log = logging.getLogger(__name__)

Receive = Callable[[bytes, Address, "UdpListener"], None]


class UdpListener:
    """One UDP listener. ``via`` and ``contact`` are ready to be put into messages that leave by it.

    ``name`` is that of the configuration, ``host`` and ``port`` where it is bound, ``advertise`` what it is called
    outside (host and port), for a router behind NAT. ``unsent`` counts datagrams that the system would not take.
    """

    transport: Final = "udp"
    reliable: Final = False

    def __init__(self, name: str, host: str, port: int, advertise: str | None = None) -> None:
        self.name = name
        self.host = host
        self.port = port
        bound = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self.advertised = advertise or bound
        self.advertised_host = host_of(self.advertised)
        self.via = f"SIP/2.0/UDP {self.advertised};branch="
        self.contact = f"<sip:{self.advertised}>"
        self.unsent = 0
        self._socket: socket.socket | None = None
        self._receive: Receive | None = None
        self._known: dict[Address, Address] = {}

    def open(self, loop: asyncio.AbstractEventLoop, receive: Receive) -> None:
        """Binds and starts reading; raises OSError where the address can't be had."""
        family = family_of(self.host)
        sock = socket.socket(family, socket.SOCK_DGRAM)
        try:
            sock.setblocking(False)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            _widen(sock)
            sock.bind((self.host, self.port))
        except OSError:
            sock.close()
            raise
        if is_wildcard(self.host) and self.advertised_host == self.host:
            _log.warning("listener %s is bound to every address: give it `advertise`", self.name)
        self._socket = sock
        self._receive = receive
        loop.add_reader(sock.fileno(), self._readable)

    def close(self, loop: asyncio.AbstractEventLoop) -> None:
        """Stops reading and gives the address back."""
        if self._socket is not None:
            loop.remove_reader(self._socket.fileno())
            self._socket.close()
            self._socket = None
            self._receive = None

    def send(self, data: bytes, address: Address) -> bool:
        """Sends one datagram. False where it can never be sent; a full buffer is a lost datagram, as UDP has it."""
        if self._socket is None:
            return False
        try:
            self._socket.sendto(data, address)
        except BlockingIOError:
            self.unsent += 1
        except OSError as error:
            self.unsent += 1
            _log.debug("listener %s can't send to %s: %s", self.name, address, error)
            return False
        return True

    def is_accepted(self, address: Address) -> bool:
        """There are no connections."""
        return False

    def alias(self, source: Address, port: int) -> None:
        """There are no connections."""

    def names_of(self, address: Address) -> frozenset[str]:
        """Nobody shows a certificate."""
        return frozenset()

    def _readable(self) -> None:
        sock, receive, known = self._socket, self._receive, self._known
        if sock is None or receive is None:
            return
        for _ in range(MOST_PER_WAKE):
            try:
                data, address = sock.recvfrom(_LARGEST_DATAGRAM)
            except BlockingIOError:
                return
            except OSError as error:  # an ICMP error of an earlier datagram
                _log.debug("listener %s: %s", self.name, error)
                continue
            # Calls keep the address they came from: one tuple for each peer, not one for each call.
            source = known.get(address)
            if source is None:
                source = (address[0], address[1])
                if len(known) < _MOST_KNOWN_ADDRESSES:
                    known[address] = source
            receive(data, source, self)


def _widen(sock: socket.socket) -> None:
    """A receive buffer for a burst: past the system's limit where we may, else up to it."""
    for option in (getattr(socket, "SO_RCVBUFFORCE", 33), socket.SO_RCVBUF):
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, option, RECEIVE_BUFFER)
            return
