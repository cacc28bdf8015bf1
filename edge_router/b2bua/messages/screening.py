"""What a request must be before it becomes a call: RFC 3261 §8.2 in the order that it gives.

Each check looks at one thing and gives the refusal that it deserves, or None. The checks know the message alone; who
may send it, and whether a transaction or dialog is there for it, is router.py's business.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from edge_router.b2bua.messages.capabilities import (
    ALLOW_EVENTS_LINE,
    ALLOW_LINE,
    ALLOW_OUTSIDE_LINE,
    OUTSIDE,
    RELIABLE,
    SUPPORTED,
    speaks_reliably,
)
from edge_router.sip.errors import BadMessage
from edge_router.sip.headers import parse_cseq, parse_name_addr, parse_small_number, split_list
from edge_router.sip.names import METHODS, SPELLING
from edge_router.sip.remember import remembered
from edge_router.sip.uri import BadUri, SipUri, UnsupportedScheme, parse_uri

if TYPE_CHECKING:
    from edge_router.dialplan.trunk import Trunk
    from edge_router.sip.message import Request, Response

MANDATORY: Final[tuple[str, ...]] = ("call-id", "cseq", "from", "to", "via")
_ALLOWED: Final = frozenset(OUTSIDE.split(", "))
_KNOWN_OPTIONS: Final = frozenset(SUPPORTED.split(", "))
_KNOWN_OUTSIDE: Final = _KNOWN_OPTIONS | {RELIABLE}
MAX_FORWARDS: Final = 70


class Refusal(NamedTuple):
    """The answer to a request that goes no further; ``headers`` are whole lines."""

    code: int
    reason: str
    headers: str = ""


NO_DIALOG: Final = Refusal(481, "Call/Transaction Does Not Exist")
PENDING: Final = Refusal(491, "Request Pending")


def check_mandatory(message: Request | Response) -> None:
    """Raises BadMessage(400) where a header is missing that every message has, or CSeq is not what it must be."""
    first = message.first
    for key in MANDATORY:
        if key not in first:
            missing = " and ".join([SPELLING[each] for each in MANDATORY if each not in first])
            raise BadMessage(400, f"{missing} is missing", message)
    if not first["call-id"]:
        raise BadMessage(400, "Call-ID is empty", message)


def check_cseq(request: Request) -> None:
    """Raises BadMessage(400) for a CSeq that isn't a number and this request's method.

    An unknown method gets its 501 whatever its CSeq says (RFC 4475 §3.1.2.18).
    """
    if parse_cseq(request.first["cseq"]).method != request.method and request.method in METHODS:
        raise BadMessage(400, "CSeq names another method", request)


def check_form(request: Request) -> None:
    """Raises BadMessage(400) where From, To or Date can't be read: whoever takes the request on would stumble."""
    first = request.first
    if request.method != "INVITE":  # whose addresses are read in any case
        parse_name_addr(first["from"], "From")
        parse_name_addr(first["to"], "To")
    if "date" in first and first["date"][-4:] != " GMT":
        raise BadMessage(400, "Date is not in GMT", request)  # RFC 3261 §20.17


def refusal_of(request: Request, trunk: Trunk) -> Refusal | None:
    """Why a request outside any dialog can't be taken from this trunk, None if it can."""
    uri = _uri(request.uri)
    if uri is not None and uri.code == 400:  # what is malformed is so for any method
        return uri
    known = _KNOWN_OPTIONS if trunk.rel1xx == "disabled" else _KNOWN_OUTSIDE
    return _method(request) or uri or unspoken(request, known)


def refusal_of_unreliable(invite: Request, trunk: Trunk) -> Refusal | None:
    """The 421 for a caller without reliable provisional responses, where his trunk is to have them (RFC 3262 §3)."""
    if trunk.rel1xx != "require" or speaks_reliably(invite):
        return None
    return Refusal(421, "Extension Required", f"Require: {RELIABLE}\r\n")


def _method(request: Request) -> Refusal | None:
    method = request.method
    if method in _ALLOWED and method != "NOTIFY":
        return None
    if method not in METHODS:
        return Refusal(501, "Not Implemented", ALLOW_LINE)
    if method in ("SUBSCRIBE", "NOTIFY", "PUBLISH"):
        # The one event package that we know lives in the dialog of a REFER (RFC 3515).
        event = request.first.get("event", "").partition(";")[0].strip(" \t").lower()
        if event != "refer":
            return Refusal(489, "Bad Event", ALLOW_EVENTS_LINE)
        if method == "NOTIFY":
            return Refusal(481, "Subscription Does Not Exist")
    return Refusal(405, "Method Not Allowed", ALLOW_OUTSIDE_LINE)


@remembered(1_024)
def _uri(uri: str) -> Refusal | None:
    try:
        parsed = parse_uri(uri)
    except UnsupportedScheme:
        return Refusal(416, "Unsupported URI Scheme")
    except BadUri:
        return Refusal(400, "Malformed Request-URI")
    if isinstance(parsed, SipUri) and parsed.headers:  # RFC 3261 §19.1.1: headers have no place there
        return Refusal(400, "Headers in the Request-URI")
    return None


def unspoken(request: Request, known: frozenset[str] = _KNOWN_OPTIONS) -> Refusal | None:
    """The 420 for a request that requires an extension that we don't speak (§8.2.2.3), None if it requires none.

    Within a dialog 100rel is one: a re-INVITE of ours or theirs is answered without ringing.
    """
    if "require" not in request.first:
        return None
    wanted = [tag for value in request.all("require") for tag in split_list(value) if tag]
    unknown = [tag for tag in wanted if tag.lower() not in known]
    return Refusal(420, "Bad Extension", f"Unsupported: {', '.join(unknown)}\r\n") if unknown else None


def hops_left(request: Request) -> int:
    """Max-Forwards less one for the next leg; -1 where the request may go no further. Raises BadMessage(400)."""
    return parse_small_number(request.first.get("max-forwards"), "Max-Forwards", MAX_FORWARDS, 255) - 1
