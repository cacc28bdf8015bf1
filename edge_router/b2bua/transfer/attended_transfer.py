"""A transfer to somebody whom the transferor has asked already (RFC 5589 §7): two calls of ours become one.

His REFER names, by a Replaces, another dialog that he has with us. So nobody has to be called: the two who are left of
his two calls are re-INVITEd with each other's SDP, and both of his legs end. Until both have agreed each call stands
as it was; who was re-INVITEd before the other refused is brought back. So is he whose call stands when the other of the
two calls ends meanwhile: else his media would go to somebody who is there no more. Who is back may be somewhere else
than he was before, and the transferor hears of that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge_router.b2bua.call.call_limit import take_over_limit
from edge_router.b2bua.call.placing import has_left
from edge_router.b2bua.messages.causes import FAILURE, NORMAL, cause_of
from edge_router.b2bua.messages.content import content_of, has_sdp
from edge_router.b2bua.messages.shown_sdp import ShownSdp
from edge_router.b2bua.set_up.join import GONE, agree, final_answer, offer, sdp_of, session_line
from edge_router.b2bua.transfer.seat import SeatedCallee, SeatedCaller, stays_seated
from edge_router.b2bua.transfer.transfer import Transfer
from edge_router.b2bua.trunks.live_trunk import MOVED

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from edge_router.b2bua.call.call import Call
    from edge_router.b2bua.call.leg import Leg
    from edge_router.b2bua.call.waiting import Event
    from edge_router.b2bua.messages.incoming import Incoming
    from edge_router.b2bua.reports.record import CallRecord
    from edge_router.policy.decision import Decision
    from edge_router.sip.message import Request, Response

_SDP: Final = "Content-Type: application/sdp\r\n"


# How far it has come.
FAR_OFFERED: Final = "who was asked is offered the media of who stays"
STAYS_OFFERED: Final = "he has taken them, and who stays is offered his"
AGREEING: Final = "who stays has taken them, too, and both hear what the other said to that"
FAR_RETURNING: Final = "who stays has refused, and who was asked is offered what he had before"
TELLING: Final = "he is back, and the transferor hears what he said to that"
HALVED: Final = "one of the two calls is over"

# Which of the two calls is over.
FIRST: Final = "the call that is transferred"
OTHER: Final = "the transferor's other call"


class AttendedTransfer(Transfer):
    """``other`` is the transferor's other call, ``replaced`` his leg there, ``far`` the leg of whom he asked."""

    __slots__ = ("_back", "_face", "_left", "_stands", "far", "other", "replaced")

    def __init__(self, of: Call, transferor: Leg, stays: Leg, record: CallRecord, uri: str, replaced: Leg, far: Leg):
        super().__init__(of, transferor, stays, record, uri)
        assert replaced.call is not None
        self.other = replaced.call
        self.replaced = replaced
        self.far = far
        if far.shown is None and far.last_heard:
            far.shown = ShownSdp(replaced.source, far.last_heard)
        self._face = SeatedCallee(far, self)
        self._left = False  # he has hung up the other call
        self._stands = ""  # how far it has come
        self._back = stays.last_heard  # what brings who stays back to the transferor
        self.other.transfer = self

    def begin(self, incoming: Incoming, decision: Decision | None) -> None:
        """Brings the two together."""
        self.start(self._bring_together(incoming))

    async def _bring_together(self, incoming: Incoming) -> None:
        code, astray = await self._join(incoming.request)
        self.setup = None
        if self._stands == HALVED:
            self._is_back(self.other, astray)
        elif astray:
            self._code = code
            self._end_both("the two could not be joined")
        elif code:
            self._code = code
            self._failed()
        else:
            self._reached()

    async def _join(self, invite: Request) -> tuple[int, bool]:
        """0 where both have agreed, else the status that tells why not.

        With it, whether somebody is gone, or has been told of new media and not brought back.
        """
        stays, far, back = self.caller, self._face, self.far.last_heard
        if not invite.body or not back:
            return 488, False
        self._stands = FAR_OFFERED
        said = await offer(self, far, _SDP + session_line(stays, far), far.own(stays.source, _SDP, invite.body))
        if said is None or said.code >= 300:
            return _code(said), said is None or said.code in GONE
        far.acknowledge_reinvite()
        if not has_sdp(said):
            return 488, True
        self._stands = STAYS_OFFERED
        headers = content_of(said) + session_line(far, stays)
        answer = await offer(self, stays, headers, stays.own(far.source, headers, said.body))
        if answer is None or answer.code in GONE:
            return _code(answer), True
        if answer.code >= 300:
            return answer.code, await self._undo(back)
        stays.acknowledge_reinvite()
        self._stands = AGREEING
        stays.last_heard, far.last_heard = said.body, invite.body
        gone = await agree(self, far, stays, sdp_of(invite), sdp_of(said), answer)
        self.far.last_heard = far.last_heard
        return 500 if gone else 0, gone

    async def _undo(self, back: bytes) -> bool:
        """Offers who was asked what he had before. True where he doesn't take it, or somebody is gone."""
        self._stands = FAR_RETURNING
        far = self._face
        headers = _SDP + session_line(self.replaced, far)
        said = await offer(self, far, headers, far.own(self.replaced.source, _SDP, back))
        if said is None or said.code >= 300:
            return True
        far.acknowledge_reinvite()
        self._stands = TELLING
        return await self._is_told(self.replaced, far, back, said)

    async def _is_told(self, transferor: Leg, back: Leg, offered: bytes, said: Response) -> bool:
        """Has the transferor hear what somebody has ``said`` who is ``back``. True where one of them is gone."""
        if self.is_gone(transferor):
            return False
        gone = await agree(self, transferor, back, transferor.last_heard, offered, said)
        return gone and not self.is_gone(transferor)

    async def _bring_back(self, left: Call, leg: Leg, to: Leg, body: bytes, took: bool) -> None:
        """Has who was offered new media in the call that is left take those again that he had there.

        ``took``: he has taken new ones already, whatever he says to what he is being offered.
        """
        if leg.is_asked():
            said = await final_answer(leg)
            if said is not None and said.code < 300:
                leg.acknowledge_reinvite()
            took = took or said is None or said.code < 300 or said.code in GONE  # where nothing was heard it may be
        lost = took
        if took:
            headers = _SDP + session_line(to, leg)
            said = await offer(self, leg, headers, leg.own(to.source, _SDP, body)) if body else None
            if said is not None and said.code < 300:
                leg.acknowledge_reinvite()
                leg.last_heard = body
                lost = await self._is_told(to, leg, body, said)
        self.setup = None
        self._is_back(left, lost)

    def _is_back(self, left: Call, lost: bool) -> None:
        """The call that is left goes on, unless he could not be brought back."""
        why = "its media could not be brought back"
        if left is self.of and lost:
            self._end_all(why, FAILURE, 41)
        elif left is self.of:
            self.stays.last_heard = self.caller.last_heard
            self._give_back(500, "that call is over")
        else:
            self.far.last_heard = self._face.last_heard
            self.stop()
            if lost:
                left.end(why, FAILURE, 41)
            elif self._left:
                self.far.bye(FAILURE)
                left.over("answered", left.side_of(self.replaced))

    # One of the two calls ends by itself

    def call_is_over(self, call: Call) -> None:
        """One of the two calls has ended by itself: nobody in the other is left with media of who was there."""
        act = _WHEN_OVER.get((self._stands, FIRST if call is self.of else OTHER), AttendedTransfer.stop)
        act(self)

    def _let_far_be(self) -> None:
        """Who was asked is back with the transferor, who goes on to hear of it."""
        self._let_go_of(self.of)

    def _return_far_if_he_takes_it(self) -> None:
        """Who was asked is brought back if he takes what he is being offered."""
        self._return_far(False)

    def _return_far(self, took: bool = True) -> None:
        """Who was asked is brought back."""
        self._let_go_of(self.of)
        self._begin_anew(self._bring_back(self.other, self._face, self.replaced, self.far.last_heard, took))

    def _return_stays_if_he_takes_it(self) -> None:
        """Who stays is brought back if he takes what he is being offered; his call is given back in any case."""
        self._return_stays(False)

    def _return_stays(self, took: bool = True) -> None:
        """Who stays is brought back."""
        self._let_go_of(self.other)
        self._begin_anew(self._bring_back(self.of, self.caller, self.transferor, self._back, took))

    def end(self, words: str, reason: str, cause: int) -> None:
        """The call that is transferred ends by itself; the other one may go on."""
        call = self.of
        call.remark(f"{words} ({self.uri})")
        self._wind_up_of()
        self.stays.bye(reason)
        self._dismiss(500, reason)
        call.over("answered", "router", cause)

    def broken(self) -> None:
        """A fault of ours: what is left of the calls goes on as if there had been no REFER."""
        if self.of.record.outcome:
            self.stop()
            self.other.broken()
        else:
            super().broken()

    def is_negotiating(self, leg: Leg) -> bool:
        """Whether a leg has something to agree upon yet from before the REFER."""
        if leg is self.caller:
            return super().is_negotiating(leg)
        call = self.of if leg is self.transferor else self.other
        side = self.far if leg is self._face else leg
        return call.exchange is not None or side.acceptance is not None or side.is_inviting()

    def is_inviting(self) -> bool:
        """Whether one of the two is being asked for an answer to an offer."""
        return super().is_inviting() or self._face.is_inviting()

    def is_gone(self, leg: Leg | None) -> bool:
        """Whether this is a leg of the transferor's, and he has hung it up."""
        return super().is_gone(leg) or (self._left and leg is self.replaced)

    def left(self, leg: Leg, request: Request) -> bool:
        """One side of one of the calls has hung up."""
        if leg is self.replaced:
            self._left = True
            self._wind_up_other()
        elif leg is self.transferor:
            return super().left(leg, request)
        else:
            self._end_both("one of the two hung up as they were joined", NORMAL, cause_of(request), leg)
        return True

    def _reached(self) -> None:
        call, other, far, transferor = self.of, self.other, self.far, self.transferor
        self._wind_up_of()
        self._wind_up_other()
        call.transfer = other.transfer = None
        if call.way_back is not None:
            call.way_back.let_go()
        call.remark(f"transferred by the {call.side_of(transferor)} to {self.uri}, whom he had in another call")
        call.record.transferred_to = self.uri
        other.remark(f"its {other.side_of(far)} went on in call {call.record.call_id}")
        if transferor is call.callee:
            if call.placed is not None:
                has_left(call, call.placed, "answered")
                call.placed = None
            if transferor.inbound:
                transferor.release()
            call.count_on(None)
            call.callee = SeatedCallee(far, call)
            call.router.remember_dialog(call.callee)
            stays_seated(call.callee)
            if far is other.callee and not far.inbound:
                call.counted_on, other.counted_on = other.counted_on, None
        else:
            transferor.release()
            call.caller = SeatedCaller(far, call)
            call.router.remember_dialog(call.caller)
            stays_seated(call.caller)
            if far is other.callee and not far.inbound:
                other.counted_on = None
        if far is other.callee and other.placed is not None:
            call.moved += (other.placed,)
            other.placed = None
        far.inbound = MOVED
        far.call = self.replaced.call = None
        take_over_limit(call, other)
        self.stays.last_heard = self.caller.last_heard
        self._drop_faces()
        self.replaced.bye(NORMAL)
        other.over("answered", "router", 16)
        self._dismiss(200, NORMAL)

    def _failed(self) -> None:
        """Both calls go on as they were, unless the transferor has left them."""
        other = self.other
        super()._failed()
        if self._left:
            self.far.bye(FAILURE)
            other.over("answered", other.side_of(self.replaced))

    def _end_both(self, why: str, reason: str = FAILURE, cause: int | None = 41, by: Leg | None = None) -> None:
        """Ends what there is of both calls; ``by``: who has hung up."""
        other = self.other
        side = "router" if by is None or by is not self.far else other.side_of(by)
        if self.of.record.outcome:
            self.stop()
        else:
            self._end_all(why, reason, cause)
        if other.record.outcome:
            return
        self._wind_up_other()
        other.remark(f"{why} ({self.uri})")
        self.far.bye(reason)
        self.replaced.bye(reason)
        other.over("answered", side, cause)

    def _wind_up_other(self) -> None:
        for leg in (self.replaced, self.far):
            for exchange in leg.open:
                exchange.wind_up()

    def _begin_anew(self, setup: Coroutine[None, Event, None]) -> None:
        if self.setup is not None:
            self.setup.close()
        self.start(setup)

    def _let_go_of(self, over: Call) -> None:
        """One of the two calls is over; what comes from who was there he settles by himself."""
        self._stands = HALVED
        over.transfer = None
        if over is self.other:
            self._face.call = None
        elif self.caller is not self.stays:
            self.caller.call = None

    def _drop_faces(self) -> None:
        super()._drop_faces()
        self._face.call = None

    def stop(self) -> None:
        """Gives it up, wherever it stands."""
        if self.other.transfer is self:
            self.other.transfer = None
        super().stop()


def _code(response: Response | None) -> int:
    return 408 if response is None else response.code if response.code >= 300 else 500


_WHEN_OVER: Final[dict[tuple[str, str], Callable[[AttendedTransfer], None]]] = {
    # how far it has come, and what is over: what becomes of the other call; in all else there is nothing to bring back
    (FAR_OFFERED, FIRST): AttendedTransfer._return_far_if_he_takes_it,
    (FAR_OFFERED, OTHER): AttendedTransfer._return_stays_if_he_takes_it,
    (STAYS_OFFERED, FIRST): AttendedTransfer._return_far,
    (STAYS_OFFERED, OTHER): AttendedTransfer._return_stays_if_he_takes_it,
    (AGREEING, FIRST): AttendedTransfer._return_far,
    (AGREEING, OTHER): AttendedTransfer._return_stays,
    (FAR_RETURNING, FIRST): AttendedTransfer._return_far,
    (FAR_RETURNING, OTHER): AttendedTransfer._return_stays_if_he_takes_it,
    (TELLING, FIRST): AttendedTransfer._let_far_be,
    (TELLING, OTHER): AttendedTransfer._return_stays_if_he_takes_it,
}
