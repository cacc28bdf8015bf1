"""A listener that SIP is spoken on over connections: TCP, and TLS with its `Security` (RFC 3261 §18).

Lives here: which connections there are, with whom, how many of them; accepting and opening them. Must not know: what a
message is, beyond its first and last octet; whoever is upstairs (`User`) reads it.

A connection is found by the peer's address and port, over TLS one to a target also by who should be there (`Toward`:
targets of two trunks may lead to one address, and mustn't show themselves with each other's certificate). What is sent
to an address goes by the connection that is there, whoever opened it, else one is opened, and the message waits until
it is up. When a connection can't be had or breaks, the user is told at once: nothing that was sent on it can be relied
on any more.
"""

from __future__ import annotations

import asyncio
import logging
import resource
import socket
import ssl
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Final, Protocol

from edge_router.net.address import Address, host_of, is_wildcard
from edge_router.net.connection import Bounds, Connection
from edge_router.net.handshakes import Handshakes
from edge_router.net.sockets import socket_at
from edge_router.net.toward import Toward

if TYPE_CHECKING:
    from edge_router.net.security import Expected, Security
    from edge_router.sip.framing import Unframeable

MOST_PER_WAKE: Final = 16
"""Connections that are accepted before others have their turn."""
LOOK_EVERY: Final = 1.0
"""Seconds between two looks at connections that should be kept no longer."""
_REST: Final = 1.0  # seconds that nobody is accepted after the system had no descriptor for him
_BACKLOG: Final = 1_024
_DESCRIPTORS: Final = 65_536

_log = logging.getLogger(__name__)


class User(Protocol):
    """Who reads what comes."""

    def receive(self, data: bytes, source: Address, listener: StreamListener | Toward) -> None:
        """Takes one message; never raises."""

    def unframeable(self, error: Unframeable, source: Address, listener: StreamListener | Toward) -> None:
        """Hears of the message that ends a stream, while it can still be answered; never raises."""

    def lost(self, address: Address, listener: StreamListener | Toward) -> None:
        """Hears that the connection with this address is gone, or couldn't be had."""

    def knows(self, host: str, names: frozenset[str], listener: StreamListener) -> bool:
        """Whether a trunk's calls may come from there, by its address or by the names of its certificate."""


class StreamListener:
    """One listener over connections. ``via`` and ``contact`` are ready to be put into messages that leave by it.

    ``name`` is that of the configuration, ``host`` and ``port`` where it is bound, ``advertise`` what it is called
    outside. ``transport`` is tcp or tls; for TLS give it its ``security`` before it is opened, and another one whenever
    the files have changed: connections that are there go on. ``opened``, ``accepted``, ``refused`` (by why) and
    ``ended`` (by why) count connections since the start, ``unsent`` messages that were not sent.
    """

    reliable: Final = True

    def __init__(
        self,
        name: str,
        host: str,
        port: int,
        advertise: str | None = None,
        transport: str = "tcp",
        bounds: Bounds | None = None,
    ) -> None:
        self.name = name
        self.host = host
        self.port = port
        self.transport = transport
        self.security: Security | None = None
        self.bounds = bounds or Bounds()
        bound = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self.advertised = advertise or bound
        self.advertised_host = host_of(self.advertised)
        self.via = f"SIP/2.0/{self.transport.upper()} {self.advertised};branch="
        self.contact = f"<sip:{self.advertised};transport={self.transport}>"
        self.unsent = 0
        self.opened = 0
        self.accepted = 0
        self.refused: Counter[str] = Counter()
        self.ended: Counter[str] = Counter()
        self._socket: socket.socket | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._user: User | None = None
        self.by_address: dict[Address, Connection] = {}
        self._towards: dict[Expected, Toward] = {}
        self._connections: set[Connection] = set()
        self._live = 0  # those that haven't been ended
        self._hosts: Counter[str] = Counter()
        self._strangers: dict[Connection, None] = {}  # the oldest first
        self._handshakes = Handshakes()
        self._tasks: set[asyncio.Task[None]] = set()  # the loop alone would let them be collected

    def open(self, loop: asyncio.AbstractEventLoop, user: User) -> None:
        """Binds and starts accepting; raises OSError where the address can't be had."""
        sock = socket_at(self.host, self.port)
        try:
            sock.listen(_BACKLOG)
        except OSError:
            sock.close()
            raise
        if is_wildcard(self.host) and self.advertised_host == self.host:
            _log.warning("listener %s is bound to every address: give it `advertise`", self.name)
        self._socket, self._loop, self._user = sock, loop, user
        loop.add_reader(sock.fileno(), self._acceptable)
        loop.call_later(LOOK_EVERY, self._look)

    def close(self, loop: asyncio.AbstractEventLoop) -> None:
        """Ends all connections and gives the address back."""
        if self._socket is None:
            return
        loop.remove_reader(self._socket.fileno())
        self._socket.close()
        self._socket = self._user = None
        for task in self._tasks:
            task.cancel()
        for connection in list(self._connections):
            connection.end("stopped")

    def send(self, data: bytes, address: Address) -> bool:
        """Sends one message by the connection with this address, opening it if need be; False where it can't be."""
        return self.send_by(self.by_address.get(address) or self.opening(address), data)

    def send_by(self, connection: Connection | None, data: bytes) -> bool:
        """Sends one message by a connection; False where there is none or it can't."""
        if connection is not None and connection.send(data):
            return True
        self.unsent += 1
        return False

    def toward(self, expected: Expected) -> Toward:
        """This listener of TLS toward a peer who must show himself as expected."""
        found = self._towards.get(expected)
        if found is None:
            found = self._towards[expected] = Toward(self, expected)
        return found

    def is_accepted(self, address: Address) -> bool:
        """Whether there is a connection with this address that the peer has opened: he can't be called there anew."""
        connection = self.by_address.get(address)
        return connection is not None and connection.accepted

    def alias(self, source: Address, port: int) -> None:
        """From now on requests to this port of the peer's go by the connection that he has opened (RFC 5923)."""
        connection = self.by_address.get(source)
        address = (source[0], port)
        if connection is not None and connection.accepted and address not in self.by_address:
            self.find_by(address, connection)

    def names_of(self, address: Address) -> frozenset[str]:
        """The names of the certificate that the peer at this address has shown."""
        connection = self.by_address.get(address)
        return connection.names if connection is not None else frozenset()

    def counts(self) -> tuple[int, int]:
        """How many connections there are that were accepted, and that were opened."""
        accepted = sum(connection.accepted for connection in self._connections)
        return accepted, len(self._connections) - accepted

    # What connections tell

    def now(self) -> float:
        """Seconds on the event loop's clock."""
        return self._loop.time() if self._loop is not None else 0.0

    def soon(self, what: Callable[[], None]) -> None:
        """Calls it when others have had their turn."""
        if self._loop is not None:
            self._loop.call_soon(what)

    def received(self, data: bytes, connection: Connection) -> None:
        """A message has come by a connection."""
        if self._user is not None:
            self._user.receive(data, connection.address, connection.toward or self)

    def unframeable(self, connection: Connection, error: Unframeable) -> None:
        """The stream of a connection can't be read any further."""
        if self._user is not None:
            self._user.unframeable(error, connection.address, connection.toward or self)

    def welcome(self, connection: Connection, transport: asyncio.Transport) -> bool:
        """Whether a connection that is there now may stay: whether its certificate says who it should be."""
        if self.security is not None:
            why = self._identified(connection, transport)
            if why:
                _log.warning("listener %s: %s:%d is not spoken to: %s", self.name, *connection.address, why)
                connection.end("certificate")
                return False
        user, host = self._user, connection.address[0]
        if connection.stranger and user is not None and user.knows(host, connection.names, self):
            connection.stranger = False
            self._strangers.pop(connection, None)
        return True

    def _identified(self, connection: Connection, transport: asyncio.Transport) -> str:
        assert self.security is not None
        connection.names = self.security.names_of(transport.get_extra_info("ssl_object"))
        if connection.accepted:
            return ""
        expected = None if connection.toward is None else connection.toward.expected
        return self.security.objection(connection.address, connection.names, expected)

    def gone(self, connection: Connection) -> None:
        """A connection is to be used no more; what was sent by it is lost."""
        for table, address in connection.keys:
            if table.by_address.get(address) is connection:
                del table.by_address[address]
        self._strangers.pop(connection, None)
        self._live -= 1
        self.ended[connection.reason] += 1
        if self._user is not None:
            for table, address in connection.keys:
                self._user.lost(address, table)
        connection.keys.clear()

    def over(self, connection: Connection) -> None:
        """A connection has given everything back."""
        if connection in self._connections:
            self._connections.discard(connection)
            host = connection.address[0]
            self._hosts[host] -= 1
            if self._hosts[host] <= 0:
                del self._hosts[host]

    # Those that come

    def _acceptable(self) -> None:
        for _ in range(MOST_PER_WAKE):
            if self._socket is None:
                return
            try:
                sock, peer = self._socket.accept()
            except BlockingIOError:
                return
            except OSError as error:  # no descriptor is left, or he has gone already
                self.refused[error.strerror or "error"] += 1
                self._pause()
                return
            self._take(sock, (peer[0], peer[1]))

    def _pause(self) -> None:
        if self._socket is not None and self._loop is not None:
            self._loop.remove_reader(self._socket.fileno())
            self._loop.call_later(_REST, self._resume)

    def _resume(self) -> None:
        if self._socket is not None and self._loop is not None:
            self._loop.add_reader(self._socket.fileno(), self._acceptable)

    def _take(self, sock: socket.socket, address: Address) -> None:
        stranger = self._user is None or not self._user.knows(address[0], frozenset(), self)
        why = self._refusal(address[0], stranger)
        if why or self._loop is None:
            self.refused[why] += 1
            sock.close()
            return
        connection = Connection(self, address, True, self.now())
        connection.stranger = stranger
        self._add(connection)
        self.accepted += 1
        self._start(self._receive_from(connection, sock))

    def _refusal(self, host: str, stranger: bool) -> str:
        """Why one more connection from there isn't taken. For a stranger the oldest stranger has to go."""
        bounds = self.bounds
        if self._hosts[host] >= (bounds.per_stranger if stranger else bounds.per_address):
            return "too many from one address"
        crowded = self.security is not None and self._handshakes.count >= bounds.handshakes
        if crowded and not self._handshakes.make_room(host, stranger):
            return "too many handshakes"
        if self._strangers and ((stranger and len(self._strangers) >= bounds.strangers) or self._full()):
            next(iter(self._strangers)).end("made room", at_once=True)
        return "too many connections" if self._full() else ""

    def _full(self) -> bool:
        return self._live >= self.bounds.connections

    async def _receive_from(self, connection: Connection, sock: socket.socket) -> None:
        assert self._loop is not None
        context = None if self.security is None else self.security.server
        limit = None if context is None else self.bounds.handshake
        if context is not None:
            self._handshakes.begin(connection)
        try:
            sock.setblocking(False)
            await self._loop.connect_accepted_socket(lambda: connection, sock, ssl=context, ssl_handshake_timeout=limit)
        except (OSError, asyncio.CancelledError) as error:
            self._not_there(connection, sock, error)
        finally:
            if context is not None:
                self._handshakes.over(connection)

    # Those that are opened

    def opening(self, address: Address, toward: Toward | None = None) -> Connection | None:
        """A new connection with a peer, who must be the one that is expected; None where there can be no more."""
        if self._socket is None or (":" in address[0]) != (":" in self.host) or self._full():
            return None
        connection = Connection(self, address, False, self.now())
        connection.toward = toward
        self._add(connection)
        self.opened += 1
        self._start(self._connect(connection))
        return connection

    async def _connect(self, connection: Connection) -> None:
        assert self._loop is not None
        sock = None
        expected = None if connection.toward is None else connection.toward.expected
        try:
            async with asyncio.timeout(self.bounds.connect):
                sock = socket_at("" if is_wildcard(self.host) else self.host, 0, connection.address[0])
                await self._loop.sock_connect(sock, connection.address)
            if self.security is None:
                await self._loop.create_connection(lambda: connection, sock=sock)
            else:
                await self._loop.create_connection(
                    lambda: connection,
                    sock=sock,
                    ssl=self.security.client,
                    server_hostname=self.security.name_at(connection.address, expected),
                    ssl_handshake_timeout=self.bounds.handshake,
                )
        except (OSError, TimeoutError, ValueError, asyncio.CancelledError) as error:
            self._not_there(connection, sock, error)

    def _not_there(self, connection: Connection, sock: socket.socket | None, error: BaseException) -> None:
        """A connection could not be had, or its TLS not be agreed on."""
        if sock is not None:
            sock.close()
        if not connection.reason:
            peer = connection.address
            _log.log(
                logging.WARNING if isinstance(error, ssl.SSLError) and not connection.accepted else logging.DEBUG,
                "listener %s has no connection with %s:%d: %s", self.name, *peer, str(error) or type(error).__name__,
            )  # fmt: skip
        connection.end("no handshake" if connection.accepted else "not reached", at_once=True)
        self.over(connection)

    # All of them

    def _add(self, connection: Connection) -> None:
        self._connections.add(connection)
        self._live += 1
        self._hosts[connection.address[0]] += 1
        if connection.stranger:
            self._strangers[connection] = None
        if connection.toward is not None:
            connection.toward.find_by(connection.address, connection)
        elif connection.address not in self.by_address:
            self.find_by(connection.address, connection)

    def find_by(self, address: Address, connection: Connection) -> None:
        """From now on what is sent to this address goes by this connection."""
        self.by_address[address] = connection
        connection.keys.append((self, address))

    def _start(self, work: Coroutine[None, None, None]) -> None:
        assert self._loop is not None
        self._tasks.add(task := self._loop.create_task(work))
        task.add_done_callback(self._tasks.discard)

    def _look(self) -> None:
        """Ends those that should be kept no longer."""
        if self._socket is None or self._loop is None:
            return
        now = self.now()
        for connection in list(self._connections):
            why = connection.overdue(now)
            if why:
                connection.end(why, at_once=why != "idle")
        for expected in [each for each, toward in self._towards.items() if not toward.by_address]:
            del self._towards[expected]  # names may lead elsewhere by now
        self._loop.call_later(LOOK_EVERY, self._look)


def make_room_for_connections() -> None:
    """Lets the process have as many descriptors as the system allows: usually 1,024 are, and more may be asked for."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and (hard == resource.RLIM_INFINITY or soft < hard):
        most = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(_DESCRIPTORS, hard)
        if most > soft:
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
