"""A TLS listener as it is spoken by with one peer, who must show the name that he should have (RFC 5922 §7.3).

Where targets of two trunks lead to one address and port, each has connections of its own: a certificate for one of them
is none for the other. A connection that a peer has opened is taken for requests to him only if the certificate that he
has shown there is one that he would have to show here (RFC 5923 §9.1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge_router.net.security import Expected, fits

if TYPE_CHECKING:
    from edge_router.net.address import Address
    from edge_router.net.connection import Connection
    from edge_router.net.stream import StreamListener


class Toward:
    """A listener toward a peer who must be the one ``expected``. ``by_address`` are the connections for him alone."""

    __slots__ = (
        "_listener",
        "advertised",
        "advertised_host",
        "by_address",
        "contact",
        "expected",
        "host",
        "name",
        "transport",
        "via",
    )
    reliable: Final = True

    def __init__(self, listener: StreamListener, expected: Expected) -> None:
        self._listener: Final = listener
        self.expected: Final = expected
        self.by_address: Final[dict[Address, Connection]] = {}
        self.name: Final = listener.name
        self.host: Final = listener.host
        self.transport: Final = listener.transport
        self.advertised: Final = listener.advertised
        self.advertised_host: Final = listener.advertised_host
        self.via: Final = listener.via
        self.contact: Final = listener.contact

    def send(self, data: bytes, address: Address) -> bool:
        """Sends one message by a connection with him, opening it if need be; False where it can't be."""
        connection = self.by_address.get(address)
        if connection is None:
            connection = self._opened_by_him(address)
            if connection is not None:
                self.find_by(address, connection)
            else:
                connection = self._listener.opening(address, self)
        return self._listener.send_by(connection, data)

    def find_by(self, address: Address, connection: Connection) -> None:
        """From now on what is sent to him at this address goes by this connection."""
        self.by_address[address] = connection
        connection.keys.append((self, address))

    def is_accepted(self, address: Address) -> bool:
        """Whether what is sent there goes by a connection that he has opened."""
        connection = self.by_address.get(address) or self._opened_by_him(address)
        return connection is not None and connection.accepted

    def alias(self, source: Address, port: int) -> None:
        """What he has opened is found by another port of his, too; not what we have."""

    def names_of(self, address: Address) -> frozenset[str]:
        """The names of the certificate that the peer at this address has shown."""
        connection = self.by_address.get(address)
        return connection.names if connection is not None else frozenset()

    def _opened_by_him(self, address: Address) -> Connection | None:
        """The connection that whoever is there has opened, where his certificate says that he is the one."""
        found = self._listener.by_address.get(address)
        if found is None or not found.accepted or not found.up:
            return None
        return found if any(fits(each, found.names) for each in self.expected.names) else None
