"""Redirecting a caller: a 302 whose Contacts are the targets of a trunk (RFC 3261 §8.3, §20.10)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge_router.b2bua.messages.identity import uri_at
from edge_router.b2bua.set_up.correlation import with_correlation
from edge_router.sip.session_id import session_id_back

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge_router.b2bua.call.call import Call
    from edge_router.b2bua.messages.incoming import Incoming
    from edge_router.b2bua.trunks.live_trunk import LiveTrunk
    from edge_router.dialplan.peer import DialPeer
    from edge_router.dialplan.trunk import Target

_PREFERENCES: Final = ("1.0", "0.9", "0.8", "0.7", "0.6", "0.5", "0.4", "0.3", "0.2", "0.1", "0.0")


def redirect(call: Call, incoming: Incoming, peer: DialPeer, trunk: LiveTrunk) -> None:
    """Sends the caller away; there is no outgoing leg."""
    uris = contacts_of(call, incoming, peer, trunk)
    call.record.target = uris[0]
    lines = "".join(f"{line}\r\n" for line in contact_lines(uris))
    call.refuse(302, "Moved Temporarily", "redirected", lines + session_id_back(incoming.facts.session_id))


def contacts_of(call: Call, incoming: Incoming, peer: DialPeer, trunk: LiveTrunk) -> list[str]:
    """The URIs that lead a caller to a dial-peer, best first: its ``refer_uri``, or the trunk's targets."""
    user = incoming.user_at(peer, trunk.trunk)
    elsewhere = incoming.refer_uri(peer, trunk.trunk, user)
    now = call.router.wheel.now
    targets = trunk.targets_to_try(now) or trunk.last_resort(now) or trunk.trunk.targets
    return with_correlation(contacts(user, elsewhere, targets), call, incoming, trunk.trunk)


def contacts(user: str, elsewhere: str | None, targets: Sequence[Target]) -> list[str]:
    """The same of what is known of them: the user part to dial, the filled ``refer_uri``, the targets, best first."""
    if elsewhere is not None:
        return [elsewhere]
    return list(dict.fromkeys([_at_target(user, target) for target in targets]))  # a name once, not its addresses


def _at_target(user: str, target: Target) -> str:
    uri = uri_at(user, target.place) + target.params
    return f"sips{uri[3:]}" if target.secure else uri


def contact_lines(uris: Sequence[str]) -> list[str]:
    """The Contact headers of a 302, without line ends: the first URI is to be tried first."""
    return [f"Contact: <{uri}>;q={_PREFERENCES[min(place, 10)]}" for place, uri in enumerate(uris)]
