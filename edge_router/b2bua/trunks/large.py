"""Requests that are too large for UDP: those of a trunk with ``udp_to_tcp: try`` go by TCP first (RFC 3261 §18.1.1).

A first INVITE that is so large by itself goes by TCP as a whole, with its call (inviting.py). Here are the requests
inside a call and what only its credentials make large: the call stays on UDP, and its Contact names that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_router.b2bua.trunks.leaving import listener_for
from edge_router.sip.detour import as_said_by
from edge_router.sip.timers import T2

if TYPE_CHECKING:
    from edge_router.b2bua.trunks.endpoint import Endpoint
    from edge_router.b2bua.trunks.live_trunk import LiveTrunk
    from edge_router.net.address import Address
    from edge_router.net.listener import Listener
    from edge_router.sip.transaction import ClientTransaction, ClientUser, Transport


def send_large(
    endpoint: Endpoint,
    trunk: LiveTrunk,
    method: str,
    branch: str,
    message: bytes,
    transport: Transport,
    address: Address,
    user: ClientUser,
) -> ClientTransaction:
    """Sends a request of more than 1,300 octets, made for ``transport``: by TCP first if that is UDP's.

    By UDP again where nothing was heard in half the trunk's ``connect_timeout``, so that an INVITE has the other half.
    """
    tcp = _tcp_instead(endpoint, trunk, transport, address)
    if tcp is None:
        return endpoint.transactions.send(method, branch, message, transport, address, user)
    patience = min(trunk.trunk.connect_timeout / 2, T2)
    return endpoint.transactions.send_by_tcp_first(method, branch, message, tcp, address, user, transport, patience)


def send_large_ack(endpoint: Endpoint, trunk: LiveTrunk, ack: bytes, transport: Transport, address: Address) -> None:
    """Sends the ACK of a 2xx so. Nobody answers it: where it hasn't come the 2xx comes again, and is ACKed by UDP."""
    tcp = _tcp_instead(endpoint, trunk, transport, address)
    if tcp is None or not tcp.send(as_said_by(tcp, transport, ack), address):
        transport.send(ack, address)


def _tcp_instead(endpoint: Endpoint, trunk: LiveTrunk, transport: Transport, address: Address) -> Listener | None:
    if transport.reliable or not trunk.trunk.udp_to_tcp:
        return None
    return listener_for(endpoint.listeners, "tcp", address[0])
