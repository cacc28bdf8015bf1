"""Who is calling, and who may know it: From, P-Asserted-Identity and Privacy (RFC 3261, RFC 3323, RFC 3325).

Hosts in identity headers become ours: what stands behind the router stays hidden, and an answer to the identity finds
its way back. Of a URI only the user part goes on, with the parameters of a number in it (``npdi``, ``rn``,
``verstat``), and those URI parameters that say who is called rather than how this hop is reached.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from edge_router.b2bua.messages.numbers import retold
from edge_router.sip.errors import BadMessage
from edge_router.sip.headers import param, parse_name_addr, split_list
from edge_router.sip.names import is_token
from edge_router.sip.uri import BadUri, SipUri, TelUri, escape_user, parse_uri

if TYPE_CHECKING:
    from edge_router.dialplan.translation import Translation

ANONYMOUS: Final = '"Anonymous" <sip:anonymous@anonymous.invalid>'
_NOBODY: Final = "anonymous.invalid"
_HIDING: Final = frozenset({"id", "user", "full"})
_HIDING_HISTORY: Final = frozenset({"header", "history"})
# What has been done when an INVITE leaves for whom nobody may be told of: Via, Contact and Call-ID are ours anyway.
_DONE: Final = _HIDING | _HIDING_HISTORY
LONGEST_VALUE: Final = 4_096
"""Characters of a value that is read for who calls or is called: as many as a History-Info of two dozen entries has."""

_MOST_ENTRIES: Final = 64
# URI parameters that say how this hop is reached, not who is called (RFC 3261 §19.1.1).
_OF_THE_HOP: Final = frozenset({"transport", "maddr", "ttl", "lr", "method", "ob", "sigcomp-id"})


def _privacy(values: Iterable[str]) -> list[str]:
    """What the values of Privacy headers ask for, each in lower case (RFC 3323 §4.2)."""
    return ",".join(values).lower().replace(" ", "").replace("\t", "").replace(",", ";").split(";")


def hides_identity(privacy: Iterable[str]) -> bool:
    """Whether the Privacy headers ask that the caller's identity be withheld (RFC 3323 §4.2, RFC 3325 §9.3)."""
    return not _HIDING.isdisjoint(_privacy(privacy))


def hides_history(privacy: Iterable[str]) -> bool:
    """Whether they ask that nobody be told where the call has been before (RFC 7044 §10.1)."""
    return not _HIDING_HISTORY.isdisjoint(_privacy(privacy))


def privacy_left(value: str, hidden: bool) -> str:
    """What of a Privacy header's value goes on to whom no identity is told: what isn't done yet (RFC 3323 §5).

    A wish for no privacy goes on to everybody (§4.2), unless the caller is hidden: he has asked for some elsewhere.
    """
    left = [each for each in _privacy([value]) if each and each not in _DONE and not (hidden and each == "none")]
    return ";".join(left) if left != ["critical"] else ""


def is_service(value: str) -> bool:
    """Whether a From or To names a service instead of somebody (urn:service, RFC 5031)."""
    return "urn:service:" in value.lower() and parse_name_addr(value, "To")[1][:12].lower() == "urn:service:"


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


def addressed(party: Party, host: str, changes: Sequence[Translation] = ()) -> str:
    """A From or To without its tag, with our host or the target's (host[:port]) in place of what came.

    Its number is translated by each of ``changes``. A tel URI becomes the same number as a SIP URI (RFC 3261 §19.1.6):
    what a trunk understands. Its parameters may hold what would end the user part of one, so that is escaped.
    """
    uri = party.uri
    if isinstance(uri, TelUri):
        user = retold(str(uri)[4:], changes) if changes else str(uri)[4:]
        text = uri_at(escape_user(user), host) + ";user=phone"
    else:
        text = _with_host(uri, host, changes)
    return f"{party.display} <{text}>" if party.display else f"<{text}>"


def _parsed(text: str, header: str) -> SipUri | TelUri:
    try:
        return parse_uri(text)
    except BadUri as error:
        raise BadMessage(400, f"{header}: not the address of a caller") from error


def _with_host(uri: SipUri, host: str, changes: Sequence[Translation]) -> str:
    name = retold(uri.user, changes) if changes and uri.user else uri.user
    user = f"{name}@" if name else ""
    return f"{uri.scheme}:{user}{_NOBODY if uri.host == _NOBODY else host}{lasting_params(uri)}"


def rehost(value: str, host: str, header: str, changes: Sequence[Translation] = ()) -> str:
    """Every address of a header's value with our host, and its number translated by each of ``changes``.

    Raises BadMessage where it can't be read or is too long.
    """
    if _is_too_long(value):
        raise BadMessage(400, f"{header}: too long")
    entries = []
    for entry in split_list(value):
        display, text, params = parse_name_addr(entry, header)
        uri = _parsed(text, header)
        if isinstance(uri, SipUri):
            text = _with_host(uri, host, changes)
            if uri.headers and header == "History-Info":  # RFC 7044 §5.3: the Reason of that turn of the call
                text += f"?{uri.headers}"
        elif changes:
            number = retold(text[4:], changes)
            text = f"tel:{number}" if number else uri_at("", host)
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
