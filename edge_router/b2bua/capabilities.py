"""What the router says that it can do, in every message that a peer may learn it from (RFC 3261 §20.5, §20.37)."""

from __future__ import annotations

from typing import Final

OUTSIDE: Final = "INVITE, ACK, CANCEL, BYE, OPTIONS, NOTIFY"
"""What is taken outside a dialog, or refused there for a better reason than its method."""
ALLOW: Final = f"{OUTSIDE}, INFO, MESSAGE, REFER, UPDATE"
ALLOW_LINE: Final = f"Allow: {ALLOW}\r\n"
ALLOW_OUTSIDE_LINE: Final = f"Allow: {OUTSIDE}\r\n"
SUPPORTED: Final = "norefersub, replaces, uui"
"""Option tags of the extensions that we speak (RFC 4488, RFC 3891, RFC 7433); a Require for another gets 420."""
