"""The listeners of a configuration, none of them open yet."""

from collections.abc import Mapping

from edge_router.config.models import Config, Listen
from edge_router.net.stream import StreamListener
from edge_router.net.udp import UdpListener


def listeners_of(config: Config) -> Mapping[str, UdpListener | StreamListener]:
    """Give the listeners by name."""
    return {listen.name: _listener(listen) for listen in config.listen}


def _listener(listen: Listen) -> UdpListener | StreamListener:
    advertise = str(listen.advertise) if listen.advertise is not None else None
    make = UdpListener if listen.transport == "udp" else StreamListener
    return make(listen.name, listen.address.host, listen.address.port, advertise)
