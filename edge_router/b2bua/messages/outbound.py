"""The INVITE of the outgoing leg, made from the caller's (RFC 3261 §8.1.1, RFC 3325, RFC 7989).

The called number and its parameters go into the Request-URI at the target's host, the calling identity into From
under our own name, and all that crossing.py lets through goes along. Everything that names a dialog is new.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from edge_router.b2bua.messages.capabilities import abilities_of_invite
from edge_router.b2bua.messages.crossing import (
    IN_ANONYMOUS_INVITE,
    IN_ANONYMOUS_INVITE_WITHOUT_HISTORY,
    IN_INVITE,
    IN_INVITE_WITHOUT_HISTORY,
    crossing,
)
from edge_router.b2bua.messages.identity import ANONYMOUS, Party, addressed, uri_at
from edge_router.b2bua.messages.numbers import calling_changes, retold
from edge_router.sip.dialog import Dialog
from edge_router.sip.remember import LONGEST, to_forget
from edge_router.sip.tokens import new_token

if TYPE_CHECKING:
    from edge_router.b2bua.messages.incoming import Incoming
    from edge_router.dialplan.peer import DialPeer
    from edge_router.dialplan.trunk import Target, Trunk
    from edge_router.net.listener import Listener


class OutboundInvite(NamedTuple):
    """What is sent: Request-URI, header lines from Max-Forwards on, and the dialog they begin.

    ``called`` is the user part of the Request-URI, ``calling`` that of From.
    """

    uri: str
    called: str
    calling: str
    headers: str
    dialog: Dialog


def outbound_invite(
    incoming: Incoming,
    entered: DialPeer | None,
    peer: DialPeer,
    trunk: Trunk,
    came_by: Trunk,
    target: Target,
    via: Listener,
    cisco_guid: str,
    reliable: bool = False,
    before: Dialog | None = None,
) -> OutboundInvite:
    """The INVITE for ``target``, which the outgoing dial-peer ``peer`` and its trunk have chosen.

    ``entered`` is the dial-peer that the call came in by; ``reliable`` says that 18x may be reliable. ``before`` is the
    dialog that the last INVITE would have begun, where this one is the same with other terms: it keeps Call-ID, From
    and To and counts on (RFC 3261 §8.1.3.5).
    """
    request = incoming.request
    user = incoming.user_at(peer, trunk)
    place = target.place
    uri, contact = uri_at(user, place) + incoming.uri_params + target.params, via.contact
    if target.secure:  # then the Contact is a sips URI as well (RFC 3261 §8.1.1.8)
        uri, contact = f"sips{uri[3:]}", f"<sips:{via.advertised}>"
    ours = via.advertised
    headers_that_cross = IN_INVITE
    changes = calling_changes(came_by, entered, peer, trunk)
    # Whoever helps in an emergency may know who calls and from where, whatever Privacy says (47 CFR 64.1601(d)(4), and
    # Directive 2002/58/EC, article 10).
    private = not trunk.send_identity and not incoming.facts.emergency
    if incoming.hidden and private:
        caller, calling, headers_that_cross = ANONYMOUS, "anonymous", IN_ANONYMOUS_INVITE
    else:
        caller, calling = addressed(incoming.from_, ours, changes), incoming.from_.uri.user or ""
        if changes:
            calling = retold(calling, changes)
    if incoming.without_history and private:
        headers_that_cross = _WITHOUT_HISTORY[incoming.hidden]
    # Who is called by another number is named by that one alone, as CUBE does.
    if peer.called_number is not None or user != incoming.user:
        callee = f"<{uri}>"
    else:
        callee = (_to if len(request.first["to"]) <= LONGEST else addressed)(incoming.to, place)
    if before is None:
        tag = new_token()
        call_id = f"{new_token()}@{via.advertised_host}"
        local, number = f"{caller};tag={tag}", 1
    else:
        call_id, local, tag, number = before.call_id, before.local, before.local_tag, before.local_seq + 1
    dialog = Dialog(call_id, local, tag, callee, uri, ())
    dialog.local_seq = number
    crossed = crossing(request, headers_that_cross, came_by, trunk, ours, changes)
    headers = (
        f"Max-Forwards: {incoming.hops_left}\r\nFrom: {local}\r\nTo: {callee}\r\nCall-ID: {call_id}\r\n"
        f"CSeq: {number} INVITE\r\nContact: {contact}\r\n{abilities_of_invite(trunk, reliable)}"
        f"Cisco-Guid: {cisco_guid}\r\n{crossed}"
    )
    return OutboundInvite(uri, user, calling, headers, dialog)


_WITHOUT_HISTORY: Final = (IN_INVITE_WITHOUT_HISTORY, IN_ANONYMOUS_INVITE_WITHOUT_HISTORY)


@lru_cache(maxsize=1_024)
def _to(party: Party, place: str) -> str:
    """A To value; the numbers that a trunk calls are few, and come again and again."""
    return addressed(party, place)


to_forget(_to.cache_clear)


def new_cisco_guid() -> str:
    """A new Cisco-Guid: 128 random bits."""
    return cisco_guid_of(new_token() + new_token())


def cisco_guid_of(digits: str) -> str:
    """The Cisco-Guid of 128 bits, 32 hexadecimal digits: four decimal numbers of ten digits."""
    return f"{_ten(digits[:8])}-{_ten(digits[8:16])}-{_ten(digits[16:24])}-{_ten(digits[24:])}"


def _ten(digits: str) -> str:
    # Of numbers above 62 bits, and of a format specification, compiled code makes objects.
    return str(int(digits, 16)).zfill(10)
