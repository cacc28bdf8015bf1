"""The leg to the caller: his INVITE is answered here.

Lives here: provisional and final answers, the 2xx that is repeated until it is ACKed (RFC 3261 §13.3.1.4), and whose
SDP the caller has seen. Must not know: where the call goes, or why.
"""

from __future__ import annotations

from random import randint
from typing import TYPE_CHECKING, Final

from edge_router.b2bua.capabilities import ALLOW_LINE, SUPPORTED
from edge_router.b2bua.leg import TIMEOUT, WAITED, Leg
from edge_router.b2bua.shown_sdp import ShownSdp
from edge_router.sip.message import Request, Response
from edge_router.sip.timers import GIVE_UP, T1, T2
from edge_router.sip.tokens import new_token

if TYPE_CHECKING:
    from edge_router.b2bua.call import Call
    from edge_router.b2bua.live_trunk import LiveTrunk
    from edge_router.b2bua.router import Router
    from edge_router.net.address import Address
    from edge_router.net.listener import Listener
    from edge_router.sip.dialog import Dialog
    from edge_router.sip.transaction import ClientTransaction, ServerTransaction

_REPEAT: Final = "repeat 2xx"


class CallerLeg(Leg):
    """The caller's side of a call.

    ``invite`` is the transaction of his INVITE and ``request`` the INVITE itself; both are None once it is answered.
    ``answered`` turns True with our 2xx, ``acknowledged`` with his ACK.
    """

    __slots__ = (
        "_farewell",
        "_interval",
        "_ok",
        "_repeated_for",
        "_shown",
        "_tried",
        "acknowledged",
        "answered",
        "invite",
        "record_routes",
        "request",
    )

    def __init__(
        self,
        router: Router,
        call: Call,
        trunk: LiveTrunk,
        listener: Listener,
        address: Address,
        dialog: Dialog,
        request: Request,
        invite: ServerTransaction,
    ) -> None:
        super().__init__(router, call, trunk, listener, address, dialog)
        self.invite: ServerTransaction | None = invite
        self.request: Request | None = request
        self.record_routes = ""
        if "record-route" in request.first:
            self.record_routes = "".join([f"Record-Route: {value}\r\n" for value in request.all("record-route")])
        self.answered = False
        self.acknowledged = False
        self._ok = b""
        self._interval = T1
        self._repeated_for = 0.0
        self._shown: ShownSdp | None = None
        self._farewell: tuple[str, bytes] | None = None
        self._tried = False
        router.remember_dialog(self)

    # Answers to his INVITE

    def trying(self) -> None:
        """Sends 100 before the first wait, so that he stops repeating his INVITE while we hunt."""
        if not self._tried and self.request is not None:
            self._tried = True
            sent_at = self.request.first.get("timestamp")  # he measures the way by it (RFC 3261 §8.2.6.1)
            self._respond(100, "Trying", f"Timestamp: {sent_at}\r\n" if sent_at else "")

    def ring(self, code: int, reason: str, source: str, headers: str, body: bytes) -> None:
        """Passes on a provisional answer of the callee ``source`` (his tag of ours)."""
        if body:
            body = self.own(source, headers, body)
        self._respond(code, reason, self._dialog_headers() + headers, body)

    def accept(self, source: str, headers: str, body: bytes, reason: str = "OK") -> None:
        """Sends the 200, and again until it is ACKed."""
        if body and self._shown is not None:
            body = self.own(source, headers, body)
        self.answered = True
        self._ok = self._respond(200, reason, self._dialog_headers() + headers, body)
        self._let_go_of_invite()
        # Also over TCP: his ACK may be missing all the same, and the way to him may go on by UDP (RFC 3261 §13.3.1.4).
        self.router.wheel.start(T1, self, _REPEAT)

    def refuse(self, code: int, reason: str, headers: str = "", body: bytes = b"") -> None:
        """Sends a final answer other than 2xx."""
        self.router.forget_dialog(self)
        if self.invite is not None:
            self._respond(code, reason, headers, body)
            self._let_go_of_invite()

    def _let_go_of_invite(self) -> None:
        """His INVITE has its final answer. Its transaction lingers for 64*T1, and must not keep the call that long."""
        if self.invite is not None:
            self.invite.user = None
        self.invite = None
        self.request = None

    def _respond(self, code: int, reason: str, headers: str, body: bytes = b"") -> bytes:
        if self.invite is None:
            return b""
        self.router.observer.response("out", "INVITE", code, self.trunk.name)
        return self.invite.respond(code, reason, self.dialog.local_tag if code > 100 else "", headers, body)

    def _dialog_headers(self) -> str:
        return f"{self.record_routes}Contact: {self.listener.contact}\r\n{ALLOW_LINE}Supported: {SUPPORTED}\r\n"

    # What the caller has seen of others' SDP

    def start_afresh(self) -> None:
        """For the next attempt: where he has seen SDP of the last, under a fresh To tag (RFC 3261 §13.2.1)."""
        if self._shown is not None and not self.answered:
            self.router.forget_dialog(self)
            tag = new_token()
            dialog = self.dialog
            dialog.local = f"{dialog.local.rpartition(';tag=')[0]};tag={tag}"
            dialog.local_tag = tag
            self.router.remember_dialog(self)

    def show_own(self, body: bytes) -> None:
        """Remembers that he has been given an SDP of our own making."""
        self._shown = ShownSdp("", body)

    def own(self, source: str, headers: str, body: bytes) -> bytes:
        """The SDP of ``source`` as he is to see it; ``headers`` are the lines that go with it."""
        content_type = content_type_of(headers)
        if self._shown is None:
            self._shown = ShownSdp(source, body, content_type)
            return body
        return self._shown.next(source, body, content_type)

    # His ACK

    def on_ack(self, request: Request) -> None:
        """The ACK of our 2xx; a repeated one has no effect."""
        if not self.answered or self.acknowledged:
            return
        self.acknowledged = True
        self._ok = b""
        if self._farewell is not None:
            self.bye(*self._farewell)
        elif self.call is not None:
            self.call.acknowledged(request)

    def expire(self, timer: str, now: float) -> None:
        """Time to repeat the 2xx, or to give up on its ACK after 64*T1; or a wait is over (TimerOwner)."""
        if timer == WAITED:
            self._look()
            return
        if self.acknowledged or not self._ok:
            return
        self._repeated_for += self._interval
        if self._repeated_for >= GIVE_UP:
            self.acknowledged = True
            if self._farewell is not None:
                self.bye(*self._farewell)
            elif self.call is not None:
                self.call.never_acknowledged()
            return
        self.router.transactions.retransmitted += 1
        self.listener.send(self._ok, self.address)
        self._interval = min(2 * self._interval, T2, GIVE_UP - self._repeated_for)
        self.router.wheel.start(self._interval, self, _REPEAT)

    def bye(self, headers: str = "", body: bytes = b"") -> None:
        """Ends the dialog; not before his ACK has come or can't come any more (RFC 3261 §15)."""
        if self.acknowledged:
            super().bye(headers, body)
        else:
            self._farewell = headers, body

    def reinvited(self, transaction: ServerTransaction) -> None:
        """Refuses a re-INVITE; one that came before the answer to his INVITE may come again (RFC 3261 §14.2)."""
        if self.answered:
            super().reinvited(transaction)
        else:
            self.answer(transaction, 500, "INVITE not answered yet", f"Retry-After: {randint(0, 10)}\r\n")

    def hung_up(self, request: Request) -> None:
        """Who hangs up has our 2xx: it is repeated no more, whatever became of his ACK."""
        self.acknowledged = True
        super().hung_up(request)

    # What he says to requests of ours

    def on_response(self, transaction: ClientTransaction, response: Response) -> None:
        """The answer to what he was asked (ClientUser); that to a BYE needs nothing."""
        self.on_asked(transaction, response)

    def on_timeout(self, transaction: ClientTransaction) -> None:
        """No answer came."""
        if self.call is not None and transaction is self._asked:
            self.call.wake(TIMEOUT, self, None)


def content_type_of(headers: str) -> str:
    """The Content-Type among header lines, "" if there is none."""
    _, found, rest = headers.partition("Content-Type: ")
    return rest.partition("\r\n")[0] if found else ""
