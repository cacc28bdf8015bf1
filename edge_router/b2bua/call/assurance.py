"""Our reliable provisional responses to a caller (RFC 3262 §3): one goes out again until its PRACK comes.

Lives here: what numbers they have, how often one is repeated, and what waits behind it. They come to the caller in
their order, so while one has no PRACK nothing overtakes it, reliable or not; a 200 does, unless what waits bears SDP.
Must not know: where a PRACK goes, which is prack.py's.
"""

from __future__ import annotations

import time
from random import randint
from typing import TYPE_CHECKING, Final

from edge_router.b2bua.messages.capabilities import RELIABLE
from edge_router.sip.headers import parse_cseq
from edge_router.sip.timers import GIVE_UP, T1

if TYPE_CHECKING:
    from edge_router.b2bua.call.caller import CallerLeg
    from edge_router.b2bua.call.heard import Heard
    from edge_router.net.address import Address
    from edge_router.sip.headers import CSeq
    from edge_router.sip.transaction import Transport

_REPEAT: Final = "repeat 18x"
_FIRST: Final = 2**31 - 1  # the highest number to begin with (§3)


class Ringing:
    """What is said to a caller: a provisional response of a callee, or a 200.

    ``source`` is who made its SDP, and ``heard`` the callee's own reliable response, where there is one: its PRACK is
    then the caller's to send. ``sdp`` says that it negotiates something.
    """

    __slots__ = ("body", "code", "headers", "heard", "reason", "sdp", "source")

    def __init__(
        self, code: int, reason: str, source: str, headers: str, body: bytes, sdp: bool, heard: Heard | None
    ) -> None:
        self.code = code
        self.reason = reason
        self.source = source
        self.headers = headers
        self.body = body
        self.sdp = sdp
        self.heard = heard


class Assurance:
    """The provisional responses to one INVITE under one To tag.

    ``always`` says that each is reliable, since the caller or his trunk requires it, else those that the callee's side
    sent reliably. ``late`` says that the INVITE had no offer, ``offered`` that one of these responses had one instead.
    ``agreed`` is the source of the SDP that caller and callee have agreed on for certain, so that either may begin anew
    (RFC 3311 §5.1); "" while there is none. ``unproven`` is the response that has no PRACK yet.
    """

    __slots__ = ("_cseq", "_number", "_repetition", "_waiting", "agreed", "always", "late", "offered", "unproven")

    def __init__(self, always: bool, late: bool, cseq: str) -> None:
        self.always = always
        self.late = late
        self.offered = False
        self.agreed = ""
        self.unproven: Ringing | None = None
        self._cseq = parse_cseq(cseq)
        self._number = randint(1, _FIRST) - 1
        self._repetition: _Repetition | None = None
        self._waiting: list[Ringing] = []

    def afresh(self) -> Assurance:
        """That of the next To tag: with numbers of its own, and nothing that waits."""
        fresh = Assurance(self.always, self.late, f"{self._cseq.number} {self._cseq.method}")
        fresh.offered = self.offered
        return fresh

    def drop(self) -> None:
        """What waits was of an attempt that is given up."""
        self._waiting = []

    def ring(self, leg: CallerLeg, ringing: Ringing) -> None:
        """Says it, or after what is to be said before."""
        if self.unproven is not None:
            self._waiting.append(ringing)
        else:
            self._say(leg, ringing)

    def holds_back(self) -> bool:
        """Whether a 200 has to wait: SDP before it isn't acknowledged yet (§3)."""
        unproven = self.unproven
        return unproven is not None and (unproven.sdp or any(each.sdp for each in self._waiting))

    def acknowledged(self, number: int, cseq: CSeq) -> Ringing | None:
        """Takes a PRACK for what it is for; None where it is for nothing that waits for one."""
        unproven = self.unproven
        if unproven is None or number != self._number or cseq != self._cseq:
            return None
        self.unproven = self._repetition = None
        return unproven

    def go_on(self, leg: CallerLeg) -> None:
        """Says what waited, as far as it may be said now."""
        while self._waiting and self.unproven is None and leg.assurance is self:
            self._say(leg, self._waiting.pop(0))

    def rest(self) -> bool:
        """The INVITE has its 2xx: nothing is said any more, but a PRACK may come yet. Whether one is missing."""
        self._waiting = []
        self._repetition = None
        return self.unproven is not None

    def is_current(self, repetition: _Repetition) -> bool:
        """Whether this one is still to be repeated."""
        return self._repetition is repetition

    def _say(self, leg: CallerLeg, ringing: Ringing) -> None:
        if ringing.code >= 200:
            leg.accept_now(ringing.source, ringing.headers, ringing.body, ringing.reason)
            if leg.call is not None:
                leg.call.answered_at(time.time())
        elif self.always or ringing.heard is not None:
            self._number += 1
            self.unproven = ringing
            self.offered = self.offered or (self.late and ringing.sdp)
            ours = f"Require: {RELIABLE}\r\nRSeq: {self._number}\r\n"
            message = leg.say(ringing.code, ringing.reason, ringing.source, ours + ringing.headers, ringing.body)
            invite = leg.invite
            if invite is not None:
                self._repetition = _Repetition(leg, message, invite.transport, invite.address)
        else:
            leg.say(ringing.code, ringing.reason, ringing.source, ringing.headers, ringing.body)


class _Repetition:
    """One reliable response as it goes out again: at twice the interval each time, for 64*T1, on any transport (§3)."""

    __slots__ = ("_address", "_interval", "_leg", "_message", "_repeated_for", "_transport")

    def __init__(self, leg: CallerLeg, message: bytes, transport: Transport, address: Address) -> None:
        self._leg = leg
        self._message = message
        self._transport = transport
        self._address = address
        self._interval = T1
        self._repeated_for = 0.0
        leg.router.wheel.start(T1, self, _REPEAT)

    def expire(self, timer: str, now: float) -> None:
        """Time to repeat it, or to give up on its PRACK (TimerOwner)."""
        leg = self._leg
        if leg.assurance is None or not leg.assurance.is_current(self):
            return
        self._repeated_for += self._interval
        if self._repeated_for >= GIVE_UP:
            if leg.call is not None:
                leg.call.never_assured()
            return
        leg.router.transactions.retransmitted += 1
        self._transport.send(self._message, self._address)
        self._interval = min(2 * self._interval, GIVE_UP - self._repeated_for)
        leg.router.wheel.start(self._interval, self, _REPEAT)
