"""A transfer under way: somebody in a call is to be replaced by somebody else, whom the router calls (RFC 3515, 5589).

It is a call of its own as long as it is under way, set up as any other: its caller is the party who stays, and answered
already, so whoever answers is joined with him as with a caller who was REFERred in vain (join.py). Until then the
call that is transferred goes on as it was; if the new party isn't reached, nobody who stays has noticed anything.
Once it is, the new party's leg takes the transferor's place, and the transferor's leg ends.

The transferor may hang up as soon as his REFER is accepted: then the party who stays waits for the new one alone.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from edge_router.b2bua.call.call import Call
from edge_router.b2bua.call.call_limit import limit
from edge_router.b2bua.call.caller import CallerLeg
from edge_router.b2bua.call.placing import got_nowhere, has_left
from edge_router.b2bua.messages.causes import FAILURE, NORMAL, cause_of, reasons_of
from edge_router.b2bua.messages.shown_sdp import ShownSdp
from edge_router.b2bua.set_up.set_up import carry_out, decide
from edge_router.b2bua.transfer.seat import SeatedCaller, stays_seated

if TYPE_CHECKING:
    from edge_router.b2bua.call.callee import CalleeLeg
    from edge_router.b2bua.call.leg import Leg
    from edge_router.b2bua.messages.incoming import Incoming
    from edge_router.b2bua.reports.record import CallRecord
    from edge_router.b2bua.transfer.refer_subscription import ReferSubscription
    from edge_router.dialplan.trunk import Trunk
    from edge_router.policy.decision import Decision
    from edge_router.sip.message import Request, Response

_log = logging.getLogger(__name__)


class Transfer(Call):
    """``of`` is the call that is transferred, ``stays`` its leg that stays, ``transferor`` the one that asked for it.

    ``subscription`` tells the transferor how it goes. ``lines`` go into its INVITE beside the usual ones.
    """

    __slots__ = ("_code", "_gone", "lines", "of", "stays", "subscription", "transferor", "uri")

    def __init__(self, of: Call, transferor: Leg, stays: Leg, record: CallRecord, uri: str) -> None:
        super().__init__(of.router, of.router.routing, record)
        self.of = of
        self.transferor = transferor
        self.stays = stays
        self.uri = uri
        self.subscription: ReferSubscription
        self.lines = ""
        self._code = 0
        self._gone = False
        if stays.shown is None and stays.last_heard:
            stays.shown = ShownSdp(transferor.source, stays.last_heard)
        self.caller = stays if isinstance(stays, CallerLeg) else SeatedCaller(stays, self)

    @property
    def own_lines(self) -> str:
        """The Replaces that was in the Refer-To."""
        return self.lines

    @property
    def came_by(self) -> Trunk:
        """The transferor's trunk: the numbers are as he writes them."""
        return self.transferor.trunk.trunk

    @property
    def came_in_at(self) -> str:
        """The listener that the transferor's REFER came by."""
        return self.transferor.listener.name

    def begin(self, incoming: Incoming, decision: Decision | None) -> None:
        """Calls the new party: where the decision says, or where dial plan and policy say."""
        self.start(self._reach(incoming, decision))

    async def _reach(self, incoming: Incoming, decision: Decision | None) -> None:
        facts = incoming.facts
        if decision is None or facts.emergency:
            decision = decide(self, incoming)
        else:
            facts.called, facts.calling = self.routing.numbers_in(facts)
        await carry_out(self, incoming, decision)
        self.setup = None  # it has nothing to wait for any more, and can't be closed from inside
        if self._code:
            self._failed()
        else:
            self._reached()

    # What set-up says

    def relay_ringing(self, callee: CalleeLeg, response: Response) -> None:
        """Tells the transferor that the new party is being alerted."""
        callee.early = response if response.body else callee.early
        self.subscription.tell(response.code)

    def refuse(
        self, code: int, reason: str, outcome: str, headers: str = "", cause: int | None = None, body: bytes = b""
    ) -> None:
        """Notes why the new party isn't reached."""
        self._code = code

    def part(self, gone: bool) -> None:
        """Notes that he can't be joined with who stays; where one is gone there is no way back either."""
        self._code = 500
        if gone:
            self.setup = None
            self._end_all("the new party and the one who stays could not be joined", FAILURE, 41)

    def is_negotiating(self, leg: Leg) -> bool:
        """Whether the party who stays has something to agree upon yet from before the REFER."""
        return leg is self.caller and self._has_begun_something()

    def _has_begun_something(self) -> bool:
        stays = self.stays
        return self.of.exchange is not None or stays.acceptance is not None or stays.is_inviting()

    def is_inviting(self) -> bool:
        """Whether the party who stays is being asked for an answer to an offer."""
        return self.caller.is_inviting()

    def is_timed(self) -> None:
        """The call that is transferred is what is timed, once the new party is in it."""

    def broken(self) -> None:
        """A fault of ours: the call that was to be transferred goes on."""
        try:
            self._code = 500
            self._failed()
        except Exception:
            _log.exception("call %s: its transfer could not be given up", self.of.record.call_id)
            self.of.broken()

    def end(self, words: str, reason: str, cause: int) -> None:
        """The new party is lost, or his session's time is over, as he is joined: nobody is left for who stays."""
        self._end_all(words, reason, cause)

    def hung_up(self, leg: Leg, request: Request) -> None:
        """The new party, who has just answered, has hung up: that was the call."""
        if leg is self.callee:
            self._end_all("the new party hung up at once", NORMAL, cause_of(request), 200)

    # What the legs of the call say

    def is_gone(self, leg: Leg | None) -> bool:
        """Whether this is the transferor, and he has hung up."""
        return self._gone and leg is self.transferor

    def left(self, leg: Leg, request: Request) -> bool:
        """One side of the call has hung up; True where that was all that there is to do."""
        if leg is self.transferor:
            self._gone = True
            self._wind_up_of()
            return True
        call, cause = self.of, cause_of(request)
        side = call.side_of(leg)
        self.stop()
        self._wind_up_of()
        self._dismiss(487, reasons_of(request) or NORMAL)
        call.over("answered", side, cause)
        return True

    # Its ends

    def _reached(self) -> None:
        """The new party takes the transferor's place."""
        call, new, transferor = self.of, self.callee, self.transferor
        if new is None:
            return
        self._wind_up_of()
        call.transfer = None
        if call.way_back is not None:
            call.way_back.let_go()
        record = call.record
        call.remark(f"transferred by the {call.side_of(transferor)} to {self.uri}")
        record.transferred_to = self.uri
        record.attempts += self.record.attempts
        if transferor is call.callee:
            if call.placed is not None:
                has_left(call, call.placed, "answered")
            call.placed = self.placed
            if transferor.inbound:
                transferor.release()
            call.count_on(self.counted_on)
            call.callee = new
            new.call = call
        else:
            transferor.release()
            call.caller = SeatedCaller(new, call)
            call.router.remember_dialog(call.caller)
            stays_seated(call.caller)
            new.call = None
            if self.placed is not None:
                call.moved += (self.placed,)
        limit(call)
        self.counted_on = self.placed = None
        self.stays.last_heard, self.stays.session_id = self.caller.last_heard, self.caller.session_id
        self.callee = None
        self._drop_faces()
        self._dismiss(200, NORMAL)

    def _failed(self) -> None:
        """Nobody new has come: the call goes on as it was, unless the transferor has left it."""
        if self.of.transfer is self:
            self._give_back(self._code, str(self._code))

    def _give_back(self, code: int, why: str) -> None:
        call = self.of
        self.stop()
        call.remark(f"not transferred to {self.uri}: {why}")
        self.subscription.tell(code)
        if self._gone:
            self.stays.bye(FAILURE)
            call.over("answered", call.side_of(self.transferor))

    def _end_all(self, why: str, reason: str, cause: int | None, code: int = 500) -> None:
        """Ends all that there is: the new party's leg, the transferor's, and that of who was to stay."""
        call = self.of
        call.remark(f"{why} ({self.uri})")
        self.stop()
        self._wind_up_of()
        self.stays.bye(reason)
        self._dismiss(code, reason)
        call.over("answered", "router", cause)

    def _dismiss(self, code: int, reason: str) -> None:
        """Tells the transferor the last word, and hangs up."""
        self.transferor.call = None
        self.subscription.tell(code)
        self.subscription.hang_up(reason)

    def _wind_up_of(self) -> None:
        for leg in (self.transferor, self.stays):
            for exchange in leg.open:
                exchange.wind_up()

    def call_is_over(self, call: Call) -> None:
        """The call that was to be transferred, or from, has ended by itself."""
        self.stop()

    def stop(self) -> None:
        """Gives it up, wherever it stands; whoever was called is let go."""
        if self.of.transfer is self:
            self.of.transfer = None
        setup, self.setup = self.setup, None
        if setup is not None:
            setup.close()
        self.of.record.attempts += self.record.attempts
        self.record.attempts = ()
        self.count_on(None)
        if self.placed is not None:
            got_nowhere(self, self.router.wheel.now)
        if self.callee is not None:
            self.callee.give_up()
            self.callee = None
        self._drop_faces()

    def _drop_faces(self) -> None:
        """Lets go of the leg that was made for this alone: what comes for it yet it settles by itself."""
        if self.way_back is not None:
            self.way_back.let_go()
        if self.caller is not self.stays:
            self.caller.call = None
