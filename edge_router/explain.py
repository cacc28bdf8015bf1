"""What would be done with a call, and why, without a call: the reasoning behind `edge-router route`.

It asks the same routing that calls ask, and says in full what a call only goes through: which dial-peers fit and how
closely, what each rule read, and what would be sent where.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from edge_router.b2bua.numbers import called_at, refer_uri_at
from edge_router.b2bua.redirect import contact_lines, contacts
from edge_router.b2bua.routing import Routing, way
from edge_router.dialplan.peer import DialPeer
from edge_router.dialplan.plan import DialPlan, Match
from edge_router.policy.decision import Decision, Hop, shown
from edge_router.policy.facts import CallFacts
from edge_router.sip.reasons import reason_phrase
from edge_router.sip.uri import escape_user

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
    """What one rule says: held, not held or undecided, the values that it read, and why it is undecided."""

    rule: str
    verdict: str
    values: dict[str, object]
    because: str


@dataclass(frozen=True, slots=True)
class Step:
    """One dial-peer that the call goes to. `sends` holds what is sent, line by line, the first target's first.

    `note` says why the way there is another than the one decided on, "" if it is not.
    """

    dial_peer: str
    by: str
    trunk: str
    sends: tuple[str, ...]
    note: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything that there is to say of one call; the names are the keys of `route --json`.

    What nothing was found for is None: the dial-peers where none matches, and then the method too, while `code` says
    what the caller gets.
    """

    dial_peer_in: str | None
    dial_peers_out: tuple[str, ...] | None
    service: None
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

    def as_json(self) -> str:
        """Write it for machines."""
        return json.dumps(asdict(self), indent=2)


def explain(routing: Routing, call: CallFacts, listen: str, now: float) -> Explanation:
    """Route a call that isn't there, and say why it goes where it would go."""
    peer, decision = routing.route(call, listen, now)
    hops = (*decision.to, *decision.otherwise)
    rejected = decision.method == "reject"
    by_number = peer is not None and peer.policy is None and not peer.destinations
    verdicts = routing.policies[peer.policy].evaluate(call, now) if peer and peer.policy else []
    return Explanation(
        dial_peer_in=peer.name if peer else None,
        dial_peers_out=tuple(hop.peer for hop in hops) or None,
        service=None,
        policy=decision.policy,
        rule=decision.rule,
        method=None if rejected and decision.policy is None else decision.method,
        reason=_why(peer, decision),
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
        rules=tuple(Ruling(*verdict) for verdict in verdicts),
        candidates_in=_candidates_in(routing.plan.inbound_all(call.trunk, listen, *routing.numbers_in(call))),
        candidates_out=_candidates_out(routing.plan, call.called) if by_number else (),
        steps=tuple(_steps(routing, call, hops, now)),
    )


def _why(peer: DialPeer | None, decision: Decision) -> str:
    if decision.policy is not None:
        return decision.explain()
    if peer is None or decision.method == "reject":
        return decision.because
    if peer.destinations:
        return f"destinations of dial-peer {shown(peer.name)}"
    return "the outgoing dial-peers that match the called number, closest first"


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


def _steps(routing: Routing, call: CallFacts, hops: Sequence[Hop], now: float) -> Iterator[Step]:
    came_by = routing.trunks[call.trunk].trunk
    for hop in hops:
        peer = routing.plan.peers[hop.peer]
        if peer.outgoing is None:
            continue
        by, note = way(hop, came_by)
        yield Step(peer.name, by, peer.outgoing.trunk, tuple(_sends(routing, call, peer, by, now)), note)


def _sends(routing: Routing, call: CallFacts, peer: DialPeer, by: str, now: float) -> Iterator[str]:
    assert peer.outgoing is not None
    trunk = routing.trunks[peer.outgoing.trunk]
    user = called_at(escape_user(call.called), call, peer, trunk.trunk)
    template = None if by == "bridge" else peer.refer_uri
    elsewhere = None if template is None else refer_uri_at(template, user, call, peer, trunk.trunk)
    uris = contacts(user, elsewhere, trunk.targets_to_try(now) or trunk.last_resort())
    if by == "bridge":
        yield from (f"INVITE {uri}" for uri in uris)
    elif by == "refer":
        yield from ("200 OK, then REFER", f"Refer-To: <{uris[0]}>")
    else:
        yield from ("302 Moved Temporarily", *contact_lines(uris))
