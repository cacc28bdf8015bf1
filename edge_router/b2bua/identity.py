"""Who is calling, and who may know it: From, P-Asserted-Identity and Privacy (RFC 3261, RFC 3323, RFC 3325).

Hosts in identity headers become ours: what stands behind the router stays hidden, and an answer to the identity finds
its way back. A number keeps its parameters (``npdi``, ``rn``, ``verstat``).
"""

from __future__ import annotations

from typing import Final

from edge_router.sip.headers import parse_name_addr, split_list

ANONYMOUS: Final = '"Anonymous" <sip:anonymous@anonymous.invalid>'
_HIDING: Final = frozenset({"id", "user", "full"})


def hides_identity(privacy: str | None) -> bool:
    """Whether a Privacy value asks that the caller's identity be withheld (RFC 3323 §4.2, RFC 3325 §9.3)."""
    return privacy is not None and any(item.strip().lower() in _HIDING for item in privacy.split(";"))


def user_of(uri: str) -> str:
    """The user part of a SIP URI or the number of a TEL URI, as written; "" if there is none."""
    scheme, _, rest = uri.partition(":")
    if scheme.lower() == "tel":
        return rest
    user, at, _ = rest.partition("@")
    return user.partition(":")[0] if at else ""


def rehost_uri(uri: str, host: str) -> str:
    """A SIP URI with ``host`` (host[:port]) in place of its own; other schemes and anonymous hosts stay."""
    scheme, colon, rest = uri.partition(":")
    if scheme.lower() not in ("sip", "sips"):
        return uri
    user, at, place = rest.rpartition("@")
    end = min((i for i in (place.find(";"), place.find("?")) if i >= 0), default=len(place))
    if place[:end].lower().endswith(".invalid"):
        return uri
    return f"{scheme}{colon}{user}{at}{host}{place[end:]}"


def rehost(value: str, host: str, header: str) -> str:
    """Every address of a header's value with our host; raises BadMessage where the value can't be read."""
    entries = []
    for entry in split_list(value):
        display, uri, params = parse_name_addr(entry, header)
        space = " " if display else ""
        entries.append(f"{display}{space}<{rehost_uri(uri, host)}>{params}")
    return ", ".join(entries)
