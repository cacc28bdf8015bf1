"""A listener over connections on a loop of the test's own, and the other end of its wires."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from edge_router.net.address import Address
from edge_router.net.connection import Bounds
from edge_router.net.security import Security
from edge_router.net.stream import StreamListener
from edge_router.net.toward import Toward
from edge_router.sip.framing import Unframeable

PATIENCE: Final = 15.0
"""Seconds until a wait gives up; a good run needs none of them."""

T = TypeVar("T")


def message(call_id: str = "1", body: bytes = b"") -> bytes:
    head = f"OPTIONS sip:a SIP/2.0\r\nCall-ID: {call_id}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


class Ear:
    """An open listener, and what it has heard; everybody is known to it but ``strangers``."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        address: Address,
        bounds: Bounds | None = None,
        security: Security | None = None,
    ) -> None:
        self.loop = loop
        self.address = address
        self.heard: list[bytes] = []
        self.sources: list[Address] = []
        self.bad: list[Unframeable] = []
        self.gone: list[Address] = []
        self.strangers: set[str] = set()
        self.friends: set[str] = set()
        self.answer = b""
        transport = "tcp" if security is None else "tls"
        self.listener = StreamListener("pstn", *address, transport=transport, bounds=bounds)
        self.listener.security = security
        self.listener.open(loop, self)

    # What the listener tells

    def receive(self, data: bytes, source: Address, listener: StreamListener | Toward) -> None:
        self.heard.append(data)
        self.sources.append(source)
        if self.answer:
            listener.send(self.answer, source)

    def unframeable(self, error: Unframeable, source: Address, listener: StreamListener | Toward) -> None:
        self.bad.append(error)
        listener.send(b"bad", source)

    def lost(self, address: Address, listener: StreamListener | Toward) -> None:
        self.gone.append(address)

    def knows(self, host: str, names: frozenset[str], listener: StreamListener | Toward) -> bool:
        return host not in self.strangers or bool(names & self.friends)

    # What the test asks

    def run(self, work: Awaitable[T]) -> T:
        return self.loop.run_until_complete(asyncio.wait_for(work, PATIENCE))

    def until(self, condition: Callable[[], bool], what: str) -> None:
        async def waits() -> None:
            while not condition():  # noqa: ASYNC110
                await asyncio.sleep(0.001)

        try:
            self.run(waits())
        except TimeoutError:
            raise AssertionError(f"waited for {what}, in vain") from None

    def hears(self, count: int) -> list[bytes]:
        self.until(lambda: len(self.heard) >= count, f"{count} messages, and heard {len(self.heard)}")
        return self.heard

    def close(self) -> None:
        self.listener.close(self.loop)
        self.until(lambda: self.listener.counts() == (0, 0), "all connections to end")


class Peer:
    """The other end of a connection, which says exactly what it is told."""

    def __init__(self, ear: Ear, sock: socket.socket) -> None:
        self.ear = ear
        self.sock = sock
        self.sock.setblocking(False)

    @classmethod
    def connecting(cls, ear: Ear, host: str, port: int = 0) -> "Peer":
        sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        sock.setblocking(False)
        ear.run(ear.loop.sock_connect(sock, ear.address))
        return cls(ear, sock)

    @property
    def address(self) -> Address:
        host, port = self.sock.getsockname()[:2]
        return host, port

    def says(self, data: bytes) -> None:
        self.ear.run(self.ear.loop.sock_sendall(self.sock, data))

    def hears(self, count: int) -> bytes:
        """So many octets; fewer where the connection ends before."""
        found = b""
        while len(found) < count:
            more = self.ear.run(self.ear.loop.sock_recv(self.sock, count - len(found)))
            if not more:
                break
            found += more
        return found

    def is_cut_off(self) -> bytes:
        """Waits for the end of the connection; gives what came before."""
        found = b""
        while True:
            try:
                more = self.ear.run(self.ear.loop.sock_recv(self.sock, 65_536))
            except ConnectionResetError:
                return found
            if not more:
                return found
            found += more

    def close(self) -> None:
        self.sock.close()


class Place:
    """Somewhere that the listener can connect to."""

    def __init__(self, ear: Ear, host: str, port: int = 5060) -> None:
        self.ear = ear
        self.address = (host, port)
        self.sock = socket.create_server((host, port), backlog=16)
        self.sock.setblocking(False)

    def accepts(self) -> Peer:
        sock, _ = self.ear.run(self.ear.loop.sock_accept(self.sock))
        return Peer(self.ear, sock)

    def close(self) -> None:
        self.sock.close()
