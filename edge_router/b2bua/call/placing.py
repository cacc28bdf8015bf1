"""What the ledger is told of one call: where it is sent, and what becomes of it there.

Whatever it is told may turn a latch that counts calls at the contact centre: the next call is decided by it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from edge_router.admission.visits import Identity
from edge_router.b2bua.messages.numbers import calling_at
from edge_router.dialplan.number import normalise

if TYPE_CHECKING:
    from edge_router.b2bua.call.call import Call
    from edge_router.b2bua.messages.incoming import Incoming
    from edge_router.b2bua.trunks.live_trunk import LiveTrunk
    from edge_router.dialplan.peer import DialPeer


class Placement(NamedTuple):
    """Where a call was sent, and what it is known by if it comes back."""

    dial_peer: str
    who: Identity
    in_cloud: bool
    call_id: str


def place(call: Call, incoming: Incoming, peer: DialPeer, trunk: LiveTrunk, by: str, now: float) -> None:
    """Notes that a call is sent to a dial-peer, before it is.

    Whoever has sent it, it is noted where that is the contact centre; elsewhere for a policy, and of an emergency.
    Nothing is kept of calls at the contact centre that nobody asks for: at thousands a second it is much.
    """
    record, routing, facts = call.record, call.routing, incoming.facts
    decision, ledger, cloud = record.decision, routing.ledger, routing.cloud
    in_cloud = cloud is not None and trunk.name in cloud.trunks
    record.visits = 0
    if decision is None or (decision.policy is None and not in_cloud and not facts.emergency):
        return
    record.visits = ledger.visits.visits(incoming.who, peer.name, now)
    ledger.visits.note(incoming.who, peer.name, now)
    call.placed = Placement(peer.name, incoming.who, in_cloud, record.call_id)
    if cloud is not None and in_cloud and routing.counts_placed:
        queues = cloud.expecting(facts.service, decision.queues)
        calling = "" if facts.anonymous else calling_at(facts, peer, trunk.trunk)
        numbers = (normalise(incoming.user_at(peer, trunk.trunk)), facts.called_received)
        ways = decision.policy, trunk.name, peer.name
        ledger.placed.placed(record.call_id, *ways, queues, by, calling, numbers, now)
        call.router.routing.latches.recount(now)


def got_nowhere(call: Call, now: float) -> None:
    """Notes that a call didn't get to where it was sent, if it was sent anywhere."""
    placed, call.placed = call.placed, None
    if placed is not None:
        ledger = call.routing.ledger
        ledger.visits.failed(placed.who, placed.dial_peer)
        if placed.in_cloud:
            ledger.placed.failed(placed.call_id, now)
            call.router.routing.latches.recount(now)


def has_left(call: Call, placed: Placement, outcome: str) -> None:
    """Notes that a call is over; one that was sent away is elsewhere, and nobody will tell."""
    now, ledger = call.router.wheel.now, call.routing.ledger
    if outcome in ("redirected", "referred"):
        return
    if outcome != "answered" or call.record.method == "refer":  # who hung up before his REFER was accepted
        got_nowhere(call, now)
        return
    ledger.visits.settle(placed.who, placed.dial_peer)
    if placed.in_cloud:
        ledger.placed.over(placed.call_id, now)
        call.router.routing.latches.recount(now)
