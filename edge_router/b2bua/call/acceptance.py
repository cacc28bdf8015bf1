"""A 2xx of ours to an INVITE, which goes out again until its ACK comes (RFC 3261 §13.3.1.4).

Lives here: how often and for how long it is repeated. Its leg says whether an ACK is the one that is waited for, and
what becomes of the session if none comes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge_router.sip.timers import GIVE_UP, T1, T2

if TYPE_CHECKING:
    from edge_router.b2bua.call.leg import Leg
    from edge_router.sip.transaction import ServerTransaction

_REPEAT: Final = "repeat 2xx"


class Acceptance:
    """``number`` is the CSeq number that its ACK will have.

    ``late`` says that the INVITE had no offer: then the 2xx has one, and the ACK the answer. ``farewell`` is the BYE
    that waits for its end, as header lines and body. On a reliable transport it is repeated, too: what is behind the
    next hop may not be reliable, and the repetition goes from end to end.
    """

    __slots__ = ("_interval", "_invite", "_leg", "_message", "_repeated_for", "farewell", "late", "number")

    def __init__(self, leg: Leg, invite: ServerTransaction, number: int, message: bytes, late: bool) -> None:
        self.number = number
        self.late = late
        self.farewell: tuple[str, bytes] | None = None
        self._leg: Leg | None = leg
        self._invite = invite
        self._message = message
        self._interval = T1
        self._repeated_for = 0.0
        leg.router.wheel.start(T1, self, _REPEAT)

    def rest(self) -> None:
        """It is repeated no more. The timer still keeps it for a while, but not the 2xx, nor the leg."""
        self._leg = None
        self._message = b""

    def expire(self, timer: str, now: float) -> None:
        """Time to repeat it, or to give up on its ACK after 64*T1 (TimerOwner)."""
        leg = self._leg
        if leg is None:
            return
        self._repeated_for += self._interval
        if self._repeated_for >= GIVE_UP:
            leg.never_acknowledged()
            return
        leg.router.transactions.retransmitted += 1
        self._invite.transport.send(self._message, self._invite.address)
        self._interval = min(2 * self._interval, T2, GIVE_UP - self._repeated_for)
        leg.router.wheel.start(self._interval, self, _REPEAT)
