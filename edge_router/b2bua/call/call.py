"""One call: from the INVITE that came in to the end of both legs.

Set-up is the coroutine of set_up.py, driven by hand: ``wake`` sends it what it waits for. An established call holds no
coroutine and no timer; it is this object, which answers to what its legs tell it. Its ends are all here, refused,
cancelled, never acknowledged, broken; what one side's BYE does to the other stands in ends.py.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

from edge_router.b2bua.call.call_limit import limit
from edge_router.b2bua.call.callee import CalleeLeg
from edge_router.b2bua.call.ends import hang_up, let_go
from edge_router.b2bua.call.guard import or_it_ends as _or_it_ends
from edge_router.b2bua.call.placing import Placement
from edge_router.b2bua.call.waiting import ACK, NOTIFY
from edge_router.b2bua.messages.causes import FAILURE, RECOVERY_ON_TIMER, cause_of, reasons_of
from edge_router.b2bua.messages.content import content_of
from edge_router.b2bua.messages.crossing import IN_RESPONSE, crossing
from edge_router.b2bua.reports.record import Attempt, CallRecord
from edge_router.sip.session_id import session_id_of

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from edge_router.b2bua.call.asked import Asked
    from edge_router.b2bua.call.call_limit import CallLimit
    from edge_router.b2bua.call.caller import CallerLeg
    from edge_router.b2bua.call.handover import Handover, Passed
    from edge_router.b2bua.call.leg import Leg
    from edge_router.b2bua.call.rescue import WayBack
    from edge_router.b2bua.call.switchboard import Switchboard
    from edge_router.b2bua.call.waiting import Event
    from edge_router.b2bua.routing.routing import Routing
    from edge_router.b2bua.trunks.live_trunk import LiveTrunk
    from edge_router.dialplan.trunk import Trunk
    from edge_router.sip.message import Request, Response
    from edge_router.sip.transaction import ServerTransaction

_log = logging.getLogger(__name__)


class Call:
    """A call in progress.

    ``caller`` and ``callee`` are its legs, ``routing`` the configuration that it began with, ``record`` what will be
    told of it. ``counted_on`` is the trunk whose outbound load counts it, ``setup`` the set-up coroutine while it runs.
    An ``emergency`` call goes before all others. ``placed`` is where it was sent, if that is noted. ``exchange`` is
    what its two sides negotiate with each other, until its ACK; ``limit`` is its end, where it has a longest duration.
    ``way_back`` is there while a callee who hangs up doesn't end it.
    ``transfer`` is under way to somebody who is to take the place of one of them; ``transfers`` were begun so far,
    ``moved`` is where those sent it that stand yet. ``passed`` are the REFERs that went from one side to the other.
    """

    __slots__ = (
        "callee",
        "caller",
        "counted_on",
        "emergency",
        "exchange",
        "limit",
        "moved",
        "passed",
        "placed",
        "record",
        "router",
        "routing",
        "setup",
        "transfer",
        "transfers",
        "way_back",
    )

    def __init__(self, router: Switchboard, routing: Routing, record: CallRecord) -> None:
        self.router = router
        self.routing = routing
        self.record = record
        self.caller: CallerLeg
        self.callee: CalleeLeg | None = None
        self.counted_on: LiveTrunk | None = None
        self.setup: Coroutine[None, Event, None] | None = None
        self.emergency = False
        self.placed: Placement | None = None
        self.exchange: Asked | None = None
        self.way_back: WayBack | None = None
        self.limit: CallLimit | None = None
        self.transfer: Handover | None = None
        self.transfers = 0
        self.moved: tuple[Placement, ...] = ()
        self.passed: tuple[Passed, ...] = ()

    # Set-up, driven by hand

    def start(self, setup: Coroutine[None, Event, None]) -> None:
        """Runs set-up to its first wait."""
        self.setup = setup
        self._drive(None)

    def wake(self, event: str, leg: Leg, what: Any) -> None:
        """Goes on with set-up, which waits for this; an event that nothing waits for has no effect."""
        if self.setup is not None:
            self._drive((event, leg, what))
        elif self.transfer is not None:
            self.transfer.wake(event, leg, what)

    def _drive(self, event: Event | None) -> None:
        try:
            self.setup.send(event)  # type: ignore[union-attr, arg-type]
        except StopIteration:
            self.setup = None
        except Exception:
            _log.exception("call %s: set-up failed", self.record.call_id)
            self.setup = None
            self.broken()

    # Attempts

    def count_on(self, trunk: LiveTrunk | None) -> None:
        """Counts the call on this trunk from now on, which has admitted it, and on the last one no more."""
        if self.counted_on is not None:
            self.counted_on.release_outbound()
        self.counted_on = trunk

    @property
    def own_lines(self) -> str:
        """Header lines of the INVITE that are this call's alone."""
        return ""

    @property
    def came_by(self) -> Trunk:
        """The trunk whose way of writing the numbers of the call have."""
        return self.caller.trunk.trunk

    @property
    def came_in_at(self) -> str:
        """The name of the listener that it came by, for the dial plan."""
        return self.caller.listener.name

    def relay_ringing(self, callee: CalleeLeg, response: Response) -> None:
        """Passes a provisional answer on to the caller."""
        caller = self.caller
        if caller.answered:  # after a REFER that failed: his media is re-negotiated at the answer
            callee.early = response if response.body else callee.early
            return
        source = callee.source_of(response)
        crossed = self.crossing_back(callee, response)
        caller.ring(response.code, response.reason, source, crossed, response.body, callee.heard)
        if self.record.ringing is None:
            self.record.ringing = time.time()
            self.router.observer.ringing(self.record)

    def connect(self, callee: CalleeLeg, response: Response) -> None:
        """Passes the callee's 200 on to the caller; the callee's ACK waits for the caller's, and what is in it."""
        source = callee.source_of(response)
        callee.session_id = session_id_of(response)
        self.caller.accept(source, self.crossing_back(callee, response), response.body, response.reason)
        if self.caller.answered:  # else when he has acknowledged what came before
            self.answered_at(time.time())

    def answered_at(self, now: float) -> None:
        """Notes the answer that the caller got."""
        record = self.record
        record.answer = now
        record.code = 200
        if record.ringing is None:
            record.ringing = now
            self.router.observer.ringing(record)

    def crossing_back(self, callee: CalleeLeg, response: Response) -> str:
        """The header lines of a callee's response that go on to the caller."""
        caller = self.caller
        return crossing(response, IN_RESPONSE, callee.trunk.trunk, caller.trunk.trunk, caller.listener.advertised)

    def note_attempt(self, peer: str, target: str, code: int | None, began: float) -> None:
        """Writes an attempt, and how it ended, into the record."""
        ms = round((self.router.wheel.now - began) * 1000)
        self.record.attempts += (Attempt(peer, target, code, ms),)

    def is_timed(self) -> None:
        """It is answered: from now on it lasts no longer than its trunks say."""
        limit(self)

    def remark(self, words: str) -> None:
        """Adds to the record what came otherwise than decided."""
        reason = self.record.reason
        self.record.reason = f"{reason}; {words}" if reason else words

    def remark_once(self, words: str) -> None:
        """Adds it to the record unless it is there: for what comes again with every request."""
        if words not in self.record.reason:
            self.remark(words)

    # What the legs tell

    @_or_it_ends
    def acknowledged(self, leg: Leg, request: Request | None) -> None:
        """The ACK of our 2xx: the other side gets his, with the body that came; None: it was lost."""
        callee = self.callee
        if self.exchange is not None and self.exchange.accepted:
            self.exchange.acknowledge(request)
        elif self.setup is not None:
            self.wake(ACK, leg, request)
        elif callee is not None and not callee.acknowledged:
            if request is None:
                callee.acknowledge()
            else:
                headers, body = content_of(request), request.body
                callee.acknowledge(headers, callee.own(leg.source, headers, body) if body else b"")

    @_or_it_ends
    def never_acknowledged(self, leg: Leg) -> None:
        """Our 2xx got no ACK in 64*T1: the session is not there (RFC 3261 §13.3.1.4)."""
        again = self.exchange is not None and self.exchange.accepted
        if again:
            self.remark(f"the {self.side_of(leg)} never acknowledged the answer to his re-INVITE")
        self.hang_up_all(RECOVERY_ON_TIMER)
        self.over("answered" if again else "failed", "router", cause=102)

    @_or_it_ends
    def never_assured(self) -> None:
        """A reliable provisional response of ours got no PRACK in 64*T1 (RFC 3262 §3)."""
        self.remark("the caller never acknowledged a provisional response")
        self.stop_set_up(RECOVERY_ON_TIMER)
        self.refuse(504, "Server Time-out", "failed", RECOVERY_ON_TIMER, 102)

    @_or_it_ends
    def asked(self, leg: Leg, request: Request, transaction: ServerTransaction) -> None:
        """A request inside the call that the other side is to answer."""
        self.router.asked(self, leg, request, transaction)

    @_or_it_ends
    def answered_inside(self, exchange: Asked, response: Response) -> None:
        """What the other side says to it."""
        exchange.answered(response)

    @_or_it_ends
    def lost(self, leg: Leg, code: int | None) -> None:
        """A side says that it has no such dialog, or nothing at all (RFC 3261 §12.2.1.2): the call ends on both."""
        who = self.side_of(leg)
        if code is None:
            self.end(f"the {who} does not answer any more", RECOVERY_ON_TIMER, 102)
        else:
            self.end(f"the {who} has lost the call ({code})", FAILURE, 41)

    @_or_it_ends
    def end(self, words: str, reason: str, cause: int) -> None:
        """The router ends a call that stands, and says why: in the record, and by Reason lines to both sides."""
        if self.transfer is not None and self.transfer.of is self:
            self.transfer.end(words, reason, cause)  # the transferor hears what became of it before his BYE
            return
        self.remark(words)
        self.hang_up_all(reason)
        self.over("answered", "router", cause)

    def other_than(self, leg: Leg) -> Leg | None:
        """The other side, None where it has left."""
        other = self.callee if leg is self.caller else self.caller if leg is self.callee else None
        return None if self.transfer is not None and self.transfer.is_gone(other) else other

    def side_of(self, leg: Leg) -> str:
        """``caller`` or ``callee``."""
        return "caller" if leg is self.caller else "callee"

    @_or_it_ends
    def hung_up(self, leg: Leg, request: Request) -> None:
        """A BYE came by ``leg`` and is answered: the other leg gets one too."""
        if self.transfer is not None and self.transfer.left(leg, request):
            return
        if self.exchange is not None and self.exchange.ends(leg, request):
            return
        hang_up(self, leg, request)

    @_or_it_ends
    def notified(self, leg: Leg, request: Request, transaction: ServerTransaction) -> None:
        """A NOTIFY: of a REFER it is wanted only while the caller is being REFERred (RFC 3515)."""
        if self.router.notified(self, leg, request, transaction):
            self.wake(NOTIFY, leg, request)

    @_or_it_ends
    def cancelled(self, request: Request) -> None:
        """The caller has given up before the answer: he gets 487 at once, the callee a CANCEL when it can be sent."""
        caller = self.caller
        if caller.invite is None:
            return
        self.stop_set_up(reasons_of(request))
        caller.refuse(487, "Request Terminated")
        self.record.code = 487
        self.over("cancelled", "caller", cause_of(request))

    # Ends that are ours

    def refuse(
        self, code: int, reason: str, outcome: str, headers: str = "", cause: int | None = None, body: bytes = b""
    ) -> None:
        """Refuses the caller, or if he is answered already, hangs up."""
        caller = self.caller
        if caller.answered:
            caller.bye(headers or FAILURE)
        else:
            caller.refuse(code, reason, headers, body)
            self.record.code = code
        self.over(outcome, "router", cause)

    def broken(self) -> None:
        """A fault of ours in this call: it ends as cleanly as it can, and no other call notices. Never raises."""
        try:
            if self.caller.answered:
                self.hang_up_all(FAILURE)
            else:
                self.caller.refuse(500, "Server Internal Error")
                self.record.code = 500
                self.stop_set_up()
        except Exception:
            _log.exception("call %s: one side of it could not be told that it is over", self.record.call_id)
        finally:
            self.over("failed", "router")

    @_or_it_ends
    def interrupted(self) -> None:
        """The router stops and can't wait for the call's end."""
        if self.caller.answered:
            self.hang_up_all(FAILURE)
        else:
            self.stop_set_up()
            self.caller.refuse(503, "Service Unavailable")
            self.record.code = 503
        self.over("interrupted", "router", 41)

    def stop_set_up(self, reason: str = "") -> None:
        """Ends set-up where it waits, and the attempt that it waits for, whose CANCEL bears the Reason line."""
        if self.setup is not None:
            self.setup.close()
            self.setup = None
        if self.callee is not None:
            self.callee.give_up(reason)

    def part(self, gone: bool) -> None:
        """Who has answered and who waits can't be joined; ``gone``: one of them isn't there any more."""
        self.refuse(500, "", "failed")

    def is_negotiating(self, leg: Leg) -> bool:
        """Whether a leg must not be offered anything yet."""
        return False

    def wind_up(self) -> None:
        """Ends what the sides were asking each other."""
        for exchange in self.caller.open:
            exchange.wind_up()
        if self.callee is not None:
            for exchange in self.callee.open:
                exchange.wind_up()
        if self.exchange is not None:  # of somebody who is to take a place here
            self.exchange.wind_up()

    def hang_up_all(self, reason: str) -> None:
        """Hangs up on both sides, with this Reason line."""
        if self.setup is not None:
            self.setup.close()
            self.setup = None
        self.wind_up()
        self.caller.bye(reason)
        if self.callee is not None:
            if self.callee.acknowledged:
                self.callee.bye(reason)
            else:
                self.callee.give_up(reason)

    def over(self, outcome: str, ended_by: str, cause: int | None = None) -> None:
        """The last thing that happens to a call: it lets go of everything and is told of."""
        record = self.record
        if record.outcome:
            return
        record.outcome = outcome
        record.ended_by = ended_by
        record.cause = cause
        record.end = time.time()
        let_go(self, outcome)
        self.router.call_over(self)
