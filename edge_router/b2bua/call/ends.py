"""What becomes of a call's other side when one has hung up, and what a call lets go of when it is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_router.b2bua.call.call_limit import unlimit
from edge_router.b2bua.call.callee import CalleeLeg
from edge_router.b2bua.call.placing import has_left
from edge_router.b2bua.messages.causes import NORMAL, cause_of, reasons_of
from edge_router.b2bua.messages.crossing import IN_BYE, crossing

if TYPE_CHECKING:
    from edge_router.b2bua.call.call import Call
    from edge_router.b2bua.call.leg import Leg
    from edge_router.sip.message import Request


def hang_up(call: Call, leg: Leg, request: Request) -> None:
    """Ends a call by the BYE of one leg: the other gets one, or what ends it where it isn't answered yet."""
    caller, callee = call.caller, call.callee
    by_caller = leg is caller
    if call.way_back is not None and call.way_back.takes(leg, request):
        return
    if by_caller and not caller.answered:
        call.cancelled(request)  # a BYE in the early dialog ends it like a CANCEL (RFC 3261 §15)
        return
    if not caller.answered and callee is not None:  # his 200 waits for a PRACK of the caller's
        callee.acknowledge()
        call.wind_up()
        call.refuse(480, "Temporarily Unavailable", "failed", reasons_of(request), cause_of(request))
        return
    other = callee if by_caller else caller
    if call.setup is not None:
        call.setup.close()
        call.setup = None
    call.wind_up()
    if other is not None:
        if isinstance(other, CalleeLeg) and not other.acknowledged:
            other.give_up(reasons_of(request) or NORMAL)
        else:
            came_by, leaves_by = leg.trunk.trunk, other.trunk.trunk
            crossed = crossing(request, IN_BYE, came_by, leaves_by, other.listener.advertised)
            other.bye(crossed or NORMAL, request.body)
    if not by_caller and isinstance(leg, CalleeLeg) and not leg.acknowledged:
        leg.acknowledge()
    outcome = "referred" if call.record.transferred_to and call.record.method == "refer" else "answered"
    call.over(outcome, "caller" if by_caller else "callee", cause_of(request))


def let_go(call: Call, outcome: str) -> None:
    """Has a call that is over count nowhere, and hold nothing that could hold it.

    The legs may have to wind themselves up yet; without this they and the call would hold each other for ever.
    """
    if call.transfer is not None:
        call.transfer.call_is_over(call)
    # Their transactions linger for 32 s, and with them the legs: without what nobody asks for any more.
    call.caller.call = None
    call.caller.last_heard = b""
    call.caller.release()
    if call.callee is not None:
        call.callee.call = None
        call.callee.last_heard = b""
        call.callee.past = ()
        if call.callee.inbound:
            call.callee.release()
    if call.way_back is not None:
        call.way_back.let_go()
    call.count_on(None)
    unlimit(call)
    if call.placed is not None:
        has_left(call, call.placed, outcome)
    for each in call.moved:
        has_left(call, each, outcome)
