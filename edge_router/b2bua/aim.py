"""Where a URI leads that somebody would have our calls sent to: ours to say, and so but two ways are open.

A target of a trunk leads to that trunk, one of our own addresses to the dial plan; any other place is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge_router.b2bua.screening import Refusal
from edge_router.dialplan.peer import by_trunk
from edge_router.policy.decision import Decision, Hop
from edge_router.sip.uri import SipUri, TelUri, host_port

if TYPE_CHECKING:
    from edge_router.b2bua.router import Router

_ELSEWHERE: Final = Refusal(403, "Neither an address of ours nor a target of a trunk")


def aim_of(router: Router, came_by: str, uri: SipUri | TelUri) -> Decision | Refusal | None:
    """The decision to send a call to a trunk; None where the dial plan is to decide; or why it goes nowhere.

    ``came_by`` is the trunk of who would have it sent there: where several have that target it is that one.
    """
    if isinstance(uri, TelUri):
        return None
    trunk = router.routing.trunk_at(uri, came_by)
    if trunk:
        to = (Hop(by_trunk(trunk), "bridge"),)
        return Decision(None, None, "bridge", to=to, because=f"{uri.host_port} is a target of trunk {trunk}")
    return None if is_here(router, uri) else _ELSEWHERE


def is_here(router: Router, uri: SipUri) -> bool:
    """Whether a URI names one of our listeners."""
    place, host = uri.host_port, host_port(uri.host)
    return any(
        place == each.advertised or (host == each.advertised_host and uri.port in (None, 5060))
        for each in router.listeners.values()
    )
