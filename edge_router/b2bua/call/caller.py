"""The leg to the caller: his INVITE is answered here.

Lives here: provisional and final answers, and whose SDP the caller has seen. Must not know: where the call goes, or
why.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_router.b2bua.call.acceptance import Acceptance
from edge_router.b2bua.call.assurance import Assurance, Ringing
from edge_router.b2bua.call.heard import negotiates
from edge_router.b2bua.call.leg import Leg
from edge_router.b2bua.call.session_terms import answer_lines
from edge_router.b2bua.call.waiting import TIMEOUT
from edge_router.b2bua.messages.capabilities import RELIABLE, abilities, names_option, speaks_reliably
from edge_router.b2bua.messages.shown_sdp import CALLER, ShownSdp, content_type_of
from edge_router.b2bua.trunks.live_trunk import INBOUND
from edge_router.sip.headers import parse_cseq
from edge_router.sip.message import Request, Response
from edge_router.sip.tokens import new_token

if TYPE_CHECKING:
    from edge_router.b2bua.call.call import Call
    from edge_router.b2bua.call.heard import Heard
    from edge_router.b2bua.call.switchboard import Switchboard
    from edge_router.b2bua.trunks.live_trunk import LiveTrunk
    from edge_router.net.address import Address
    from edge_router.net.listener import Listener
    from edge_router.sip.dialog import Dialog
    from edge_router.sip.transaction import ClientTransaction, ServerTransaction


class CallerLeg(Leg):
    """The caller's side of a call.

    ``invite`` is the transaction of his INVITE and ``request`` the INVITE itself; both are None once it is answered.
    ``answered`` turns True with our 2xx. ``assurance`` is there once a provisional response to him is to be reliable.
    """

    __slots__ = (
        "answered",
        "assurance",
        "invite",
        "record_routes",
        "request",
    )

    def __init__(
        self,
        router: Switchboard,
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
        self.assurance: Assurance | None = None
        if request is not None and ("require" in request.first or trunk.trunk.rel1xx == "require"):
            self._assure(request)
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
        if self.invite is not None and not self.invite.message and self.request is not None:
            sent_at = self.request.first.get("timestamp")  # he measures the way by it (RFC 3261 §8.2.6.1)
            self._respond(100, "Trying", f"Timestamp: {sent_at}\r\n" if sent_at else "")

    def ring(self, code: int, reason: str, source: str, headers: str, body: bytes, heard: Heard | None = None) -> None:
        """Passes on a provisional answer of the callee ``source`` (his tag of ours), reliably if ``heard`` so."""
        if heard is not None and self.assurance is None and self.request is not None:
            self.assurance = self._assurance(self.request, False)
        assurance = self.assurance
        if assurance is None:
            self.say(code, reason, source, headers, body)
            return
        sdp = negotiates(content_type_of(headers), body)
        if sdp and assurance.late and heard is None:
            # What he would take for an offer, and answer in his PRACK: but it only shows what the 200 will offer.
            headers, body, sdp = _without_body(headers), b"", False
        assurance.ring(self, Ringing(code, reason, source, headers, body, sdp, heard))

    def say(self, code: int, reason: str, source: str, headers: str, body: bytes) -> bytes:
        """Sends a provisional answer; returns it."""
        self.last_heard = body or self.last_heard
        if body and self.shown is None:
            self.shown = ShownSdp(source, body, content_type_of(headers))
        elif body:
            body = self.own(source, headers, body)
        return self._respond(code, reason, self._dialog_headers() + headers, body)

    def accept(self, source: str, headers: str, body: bytes, reason: str = "OK") -> None:
        """Sends the 200, and again until it is ACKed; ``answered`` says whether it has gone or waits for a PRACK."""
        assurance = self.assurance
        if assurance is not None and assurance.holds_back():
            assurance.ring(self, Ringing(200, reason, source, headers, body, False, None))
        else:
            self.accept_now(source, headers, body, reason)

    def accept_now(self, source: str, headers: str, body: bytes, reason: str) -> None:
        """Sends the 200, which nothing holds back."""
        invite, request = self.invite, self.request
        if invite is None or request is None:
            return
        self.answered = True
        ours = self._dialog_headers() + answer_lines(self, request)
        if body:
            self.last_heard = body
            body = self.own(source, headers, body)
        message = self._respond(200, reason, ours + headers, body)
        number = parse_cseq(request.first["cseq"]).number
        assurance = self.assurance
        late = not request.body and (assurance is None or not assurance.offered)
        self.acceptance = Acceptance(self, invite, number, message, late)
        if assurance is not None and not assurance.rest():
            self.assurance = None
        self._let_go_of_invite()

    def refuse(self, code: int, reason: str, headers: str = "", body: bytes = b"") -> None:
        """Sends a final answer other than 2xx."""
        self.router.forget_dialog(self)
        self.assurance = None
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
        return f"{self.record_routes}Contact: {self.contact}\r\n{abilities(self.trunk.trunk)}"

    # Reliable provisional responses (RFC 3262)

    @property
    def takes_prack(self) -> bool:
        """Whether a provisional response to him may be reliable."""
        request = self.request
        return request is not None and self.trunk.trunk.rel1xx != "disabled" and speaks_reliably(request)

    def _assure(self, request: Request) -> None:
        """Whoever requires them, or whose trunk does, gets reliable provisional responses alone (§3)."""
        if self.takes_prack and (self.trunk.trunk.rel1xx == "require" or names_option(request, "require", RELIABLE)):
            self.assurance = self._assurance(request, True)

    def _assurance(self, request: Request, always: bool) -> Assurance:
        late = not negotiates(request.first.get("content-type", ""), request.body)
        return Assurance(always, late, request.first["cseq"])

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
            self.assurance = None if self.assurance is None else self.assurance.afresh()

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


def _without_body(headers: str) -> str:
    """Header lines but for those that speak of the body."""
    return "".join([line for line in headers.splitlines(True) if not line.startswith(("Content-", "MIME-"))])
