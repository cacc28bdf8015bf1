"""What would be done with a call, and why, without a call: the reasoning behind `edge-router route`.

It asks the same routing that calls ask, and says in full what a call only goes through: which dial-peers fit and how
closely, what each rule read, and what would be sent where.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

from edge_router.explain_steps import Step, Steps
from edge_router.sip.reasons import reason_phrase

if TYPE_CHECKING:
    from edge_router.b2bua.routing.routing import Routing
    from edge_router.dialplan.peer import DialPeer
    from edge_router.dialplan.plan import DialPlan, Match
    from edge_router.made_up_call import Arrival
    from edge_router.net.listener import Listener
    from edge_router.policy.decision import Decision

Tie = Literal["order", "chance"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A dial-peer that fits.

    `digits` are those that its pattern spells out of the called number, `calling_digits` of the calling one;
    `preference` counts only among those that lead out. `tie` says what decides between it and others that fit just as
    well: the order in the file, or chance; None where there are none.
    """

    dial_peer: str
    digits: int
    calling_digits: int
    preference: int
    tie: Tie | None


@dataclass(frozen=True, slots=True)
class Ruling:
    """What one rule says: held, not held or undecided, the values that it read, and why it is undecided.

    An undecided one has those values that it could read before. `when` is its condition as it was configured.
    """

    rule: str
    verdict: str
    values: dict[str, object]
    because: str
    when: str


@dataclass(frozen=True, slots=True)
class ServiceRow:
    """The row of the table of services that the called number has: where it stands in the file, and its cells."""

    line: int
    cells: dict[str, str]


@dataclass(frozen=True, slots=True)
class NumbersAt:
    """The call's numbers from one place of its way on: `where` says in words what has made them so."""

    where: str
    calling: str
    called: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything that there is to say of one call; the names are the keys of `route --json`.

    What nothing was found for is None: the dial-peers where none matches, and then the method too, while `code` says
    what the caller gets. `decided_before` is what has decided before any rule was asked: emergency, a list, or switch.
    `numbers` are those of the call as it came and wherever a translation has made others of them. `other_trunks` are
    those that it may come by besides `trunk`, where it wasn't said by which: then that is the first that takes it.
    """

    dial_peer_in: str | None
    dial_peers_out: tuple[str, ...] | None
    service: str | None
    policy: str | None
    rule: str | None
    method: str | None
    reason: str
    calling: str
    called: str
    trunk: str
    listen: str
    code: int | None
    reason_phrase: str | None
    cause: int | None
    retry_after: int | None
    fallback: str | None
    values: dict[str, object]
    state_age_s: float | None
    rules: tuple[Ruling, ...]
    candidates_in: tuple[Candidate, ...]
    candidates_out: tuple[Candidate, ...]
    steps: tuple[Step, ...]
    decided_before: str | None
    service_row: ServiceRow | None
    numbers: tuple[NumbersAt, ...]
    other_trunks: tuple[str, ...]

    def as_json(self) -> str:
        """Write it for machines."""
        return json.dumps(asdict(self), indent=2)


def explain(arrival: Arrival, listeners: Mapping[str, Listener]) -> Explanation:
    """Say of a call that isn't there why it goes where it would go."""
    routing, call, peer, decision = arrival.routing, arrival.incoming.facts, arrival.entered, arrival.decision
    listen, now = arrival.listen, arrival.now
    hops = (*decision.to, *decision.otherwise)
    rejected = decision.method == "reject"
    by_number = peer is not None and decision.policy is None and decision.rule is None and not peer.destinations
    service = routing.services.find(call.called)
    policy = routing.policies.get(decision.policy or "")
    return Explanation(
        dial_peer_in=peer.name if peer else None,
        dial_peers_out=tuple(hop.peer for hop in hops) or None,
        service=service.name if service is not None else None,
        policy=decision.policy,
        rule=decision.rule,
        method=None if rejected and decision.rule is None else decision.method,
        reason=decision.explain(),
        calling=call.calling,
        called=call.called,
        trunk=call.trunk,
        listen=listen,
        code=decision.code if rejected else None,
        reason_phrase=(decision.reason or reason_phrase(decision.code)) if rejected else None,
        cause=decision.cause,
        retry_after=decision.retry_after,
        fallback=decision.fallback,
        values=decision.values,
        state_age_s=decision.age,
        rules=tuple(Ruling(*verdict) for verdict in policy.evaluate(call, now)) if policy is not None else (),
        candidates_in=_candidates_in(routing.plan.inbound_all(call.trunk, listen, *routing.numbers_in(call))),
        candidates_out=_candidates_out(routing.plan, call.called) if by_number else (),
        steps=Steps(arrival, listeners).all(),
        decided_before=_before(routing, decision),
        service_row=None if service is None else ServiceRow(service.line, dict(service.columns)),
        numbers=tuple(NumbersAt(*each) for each in routing.numbers_at(call, peer)),
        other_trunks=arrival.others,
    )


def _before(routing: Routing, decision: Decision) -> str | None:
    """What has decided before any rule was asked."""
    if decision.policy is None:
        return decision.rule
    return "switch" if routing.ledger.switches.engaged("policy", decision.policy) is False else None


def _candidates_in(found: Sequence[tuple[DialPeer, Match]]) -> tuple[Candidate, ...]:
    return _candidates([(peer, match, 0) for peer, match in found], "order")


def _candidates_out(plan: DialPlan, called: str) -> tuple[Candidate, ...]:
    found = [
        (peer, match, peer.outgoing.preference if peer.outgoing else 0) for peer, match in plan.outbound_all(called)
    ]
    return _candidates(found, "chance" if plan.ties == "random" else "order")


def _candidates(found: Sequence[tuple[DialPeer, Match, int]], decides: Tie) -> tuple[Candidate, ...]:
    ranks = Counter((match, preference) for _, match, preference in found)
    return tuple(
        Candidate(peer.name, match.called, match.calling, preference, decides if ranks[match, preference] > 1 else None)
        for peer, match, preference in found
    )
