"""What a transferor is told of the transfer that he asked for: the subscription that his REFER made (RFC 3515 §2.4.4).

One NOTIFY is under way at a time, so that none overtakes another; what came meanwhile is told by the next, the latest
alone. It shares the dialog with the call but is a usage of its own (RFC 5057): who hangs up is told all the same, until
he says that he doesn't want to hear it. Our own BYE waits for the last answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge_router.sip.headers import parse_cseq
from edge_router.sip.reasons import reason_phrase

if TYPE_CHECKING:
    from edge_router.b2bua.leg import Leg
    from edge_router.sip.message import Request, Response
    from edge_router.sip.transaction import ClientTransaction

_LASTS: Final = 300  # seconds; whoever is called rings no longer
_SIPFRAG: Final = "Content-Type: message/sipfrag;version=2.0\r\n"


class ReferSubscription:
    """``leg`` is the transferor's. One that is ``silent`` (Refer-Sub: false, RFC 4488) tells him nothing."""

    __slots__ = ("_busy", "_event", "_farewell", "_leg", "_news", "_over", "_told")

    def __init__(self, leg: Leg, refer: Request, again: bool, silent: bool) -> None:
        """``again``: it isn't the first of its dialog, and so must be told from that (RFC 3515 §2.4.6)."""
        number = parse_cseq(refer.first["cseq"]).number
        self._leg = leg
        self._event = f"Event: refer;id={number}\r\n" if again else "Event: refer\r\n"
        self._news = self._told = 0
        self._busy = False
        self._over = silent
        self._farewell: str | None = None

    @property
    def trunk_name(self) -> str:
        """The name of the transferor's trunk."""
        return self._leg.trunk.name

    def tell(self, code: int) -> None:
        """Tells how the call to the new party stands; a final status is the last word."""
        if code != self._told and self._news < 200:
            self._news = code
            self._go_on()

    def hang_up(self, headers: str) -> None:
        """Ends the transferor's leg once he knows the last word; ``headers`` are the lines of the BYE."""
        self._farewell = headers
        self._go_on()

    def _go_on(self) -> None:
        if self._busy:
            return
        if self._over:
            if self._farewell is not None:
                farewell, self._farewell = self._farewell, None
                self._leg.bye(farewell)
            return
        code = self._news
        if code == self._told:
            return
        self._told = code
        self._busy = True
        self._over = code >= 200
        state = "terminated;reason=noresource" if self._over else f"active;expires={_LASTS}"
        leg = self._leg
        headers = f"Contact: {leg.contact}\r\n{self._event}Subscription-State: {state}\r\n{_SIPFRAG}"
        body = f"SIP/2.0 {code} {reason_phrase(code)}\r\n".encode()
        leg.send("NOTIFY", headers, body, self)

    def on_response(self, transaction: ClientTransaction, response: Response) -> None:
        """The answer to a NOTIFY (ClientUser); who refuses it wants to hear no more (RFC 6665 §4.2.2)."""
        if transaction.challenged and self._leg.sent_again(transaction, response, self) is not None:
            return
        if response.code >= 200:
            self._answered(response.code < 300)

    def on_timeout(self, transaction: ClientTransaction) -> None:
        """No answer came, or it could not be sent."""
        self._answered(False)

    def _answered(self, heard: bool) -> None:
        self._busy = False
        self._over = self._over or not heard
        self._go_on()
