"""What is sent and waited by, whatever asks for it: calls, probes, registrations; and answers that begin nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_router.sip.headers import tag_of
from edge_router.sip.stateless import stateless_answer
from edge_router.sip.timers import TimerWheel
from edge_router.sip.tokens import new_token
from edge_router.sip.transaction_layer import TransactionLayer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edge_router.b2bua.messages.screening import Refusal
    from edge_router.b2bua.reports.events import Observer
    from edge_router.net.address import Address
    from edge_router.net.listener import Listener
    from edge_router.sip.message import Request
    from edge_router.sip.transaction import Transport
    from edge_router.sip.transaction_layer import Arrival


class Endpoint:
    """The router as its trunks see it: ``listeners`` by their names, ``transactions``, and who watches (``observer``).

    ``wheel`` has the timers, and the time of what is being handled just now (monotonic seconds).
    """

    def __init__(self, listeners: Mapping[str, Listener], observer: Observer, now: float) -> None:
        self.listeners = listeners
        self.observer = observer
        self.wheel = TimerWheel(now, self.timer_failed)
        self.transactions = TransactionLayer(self.wheel)

    def timer_failed(self) -> None:
        """What a timer belongs to has raised when it fired; called within the ``except``."""
        raise NotImplementedError

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
