"""Where the cloud may be told to post its events, and under which secret: its rules, told before it is asked."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

from state_client.webex.secret import Secret
from state_client.webex.transport import is_loopback

SHORTEST_SECRET: Final = 32
LONGEST_SECRET: Final = 256

# Reserved (RFC 2606, RFC 6761, RFC 6762, RFC 8375, ICANN's .internal) or usual inside a site: no certificate authority
# and no cloud knows them.
PRIVATE_DOMAINS: Final = frozenset(
    {"arpa", "corp", "example", "home", "internal", "invalid", "lan", "local", "localdomain", "localhost", "test"}
)
_LABEL: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE)
_TOP: Final = re.compile(r"[a-z]{2,63}|xn--[a-z0-9-]{1,59}", re.IGNORECASE)


def secret_fault(secret: Secret) -> str:
    """Why the cloud wouldn't sign with this secret, "" if it would."""
    if not SHORTEST_SECRET <= len(secret.reveal()) <= LONGEST_SECRET:
        return f"the webhook's secret must have {SHORTEST_SECRET} to {LONGEST_SECRET} characters"
    return ""


def url_fault(url: str, allow_loopback: bool = False) -> str:
    """Why the cloud wouldn't post to this URL, "" if it would."""
    try:
        parsed = urlsplit(url)
        host, port = parsed.hostname or "", parsed.port
    except ValueError:
        return "the webhook's URL is no URL"
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        return "the webhook's URL must be of printable ASCII; a name in another script is written as xn--"
    if "@" in parsed.netloc or "?" in url or "#" in url:
        return "the webhook's URL must have no user, query or fragment: the cloud refuses them"
    if not parsed.path.startswith("/"):
        return "the webhook's URL must have a path, at least /"
    if allow_loopback and is_loopback(host) and parsed.scheme in ("http", "https"):
        return ""
    if parsed.scheme != "https" or port not in (None, 443):
        return "the webhook's URL must be https, on port 443: put a TLS proxy in front"
    labels = host.split(".")
    if len(labels) < 2 or not all(map(_LABEL.fullmatch, labels)) or not _TOP.fullmatch(labels[-1]):
        return f"the webhook's URL must have a full public domain name as host, not {host or 'none'}"
    if labels[-1].lower() in PRIVATE_DOMAINS:
        return f"the webhook's URL must have a public domain name as host, and .{labels[-1]} is none"
    return ""
