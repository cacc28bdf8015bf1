"""What the other side of a trunk is told a call by: the headers of its `correlation`, with this call's values.

They go into the INVITE of a bridged leg, and where the caller is sent on, into the URIs that he is given: what he sends
there bears them then (RFC 3261 §19.1.5). A header that can't be written is left out and counted; no call is lost by it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from edge_router.b2bua.messages.outbound import new_cisco_guid
from edge_router.b2bua.messages.user_data import has_ours, remark
from edge_router.dialplan.correlation import MOST_BYTES, UUI, size, user_to_user
from edge_router.dialplan.number import normalise
from edge_router.sip.tokens import new_token

if TYPE_CHECKING:
    from edge_router.b2bua.call.call import Call
    from edge_router.b2bua.messages.incoming import Incoming
    from edge_router.dialplan.correlation import Correlation
    from edge_router.dialplan.trunk import Trunk

LEFT_OUT: Final = "correlation header"
"""What a header that was left out is counted as."""
_IN_URI: Final = "-_.!~*'()[]/?:+$"  # unreserved and hnv-unreserved (RFC 3261 §25.1), besides letters and digits
_NOBODY: Final = "0" * 32


def correlation_lines(call: Call, incoming: Incoming, trunk: Trunk, correlation: Correlation) -> str:
    """The header lines that go into an INVITE to this trunk."""
    if has_ours(trunk):
        why = remark(incoming.request)
        if why:
            call.remark_once(why)
    return "".join([f"{name}: {value}\r\n" for name, value in _headers(call, incoming, trunk, correlation)])


def with_correlation(uris: list[str], call: Call, incoming: Incoming, trunk: Trunk) -> list[str]:
    """The URIs that lead a caller to this trunk, with the headers in them where it wants them there."""
    correlation = trunk.correlation
    if correlation is None or not correlation.in_uri:
        return uris
    found = _headers(call, incoming, trunk, correlation)
    if not found:
        return uris
    headers = "&".join([f"{quote(name, safe=_IN_URI)}={quote(value, safe=_IN_URI)}" for name, value in found])
    return [f"{uri}{'&' if _has_headers(uri) else '?'}{headers}" for uri in uris]


def _has_headers(uri: str) -> bool:
    """Whether headers stand in a URI already. A user part may have a question mark of its own (RFC 3261 §25.1)."""
    return "?" in (uri.partition("@")[2] or uri)


def _headers(call: Call, incoming: Incoming, trunk: Trunk, correlation: Correlation) -> list[tuple[str, str]]:
    """Names and values; what has no value is left out, and what can't be written or goes beyond the bound."""
    found: list[tuple[str, str]] = []
    total = 0
    for name, what in correlation.headers:
        value = _value(what, call, incoming, trunk)
        if not value:
            continue
        if name.lower() == UUI:
            value = user_to_user(value)
        length = size(name, value)
        if not value.isprintable() or total + length > MOST_BYTES:
            why = f"{name} left out: more than {MOST_BYTES} bytes" if value.isprintable() else f"{name} left out"
            call.remark_once(why)
            call.router.observer.rejected(LEFT_OUT)
            continue
        total += length
        found.append((name, value))
    return found


def _value(what: str, call: Call, incoming: Incoming, trunk: Trunk) -> str:
    """One value, "" where this call has none."""
    record, facts = call.record, incoming.facts
    match what:
        case "call_id":
            return record.call_id
        case "node":
            return record.node
        case "session_id":
            return _session(call, incoming)
        case "cisco_guid":
            if record.cisco_guid is None:
                record.cisco_guid = new_cisco_guid()
            return record.cisco_guid
        case "calling":
            return _calling(incoming, trunk)
        case "called":
            return facts.called
        case _:
            return "" if facts.service is None else facts.service.get("service", "")


def _calling(incoming: Incoming, trunk: Trunk) -> str:
    """Who calls, as far as this trunk may know it (RFC 3323, RFC 3325): an asserted one is for the trusted."""
    if trunk.send_identity:
        return incoming.facts.calling
    return "" if incoming.hidden else normalise(incoming.from_.uri.user or "")


def _session(call: Call, incoming: Incoming) -> str:
    """The caller's side of the Session-ID. Who came without gets one, which goes on as if he had brought it."""
    record = call.record
    if record.session_id is None:
        record.session_id = f"{new_session()};remote={_NOBODY}"
        incoming.request.add("session-id", record.session_id)
    return record.session_id.partition(";")[0].strip(" \t")


def new_session() -> str:
    """One side of a new Session-ID: a random UUID without its hyphens (RFC 7989 §4.1)."""
    high, low = new_token(), new_token()
    return f"{high[:12]}4{high[13:]}8{low[1:]}"
