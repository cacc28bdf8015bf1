"""An UPDATE with an offer that goes from one side of a call to the other (RFC 3311).

Lives here: what becomes of it where the other side doesn't know the method: in a call that stands its offer goes on in
a re-INVITE. UPDATE stays in our Allow for everybody, since a session is refreshed by it between one side and us alone;
without it his refreshes would be re-INVITEs, and cross.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge_router.b2bua.in_call.exchange import Exchange
from edge_router.sip.timers import GIVE_UP

if TYPE_CHECKING:
    from edge_router.sip.message import Response

_UNKNOWN_METHOD: Final = (405, 501)
_TOO_LONG: Final = "too long"


class Update(Exchange):
    """One such UPDATE; ``_invites`` says that it goes on as a re-INVITE."""

    __slots__ = ()

    def answered(self, response: Response) -> None:
        """Passes an answer back, unless the UPDATE has to be said otherwise."""
        if response.code not in _UNKNOWN_METHOD or not self._becomes_reinvite():
            super().answered(response)

    def _becomes_reinvite(self) -> bool:
        call, other, request = self.asker.call, self.other, self.request
        if self._invites or request is None or call is None or call.exchange is not self:
            return False
        if call.setup is not None or not call.caller.answered:
            return False
        if self._before is not None and other.shown is not None:
            other.shown.restore(self._before)
        self._invites = True
        self._began = self.asker.router.wheel.now
        self._send(request, "INVITE")
        self.asker.router.wheel.start(GIVE_UP / 2, self, _TOO_LONG)
        return True

    def accept(self, response: Response) -> None:
        """The 2xx to the re-INVITE: the offer was in that, so its ACK waits for nobody."""
        self._acknowledge()
        self._final(response)

    def code_for_asker(self, code: int) -> int:
        """A re-INVITE that was given up took longer than an UPDATE may (RFC 3311 §5.2)."""
        return 504 if self._invites and code == 487 else super().code_for_asker(code)

    def expire(self, timer: str, now: float) -> None:
        """Time for the re-INVITE is up: whoever has sent an UPDATE waits 64*T1 for its answer (TimerOwner)."""
        if timer != _TOO_LONG:
            super().expire(timer, now)
        elif self.received is not None:
            self._cancel = ""
            self._send_cancel()
