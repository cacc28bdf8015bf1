"""The caller's PRACK of a reliable provisional response (RFC 3262 §3, §5).

Lives here: which response it is for, whether it goes on to the callee or is answered here, and what the two sides have
agreed on by it. Where the callee's response was reliable, too, the PRACK is his: what it bears, an answer or an offer,
crosses, and so does what he says to it. Where it can't cross the callee gets one of the router's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge_router.b2bua.in_call.exchange import Exchange
from edge_router.b2bua.messages.content import has_sdp
from edge_router.b2bua.messages.screening import PENDING, Refusal
from edge_router.sip.errors import BadMessage
from edge_router.sip.headers import parse_rack

if TYPE_CHECKING:
    from edge_router.b2bua.call.assurance import Assurance, Ringing
    from edge_router.b2bua.call.call import Call
    from edge_router.b2bua.call.leg import Leg
    from edge_router.sip.message import Request
    from edge_router.sip.transaction import ServerTransaction

_OK: Final = Refusal(200, "OK")
_UNMATCHED: Final = Refusal(481, "Call/Transaction Does Not Exist")
_NOT_NOW: Final = Refusal(488, "Not Acceptable Here")


def acknowledge(call: Call, leg: Leg, request: Request, transaction: ServerTransaction) -> None:
    """Takes a PRACK; what waited for it goes on."""
    caller = call.caller
    assurance = caller.assurance
    try:
        number, cseq = parse_rack(request.first.get("rack", ""))
    except BadMessage as error:
        leg.answer(transaction, error.code, error.why)
        return
    ringing = None
    if assurance is not None and leg is caller:
        ringing = assurance.acknowledged(number, cseq)
    if assurance is None or ringing is None:
        leg.answer(transaction, *_UNMATCHED)
        return
    _note(assurance, ringing, has_sdp(request))
    heard = ringing.heard
    refusal = _refusal(call, ringing, has_sdp(request))
    if refusal is None and heard is not None:
        _cross(call, leg, ringing, request, transaction)
    else:
        leg.answer(transaction, *(refusal or _OK))
        if heard is not None:
            heard.acknowledge()
    if caller.answered:
        caller.assurance = None
    else:
        assurance.go_on(caller)


def have_agreed(call: Call) -> bool:
    """Whether caller and callee have settled an offer for certain, though the INVITE has no answer yet."""
    assurance, callee = call.caller.assurance, call.callee
    return assurance is not None and callee is not None and assurance.agreed == callee.source


def _note(assurance: Assurance, ringing: Ringing, answers: bool) -> None:
    """An answer in the response has come now; an offer in it is answered here."""
    heard = ringing.heard
    if heard is not None and ringing.sdp and (answers or not assurance.late):
        assurance.agreed = ringing.source


def _refusal(call: Call, ringing: Ringing, offers: bool) -> Refusal | None:
    """How a PRACK is answered that goes no further; None where it goes on."""
    heard = ringing.heard
    if heard is None or not heard.stands:
        return _NOT_NOW if offers else _OK
    return PENDING if offers and call.exchange is not None else None


def _cross(call: Call, leg: Leg, ringing: Ringing, request: Request, transaction: ServerTransaction) -> None:
    heard = ringing.heard
    if heard is None:
        return
    callee = heard.callee
    last, callee.dialog = callee.dialog, heard.dialog  # others may have rung since
    exchange = Exchange(leg, callee, request, transaction, has_sdp(request))
    if exchange.offers:
        call.exchange = exchange
    leg.open += (exchange,)
    exchange.go_on(heard.line)
    callee.dialog = last
