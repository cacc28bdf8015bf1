"""Who may ask what over HTTP.

From this machine everything is free, unless a proxy says that it speaks for someone else, or the Host is one that we
do not listen on (a browser page that was led here by its own name, DNS rebinding). Others have the open paths, and
with a token what its scopes are good for. What changes something and comes from a browser must come from our own page.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final, NamedTuple

from edge_router.admission.tokens import Tokens

LOCAL_NAMES = frozenset({"localhost", "ip6-localhost"})
HARMLESS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing (RFC 9110 §9.2.1)."""


class Question(NamedTuple):
    """A request as far as access goes; ``headers`` must find names in any case, ``peer`` is an IP address or ""."""

    method: str
    path: str
    peer: str
    headers: Mapping[str, str]


class Refusal(NamedTuple):
    """An HTTP status, and why in words."""

    status: int
    why: str


class Access:
    """Who may ask for what. ``open_paths`` need no token from anywhere; ``tokens`` may be replaced while it runs."""

    def __init__(self, open_paths: Iterable[str], tokens: Tokens | None = None, listening: str = "") -> None:
        self.tokens = tokens or Tokens()
        self.listening = listening
        self._open_paths = set(open_paths)

    def open(self, path: str) -> None:
        """Let everybody ask for a path: it has a lock of its own."""
        self._open_paths.add(path)

    def refusal(self, question: Question) -> Refusal | None:
        """Why this may not be asked, or None if it may."""
        method, path, peer, headers = question
        if path in self._open_paths:
            return None
        if method not in HARMLESS and comes_from_elsewhere(headers):
            return Refusal(403, "changes from a browser need the same Origin")
        token = bearer(headers)
        if token is None:
            if (
                is_loopback(peer)
                and not speaks_for_another(headers)
                and is_ours(headers.get("Host", ""), self.listening)
            ):
                return None
            return Refusal(401, "a token is needed")
        holder = self.tokens.holder(token)
        if holder is None:
            return Refusal(401, "this token is not known")
        scope = scope_of(method, path)
        return None if holder.may(scope) else Refusal(403, f"the token of {holder.name} lacks the scope {scope}")


def scope_of(method: str, path: str) -> str:
    """What a token must be good for."""
    if path == "/v1/decisions":
        return "decide"
    return "read" if method in HARMLESS else "admin"


def bearer(headers: Mapping[str, str]) -> str | None:
    """The token of an Authorization header (RFC 6750 §2.1), "" if there is one of another kind, None without any."""
    authorization = headers.get("Authorization")
    if authorization is None:
        return None
    scheme, _, token = authorization.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def comes_from_elsewhere(headers: Mapping[str, str]) -> bool:
    """Whether a browser says that a page of another origin asks (RFC 6454)."""
    origin = headers.get("Origin")
    if origin is None:
        return False
    scheme, separator, host = origin.lower().partition("://")
    return not separator or scheme not in ("http", "https") or host != headers.get("Host", "").lower()


def is_loopback(peer: str) -> bool:
    """Whether the peer is on this machine; IPv4 in IPv6 clothes counts as IPv4."""
    address = _address(peer)
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return address is not None and address.is_loopback


def speaks_for_another(headers: Mapping[str, str]) -> bool:
    """Whether a proxy passed this on: Forwarded (RFC 7239) or any of its X- forerunners is there."""
    return any(name.lower() == "forwarded" or name.lower().startswith("x-forwarded") for name in headers)


def is_ours(host: str, listening: str) -> bool:
    """Whether a Host header names this machine: a loopback address or name, or the address we listen on."""
    name = _without_port(host)
    return name.lower() in LOCAL_NAMES or name == listening or is_loopback(name)


def _without_port(host: str) -> str:
    """The host of ``host[:port]``, without the brackets of IPv6."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.rpartition(":")[0] if host.count(":") == 1 else host


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text.partition("%")[0])
    except ValueError:
        return None
