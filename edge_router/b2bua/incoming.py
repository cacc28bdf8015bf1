"""The caller's INVITE, read once: what dial plan and policy decide on, and what every attempt is made from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from edge_router.b2bua.identity import LONGEST_VALUE, Party, hides_identity, lasting_params, read_party, user_of
from edge_router.dialplan.number import normalise
from edge_router.policy.facts import CallFacts
from edge_router.sip.errors import BadMessage
from edge_router.sip.headers import first_of, parse_name_addr
from edge_router.sip.message import Request
from edge_router.sip.remember import remembered
from edge_router.sip.uri import TelUri, escape_user, parse_uri

if TYPE_CHECKING:
    from edge_router.dialplan.peer import DialPeer
    from edge_router.dialplan.trunk import Trunk

_COLUMNS: Final = re.compile(r"\{service\.([a-z0-9_]+)\}")
_NO_CELLS: Final[Mapping[str, str]] = MappingProxyType({})
_MOST_NUMBERS: Final = 1_024  # called numbers whose reading is remembered


class Incoming:
    """An INVITE and what was read of it.

    ``user`` is the Request-URI's user part with its parameters (``npdi``, ``rn`` ...), as written; ``uri_params`` the
    URI's own parameters that go on, with their semicolons; ``hops_left`` the Max-Forwards of the next leg; ``hidden``
    whether the caller asks to be anonymous.
    """

    __slots__ = ("facts", "from_", "hidden", "hops_left", "request", "to", "uri_params", "user")

    def __init__(
        self,
        request: Request,
        facts: CallFacts,
        user: str,
        uri_params: str,
        from_: Party,
        to: Party,
        hops_left: int,
        hidden: bool,
    ) -> None:
        self.request = request
        self.facts = facts
        self.user = user
        self.uri_params = uri_params
        self.from_ = from_
        self.to = to
        self.hops_left = hops_left
        self.hidden = hidden

    def user_at(self, peer: DialPeer) -> str:
        """The user part to dial at a dial-peer: its ``called_number``, else what was called."""
        return self.user if peer.called_number is None else self.fill(peer.called_number)

    def missing(self, peer: DialPeer) -> str:
        """Why this call can't be sent to a dial-peer whose templates take what its service doesn't have; else ""."""
        for template in (peer.called_number, peer.refer_uri):
            if template is not None and "{service." in template:
                for column in _COLUMNS.findall(template):
                    if not (self.facts.service or _NO_CELLS).get(column):
                        return f"without a {column} for this number"
        return ""

    def fill(self, template: str) -> str:
        """A template of the configuration with this call's numbers."""
        return fill(template, self.facts)


def read_incoming(request: Request, trunk: Trunk, source: str, hops_left: int) -> Incoming:
    """Reads an INVITE of ``trunk``; raises BadMessage where From or To can't be read."""
    first = request.first
    user, uri_params, called = _read_called(request.uri)
    from_ = read_party(first["from"], "From")
    hidden = "privacy" in first and hides_identity(request.all("privacy"))
    facts = _facts_of(request, called, from_, trunk, source)
    facts.anonymous = facts.anonymous or hidden
    return Incoming(request, facts, user, uri_params, from_, _read_to(first["to"]), hops_left, hidden)


@remembered(_MOST_NUMBERS)
def _read_called(uri: str) -> tuple[str, str, str]:
    """User part, parameters that go on, and called number of a Request-URI. A trunk calls the same few thousand."""
    parsed = parse_uri(uri)  # which screening has done before
    if isinstance(parsed, TelUri):
        user = escape_user(user_of(uri))
        return user, ";user=phone", normalise(user)  # RFC 3261 §19.1.6
    user = parsed.user or ""
    return user, lasting_params(parsed), normalise(user)


@remembered(_MOST_NUMBERS)
def _read_to(value: str) -> Party:
    return read_party(value, "To")


def _facts_of(request: Request, called: str, from_: Party, trunk: Trunk, source: str) -> CallFacts:
    """The facts of one call. The calling number is the asserted one where the trunk is believed, else that of From."""
    first = request.first
    caller = str(from_.uri)
    if trunk.accept_identity and "p-asserted-identity" in first:
        caller = _first_uri(first["p-asserted-identity"]) or caller
    facts = call_facts(user_of(caller), called, trunk.name)
    facts.source = source
    if "diversion" in first:
        facts.diverted_from = normalise(user_of(_first_uri(first["diversion"])))
    facts.call_id = first["call-id"]
    facts.session_id = first.get("session-id", "")
    facts.headers = _Headers(request)
    return facts


def call_facts(calling: str, called: str, trunk: str) -> CallFacts:
    """What can be said of any call, also of one that never came: ``calling`` as written, ``called`` normalised."""
    number = normalise(calling)
    return CallFacts(number, called, called, trunk, anonymous=not number or number.lower() == "anonymous")


def fill(template: str, facts: CallFacts) -> str:
    """A template of the configuration with what the call has, as it can stand in a URI's user part."""
    if "{service." in template:
        cells = facts.service or _NO_CELLS
        template = _COLUMNS.sub(lambda found: escape_user(cells.get(found[1], "")), template)
    return template.replace("{called}", escape_user(facts.called)).replace("{calling}", escape_user(facts.calling))


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
