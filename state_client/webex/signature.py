"""Whether an event is the cloud's own: who signed it, and when.

Webex Contact Center signs the body's bytes with HMAC-SHA256 under the subscription's secret (X-WebexCC-Signature) and,
for subscriptions by v2, repeats the body's ``comciscotimestamp`` in X-WebExCC-Timestamp.
"""

from __future__ import annotations

import hmac
from typing import Final

from state_client.webex.secret import Secret

SIGNATURE: Final = "X-WebexCC-Signature"
TIMESTAMP: Final = "X-WebExCC-Timestamp"
WINDOW: Final = 300.0
"""Seconds, both ways, that the cloud's clock may differ from ours, way included."""


def sign(secret: Secret, body: bytes) -> str:
    """The signature of a body: 64 hexadecimal digits, lower case."""
    return hmac.digest(secret.reveal().encode(), body, "sha256").hex()


def verify(secret: Secret, body: bytes, header: str) -> bool:
    """Whether ``header`` is the signature of ``body``. It takes as long whichever digit is wrong."""
    if not secret:
        return False
    digits = header.strip().lower()
    return digits.isascii() and hmac.compare_digest(sign(secret, body), digits)


def same_time(sent_ms: int, header: str) -> bool:
    """Whether the header's time is the body's, in milliseconds. Where either says none there is nothing to compare.

    The header isn't signed, so only the body's time proves anything: events of v1 carry neither.
    """
    return not sent_ms or not header or header.strip() == str(sent_ms)


def timely(sent_ms: int, header: str, now: float, window: float = WINDOW) -> bool:
    """Whether the body's time, or else the header's, is within ``window`` seconds of ``now``. Without a time it is."""
    if not sent_ms:
        digits = header.strip()
        if not digits:
            return True
        if not digits.isascii() or not digits.isdigit() or len(digits) > 15:
            return False
        sent_ms = int(digits)
    return abs(now - sent_ms / 1000) <= window
