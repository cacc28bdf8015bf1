"""Referring a caller (RFC 3515): he is answered, told to call the cloud himself, and let go when that has worked.

Until it has, he is kept: on a refusal, silence, or a call that failed, set-up goes on with the next dial-peer, and
``join`` (join.py) brings the caller's media to whoever answers there.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from edge_router.b2bua.call.call import Call
from edge_router.b2bua.call.waiting import ACK, NOTIFY, RESPONSE, TIMEOUT, WAITED, next_event
from edge_router.b2bua.set_up.redirect import contacts_of
from edge_router.sip import sdp
from edge_router.sip.session_id import session_id_back
from edge_router.sip.tokens import new_token

if TYPE_CHECKING:
    from edge_router.b2bua.messages.incoming import Incoming
    from edge_router.b2bua.trunks.live_trunk import LiveTrunk
    from edge_router.dialplan.peer import DialPeer
    from edge_router.sip.message import Request

_SDP = "Content-Type: application/sdp\r\n"


async def refer(call: Call, incoming: Incoming, peer: DialPeer, trunk: LiveTrunk) -> int | None:
    """Answers the caller and REFERs him to a dial-peer: a 2xx when he is there, else why he isn't, None for silence."""
    caller = call.caller
    try:
        body = _silence(incoming.request, caller.listener.advertised_host)
    except sdp.BadSdp as error:
        call.remark(f"not referred: {error}")
        return 488
    began = call.router.wheel.now
    uri = contacts_of(call, incoming, peer, trunk)[0]
    call.record.target = uri
    caller.show_own(body)
    session = session_id_back(incoming.facts.session_id)
    caller.accept("", session + _SDP, body)
    call.answered_at(time.time())
    code = None
    try:
        await _event_of(call, ACK)
        us = caller.contact
        caller.ask("REFER", f"Contact: {us}\r\nRefer-To: <{uri}>\r\nReferred-By: {us}\r\n{session}")
        code = await _outcome(call, trunk, uri)
    finally:  # the caller may also hang up meanwhile
        call.note_attempt(peer.name, uri, code, began)
    if code is None or code >= 300:
        call.record.transferred_to = None
        call.remark(f"not referred: {code or 'timeout'}")
        return code
    call.record.transferred_to = uri
    caller.bye("Reason: Q.850;cause=16\r\n")
    call.over("referred", "router", 16)
    return code


def _silence(request: Request, host: str) -> bytes:
    """The SDP that a caller is answered with while he is sent on: inactive, as offer or answer."""
    session_id = str(int(new_token(), 16) >> 1)  # a number of 63 bits (RFC 4566 §5.2)
    if not request.body:
        return sdp.inactive_offer(host, session_id)
    found = sdp.find_sdp(request.first.get("content-type"), request.body)
    if found is None:
        raise sdp.BadSdp("the caller's INVITE has a body without SDP")
    return sdp.inactive_answer(request.body[found[0] : found[1]], host, session_id)


async def _event_of(call: Call, wanted: str) -> None:
    while True:
        event, leg, _ = await next_event
        if event == wanted and leg is call.caller:
            return


async def _outcome(call: Call, trunk: LiveTrunk, uri: str) -> int | None:
    """How the caller's own call ended: the status of the REFER or of its last NOTIFY; None for silence."""
    caller = call.caller
    caller.wait(trunk.trunk.answer_timeout)
    while True:
        event, leg, what = await next_event
        if leg is not caller:
            continue
        if event in (TIMEOUT, WAITED):
            return None
        if event == RESPONSE:
            if what.code >= 300:
                return int(what.code)
            if what.code >= 200:
                # From here on a BYE of his means that he is where we sent him.
                call.record.transferred_to = uri
        elif event == NOTIFY:
            status = sipfrag_status(what)
            if status >= 200:
                return status
            if _is_over(what):
                return None


def sipfrag_status(notify: Request) -> int:
    """The status in a NOTIFY's message/sipfrag (RFC 3515 §2.4.5), 0 where there is none to be read."""
    line = notify.body.partition(b"\r")[0].partition(b"\n")[0]
    code = line[8:11]
    return int(code) if line[:8].upper() == b"SIP/2.0 " and code.isdigit() and len(code) == 3 else 0


def _is_over(notify: Request) -> bool:
    state = notify.first.get("subscription-state", "")
    return state.partition(";")[0].strip(" \t").lower() == "terminated"
