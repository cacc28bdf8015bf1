"""What would be done with a call that isn't there, for programs that ask: the answers of `/v1/decisions`.

It is a call as far as a call goes without being one: an INVITE is read, routed and taken to the first dial-peer that is
open. Nothing is sent, and nothing is counted: no visit, no load, no decision, nobody's turn.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from edge_router.b2bua.routing.destinations import Destination, destinations
from edge_router.b2bua.set_up.failure import IN_A_CIRCLE, LOOP_DETECTED
from edge_router.b2bua.set_up.redirect import contacts
from edge_router.config.faults import nothing_called
from edge_router.dialplan.number import normalise
from edge_router.http.answer import Answer
from edge_router.http.decisions_api import Asked, BadQuestion
from edge_router.made_up_call import Arrival, ImpossibleCall, MadeUpCall, arrive, ways_in
from edge_router.policy.decision import harmless
from edge_router.sip.names import key_of
from edge_router.sip.tokens import new_token

if TYPE_CHECKING:
    from edge_router.b2bua.routing.routing import Routing

NO_WAY_OUT: Final = 480
"""What a caller gets where every way is full or switched off."""
_OURS: Final = frozenset("call-id cseq contact content-length content-type from max-forwards route to via".split())
"""Headers that an INVITE of ours has, or that say nothing of a call: who asks may pass on all that he has."""


class Decisions:
    """``routing`` gives the one in force; ``listener`` names the one that calls come by, where their trunk says none.

    ``clock`` gives the seconds that calls are routed by.
    """

    def __init__(
        self, routing: Callable[[], Routing], listener: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._routing = routing
        self._listener = listener
        self._clock = clock
        self._known: Routing | None = None
        self._trunks: tuple[str, ...] = ()

    def decide(self, asked: Asked) -> Answer:
        """What would be done with this call. Raises BadQuestion."""
        routing = self._routing()
        call = MadeUpCall(asked.calling, asked.called, _headers(asked), new_token())
        try:
            arrival = arrive(routing, call, self._possible(routing, asked.trunk), self._listener, self._clock())
        except ImpossibleCall as impossible:
            raise BadQuestion(str(impossible)) from None
        return _Asking(arrival).answer()

    def safe(self, called: str, why: str) -> Answer:
        """The answer where nothing can be decided: the policies' `otherwise`, where all have the same."""
        routing = self._routing()
        found = {policy.switched_off().to[:1]: policy.name for policy in routing.policies.values()}
        if len(found) != 1 or () in found:
            return Answer(False, reason=why, error=why)
        ((hop,), policy) = next(iter(found.items()))
        named = policy if len(routing.policies) == 1 else ""
        return Answer(
            False, hop.peer, "bridge", normalise(called), policy=named, rule="otherwise", reason=why, error=why
        )

    def _possible(self, routing: Routing, asked: str) -> tuple[str, ...]:
        """The trunks that the call may come by: the one that was named, else those of the dial-peers in their order."""
        if asked:
            if asked not in routing.trunks:
                raise BadQuestion(f"trunk: {nothing_called('trunk', asked, routing.trunks)}")
            return (asked,)
        if routing is not self._known:
            self._known, self._trunks = routing, ways_in(routing)
        return self._trunks


class _Asking:
    """One question: the call, and what was decided on it."""

    def __init__(self, arrival: Arrival) -> None:
        self._arrival = arrival
        self._remarks: list[str] = []
        self._looped = False

    def answer(self) -> Answer:
        """Follow the decision to the first dial-peer that is open."""
        decision = self._arrival.decision
        unsure = decision.because if decision.fallback in ("stale", "error") else ""
        if decision.method == "reject":
            matched = decision.rule is not None
            return self._made("reject" if matched else "none", decision.code, "" if matched else decision.because)
        for one in self._with_room():
            if not one.last_resort:
                return self._made(one.by, 0, unsure, one)
            return self._made(one.by, 0, unsure or f"{one.last_resort}: {'; '.join(self._remarks)}", one)
        if self._looped:
            self._remarks.append(IN_A_CIRCLE)
            return self._made("none", LOOP_DETECTED, "; ".join(self._remarks))
        return self._made("none", NO_WAY_OUT, "; ".join(self._remarks) or "there is no way out")

    def _with_room(self) -> Iterator[Destination]:
        """The dial-peers that a call would be sent to, best first."""
        arrival = self._arrival
        for one in destinations(arrival.routing, arrival.decision, arrival.incoming, arrival, arrival):
            if one.closed:
                self._remarks.append(one.in_words)
                self._looped = self._looped or one.in_a_circle
            elif self._has_room(one):
                if one.note and not one.last_resort:
                    self._remarks.append(one.note)
                yield one

    def _has_room(self, one: Destination) -> bool:
        limit = None if self._arrival.incoming.facts.emergency else one.trunk.full_outbound(self._arrival.now)
        if limit is not None:
            self._remarks.append(f"{one.peer.name} is full ({limit})")
        return limit is None

    def _made(self, method: str, code: int, error: str, to: Destination | None = None) -> Answer:
        decision, facts = self._arrival.decision, self._arrival.incoming.facts
        number, uri = ("", "") if to is None else self._dialled(to)
        return Answer(
            ok=not error,
            target=to.peer.name if to is not None else "",
            method=method,
            number=number,
            uri=uri,
            service=(facts.service or {}).get("service", ""),
            policy=decision.policy or "",
            rule=decision.rule or "",
            reason="; ".join([decision.explain(), *self._remarks]),
            age_secs=None if decision.age is None else round(decision.age, 3),
            code=code,
            error=error,
        )

    def _dialled(self, to: Destination) -> tuple[str, str]:
        """Number and URI: of the Contact, of Refer-To, or of the first target's INVITE."""
        incoming, peer, trunk = self._arrival.incoming, to.peer, to.trunk
        user = incoming.user_at(peer, trunk.trunk)
        elsewhere = None if to.by == "bridge" else incoming.refer_uri(peer, trunk.trunk, user)
        return normalise(user), contacts(user, elsewhere, trunk.peek(self._arrival.now))[0]


def _headers(asked: Asked) -> list[tuple[str, str]]:
    """What the call's INVITE has beside who calls whom. Raises BadQuestion."""
    found = [("session-id", asked.session_id)] if asked.session_id else []
    for name, value in asked.headers.items():
        key = key_of(name)
        if not key:
            raise BadQuestion(f'headers: "{harmless(name)}" is no name of a header')
        if key not in _OURS:
            found.append((key, value))
    return found
