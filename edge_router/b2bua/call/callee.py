"""The leg to a callee: one attempt at one target of a trunk.

Lives here: our INVITE to it, its CANCEL, the ACK of its answer, and what becomes of an attempt that was given up: it
is cancelled at its first provisional answer, and an answer that comes all the same gets ACK and BYE (RFC 3261 §9.1,
§13.2.2.4). Must not know: what is tried next.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from edge_router.b2bua.call.heard import Heard, Order, number_of, rack_of
from edge_router.b2bua.call.leg import Leg
from edge_router.b2bua.call.waiting import RESPONSE, TIMEOUT
from edge_router.b2bua.trunks.credentials import shown_to
from edge_router.b2bua.trunks.large import send_large
from edge_router.b2bua.trunks.leaving import LARGEST_BY_UDP
from edge_router.net.listener import LARGEST_DATAGRAM
from edge_router.sip.errors import BadMessage
from edge_router.sip.headers import tag_of
from edge_router.sip.message import Response
from edge_router.sip.requests import cancel_for
from edge_router.sip.timers import GIVE_UP
from edge_router.sip.tokens import new_branch
from edge_router.sip.transaction import ACCEPTED, CALLING, PROCEEDING

if TYPE_CHECKING:
    from edge_router.b2bua.call.call import Call
    from edge_router.b2bua.call.switchboard import Switchboard
    from edge_router.b2bua.messages.diversion import Past
    from edge_router.b2bua.trunks.live_trunk import LiveTrunk
    from edge_router.dialplan.trunk import Target
    from edge_router.net.listener import Listener
    from edge_router.sip.dialog import Dialog
    from edge_router.sip.message import Request
    from edge_router.sip.transaction import ClientTransaction, ServerTransaction

_MOST_FORKS: Final = 8
MOST_PROVISIONAL: Final = 100
"""Provisional responses of one attempt that are heard. One a minute is usual (RFC 3261 §13.3.1.1)."""
EARLY_DIALOG_ENDED: Final = 199
"""RFC 6228: it ends one early dialog of several, and says nothing of the call."""
_NOT_CANCELLED: Final = "not cancelled"


def invite_of(uri: str, via: str, headers: str, body: bytes) -> bytes:
    """An INVITE as it leaves; ``headers`` are all its lines from Max-Forwards to Content-Type."""
    head = f"INVITE {uri} SIP/2.0\r\nVia: {via}\r\n{headers}Content-Length: {len(body)}\r\n\r\n"
    return head.encode("utf-8", "surrogateescape") + body


def _ack_branch(invite: ClientTransaction) -> str:
    """The branch of the ACK of its 2xx, which is of no transaction (RFC 3261 §13.2.2.4), but always the same."""
    return f"{invite.key}a"


class CalleeLeg(Leg):
    """The callee's side of a call.

    ``provisional`` is the highest provisional code that it has sent, 0 for none; ``early`` the last one with a body,
    kept only for a caller who is answered already. ``too_large`` says that its INVITE fits no datagram,
    ``by_tcp`` that it went by TCP for its size alone, ``session_asked`` which session interval it asks
    for, and the least, if it does. ``reliable`` says that its INVITE speaks of reliable provisional responses;
    ``heard`` is the one that set-up hears of just now, if its PRACK is the caller's to send. ``past`` is what its
    INVITE knew of the call's past.
    """

    __slots__ = (
        "_cancelled",
        "_early",
        "_forks",
        "_heard",
        "_highest",
        "_number",
        "_order",
        "_rang",
        "_reason",
        "acknowledged",
        "answered",
        "by_tcp",
        "early",
        "given_up",
        "heard",
        "invite",
        "past",
        "provisional",
        "reliable",
        "session_asked",
        "target",
        "too_large",
    )

    def __init__(
        self, router: Switchboard, call: Call, trunk: LiveTrunk, listener: Listener, target: Target, dialog: Dialog
    ) -> None:
        super().__init__(router, call, trunk, listener, target.address, dialog)
        self.target = target
        self.invite: ClientTransaction | None = None
        self.provisional = 0
        self.early: Response | None = None
        self.answered = False
        self.acknowledged = False
        self.given_up = False
        self.too_large = False
        self.session_asked: tuple[int, int] | None = None
        self.past: Past = ()
        self.by_tcp = False
        self._reason = ""
        self._cancelled = False
        self._early: tuple[Dialog, ...] = ()
        self._rang: dict[str, Response] | None = None  # by To, the last at the end: what no early dialog is made of yet
        self._forks: tuple[str, ...] = ()
        self._heard = 0
        self._number = dialog.local_seq  # the INVITE's CSeq
        self._highest = 0  # CSeq number in any of its early dialogs, once one of them is the call
        self.reliable = False
        self.heard: Heard | None = None
        self._order: Order | None = None

    @property
    def source(self) -> str:
        """A name of who makes the SDP that comes from here: behind a forking proxy, the one that has answered."""
        return f"{self.dialog.local_tag} {self.dialog.remote_tag}"

    def source_of(self, response: Response) -> str:
        """Whose SDP a response bears, behind a forking proxy its branch of the fork; "" without a body."""
        return f"{self.dialog.local_tag} {tag_of(response.first.get('to', ''))}" if response.body else ""

    @property
    def is_early(self) -> bool:
        """Whether it has an early dialog that requests can be sent in (RFC 3261 §12.1.2): that of its last 18x."""
        self._learn_early()
        return bool(self._early)

    @property
    def is_asked_yet(self) -> bool:
        """Whether its INVITE may have an answer yet."""
        return self.invite is not None and self.invite.state in (CALLING, PROCEEDING)

    def call_out(self, uri: str, headers: str, body: bytes, branch: str, by_udp: bool = False) -> None:
        """Sends the INVITE, ``by_udp`` also if credentials make it large; ``headers``: Max-Forwards to Content-Type."""
        self.last_heard, router, address = body, self.router, self.address
        if self.trunk.credentials is not None:
            self.authorization = shown_to(self.trunk, address[0], "INVITE", uri)
            headers += self.authorization
        message = invite_of(uri, self.listener.via + branch, headers, body)
        self.too_large = len(message) > LARGEST_DATAGRAM and not self.listener.reliable
        router.observer.request("out", "INVITE", self.trunk.name)
        if self.authorization and not by_udp and len(message) > LARGEST_BY_UDP:
            self.invite = send_large(router, self.trunk, "INVITE", branch, message, self.listener, address, self)
        else:
            self.invite = router.transactions.send("INVITE", branch, message, self.listener, address, self)

    def give_up(self, reason: str = "") -> None:
        """Lets go of this attempt, wherever it stands: from here on it winds itself up.

        ``reason`` is the Reason line that its CANCEL or BYE bears, with its line end.
        """
        if self.given_up:
            return
        self.given_up = True
        self._reason = reason
        if self.call is not None and self.call.caller.assurance is not None:
            self.call.caller.assurance.drop()
        self.call = None
        if self._rang is not None and not self.answered:
            self._early, self._rang = (), None
            self.router.forget_dialog(self)
        if self.answered:
            self._turn_away()
        elif self.provisional:
            self._cancel()

    def acknowledge(self, headers: str = "", body: bytes = b"") -> None:
        """Sends the ACK of its 200, which goes out again when the 200 does.

        The transaction keeps an ACK that bears a body for as long as that may be; any other is made again.
        """
        self.acknowledged = True
        self.last_heard = body or self.last_heard
        invite, self.invite = self.invite, None
        if invite is None:
            return
        ack = self.send_ack(self._number, _ack_branch(invite), headers, body)
        if body and invite.state == ACCEPTED:
            invite.message = ack

    def on_response(self, transaction: ClientTransaction, response: Response) -> None:
        """A response to an INVITE of ours; those to BYE and CANCEL need nothing."""
        if transaction is self._asked:
            self.on_asked(transaction, response)
            return
        if transaction.method != "INVITE":
            if transaction.challenged:
                self.sent_again(transaction, response, dialog=self._early_with(tag_of(response.first["to"])))
            return
        code = response.code
        if 200 <= code < 300:
            self._on_answer(transaction, response)
        elif code >= 300:
            if self.call is not None and not (transaction.challenged and self._invites_again(transaction, response)):
                self.call.wake(RESPONSE, self, response)
        else:
            self._on_provisional(response)

    def _on_provisional(self, response: Response) -> None:
        code = response.code
        number = number_of(response) if self.reliable and not self.given_up else 0
        if number and not self._is_next(response, number):
            return
        self._heard += 1
        if self._heard > MOST_PROVISIONAL:  # each costs the caller a datagram, and ends nothing
            self.router.observer.rejected("too many provisional responses")
            return
        ended = code == EARLY_DIALOG_ENDED
        self.provisional = max(self.provisional, 100 if ended else code)
        if self.given_up:
            self._cancel()
        elif self.call is not None:
            if code > 100 and not self.answered:
                self._rings(response)
            if number:
                self.heard = self._take(response, number)
            if ended:
                self._ends(response)
            self.call.wake(RESPONSE, self, response)
            self.heard = None

    def _is_next(self, response: Response, number: int) -> bool:
        if self._order is None:
            self._order = Order(_MOST_FORKS)
        return self._order.is_next(tag_of(response.first["to"]), number)

    def _take(self, response: Response, number: int) -> Heard | None:
        """The PRACK of a reliable response is sent at once, but where the caller is to send it: then what he needs."""
        self._learn_early()
        early, call = self._early_with(tag_of(response.first["to"])), self.call
        if early is None or call is None:
            return None
        heard = Heard(self, early, rack_of(response, number))
        if response.code != EARLY_DIALOG_ENDED and call.caller.takes_prack:
            return heard
        heard.acknowledge()
        return None

    def _ends(self, response: Response) -> None:
        """One of several early dialogs is over (RFC 6228 §4): nobody asks there any more. The caller has another."""
        self._learn_early()
        tag = tag_of(response.first["to"])
        self._early = tuple([each for each in self._early if each.remote_tag != tag])
        if self.dialog.remote_tag == tag:
            self.dialog = self._early[-1] if self._early else self.dialog.fork()

    def _invites_again(self, transaction: ClientTransaction, response: Response) -> bool:
        """Sends the INVITE once more, with credentials; not where it rings already, in dialogs that are now over."""
        if self.provisional > 100:
            return False
        again = self.sent_again(transaction, response)
        if again is None:
            return False
        self.invite, self._number = again, self.dialog.local_seq
        return True

    def takes(self, request: Request) -> bool:
        """Whether a request with our tag is of this dialog, or of an early one, which is then the last."""
        if self.answered:
            return super().takes(request)
        self._learn_early()
        early = self._early_with(tag_of(request.first["from"]))
        if early is None or early.call_id != request.first["call-id"]:
            return False
        self.dialog = early
        return True

    def on_request(self, request: Request, transaction: ServerTransaction) -> None:
        """A request inside the dialog. An early one is not the callee's to end (RFC 3261 §15)."""
        if request.method == "BYE" and not self.answered:
            self.answer(transaction, 481, "Call/Transaction Does Not Exist")
        else:
            super().on_request(request, transaction)

    def on_timeout(self, transaction: ClientTransaction) -> None:
        """Nothing came at all, or the INVITE could not be sent."""
        if (transaction is self.invite or transaction is self._asked) and self.call is not None:
            self.call.wake(TIMEOUT, self, None)

    def expire(self, timer: str, now: float) -> None:
        """A wait may be over, or 64*T1 since the CANCEL (TimerOwner)."""
        if timer == _NOT_CANCELLED:
            if self.invite is not None:
                self.invite.fire("given up")
        elif not self.answered:
            self._look()

    def _rings(self, response: Response) -> None:
        """Notes who rings: most calls are answered before anybody asks for an early dialog."""
        to = response.first["to"]
        if self._rang is None:
            self._rang = {to: response}
            self.router.remember_dialog(self)
        elif self._rang.pop(to, None) is not None or len(self._rang) < _MOST_FORKS:
            self._rang[to] = response

    def _learn_early(self) -> None:
        """Makes early dialogs of what rang; behind a forking proxy there may be several, and the last is asked."""
        rang = self._rang
        if not rang:
            return
        self._rang = {}
        for to, response in rang.items():
            known = [each for each in self._early if each.remote == to]
            if known:
                self.dialog = known[0]
            elif tag_of(to) and len(self._early) < _MOST_FORKS:
                dialog = self.dialog.fork() if self._early else self.dialog
                with suppress(BadMessage):  # without a Contact there is nowhere to send requests to
                    dialog.learn(response)
                    self.dialog = dialog
                    self._early += (dialog,)

    def _early_with(self, tag: str) -> Dialog | None:
        """The early dialog with the one who has this tag."""
        for each in self._early:
            if each.remote_tag == tag:
                return each
        return None

    def _on_answer(self, transaction: ClientTransaction, response: Response) -> None:
        tag = tag_of(response.first.get("to", ""))
        if self.answered:
            if tag == self.dialog.remote_tag:  # repeated: so is the ACK, once there is one
                if self.acknowledged:
                    self.router.transactions.retransmitted += 1
                    self.listener.send(transaction.message or self._ack(transaction), self.next_hop())
            else:
                self._refuse_fork(response)
            return
        if self._early:
            self._highest = max([each.local_seq for each in self._early])
            self.dialog = self._early_with(tag) or self.dialog.fork()
            self._early = ()
        self._rang = None
        try:
            self.dialog.learn(response)
        except BadMessage:
            # An answer that names no place to send the ACK to: it can only go where the INVITE went.
            self.dialog.remote = response.first["to"]
        self.answered = True
        self.router.remember_dialog(self)
        if self.given_up:
            self._turn_away()
        elif self.call is not None:
            self.call.wake(RESPONSE, self, response)

    def _ack(self, invite: ClientTransaction) -> bytes:
        shown = self.shown_in_ack(self.next_hop()) if self.authorization else ""
        return self.dialog.request("ACK", self.listener.via + _ack_branch(invite), shown, seq=self._number)

    def _turn_away(self) -> None:
        """ACK and BYE for an answer that nobody waits for."""
        if not self.acknowledged:
            self.acknowledge()
        self.bye(self._reason)

    def _refuse_fork(self, response: Response) -> None:
        """A second answer from behind a forking proxy: the first has the call, this one gets ACK and BYE.

        Once, and not without end: whoever answers a hundred times would have us write to whom he names.
        """
        tag = tag_of(response.first["to"])
        if tag in self._forks or len(self._forks) >= _MOST_FORKS:
            return
        self._forks += (tag,)
        known = self.dialog
        self.dialog = known.fork()
        self.dialog.local_seq = max(self.dialog.local_seq, self._highest)
        try:
            self.dialog.learn(response)
            self.send_ack(self._number, new_branch())
            self.send("BYE")
        except BadMessage:
            pass
        finally:
            self.dialog = known

    def _cancel(self) -> None:
        invite = self.invite
        if self._cancelled or invite is None or invite.state not in (CALLING, PROCEEDING):
            return
        self._cancelled = True
        self.router.observer.request("out", "CANCEL", self.trunk.name)
        branch = invite.key
        self.router.transactions.send(
            "CANCEL", branch, cancel_for(invite.message, self._reason), invite.transport, invite.address, self
        )
        self.router.wheel.start(GIVE_UP, self, _NOT_CANCELLED)
