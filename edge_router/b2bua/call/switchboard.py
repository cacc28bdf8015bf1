"""What is under way in the router, as a call and its legs know it: whose a dialog is, which calls there are.

Lives here: the tables of calls and dialogs, answers that begin nothing, and what legs and calls tell. Must not know:
what a datagram is, and how a call begins; that is router.py's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from edge_router.b2bua.call.deadlines import Deadlines
from edge_router.b2bua.routing.peers import trunk_at
from edge_router.b2bua.routing.reserve import Reserve
from edge_router.b2bua.trunks.endpoint import Endpoint
from edge_router.sip.headers import tag_of
from edge_router.sip.stateless import stateless_answer
from edge_router.sip.tokens import new_token

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edge_router.b2bua.call.call import Call
    from edge_router.b2bua.call.leg import Leg
    from edge_router.b2bua.messages.screening import Refusal
    from edge_router.b2bua.reports.events import Observer
    from edge_router.b2bua.routing.routing import Routing
    from edge_router.net.address import Address
    from edge_router.net.listener import Listener
    from edge_router.sip.message import Request
    from edge_router.sip.transaction import ServerTransaction, Transport
    from edge_router.sip.transaction_layer import Arrival

MOST_TRANSACTIONS: Final = 1_000_000  # some six hundred octets each; 2,000 calls a second need a quarter of it


class Switchboard(Endpoint):
    """``routing`` is the configuration for new calls, ``calls`` has those in progress by the ids of their records.

    ``deadlines`` are what is due to them in minutes or hours, ``reserve`` which emergency calls are above a limit.
    While ``draining`` no new call is taken.
    """

    def __init__(
        self,
        routing: Routing,
        listeners: Mapping[str, Listener],
        observer: Observer,
        now: float,
        most_transactions: int = MOST_TRANSACTIONS,
    ) -> None:
        super().__init__(listeners, observer, now)
        self.routing = routing
        self.draining = False
        self._most_transactions = most_transactions
        self.deadlines = Deadlines(self.wheel)
        self.reserve = Reserve()
        self.calls: dict[str, Call] = {}
        self._dialogs: dict[str, Leg] = {}

    @property
    def crowded(self) -> bool:
        """Whether there are so many transactions that only calls in progress go on, and emergencies begin."""
        return len(self.transactions) >= self._most_transactions

    def trunk_by(self, listener: Transport, source: Address) -> str | None:
        """The trunk of whoever sends from there, by a name of his certificate or by his address; None: a stranger."""
        return trunk_at(self.routing, source[0], cast("Listener", listener).names_of(source), listener.name)

    # What legs and calls tell

    def refuse(self, arrival: Arrival, trunk: str, refusal: Refusal) -> None:
        """Answers a request that goes no further, in a transaction of its own."""
        code, reason, headers = refusal
        transaction = self.transactions.serve(arrival)
        self.observer.response("out", transaction.method, code, trunk)
        transaction.respond(code, reason, "" if tag_of(arrival.request.first["to"]) else new_token(), headers)

    def answer_statelessly(
        self, request: Request, source: Address, listener: Transport, trunk: str, refusal: Refusal
    ) -> None:
        """Answers without keeping anything: under a flood, and to what could not be read."""
        answer = stateless_answer(request, source, *refusal, reliable=listener.reliable)
        if answer is not None and request.method != "ACK":
            self.observer.response("out", request.method, refusal.code, trunk)
            listener.send(*answer)

    def remember_dialog(self, leg: Leg) -> None:
        """From now on requests with this leg's tag are its."""
        self._dialogs[leg.dialog.local_tag] = leg

    def forget_dialog(self, leg: Leg) -> bool:
        """Requests with this leg's tag get 481 from now on. Whether they didn't before."""
        return self._dialogs.pop(leg.dialog.local_tag, None) is not None

    def leg_with(self, tag: str) -> Leg | None:
        """The leg that has this tag of ours."""
        return self._dialogs.get(tag)

    def asked(self, call: Call, leg: Leg, request: Request, transaction: ServerTransaction) -> None:
        """A request came inside a call that the other side is to answer."""
        raise NotImplementedError

    def referred(self, leg: Leg, request: Request, transaction: ServerTransaction) -> None:
        """A REFER came inside a call, or a SUBSCRIBE that may be of one."""
        raise NotImplementedError

    def notified(self, call: Call, leg: Leg, request: Request, transaction: ServerTransaction) -> bool:
        """A NOTIFY came inside a call; whether it tells how the caller fares whom the router has REFERred."""
        raise NotImplementedError

    def call_over(self, call: Call) -> None:
        """A call has ended and its record is complete."""
        if self.calls.pop(call.record.call_id, None) is not None:
            self.reserve.discard(call.record.call_id)
            call.routing.load.release()
            self.observer.ended(call.record)
