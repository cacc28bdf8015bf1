"""Where a call is sent, as the ledger has it: before it is, when it did not get there, and when it is over."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from edge_router.admission.visits import Identity
from edge_router.b2bua.numbers import calling_at
from edge_router.dialplan.number import normalise

if TYPE_CHECKING:
    from edge_router.b2bua.call import Call
    from edge_router.b2bua.incoming import Incoming
    from edge_router.b2bua.live_trunk import LiveTrunk
    from edge_router.dialplan.peer import DialPeer


class Placement(NamedTuple):
    """Where a call was sent, and what it is known by if it comes back."""

    dial_peer: str
    who: Identity
    in_cloud: bool


def place(call: Call, incoming: Incoming, peer: DialPeer, trunk: LiveTrunk, by: str, now: float) -> None:
    """Notes in the ledger that the call is sent to a dial-peer, before it is.

    Whoever has sent it, it is noted where that is the contact centre; elsewhere only for a policy. Nothing is kept
    of calls at the contact centre that nobody asks for: at thousands a second it is much.
    """
    decision, facts = call.record.decision, incoming.facts
    ledger, cloud = call.routing.ledger, call.routing.cloud
    in_cloud = cloud is not None and trunk.name in cloud.trunks
    if decision is None or (decision.policy is None and not in_cloud):
        return
    ledger.visits.note(incoming.who, peer.name, now)
    call.placed = Placement(peer.name, incoming.who, in_cloud)
    if cloud is not None and in_cloud and call.routing.counts_placed:
        queues = cloud.expecting(facts.service, decision.queues)
        calling = "" if facts.anonymous else calling_at(facts, peer, trunk.trunk)
        numbers = (normalise(incoming.user_at(peer, trunk.trunk)), facts.called_received)
        ledger.placed.placed(call.record.call_id, trunk.name, peer.name, queues, by, calling, numbers, now)


def failed_there(call: Call, now: float) -> None:
    """Notes in the ledger that the call didn't get to where it was sent."""
    placed, call.placed = call.placed, None
    if placed is not None:
        call.routing.ledger.visits.settle(placed.who, placed.dial_peer)
        if placed.in_cloud:
            call.routing.ledger.placed.failed(call.record.call_id, now)


def settle(call: Call, placed: Placement, outcome: str) -> None:
    """Notes in the ledger that the call is over; one that was sent away is elsewhere, and nobody will tell."""
    now, ledger = call.router.wheel.now, call.routing.ledger
    if outcome in ("redirected", "referred"):
        return
    if outcome != "answered" or call.record.method == "refer":  # who hung up before his REFER was accepted
        failed_there(call, now)
        return
    ledger.visits.settle(placed.who, placed.dial_peer)
    if placed.in_cloud:
        ledger.placed.over(call.record.call_id, now)
