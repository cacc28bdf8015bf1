"""Digest authentication from the client's side (RFC 3261 §22, RFC 7616, RFC 8760; without qop as RFC 2069 had it).

Lives here: what a challenge says, which of several is answered, and the answer. Must not know: whom credentials may be
shown to, how often, and where the password comes from.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from edge_router.sip.names import TOKEN
from edge_router.sip.tokens import new_token

if TYPE_CHECKING:
    from edge_router.sip.message import Response

MOST_CHALLENGES: Final = 8
"""Challenges of one response that are read."""
LONGEST_VALUE: Final = 1_024
"""Characters of a realm, nonce or opaque value; they come back with every request."""
_LONGEST_CHALLENGE: Final = 8_192


def _md5(octets: bytes) -> Any:
    return hashlib.md5(octets, usedforsecurity=False)  # what the carrier asks for; a strict OpenSSL has it for no other


# By their names in lower case: how strong, the hash, and whether the key is of a session (RFC 7616 §3.4.2).
_ALGORITHMS: Final[dict[str, tuple[int, Callable[[bytes], Any], bool]]] = {
    "md5": (1, _md5, False),
    "md5-sess": (2, _md5, True),
    "sha-256": (3, hashlib.sha256, False),
    "sha-256-sess": (4, hashlib.sha256, True),
}
_token: Final = "[" + "".join(re.escape(each) for each in sorted(TOKEN)) + "]*+"
_PARAM: Final = re.compile(
    rf'[ \t]*+(?P<name>{_token})[ \t]*+=[ \t]*+(?:"(?P<quoted>[^"\\]*+(?:\\.[^"\\]*+)*)"|(?P<plain>[^",\s]*+))'
    r"[ \t]*+(?:,|\Z)",
    re.DOTALL,
)
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)


class Challenge:
    """What a server wants to see. ``proxy`` says that it came by Proxy-Authenticate; ``opaque`` None: there is none.

    ``algorithm`` is as the server wrote it, "" where it wrote none, which is MD5. ``qop`` says whether it offers
    ``auth``; else it knows none at all.
    """

    __slots__ = ("algorithm", "nonce", "opaque", "proxy", "qop", "realm", "stale")

    def __init__(
        self, proxy: bool, realm: str, nonce: str, opaque: str | None, algorithm: str, qop: bool, stale: bool
    ) -> None:
        self.proxy = proxy
        self.realm = realm
        self.nonce = nonce
        self.opaque = opaque
        self.algorithm = algorithm
        self.qop = qop
        self.stale = stale

    @property
    def strength(self) -> int:
        """More is better."""
        return _ALGORITHMS[self.algorithm.lower() or "md5"][0]

    @property
    def header(self) -> str:
        """The name of the header that answers it."""
        return "Proxy-Authorization" if self.proxy else "Authorization"

    def is_repeated(self, other: Challenge) -> bool:
        """Whether this other one wants the same once more, so that what answers it has to go on counting."""
        mine = self.nonce, self.algorithm, self.opaque, self.qop
        return not other.stale and mine == (other.nonce, other.algorithm, other.opaque, other.qop)

    def realm_in(self, lines: str) -> bool:
        """Whether these header lines have an answer to this realm among them, to whatever nonce."""
        realm = f"realm={quoted(self.realm)}, "
        return any(line.startswith(f"{self.header}:") and realm in line for line in lines.split("\r\n"))

    def nonce_in(self, lines: str) -> bool:
        """Whether these header lines have an answer to this very nonce among them."""
        return f"nonce={quoted(self.nonce)}, " in lines


def read_challenges(response: Response) -> list[Challenge]:
    """The challenges that can be answered: one for each realm of a server and of a proxy, the strongest.

    Of two as strong it is the upper one, which the server prefers (RFC 8760 §2.4). What can't be read, and what wants
    what isn't spoken here (auth-int alone, an algorithm not known), is left out.
    """
    found: dict[tuple[bool, str], Challenge] = {}
    values = [(False, value) for value in response.all("www-authenticate")]
    values += [(True, value) for value in response.all("proxy-authenticate")]
    for proxy, value in values[:MOST_CHALLENGES]:
        challenge = parse_challenge(value, proxy)
        if challenge is not None:
            key = proxy, challenge.realm
            if key not in found or challenge.strength > found[key].strength:
                found[key] = challenge
    return list(found.values())


def parse_challenge(value: str, proxy: bool = False) -> Challenge | None:
    """Reads one WWW-Authenticate or Proxy-Authenticate value; None where it can't be answered."""
    scheme, _, rest = value.strip(" \t").replace("\t", " ").partition(" ")
    if scheme.lower() != "digest" or len(rest) > _LONGEST_CHALLENGE:
        return None
    params = _params(rest.strip(" "))
    if params is None:
        return None
    realm, nonce, opaque = params.get("realm"), params.get("nonce"), params.get("opaque")
    algorithm = params.get("algorithm", "")
    if realm is None or not nonce or max(len(realm), len(nonce), len(opaque or "")) > LONGEST_VALUE:
        return None
    known = _ALGORITHMS.get(algorithm.lower() or "md5")
    offered = {each.strip(" ").lower() for each in params.get("qop", "").split(",")} - {""}
    if known is None or (offered and "auth" not in offered) or (known[2] and not offered):
        return None  # a session's key has a cnonce in it, and without qop there is none (RFC 7616 §3.4)
    return Challenge(proxy, realm, nonce, opaque, algorithm, bool(offered), params.get("stale", "").lower() == "true")


def _params(text: str) -> dict[str, str] | None:
    """The parameters by name in lower case, quoted values as they were meant; None where it isn't that."""
    params: dict[str, str] = {}
    at = 0
    while at < len(text):
        found = _PARAM.match(text, at)
        if found is None:
            return None
        name = found["name"].lower()
        quoted, plain = found["quoted"], found["plain"]
        value: str = plain if quoted is None else _ESCAPED.sub(r"\1", quoted)
        if not name or name in params or any(character < " " for character in value):
            return None
        params[name] = value
        at = found.end()
    return params


class Session:
    """What goes on being said to one challenge: each answer counts one more (RFC 7616 §3.4, nc)."""

    __slots__ = ("_cnonce", "_count", "_fixed", "_hash", "_key", "_username", "challenge")

    def __init__(self, challenge: Challenge, username: str, password: str, cnonce: str = "") -> None:
        self.challenge = challenge
        self._username = username
        self._cnonce = cnonce or new_token()
        self._count = 0
        _, self._hash, of_session = _ALGORITHMS[challenge.algorithm.lower() or "md5"]
        self._key = self._digest(f"{username}:{challenge.realm}:{password}")
        if of_session:
            self._key = self._digest(f"{self._key}:{challenge.nonce}:{self._cnonce}")
        self._fixed = ""
        if challenge.algorithm:
            self._fixed += f", algorithm={challenge.algorithm}"
        if challenge.opaque is not None:
            self._fixed += f", opaque={quoted(challenge.opaque)}"

    def line(self, method: str, uri: str) -> str:
        """The header line for one request, whose Request-URI is ``uri``; with its line end."""
        challenge = self.challenge
        asked = self._digest(f"{method}:{uri}")
        if challenge.qop:
            self._count += 1
            count = f"{self._count:08x}"
            response = self._digest(f"{self._key}:{challenge.nonce}:{count}:{self._cnonce}:auth:{asked}")
            of_qop = f', qop=auth, nc={count}, cnonce="{self._cnonce}"'
        else:
            response, of_qop = self._digest(f"{self._key}:{challenge.nonce}:{asked}"), ""
        return (
            f"{challenge.header}: Digest username={quoted(self._username)}, realm={quoted(challenge.realm)}, "
            f'nonce={quoted(challenge.nonce)}, uri={quoted(uri)}, response="{response}"{self._fixed}{of_qop}\r\n'
        )

    def _digest(self, text: str) -> str:
        digest: str = self._hash(text.encode("utf-8", "surrogateescape")).hexdigest()
        return digest


def quoted(text: str) -> str:
    """A text as a quoted string (RFC 3261 §25.1)."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
