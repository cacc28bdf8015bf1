"""Who is calling, and who may know it: From, P-Asserted-Identity and Privacy (RFC 3261, RFC 3323, RFC 3325).

Hosts in identity headers become ours: what stands behind the router stays hidden, and an answer to the identity finds
its way back. Of a URI only the user part goes on, with the parameters of a number in it (``npdi``, ``rn``,
``verstat``), and those URI parameters that say who is called rather than how this hop is reached.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from urllib.parse import unquote

from edge_router.sip.errors import BadMessage
from edge_router.sip.headers import param, parse_name_addr, split_list
from edge_router.sip.names import is_token
from edge_router.sip.uri import BadUri, SipUri, TelUri, escape_user, parse_uri

ANONYMOUS: Final = '"Anonymous" <sip:anonymous@anonymous.invalid>'
_NOBODY: Final = "anonymous.invalid"
_HIDING: Final = frozenset({"id", "user", "full"})
LONGEST_VALUE: Final = 4_096
"""Characters of a value that is read for who calls or is called: as many as a History-Info of two dozen entries has."""

_MOST_ENTRIES: Final = 64
# URI parameters that say how this hop is reached, not who is called (RFC 3261 §19.1.1).
_OF_THE_HOP: Final = frozenset({"transport", "maddr", "ttl", "lr", "method", "ob", "sigcomp-id"})


def hides_identity(privacy: Iterable[str]) -> bool:
    """Whether the Privacy headers ask that the caller's identity be withheld (RFC 3323 §4.2, RFC 3325 §9.3)."""
    items = ",".join(privacy).lower().replace(" ", "").replace("\t", "").replace(",", ";").split(";")
    return not _HIDING.isdisjoint(items)


def user_of(uri: str) -> str:
    """The user part of a SIP URI or the number of a TEL URI, as written; "" if there is none."""
    scheme, _, rest = uri.partition(":")
    if scheme.lower() == "tel":
        return rest
    user, at, _ = rest.partition("@")
    return user.partition(":")[0] if at else ""


def uri_at(user: str, place: str) -> str:
    """The SIP URI of a user part, which may be empty, at a host[:port]."""
    return f"sip:{user}@{place}" if user else f"sip:{place}"


def lasting_params(uri: SipUri) -> str:
    """The URI parameters that go on to the next hop, with their semicolons.

    Names are compared as a next hop would read them: unescaped, so that none slips through as ``m%61ddr``.
    """
    if not uri.params:
        return ""
    kept = ((name, value) for name, value in uri.params.items() if name not in _OF_THE_HOP and is_token(name))
    return "".join([f";{name}={value}" if value else f";{name}" for name, value in kept])


class Party:
    """A From or To: the display name as it came, quotes included, and the URI."""

    __slots__ = ("display", "uri")

    def __init__(self, display: str, uri: SipUri | TelUri) -> None:
        self.display = display
        self.uri = uri


def read_party(value: str, header: str) -> Party:
    """Reads a From or To; raises BadMessage where it can't be read, or is no address that a trunk could have."""
    if len(value) > LONGEST_VALUE:
        raise BadMessage(400, f"{header}: longer than {LONGEST_VALUE} characters")
    display, uri, _ = parse_name_addr(value, header)
    return Party(display, _parsed(uri, header))


def addressed(party: Party, host: str) -> str:
    """A From or To without its tag, with our host or the target's (host[:port]) in place of what came.

    A tel URI becomes the same number as a SIP URI (RFC 3261 §19.1.6): what a trunk understands. Its parameters may hold
    what would end the user part of one, so that is escaped.
    """
    uri = party.uri
    text = f"sip:{escape_user(str(uri)[4:])}@{host};user=phone" if isinstance(uri, TelUri) else _with_host(uri, host)
    return f"{party.display} <{text}>" if party.display else f"<{text}>"


def _parsed(text: str, header: str) -> SipUri | TelUri:
    try:
        return parse_uri(text)
    except BadUri as error:
        raise BadMessage(400, f"{header}: not the address of a caller") from error


def _with_host(uri: SipUri, host: str) -> str:
    user = f"{uri.user}@" if uri.user is not None else ""
    return f"{uri.scheme}:{user}{_NOBODY if uri.host == _NOBODY else host}{lasting_params(uri)}"


def rehost(value: str, host: str, header: str) -> str:
    """Every address of a header's value with our host; raises BadMessage where it can't be read or is too long."""
    if _is_too_long(value):
        raise BadMessage(400, f"{header}: too long")
    entries = []
    for entry in split_list(value):
        display, text, params = parse_name_addr(entry, header)
        uri = _parsed(text, header)
        if isinstance(uri, SipUri):
            text = _with_host(uri, host)
            if uri.headers and header == "History-Info":  # RFC 7044 §5.3: the Reason of that turn of the call
                text += f"?{uri.headers}"
        entries.append(f"{display} <{text}>{params}" if display else f"<{text}>{params}")
    return ", ".join(entries)


def without_private(value: str) -> str:
    """The entries of a Diversion or History-Info that do not ask for privacy (RFC 5806 §10, RFC 7044 §10.1).

    None of a value that is too long to be looked through.
    """
    if _is_too_long(value):
        return ""
    return ", ".join([entry for entry in split_list(value) if not _asks_for_privacy(entry)])


def _asks_for_privacy(entry: str) -> bool:
    """Also true of one that can't be read: it may ask."""
    try:
        _, uri, params = parse_name_addr(entry, "")
    except BadMessage:
        return True
    of_diversion, of_history = param(params, "privacy"), unquote(uri.partition("?")[2]).lower()
    return (of_diversion is not None and of_diversion.lower() != "off") or "privacy=" in of_history


def _is_too_long(value: str) -> bool:
    return len(value) > LONGEST_VALUE or value.count(",") >= _MOST_ENTRIES
