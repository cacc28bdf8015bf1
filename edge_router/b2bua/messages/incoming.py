"""The caller's INVITE, read once: what dial plan and policy decide on, and what every attempt is made from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge_router.admission.visits import Identity, identity_of
from edge_router.b2bua.messages.identity import (
    LONGEST_VALUE,
    Party,
    hides_history,
    hides_identity,
    is_service,
    lasting_params,
    read_party,
    user_of,
)
from edge_router.b2bua.messages.numbers import NO_NUMBER, called_at, may_vanish, missing, refer_uri_at
from edge_router.dialplan.number import normalise
from edge_router.policy.facts import CallFacts
from edge_router.sip.errors import BadMessage
from edge_router.sip.headers import first_of, parse_name_addr
from edge_router.sip.message import Request
from edge_router.sip.remember import remembered
from edge_router.sip.session_id import session_id_of
from edge_router.sip.uri import BadUri, TelUri, escape_user, parse_uri

if TYPE_CHECKING:
    from edge_router.b2bua.messages.trail import Trail
    from edge_router.dialplan.peer import DialPeer
    from edge_router.dialplan.trunk import Trunk

_MOST_NUMBERS: Final = 1_024  # called numbers whose reading is remembered


class Incoming:
    """An INVITE and what was read of it.

    ``user`` is the user part of what is called with its parameters (``npdi``, ``rn`` ...), as written; ``uri_params``
    that URI's own parameters that go on, with their semicolons; ``hops_left`` the Max-Forwards of the next leg;
    ``hidden`` whether the caller asks to be anonymous, ``without_history`` whether that the call's history stays here.
    ``trail`` is where it was by redirections, None before the first; ``aim`` the target that the last one named.
    """

    __slots__ = (
        "_dialled",
        "_who",
        "aim",
        "facts",
        "from_",
        "hidden",
        "hops_left",
        "request",
        "to",
        "trail",
        "uri_params",
        "user",
        "without_history",
    )

    def __init__(
        self,
        request: Request,
        facts: CallFacts,
        user: str,
        uri_params: str,
        from_: Party,
        to: Party,
        hops_left: int,
        hidden: bool = False,
        without_history: bool = False,
    ) -> None:
        self.request = request
        self.facts = facts
        self.user = user
        self.uri_params = uri_params
        self.from_ = from_
        self.to = to
        self.hops_left = hops_left
        self.hidden = hidden
        self.without_history = without_history
        self._dialled: tuple[DialPeer, Trunk, str] | None = None
        self._who: Identity | None = None
        self.trail: Trail | None = None
        self.aim = ""

    @property
    def who(self) -> Identity:
        """What the call is known by if it comes back."""
        if self._who is None:
            self._who = identity_of(*self.facts.identity)
        return self._who

    def user_at(self, peer: DialPeer, trunk: Trunk) -> str:
        """The user part to dial at a dial-peer and its trunk, parameters of the number included.

        To be asked once the call was routed; the last answer is kept, since each attempt asks several times.
        """
        known = self._dialled
        if known is None or known[0] is not peer or known[1] is not trunk:
            known = self._dialled = (peer, trunk, called_at(self.user, self.facts, peer, trunk))
        return known[2]

    def refer_uri(self, peer: DialPeer, trunk: Trunk, user: str) -> str | None:
        """A dial-peer's ``refer_uri``, filled, where it has one; ``user`` is what `user_at` gives."""
        return None if peer.refer_uri is None else refer_uri_at(peer.refer_uri, user, self.facts, peer, trunk)

    def missing(self, peer: DialPeer, trunk: Trunk) -> str:
        """Why this call can't be sent to a dial-peer and its trunk, where nothing is there to be dialled; else "".

        An emergency call is sent wherever somebody may be.
        """
        facts = self.facts
        if facts.emergency:
            return ""
        why = missing(facts, peer)
        if not why and self.user and may_vanish(facts, peer, trunk) and not normalise(self.user_at(peer, trunk)):
            return NO_NUMBER
        return why


def read_incoming(
    request: Request, trunk: Trunk, source: str, hops_left: int, urn: bool = False, as_dialled: bool = False
) -> Incoming:
    """Reads an INVITE of ``trunk``; raises BadMessage where From or To can't be read.

    ``urn``: its Request-URI came as a URN for emergencies and is the number of these by now. Then that is what is
    called, wherever else the trunk writes called numbers; and ``as_dialled``, too.
    """
    first = request.first
    from_ = read_party(first["from"], "From")
    to = _read_to(first["to"]) or Party("", parse_uri(request.uri))
    here = urn or as_dialled or trunk.called_from == "request-uri"
    called_uri = request.uri if here else _called_elsewhere(request, to, trunk)
    user, uri_params, called = _read_called(called_uri)
    facts = _facts_of(request, called, from_, trunk, source)
    facts.emergency = urn
    incoming = Incoming(request, facts, user, uri_params, from_, to, hops_left)
    if "privacy" in first:
        asked = request.all("privacy")
        incoming.without_history = hides_history(asked)
        incoming.hidden = hides_identity(asked)
        facts.anonymous = facts.anonymous or incoming.hidden
    return incoming


def _called_elsewhere(request: Request, to: Party, trunk: Trunk) -> str:
    """The URI of the called number where that isn't the Request-URI's; that one all the same where it has no number."""
    uri = str(to.uri) if trunk.called_from == "to" else _first_uri(request.first.get("p-called-party-id", ""))
    try:
        return uri if _read_called(uri)[2] else request.uri
    except BadUri:
        return request.uri


@remembered(_MOST_NUMBERS)
def _read_called(uri: str) -> tuple[str, str, str]:
    """User part, parameters that go on, and number of a URI. A trunk calls the same few thousand. Raises BadUri."""
    parsed = parse_uri(uri)
    if isinstance(parsed, TelUri):
        user = escape_user(user_of(uri))
        return user, ";user=phone", normalise(user)  # RFC 3261 §19.1.6
    user = parsed.user or ""
    return user, lasting_params(parsed), normalise(user)


@remembered(_MOST_NUMBERS)
def _read_to(value: str) -> Party | None:
    """The To; None where it names a service (RFC 5031), which is called by the number of the Request-URI."""
    return None if is_service(value) else read_party(value, "To")


def _facts_of(request: Request, called: str, from_: Party, trunk: Trunk, source: str) -> CallFacts:
    """The facts of one call. The calling number is From's, unless an identity is asserted, believed and asked for."""
    first = request.first
    caller = str(from_.uri)
    if trunk.accept_identity and "p-asserted-identity" in first and trunk.calling_from == "pai":
        caller = _first_uri(first["p-asserted-identity"]) or caller
    facts = call_facts(user_of(caller), called, trunk.name)
    facts.source = source
    if "diversion" in first:
        facts.diverted_from = normalise(user_of(_first_uri(first["diversion"])))
    facts.call_id = first["call-id"]
    facts.session_id = session_id_of(request)
    facts.headers = _Headers(request)
    return facts


def call_facts(calling: str, called: str, trunk: str) -> CallFacts:
    """What can be said of any call, also of one that never came: ``calling`` as written, ``called`` normalised."""
    number = normalise(calling)
    return CallFacts(number, called, called, trunk, anonymous=not number or number.lower() == "anonymous")


def _first_uri(value: str) -> str:
    """The URI of a header's first address, "" where it can't be read or is too long."""
    first = first_of(value)
    if len(first) > LONGEST_VALUE:
        return ""
    try:
        return parse_name_addr(first, "")[1]
    except BadMessage:
        return ""


class _Headers:
    """``call.header("Name")`` of a rule: the first value of a header by its key, "" where it isn't there."""

    __slots__ = ("_request",)

    def __init__(self, request: Request) -> None:
        self._request = request

    def __call__(self, key: str) -> str:
        return self._request.first.get(key, "")
