"""Names that SIP fixes: header names with their compact forms, methods, and which headers stand once.

A header has one key in this program: its long name in lower case. ``KEY_OF`` maps the spellings that are seen on
nearly every message to it without a function call; ``key_of`` handles the rest.
"""

from __future__ import annotations

from typing import Final

_LONG_NAMES: Final = """
Accept Accept-Contact Accept-Encoding Accept-Language Alert-Info Allow Allow-Events Authentication-Info Authorization
Call-ID Call-Info Cisco-Guid Cisco-Gucid Contact Content-Disposition Content-Encoding Content-ID Content-Language
Content-Length Content-Type CSeq Date Diversion Error-Info Event Expires From Geolocation Geolocation-Error
Geolocation-Routing History-Info Identity Identity-Info In-Reply-To Info-Package Join Max-Breadth Max-Forwards
MIME-Version Min-Expires Min-SE
Organization P-Access-Network-Info P-Asserted-Identity P-Called-Party-ID P-Charging-Vector P-Preferred-Identity
Path Priority Privacy Proxy-Authenticate Proxy-Authorization Proxy-Require RAck Reason Record-Route Recv-Info
Refer-Sub Refer-To Referred-By Reject-Contact Remote-Party-ID Replaces Reply-To Request-Disposition Require
Resource-Priority Retry-After Route RSeq Server Service-Route Session-Expires Session-ID Session SIP-ETag SIP-If-Match
Subject Subscription-State Supported Target-Dialog Timestamp To Unsupported User-Agent User-to-User Via Warning
WWW-Authenticate
""".split()

# RFC 3261 §7.3.3 and the compact forms that later RFCs registered (IANA, SIP parameters).
COMPACT: Final[dict[str, str]] = {
    "a": "accept-contact",
    "b": "referred-by",
    "c": "content-type",
    "d": "request-disposition",
    "e": "content-encoding",
    "f": "from",
    "i": "call-id",
    "j": "reject-contact",
    "k": "supported",
    "l": "content-length",
    "m": "contact",
    "n": "identity-info",
    "o": "event",
    "r": "refer-to",
    "s": "subject",
    "t": "to",
    "u": "allow-events",
    "v": "via",
    "x": "session-expires",
    "y": "identity",
}

SPELLING: Final[dict[str, str]] = {name.lower(): name for name in _LONG_NAMES}
KEY_OF: Final[dict[str, str]] = (
    {name: name.lower() for name in _LONG_NAMES}
    | {name.lower(): name.lower() for name in _LONG_NAMES}
    | {name.upper(): name.lower() for name in _LONG_NAMES}
    | COMPACT
    | {short.upper(): key for short, key in COMPACT.items()}
)

# Headers that stand once in a message; two of them could mean two things to two readers (RFC 3261 §7.3.1).
SINGLE: Final = ("call-id", "cseq", "from", "to", "max-forwards", "content-length", "content-type", "expires", "date")

METHODS: Final = frozenset(
    "INVITE ACK BYE CANCEL OPTIONS REGISTER PRACK UPDATE INFO REFER NOTIFY SUBSCRIBE MESSAGE PUBLISH".split()
)

TOKEN: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.!%*_+`'~")


def is_token(text: str) -> bool:
    """Whether ``text`` is a token of RFC 3261 §25.1: one or more of letters, digits and ``-.!%*_+`'~``."""
    return bool(text) and TOKEN.issuperset(text)


def key_of(name: str) -> str:
    """The key of a header name in any spelling, white space before the colon included; "" if it is not a name."""
    name = name.rstrip(" \t")
    if not is_token(name):
        return ""
    key = name.lower()
    return COMPACT.get(key, key)
