"""The router: takes what the listeners receive to its transaction, its dialog, or a new call.

Lives here: who may send what: requests outside a dialog by the trunk that their source belongs to, requests inside one
by Call-ID and both tags, CANCEL by branch and source. The tables of dialogs and calls are the switchboard's. Must not
know: sockets, asyncio, configuration files, who listens to the events.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, cast

from edge_router.b2bua.call.switchboard import MOST_TRANSACTIONS, Switchboard
from edge_router.b2bua.cancelling import cancelled, is_forged
from edge_router.b2bua.in_call.glare import pass_on
from edge_router.b2bua.messages.capabilities import abilities_outside
from edge_router.b2bua.messages.screening import (
    NO_DIALOG,
    Refusal,
    check_cseq,
    check_form,
    check_mandatory,
    refusal_of,
)
from edge_router.b2bua.new_call import DRAINING, begin_call, begins_emergency
from edge_router.b2bua.routing.peers import expected_at, reuse, trunk_at
from edge_router.b2bua.transfer.refer_passing import take_notify
from edge_router.b2bua.transfer.refer_renewal import take_subscribe
from edge_router.b2bua.transfer.replacement import take_replacement
from edge_router.b2bua.transfer.transfer_request import take_refer
from edge_router.b2bua.trunks.keepalive import Keepalives
from edge_router.b2bua.trunks.registration import Registrations
from edge_router.b2bua.users import trunk_of
from edge_router.sip.errors import BadMessage
from edge_router.sip.headers import tag_of
from edge_router.sip.message import DEFAULT_LIMITS, Limits, Message, Request, Response, parse
from edge_router.sip.remember import forget_readings
from edge_router.sip.transaction_layer import Arrival, arrived

if TYPE_CHECKING:
    from edge_router.b2bua.call.call import Call
    from edge_router.b2bua.call.leg import Leg
    from edge_router.b2bua.reports.events import Observer
    from edge_router.b2bua.routing.routing import Routing
    from edge_router.b2bua.trunks.live_trunk import LiveTrunk
    from edge_router.net.address import Address
    from edge_router.net.listener import Listener
    from edge_router.net.security import Expected
    from edge_router.sip.framing import Unframeable
    from edge_router.sip.transaction import ServerTransaction

_log = logging.getLogger(__name__)

COMPLAIN_EVERY: Final = 60.0  # seconds between two log lines about faults of ours


class Router(Switchboard):
    """A B2BUA on some listeners. ``routing`` is the configuration for new calls; ``follow`` takes another.

    ``clock`` gives monotonic seconds. ``receive`` and ``tick`` drive it. ``received`` counts datagrams. Beyond
    ``most_transactions`` requests outside a dialog are dropped, save emergency calls: their sender will repeat them,
    and calls in progress go on.
    """

    def __init__(
        self,
        routing: Routing,
        listeners: Mapping[str, Listener],
        observer: Observer,
        clock: Callable[[], float] = time.monotonic,
        limits: Limits = DEFAULT_LIMITS,
        most_transactions: int = MOST_TRANSACTIONS,
    ) -> None:
        super().__init__(routing, listeners, observer, clock(), most_transactions)
        self.received = 0
        self.keepalives = Keepalives(self)
        self.registrations = Registrations(self)
        self._clock = clock
        self._limits = limits
        self._complain_from = 0.0
        routing.ledger.placed.linked = self._linked  # the ledger outlives this routing

    def follow(self, routing: Routing) -> None:
        """From now on new calls go by this; its targets are asked whether they are there, and told that we are."""
        self.routing = routing
        self.wheel.now = max(self.wheel.now, self._clock())
        self.keepalives.follow(routing.trunks.values())
        self.registrations.follow(routing.trunks.values())

    def tick(self) -> None:
        """Fires the timers that are due. They are late by as much as passes between two calls of this."""
        self.wheel.advance(self._clock())

    def receive(self, data: bytes, source: Address, listener: Listener) -> None:
        """Takes one datagram. Never raises: what is wrong with it is answered or dropped, and counted."""
        self.wheel.now = self._clock()
        self.received += 1
        message: Request | Response | None = None
        try:
            message = parse(data, self._limits)
            check_mandatory(message)
            if isinstance(message, Response):
                self._response(message)
            else:
                self._request(message, source, listener)
        except BadMessage as error:
            error.message = error.message or message
            self._malformed(error, data, source, listener)
        except Exception:
            self.observer.rejected("internal error")
            self._complain("a message from {}:{}".format(*source))

    # What streams tell (net.stream.User)

    def unframeable(self, error: Unframeable, source: Address, listener: Listener) -> None:
        """A stream that can't be read any further: whoever has sent it is told, where he is a trunk's."""
        self.wheel.now = self._clock()
        found: Message | None = None
        try:
            found = parse(error.head + b"\r\n\r\n", self._limits) if error.head else None
        except BadMessage as bad:
            found = bad.message
        try:
            self._malformed(BadMessage(error.code, error.why, found), error.head or b"?", source, listener)
        except Exception:
            self.observer.rejected("internal error")
            self._complain("the end of a stream from {}:{}".format(*source))

    def lost(self, address: Address, listener: Listener) -> None:
        """A connection is gone, or couldn't be had."""
        self.wheel.now = self._clock()
        try:
            self.transactions.lost(listener, address)
        except Exception:
            self._complain("the loss of the connection with {}:{}".format(*address))

    def knows(self, host: str, names: frozenset[str], listener: Listener) -> bool:
        """Whether a trunk's calls may come from there."""
        return trunk_at(self.routing, host, names, listener.name) is not None

    def expected_at(self, address: Address) -> Expected:
        """Who should be at an address that is connected to by TLS."""
        return expected_at(self.routing, address)

    def timer_failed(self) -> None:
        """What a timer belongs to has raised when it fired."""
        self._complain("a timer")

    def _complain(self, what: str) -> None:
        """Logs a fault of ours; once a minute, since whoever hit upon it may do so again."""
        if self.wheel.now >= self._complain_from:
            self._complain_from = self.wheel.now + COMPLAIN_EVERY
            _log.exception("%s met a fault of ours", what)

    # Responses

    def _response(self, response: Response) -> None:
        transaction = self.transactions.receive_response(response)
        if transaction is None:
            self.observer.rejected("stray response")
            return
        self.observer.response("in", transaction.method, response.code, trunk_of(transaction.user))

    # Requests

    def _request(self, request: Request, source: Address, listener: Listener) -> None:
        arrival = arrived(request, listener, source)
        if self.transactions.receive(arrival):
            return
        method = request.method
        check_cseq(request)
        if method == "CANCEL" and cancelled(self, arrival):
            return
        to_tag = tag_of(request.first["to"])
        if to_tag:
            leg = self._dialogs.get(to_tag)
            if leg is not None and leg.takes(request):
                self._inside(leg, arrival)
                return
        trunk = self.routing.sources.trunk_of(listener.name, source[0])
        if listener.reliable:
            trunk = self.trunk_by(listener, source)
        if trunk is None:
            self.observer.rejected("unknown source")
            return
        if method == "ACK":
            self.observer.rejected("stray ACK")
            return
        if method == "CANCEL" and is_forged(self, arrival):
            return
        if self.crowded and (to_tag or not begins_emergency(self, arrival, trunk)):
            self.observer.rejected("too many transactions")
            return
        self.observer.request("in", method, trunk)
        if to_tag or method == "CANCEL":
            self.refuse(arrival, trunk, NO_DIALOG)
        else:
            self._outside(arrival, trunk)

    def _inside(self, leg: Leg, arrival: Arrival) -> None:
        """A request in a dialog of ours, from wherever: its tags prove it."""
        request = arrival.request
        self.observer.request("in", request.method, leg.trunk.name)
        if request.method == "ACK":
            leg.on_ack(request)
        elif request.method == "CANCEL":
            if not is_forged(self, arrival):
                self.refuse(arrival, leg.trunk.name, NO_DIALOG)
        else:
            leg.on_request(request, self.transactions.serve(arrival))

    def _outside(self, arrival: Arrival, trunk: str) -> None:
        """A request outside any dialog, from a trunk: OPTIONS, or the INVITE of a new call."""
        request = arrival.request
        check_form(request)
        if arrival.transport.reliable and "alias" in request.first["via"]:
            reuse(self.routing.trunks[trunk], cast("Listener", arrival.transport), arrival)
        number = self.routing.number_of_urn(request.uri)
        if number:
            request.uri = f"sip:{number}@{self.listeners[arrival.transport.name].advertised}"
        live = self.routing.trunks[trunk]
        refusal = refusal_of(request, live.trunk) or self._refusal_now(arrival, live)
        if refusal is None and "replaces" in request.first:
            refusal = take_replacement(self, arrival, live)
            if refusal is not None:
                self.refuse(arrival, trunk, refusal)
        elif refusal is None:
            begin_call(self, arrival, live, bool(number))
        else:
            self.refuse(arrival, trunk, refusal)

    def _refusal_now(self, arrival: Arrival, trunk: LiveTrunk) -> Refusal | None:
        """The answer to a request that could be taken but becomes no call."""
        method = arrival.request.method
        if method == "INVITE":
            return _MERGED if self.transactions.merged(arrival) else None
        if method == "OPTIONS":
            return DRAINING if self.draining else Refusal(200, "OK", abilities_outside(trunk.trunk))
        return NO_DIALOG

    def _malformed(self, error: BadMessage, data: bytes, source: Address, listener: Listener) -> None:
        """What can't be read: answered where it can be and its sender is known, else dropped; counted in any case."""
        if not data.strip(b"\r\n\0 "):
            return  # a keepalive (RFC 5626 §3.5.1)
        trunk = self.trunk_by(listener, source)
        if trunk is None:
            self.observer.rejected("unknown source")
            return
        self.observer.rejected("malformed")
        request = error.message
        if isinstance(request, Request):
            self.answer_statelessly(request, source, listener, trunk, Refusal(error.code, error.why))

    # What legs and the ledger tell

    def asked(self, call: Call, leg: Leg, request: Request, transaction: ServerTransaction) -> None:
        """A request came inside a call that the other side is to answer."""
        pass_on(call, leg, request, transaction)

    def referred(self, leg: Leg, request: Request, transaction: ServerTransaction) -> None:
        """A REFER came inside a call, or a SUBSCRIBE that may be of one."""
        take = take_refer if request.method == "REFER" else take_subscribe
        take(leg, request, transaction)

    def notified(self, call: Call, leg: Leg, request: Request, transaction: ServerTransaction) -> bool:
        """A NOTIFY came inside a call; whether it tells how the caller fares whom the router has REFERred."""
        return take_notify(call, leg, request, transaction)

    def _linked(self, call_id: str, task_id: str) -> None:
        """The contact centre shows a call as this task, "" for none: the one that it had isn't its."""
        call = self.calls.get(call_id)
        if call is not None:
            call.record.webex_task_id = task_id or None

    def interrupt(self) -> None:
        """Ends every call in progress: the last thing before a stop that can't wait."""
        for call in list(self.calls.values()):
            call.interrupted()

    def tidy(self) -> None:
        """In a quiet moment: lets go of all that a burst left behind, so that its memory can be given back."""
        self.transactions.tidy()
        self.routing.tidy(self.wheel.now)
        forget_readings()
        for table in (self.calls, self._dialogs):
            if not table:
                table.clear()

    def counts(self) -> dict[str, int]:
        """How many transactions, dialogs, calls and timers there are."""
        return {
            "transactions": len(self.transactions),
            "dialogs": len(self._dialogs),
            "calls": len(self.calls),
            "timers": len(self.wheel),
        }


_MERGED: Final = Refusal(482, "Loop Detected")
