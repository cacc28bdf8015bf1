"""What the router says that it can do, in every message that a peer may learn it from (RFC 3261 §20.5, §20.37)."""

from __future__ import annotations

from typing import Final

ALLOW: Final = "INVITE, ACK, CANCEL, BYE, OPTIONS, NOTIFY"
ALLOW_LINE: Final = f"Allow: {ALLOW}\r\n"
SUPPORTED: Final = "uui"
"""Option tags of the extensions that we speak (RFC 7433); a Require for another gets 420."""
