"""Which headers tell the other side of a trunk what a call is called here: `correlation` of a trunk.

A contact centre shows a flow at most a thousand bytes of a call's headers, and takes no header with a name of its own.
What stands in a header is known only when there is a call; its name, and how long it can get, are judged here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

from edge_router.dialplan.pass_headers import IDENTITY, NEVER
from edge_router.sip.names import SPELLING, key_of

MOST_BYTES: Final = 1_000
"""Bytes of all these headers together, each with its name, colon, space and line end."""

UUI: Final = "user-to-user"
"""The one header of SIP's own that is made for data of others (RFC 7433)."""

CorrelationValue = Literal["call_id", "node", "session_id", "cisco_guid", "calling", "called", "service"]

# As many characters as each is expected to have: a number as E.164 writes it, the name of a service within reason.
_LONGEST: Final[dict[str, int]] = {
    "call_id": 16,
    "node": 64,
    "session_id": 32,
    "cisco_guid": 43,
    "calling": 16,
    "called": 16,
    "service": 64,
}
# What Webex Contact Center keeps to itself, or drops.
RESERVED: Final = frozenset(
    """
    x-address x-add-diversion x-bnr-state x-bnr-original-codec x-bnr-bypassed x-broadworks-correlation-info x-fs-support
    x-path x-rtms-cid x-rtms-oid x-rtms-confid x-rtms-agent-legid x-rtms-enter-sound x-rtms-app-prefix x-rtms-no-lookup
    x-vpop-domain
    """.split()
)


class CorrelationError(ValueError):
    """A header that can't be used for this; the text says why and what would be right."""


@dataclass(frozen=True, slots=True)
class Correlation:
    """Pairs of a header's name and what stands in it; ``in_uri``: also in the URIs that a caller is sent on to."""

    headers: tuple[tuple[str, str], ...]
    in_uri: bool = False
    keys: frozenset[str] = field(init=False, repr=False, compare=False)
    """The headers' keys."""

    def __post_init__(self) -> None:
        object.__setattr__(
            self, "keys", frozenset(key_of(name) for name, _ in self.headers)
        )  # asked for with each call


def check_name(name: str) -> None:
    """Raises CorrelationError for a header that has a meaning already."""
    key = key_of(name)
    if not key or name != name.strip():
        raise CorrelationError(f'"{name}" is not the name of a header; write one such as X-Edge-Call')
    if key in RESERVED:
        raise CorrelationError(f'"{name}" is one that Webex Contact Center keeps to itself; take another name')
    if key != UUI and (key in SPELLING or key in NEVER or key in IDENTITY or key.startswith("p-")):
        raise CorrelationError(f'"{name}" has a meaning of its own in SIP; take a name such as X-Edge-Call')


def check_length(headers: dict[str, CorrelationValue]) -> None:
    """Raises CorrelationError for headers that can get longer together than a contact centre takes."""
    most = sum(
        size(name, user_to_user("x" * _LONGEST[what]) if key_of(name) == UUI else "x" * _LONGEST[what])
        for name, what in headers.items()
    )
    if most > MOST_BYTES:
        raise CorrelationError(
            f"these headers can be {most} bytes together, and a contact centre takes {MOST_BYTES}; leave some out"
        )


def size(name: str, value: str) -> int:
    """The bytes of a header."""
    return len(name) + len(value if value.isascii() else value.encode("utf-8", "surrogateescape")) + 4


def user_to_user(text: str) -> str:
    """A text as a User-to-User value: IA5 characters, as the protocol discriminator 04 says (RFC 7433, RFC 7434)."""
    return f"04{text.encode('utf-8', 'surrogateescape').hex()};encoding=hex;purpose=isdn-uui"
