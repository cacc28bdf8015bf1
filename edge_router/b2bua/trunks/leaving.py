"""The listener that a call leaves by, and who should be where it goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge_router.net.security import Expected, canonical
from edge_router.net.stream import StreamListener

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edge_router.dialplan.trunk import Target, Trunk
    from edge_router.net.listener import Listener

LARGEST_BY_UDP: Final = 1_300
"""Octets of a request beyond which TCP should be tried where the path's MTU is unknown (RFC 3261 §18.1.1)."""


def leaving_by(listeners: Mapping[str, Listener], trunk: Trunk, target: Target, came_by: Listener) -> Listener:
    """The trunk's own, else the one that the call came in by if that reaches the target, else the first that does.

    Loading sees to it that there is one. Over TLS it is this listener toward whoever should be the target.
    """
    found = _leaving_by(listeners, trunk, target, came_by)
    if isinstance(found, StreamListener) and found.transport == "tls":
        return found.toward(expected_of(trunk, target))
    return found


def _leaving_by(listeners: Mapping[str, Listener], trunk: Trunk, target: Target, came_by: Listener) -> Listener:
    if trunk.listen is not None:
        return listeners[trunk.listen]
    if _reaches(came_by, target.transport, target.host):
        return listeners.get(came_by.name, came_by)
    return listener_for(listeners, target.transport, target.host) or came_by


def listener_for(listeners: Mapping[str, Listener], transport: str, host: str) -> Listener | None:
    """The first that speaks a transport and can reach a host: IPv4 or IPv6."""
    for each in listeners.values():
        if _reaches(each, transport, host):
            return each
    return None


def _reaches(listener: Listener, transport: str, host: str) -> bool:
    return listener.transport == transport and (":" in listener.host) == (":" in host)


def expected_of(trunk: Trunk, target: Target) -> Expected:
    """Who should be at a target of this trunk, whoever else may be at the same address."""
    stated = trunk.tls_names
    asked_for = target.name or next((each for each in stated if each[:1] != "*"), "")
    return Expected(asked_for, tuple(stated or (target.name or canonical(target.host),)), target.address)
