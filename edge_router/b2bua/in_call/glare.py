"""Whether a request inside a call may go on to the other side now, or must wait.

Lives here: what two negotiations that meet come to. One is open at a time: an INVITE from its arrival to its ACK, an
UPDATE with an offer until its answer. Who has one open and begins another hears 500 and comes again (RFC 3261 §14.2);
who begins one while we ask him hears 491 (§14.1, RFC 3311 §5.2), so that where both begin at once, both hear it.
"""

from __future__ import annotations

from random import randint
from typing import TYPE_CHECKING, Final

from edge_router.b2bua.call.session_terms import refreshed_here, too_brief
from edge_router.b2bua.in_call.exchange import Exchange
from edge_router.b2bua.in_call.prack import acknowledge, have_agreed
from edge_router.b2bua.in_call.update import Update
from edge_router.b2bua.messages.capabilities import ALLOW_EVENTS_LINE
from edge_router.b2bua.messages.content import has_sdp
from edge_router.b2bua.messages.screening import PENDING, Refusal

if TYPE_CHECKING:
    from edge_router.b2bua.call.call import Call
    from edge_router.b2bua.call.leg import Leg
    from edge_router.sip.message import Request
    from edge_router.sip.transaction import ServerTransaction

MOST_OPEN: Final = 100
"""Requests of one side that wait for the other's answers. Who sends more is told to come again."""


def pass_on(call: Call, leg: Leg, request: Request, transaction: ServerTransaction) -> None:
    """Sends a request on to the other side, or refuses it for now."""
    if request.method == "PRACK":
        acknowledge(call, leg, request, transaction)
        return
    brief = too_brief(request, leg.trunk.trunk) if "session-expires" in request.first else None
    if brief is not None:
        leg.answer(transaction, *brief)
        return
    if request.method == "UPDATE" and refreshed_here(call, leg, request, transaction):
        return
    offers = request.method == "INVITE" or (request.method == "UPDATE" and has_sdp(request))
    refusal = why_not(call, leg, request, offers)
    other = call.other_than(leg)
    if refusal is not None or other is None:
        leg.answer(transaction, *(refusal or _later("The call is not set up yet")))
        return
    kind = Update if offers and request.method == "UPDATE" else Exchange
    exchange = kind(leg, other, request, transaction, offers)
    if offers:
        call.exchange = exchange
    leg.open += (exchange,)
    exchange.go_on()


def why_not(call: Call, leg: Leg, request: Request, offers: bool) -> Refusal | None:
    """Why a request can't go on now, None where it can; ``offers``: there is an offer in it, or may be."""
    in_set_up = call.setup is not None or not call.caller.answered
    if in_set_up:
        refusal = _refusal_in_set_up(call, leg, request.method, offers)
        if refusal is not None:
            return refusal
    updates = request.method == "UPDATE" and any(each.method == "UPDATE" for each in leg.open)
    if updates or len(leg.open) >= MOST_OPEN:
        return _later("The last one is not answered yet")
    return _refusal_of_offer(call, leg) if offers and not in_set_up else None


def _refusal_in_set_up(call: Call, leg: Leg, method: str, offers: bool) -> Refusal | None:
    """In an early dialog all may go on but an offer, while the INVITE's has no answer that is sure to have come.

    Once it has, by a reliable provisional response and its PRACK, an UPDATE may offer anew (RFC 3311 §5.1).
    """
    caller, callee = call.caller, call.callee
    if method == "INVITE" and caller.answered:
        return PENDING if leg is callee or leg.is_inviting() else Refusal(488, "Not Acceptable Here")
    early = not caller.answered and callee is not None and callee.is_early
    if early and method == "UPDATE" and offers and have_agreed(call):
        return _refusal_of_offer(call, leg)
    if offers and leg is not caller:
        return PENDING
    if early and not offers:
        return None
    if method == "NOTIFY":
        return Refusal(489, "Bad Event", ALLOW_EVENTS_LINE)
    return _later("The call is not set up yet")


def _refusal_of_offer(call: Call, leg: Leg) -> Refusal | None:
    """Why nothing can be negotiated now; None where it can.

    Who has our 2xx with the answer to his offer may begin anew, though his ACK has not come: it is lost, or comes
    later than what he sent behind it (RFC 5407 §3.1). So this stands for it.
    """
    exchange = call.exchange
    if call.transfer is not None or (exchange is not None and exchange.asker is not leg):
        return PENDING
    if exchange is not None and not exchange.accepted:
        return _later("The last one is not answered yet")
    other = call.other_than(leg)
    if leg.is_inviting() or (other is not None and (other.is_inviting() or other.acceptance is not None)):
        return PENDING
    acceptance = leg.acceptance
    if acceptance is not None:
        if acceptance.late:
            return PENDING
        leg.take_as_acknowledged()
    return None


def _later(why: str) -> Refusal:
    return Refusal(500, why, f"Retry-After: {randint(0, 10)}\r\n")
