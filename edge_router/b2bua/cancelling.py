"""CANCEL: whose INVITE it takes back, and whether it may (RFC 3261 §9.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_router.b2bua.call.call import Call
from edge_router.b2bua.in_call.exchange import Exchange
from edge_router.sip.headers import tag_of
from edge_router.sip.tokens import new_token

if TYPE_CHECKING:
    from edge_router.b2bua.call.switchboard import Switchboard
    from edge_router.sip.transaction_layer import Arrival


def is_forged(router: Switchboard, cancel: Arrival) -> bool:
    """Drops a CANCEL from another source than its INVITE: the true one must not be taken for a copy of it."""
    forged = router.transactions.invite_of(cancel) is not None
    if forged:
        router.observer.rejected("CANCEL from another source")
    return forged


def cancelled(router: Switchboard, arrival: Arrival) -> bool:
    """Takes the CANCEL of a call, by the branch and from the source of its INVITE.

    Also where a reload has since taken the source from its trunk: the call keeps what it began with.
    """
    invite = router.transactions.invite_of(arrival)
    if invite is None or invite.source[0] != arrival.source[0]:
        return False
    again = invite.user if isinstance(invite.user, Exchange) else None
    call = invite.user if isinstance(invite.user, Call) else None
    # RFC 3261 §9.2: the same To tag as in the answers to the INVITE.
    if call is not None:
        trunk, tag = call.record.ingress_trunk, call.caller.dialog.local_tag
    elif again is not None:
        trunk, tag = again.asker.trunk.name, again.asker.dialog.local_tag
    else:
        trunk = router.trunk_by(arrival.transport, arrival.source) or ""
        tag = invite.to_tag or new_token()
    if tag_of(arrival.request.first["to"]):  # of a re-INVITE, whose To has it already
        tag = ""
    router.observer.request("in", "CANCEL", trunk)
    router.observer.response("out", "CANCEL", 200, trunk)
    router.transactions.serve(arrival).respond(200, "OK", tag)
    if call is not None:
        call.cancelled(arrival.request)
    elif again is not None:
        again.cancelled(arrival.request)
    return True
