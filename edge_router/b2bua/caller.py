"""The leg to the caller: his INVITE is answered here.

Lives here: provisional and final answers, and whose SDP the caller has seen. Must not know: where the call goes, or
why.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_router.b2bua.acceptance import Acceptance
from edge_router.b2bua.capabilities import ALLOW_LINE, SUPPORTED
from edge_router.b2bua.leg import CALLER, INBOUND, TIMEOUT, Leg, content_type_of
from edge_router.b2bua.shown_sdp import ShownSdp
from edge_router.sip.headers import parse_cseq
from edge_router.sip.message import Request, Response
from edge_router.sip.tokens import new_token

if TYPE_CHECKING:
    from edge_router.b2bua.call import Call
    from edge_router.b2bua.live_trunk import LiveTrunk
    from edge_router.b2bua.router import Router
    from edge_router.net.address import Address
    from edge_router.net.listener import Listener
    from edge_router.sip.dialog import Dialog
    from edge_router.sip.transaction import ClientTransaction, ServerTransaction


class CallerLeg(Leg):
    """The caller's side of a call.

    ``invite`` is the transaction of his INVITE and ``request`` the INVITE itself; both are None once it is answered.
    ``answered`` turns True with our 2xx.
    """

    __slots__ = (
        "_tried",
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
        request: Request | None,
        invite: ServerTransaction | None,
    ) -> None:
        super().__init__(router, call, trunk, listener, address, dialog)
        self.invite: ServerTransaction | None = invite
        self.request: Request | None = request
        self.record_routes = ""
        if request is not None and "record-route" in request.first:
            self.record_routes = "".join([f"Record-Route: {value}\r\n" for value in request.all("record-route")])
        self.answered = False
        self._tried = False
        self.inbound = INBOUND
        if invite is not None:
            router.remember_dialog(self)

    @property
    def source(self) -> str:
        """A name of who makes the SDP that comes from here."""
        return CALLER

    # Answers to his INVITE

    def trying(self) -> None:
        """Sends 100 before the first wait, so that he stops repeating his INVITE while we hunt."""
        if not self._tried and self.request is not None:
            self._tried = True
            sent_at = self.request.first.get("timestamp")  # he measures the way by it (RFC 3261 §8.2.6.1)
            self._respond(100, "Trying", f"Timestamp: {sent_at}\r\n" if sent_at else "")

    def ring(self, code: int, reason: str, source: str, headers: str, body: bytes) -> None:
        """Passes on a provisional answer of the callee ``source`` (his tag of ours)."""
        self.last_heard = body or self.last_heard
        if body and self.shown is None:
            self.shown = ShownSdp(source, body, content_type_of(headers))
        elif body:
            body = self.own(source, headers, body)
        self._respond(code, reason, self._dialog_headers() + headers, body)

    def accept(self, source: str, headers: str, body: bytes, reason: str = "OK") -> None:
        """Sends the 200, and again until it is ACKed."""
        if body:
            self.last_heard = body
            body = self.own(source, headers, body)
        invite, request = self.invite, self.request
        if invite is None or request is None:
            return
        self.answered = True
        message = self._respond(200, reason, self._dialog_headers() + headers, body)
        number = parse_cseq(request.first["cseq"]).number
        self.acceptance = Acceptance(self, invite, number, message, not request.body)
        self._let_go_of_invite()

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
        if self.shown is not None and not self.answered:
            self.router.forget_dialog(self)
            tag = new_token()
            dialog = self.dialog
            dialog.local = f"{dialog.local.rpartition(';tag=')[0]};tag={tag}"
            dialog.local_tag = tag
            self.router.remember_dialog(self)

    def show_own(self, body: bytes) -> None:
        """Remembers that he has been given an SDP of our own making."""
        self.shown = ShownSdp("", body)

    def expire(self, timer: str, now: float) -> None:
        """A wait is over, or may be (TimerOwner)."""
        self._look()

    # What he says to requests of ours

    def on_response(self, transaction: ClientTransaction, response: Response) -> None:
        """The answer to what he was asked (ClientUser); that to a BYE needs nothing."""
        self.on_asked(transaction, response)

    def on_timeout(self, transaction: ClientTransaction) -> None:
        """No answer came."""
        if self.call is not None and transaction is self._asked:
            self.call.wake(TIMEOUT, self, None)
