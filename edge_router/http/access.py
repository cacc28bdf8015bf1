"""Who may ask what over HTTP.

From this machine everything is free, unless a proxy says that it speaks for someone else, or the Host is one that we
do not listen on (a browser page that was led here by its own name, DNS rebinding). Others have the open paths only.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address

LOCAL_NAMES = frozenset({"localhost", "ip6-localhost"})


def may_ask(path: str, peer: str, headers: Mapping[str, str], open_paths: frozenset[str], listening: str) -> bool:
    """Whether ``peer`` (an IP address, "" if unknown) may ask for ``path``; ``listening`` is the address we listen on.

    ``headers`` must find names in any case.
    """
    return path in open_paths or (
        is_loopback(peer) and not speaks_for_another(headers) and is_ours(headers.get("Host", ""), listening)
    )


def is_loopback(peer: str) -> bool:
    """Whether the peer is on this machine; IPv4 in IPv6 clothes counts as IPv4."""
    address = _address(peer)
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return address is not None and address.is_loopback


def speaks_for_another(headers: Mapping[str, str]) -> bool:
    """Whether a proxy passed this on: Forwarded (RFC 7239) or any of its X- forerunners is there."""
    return any(name.lower() == "forwarded" or name.lower().startswith("x-forwarded-") for name in headers)


def is_ours(host: str, listening: str) -> bool:
    """Whether a Host header names this machine: a loopback address or name, or the address we listen on."""
    name = _without_port(host)
    return name.lower() in LOCAL_NAMES or name == listening or is_loopback(name)


def _without_port(host: str) -> str:
    """The host of ``host[:port]``, without the brackets of IPv6."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.rpartition(":")[0] if host.count(":") == 1 else host


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text.partition("%")[0])
    except ValueError:
        return None
