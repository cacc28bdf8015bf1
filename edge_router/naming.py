"""The DNS names of a configuration: followed by the resolver, and put in force in what calls are routed by.

A name may be a target, which then is as many as it has addresses, or a source. Where an answer changes, the trunks
learn where they lead now, and the table of sources is made anew; calls in progress go on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from ipaddress import ip_address
from math import isfinite
from typing import TYPE_CHECKING, Final

from edge_router.admission.sources import SourceTable
from edge_router.config.addresses import TRANSPORTS, dns_name, is_name, transport_said
from edge_router.config.build import claims, uris_of
from edge_router.dialplan.hunting import Located
from edge_router.net.names import Kind, Name, Place
from edge_router.net.resolver import Resolver
from edge_router.telemetry.name_metrics import NameReading, NamesReading

if TYPE_CHECKING:
    from edge_router.b2bua.routing.routing import Routing
    from edge_router.b2bua.trunks.live_trunk import LiveTrunk
    from edge_router.config.models import Config, Listen
    from edge_router.config.trunk_model import Trunk
    from edge_router.dialplan.trunk import Register
    from edge_router.sip.uri import SipUri

PATIENCE: Final = 2.0
"""Seconds that a start or a reload waits for DNS at most: after that, what it doesn't know is down until it does."""
_KINDS: Final[dict[bool, Kind]] = {False: "A", True: "AAAA"}


class Naming:
    """Follows the names of a configuration. ``on_change`` is called when one of them leads elsewhere."""

    def __init__(self, on_change: Callable[[], None]) -> None:
        self._resolver = Resolver(on_change)

    async def follow(self, *configs: Config) -> None:
        """Follows the names of these configurations, and gives DNS some time to say where they lead.

        The last one says who is asked.
        """
        resolver = configs[-1].resolver
        servers = [(server.host, server.port) for server in resolver.servers] if resolver is not None else []
        await self._resolver.follow({name for config in configs for name in _names(config)}, servers, PATIENCE)

    async def close(self) -> None:
        """Asks no more."""
        await self._resolver.close()

    def applied(self, config: Config, routing: Routing) -> Routing:
        """What calls are routed by, with the names where they lead now; the trunks are told, too."""
        names = _names(config)
        if not names:
            return routing
        for name, live in routing.trunks.items():
            if live.trunk.has_names:
                self._locate(live, config.trunks[name], config)
            if live.trunk.register is not None and live.trunk.register.registrar.named:
                self._locate_registrar(live, live.trunk.register, config.trunks[name], config)
        addresses: dict[str, set[str]] = {}
        for each in names:
            addresses.setdefault(each.host, set()).update(place.host for place in self._resolver.of(each).places)
        listeners = (listen.name for listen in config.listen)
        owned = {host: sorted(found) for host, found in addresses.items()}
        return replace(routing, sources=SourceTable(listeners, claims(config, owned)))

    def reading(self) -> NamesReading:
        """For the metrics: of each name how many addresses it has, and for how many seconds that is known."""
        now = time.monotonic()
        names: dict[str, NameReading] = {}
        for name, standing in self._resolver.all():
            age = now - standing.known_at if isfinite(standing.known_at) else None
            before = names.get(name.host)
            if before is None or len(standing.places) > before.addresses:
                names[name.host] = NameReading(len(standing.places), age)
        return NamesReading(names, self._resolver.failures)

    @property
    def degraded(self) -> str:
        """What is wrong with names, in words; "" where all lead somewhere and DNS answers."""
        troubles = {name.host: standing.trouble for name, standing in self._resolver.all() if standing.trouble}
        return "; ".join(f"name {host}: {trouble}" for host, trouble in sorted(troubles.items()))

    def _locate(self, live: LiveTrunk, entry: Trunk, config: Config) -> None:
        """Tells a trunk where its names lead, and what is wrong with them."""
        located: dict[str, list[Located]] = {}
        trouble: dict[str, str] = {}
        for target, written in zip(live.trunk.targets, entry.targets, strict=True):
            if target.named:
                standing = self._resolver.of(_name_of(written.uri, entry, config))
                listeners = _listeners(config, entry)
                elsewhere = [place for place in standing.places if _is_elsewhere(place, config)]
                places = [place for place in elsewhere if any(_reaches(each, place) for each in listeners)]
                located[target.uri] = [
                    Located(
                        replace(target, host=place.host, port=place.port, transport=place.transport),
                        place.priority,
                        place.weight,
                    )
                    for place in places
                ]
                unusable = ""
                if len(elsewhere) < len(standing.places):
                    unusable = "it leads to ourselves, or to no one machine"
                elif len(places) < len(elsewhere):
                    unusable = "it leads to where no listener reaches"
                trouble[target.uri] = standing.trouble or unusable
        live.locate(located, trouble)

    def _locate_registrar(self, live: LiveTrunk, register: Register, entry: Trunk, config: Config) -> None:
        """Tells a trunk where its registrar is; the first place is the preferred one."""
        listeners, uri = _listeners(config, entry), uris_of(entry)[-1]
        live.registrars = [
            replace(register.registrar, host=place.host, port=place.port, transport=place.transport)
            for place in self._resolver.of(_name_of(uri, entry, config)).places
            if _is_elsewhere(place, config) and any(_reaches(each, place) for each in listeners)
        ]


def _names(config: Config) -> set[Name]:
    """All names of a configuration, each with what its place wants to know of it."""
    found = set()
    for trunk in config.trunks.values():
        families = _families(_listeners(config, trunk))
        found |= {Name(source, 5060, "", families) for source in trunk.sources if is_name(source)}
        found |= {_name_of(uri, trunk, config) for uri in uris_of(trunk) if is_name(uri.host)}
    return found


def _name_of(uri: SipUri, trunk: Trunk, config: Config) -> Name:
    """What is wanted of a target's name: the transport that its URI says, else those that the listeners speak.

    A sips URI that says no transport is asked for by NAPTR, too, but nothing else than TLS will do (RFC 3263 §4.1).
    """
    said = transport_said(uri)
    listeners = [listen for listen in _listeners(config, trunk) if said in ("", listen.transport)]
    spoken = tuple(sorted({listen.transport for listen in listeners}, key=TRANSPORTS.index))
    transport = said if "transport" in uri.params else ""
    return Name(dns_name(uri.host), uri.port, transport, _families(listeners), spoken)


def _is_elsewhere(place: Place, config: Config) -> bool:
    """Whether a call that is sent there can't come back from ourselves: what the file can't say, DNS mustn't either."""
    address = ip_address(place.host)
    ours = {(listen.transport, listen.address.host, listen.address.port) for listen in config.listen}
    return not (address.is_unspecified or address.is_multicast or (place.transport, place.host, place.port) in ours)


def _reaches(listen: Listen, place: Place) -> bool:
    return listen.transport == place.transport and (":" in listen.address.host) == (":" in place.host)


def _families(listeners: Iterable[Listen]) -> tuple[Kind, ...]:
    """The kinds of address that can be reached from one of these."""
    return tuple(sorted({_KINDS[":" in listen.address.host] for listen in listeners}))


def _listeners(config: Config, trunk: Trunk) -> list[Listen]:
    """Those that a trunk's calls may leave by."""
    return [listen for listen in config.listen if trunk.listen in (None, listen.name)]
