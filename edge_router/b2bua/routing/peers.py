"""Who is at the other end: which trunk he is, who he should be, and by which connection he may be called."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_router.b2bua.trunks.leaving import expected_of
from edge_router.net.security import Expected, canonical, fits
from edge_router.sip.headers import find_param, first_of

if TYPE_CHECKING:
    from edge_router.b2bua.routing.routing import Routing
    from edge_router.b2bua.trunks.live_trunk import LiveTrunk
    from edge_router.net.address import Address
    from edge_router.net.listener import Listener
    from edge_router.sip.transaction_layer import Arrival


def trunk_at(routing: Routing, host: str, names: frozenset[str], listen: str) -> str | None:
    """The trunk that a peer is: by a name of his certificate (RFC 5922), else by his address. None for a stranger."""
    for name, live in routing.trunks.items() if names else ():
        trunk = live.trunk
        if trunk.listen in (None, listen) and any(fits(each, names) for each in trunk.tls_names):
            return name
    return routing.sources.trunk_of(listen, host)


def expected_at(routing: Routing, address: Address) -> Expected:
    """Who should be at an address that is connected to by TLS, by the trunks that have a target there.

    A target that is a name must show that name, whichever address DNS has given (RFC 5922 §7.3). Elsewhere, where a
    Contact leads, it may be whoever has the name of any trunk's certificate.
    """
    asked_for = ""
    here: list[str] = []
    known: list[str] = []
    for live in routing.trunks.values():
        stated = live.trunk.tls_names
        known += stated
        for target in (*live.targets, *live.registrars):
            if target.transport != "tls":
                continue
            if target.address == address:
                should_be = expected_of(live.trunk, target)
                here += should_be.names
                asked_for = asked_for or should_be.asked_for
            if target.name and not stated:
                known.append(target.name)
    return Expected(asked_for, tuple(here or (canonical(address[0]), *known)))


def reuse(trunk: LiveTrunk, listener: Listener, arrival: Arrival) -> None:
    """Who says so is called by the connection that he has opened (RFC 5923), where he is a target of his trunk.

    Over TCP that is no more than his word, so nobody but the trunk's own address has it; whoever else can speak from
    there needs no alias to be taken for it.
    """
    if find_param(first_of(arrival.request.first["via"]).partition(";")[2], "alias") is None:
        return
    source = arrival.source
    port = arrival.via.port or (5061 if listener.transport == "tls" else 5060)
    for target in trunk.targets:
        if target.address == (source[0], port) and target.transport == listener.transport:
            listener.alias(source, port)
