"""Why a dial-peer isn't tried for a call now. Nothing is counted by asking."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from edge_router.b2bua.incoming import Incoming
    from edge_router.b2bua.live_trunk import LiveTrunk
    from edge_router.b2bua.routing import Routing
    from edge_router.dialplan.peer import DialPeer
    from edge_router.policy.decision import Decision

DOWN: Final = "down"
UNRESOLVED: Final = "unresolved"
OFF: Final = "switched off"
SHARE: Final = "over its share"
VISITED: Final = "visited"
"""Why a dial-peer is skipped: none of its targets is up, none of their names leads anywhere, a person said so, its
policy has sent enough calls there, or this very call was there already."""
PUT_OFF: Final = frozenset({DOWN, SHARE, VISITED})
"""What is tried all the same, bridged, when all else has failed."""
_NOWHERE: Final[frozenset[str]] = frozenset()


def visited(routing: Routing, decision: Decision, incoming: Incoming, now: float) -> frozenset[str]:
    """The dial-peers that this call may come back from, where its policy doesn't place it there again."""
    if decision.policy is None or decision.policy in routing.revisiting:
        return _NOWHERE
    visits, came_by = routing.ledger.visits, incoming.facts.trunk
    sent_on = incoming.facts.session_id or incoming.facts.retargeted
    from_cloud = routing.cloud is not None and came_by in routing.cloud.trunks
    found = []
    for hop in (*decision.to, *decision.otherwise):
        peer, trunk = routing.outgoing(hop.peer)
        from_there = from_cloud or trunk.name == came_by
        if (sent_on or from_there) and visits.returns(incoming.who, peer.name, from_there, now):
            found.append(peer.name)
    return frozenset(found) if found else _NOWHERE


def closed(
    routing: Routing,
    decision: Decision,
    incoming: Incoming,
    peer: DialPeer,
    trunk: LiveTrunk,
    before: frozenset[str],
    now: float,
) -> str:
    """Why a dial-peer isn't tried now, "" if it is; ``before`` are those that were visited.

    An emergency call is sent wherever somebody may be.
    """
    missing = incoming.missing(peer)
    if missing:
        return missing
    if not incoming.facts.emergency:
        if routing.switched_off(trunk.name):
            return OFF
        if peer.name in before:
            return VISITED
        if routing.over_share(decision.policy, peer.name, trunk.name, now):
            return SHARE
    if trunk.up:
        return ""
    return DOWN if trunk.targets else UNRESOLVED


def in_words(peer: str, why: str) -> str:
    """Say of a dial-peer why it isn't tried."""
    return f"{peer} is {why}" if why != VISITED else f"the call was at {peer} before"
