"""What one call is decided by: the configuration in force, and the way from a call's facts to its decision.

A Routing is built once from a checked configuration and never changes; a reload swaps the whole for a new one, and
calls in progress keep the one that they began with. Only the trunks' live state goes over from one to the next.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from edge_router.admission.ledger import Ledger
from edge_router.admission.load import Load
from edge_router.admission.share import Share
from edge_router.admission.sources import SourceTable
from edge_router.admission.visits import identity_of
from edge_router.b2bua.messages.numbers import Numbers, called_at, calling_at, translated
from edge_router.b2bua.routing.cloud import Cloud
from edge_router.b2bua.routing.emergency import Emergency
from edge_router.b2bua.trunks.live_trunk import LiveTrunk
from edge_router.dialplan.number import normalise
from edge_router.dialplan.peer import DialPeer, way_to
from edge_router.dialplan.plan import DialPlan
from edge_router.dialplan.services import ServiceTable
from edge_router.policy.decision import Decision, Hop
from edge_router.policy.facts import CallFacts
from edge_router.policy.latch import LatchBoard
from edge_router.policy.policy import Policy
from edge_router.sip.uri import escape_user

Route = tuple[DialPeer | None, Decision]
"""The dial-peer that a call came in by, None where none matches, and what is to be done with the call."""


class Refused(NamedTuple):
    """Callers who are refused before any policy: the list's name, its numbers, and the SIP code."""

    name: str
    numbers: Container[str]
    code: int


@dataclass(frozen=True, slots=True)
class Routing:
    """Everything that a call reads. ``on_no_match`` is the status for a call that no dial-peer takes.

    ``shares`` are by policy; a policy in ``revisiting`` places a call also where it was before. ``translates`` says
    whether anything is done to the numbers of calls that come in. ``counts_placed`` says whether anybody asks which
    calls are at the contact centre: a queue that is live, a share, a rule. ``ledger`` is what outlives this.
    """

    node: str
    plan: DialPlan
    policies: Mapping[str, Policy]
    trunks: Mapping[str, LiveTrunk]
    sources: SourceTable
    load: Load
    on_no_match: int = 404
    services: ServiceTable = field(default_factory=ServiceTable)
    refused: tuple[Refused, ...] = ()
    shares: Mapping[str, Share] = field(default_factory=dict)
    revisiting: frozenset[str] = frozenset()
    translates: bool = False
    emergency: Emergency | None = None
    cloud: Cloud | None = None
    counts_placed: bool = False
    latches: LatchBoard = field(default_factory=LatchBoard)
    ledger: Ledger = field(default_factory=Ledger)

    def route(self, call: CallFacts, listen: str, now: float) -> Route:
        """Matches the inbound dial-peer and decides: by its service's policy, its own, its destinations, or by number.

        The numbers as they are then, and what the table of services says of the called one, go into the call's facts.
        """
        if self.translates:
            call.called, call.calling = self.numbers_in(call)
        if call.emergency and self.emergency is not None:
            return self._emergency_route(self.emergency, call, listen)
        for name, numbers, code in self.refused:
            if call.calling in numbers:
                because = f"the calling number is on the list {name}"
                return None, Decision(None, f"list {name}", "reject", code=code, because=because)
        peer = self.plan.inbound(call.trunk, listen, call.called, call.calling)
        if peer is None:
            return None, self._no_match("no inbound dial-peer matches")
        _enter(call, peer)
        service = self.services.find(call.called)
        call.service = None if service is None else service.columns
        call.visits = self._visits
        policy = (service.policy if service is not None else "") or peer.policy
        if policy:
            return peer, self._decide(policy, call, now)
        names = peer.destinations or tuple(out.name for out in self.plan.outbound(call.called))
        if not names:
            return peer, self._no_match("no outgoing dial-peer matches the called number")
        return peer, Decision(None, None, "bridge", to=tuple(Hop(name, "bridge") for name in names))

    def _visits(self, call: CallFacts, peer: str, now: float) -> int:
        return self.ledger.visits.visits(identity_of(*call.identity), peer, now)

    def _emergency_route(self, emergency: Emergency, call: CallFacts, listen: str) -> Route:
        """As `route`, of an emergency call. No translation is in the way of the number that makes it one."""
        number = call.called_received if emergency.has(call.called_received) else call.called
        peer = self.plan.inbound(call.trunk, listen, call.called, call.calling)
        if peer is not None:
            _enter(call, peer)
        call.called = number
        return peer, emergency.decision()

    def number_of_urn(self, uri: str) -> str:
        """The number that is dialled for a URI that is a URN for emergencies; "" for any other."""
        emergency = self.emergency
        return emergency.number if emergency is not None and emergency.is_service(uri) else ""

    def is_emergency(self, call: CallFacts) -> bool:
        """Whether it is one by its URN, or by its called number as it came or as the trunk's translation makes it."""
        emergency = self.emergency
        if emergency is None:
            return False
        if call.emergency or emergency.has(call.called_received):
            return True
        trunk = self.trunks.get(call.trunk) if self.translates else None
        own = trunk.trunk.translate_in if trunk is not None else None
        return own is not None and emergency.has(translated(call.called_received, own.called))

    def numbers_in(self, call: CallFacts) -> tuple[str, str]:
        """The called and the calling number by which a call's inbound dial-peer is looked for."""
        trunk = self.trunks.get(call.trunk)
        own = trunk.trunk.translate_in if trunk is not None else None
        if own is None:
            return call.called_received, call.calling_received
        return translated(call.called_received, own.called), translated(call.calling_received, own.calling)

    def numbers_at(self, call: CallFacts, entered: DialPeer | None, left: DialPeer | None = None) -> list[Numbers]:
        """A call's numbers as they came, and then wherever a translation or a ``called_number`` makes others of them.

        ``call`` was routed; ``entered`` is the dial-peer that it came in by, ``left`` one that it may leave by.
        """
        called, calling = self.numbers_in(call)
        steps = [
            Numbers("as received", call.calling_received, call.called_received),
            Numbers(f"inbound translation of trunk {call.trunk}", calling, called),
        ]
        if entered is not None:
            steps.append(Numbers(f"translation of dial-peer {entered.name}", call.calling, call.called))
        if left is not None and left.outgoing is not None:
            trunk, user = self.trunks[left.outgoing.trunk].trunk, escape_user(call.called)
            bare = replace(left, translate=None), replace(trunk, translate_out=None)
            for where, peer, at in (
                (f"called_number of dial-peer {left.name}", bare[0], bare[1]),
                (f"translation of dial-peer {left.name}", left, bare[1]),
                (f"outbound translation of trunk {trunk.name}", left, trunk),
            ):
                number = normalise(called_at(user, call, peer, at))
                steps.append(Numbers(where, calling_at(call, peer, at), number))
        return [
            step
            for before, step in zip((None, *steps), steps, strict=False)
            if before is None or step[1:] != before[1:]
        ]

    def _decide(self, name: str, call: CallFacts, now: float) -> Decision:
        policy = self.policies[name]
        if self.ledger.switches.engaged("policy", name) is False:
            return policy.switched_off()
        return policy.decide(call, now)

    def outgoing(self, name: str) -> tuple[DialPeer, LiveTrunk]:
        """An outgoing dial-peer and its trunk; KeyError for a name that is none; a checked configuration has none."""
        peer = self.plan.peers.get(name) or way_to(name)
        if peer.outgoing is None:
            raise KeyError(name)
        return peer, self.trunks[peer.outgoing.trunk]

    def switched_off(self, trunk: str) -> bool:
        """Whether a person has said that no calls shall go to this trunk."""
        return self.ledger.switches.engaged("trunk", trunk) is False

    def over_share(self, policy: str | None, peer: str, trunk: str, now: float) -> str:
        """The limit that one more call of this policy would break of its share of the way, as configured; else ""."""
        share = self.shares.get(policy) if policy is not None and self.shares else None
        return share.full(self.ledger.placed, now) if share is not None and share.of in (peer, trunk) else ""

    def tidy(self, now: float) -> None:
        """In a quiet moment: has the loads forget the times of calls that matter no more."""
        self.load.tidy(now)
        for trunk in self.trunks.values():
            trunk.tidy(now)

    def _no_match(self, because: str) -> Decision:
        return Decision(None, None, "reject", code=self.on_no_match, because=because)


def _enter(call: CallFacts, peer: DialPeer) -> None:
    """A call comes in by this dial-peer: its translation is done."""
    own = peer.translate
    if own is not None:
        call.called, call.calling = translated(call.called, own.called), translated(call.calling, own.calling)
