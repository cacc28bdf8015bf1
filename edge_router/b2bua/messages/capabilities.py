"""What the router says that it can do, in every message that a peer may learn it from (RFC 3261 §20.5, §20.37).

What it does depends on the trunk in one thing: reliable provisional responses (RFC 3262) are not spoken of where its
`rel1xx` is `disabled`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge_router.sip.headers import split_list

if TYPE_CHECKING:
    from edge_router.dialplan.trunk import Trunk
    from edge_router.sip.message import Message

OUTSIDE: Final = "INVITE, ACK, CANCEL, BYE, OPTIONS, NOTIFY"
"""What is taken outside a dialog, or refused there for a better reason than its method."""
ALLOW: Final = f"{OUTSIDE}, INFO, MESSAGE, REFER, SUBSCRIBE, UPDATE"
ALLOW_LINE: Final = f"Allow: {ALLOW}\r\n"
ALLOW_OUTSIDE_LINE: Final = f"Allow: {OUTSIDE}\r\n"
ALLOW_EVENTS_LINE: Final = "Allow-Events: refer\r\n"
"""The one event package that is taken, in the dialog of the REFER that it tells of (RFC 3515, RFC 6665 §8.2.2)."""
SUPPORTED: Final = "norefersub, replaces, timer, uui"
"""Option tags of the extensions that we speak (RFC 4488, 3891, 4028, 7433); a Require for another gets 420."""
RELIABLE: Final = "100rel"
"""The option tag of reliable provisional responses (RFC 3262 §8.1); of the first INVITE alone, and by trunk."""
EARLY_END: Final = "199"
"""The option tag of who wants to hear that one of several early dialogs is over (RFC 6228 §9.2)."""

WITHOUT_PRACK: Final = f"{ALLOW_LINE}{ALLOW_EVENTS_LINE}Supported: {SUPPORTED}\r\n"
WITH_PRACK: Final = f"Allow: {ALLOW}, PRACK\r\n{ALLOW_EVENTS_LINE}Supported: {RELIABLE}, {SUPPORTED}\r\n"
_ACCEPT: Final = "Accept: application/sdp, message/sipfrag\r\n"
_OF_INVITE: Final = (
    f"{ALLOW_LINE}{ALLOW_EVENTS_LINE}Supported: {EARLY_END}, {SUPPORTED}\r\n",
    f"Allow: {ALLOW}, PRACK\r\n{ALLOW_EVENTS_LINE}Supported: {RELIABLE}, {EARLY_END}, {SUPPORTED}\r\n",
    f"Allow: {ALLOW}, PRACK\r\n{ALLOW_EVENTS_LINE}Require: {RELIABLE}\r\nSupported: {EARLY_END}, {SUPPORTED}\r\n",
)


def abilities(trunk: Trunk) -> str:
    """The Allow and Supported lines for a peer of this trunk."""
    return WITHOUT_PRACK if trunk.rel1xx == "disabled" else WITH_PRACK


def abilities_in_full(trunk: Trunk) -> str:
    """The same with Accept: the answer to OPTIONS inside a dialog."""
    return _ACCEPT + abilities(trunk)


def abilities_outside(trunk: Trunk) -> str:
    """And outside one, where nothing can be subscribed to; who forges his address can't have much sent there."""
    return _ACCEPT + abilities(trunk).replace(ALLOW_EVENTS_LINE, "")


def abilities_of_invite(trunk: Trunk, reliable: bool) -> str:
    """The lines of the INVITE that begins a call to this trunk; ``reliable``: its 18x may be reliable, if they can."""
    if not reliable or trunk.rel1xx == "disabled":
        return _OF_INVITE[0]
    return _OF_INVITE[2 if trunk.rel1xx == "require" else 1]


def names_option(message: Message, key: str, option: str) -> bool:
    """Whether a Require or Supported header, by its key, names an extension."""
    if key not in message.first:
        return False
    return any(tag.lower() == option for value in message.all(key) for tag in split_list(value))


def speaks_reliably(invite: Message) -> bool:
    """Whether who sends this INVITE acknowledges reliable provisional responses (RFC 3262 §4)."""
    return names_option(invite, "supported", RELIABLE) or names_option(invite, "require", RELIABLE)
