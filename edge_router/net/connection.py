"""One connection that SIP is spoken on, accepted or opened.

Lives here: what has come and isn't whole yet, what waits to be sent, and whether the peer is too slow to be kept. Must
not know: which connections there are (stream.py), what a message says.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, NamedTuple, cast

from edge_router.sip.framing import PONG, Framer, Unframeable
from edge_router.sip.message import DEFAULT_LIMITS, Limits

if TYPE_CHECKING:
    from edge_router.net.address import Address
    from edge_router.net.stream import StreamListener
    from edge_router.net.toward import Toward

MOST_PER_TURN: Final = 16
"""Messages of one connection that are read before others have their turn."""

SLOW_READER: Final = "reads too slowly"


class Bounds(NamedTuple):
    """How many connections a listener keeps, and how long it waits for whom; seconds and octets.

    ``connections`` in all, ``per_address`` from one address. Of ``strangers``, whose address is no trunk's, there are
    few: the oldest goes when one more comes. ``handshakes`` are those of TLS that go on at one time.

    ``connect`` is how long a connection may take to be there, ``handshake`` its TLS. ``first_word`` is how long a
    stranger may be silent, ``message`` how long a message may take from its first octet to its last, ``idle`` how long
    nothing may be said either way, ``stuck`` how long a peer may read nothing. ``unread`` octets may wait for one that
    reads slowly, ``waiting`` octets for a connection that isn't there yet.
    """

    connections: int = 4_096
    per_address: int = 1_024
    strangers: int = 128
    per_stranger: int = 8
    handshakes: int = 64
    connect: float = 5.0
    handshake: float = 5.0
    first_word: float = 10.0
    message: float = 10.0
    idle: float = 900.0
    stuck: float = 10.0
    unread: int = 1_048_576
    waiting: int = 262_144
    message_limits: Limits = DEFAULT_LIMITS


class Connection(asyncio.Protocol):
    """A connection of a listener with the peer at ``address``. ``accepted``: it was the peer who opened it.

    ``toward`` is whom it was opened to, None for whoever is there. ``keys`` say by whom it is found, and by which
    address, ``names`` are those of the certificate that the peer has shown. ``reason`` is why it has ended, "" while it
    is there.
    """

    def __init__(self, listener: StreamListener, address: Address, accepted: bool, now: float) -> None:
        self.listener = listener
        self.address = address
        self.accepted = accepted
        self.toward: Toward | None = None
        self.keys: list[tuple[StreamListener | Toward, Address]] = []
        self.names: frozenset[str] = frozenset()
        self.stranger = False
        self.reason = ""
        self._framer = Framer(listener.bounds.message_limits)
        self._transport: asyncio.Transport | None = None
        self._waiting: list[bytes] = []
        self._octets = 0
        self._used = now
        self._begun = 0.0
        self._stuck = 0.0
        self._spoken = False
        self._resting = False

    @property
    def up(self) -> bool:
        """Whether it is there, and not about to be."""
        return self._transport is not None and not self.reason

    def send(self, data: bytes) -> bool:
        """Sends a message, once the connection is there; False where too much waits for it already."""
        if self.reason:
            return False
        transport, bounds = self._transport, self.listener.bounds
        if transport is None:
            if self._octets + len(data) > bounds.waiting:
                return False
            self._waiting.append(data)
            self._octets += len(data)
            return True
        if self._stuck and transport.get_write_buffer_size() + len(data) > bounds.unread:
            # Not here and now: whoever sends is in the middle of something, and would hear of what is lost.
            self.listener.soon(self._give_up_on_reader)
            return False
        transport.write(data)
        self._used = self.listener.now()
        return True

    def _give_up_on_reader(self) -> None:
        self.end(SLOW_READER, at_once=True)

    def overdue(self, now: float) -> str:
        """Why it should be kept no longer, "" while it should."""
        bounds = self.listener.bounds
        if self.reason:  # what was written last doesn't leave
            return self.reason if now - self._used > bounds.stuck else ""
        if self._stuck and now - self._stuck > bounds.stuck:
            return SLOW_READER
        if self._begun and now - self._begun > bounds.message:
            return "sends too slowly"
        if self.stranger and not self._spoken and now - self._used > bounds.first_word:
            return "says nothing"
        if self._transport is not None and now - self._used > bounds.idle:
            return "idle"
        return ""

    def end(self, reason: str, at_once: bool = False) -> None:
        """Ends it; what was written still leaves, unless ``at_once``."""
        transport = self._transport
        if not self.reason:
            self.reason = reason
            self._used = self.listener.now()
            self._waiting.clear()
            self.listener.gone(self)
        if transport is not None:
            if at_once:
                transport.abort()
            else:
                transport.close()

    # What the event loop tells (asyncio.Protocol)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is there, TLS and all: what has waited leaves."""
        made = cast("asyncio.Transport", transport)  # uvloop's are none by inheritance
        self._transport = made
        self._used = self.listener.now()
        if self.reason or not self.listener.welcome(self, made):
            made.abort()
            return
        for data in self._waiting:
            made.write(data)
        self._waiting.clear()
        self._octets = 0

    def data_received(self, data: bytes) -> None:
        """Octets have come."""
        if self.reason:
            return
        self._used = self.listener.now()
        self._framer.feed(data)
        if not self._resting:
            self._read()

    def _read(self) -> None:
        framer, transport = self._framer, self._transport
        taken = 0
        self._resting = False
        while not self.reason:
            try:
                message = framer.message()
            except Unframeable as error:
                self.listener.unframeable(self, error)
                self.end("no end of a message")
                return
            if message is None:
                break
            taken += 1
            self._spoken = True
            self.listener.received(message, self)
            if taken == MOST_PER_TURN:
                self._rest()
                break
        if transport is not None and framer.pings and not self.reason and not self._stuck:
            transport.write(PONG * framer.pings)
            framer.pings = 0
            self._spoken = True
        if not framer.begun or self._resting:
            self._begun = 0.0
        elif taken or not self._begun:
            self._begun = self._used

    def _rest(self) -> None:
        """Lets others have their turn before it reads on."""
        self._resting = True
        if self._transport is not None:
            self._transport.pause_reading()
        self.listener.soon(self._read_on)

    def _read_on(self) -> None:
        if self._transport is not None and not self.reason:
            self._transport.resume_reading()
            self._read()

    def pause_writing(self) -> None:
        """The peer reads more slowly than we write."""
        self._stuck = self.listener.now()

    def resume_writing(self) -> None:
        """He has caught up."""
        self._stuck = 0.0

    def connection_lost(self, error: Exception | None) -> None:
        """It is over."""
        self._transport = None
        self.end("closed by the peer" if error is None else "broken")
        self.listener.over(self)
