"""IP addresses as the sockets use them."""

from __future__ import annotations

import socket
from ipaddress import ip_address

Address = tuple[str, int]
"""IP address as text, without brackets, and port."""


def family_of(host: str) -> socket.AddressFamily:
    """The address family of an IP address; raises ValueError where it is none."""
    return socket.AF_INET6 if ip_address(host).version == 6 else socket.AF_INET


def is_wildcard(host: str) -> bool:
    """Whether it stands for every address of the machine."""
    return ip_address(host).is_unspecified


def host_of(place: str) -> str:
    """The host of ``host``, ``host:port``, ``[::1]`` or ``[::1]:5060``, without brackets."""
    return place[1:].partition("]")[0] if place.startswith("[") else place.partition(":")[0]
