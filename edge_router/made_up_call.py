"""A call that isn't there: the INVITE that it would come by, read and routed as one that did come.

Whoever asks what would be done with a call asks by this: `edge-router route` and `/v1/decisions`. Nothing is sent and
nothing is counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from edge_router.b2bua.messages.identity import user_of
from edge_router.b2bua.messages.incoming import Incoming, read_incoming
from edge_router.dialplan.number import normalise
from edge_router.sip.errors import BadMessage, LocalError
from edge_router.sip.message import Request
from edge_router.sip.uri import BadUri, escape_user

if TYPE_CHECKING:
    from edge_router.b2bua.routing.routing import Routing
    from edge_router.b2bua.trunks.live_trunk import LiveTrunk
    from edge_router.dialplan.peer import DialPeer
    from edge_router.policy.decision import Decision

_HOST: Final = "invalid"  # RFC 2606 §2: nobody's
_HOPS: Final = 70


class ImpossibleCall(ValueError):
    """No call could be so; the text says why."""


@dataclass(frozen=True, slots=True)
class MadeUpCall:
    """Who calls whom: numbers, or sip, sips and tel URIs, or for the called one a URN for emergencies.

    ``headers`` are those that the INVITE has besides: the key of each name, and its value.
    """

    calling: str
    called: str
    headers: Sequence[tuple[str, str]] = ()
    call_id: str = _HOST


class Arrival:
    """A made-up call as it comes by one trunk on the listener ``listen``, and what was decided on it.

    ``entered`` is the dial-peer that it comes in by, None where none matches. ``others`` are the trunks that it may
    come by as well, where nobody has said which. Whoever goes through its destinations says whether the caller has been
    ``answered`` by then.
    """

    __slots__ = ("answered", "decision", "entered", "incoming", "listen", "now", "others", "routing", "trunk")

    def __init__(self, routing: Routing, trunk: LiveTrunk, incoming: Incoming, listen: str, now: float) -> None:
        facts = incoming.facts
        facts.emergency = routing.is_emergency(facts)
        self.routing: Final = routing
        self.trunk: Final = trunk
        self.incoming: Final = incoming
        self.listen: Final = listen
        self.now: Final = now
        entered, decision = routing.route(facts, listen, now)
        self.entered: Final[DialPeer | None] = entered
        self.decision: Final[Decision] = decision
        self.others: tuple[str, ...] = ()
        self.answered = False

    @property
    def matched(self) -> bool:
        """Whether anything in the configuration takes the call, if only to refuse it."""
        return self.entered is not None or self.decision.rule is not None


def arrive(routing: Routing, call: MadeUpCall, trunks: Sequence[str], listener: str, now: float) -> Arrival:
    """The call by the first of these trunks whose calls a dial-peer takes, or where none does, by the first.

    ``listener`` is where it comes by a trunk that names none. Raises ImpossibleCall.
    """
    number = routing.number_of_urn(call.called)
    invite = _invite(call, number or call.called)
    found: Arrival | None = None
    for name in trunks:
        trunk = routing.trunks[name]
        try:
            incoming = read_incoming(invite, trunk.trunk, "", _HOPS, bool(number))
        except (BadMessage, BadUri) as bad:
            raise ImpossibleCall(f"no call could have these numbers: {bad}") from None
        arrival = Arrival(routing, trunk, incoming, trunk.trunk.listen or listener, now)
        if found is None or arrival.matched:
            found = arrival
        if arrival.matched:
            break
    if found is None:
        raise ImpossibleCall("no dial-peer has incoming: no call can come in by this configuration")
    found.others = tuple(name for name in trunks if name != found.trunk.name)
    return found


def ways_in(routing: Routing) -> tuple[str, ...]:
    """The trunks that calls may come by: those that dial-peers name, in their order; all where one names none."""
    named = [one.trunk for peer in routing.plan.peers.values() for one in peer.incoming]
    every = [*named, *routing.trunks] if None in named else named  # without a trunk it takes those of all
    return tuple(dict.fromkeys(name for name in every if name))


def _invite(call: MadeUpCall, called: str) -> Request:
    user, calling = _user(called), _user(call.calling)
    request = Request("INVITE", f"sip:{user}@{_HOST}")
    request.add("from", f"<sip:{calling}@{_HOST}>" if calling else f"<sip:{_HOST}>")
    request.add("to", f"<sip:{user}@{_HOST}>")
    request.add("call-id", call.call_id)
    for key, value in call.headers:
        try:
            request.add(key, value)
        except LocalError:
            raise ImpossibleCall(f"no call could have a line break or a NUL in its header {key}") from None
    return request


def _user(number: str) -> str:
    """The user part of a number: as a sip, sips or tel URI writes it, and without separators where it is none."""
    scheme, colon, _ = number.partition(":")
    uri = colon and scheme.lower() in ("sip", "sips", "tel")
    return escape_user(user_of(number) if uri else normalise(number))
