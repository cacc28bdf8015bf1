"""TCP sockets as every connection wants them."""

from __future__ import annotations

import socket
from typing import Final

from edge_router.net.address import family_of

# A peer that has vanished without a word is found out within two minutes, or half of one while something is unacked.
_OPTIONS: Final = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 60),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 15),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 4),
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
)
_UNACKED: Final = 30_000  # ms


def socket_at(host: str, port: int, peer: str = "") -> socket.socket:
    """Gives a socket bound there, or for that peer anywhere; raises OSError."""
    family = family_of(host or peer)
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        if port:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        for option in _OPTIONS:
            sock.setsockopt(*option)
        sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, "TCP_USER_TIMEOUT", 18), _UNACKED)
        if host:
            sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    return sock
