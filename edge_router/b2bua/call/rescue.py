"""Rescuing a call that a destination has answered and dropped within seconds, for a reason that is its own.

Lives here: what is kept of a call's set-up for these seconds. The caller stays, set-up goes on with the destination
after this one, and `join.py` brings his media to whoever answers there. Only calls by a dial-peer with `rescue` are
kept so. Must not know: which destination that is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge_router.b2bua.call.placing import got_nowhere
from edge_router.b2bua.messages.causes import cause_of, reasons_of
from edge_router.b2bua.messages.shown_sdp import ShownSdp

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from edge_router.b2bua.call.call import Call
    from edge_router.b2bua.call.leg import Leg
    from edge_router.b2bua.call.waiting import Event
    from edge_router.dialplan.peer import Rescue
    from edge_router.sip.message import Request, Response

_OVER: Final = "over"


class WayBack:
    """The way back of a call that stands, for as long as its dial-peer's ``rescue`` says.

    ``go_on`` is set-up from the next destination on; it is given the BYE, and why the call isn't where it was.
    """

    __slots__ = ("_call", "_causes", "_go_on")

    def __init__(
        self, call: Call, rescue: Rescue, go_on: Callable[[Request, str], Coroutine[None, Event, None]]
    ) -> None:
        self._call: Call | None = call
        self._causes = rescue.causes
        self._go_on: Callable[[Request, str], Coroutine[None, Event, None]] | None = go_on
        call.way_back = self
        call.router.wheel.start(rescue.within, self, _OVER)

    def expire(self, timer: str, now: float) -> None:
        """The call has stood for long enough (TimerOwner)."""
        self.let_go()

    def let_go(self) -> None:
        """It is needed no more."""
        if self._call is not None and self._call.way_back is self:
            self._call.way_back = None
        self._call = self._go_on = None

    def takes(self, leg: Leg, bye: Request) -> bool:
        """Whether this BYE is not the call's end: then set-up goes on, and who has hung up is forgotten.

        Not where he has just offered the caller something: nothing else can be offered until that is answered.
        """
        call, go_on, cause = self._call, self._go_on, cause_of(bye)
        if call is None or go_on is None or leg is not call.callee or cause not in self._causes or leg.open:
            return False
        self.let_go()
        _forget_callee(call)
        call.remark(f"{call.record.dial_peer_out} hung up at once (cause {cause})")
        call.start(go_on(bye, f"rescued (cause {cause})"))
        return True


def _forget_callee(call: Call) -> None:
    """He has hung up, and another can take his place."""
    call.wind_up()
    callee = call.callee
    if callee is not None:
        if not callee.acknowledged:
            callee.acknowledge()
        callee.call = None
    call.callee = None


def show_answer(call: Call, source: str, answer: Response) -> None:
    """Remembers whose SDP the caller has in his answer: he may be offered another's."""
    if call.caller.shown is None and answer.body:
        call.caller.shown = ShownSdp(source, answer.body, answer.first.get("content-type", ""))


def lost(call: Call, bye: Request) -> None:
    """Nobody else takes the call: it ends as it would have ended without all this."""
    got_nowhere(call, call.router.wheel.now)
    call.caller.bye(reasons_of(bye), bye.body)
    call.over("answered", "callee", cause_of(bye))
