"""What would be done with a call that isn't there, for programs that ask: the answers of `/v1/decisions`.

It is a call as far as a call goes without being one: an INVITE is read, routed and taken to the first dial-peer that is
open. Nothing is sent, and nothing is counted: no visit, no load, no decision, nobody's turn.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from edge_router.b2bua.closed import DOWN, PUT_OFF, closed, in_words, visited
from edge_router.b2bua.identity import user_of
from edge_router.b2bua.incoming import Incoming, read_incoming
from edge_router.b2bua.redirect import contacts
from edge_router.b2bua.routing import way
from edge_router.config.faults import nothing_called
from edge_router.dialplan.number import normalise
from edge_router.http.answer import Answer
from edge_router.http.decisions_api import Asked, BadQuestion
from edge_router.policy.decision import Hop, harmless
from edge_router.sip.errors import BadMessage
from edge_router.sip.message import Request
from edge_router.sip.names import key_of
from edge_router.sip.tokens import new_token
from edge_router.sip.uri import BadUri, escape_user

if TYPE_CHECKING:
    from edge_router.b2bua.live_trunk import LiveTrunk
    from edge_router.b2bua.routing import Routing
    from edge_router.dialplan.peer import DialPeer
    from edge_router.policy.decision import Decision

NO_WAY_OUT: Final = 480
"""What a caller gets where every way is full or switched off."""
_OURS: Final = frozenset("call-id cseq contact content-length content-type from max-forwards route to via".split())
"""Headers that an INVITE of ours has, or that say nothing of a call."""
_HOST: Final = "invalid"  # RFC 2606 §2: nobody's
_HOPS: Final = 70


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
        routing, now = self._routing(), self._clock()
        number = routing.number_of_urn(asked.called)
        invite, urn = _invite(asked, number or _user(asked.called)), bool(number)
        found: _Asking | None = None
        for name in self._possible(routing, asked.trunk):
            found = self._routed(routing, routing.trunks[name], invite, urn, now)
            if found.matched:
                break
        if found is None:
            raise BadQuestion("no dial-peer has incoming: no call can come in by this configuration")
        return found.answer()

    def _routed(self, routing: Routing, came_by: LiveTrunk, invite: Request, urn: bool, now: float) -> _Asking:
        """The call as it is if it comes by this trunk. Raises BadQuestion."""
        try:
            incoming = read_incoming(invite, came_by.trunk, "", _HOPS, urn)
        except (BadMessage, BadUri) as bad:
            raise BadQuestion(f"no call could have these numbers: {bad}") from None
        facts = incoming.facts
        facts.emergency = routing.is_emergency(facts)
        peer, decision = routing.route(facts, came_by.trunk.listen or self._listener, now)
        return _Asking(routing, came_by, incoming, peer, decision, now)

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
            named = [one.trunk for peer in routing.plan.peers.values() for one in peer.incoming]
            every = [*named, *routing.trunks] if None in named else named  # without a trunk it takes those of all
            self._known, self._trunks = routing, tuple(dict.fromkeys(name for name in every if name))
        return self._trunks


class _Asking:
    """One question: the call, and what was decided on it."""

    def __init__(
        self,
        routing: Routing,
        came_by: LiveTrunk,
        incoming: Incoming,
        entered: DialPeer | None,
        decision: Decision,
        now: float,
    ) -> None:
        self.matched: Final = entered is not None or decision.rule is not None
        self._routing = routing
        self._came_by = came_by
        self._incoming = incoming
        self._decision = decision
        self._now = now
        self._remarks: list[str] = []

    def answer(self) -> Answer:
        """Follow the decision to the first dial-peer that is open."""
        decision = self._decision
        unsure = decision.because if decision.fallback in ("stale", "error") else ""
        if decision.method == "reject":
            matched = decision.rule is not None
            return self._made("reject" if matched else "none", decision.code, "" if matched else decision.because)
        for hop, by, last_resort in self._open():
            return self._made(by, 0, unsure or last_resort, hop)
        return self._made("none", NO_WAY_OUT, "; ".join(self._remarks) or "there is no way out")

    def _open(self) -> Iterator[tuple[Hop, str, str]]:
        """The dial-peers that a call would be sent to, best first, how, and why where only for want of a better one.

        The order is that of `set_up.hops`.
        """
        routing, decision = self._routing, self._decision
        before = visited(routing, decision, self._incoming, self._now)
        put_off: list[tuple[Hop, str]] = []
        for hop in (*decision.to, *decision.otherwise):
            peer, trunk = routing.outgoing(hop.peer)
            why = closed(routing, decision, self._incoming, peer, trunk, before, self._now)
            if why:
                self._remarks.append(in_words(peer.name, why))
                if why in PUT_OFF:
                    put_off.append((hop, why))
            elif self._has_room(hop, trunk):
                by, note = way(hop, self._came_by.trunk)
                if note:
                    self._remarks.append(note)
                yield hop, by, ""
        for hop, why in put_off:
            if self._has_room(hop, routing.outgoing(hop.peer)[1]):
                yield hop, "bridge", f"nothing else is {'up' if why == DOWN else 'left'}: {'; '.join(self._remarks)}"

    def _has_room(self, hop: Hop, trunk: LiveTrunk) -> bool:
        limit = None if self._incoming.facts.emergency else trunk.full_outbound(self._now)
        if limit is not None:
            self._remarks.append(f"{hop.peer} is full ({limit})")
        return limit is None

    def _made(self, method: str, code: int, error: str, hop: Hop | None = None) -> Answer:
        decision, facts = self._decision, self._incoming.facts
        number, uri = ("", "") if hop is None else self._dialled(hop, method)
        return Answer(
            ok=not error,
            target=hop.peer if hop is not None else "",
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

    def _dialled(self, hop: Hop, by: str) -> tuple[str, str]:
        """Number and URI: of the Contact, of Refer-To, or of the first target's INVITE."""
        peer, trunk = self._routing.outgoing(hop.peer)
        user = self._incoming.user_at(peer, trunk.trunk)
        elsewhere = None if by == "bridge" else self._incoming.refer_uri(peer, trunk.trunk, user)
        return normalise(user), contacts(user, elsewhere, trunk.peek(self._now))[0]


def _invite(asked: Asked, number: str) -> Request:
    """The INVITE that such a call to a number would come by. Raises BadQuestion."""
    called = escape_user(number)
    request = Request("INVITE", f"sip:{called}@{_HOST}")
    request.add("from", f"<sip:{escape_user(_user(asked.calling)) or 'anonymous'}@{_HOST}>")
    request.add("to", f"<sip:{called}@{_HOST}>")
    request.add("call-id", new_token())
    if asked.session_id:
        request.add("session-id", asked.session_id)
    for name, value in asked.headers.items():
        key = key_of(name)
        if not key:
            raise BadQuestion(f'headers: "{harmless(name)}" is no name of a header')
        if key not in _OURS and key not in request.first:
            request.add(key, value)
    return request


def _user(number: str) -> str:
    """The number of a sip, sips or tel URI; anything else is one."""
    return user_of(number) if number.partition(":")[0].lower() in ("sip", "sips", "tel") and ":" in number else number
