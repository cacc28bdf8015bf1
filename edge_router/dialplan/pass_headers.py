"""Which headers cross from one leg to the other besides the standard set: `pass_headers` of a trunk.

Each leg is a dialog of its own, so what belongs to one hop or one dialog can never be named here, and who the caller
is crosses by the trunks' `identity` alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self

from edge_router.sip.names import key_of

_ONE_LEG: Final = """
via route record-route path service-route contact max-forwards max-breadth
call-id cseq from to rseq rack session-expires min-se timestamp replaces join target-dialog
event subscription-state sip-etag sip-if-match refer-to refer-sub recv-info
require proxy-require supported unsupported allow allow-events accept accept-encoding accept-language
authorization proxy-authorization www-authenticate proxy-authenticate authentication-info proxy-authentication-info
content-length content-type content-encoding content-disposition content-language mime-version
"""
NEVER: Final = frozenset(_ONE_LEG.split())
IDENTITY: Final = frozenset({"p-asserted-identity", "p-preferred-identity", "privacy", "remote-party-id"})


class PassHeaderError(ValueError):
    """An entry of `pass_headers` that cannot be let through; the text says why and what would be right."""


@dataclass(frozen=True, slots=True)
class PassHeaders:
    """Header keys, and beginnings of keys, that cross."""

    names: frozenset[str] = frozenset()
    prefixes: tuple[str, ...] = ()
    ours: frozenset[str] = frozenset()
    """Keys of headers that we write there: no stranger's may be taken for them."""

    @classmethod
    def parse(cls, entries: Iterable[str], ours: Iterable[str] = ()) -> Self:
        """Reads header names; one that ends in `*` means every header that begins so, save those that never cross.

        `ours` are the keys of headers that we write there. Raises PassHeaderError.
        """
        names: set[str] = set()
        prefixes: set[str] = set()
        for entry in entries:
            if entry.endswith("*"):
                prefixes.add(_beginning(entry))
            else:
                names.add(_name(entry))
        own = frozenset(ours)
        return cls(frozenset(names) - own, tuple(sorted(prefixes)), own)

    def __bool__(self) -> bool:
        """Whether any header is named."""
        return bool(self.names or self.prefixes)

    def crosses(self, key: str) -> bool:
        """Whether the header with this key (lower case, long name) is to be copied to the other leg."""
        if key in self.names:
            return True
        return key.startswith(self.prefixes) and key not in NEVER and key not in IDENTITY and key not in self.ours


def _name(entry: str) -> str:
    key = key_of(entry)
    if not key or "*" in entry or entry != entry.strip():
        raise PassHeaderError(
            f'"{entry}" is not the name of a header; write one such as X-Customer-Id, or X-Customer-*'
        )
    if key in NEVER:
        raise PassHeaderError(f'"{entry}" belongs to one leg alone and cannot cross; take it out of the list')
    if key in IDENTITY:
        raise PassHeaderError(f'"{entry}" crosses by the trunks\' `identity`; take it out of the list')
    return key


def _beginning(entry: str) -> str:
    beginning = entry[:-1]
    if beginning and ("*" in beginning or not key_of(beginning) or beginning != beginning.strip()):
        raise PassHeaderError(
            f'"{entry}" is not the beginning of a header\'s name; * stands at the end, as in X-Customer-*'
        )
    return beginning.lower()
