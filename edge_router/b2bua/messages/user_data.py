"""What a caller says to the user (User-to-User, RFC 7433), where we have something to say by the same header."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from edge_router.dialplan.correlation import UUI
from edge_router.sip.headers import split_list
from edge_router.sip.strict_params import QUOTED, TOKEN, strict_params

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edge_router.dialplan.trunk import Trunk
    from edge_router.sip.message import Message

OURS: Final = "isdn-uui"
"""The package that our own value is of, and one without a purpose, too (RFC 7434)."""
MALFORMED: Final = "a User-to-User that can't be read isn't passed on"
SECOND: Final = "the caller's own User-to-User isn't passed on: of its purpose there may be one only, and that is ours"

_DATA: Final = re.compile(f"(?:{TOKEN}|{QUOTED})", re.ASCII)
_HEX: Final = re.compile("(?:[0-9a-fA-F]{2})+")


def has_ours(trunk: Trunk) -> bool:
    """Whether we say something by User-to-User to this trunk."""
    return trunk.correlation is not None and UUI in trunk.correlation.keys


def beside_ours(values: Iterable[str]) -> tuple[list[str], str]:
    """What of a caller's User-to-User values may stand beside ours; and what is to be said of the rest, "" if nothing.

    A malformed one has no meaning, and of one package a request has one value at the most (RFC 7434).
    """
    kept: list[str] = []
    why = ""
    for value in values:
        for each in split_list(value):
            purpose = _purpose(each)
            if purpose is None:
                why = MALFORMED
            elif purpose == OURS:
                why = why or SECOND
            else:
                kept.append(each)
    return kept, why


def remark(request: Message) -> str:
    """What is to be said of the caller's User-to-User, where ours is there; "" if nothing."""
    return beside_ours(request.all(UUI))[1] if UUI in request.first else ""


def _purpose(value: str) -> str | None:
    """The purpose of one value, in lower case; None where it can't be read (RFC 7433 §4.1)."""
    data = _DATA.match(value)
    params = strict_params(value, data.end()) if data is not None else None
    if data is None or params is None:
        return None
    said = dict(params)
    if len(said) != len(params):
        return None
    purpose = said.get("purpose", OURS).lower()
    hexadecimal = said.get("encoding", "hex" if purpose == OURS else "").lower() == "hex"
    return None if not purpose or (hexadecimal and _HEX.fullmatch(data[0]) is None) else purpose
