"""A SIP end on TCP or TLS that says exactly what it is told and keeps everything it hears."""

import contextlib
import selectors
import socket
import ssl
import time
from collections.abc import Callable

from tests.end_to_end.block import Address
from tests.end_to_end.phone import Phone
from tests.end_to_end.waiting import PATIENCE
from tests.end_to_end.wire import Wire


class StreamPhone(Phone):
    """Listens at its address, and connects to whom it sends to; `Phone` over connections.

    With ``server`` and ``client`` contexts it speaks TLS. ``connections`` are those that stand, by the other's address.
    """

    def __init__(
        self, host: str, port: int = 5060, server: ssl.SSLContext | None = None, client: ssl.SSLContext | None = None
    ) -> None:
        self._listening = socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=64
        )
        self._listening.setblocking(False)
        bound, self.port = self._listening.getsockname()[:2]
        self.host = f"[{bound}]" if ":" in bound else bound
        self._bound = bound
        self._server, self._client = server, client
        self.transport = "TCP" if server is None else "TLS"
        self.name = ""  # what the router is asked for (SNI)
        self.pending: list[Wire] = []
        self.connections: dict[Address, socket.socket] = {}
        self.ended: list[Address] = []
        self._octets: dict[Address, bytes] = {}

    def close(self) -> None:
        self.hang_up()
        self._listening.close()

    def hang_up(self) -> None:
        """Closes every connection."""
        for sock in self.connections.values():
            sock.close()
        self.connections.clear()

    def shut(self) -> None:
        """Listens no more: who connects is refused."""
        self.hang_up()
        self._listening.close()

    def connect(self, to: Address) -> socket.socket:
        sock = socket.socket(socket.AF_INET6 if ":" in to[0] else socket.AF_INET)
        sock.bind((self._bound, 0))
        sock.settimeout(PATIENCE)
        sock.connect(to)
        if self._client is not None:
            sock = self._client.wrap_socket(sock, server_hostname=self.name or None)
        self._keep(sock, to)
        return sock

    def _keep(self, sock: socket.socket, peer: Address) -> None:
        sock.setblocking(False)
        self.connections[peer] = sock
        self._octets[peer] = b""

    def send(self, message: Wire | bytes, to: Address) -> None:
        """An answer by the connection that its request came by, else by one with this host, opened if need be."""
        self._collect()
        data = message.encode() if isinstance(message, Wire) else message
        beside = next((sock for peer, sock in self.connections.items() if peer[0] == to[0]), None)
        sock = self._way_back(message) or self.connections.get(to) or beside or self.connect(to)
        sock.settimeout(PATIENCE)
        sock.sendall(data)
        sock.setblocking(False)

    def _way_back(self, message: Wire | bytes) -> socket.socket | None:
        if isinstance(message, bytes) or message.is_request:
            return None
        return self.connections.get(self._came_by.get(message.branch, ("", 0)))

    @property
    def _came_by(self) -> dict[str, Address]:
        return self.__dict__.setdefault("_branches", {})  # type: ignore[no-any-return]

    def receive(self, wanted: Callable[[Wire], bool], what: str, within: float = PATIENCE) -> Wire:
        deadline = time.monotonic() + within
        while True:
            self._collect()
            for index, message in enumerate(self.pending):
                if wanted(message):
                    return self.pending.pop(index)
            rest = deadline - time.monotonic()
            if rest <= 0:
                heard = "\n\n".join(map(str, self.pending)) or "nothing"
                raise AssertionError(f"{self.host} waited {within:g} s for {what} and heard:\n{heard}")
            with selectors.DefaultSelector() as selector:
                for sock in (self._listening, *self.connections.values()):
                    if sock.fileno() >= 0:
                        selector.register(sock, selectors.EVENT_READ)
                selector.select(min(rest, 0.2))

    def _collect(self) -> None:
        with contextlib.suppress(BlockingIOError, OSError):
            while self._listening.fileno() >= 0:
                sock, peer = self._listening.accept()
                if self._server is not None:
                    sock.settimeout(PATIENCE)
                    try:
                        sock = self._server.wrap_socket(sock, server_side=True)
                    except (ssl.SSLError, OSError):
                        continue
                self._keep(sock, peer[:2])
        for peer, sock in list(self.connections.items()):
            self._read(peer, sock)

    def _read(self, peer: Address, sock: socket.socket) -> None:
        try:
            while True:
                data = sock.recv(65_536)
                if not data:
                    raise ConnectionResetError
                self._octets[peer] += data
        except (BlockingIOError, ssl.SSLWantReadError):
            pass
        except OSError:
            sock.close()
            del self.connections[peer]
            self.ended.append(peer)
        while (whole := self._next(peer)) is not None:
            message = Wire.read(whole, peer)
            if message.is_request:
                self._came_by[message.branch] = peer
            self.pending.append(message)

    def _next(self, peer: Address) -> bytes | None:
        """A reader of its own, so that a fault of the router's framing can't hide behind the same one here."""
        octets = self._octets[peer].lstrip(b"\r\n")
        head, blank, rest = octets.partition(b"\r\n\r\n")
        if not blank:
            return None
        lines = [line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
        assert len(lines) == 1, head
        length = int(lines[0].partition(b":")[2])
        if len(rest) < length:
            return None
        self._octets[peer] = rest[length:]
        return head + blank + rest[:length]
