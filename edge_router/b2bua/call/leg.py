"""What both legs of a call share: a dialog with one user agent, and requests and answers inside it.

The two kinds are in caller.py (we are the server of its INVITE) and callee.py (we are the client).
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Final

from edge_router.b2bua.call.waiting import RESPONSE, WAITED
from edge_router.b2bua.messages.capabilities import ALLOW_LINE, WITHOUT_PRACK, abilities_in_full
from edge_router.b2bua.messages.next_hop import place_of, place_of_by_tls
from edge_router.b2bua.messages.screening import unspoken
from edge_router.b2bua.messages.shown_sdp import ShownSdp, content_type_of
from edge_router.b2bua.trunks.credentials import sent_again, shown_to
from edge_router.b2bua.trunks.large import send_large, send_large_ack
from edge_router.b2bua.trunks.leaving import LARGEST_BY_UDP
from edge_router.b2bua.trunks.live_trunk import INBOUND, OUTBOUND
from edge_router.sip.headers import parse_cseq, tag_of
from edge_router.sip.message import Request, Response
from edge_router.sip.names import METHODS
from edge_router.sip.requests import credentials_in
from edge_router.sip.sdp import find_sdp
from edge_router.sip.timers import GIVE_UP, TICK
from edge_router.sip.tokens import new_branch
from edge_router.sip.transaction import ACCEPTED, CALLING, PROCEEDING

if TYPE_CHECKING:
    from edge_router.b2bua.call.acceptance import Acceptance
    from edge_router.b2bua.call.asked import Asked
    from edge_router.b2bua.call.call import Call
    from edge_router.b2bua.call.session_timer import SessionTimer
    from edge_router.b2bua.call.switchboard import Switchboard
    from edge_router.b2bua.trunks.live_trunk import LiveTrunk
    from edge_router.net.address import Address
    from edge_router.net.listener import Listener
    from edge_router.sip.dialog import Dialog
    from edge_router.sip.transaction import ClientTransaction, ClientUser, ServerTransaction

_CROSSING: Final = frozenset({"INVITE", "UPDATE", "INFO", "MESSAGE", "PRACK"})  # and other packages' NOTIFY
# Others get their 405 or 501 first (RFC 3261 §8.2.1).
_TAKEN: Final = _CROSSING | {"BYE", "OPTIONS", "NOTIFY", "REFER", "SUBSCRIBE"}


class Leg:
    """One side of a call. ``call`` is None once the call has let go of it and it only winds itself up.

    ``acceptance`` is our 2xx to an INVITE of his while its ACK is missing; ``open`` are the requests of his that have
    gone on to the other side and aren't over. ``shown`` is what it has seen of others' SDP, where there may be two or
    it has to be said again. ``session`` is its session timer, where it has agreed on one. ``authorization`` are the
    lines by which our last INVITE has shown who we are, "" for most.
    ``last_heard`` is the last body with SDP that the other side has sent it, as that came. ``inbound`` says whether it
    counts as a call from its trunk, or as one to it; ``session_id`` is its Session-ID, "" where it has none.
    """

    __slots__ = (
        "_asked",
        "_asked_seq",
        "_deadline",
        "_next_look",
        "acceptance",
        "address",
        "authorization",
        "call",
        "dialog",
        "inbound",
        "last_heard",
        "listener",
        "open",
        "router",
        "session",
        "session_id",
        "shown",
        "trunk",
    )

    def __init__(
        self, router: Switchboard, call: Call, trunk: LiveTrunk, listener: Listener, address: Address, dialog: Dialog
    ) -> None:
        self.router = router
        self.call: Call | None = call
        self.trunk = trunk
        self.listener = listener
        self.address = address
        self.dialog = dialog
        self._deadline = self._next_look = inf
        self._asked: ClientTransaction | None = None
        self._asked_seq = 0
        self.acceptance: Acceptance | None = None
        self.open: tuple[Asked, ...] = ()
        self.shown: ShownSdp | None = None
        self.authorization = ""
        self.session: SessionTimer | None = None
        self.last_heard = b""
        self.inbound = OUTBOUND
        self.session_id = ""

    def wait(self, seconds: float) -> None:
        """Wakes the call with WAITED so long from now, unless it is to wait for something else by then."""
        self._deadline = self.router.wheel.now + seconds
        if self._deadline < self._next_look:
            self._look_in(seconds)

    def _look_in(self, seconds: float) -> None:
        # A timer can't be cancelled and keeps the leg, so none runs longer than a transaction may.
        seconds = min(seconds, GIVE_UP)
        self._next_look = self.router.wheel.now + seconds
        self.router.wheel.start(seconds, self, WAITED)

    def _look(self) -> None:
        """A wait is over, or may be: a later one only moved the deadline."""
        self._next_look = inf
        if self.call is not None:
            rest = self._deadline - self.router.wheel.now
            if rest > TICK:
                self._look_in(rest)
            else:
                self.call.wake(WAITED, self, None)

    def expire(self, timer: str, now: float) -> None:
        """A timer of this leg has run out (TimerOwner)."""
        raise NotImplementedError

    @property
    def source(self) -> str:
        """A name of who makes the SDP that comes from here."""
        raise NotImplementedError

    def own(self, source: str, headers: str, body: bytes) -> bytes:
        """The SDP of ``source`` as this side is to see it; ``headers`` are the lines that go with it."""
        content_type = content_type_of(headers)
        if self.shown is None:
            if self.session is None or not self.session.needs_sdp or find_sdp(content_type, body) is None:
                return body
            self.shown = ShownSdp(source, body, content_type)
        return self.shown.next(source, body, content_type)

    def send(
        self, method: str, headers: str = "", body: bytes = b"", user: ClientUser | None = None
    ) -> ClientTransaction:
        """Sends a request in the dialog; its responses come to ``user``, else to ``on_response`` here."""
        branch, address = new_branch(), self.next_hop()
        if self.trunk.credentials is not None:
            headers = self._shown_to(address, method) + headers
        message = self.dialog.request(method, self.listener.via + branch, headers, body)
        self.router.observer.request("out", method, self.trunk.name)
        if len(message) > LARGEST_BY_UDP:
            return send_large(self.router, self.trunk, method, branch, message, self.listener, address, user or self)
        return self.router.transactions.send(method, branch, message, self.listener, address, user or self)

    def _shown_to(self, address: Address, method: str) -> str:
        """The lines by which a request shows who we are, where that has been asked for before."""
        lines = shown_to(self.trunk, address[0], method, self.dialog.request_uri)
        if method == "INVITE":
            self.authorization = lines
        return lines

    def sent_again(
        self,
        transaction: ClientTransaction,
        response: Response,
        user: ClientUser | None = None,
        dialog: Dialog | None = None,
    ) -> ClientTransaction | None:
        """Sends a challenged request once more, with credentials, None without; its ``dialog`` if not the leg's."""
        again = sent_again(self.router, self.trunk, transaction, response, user or self, dialog or self.dialog)
        if again is not None and again.method == "INVITE":
            self.authorization = credentials_in(again.message)
        return again

    def send_ack(self, seq: int, branch: str, headers: str = "", body: bytes = b"") -> bytes:
        """ACKs the 2xx to our INVITE with CSeq number ``seq``; returns the ACK as it is said again."""
        address = self.next_hop()
        if self.authorization:
            headers = self.shown_in_ack(address) + headers
        ack = self.dialog.request("ACK", self.listener.via + branch, headers, body, seq)
        self.router.observer.request("out", "ACK", self.trunk.name)
        if len(ack) > LARGEST_BY_UDP:
            send_large_ack(self.router, self.trunk, ack, self.listener, address)
        else:
            self.listener.send(ack, address)
        return ack

    def shown_in_ack(self, address: Address) -> str:
        """What the INVITE has shown, its ACK shows as well (RFC 3261 §22.1), if it goes to who may see it."""
        return self.authorization if self.trunk.is_its_own(address[0]) else ""

    def ask(self, method: str, headers: str, body: bytes = b"") -> ClientTransaction:
        """Sends a request that the call waits for an answer to; what is said to earlier ones counts no more."""
        asked = self._asked = self.send(method, headers, body)
        self._asked_seq = self.dialog.local_seq
        return asked

    def reinvite(self, headers: str, body: bytes) -> None:
        """Offers an SDP in the dialog; ``headers`` are the lines that go with it."""
        ours = f"Contact: {self.contact}\r\n{WITHOUT_PRACK}"
        if self.session is not None:
            ours += self.session.request_lines()
        asked = self.ask("INVITE", ours + headers, body)
        # One that had a provisional answer would wait for ever; on any other this has no effect by then.
        self.router.wheel.start(GIVE_UP, asked, "given up")

    def acknowledge_reinvite(self) -> None:
        """ACKs the 2xx to our re-INVITE; the transaction keeps the ACK for as long as the 2xx may be repeated."""
        if self._asked is not None:
            self._asked.message = self.send_ack(self._asked_seq, new_branch())

    def on_asked(self, transaction: ClientTransaction, response: Response) -> None:
        """The answer to what was asked, for the call; a 2xx to a re-INVITE gets its ACK in any case."""
        if transaction.challenged and (self.call is not None or transaction.method == "BYE"):
            again = self.sent_again(transaction, response)
            if again is not None:
                self._asked_again(transaction, again)
                return
        accepted = transaction.method == "INVITE" and transaction.state == ACCEPTED
        if accepted and transaction.message:
            self.router.transactions.retransmitted += 1
            self.listener.send(transaction.message, self.next_hop())
            return
        if transaction is not self._asked:
            return
        if accepted:
            self.dialog.refresh(response)
            if self.session is not None:
                self.session.heard(response)
        if self.call is not None:
            self.call.wake(RESPONSE, self, response)
        elif accepted:
            self.acknowledge_reinvite()

    def _asked_again(self, before: ClientTransaction, again: ClientTransaction) -> None:
        if before is self._asked:
            self._asked = again
            self._asked_seq = self.dialog.local_seq
            if again.method == "INVITE":
                self.router.wheel.start(GIVE_UP, again, "given up")

    def bye(self, headers: str = "", body: bytes = b"") -> None:
        """Ends the dialog; not while the ACK of a 2xx of ours may come yet (RFC 3261 §15)."""
        if self.acceptance is not None:
            self.acceptance.farewell = headers, body
            return
        if self.session is not None:
            self.session.stop()
        if self.router.forget_dialog(self):  # else he has hung up already
            self.send("BYE", headers, body)

    # The ACK of our 2xx

    def on_ack(self, request: Request) -> None:
        """The ACK of our 2xx; a repeated one has no effect."""
        acceptance = self.acceptance
        if acceptance is None or parse_cseq(request.first["cseq"]).number != acceptance.number:
            return
        if not self._takes_leave() and self.call is not None:
            self.call.acknowledged(self, request)

    def take_as_acknowledged(self) -> None:
        """What came shows that he has our 2xx: its ACK is lost or late."""
        self._rest()
        if self.call is not None:
            self.call.acknowledged(self, None)

    def never_acknowledged(self) -> None:
        """No ACK came in 64*T1."""
        if not self._takes_leave() and self.call is not None:
            self.call.never_acknowledged(self)

    def _takes_leave(self) -> bool:
        """Our 2xx is over; whether that is what our BYE has waited for, which goes now."""
        farewell = self._rest()
        if farewell is not None:
            self.bye(*farewell)
        return farewell is not None

    def _rest(self) -> tuple[str, bytes] | None:
        """Our 2xx is repeated no more; the BYE that waits for it."""
        acceptance, self.acceptance = self.acceptance, None
        if acceptance is None:
            return None
        acceptance.rest()
        return acceptance.farewell

    def next_hop(self) -> Address:
        """Where requests in the dialog go: to the next hop's address, or where the INVITE went if that is a name.

        A call stays on the transport that it was set up by. A next hop that names another would have to be reached so
        (RFC 3261 §18, §12.2.1.1, §26.2.2), but whoever it is has just set up a call otherwise, and many gateways write
        such Contacts without meaning them. Of a call by UDP one at the host that the INVITE went to or came from is
        reached at that address, which does hear UDP; another one at the port that it names. The call's record says so.
        """
        if self.listener.reliable:
            return self._next_hop_by_connection()
        address, transport = place_of(self.dialog.next_hop)
        if transport:
            if address is not None and address[0] == self.address[0]:
                address = None
            if self.call is not None:
                self.call.remark_once(f"{self.trunk.name} asks for {transport}, and is sent UDP")
        if address is None:
            return self.address
        # What came by IPv4 can't be followed to an IPv6 address by the same socket.
        return address if (":" in address[0]) == (":" in self.address[0]) else self.address

    def _next_hop_by_connection(self) -> Address:
        """Where they go by TCP or TLS: by the connection that the peer has opened while it is there, else anew."""
        read = place_of_by_tls if self.listener.transport == "tls" else place_of
        address, _ = read(self.dialog.next_hop)
        if address is None or (":" in address[0]) != (":" in self.address[0]):
            return self.address
        if address[0] == self.address[0] and self.listener.is_accepted(self.address):
            return self.address
        return address

    @property
    def contact(self) -> str:
        """Our Contact in this dialog; a sips URI where the other side's is one (RFC 3261 §8.1.1.8, §12.1.1)."""
        if self.listener.transport == "tls" and self.dialog.target[:5].lower() == "sips:":
            return f"<sips:{self.listener.advertised}>"
        return self.listener.contact

    def takes(self, request: Request) -> bool:
        """Whether a request with our tag is really of this dialog: Call-ID and both tags."""
        dialog, first = self.dialog, request.first
        who = first["from"]  # mostly the very same text as in the last
        return dialog.call_id == first["call-id"] and (dialog.remote == who or dialog.remote_tag == tag_of(who))

    def on_request(self, request: Request, transaction: ServerTransaction) -> None:
        """A request inside the dialog, ACK apart. Each is answered here or by the call."""
        method = request.method
        refusal = unspoken(request) if method in _TAKEN else None
        if not self.dialog.in_order(request):
            self.answer(transaction, 500, "CSeq out of order")
        elif refusal is not None:  # also of a BYE: its sender says it again without (RFC 3261 §8.1.3.5)
            self.answer(transaction, *refusal)
        elif method == "OPTIONS":
            self.answer(transaction, 200, "OK", abilities_in_full(self.trunk.trunk))
        elif method not in METHODS:
            self.answer(transaction, 501, "Not Implemented", ALLOW_LINE)
        elif method == "BYE":
            self.answer(transaction, 200, "OK")
            self.hung_up(request)
        elif self.call is None:
            self.answer(transaction, 481, "Call/Transaction Does Not Exist")
        elif method == "NOTIFY":
            self.call.notified(self, request, transaction)
        elif method in _CROSSING:
            self.call.asked(self, request, transaction)
        elif method in ("REFER", "SUBSCRIBE"):
            self.router.referred(self, request, transaction)
        else:
            self.answer(transaction, 405, "Method Not Allowed", ALLOW_LINE)

    def is_inviting(self) -> bool:
        """Whether a re-INVITE of the router's own has no final answer yet."""
        return (self.session is not None and self.session.is_inviting) or self.is_asked()

    def is_asked(self) -> bool:
        """Whether it is one that the call waits for an answer to."""
        asked = self._asked
        return asked is not None and asked.method == "INVITE" and asked.state in (CALLING, PROCEEDING)

    def exchange_over(self, exchange: Asked) -> None:
        """A request of his has its answer, and its ACK if it was an INVITE."""
        self.open = tuple([each for each in self.open if each is not exchange])
        if self.call is not None and self.call.exchange is exchange:
            self.call.exchange = None

    def release(self) -> None:
        """It counts on its trunk no more."""
        if self.inbound == INBOUND:
            self.trunk.release_inbound()
        elif self.inbound == OUTBOUND:
            self.trunk.release_outbound()

    def hung_up(self, request: Request) -> None:
        """A BYE ends the dialog; the call hears of it, if there is one still.

        Who hangs up has our 2xx: it is repeated no more, whatever became of his ACK.
        """
        self._rest()
        if self.session is not None:
            self.session.stop()
        self.router.forget_dialog(self)
        if self.call is not None:
            self.call.hung_up(self, request)

    def answer(
        self, transaction: ServerTransaction, code: int, reason: str, headers: str = "", body: bytes = b""
    ) -> bytes:
        """Answers a request inside the dialog, whose To has our tag already; returns the answer."""
        self.router.observer.response("out", transaction.method, code, self.trunk.name)
        return transaction.respond(code, reason, "", headers, body)

    def on_response(self, transaction: ClientTransaction, response: Response) -> None:
        """A response to a request of ours (ClientUser)."""
        raise NotImplementedError

    def on_timeout(self, transaction: ClientTransaction) -> None:
        """A request of ours got no final response (ClientUser)."""
        raise NotImplementedError
