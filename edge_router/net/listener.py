"""What the router needs of a transport, so that UDP, TCP and TLS look the same to it."""

from __future__ import annotations

from typing import Final, Protocol

from edge_router.net.address import Address

LARGEST_DATAGRAM: Final = 65_507
"""Octets that a UDP datagram over IPv4 has room for (RFC 768, RFC 791); over IPv6 there are 20 more."""


class Listener(Protocol):
    """An address of ours that SIP is spoken on.

    ``name`` is that of the configuration, ``host`` the IP address that it is bound to. ``advertised`` is what it is
    called outside, as host[:port], and ``advertised_host`` its host alone; ``via`` the beginning of a Via value up to
    the branch's ``=``, and ``contact`` a Contact value with both. ``transport`` is udp, tcp or tls; ``reliable`` ones
    deliver by themselves: nothing is sent twice on them.
    """

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def host(self) -> str: ...  # noqa: D102
    @property
    def transport(self) -> str: ...  # noqa: D102
    @property
    def reliable(self) -> bool: ...  # noqa: D102
    @property
    def advertised(self) -> str: ...  # noqa: D102
    @property
    def advertised_host(self) -> str: ...  # noqa: D102
    @property
    def via(self) -> str: ...  # noqa: D102
    @property
    def contact(self) -> str: ...  # noqa: D102

    def send(self, data: bytes, address: Address) -> bool:
        """Sends one message; False where it can't be sent at all."""

    def is_accepted(self, address: Address) -> bool:
        """Whether there is a connection with this address that the peer has opened; never over UDP."""

    def alias(self, source: Address, port: int) -> None:
        """Requests to this port of the peer's go by the connection that he has opened (RFC 5923); nothing over UDP."""

    def names_of(self, address: Address) -> frozenset[str]:
        """The names of the certificate that the peer at this address has shown; none but over TLS."""
