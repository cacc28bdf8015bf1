"""One request inside a call that goes on from one leg to the other, and its answers back.

Lives here: the way of one request, from its arrival to its final answer, or for an INVITE to its ACK; its CANCEL; and
what the two sides are told when nothing comes back. Must not know: whether it may go on at all, which is glare.py's.

The sides negotiate with each other: what they say crosses as it is, and a re-INVITE's ACK waits for the asker's, since
there may be an answer in it. What the router adds is its own Contact on either side, so that each leg's remote target
is refreshed by its own peer alone (RFC 3261 §12.2): by the Contact of a request that was accepted, and that of a 2xx
(a request that is refused moves nobody, RFC 6141 §4).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge_router.b2bua.call.acceptance import Acceptance
from edge_router.b2bua.call.asked import Asked
from edge_router.b2bua.call.session_terms import answer_lines
from edge_router.b2bua.messages.capabilities import WITHOUT_PRACK
from edge_router.b2bua.messages.causes import reasons_of
from edge_router.b2bua.messages.content import content_of, has_sdp
from edge_router.b2bua.messages.crossing import IN_DIALOG, IN_DIALOG_RESPONSE, crossing
from edge_router.net.listener import LARGEST_DATAGRAM
from edge_router.sip.headers import parse_cseq
from edge_router.sip.reasons import reason_phrase
from edge_router.sip.requests import cancel_for
from edge_router.sip.timers import GIVE_UP
from edge_router.sip.tokens import new_branch
from edge_router.sip.transaction import PROCEEDING

if TYPE_CHECKING:
    from edge_router.b2bua.call.leg import Leg
    from edge_router.sip.message import Request, Response
    from edge_router.sip.transaction import ClientTransaction, ServerTransaction

_REFRESHING: Final = ("INVITE", "UPDATE")  # whose Contact is the remote target (RFC 3261 §12.2, RFC 3311 §5.1)
_WITH_CONTACT: Final = ("INVITE", "UPDATE", "NOTIFY", "REFER", "SUBSCRIBE")
_GONE: Final = (408, 481)  # the other side has no such dialog any more (RFC 3261 §12.2.1.2)
_MOST_PROVISIONAL: Final = 100  # answers that are heard; one a minute is usual (RFC 3261 §13.3.1.1)
_MOST_QUIET: Final = 6  # times 64*T1 without a provisional answer: over the three minutes of Timer C (§16.8)
_OPEN: Final = "open"
_NOT_CANCELLED: Final = "not cancelled"


class Exchange(Asked):
    """``asker`` is the leg that the request came by, ``other`` the one that it goes on by.

    ``received`` is its transaction until its final answer, ``request`` the request for as long. ``offers`` says that
    nothing else may be negotiated before this is over: it is an INVITE or an offer in an UPDATE. ``late`` is an INVITE
    without an offer, ``accepted`` one that has its 2xx and waits for its ACK. ``number`` is its CSeq number there.
    """

    __slots__ = (
        "_before",
        "_began",
        "_cancel",
        "_cancelled",
        "_dialogs",
        "_heard",
        "_invites",
        "_quiet",
        "_sent",
        "late",
        "number",
        "offers",
        "other",
        "received",
        "request",
    )

    def __init__(self, asker: Leg, other: Leg, request: Request, transaction: ServerTransaction, offers: bool) -> None:
        super().__init__(asker, request.method)
        self.other = other
        self.request: Request | None = request
        self.received: ServerTransaction | None = transaction
        self.offers = offers
        self._invites = self.method == "INVITE"  # the other side, whatever it is that came
        self.late = self._invites and not has_sdp(request)
        self._dialogs = asker.dialog, other.dialog  # a callee that forks may change his by the answer
        self._sent: ClientTransaction | None = None
        self.number = 0
        self._began = asker.router.wheel.now
        self._before: tuple[str, bytes, bytes] | None = None
        self._heard = 0
        self._quiet = 0
        self._cancel: str | None = None
        self._cancelled = False

    def go_on(self, extra: str = "") -> None:
        """Sends the request to the other side; ``extra`` are lines that only it has there."""
        request = self.request
        if request is None or self.received is None:
            return
        if self.method == "INVITE":
            self.received.user = self
            sent_at = request.first.get("timestamp")
            self.asker.answer(self.received, 100, "Trying", f"Timestamp: {sent_at}\r\n" if sent_at else "")
        self._send(request, self.method, extra)

    def _send(self, request: Request, method: str, extra: str = "") -> None:
        other, body = self.other, request.body
        headers = self.headers_on(request)
        ours = _ours(other, method)
        if other.session is not None and method in _REFRESHING:
            ours += other.session.request_lines()
            self._before = other.shown.state if other.shown is not None else None
        if body and self.offers:
            body = other.own(self.asker.source, headers, body)
        self._sent = other.send(method, ours + extra + headers, body, self)
        self.number = other.dialog.local_seq

    def headers_on(self, request: Request) -> str:
        """The header lines that it goes on with."""
        other = self.other
        return crossing(request, IN_DIALOG, self.asker.trunk.trunk, other.trunk.trunk, other.listener.advertised)

    # What the other side says

    def on_response(self, transaction: ClientTransaction, response: Response) -> None:
        """An answer to the request (ClientUser); every 2xx to an INVITE gets its ACK, whatever became of the call."""
        if transaction.method == "CANCEL":
            return
        if transaction.challenged and self._goes_on_again(transaction, response):
            return
        call = self.asker.call
        if call is not None:
            call.answered_inside(self, response)
        else:
            self.answered(response)

    def _goes_on_again(self, transaction: ClientTransaction, response: Response) -> bool:
        """Sends the request once more, with credentials, as long as somebody waits for its answer."""
        if self.received is None or self._cancel is not None or transaction is not self._sent:
            return False
        dialog = self._dialogs[1]
        again = self.other.sent_again(transaction, response, self, dialog)
        if again is None:
            return False
        self._sent, self.number = again, dialog.local_seq
        return True

    def answered(self, response: Response) -> None:
        """Passes an answer back to the asker."""
        code = response.code
        if self._invites and 200 <= code < 300:
            if self._sent is not None and self._sent.message:
                self._acknowledge_again()
            elif self.received is None and not self.accepted:  # nobody waits for it any more
                self._acknowledge()
            elif not self.accepted:
                self.accept(response)
        elif code < 200:
            self._provisional(response)
        elif self.received is not None:
            self._final(response)

    def _provisional(self, response: Response) -> None:
        self._heard += 1
        self._quiet = 0
        if self.received is None or self._heard > _MOST_PROVISIONAL:
            return
        if self._heard == 1 and self._invites:
            self.asker.router.wheel.start(GIVE_UP, self, _OPEN)
        if self._cancel is not None:
            self._send_cancel()
        if response.code > 100 and self.method == "INVITE":  # a late 100 of a non-INVITE helps nobody (RFC 4320 §4.1)
            self._back(response)

    def accept(self, response: Response) -> None:
        """The 2xx to an INVITE: the asker gets it until he ACKs it."""
        asker, invite, request = self.asker, self.received, self.request
        if invite is None or request is None:
            return
        self.accepted = True
        self._refresh(request, response)
        number = parse_cseq(request.first["cseq"]).number
        self._agreed(request, response)
        message = self._back(response)
        self._let_go()
        asker.acceptance = Acceptance(asker, invite, number, message, self.late)

    def _final(self, response: Response) -> None:
        code, request = response.code, self.request
        if code < 300 and self.method in _REFRESHING and request is not None:
            self._refresh(request, response)
            self._agreed(request, response)
        elif code >= 300:
            self._refused(response)
        self._back(response)
        self.over()
        if code in _GONE:
            self._lost(code)

    def _refresh(self, request: Request, response: Response) -> None:
        mine, theirs = self._dialogs
        mine.refresh(request)
        theirs.refresh(response)
        if self.other.session is not None:
            self.other.session.heard(response)

    def _refused(self, response: Response) -> None:
        """What he was offered does not hold; and where the session timer was too short, the next one is longer."""
        other = self.other
        if self._before is not None and other.shown is not None:
            other.shown.restore(self._before)
        if response.code == 422 and other.session is not None:
            other.session.takes_longer(response)

    def _agreed(self, request: Request, response: Response) -> None:
        """Both are where they say by this: until one says something else."""
        if self.offers:
            self.other.last_heard = request.body or self.other.last_heard
            self.asker.last_heard = response.body or self.asker.last_heard

    def _lost(self, code: int | None) -> None:
        """The other side has lost the dialog: that is the end of the call, unless it was but one of its attempts.

        To a PRACK it says so of a provisional response (RFC 3262 §3), which is nothing to a call that stands.
        """
        call, other = self.asker.call, self.other
        if self.method == "PRACK" or call is None or not call.caller.answered:
            return
        if call.setup is None and other.call is call and other.dialog is self._dialogs[1]:
            call.lost(other, code)

    def _back(self, response: Response) -> bytes:
        """An answer as the asker gets it."""
        asker, other, received = self.asker, self.other, self.received
        if received is None:
            return b""
        trunk = asker.trunk.trunk
        headers = crossing(response, IN_DIALOG_RESPONSE, other.trunk.trunk, trunk, asker.listener.advertised)
        body, ours = response.body, _ours(asker, self.method) if response.code < 300 else ""
        if self.request is not None and 200 <= response.code < 300 and self.method in _REFRESHING:
            ours += answer_lines(asker, self.request)
        if body and self.offers:
            body = asker.own(other.source, headers, body)
        code = self.code_for_asker(response.code)
        reason = response.reason if code == response.code and response.reason else reason_phrase(code)
        return asker.answer(received, code, reason, ours + headers, body)

    def code_for_asker(self, code: int) -> int:
        """What he hears in place of a status that is between the other side and us."""
        if code in (401, 407):
            return 403
        if code == 422:
            return 491  # the session timer there is ours: when he comes again, it is as long as it has to be
        return 480 if 300 <= code < 400 else code  # where it would send us is not where the asker may be sent

    def on_timeout(self, transaction: ClientTransaction) -> None:
        """No answer will come, or the request could not be sent (ClientUser)."""
        received, asker = self.received, self.asker
        if transaction is not self._sent or received is None:
            return
        if asker.router.wheel.now - self._began < GIVE_UP / 2:  # it never left; the dialog is none the worse (§8.1.3.1)
            too_large = len(transaction.message) > LARGEST_DATAGRAM and not self.other.listener.reliable
            code = 513 if too_large else 503
            asker.answer(received, code, reason_phrase(code))
            self.over()
            return
        asker.answer(received, 408, "Request Timeout")
        self.over()
        self._lost(None)

    # The asker's ACK and CANCEL

    def acknowledge(self, request: Request | None) -> None:
        """Passes the asker's ACK on, with the body that is in it; None: it was lost, and nothing was in it."""
        headers, body = "", b""
        if request is not None and request.body:
            headers, body = content_of(request), request.body
            if self.late:
                self.other.last_heard = body
                body = self.other.own(self.asker.source, headers, body)
        self._acknowledge(headers, body)
        self.over()

    def cancelled(self, cancel: Request) -> None:
        """The asker has changed his mind: the other side hears of it as soon as it may (RFC 3261 §9.1).

        The INVITE gets the answer that it then gets from there. Were it 487 at once, and a 2xx crossed the CANCEL, the
        two sides would have different sessions.
        """
        if self.received is not None and self._cancel is None:
            self._cancel = reasons_of(cancel)
            self._send_cancel()

    def _send_cancel(self) -> None:
        sent, other = self._sent, self.other
        if self._cancelled or sent is None or sent.state != PROCEEDING:
            return
        self._cancelled = True
        other.router.observer.request("out", "CANCEL", other.trunk.name)
        message = cancel_for(sent.message, self._cancel or "")
        other.router.transactions.send("CANCEL", sent.key, message, sent.transport, sent.address, self)
        other.router.wheel.start(GIVE_UP, self, _NOT_CANCELLED)

    def _acknowledge(self, headers: str = "", body: bytes = b"") -> None:
        """ACKs the 2xx; the transaction keeps the ACK for as long as the 2xx may be repeated."""
        self.accepted = False
        ack = self.other.send_ack(self.number, new_branch(), headers, body)
        if self._sent is not None:
            self._sent.message = ack

    def _acknowledge_again(self) -> None:
        sent, other = self._sent, self.other
        if sent is not None:
            other.router.transactions.retransmitted += 1
            other.listener.send(sent.message, other.next_hop())

    # The end

    def expire(self, timer: str, now: float) -> None:
        """Nothing was said for a while (TimerOwner)."""
        sent = self._sent
        if sent is None:
            return
        if timer == _NOT_CANCELLED:
            sent.fire("given up")
        elif self.received is not None:
            self._quiet += 1
            if self._quiet < _MOST_QUIET:
                self.asker.router.wheel.start(GIVE_UP, self, _OPEN)
            else:
                self._cancel = self._cancel or ""
                self._send_cancel()

    def ends(self, leg: Leg, request: Request) -> bool:
        """A side of the call has hung up; True where that was for this alone to know."""
        return False

    def wind_up(self) -> None:
        """The call is over: the asker gets 487 (RFC 3261 §15.1.2), and a 2xx that came or comes its ACK."""
        if self.accepted:
            self._acknowledge()
        if self.received is not None:
            self.asker.answer(self.received, 487, "Request Terminated")
            if self._invites:
                self.asker.router.wheel.start(GIVE_UP, self, _NOT_CANCELLED)
        self.over()

    def _let_go(self) -> None:
        """The asker has his final answer: its transaction lingers, and must not keep the call."""
        if self.received is not None:
            self.received.user = None
        self.received = self.request = None

    def over(self) -> None:
        """It has its final answer, and its ACK if it was an INVITE."""
        self._let_go()
        self.asker.exchange_over(self)


def _ours(leg: Leg, method: str) -> str:
    """What the router says of itself in a request or an answer to one."""
    if method not in _WITH_CONTACT:
        return ""
    contact = f"Contact: {leg.contact}\r\n"
    return contact + WITHOUT_PRACK if method in _REFRESHING else contact
