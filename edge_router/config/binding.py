"""Whether this machine can listen where the configuration says: what no look at the file can tell."""

import errno
import socket
from collections.abc import Iterator

from edge_router.config.addresses import Address
from edge_router.config.faults import Fault, Kind, Path
from edge_router.config.loading import Examined
from edge_router.config.outline import Finding

_WORDS = {
    errno.EADDRINUSE: "is in use: another program listens there, or a router that is running; stop it, or take another",
    errno.EADDRNOTAVAIL: "is no address of this machine; give one that it has",
    errno.EACCES: "may not be taken without more rights; take a port from 1024 on",
}


def bind_faults(examined: Examined) -> list[Fault]:
    """Try to listen on each address for a moment; give a fault for each where that fails."""
    return [
        examined.fault(Finding(path, f"{address} {why}", Kind.ADDRESS))
        for path, address, kind in _addresses(examined)
        if (why := _refusal(address, kind)) is not None
    ]


def _addresses(examined: Examined) -> Iterator[tuple[Path, Address, socket.SocketKind]]:
    if examined.config is None:
        return
    for index, listen in enumerate(examined.config.listen):
        yield ("listen", index, "address"), listen.address, socket.SOCK_DGRAM
    if examined.config.http is not None:
        yield ("http", "address"), examined.config.http.address, socket.SOCK_STREAM


def _refusal(address: Address, kind: socket.SocketKind) -> str | None:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    try:
        with socket.socket(family, kind) as probe:
            if kind is socket.SOCK_STREAM:
                # As the server itself does: connections that were closed a moment ago do not count.
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        return _WORDS.get(error.errno or 0, f"can't be listened on: {error.strerror}")
    return None
