"""Why something ended, as a message says it: the Reason header (RFC 3326)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_router.sip.headers import param

if TYPE_CHECKING:
    from edge_router.sip.message import Message


def reasons_of(message: Message) -> str:
    """The Reason lines of a message."""
    return "".join(f"Reason: {value}\r\n" for value in message.all("reason"))


def cause_of(message: Message) -> int | None:
    """The Q.850 cause of a Reason header, None if there is none."""
    for value in message.all("reason"):
        protocol, _, params = value.partition(";")
        if protocol.strip(" \t").upper() == "Q.850":
            cause = param(params, "cause") or ""
            if cause.isascii() and cause.isdigit() and len(cause) <= 3:
                return int(cause)
    return None
