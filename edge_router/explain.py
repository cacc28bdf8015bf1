"""What would be done with a call, and why, without a call: the reasoning behind `edge-router route`.

It asks the same routing that calls ask, and says in full what a call only goes through: which dial-peers fit and how
closely, what each rule read, and what would be sent where.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Final

from edge_router.b2bua.routing import Routing
from edge_router.dialplan.peer import DialPeer
from edge_router.dialplan.plan import Match
from edge_router.policy.decision import Decision, Hop, shown
from edge_router.policy.facts import CallFacts
from edge_router.sip.reasons import reason_phrase
from edge_router.sip.uri import escape_user


@dataclass(frozen=True, slots=True)
class Candidate:
    """A dial-peer that fits.

    `digits` are those that its pattern spells out of the called number, `calling_digits` of the calling one. `tie`: it
    fits as closely as the best one, and only the order in the file (with `ties: random`, chance) decides.
    """

    dial_peer: str
    digits: int
    calling_digits: int
    preference: int
    tie: bool


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
        candidates_in=_candidates(routing.plan.inbound_all(call.trunk, listen, call.called, call.calling)),
        candidates_out=_candidates(routing.plan.outbound_all(call.called)) if by_number else (),
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


def _candidates(found: Sequence[tuple[DialPeer, Match]]) -> tuple[Candidate, ...]:
    ranks = [(match, _preference(peer)) for peer, match in found]
    return tuple(
        Candidate(peer.name, match.called, match.calling, _preference(peer), index > 0 and ranks[index] == ranks[0])
        for index, (peer, match) in enumerate(found)
    )


def _preference(peer: DialPeer) -> int:
    return peer.outgoing.preference if peer.outgoing else 0


def _steps(routing: Routing, call: CallFacts, hops: Sequence[Hop], now: float) -> Iterator[Step]:
    accepted = routing.trunks[call.trunk].trunk.accepts
    for hop in hops:
        peer = routing.plan.peers[hop.peer]
        if peer.outgoing is None:
            continue
        by, note = hop.by, ""
        if by != "bridge" and by not in accepted:
            by, note = "bridge", f"bridged, since trunk {shown(call.trunk)} does not accept {by}"
        yield Step(peer.name, by, peer.outgoing.trunk, tuple(_sends(routing, call, peer, by, now)), note)


_HEAD: Final = {"redirect": "302 Moved Temporarily", "refer": "200 OK, then REFER"}


def _sends(routing: Routing, call: CallFacts, peer: DialPeer, by: str, now: float) -> Iterator[str]:
    assert peer.outgoing is not None
    trunk = routing.trunks[peer.outgoing.trunk]
    number = _filled(peer.called_number or "{called}", call)
    uris = [f"sip:{number}@{target.place}" for target in trunk.targets_to_try(now)]
    if by == "bridge":
        yield from (f"INVITE {uri}" for uri in uris)
        return
    if peer.refer_uri is not None:
        uris = [_filled(peer.refer_uri, call)]
    yield _HEAD[by]
    if by == "refer":
        yield f"Refer-To: <{uris[0]}>"
    else:
        yield from (f"Contact: <{uri}>;q={max(10 - place, 0) / 10:.1f}" for place, uri in enumerate(uris))


def _filled(template: str, call: CallFacts) -> str:
    return template.replace("{called}", escape_user(call.called)).replace("{calling}", escape_user(call.calling))
