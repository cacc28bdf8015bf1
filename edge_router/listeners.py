"""The listeners of a running router: opened and closed together, shown their certificates, and read for the metrics."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from edge_router.config.listening import listeners_of
from edge_router.net.stream import StreamListener, make_room_for_connections
from edge_router.net.udp import UdpListener
from edge_router.telemetry.connection_metrics import ConnectionReading

if TYPE_CHECKING:
    from edge_router.b2bua.router import Router
    from edge_router.config.models import Config
    from edge_router.net.security import Security


class Listeners:
    """The listeners of a configuration, ``by_name``; a reload changes none of them, but it may their certificates."""

    def __init__(self, config: Config) -> None:
        self.by_name: Final = listeners_of(config)

    def open(self, loop: asyncio.AbstractEventLoop, router: Router, securities: Mapping[str, Security]) -> None:
        """Takes their addresses; raises OSError where one can't be had."""
        self.secure(securities)
        for listener in self.by_name.values():
            if isinstance(listener, UdpListener):
                listener.open(loop, router.receive)
            else:
                listener.open(loop, router)
        if any(listener.reliable for listener in self.by_name.values()):
            make_room_for_connections()

    def close(self, loop: asyncio.AbstractEventLoop) -> None:
        """Gives the addresses back, and ends all connections."""
        for listener in self.by_name.values():
            listener.close(loop)

    def secure(self, securities: Mapping[str, Security]) -> None:
        """Shows these certificates from now on; connections that are there go on with theirs."""
        for name, security in securities.items():
            listener = self.by_name[name]
            if isinstance(listener, StreamListener):
                listener.security = security

    @property
    def in_words(self) -> str:
        """What is listened on, for the log."""
        return ", ".join(f"{each.name} {each.transport} {each.host}:{each.port}" for each in self.by_name.values())

    @property
    def unsent(self) -> dict[str, int]:
        """How many messages could not be sent since the start, by what they were."""
        listeners = self.by_name.values()
        return {
            "unsent datagram": sum(each.unsent for each in listeners if not each.reliable),
            "unsent on a connection": sum(each.unsent for each in listeners if each.reliable),
        }

    @property
    def connected(self) -> int:
        """How many connections there were since the start."""
        return sum(each.accepted + each.opened for each in self._streams())

    def readings(self) -> Iterator[ConnectionReading]:
        """For the metrics: the connections of each listener that has any."""
        for each in self._streams():
            yield ConnectionReading(each.name, *each.counts(), each.accepted, each.opened, each.refused, each.ended)

    def _streams(self) -> Iterator[StreamListener]:
        return (each for each in self.by_name.values() if isinstance(each, StreamListener))
