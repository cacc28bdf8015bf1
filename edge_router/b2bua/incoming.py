"""The caller's INVITE, read once: what dial plan and policy decide on, and what every attempt is made from."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from edge_router.b2bua.identity import hides_identity, user_of
from edge_router.dialplan.number import normalise
from edge_router.policy.facts import CallFacts
from edge_router.sip.errors import BadMessage
from edge_router.sip.headers import NameAddr, parse_name_addr, split_list
from edge_router.sip.message import Request
from edge_router.sip.uri import escape_user

if TYPE_CHECKING:
    from edge_router.dialplan.peer import DialPeer
    from edge_router.dialplan.trunk import Trunk

_MOST_NUMBERS: Final = 1_024  # called numbers whose reading is remembered
# URI parameters that say how this hop is reached, not who is called (RFC 3261 §19.1.1).
_OF_THE_HOP: Final = frozenset({"transport", "maddr", "ttl", "lr", "method", "ob", "sigcomp-id"})


class Incoming(NamedTuple):
    """An INVITE and what was read of it.

    ``user`` is the Request-URI's user part with its parameters (``npdi``, ``rn`` ...), as written; ``uri_params`` the
    URI's own parameters that go on, with their semicolons; ``hops_left`` the Max-Forwards of the next leg.
    """

    request: Request
    facts: CallFacts
    user: str
    uri_params: str
    from_: NameAddr
    to: NameAddr
    hops_left: int

    def user_at(self, peer: DialPeer) -> str:
        """The user part to dial at a dial-peer: its ``called_number``, else what was called."""
        return self.user if peer.called_number is None else self.fill(peer.called_number)

    def fill(self, template: str) -> str:
        """A template of the configuration with this call's numbers."""
        return fill(template, self.facts)


def read_incoming(request: Request, trunk: Trunk, source: str, hops_left: int) -> Incoming:
    """Reads an INVITE of ``trunk``; raises BadMessage where From or To can't be read."""
    first = request.first
    user, uri_params, called = _read_called(request.uri)
    from_ = parse_name_addr(first["from"], "From")
    facts = _facts_of(request, called, from_, trunk, source)
    return Incoming(request, facts, user, uri_params, from_, _read_to(first["to"]), hops_left)


@lru_cache(maxsize=_MOST_NUMBERS)
def _read_called(uri: str) -> tuple[str, str, str]:
    """User part, parameters that go on, and called number of a Request-URI. A trunk calls the same few thousand."""
    user = user_of(uri)
    return user, _params_that_go_on(uri), normalise(user)


@lru_cache(maxsize=_MOST_NUMBERS)
def _read_to(value: str) -> NameAddr:
    return parse_name_addr(value, "To")


def _facts_of(request: Request, called: str, from_: NameAddr, trunk: Trunk, source: str) -> CallFacts:
    """The facts of one call. The calling number is the asserted one where the trunk is believed, else that of From."""
    first = request.first
    caller = from_.uri
    if trunk.accept_identity and "p-asserted-identity" in first:
        caller = _first_uri(first["p-asserted-identity"]) or caller
    facts = call_facts(user_of(caller), called, trunk.name)
    facts.source = source
    if "privacy" in first and hides_identity(first["privacy"]):
        facts.anonymous = True
    if "diversion" in first:
        facts.diverted_from = normalise(user_of(_first_uri(first["diversion"])))
    facts.call_id = first["call-id"]
    facts.headers = _Headers(request)
    return facts


def call_facts(calling: str, called: str, trunk: str) -> CallFacts:
    """What can be said of any call, also of one that never came: ``calling`` as written, ``called`` normalised."""
    number = normalise(calling)
    return CallFacts(number, called, called, trunk, anonymous=not number or number.lower() == "anonymous")


def fill(template: str, facts: CallFacts) -> str:
    """A template of the configuration, its {called} and {calling} as they can stand in a URI's user part."""
    return template.replace("{called}", escape_user(facts.called)).replace("{calling}", escape_user(facts.calling))


def _params_that_go_on(uri: str) -> str:
    if uri[:4].lower() == "tel:":
        return ";user=phone"  # RFC 3261 §19.1.6
    place = uri.rpartition("@")[2].partition("?")[0]
    if ";" not in place:
        return ""
    return "".join([f";{p}" for p in place.split(";")[1:] if p.partition("=")[0].lower() not in _OF_THE_HOP])


def _first_uri(value: str) -> str:
    """The URI of a header's first address, "" where it can't be read."""
    try:
        return parse_name_addr(split_list(value)[0], "").uri
    except BadMessage:
        return ""


class _Headers:
    """``call.header("Name")`` of a rule: the first value of a header by its key, "" where it isn't there."""

    __slots__ = ("_request",)

    def __init__(self, request: Request) -> None:
        self._request = request

    def __call__(self, key: str) -> str:
        return self._request.first.get(key, "")
