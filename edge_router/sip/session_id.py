"""Session-ID (RFC 7989): what a call is called by everybody on its way."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from edge_router.sip.strict_params import strict_params

if TYPE_CHECKING:
    from edge_router.sip.message import Message

LONGEST: Final = 512
"""Characters of a value: two UUIDs take 72, the rest is for parameters that nobody has thought of yet."""

_UUID: Final = re.compile("[0-9a-f]{32}")


def is_session_id(value: str) -> bool:
    """Whether this is one as RFC 7989 §5 has it: a UUID, or the nil one, in lower case; no more than one `remote`."""
    if len(value) > LONGEST or _UUID.match(value) is None:
        return False
    params = strict_params(value, 32)
    if params is None:
        return False
    remote = [text for name, text in params if name == "remote"]
    return not remote or (len(remote) == 1 and _UUID.fullmatch(remote[0]) is not None)


def session_id_back(value: str) -> str:
    """The Session-ID line of what we say ourselves to whoever has sent this one; "" where he has sent none.

    The two UUIDs change places (RFC 7989 §7); one without ``remote`` is of RFC 7329, and comes back as it is.
    """
    if not value:
        return ""
    mine, params = value[:32], strict_params(value, 32) or ()
    for name, theirs in params:
        if name == "remote":
            return f"Session-ID: {theirs};remote={mine}\r\n"
    return f"Session-ID: {mine}\r\n"


def session_id_of(message: Message) -> str:
    """The Session-ID of a message, as it is written; "" where there is none that can be one. Of several the first."""
    if "session-id" not in message.first:
        return ""
    return next((value for value in message.all("session-id") if is_session_id(value)), "")
