"""Which trunk a request comes from, by the listener it came in on and the address it came from.

An address that no trunk names gets no answer at all, so this is asked of every datagram: one dictionary look-up for an
address that was seen before. It must not know what a trunk is beyond its name.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, NamedTuple

Network = IPv4Network | IPv6Network

MAX_REMEMBERED: Final = 4096
"""How many addresses a listener remembers the trunk of; a stranger can send from any number of them."""


class SourceError(ValueError):
    """A source that is neither an address nor a network; the text says what would be right."""


class SourceConflict(ValueError):
    """Two trunks name the same network on one listener."""

    def __init__(self, first: str, second: str, network: Network, listen: str) -> None:
        self.first, self.second, self.network, self.listen = first, second, network, listen
        source = network.network_address if network.num_addresses == 1 else network
        super().__init__(
            f'{source} is a source of trunk "{first}" and of trunk "{second}" on listener "{listen}";'
            f" let one of them have it, or give each a listener of its own"
        )


class Claim(NamedTuple):
    """A trunk's word that calls from there are its own, on one listener or (None) on every one."""

    listen: str | None
    network: str
    trunk: str


def parse_source(text: str) -> Network:
    """Reads an address or a network such as 192.0.2.0/24. Raises SourceError."""
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        raise SourceError(f'"{text}" is no address or network; write one such as 192.0.2.7 or 192.0.2.0/24') from None
    if "/" in text and network.network_address != ip_address(text.partition("/")[0]):
        raise SourceError(f'"{text}" begins in the middle of a network; write {network}, or the address alone')
    if isinstance(network, IPv6Network) and network.network_address.ipv4_mapped and network.prefixlen >= 96:
        return IPv4Network((network.network_address.ipv4_mapped, network.prefixlen - 96))
    return network


def conflicts(listeners: Iterable[str], claims: Iterable[Claim]) -> list[SourceConflict]:
    """Every source that two trunks claim on one listener; two trunks that share several listeners are named once."""
    found = {
        (conflict.first, conflict.second, conflict.network): conflict
        for conflict in reversed(_by_listener(listeners, claims)[1])
    }
    return list(reversed(found.values()))


class SourceTable:
    """All sources of all trunks, by listener. Raises SourceError, and SourceConflict for the first of `conflicts`."""

    __slots__ = ("_listeners",)

    def __init__(self, listeners: Iterable[str], claims: Iterable[Claim]) -> None:
        networks, clashes = _by_listener(listeners, claims)
        if clashes:
            raise clashes[0]
        self._listeners: Final = {listener: _Sources(owners) for listener, owners in networks.items()}

    def trunk_of(self, listen: str, host: str) -> str | None:
        """The trunk that a request from this IP address comes from: the longest prefix wins. None for a stranger."""
        sources = self._listeners.get(listen)
        if sources is None:
            return None
        try:
            return sources.remembered[host]
        except KeyError:
            return sources.look_up(host)


class _Sources:
    """The sources of one listener: those that are one address at hand, networks by their prefix, longest first."""

    __slots__ = ("_addresses", "_prefixes", "remembered")

    def __init__(self, owners: dict[Network, str]) -> None:
        self._addresses: Final = {
            str(network.network_address): trunk for network, trunk in owners.items() if network.num_addresses == 1
        }
        self.remembered: dict[str, str | None] = {**self._addresses}
        prefixes: dict[tuple[int, int], dict[int, str]] = {}
        for network, trunk in owners.items():
            host_bits = network.max_prefixlen - network.prefixlen
            prefixes.setdefault((network.version, host_bits), {})[int(network.network_address) >> host_bits] = trunk
        self._prefixes: Final = sorted(prefixes.items())

    def look_up(self, host: str) -> str | None:
        """The trunk of an address that was not seen lately, which is then remembered."""
        trunk = self._owner(host)
        if len(self.remembered) >= MAX_REMEMBERED + len(self._addresses):
            self.remembered = {**self._addresses}
        self.remembered[host] = trunk
        return trunk

    def _owner(self, host: str) -> str | None:
        try:
            address = ip_address(host)
        except ValueError:
            return None
        if isinstance(address, IPv6Address) and address.ipv4_mapped:
            address = address.ipv4_mapped
        for (version, host_bits), networks in self._prefixes:
            if version == address.version and int(address) >> host_bits in networks:
                return networks[int(address) >> host_bits]
        return None


def _by_listener(
    listeners: Iterable[str], claims: Iterable[Claim]
) -> tuple[dict[str, dict[Network, str]], list[SourceConflict]]:
    """The trunk that owns each network, by listener, and where a second one claims it too."""
    owners: dict[str, dict[Network, str]] = {listener: {} for listener in listeners}
    clashes: list[SourceConflict] = []
    for claim in claims:
        network = parse_source(claim.network)
        for listener in owners if claim.listen is None else (claim.listen,):
            owner = owners[listener].setdefault(network, claim.trunk)
            if owner != claim.trunk:
                clashes.append(SourceConflict(owner, claim.trunk, network, listener))
    return owners, clashes
