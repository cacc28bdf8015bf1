"""An INVITE with Replaces (RFC 3891): whoever sends it takes the place of a leg of ours in its call.

To the party who stays it is a re-INVITE, which comes from the new leg: so it is an Exchange, and what the two agree
upon crosses as any re-INVITE does. Once the new leg has ACKed it is seated, and the old one ends. Only from the trunk
of the leg that is to be replaced: whoever knows the names of a dialog is not therefore one who may end it (§7).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from edge_router.b2bua.call.caller import CallerLeg
from edge_router.b2bua.call.session_terms import too_brief
from edge_router.b2bua.in_call.exchange import Exchange
from edge_router.b2bua.messages.causes import NORMAL
from edge_router.b2bua.messages.screening import NO_DIALOG, PENDING, Refusal
from edge_router.b2bua.messages.shown_sdp import ShownSdp
from edge_router.b2bua.transfer.replaces import leg_of
from edge_router.b2bua.transfer.seat import SeatedCallee, stays_seated
from edge_router.sip.dialog import Dialog
from edge_router.sip.refer_to import Replaces, replaces_of
from edge_router.sip.session_id import session_id_of
from edge_router.sip.tokens import new_token

if TYPE_CHECKING:
    from edge_router.b2bua.call.call import Call
    from edge_router.b2bua.call.leg import Leg
    from edge_router.b2bua.call.switchboard import Switchboard
    from edge_router.b2bua.trunks.live_trunk import LiveTrunk
    from edge_router.net.address import Address
    from edge_router.net.listener import Listener
    from edge_router.sip.message import Request, Response
    from edge_router.sip.transaction import ServerTransaction
    from edge_router.sip.transaction_layer import Arrival

_NOT_YOURS: Final = Refusal(403, "The dialog is another trunk's")
_NOT_EARLY: Final = Refusal(486, "The call is answered already")


def take_replacement(router: Switchboard, arrival: Arrival, trunk: LiveTrunk) -> Refusal | None:
    """Begins to put the sender of an INVITE in somebody's place, or says why not. Raises BadMessage before that."""
    request = arrival.request
    replaces = replaces_of(request)
    if replaces is None:
        return None
    leg = leg_of(router, replaces)
    refusal = _refusal(leg, replaces, trunk) or too_brief(request, trunk.trunk)
    if refusal is not None or leg is None or leg.call is None:
        return refusal or NO_DIALOG
    dialog = Dialog.as_server(request, new_token())
    call, listener = leg.call, cast("Listener", arrival.transport)  # over TLS, toward whom it came from
    transaction = router.transactions.serve(arrival)
    router.transactions.remember(arrival, transaction)
    trunk.admit_inbound(router.wheel.now, whatever=True)  # one comes, and one goes
    new = JoiningLeg(router, call, trunk, listener, transaction.address, dialog, request, transaction)
    stays = call.other_than(leg)
    if stays is None:
        return NO_DIALOG
    if stays.shown is None and stays.last_heard:
        stays.shown = ShownSdp(leg.source, stays.last_heard)
    exchange = Replacement(new, stays, request, transaction, leg)
    call.exchange = exchange
    new.open += (exchange,)
    exchange.go_on()
    return None


def _refusal(leg: Leg | None, replaces: Replaces, trunk: LiveTrunk) -> Refusal | None:
    """Why nobody can take this place now (§3)."""
    call = leg.call if leg is not None else None
    if leg is None or call is None:
        return NO_DIALOG
    if leg.trunk.name != trunk.name:
        return _NOT_YOURS
    callee, stays = call.callee, call.other_than(leg)
    if call.setup is not None or callee is None or not callee.acknowledged or stays is None:
        return NO_DIALOG
    if replaces.early_only:
        return _NOT_EARLY
    if call.exchange is not None or call.transfer is not None or stays.acceptance is not None:
        return PENDING
    return None


class JoiningLeg(CallerLeg):
    """The leg of somebody who is to take a place in a call."""

    __slots__ = ("_first",)

    def __init__(
        self,
        router: Switchboard,
        call: Call,
        trunk: LiveTrunk,
        listener: Listener,
        address: Address,
        dialog: Dialog,
        request: Request,
        invite: ServerTransaction,
    ) -> None:
        super().__init__(router, call, trunk, listener, address, dialog, request, invite)
        self.invite = self.request = None  # they are the exchange's
        self.answered = True
        self.session_id = session_id_of(request)
        self._first: ServerTransaction | None = invite

    @property
    def source(self) -> str:
        """A name of who makes the SDP that comes from here."""
        return f"{self.dialog.local_tag} {self.dialog.remote_tag}"

    def answer(
        self, transaction: ServerTransaction, code: int, reason: str, headers: str = "", body: bytes = b""
    ) -> bytes:
        """Answers a request; the To of the first has no tag of ours yet."""
        if transaction is not self._first:
            return super().answer(transaction, code, reason, headers, body)
        if code >= 200:
            self._first = None
        self.router.observer.response("out", transaction.method, code, self.trunk.name)
        tag = self.dialog.local_tag if code > 100 else ""
        routes = self.record_routes if 100 < code < 300 else ""
        return transaction.respond(code, reason, tag, routes + headers, body)


class Replacement(Exchange):
    """The INVITE of ``asker``, who is to take the place of ``replaced``, on its way to who stays."""

    __slots__ = ("_seated", "_to_come", "replaced")

    def __init__(self, asker: Leg, other: Leg, request: Request, transaction: ServerTransaction, replaced: Leg) -> None:
        super().__init__(asker, other, request, transaction, True)
        self.replaced = replaced
        self._to_come = False  # he has his 2xx
        self._seated = False

    def accept(self, response: Response) -> None:
        """Who stays agrees: so the new one is told."""
        super().accept(response)
        self._to_come = True

    def acknowledge(self, request: Request | None) -> None:
        """The new one has heard it, and takes his place."""
        super().acknowledge(request)
        self._take_place()

    def ends(self, leg: Leg, request: Request) -> bool:
        """One side hangs up meanwhile: who is to go may, and who is not there yet only gives up his wish."""
        if leg is self.replaced and self._to_come:
            return True
        if leg is self.asker and not self._to_come:
            self.cancelled(request)
            return True
        if leg is self.asker:
            self._take_place()
        return False

    def over(self) -> None:
        """The INVITE has its final answer, and its ACK; who was not accepted leaves no trace."""
        super().over()
        new = self.asker
        if self._to_come or self._seated:
            return
        self._seated = True
        new.router.forget_dialog(new)
        new.call = None
        new.release()

    def wind_up(self) -> None:
        """The call is over: who has his 2xx already gets a BYE."""
        super().wind_up()
        if self._to_come and not self._seated:
            self._seated = True
            self.asker.call = None
            self.asker.bye(NORMAL)
            self.asker.release()

    def _take_place(self) -> None:
        if self._seated:
            return
        self._seated = True
        new, replaced, call = self.asker, self.replaced, self.asker.call
        if call is None:
            return
        for leg in (replaced, self.other):
            for exchange in leg.open:
                exchange.wind_up()
        call.remark(f"somebody else took the {call.side_of(replaced)}'s place")
        if replaced is call.caller and isinstance(new, CallerLeg):
            replaced.release()
            call.caller = new
        else:
            if replaced.inbound:
                replaced.release()
            call.count_on(None)
            call.callee = SeatedCallee(new, call)
            if new.router.leg_with(new.dialog.local_tag) is new:
                new.router.remember_dialog(call.callee)
            stays_seated(call.callee)
            new.call = None
        replaced.call = None
        replaced.bye(NORMAL)
