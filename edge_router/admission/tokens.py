"""Who may ask over HTTP from elsewhere: bearer tokens (RFC 6750), each with a name and what it is good for.

Lives here: the file of tokens, and whose token one is. Kept are digests, never a token: nothing that is printed or
logged from here can give one away.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from types import MappingProxyType
from typing import Final

SCOPES: Final = ("read", "decide", "admin")
"""read: see state, calls and events. decide: ask for decisions. admin: change things, and all of the others."""
SHORTEST: Final = 16
"""Characters of a token; what is shorter can be tried out."""
MOST_OCTETS: Final = 256 * 1024

_HOW: Final = "write `token name scope,scope` on each line"


class BadTokens(ValueError):
    """What is wrong with a file of tokens: ``faults`` holds a line number and words for each."""

    def __init__(self, faults: list[tuple[int, str]]) -> None:
        super().__init__("; ".join(f"line {line}: {why}" for line, why in faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose a token is, and what it is good for."""

    name: str
    scopes: frozenset[str]

    def may(self, scope: str) -> bool:
        """Whether the token is good for this."""
        return scope in self.scopes or "admin" in self.scopes


class Tokens:
    """All tokens. They are found by their digest, so that the time a look-up takes says nothing about a token."""

    def __init__(self, holders: Mapping[bytes, Holder] = MappingProxyType({})) -> None:
        self._holders = holders

    def __len__(self) -> int:
        return len(self._holders)

    def holder(self, token: str) -> Holder | None:
        """Whose token it is, None if nobody's."""
        return self._holders.get(_digest(token))


def read_tokens(text: str) -> Tokens:
    """Read ``token name scope,scope`` lines; empty ones and those that begin with # are left out.

    Raises BadTokens with all that is wrong. No message has a token in it.
    """
    holders: dict[bytes, Holder] = {}
    faults: list[tuple[int, str]] = []
    names: dict[str, int] = {}
    for number, words in _entries(text):
        why = _what_is_wrong(words)
        if not why and words[1] in names:
            why = f"{words[1]} stands in line {names[words[1]]} too; give each token a name of its own"
        elif not why and _digest(words[0]) in holders:
            why = "this token stands in the file twice; make a new one"
        if why:
            faults.append((number, why))
            continue
        names[words[1]] = number
        holders[_digest(words[0])] = Holder(words[1], frozenset(words[2].split(",")))
    if faults:
        raise BadTokens(faults)
    return Tokens(holders)


def token_good_for(text: str, scope: str) -> str | None:
    """Give a token of such a file that is good for ``scope``, of several the one that is good for least; None if none.

    For who may read the file, and asks the router that reads it too. Raises BadTokens.
    """
    read_tokens(text)
    found = [(frozenset(scopes.split(",")), token) for _, (token, _name, scopes) in _entries(text)]
    good = [(("admin" in scopes, len(scopes)), token) for scopes, token in found if scopes & {scope, "admin"}]
    return min(good, key=lambda each: each[0])[1] if good else None


def _entries(text: str) -> Iterator[tuple[int, list[str]]]:
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() and not line.lstrip().startswith("#"):
            yield number, line.split()


def _what_is_wrong(words: list[str]) -> str:
    if len(words) != 3:
        return f"{len(words)} words instead of 3; {_HOW}"
    token, _, scopes = words
    if len(token) < SHORTEST:
        return f"the token is shorter than {SHORTEST} characters; take a random one, as of `openssl rand -hex 24`"
    unknown = [scope for scope in scopes.split(",") if scope not in SCOPES]
    if unknown:
        return f"there is no scope {unknown[0]!r}; there are {', '.join(SCOPES)}"
    return ""


def _digest(token: str) -> bytes:
    return sha256(token.encode("utf-8", "surrogatepass")).digest()
