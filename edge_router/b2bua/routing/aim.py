"""Where a URI leads that somebody would have our calls sent to: ours to say, and so but two ways are open.

A target of a trunk leads to that trunk, one of our own addresses to the dial plan; any other place is refused. It is
asked for a REFER that comes in, and for the Contacts of a target's 3xx.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from edge_router.b2bua.messages.screening import Refusal
from edge_router.dialplan.peer import by_trunk
from edge_router.policy.decision import Decision, Hop
from edge_router.sip.uri import SipUri, TelUri, host_port, parse_uri

if TYPE_CHECKING:
    from edge_router.b2bua.routing.routing import Routing
    from edge_router.b2bua.trunks.endpoint import Endpoint
    from edge_router.b2bua.trunks.live_trunk import LiveTrunk
    from edge_router.dialplan.trunk import Target

ELSEWHERE: Final = Refusal(403, "Neither an address of ours nor a target of a trunk")


class Aim:
    """A trunk, and which of its targets was named: the URI of a name, the label of an address."""

    __slots__ = ("target", "trunk")

    def __init__(self, trunk: LiveTrunk, target: str) -> None:
        self.trunk = trunk
        self.target = target

    def decision(self, uri: SipUri | TelUri) -> Decision:
        """To send a call there by no dial-peer, since this URI says so."""
        name = self.trunk.name
        because = f"{uri.host_port if isinstance(uri, SipUri) else uri} is a target of trunk {name}"
        return Decision(None, None, "bridge", to=(Hop(by_trunk(name), "bridge"),), because=because)


def aim_of(endpoint: Endpoint, routing: Routing, came_by: str, uri: SipUri | TelUri) -> Aim | Refusal | None:
    """The target that is meant; None where the dial plan is to decide; or why it goes nowhere.

    ``came_by`` is the trunk of who would have it sent there: where several have that target it is that one.
    """
    if isinstance(uri, TelUri):
        return None
    aim = aim_at(routing, uri, came_by)
    return aim if aim is not None or is_here(endpoint, uri) else ELSEWHERE


def aim_at(routing: Routing, uri: SipUri, own: str = "") -> Aim | None:
    """The target at a URI's host and port, by its address or by the name that it is written with.

    Where several are there it is one of the transport that the URI asks for, if it asks for one, and then one of the
    trunk ``own`` before any other.
    """
    mine = routing.trunks.get(own)
    found: Aim | None = None
    asked_for = _transport_of(uri)
    for trunk in (*([mine] if mine is not None else ()), *routing.trunks.values()):
        for aim, transport in _aims(trunk, uri):
            if transport == asked_for or not asked_for:
                return aim
            found = found or aim
    return found


def _aims(trunk: LiveTrunk, uri: SipUri) -> Iterator[tuple[Aim, str]]:
    """The targets of a trunk that a URI may mean, and their transports, "" where DNS says that."""
    place = uri.host, uri.port or usual_port(uri)
    for target in trunk.targets:
        if target.address == place:
            yield Aim(trunk, target.label), target.transport
    for target in trunk.trunk.targets:
        written = _written(target, uri) if target.named else None
        if written is not None:
            yield Aim(trunk, target.uri), _transport_of(written)


def first_of(targets: Sequence[Target], aim: str) -> Sequence[Target]:
    """These targets, with that which was named before the others."""
    return sorted(targets, key=lambda each: aim not in (each.uri, each.label))


def is_here(endpoint: Endpoint, uri: SipUri) -> bool:
    """Whether a URI names one of our listeners, or our host and no port, or the usual one."""
    place = host_port(uri.host, uri.port or usual_port(uri))
    return any(
        place == each.advertised.lower() or (uri.host == each.advertised_host.lower() and uri.port in (None, 5060))
        for each in endpoint.listeners.values()
    )


def usual_port(uri: SipUri) -> int:
    """The port of a URI that names none."""
    return 5061 if uri.scheme == "sips" or uri.params.get("transport", "").lower() == "tls" else 5060


def _transport_of(uri: SipUri) -> str:
    """The transport that a URI asks for, "" for none."""
    return "tls" if uri.scheme == "sips" else uri.params.get("transport", "").lower()


def _written(target: Target, uri: SipUri) -> SipUri | None:
    """How a target is written, if a URI says its name, with the same port; without one DNS says it for both."""
    written = parse_uri(target.uri)
    if not isinstance(written, SipUri) or uri.host.removesuffix(".") != target.name:
        return None
    same = uri.port == written.port or (uri.port or usual_port(uri)) == (written.port or usual_port(written))
    return written if same else None
