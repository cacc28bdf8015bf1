"""The listeners of a configuration, none of them open yet."""

from collections.abc import Callable, Mapping
from pathlib import Path as FilePath

from edge_router.config.files import tls_files
from edge_router.config.models import Config, Listen
from edge_router.net.address import Address
from edge_router.net.security import Expected, Security
from edge_router.net.stream import StreamListener
from edge_router.net.udp import UdpListener


def listeners_of(config: Config) -> Mapping[str, UdpListener | StreamListener]:
    """Give the listeners by name."""
    return {listen.name: _listener(listen) for listen in config.listen}


def _listener(listen: Listen) -> UdpListener | StreamListener:
    advertise = str(listen.advertise) if listen.advertise is not None else None
    host, port = listen.address
    if listen.transport == "udp":
        return UdpListener(listen.name, host, port, advertise)
    return StreamListener(listen.name, host, port, advertise, listen.transport)


def securities_of(
    config: Config, configuration: str | FilePath, expected: Callable[[Address], Expected]
) -> dict[str, Security]:
    """Give what the TLS listeners show, by name, as the files have it now; raises OSError.

    `expected` says who should be at an address that is connected to.
    """
    found = {listen.name: tls_files(listen, configuration) for listen in config.listen}
    return {name: Security(files, expected) for name, files in found.items() if files is not None}
