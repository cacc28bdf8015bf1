"""Redirecting a caller: a 302 whose Contacts are the targets of a trunk (RFC 3261 §8.3, §20.10)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge_router.b2bua.call import Call
    from edge_router.b2bua.incoming import Incoming
    from edge_router.b2bua.live_trunk import LiveTrunk
    from edge_router.dialplan.peer import DialPeer


def redirect(call: Call, incoming: Incoming, peer: DialPeer, trunk: LiveTrunk) -> None:
    """Sends the caller away; there is no outgoing leg."""
    contacts = contacts_of(incoming, peer, trunk, call.router.wheel.now)
    call.record.target = contacts[0]
    lines = "".join(f"Contact: <{uri}>;q={max(10 - place, 0) / 10:.1f}\r\n" for place, uri in enumerate(contacts))
    call.refuse(302, "Moved Temporarily", "redirected", lines)


def contacts_of(incoming: Incoming, peer: DialPeer, trunk: LiveTrunk, now: float) -> list[str]:
    """The URIs that lead a caller to a dial-peer, best first: its ``refer_uri``, or the trunk's targets."""
    if peer.refer_uri is not None:
        return [incoming.fill(peer.refer_uri)]
    user = incoming.user_at(peer)
    targets = trunk.targets_to_try(now) or trunk.last_resort()
    return [f"sip:{user}@{target.place}" if user else f"sip:{target.place}" for target in targets]
