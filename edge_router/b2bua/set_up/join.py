"""Joining a caller who is answered already, after a REFER that failed, to the callee who has answered instead.

The callee had the caller's offer from the first INVITE and has answered it; that answer is what the caller is offered
in a re-INVITE. What he says to it may differ from that first offer by then: so the callee is offered it in turn, and
so on until both know the same of each other (Flow II of RFC 3725 §4.2). Where the caller's INVITE had no offer the
callee gave one, the caller's answer goes into the callee's ACK, and both agree at once.
"""

from __future__ import annotations

from random import randint
from typing import TYPE_CHECKING, Final

from edge_router.b2bua.call.call import Call
from edge_router.b2bua.call.leg import Leg
from edge_router.b2bua.call.waiting import RESPONSE, TIMEOUT, WAITED, next_event
from edge_router.b2bua.messages.content import content_of
from edge_router.b2bua.messages.shown_sdp import ShownSdp
from edge_router.sip import sdp
from edge_router.sip.session_id import session_id_of

if TYPE_CHECKING:
    from edge_router.b2bua.call.callee import CalleeLeg
    from edge_router.b2bua.messages.incoming import Incoming
    from edge_router.sip.message import Message, Response

_MOST_OFFERS: Final = 4  # after the first; two that never agree are left with what they have
_MOST_WAITS: Final = 20  # of half a second, for what the two sides began before: their ACK takes no longer
_MOST_TURNS: Final = 4  # of one offer that crosses another
_NOBODY: Final = "0" * 32
GONE: Final = frozenset({408, 481})  # the other side has no such dialog any more (RFC 3261 §12.2.1.2)


async def join(call: Call, incoming: Incoming, callee: CalleeLeg, answer: Response) -> None:
    """Brings the caller to the callee, whose 200 is ``answer``."""
    caller, invite = call.caller, incoming.request
    callee.session_id = session_id_of(answer)
    callee.shown = ShownSdp("", invite.body, invite.first.get("content-type", ""))
    if invite.body:
        callee.acknowledge()
    described = answer if answer.body else callee.early or answer
    if not sdp_of(described):  # an offer of his own, which he would then give, could not be answered
        _part(call, callee, "the callee did not describe its media")
        return
    caller.session_id = caller.session_id or session_id_of(invite)
    headers = call.crossing_back(callee, described)
    body = caller.own(callee.source_of(described), headers, described.body)
    said = await offer(call, caller, headers, body)
    if said is None or said.code >= 300:
        _part(call, callee, "the caller refused the new media", said is None or said.code in GONE)
        return
    caller.acknowledge_reinvite()
    caller.last_heard = described.body
    if invite.body:
        if await agree(call, callee, caller, sdp_of(invite), sdp_of(described), said):
            _part(call, callee, "one side was gone when the media were to be agreed upon", gone=True)
    else:
        callee.acknowledge(content_of(said), said.body)
        callee.shown = ShownSdp("", said.body, said.first.get("content-type", ""))


async def agree(call: Call, leg: Leg, other: Leg, told: bytes, offered: bytes, answer: Response) -> bool:
    """Has each side hear what the other said last.

    ``leg`` was ``told`` an SDP of the other's before, has ``offered`` its own since, and hears of the ``answer`` to
    that. True where one of them was gone.
    """
    for _ in range(_MOST_OFFERS):
        if sdp.still_fits(told, offered, sdp_of(answer)):
            return False
        if call.router.leg_with(leg.dialog.local_tag) is None:  # he has hung up since
            return True
        headers = content_of(answer) + session_line(other, leg)
        said = await offer(call, leg, headers, leg.own(other.source, headers, answer.body))
        if said is None or said.code in GONE:
            return True
        if said.code >= 300:  # the session stays as it was (RFC 3261 §14.1)
            call.remark("one side refused the new media")
            return False
        leg.acknowledge_reinvite()
        leg.last_heard = answer.body
        told, offered, answer = offered, sdp_of(answer), said
        leg, other = other, leg
    call.remark("the two sides did not agree on media")
    return False


def session_line(of: Leg, to: Leg) -> str:
    """The Session-ID line by which the one hears who the other is (RFC 7989 §7), "" where that one has none."""
    mine, theirs = of.session_id[:32], to.session_id[:32] or _NOBODY
    return f"Session-ID: {mine};remote={theirs}\r\n" if mine else ""


def _part(call: Call, callee: CalleeLeg, why: str, gone: bool = False) -> None:
    """Ends what can't be joined; ``gone``: one side isn't there any more."""
    call.remark(why)
    callee.give_up()
    call.part(gone)


async def offer(call: Call, leg: Leg, headers: str, body: bytes) -> Response | None:
    """The final response to a re-INVITE, None where none came.

    Where it crosses one of the other side's (491), it comes again after a while, longer if the Call-ID is ours, so that
    the two don't meet again (RFC 3261 §14.1); where its session timer was too short (422), at once with a longer one.
    """
    for _ in range(_MOST_WAITS):
        if not call.is_negotiating(leg):
            break
        await _pause(call, leg, 0.5)
    for _ in range(_MOST_TURNS - 1):
        response = await _answer_to(leg, headers, body)
        if response is not None and response.code == 422 and leg.session is not None:
            if leg.session.takes_longer(response):
                continue
            return response
        if response is None or response.code != 491:
            return response
        await _pause(call, leg, (randint(0, 200) if leg is call.caller else randint(210, 400)) / 100)
    return await _answer_to(leg, headers, body)


async def _answer_to(leg: Leg, headers: str, body: bytes) -> Response | None:
    leg.reinvite(headers, body)
    return await final_answer(leg)


async def final_answer(leg: Leg) -> Response | None:
    """The final response to what a leg is being asked, None where none comes."""
    while True:
        event, came_by, response = await next_event
        if came_by is not leg:
            continue
        if event == TIMEOUT:
            return None
        if event == RESPONSE and response.code >= 200:
            final: Response = response
            return final


class _Pause:
    """So much time, and a leg that waits (TimerOwner)."""

    __slots__ = ("_call", "_leg")

    def __init__(self, call: Call, leg: Leg, seconds: float) -> None:
        self._call = call
        self._leg = leg
        call.router.wheel.start(seconds, self, WAITED)

    def expire(self, timer: str, now: float) -> None:
        """The time is over."""
        self._call.wake(WAITED, self._leg, self)


async def _pause(call: Call, leg: Leg, seconds: float) -> None:
    pause = _Pause(call, leg, seconds)
    while True:
        _, _, what = await next_event
        if what is pause:
            return


def sdp_of(message: Message) -> bytes:
    """The SDP that a message bears, b"" for none."""
    found = sdp.find_sdp(message.first.get("content-type"), message.body)
    return message.body[found[0] : found[1]] if found else b""
