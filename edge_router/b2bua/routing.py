"""What one call is decided by: the configuration in force, and the way from a call's facts to its decision.

A Routing is built once from a checked configuration and never changes; a reload swaps the whole for a new one, and
calls in progress keep the one that they began with. Only the trunks' live state goes over from one to the next.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edge_router.admission.load import Load
from edge_router.admission.sources import SourceTable
from edge_router.b2bua.live_trunk import LiveTrunk
from edge_router.dialplan.peer import DialPeer
from edge_router.dialplan.plan import DialPlan
from edge_router.dialplan.trunk import Trunk
from edge_router.policy.decision import Decision, Hop, Way
from edge_router.policy.facts import CallFacts
from edge_router.policy.policy import Policy


def way(hop: Hop, came_by: Trunk) -> tuple[Way, str]:
    """How a call that came by this trunk goes there, and where that is not as decided, why; else ""."""
    if hop.by == "bridge" or hop.by in came_by.accepts:
        return hop.by, ""
    return "bridge", f"bridged, since trunk {came_by.name} does not accept {hop.by}"


Route = tuple[DialPeer | None, Decision]
"""The dial-peer that a call came in by, None where none matches, and what is to be done with the call."""


@dataclass(frozen=True, slots=True)
class Routing:
    """Everything that a call reads. ``on_no_match`` is the status for a call that no dial-peer takes."""

    node: str
    plan: DialPlan
    policies: Mapping[str, Policy]
    trunks: Mapping[str, LiveTrunk]
    sources: SourceTable
    load: Load
    on_no_match: int = 404

    def route(self, call: CallFacts, listen: str, now: float) -> Route:
        """Matches the inbound dial-peer and decides: by its policy, its destinations, or the called number."""
        peer = self.plan.inbound(call.trunk, listen, call.called, call.calling)
        if peer is None:
            return None, self._no_match("no inbound dial-peer matches")
        if peer.policy is not None:
            return peer, self.policies[peer.policy].decide(call, now)
        names = peer.destinations or tuple(out.name for out in self.plan.outbound(call.called))
        if not names:
            return peer, self._no_match("no outgoing dial-peer matches the called number")
        return peer, Decision(None, None, "bridge", to=tuple(Hop(name, "bridge") for name in names))

    def outgoing(self, name: str) -> tuple[DialPeer, LiveTrunk]:
        """An outgoing dial-peer and its trunk; KeyError for a name that is none; a checked configuration has none."""
        peer = self.plan.peers[name]
        if peer.outgoing is None:
            raise KeyError(name)
        return peer, self.trunks[peer.outgoing.trunk]

    def tidy(self, now: float) -> None:
        """In a quiet moment: has the loads forget the times of calls that matter no more."""
        self.load.tidy(now)
        for trunk in self.trunks.values():
            trunk.tidy(now)

    def _no_match(self, because: str) -> Decision:
        return Decision(None, None, "reject", code=self.on_no_match, because=because)
