"""A SUBSCRIBE inside a call: the transferor has the subscription that his REFER made last longer, or end (RFC 6665).

It is answered at once, and a NOTIFY says how the transfer stands (§4.2.1). That goes on, whether he wants to hear of it
or not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge_router.b2bua.messages.capabilities import ALLOW_EVENTS_LINE
from edge_router.b2bua.transfer.refer_passing import event_of, pass_subscribe
from edge_router.b2bua.transfer.refer_subscription import LONGEST
from edge_router.b2bua.transfer.transfer import Transfer
from edge_router.sip.errors import BadMessage
from edge_router.sip.headers import parse_small_number

if TYPE_CHECKING:
    from edge_router.b2bua.call.leg import Leg
    from edge_router.sip.message import Request
    from edge_router.sip.transaction import ServerTransaction

_MOST: Final = 2**32 - 1  # seconds that an Expires can name (RFC 3261 §20.19)


def take_subscribe(leg: Leg, request: Request, transaction: ServerTransaction) -> None:
    """Says how long the subscription lasts from now on, or why there is none."""
    package, number = event_of(request)
    call = leg.call
    if package != "refer":
        leg.answer(transaction, 489, "Bad Event", ALLOW_EVENTS_LINE)
        return
    if call is not None and call.passed and pass_subscribe(call, leg, request, transaction):
        return
    transfer = call.transfer if call is not None else None
    if (
        not isinstance(transfer, Transfer)
        or transfer.transferor is not leg
        or not transfer.subscription.is_meant(number)
    ):
        leg.answer(transaction, 481, "Subscription Does Not Exist")
        return
    try:
        asked = parse_small_number(request.first.get("expires"), "Expires", LONGEST, _MOST)
    except BadMessage as error:
        leg.answer(transaction, error.code, error.why)
        return
    granted = transfer.subscription.lasts(asked)
    leg.answer(transaction, 200, "OK", f"Contact: {leg.contact}\r\nExpires: {granted}\r\n")
    transfer.subscription.tell_again(last=not granted)
