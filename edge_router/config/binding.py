"""Whether this machine can listen where the configuration says: what no look at the file can tell."""

import errno
import socket
from collections.abc import Iterator
from typing import Final

from edge_router.config.addresses import Address
from edge_router.config.addresses import address as read_address
from edge_router.config.checks import readable
from edge_router.config.document import Document
from edge_router.config.faults import Fault, Kind, Path
from edge_router.config.finding import Finding
from edge_router.config.loading import Examined
from edge_router.config.outline import maps

_IN_USE: Final = "is in use: another program listens there, or a router that is running; stop it, or take another"
_IN_USE_BESIDE: Final = "is in use: as it should be if by the router that runs; else stop who has it, or take another"
_WORDS: Final = {
    errno.EADDRNOTAVAIL: "is no address of this machine; give one that it has",
    errno.EACCES: "may not be taken without more rights; take a port from 1024 on",
}


def bind_faults(examined: Examined, *, beside_router: bool = False) -> list[Fault]:
    """Try to listen on each address for a moment; give a fault for each where that fails.

    With ``beside_router`` an address that is in use is a warning: it may be this very router that has it. Addresses
    are tried where they can be read, whatever else is wrong with the file.
    """
    faults = []
    for path, address, kind in _addresses(examined.document):
        refusal = _refusal(address, kind)
        if refusal is None:
            continue
        if refusal.errno == errno.EADDRINUSE:
            why, severity = (_IN_USE_BESIDE, Kind.WARNING) if beside_router else (_IN_USE, Kind.ADDRESS)
        else:
            why = _WORDS.get(refusal.errno or 0, f"can't be listened on: {refusal.strerror}")
            severity = Kind.ADDRESS
        faults.append(examined.fault(Finding(path, f"{address} {why}", severity)))
    return faults


def _addresses(document: Document) -> Iterator[tuple[Path, Address, socket.SocketKind]]:
    listeners = maps(document.get(("listen",)), ("listen",))
    servers = maps(document.get(("http",)), ("http",))
    for entries, usual in ((listeners, socket.SOCK_DGRAM), (servers, socket.SOCK_STREAM)):
        for path, entry in entries:
            kind = socket.SOCK_STREAM if str(entry.get("transport")) in ("tcp", "tls") else usual
            for key in ("address", "webhook_address"):
                found = readable(read_address, entry.get(key))
                if found is not None:
                    yield (*path, key), found, kind


def _refusal(address: Address, kind: socket.SocketKind) -> OSError | None:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    try:
        with socket.socket(family, kind) as probe:
            if kind is socket.SOCK_STREAM:
                # As the server itself does: connections that were closed a moment ago do not count.
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        return error
    return None
