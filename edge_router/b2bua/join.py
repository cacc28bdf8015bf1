"""Joining a caller who is answered already, after a REFER that failed, to the callee who has answered instead.

The callee had the caller's offer from the first INVITE and has answered it; that answer is what the caller is offered
in a re-INVITE. What he says to it may differ from that first offer by then: so the callee is offered it in turn, and
so on until both know the same of each other (Flow II of RFC 3725 §4.2). Where the caller's INVITE had no offer the
callee gave one, the caller's answer goes into the callee's ACK, and both agree at once.
"""

from __future__ import annotations

from random import randint
from typing import TYPE_CHECKING, Final

from edge_router.b2bua.call import Call, next_event, source_of
from edge_router.b2bua.exchange import content_of
from edge_router.b2bua.leg import RESPONSE, TIMEOUT, WAITED, Leg
from edge_router.b2bua.shown_sdp import ShownSdp
from edge_router.sip import sdp

if TYPE_CHECKING:
    from edge_router.b2bua.callee import CalleeLeg
    from edge_router.b2bua.incoming import Incoming
    from edge_router.sip.message import Message, Response

_MOST_OFFERS: Final = 4  # after the first; two that never agree are left with what they have
_MOST_TURNS: Final = 4  # of one offer that crosses another
_GONE: Final = frozenset({408, 481})  # the other side has no such dialog any more (RFC 3261 §12.2.1.2)


async def join(call: Call, incoming: Incoming, callee: CalleeLeg, answer: Response) -> None:
    """Brings the caller to the callee, whose 200 is ``answer``."""
    caller, invite = call.caller, incoming.request
    callee.shown = ShownSdp("", invite.body, invite.first.get("content-type", ""))
    if invite.body:
        callee.acknowledge()
    described = answer if answer.body else callee.early or answer
    if not _sdp(described):  # an offer of his own, which he would then give, could not be answered
        _part(call, callee, "the callee did not describe its media")
        return
    headers = call.crossing_back(callee, described)
    body = caller.own(source_of(callee, described), headers, described.body)
    said = await _offer(call, caller, headers, body)
    if said is None or said.code >= 300:
        _part(call, callee, "the caller refused the new media")
        return
    caller.acknowledge_reinvite()
    if invite.body:
        await _agree(call, callee, invite, described, said)
    else:
        callee.acknowledge(content_of(said), said.body)
        callee.shown = ShownSdp("", said.body, said.first.get("content-type", ""))


async def _agree(call: Call, callee: CalleeLeg, told: Message, offer: Message, answer: Message) -> None:
    """Has each side hear what the other said last: ``answer`` to ``offer``, instead of what was ``told`` before."""
    caller = call.caller
    leg: Leg = callee
    for _ in range(_MOST_OFFERS):
        if sdp.still_fits(_sdp(told), _sdp(offer), _sdp(answer)):
            return
        headers = content_of(answer)
        body = leg.own(caller.source if leg is callee else callee.source, headers, answer.body)
        said = await _offer(call, leg, headers, body)
        if said is None or said.code in _GONE:
            _part(call, callee, "one side was gone when the media were to be agreed upon")
            return
        if said.code >= 300:  # the session stays as it was (RFC 3261 §14.1)
            call.remark("one side refused the new media")
            return
        leg.acknowledge_reinvite()
        told, offer, answer = offer, answer, said
        leg = caller if leg is callee else callee
    call.remark("the two sides did not agree on media")


def _part(call: Call, callee: CalleeLeg, why: str) -> None:
    """Ends what can't be joined."""
    call.remark(why)
    callee.give_up()
    call.refuse(500, "", "failed")


async def _offer(call: Call, leg: Leg, headers: str, body: bytes) -> Response | None:
    """The final response to a re-INVITE, None where none came.

    Where it crosses one of the other side's (491), it comes again after a while, longer if the Call-ID is ours, so that
    the two don't meet again (RFC 3261 §14.1).
    """
    for _ in range(_MOST_TURNS - 1):
        response = await _answer_to(leg, headers, body)
        if response is None or response.code != 491:
            return response
        call.caller.wait((randint(0, 200) if leg is call.caller else randint(210, 400)) / 100)
        await _woken(call)
    return await _answer_to(leg, headers, body)


async def _answer_to(leg: Leg, headers: str, body: bytes) -> Response | None:
    leg.reinvite(headers, body)
    while True:
        event, came_by, response = await next_event
        if came_by is not leg:
            continue
        if event == TIMEOUT:
            return None
        if event == RESPONSE and response.code >= 200:
            final: Response = response
            return final


async def _woken(call: Call) -> None:
    while True:
        event, leg, _ = await next_event
        if event == WAITED and leg is call.caller:
            return


def _sdp(message: Message) -> bytes:
    found = sdp.find_sdp(message.first.get("content-type"), message.body)
    return message.body[found[0] : found[1]] if found else b""
