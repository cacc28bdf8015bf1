"""What a message says of session timers (RFC 4028): Session-Expires and Min-SE, and who speaks what.

A value that can't be read counts as none: whoever writes it has no timer with us, and his call goes on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from edge_router.sip.headers import param, split_list

if TYPE_CHECKING:
    from edge_router.sip.message import Message

SHORTEST: Final = 90
"""Seconds that no session interval may be below (RFC 4028 §5)."""
LONGEST: Final = 86_400
"""Seconds that we count at most: who asks for more is looked after as if he had asked for a day."""
_MOST_DIGITS: Final = 10


class SessionExpires(NamedTuple):
    """An interval in seconds and who refreshes it: ``uac``, ``uas``, or "" where that is left open."""

    interval: int
    refresher: str


def session_expires(message: Message) -> SessionExpires | None:
    """The Session-Expires of a message, None where there is none that can be read."""
    value = message.first.get("session-expires")
    if value is None:
        return None
    number, _, params = value.partition(";")
    interval = _seconds(number)
    if interval is None:
        return None
    refresher = (param(params, "refresher") or "").lower() if params else ""
    return SessionExpires(interval, refresher if refresher in ("uac", "uas") else "")


def min_se(message: Message, default: int = SHORTEST) -> int:
    """The shortest interval that a message allows, in seconds: its Min-SE, 90 at least, else ``default``."""
    said = _seconds(message.first.get("min-se", "").partition(";")[0])
    return default if said is None else max(said, SHORTEST)


def names(message: Message, header: str, token: str) -> bool:
    """Whether a list such as Supported or Allow names this; ``token`` is in lower case."""
    if header not in message.first:
        return False
    return any(entry.lower() == token for value in message.all(header) for entry in split_list(value))


def _seconds(text: str) -> int | None:
    """Delta-seconds, a day at most."""
    text = text.strip(" \t")
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS):
        return None
    return min(int(text), LONGEST)
