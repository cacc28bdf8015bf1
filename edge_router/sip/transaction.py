"""The four transaction machines of RFC 3261 §17, with RFC 6026's Accepted states and RFC 4320, as tables.

Lives here: one table for each machine, ``(state, event) -> (next state, actions)``, the actions, and the two kinds of
transaction that run on them. A pair that isn't in a table has no effect: that is how late timers and stray messages
end. Must not know: how a transaction is found (transaction_layer.py), what a call is, sockets, the clock.

Events are the class of a message (``1xx``, ``2xx``, ``3xx-6xx``, ``request``, ``ACK``), a timer by the RFC's name, or
``transport error``. The same row serves a response that came in (client) and one that the user sends (server).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Protocol

from edge_router.sip.headers import parse_via
from edge_router.sip.requests import ack_for
from edge_router.sip.timers import GIVE_UP, T1, T2, T4

if TYPE_CHECKING:
    from edge_router.sip.message import Request, Response
    from edge_router.sip.transaction_layer import TransactionLayer

Address = tuple[str, int]  # IP address as text, port

CALLING: Final = "Calling"
TRYING: Final = "Trying"
PROCEEDING: Final = "Proceeding"
ACCEPTED: Final = "Accepted"
COMPLETED: Final = "Completed"
CONFIRMED: Final = "Confirmed"
TERMINATED: Final = "Terminated"


class Transport(Protocol):
    """What a transaction needs of a listener."""

    @property
    def name(self) -> str:
        """What the listener is called."""

    @property
    def via(self) -> str:
        """The beginning of our Via values, up to the branch's ``=``."""

    @property
    def reliable(self) -> bool:
        """Whether it delivers by itself (TCP, TLS), so that nothing is sent twice."""

    def send(self, data: bytes, address: Address) -> bool:
        """Sends one message; False where it can't be sent at all."""


class ClientUser(Protocol):
    """Whoever sent a request."""

    def on_response(self, transaction: ClientTransaction, response: Response) -> None:
        """A response that is new to the user; every 2xx to an INVITE, retransmissions included (RFC 6026 §8.4)."""

    def on_timeout(self, transaction: ClientTransaction) -> None:
        """No final response will come: timer B or F ran out, or the request could not be sent."""


class Transaction:
    """What both kinds share. ``message`` is what a retransmission sends again: request, ACK or response."""

    __slots__ = ("address", "interval", "key", "layer", "message", "method", "state", "table", "transport")

    table: Table
    state: str

    def __init__(self, layer: TransactionLayer, transport: Transport, address: Address, key: str, method: str) -> None:
        self.layer = layer
        self.transport = transport
        self.address = address
        self.key = key
        self.method = method
        self.interval = T1
        self.message = b""

    def fire(self, event: str, message: Any = None) -> None:
        """Looks the event up in the machine's table, takes the next state and runs the actions in their order."""
        rows = self.table.get(self.state)
        row = None if rows is None else rows.get(event)
        if row is not None:
            self.state, actions = row
            for action in actions:
                action(self, message)

    def expire(self, timer: str, now: float) -> None:
        """A timer of this transaction has run out (TimerOwner)."""
        self.fire(timer)


class ClientTransaction(Transaction):
    """A request of ours on its way (RFC 3261 §17.1); ``user`` hears of its responses.

    ``challenged`` is the request while its user hears that it was answered by 401 or 407; ``tries`` how often it was
    sent before, in transactions of its own, and challenged.
    """

    __slots__ = ("challenged", "tries", "user")

    def __init__(
        self,
        layer: TransactionLayer,
        transport: Transport,
        address: Address,
        key: str,
        method: str,
        message: bytes,
        user: ClientUser | None,
    ) -> None:
        super().__init__(layer, transport, address, key, method)
        self.message = message
        self.user = user
        self.challenged = b""
        self.tries = 0
        start = layer.wheel.start
        if method == "INVITE":
            self.table, self.state = INVITE_CLIENT, CALLING
            if not transport.reliable:
                start(T1, self, "Timer A")
            start(GIVE_UP, self, "Timer B")
        else:
            self.table, self.state = NON_INVITE_CLIENT, TRYING
            if not transport.reliable:
                start(T1, self, "Timer E")
            start(GIVE_UP, self, "Timer F")
        if not transport.send(message, address):
            # Told from the wheel, so that the user has its transaction in hand before it hears of its end.
            start(0.0, self, "transport error")

    def say_once_more(self) -> bool:
        """Sends a request other than INVITE again, whose connection is lost; False the second time, and once answered.

        Where nothing is sent again by itself, the interval of doing so says whether that has been done.
        """
        if self.state != TRYING or not self.interval:
            return False
        self.interval = 0.0
        self.layer.retransmitted += 1
        return self.transport.send(self.message, self.address)


class ServerTransaction(Transaction):
    """A request that came in (RFC 3261 §17.2). ``respond`` answers it; a retransmission gets the last answer again.

    ``source`` is where it came from and ``address`` where its answers go; ``user`` is for whoever made it. The request
    is kept until its final answer, ``to_tag`` is that of the last answer.
    """

    __slots__ = ("_request", "_vias", "merge_key", "source", "to_tag", "user")

    def __init__(
        self,
        layer: TransactionLayer,
        transport: Transport,
        source: Address,
        address: Address,
        key: str,
        request: Request,
        vias: str,
    ) -> None:
        super().__init__(layer, transport, address, key, request.method)
        self.source = source
        self._request: Request | None = request
        self._vias = vias
        self.to_tag = ""
        self.merge_key = 0
        self.user: object | None = None
        if request.method == "INVITE":
            self.table, self.state = INVITE_SERVER, PROCEEDING
        else:
            self.table, self.state = NON_INVITE_SERVER, TRYING

    def respond(self, code: int, reason: str, to_tag: str, headers: str = "", body: bytes = b"") -> bytes:
        """Answers, and returns the answer, b"" after a final one. ``headers`` are whole lines with their line ends.

        ``to_tag`` is "" for 100 alone, and for a request whose To has its tag already (RFC 3261 §8.2.6.2).
        """
        request = self._request
        if request is None:
            return b""
        first = request.first
        to = f"{first['to']};tag={to_tag}" if to_tag else first["to"]
        head = (
            f"SIP/2.0 {code} {reason}\r\n{self._vias}From: {first['from']}\r\nTo: {to}\r\n"
            f"Call-ID: {first['call-id']}\r\nCSeq: {first['cseq']}\r\n{headers}"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        message = head.encode("utf-8", "surrogateescape") + body
        self.to_tag = to_tag
        if code >= 200:
            self._request = None  # the transaction lingers, and needs the last answer alone
            if code >= 300 or not self.transport.reliable or self.table is not INVITE_SERVER:
                self._vias = ""  # a 2xx is repeated, and its connection may be gone by then
        if code < 200:
            event = "1xx"
        elif code == 408 and self.table is NON_INVITE_SERVER:
            event = "408"
        else:
            event = "2xx" if code < 300 else "3xx-6xx"
        self.fire(event, message)
        return message

    def named_port(self) -> int:
        """The port that the sender of the request names in Via, or means by none; 0 once nothing more is sent."""
        via = self._vias.partition("\r\n")[0].removeprefix("Via: ")
        if not via:
            return 0
        found = parse_via(via)
        return found.port or (5061 if found.transport == "TLS" else 5060)

    @property
    def open(self) -> bool:
        """Whether a final response is still owed."""
        return self.state == PROCEEDING or self.state == TRYING


Action = Callable[[Any, Any], None]
Row = tuple[str, tuple[Action, ...]]
Table = dict[str, dict[str, Row]]


# Actions. Each takes the transaction and the message of the event, and does one thing.


def send(transaction: ServerTransaction, message: bytes) -> None:
    """Sends the user's response, and keeps it for retransmissions."""
    transaction.message = message
    transaction.transport.send(message, transaction.address)


def send_accepted(transaction: ServerTransaction, message: bytes) -> None:
    """Sends a 2xx to an INVITE; its retransmission is the user's (RFC 6026 §7.1), so nothing is kept."""
    transaction.message = b""
    transaction.transport.send(message, transaction.address)


def resend(transaction: Transaction, _: object) -> None:
    """Sends the last message again."""
    if transaction.message:
        transaction.layer.retransmitted += 1
        transaction.transport.send(transaction.message, transaction.address)


def absorb(transaction: Transaction, _: object) -> None:
    """Takes a retransmission in and says nothing."""


def report(transaction: ClientTransaction, response: Response) -> None:
    """Hands a response to the user."""
    if transaction.user is not None:
        transaction.user.on_response(transaction, response)
    transaction.challenged = b""


def report_timeout(transaction: ClientTransaction, _: object) -> None:
    """Tells the user that no final response will come."""
    if transaction.user is not None:
        transaction.user.on_timeout(transaction)


def keep_challenged(transaction: ClientTransaction, response: Response) -> None:
    """Keeps the request for whoever has credentials for it."""
    if response.code == 401 or response.code == 407:
        transaction.challenged = transaction.message


def acknowledge(transaction: ClientTransaction, response: Response) -> None:
    """ACKs a final response other than 2xx (RFC 3261 §17.1.1.3); from now on the ACK is what is sent again."""
    transaction.message = ack_for(transaction.message, response)
    transaction.transport.send(transaction.message, transaction.address)


def forget(transaction: Transaction, _: object) -> None:
    """Lets go of what a retransmission would have needed: most of a finished call's memory."""
    transaction.message = b""


def end(transaction: Transaction, _: object) -> None:
    """Leaves the layer's tables and lets go of everything, so that no cycle stays behind."""
    transaction.layer.remove(transaction)


def _timer(name: str, delay: float, unreliable_only: bool = False) -> Action:
    """An action that starts a timer: at once on a reliable transport if it only waits for retransmissions."""

    def start(transaction: Transaction, _: object) -> None:
        waits = not (unreliable_only and transaction.transport.reliable)
        transaction.layer.wheel.start(delay if waits else 0.0, transaction, name)

    start.__name__ = f"start_{name.lower().replace(' ', '_')}"
    start.__doc__ = f"Starts {name}: {delay:g} s."
    return start


def _retransmission(name: str, longest: float | None) -> Action:
    """An action that starts a retransmission timer anew at twice its interval, up to ``longest``."""

    def start(transaction: Transaction, _: object) -> None:
        transaction.interval *= 2
        if longest is not None and transaction.interval > longest:
            transaction.interval = longest
        transaction.layer.wheel.start(transaction.interval, transaction, name)

    start.__name__ = f"restart_{name.lower().replace(' ', '_')}"
    start.__doc__ = f"Starts {name} anew at twice its interval."
    return start


def start_g(transaction: ServerTransaction, _: object) -> None:
    """Starts Timer G: T1, on unreliable transports alone."""
    if not transaction.transport.reliable:
        transaction.layer.wheel.start(T1, transaction, "Timer G")


def restart_e_at_t2(transaction: ClientTransaction, _: object) -> None:
    """In Proceeding, Timer E runs at T2 (RFC 3261 §17.1.2.2)."""
    transaction.layer.wheel.start(T2, transaction, "Timer E")


restart_a = _retransmission("Timer A", None)
restart_e = _retransmission("Timer E", T2)
restart_g = _retransmission("Timer G", T2)
start_d = _timer("Timer D", GIVE_UP, unreliable_only=True)
start_h = _timer("Timer H", GIVE_UP)
start_i = _timer("Timer I", T4, unreliable_only=True)
start_j = _timer("Timer J", GIVE_UP, unreliable_only=True)
start_k = _timer("Timer K", T4, unreliable_only=True)
start_l = _timer("Timer L", GIVE_UP)
start_m = _timer("Timer M", GIVE_UP)


def _by_state(rows: dict[tuple[str, str], Row]) -> Table:
    """A machine's table: two look-ups by texts that are there cost less than one by a pair that has to be made."""
    table: Table = {}
    for (state, event), row in rows.items():
        table.setdefault(state, {})[event] = row
    return table


# RFC 3261 figure 5, with RFC 6026 figure 1. "given up": the user cancelled and no final came in 64*T1 (§9.1).
INVITE_CLIENT: Final[Table] = _by_state(
    {
        (CALLING, "Timer A"): (CALLING, (resend, restart_a)),
        (CALLING, "Timer B"): (TERMINATED, (report_timeout, end)),
        (CALLING, "transport error"): (TERMINATED, (report_timeout, end)),
        (CALLING, "1xx"): (PROCEEDING, (report,)),
        (CALLING, "2xx"): (ACCEPTED, (forget, start_m, report)),
        (CALLING, "3xx-6xx"): (COMPLETED, (keep_challenged, acknowledge, start_d, report)),
        (CALLING, "given up"): (TERMINATED, (end,)),
        (PROCEEDING, "1xx"): (PROCEEDING, (report,)),
        (PROCEEDING, "2xx"): (ACCEPTED, (forget, start_m, report)),
        (PROCEEDING, "3xx-6xx"): (COMPLETED, (keep_challenged, acknowledge, start_d, report)),
        (PROCEEDING, "given up"): (TERMINATED, (report_timeout, end)),
        (ACCEPTED, "2xx"): (ACCEPTED, (report,)),
        (ACCEPTED, "Timer M"): (TERMINATED, (end,)),
        (COMPLETED, "3xx-6xx"): (COMPLETED, (resend,)),
        (COMPLETED, "Timer D"): (TERMINATED, (end,)),
    }
)

# RFC 3261 figure 6.
NON_INVITE_CLIENT: Final[Table] = _by_state(
    {
        (TRYING, "Timer E"): (TRYING, (resend, restart_e)),
        (TRYING, "Timer F"): (TERMINATED, (report_timeout, end)),
        (TRYING, "transport error"): (TERMINATED, (report_timeout, end)),
        (TRYING, "1xx"): (PROCEEDING, (report,)),
        (TRYING, "2xx"): (COMPLETED, (forget, start_k, report)),
        (TRYING, "3xx-6xx"): (COMPLETED, (keep_challenged, forget, start_k, report)),
        (PROCEEDING, "Timer E"): (PROCEEDING, (resend, restart_e_at_t2)),
        (PROCEEDING, "Timer F"): (TERMINATED, (report_timeout, end)),
        (PROCEEDING, "1xx"): (PROCEEDING, (report,)),
        (PROCEEDING, "2xx"): (COMPLETED, (forget, start_k, report)),
        (PROCEEDING, "3xx-6xx"): (COMPLETED, (keep_challenged, forget, start_k, report)),
        (COMPLETED, "Timer K"): (TERMINATED, (end,)),
    }
)

# RFC 3261 figure 7, with RFC 6026 figure 2. The ACK of a 2xx has a branch of its own and goes to the dialog.
INVITE_SERVER: Final[Table] = _by_state(
    {
        (PROCEEDING, "request"): (PROCEEDING, (resend,)),
        (PROCEEDING, "1xx"): (PROCEEDING, (send,)),
        (PROCEEDING, "2xx"): (ACCEPTED, (send_accepted, start_l)),
        (PROCEEDING, "3xx-6xx"): (COMPLETED, (send, start_g, start_h)),
        (ACCEPTED, "request"): (ACCEPTED, (absorb,)),
        (ACCEPTED, "Timer L"): (TERMINATED, (end,)),
        (COMPLETED, "request"): (COMPLETED, (resend,)),
        (COMPLETED, "Timer G"): (COMPLETED, (resend, restart_g)),
        (COMPLETED, "Timer H"): (TERMINATED, (end,)),
        (COMPLETED, "ACK"): (CONFIRMED, (forget, start_i)),
        (CONFIRMED, "ACK"): (CONFIRMED, (absorb,)),
        (CONFIRMED, "Timer I"): (TERMINATED, (end,)),
    }
)

# RFC 3261 figure 8, with RFC 4320: a 408 that would come too late to be of use is not sent.
NON_INVITE_SERVER: Final[Table] = _by_state(
    {
        (TRYING, "request"): (TRYING, (absorb,)),
        (TRYING, "1xx"): (PROCEEDING, (send,)),
        (TRYING, "2xx"): (COMPLETED, (send, start_j)),
        (TRYING, "3xx-6xx"): (COMPLETED, (send, start_j)),
        (TRYING, "408"): (TERMINATED, (end,)),
        (PROCEEDING, "request"): (PROCEEDING, (resend,)),
        (PROCEEDING, "1xx"): (PROCEEDING, (send,)),
        (PROCEEDING, "2xx"): (COMPLETED, (send, start_j)),
        (PROCEEDING, "3xx-6xx"): (COMPLETED, (send, start_j)),
        (PROCEEDING, "408"): (TERMINATED, (end,)),
        (COMPLETED, "request"): (COMPLETED, (resend,)),
        (COMPLETED, "Timer J"): (TERMINATED, (end,)),
    }
)
