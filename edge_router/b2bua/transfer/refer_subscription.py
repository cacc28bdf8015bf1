"""What a transferor is told of the transfer that he asked for: the subscription that his REFER made (RFC 3515 §2.4.4).

One NOTIFY is under way at a time, so that none overtakes another; what came meanwhile is told by the next, the latest
alone. It shares the dialog with the call but is a usage of its own (RFC 5057): who hangs up is told all the same, until
he says that he doesn't want to hear it. Our own BYE waits for the last answer.

It lasts as long as the transfer, and each NOTIFY says for how long it is sure to; once he has said by SUBSCRIBE how
long he wants it to last, it lasts so long and no longer (RFC 6665 §4.2.1).
"""

from __future__ import annotations

from math import ceil, inf
from typing import TYPE_CHECKING, Final

from edge_router.sip.headers import parse_cseq
from edge_router.sip.reasons import reason_phrase
from edge_router.sip.timers import GIVE_UP, TICK

if TYPE_CHECKING:
    from edge_router.b2bua.call.leg import Leg
    from edge_router.sip.message import Request, Response
    from edge_router.sip.transaction import ClientTransaction

LONGEST: Final = 300
"""Seconds that a subscription lasts at most without another SUBSCRIBE; whoever is called rings no longer."""
_ENDS: Final = "ends"
_SIPFRAG: Final = "Content-Type: message/sipfrag;version=2.0\r\n"


class ReferSubscription:
    """``leg`` is the transferor's. One that is ``silent`` (Refer-Sub: false, RFC 4488) tells him nothing."""

    __slots__ = (
        "_again",
        "_busy",
        "_ending",
        "_event",
        "_farewell",
        "_leg",
        "_news",
        "_next_look",
        "_number",
        "_over",
        "_owed",
        "_told",
        "_until",
    )

    def __init__(self, leg: Leg, refer: Request, again: bool, silent: bool) -> None:
        """``again``: it isn't the first of its dialog, and so must be told from that (RFC 3515 §2.4.6)."""
        self._number = str(parse_cseq(refer.first["cseq"]).number)
        self._leg = leg
        self._again = again
        self._event = f"Event: refer;id={self._number}\r\n" if again else "Event: refer\r\n"
        self._news = self._told = 0
        self._busy = False
        self._over = silent
        self._farewell: str | None = None
        self._owed = False  # he is to be told how it stands, though he knows
        self._ending = False  # the next NOTIFY is the last
        self._until = self._next_look = inf  # when it ends unless he says more; else with the transfer

    @property
    def trunk_name(self) -> str:
        """The name of the transferor's trunk."""
        return self._leg.trunk.name

    def tell(self, code: int) -> None:
        """Tells how the call to the new party stands; a final status is the last word."""
        if code != self._told and self._news < 200:
            self._news = code
            self._go_on()

    def is_meant(self, number: str | None) -> bool:
        """Whether it is there yet, and is the one with this id; the first of a dialog needs none (RFC 3515 §2.4.6)."""
        if self._over or self._ending:
            return False
        return not self._again if number is None else number == self._number

    def lasts(self, seconds: int) -> int:
        """He wants it to last so long from now on, 0 for no longer; returns how long it does. A NOTIFY says so."""
        seconds = min(seconds, LONGEST)
        if seconds:
            self._until = self._leg.router.wheel.now + seconds
            if self._until < self._next_look:
                self._look_in(seconds)
        return seconds

    def _look_in(self, seconds: float) -> None:
        # A timer can't be cancelled and keeps the leg, so none runs longer than a transaction may.
        seconds = min(seconds, GIVE_UP)
        self._next_look = self._leg.router.wheel.now + seconds
        self._leg.router.wheel.start(seconds, self, _ENDS)

    def tell_again(self, last: bool) -> None:
        """Tells how it stands, though he may know; ``last``: and never again."""
        self._owed = True
        self._ending = self._ending or last
        self._go_on()

    def expire(self, timer: str, now: float) -> None:
        """The time that he has asked for is over, or may be (TimerOwner)."""
        if self._over or self._ending:
            return
        rest = self._until - self._leg.router.wheel.now
        if rest > TICK:
            self._look_in(rest)
        else:
            self.tell_again(last=True)

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
        if code == self._told and not self._owed:
            return
        self._told = code
        self._busy = True
        self._owed = False
        self._over = code >= 200 or self._ending
        leg = self._leg
        if code >= 200:
            state = "terminated;reason=noresource"
        elif self._ending:
            state = "terminated;reason=timeout"
        else:
            rest = min(self._until - leg.router.wheel.now, LONGEST)
            state = f"active;expires={max(ceil(rest - TICK), 1)}"
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
