"""The session timer of one leg (RFC 4028): who refreshes the session, how often, and what it comes to if nobody does.

Each leg has its own, since each is a session of its own between the router and a peer; one that has agreed on none has
no object here. What is agreed upon stands in session_terms.py. Lives here: the time, our own refreshes, and the end.
"""

from __future__ import annotations

from random import randint
from typing import TYPE_CHECKING, Final

from edge_router.b2bua.messages.capabilities import WITHOUT_PRACK
from edge_router.sip.session_expires import LONGEST, SHORTEST, min_se, names, session_expires
from edge_router.sip.timers import GIVE_UP
from edge_router.sip.tokens import new_branch
from edge_router.sip.transaction import ACCEPTED

if TYPE_CHECKING:
    from edge_router.b2bua.call.call import Call
    from edge_router.b2bua.call.leg import Leg
    from edge_router.sip.message import Message, Response
    from edge_router.sip.transaction import ClientTransaction

_EXPIRED: Final = 'Reason: SIP;cause=408;text="Session timer expired"\r\nReason: Q.850;cause=102\r\n'
_GONE: Final = (408, 481)  # he has no such dialog any more (RFC 3261 §12.2.1.2)
_MOST_MARGIN: Final = 32.0  # seconds before its expiry at which a session is given up (RFC 4028 §10)
_MOST_LONGER: Final = 2  # times that a 422 may bring a longer interval at once; else each could want some more
_SOON: Final = 1.0  # seconds until we look again whether a refresh may go


class SessionTimer:
    """``interval`` is the agreed one, in seconds; ``ours`` says that we refresh the session, and not the peer.

    ``least`` is the shortest interval that the peer and those between are known to take.
    """

    __slots__ = (
        "_began",
        "_ends",
        "_leg",
        "_raised",
        "_refused",
        "_sent",
        "_seq",
        "_updates",
        "interval",
        "least",
        "ours",
        "second",
    )

    def __init__(self, leg: Leg, interval: int = LONGEST, least: int = SHORTEST) -> None:
        self.second = 0  # Deadline
        self.interval = interval
        self.least = least
        self.ours = True
        self._leg = leg
        self._updates = False
        self._ends = self._began = 0.0
        self._sent: ClientTransaction | None = None
        self._seq = 0
        self._refused = 0
        self._raised = 0

    @property
    def call(self) -> Call | None:
        """The call of the leg."""
        return self._leg.call

    @property
    def trunk_name(self) -> str:
        """The name of the leg's trunk."""
        return self._leg.trunk.name

    @property
    def needs_sdp(self) -> bool:
        """Whether our refreshes are re-INVITEs, for which the SDP that he saw last must be kept."""
        return self.ours and not self._updates

    @property
    def is_inviting(self) -> bool:
        """Whether a refresh of ours has him asked for an answer to an offer."""
        return self._sent is not None and self._sent.method == "INVITE"

    # What is agreed

    def agree(self, message: Message, interval: int, ours: bool) -> None:
        """The session goes on from now for ``interval``; ``message`` is the peer's that says so."""
        if "allow" in message.first:
            self._updates = names(message, "allow", "update")
        self.interval = interval
        self.ours = ours
        self._refused = self._raised = 0
        now = self._leg.router.wheel.now
        self._ends = now + interval
        self._leg.router.deadlines.put(self, now + interval / 2 if ours else self._last_moment)

    def heard(self, response: Response) -> None:
        """Takes over what a 2xx to a request of ours says (RFC 4028 §7.2).

        It may shorten the interval. One that lengthens it is held to what we asked for where we refresh; where he does,
        he has all the time that he says.
        """
        said = session_expires(response)
        if said is not None:
            interval, ours = max(said.interval, SHORTEST), said.refresher != "uas"
            self.agree(response, min(interval, self.interval) if ours else interval, ours)
        elif self.ours or self._leg.trunk.trunk.session_expires is not None:
            self.agree(response, self.interval, True)  # he doesn't speak of timers: we refresh alone
        else:
            self.stop()

    def request_lines(self) -> str:
        """What an INVITE or UPDATE of ours says of the timer (§7.4): who refreshes goes on to."""
        least = f"Min-SE: {self.least}\r\n" if self.least > SHORTEST else ""
        refresher = "uac" if self.ours else "uas"
        return f"Session-Expires: {max(self.interval, self.least)};refresher={refresher}\r\n{least}"

    def takes_longer(self, response: Response) -> bool:
        """Takes over the Min-SE of a 422; whether the next request may come to more than this one did."""
        least = min_se(response)
        longer = least > max(self.interval, self.least)
        self.least = max(least, self.least)
        return longer

    def goes_on_with(self, leg: Leg) -> None:
        """The session is another leg's from now on, which has the same dialog."""
        if self._leg.session is self:
            self._leg.session = None
        self._leg = leg
        leg.session = self

    def stop(self) -> None:
        """The session has no timer any more, or is over."""
        self._leg.router.deadlines.drop(self)
        if self._leg.session is self:
            self._leg.session = None

    # Its time

    @property
    def _last_moment(self) -> float:
        """When it is given up: some time before it expires, so that both sides end it alike (§10)."""
        return self._ends - min(_MOST_MARGIN, self.interval / 3)

    def due(self, now: float) -> None:
        """It is to be refreshed, or has not been."""
        call = self._leg.call
        if call is None:
            return
        if now < self._last_moment and self.ours:
            if self._sent is None:
                self._refresh(call)
            else:
                self._leg.router.deadlines.put(self, self._last_moment)
            return
        who = call.side_of(self._leg)
        if self._refused:
            words = f"the {who} refused to refresh the session ({self._refused})"
        else:
            words = f"the session with the {who} was not refreshed within {self.interval} s"
        call.end(words, _EXPIRED, 102)

    def _refresh(self, call: Call) -> None:
        leg = self._leg
        inviting = not self._updates and leg.shown is not None
        transfer = call.transfer
        in_use = call.exchange is not None or leg.is_inviting() or (transfer is not None and transfer.is_inviting())
        deadlines, wheel = leg.router.deadlines, leg.router.wheel
        if in_use or (inviting and call.setup is not None):
            deadlines.put(self, wheel.now + _SOON)
            return
        headers = f"Contact: {leg.contact}\r\n{WITHOUT_PRACK}{self.request_lines()}"
        body = b""
        if inviting and leg.shown is not None:
            content_type, body = leg.shown.last
            headers += f"Content-Type: {content_type}\r\n"
        self._began = wheel.now
        self._sent = leg.send("INVITE" if body else "UPDATE", headers, body, self)
        self._seq = leg.dialog.local_seq
        if body:
            # One that had a provisional answer would wait for ever; on any other this has no effect by then.
            wheel.start(GIVE_UP, self._sent, "given up")
        deadlines.put(self, self._last_moment)

    # What he says to a refresh

    def on_response(self, transaction: ClientTransaction, response: Response) -> None:
        """An answer to our refresh (ClientUser); every 2xx to an INVITE gets its ACK, whatever became of the call."""
        leg, code = self._leg, response.code
        if code < 200 or (transaction.challenged and self._asks_again(transaction, response)):
            return
        if transaction.method == "INVITE" and transaction.state == ACCEPTED:
            if transaction.message:
                leg.router.transactions.retransmitted += 1
                leg.listener.send(transaction.message, leg.next_hop())
                return
            transaction.message = leg.send_ack(self._seq, new_branch())
        if transaction is not self._sent:
            return
        self._sent = None
        call = leg.call
        if call is None or leg.session is not self:
            return
        if code < 300:
            leg.dialog.refresh(response)
            self.heard(response)
        elif code in _GONE:
            call.lost(leg, code)
        else:
            self._is_refused(call, response)

    def _asks_again(self, transaction: ClientTransaction, response: Response) -> bool:
        """Says the refresh once more, with credentials, if it is still wanted."""
        leg = self._leg
        if transaction is not self._sent or leg.session is not self:
            return False
        again = leg.sent_again(transaction, response, self)
        if again is None:
            return False
        self._sent, self._seq = again, leg.dialog.local_seq
        if again.method == "INVITE":
            leg.router.wheel.start(GIVE_UP, again, "given up")
        return True

    def _is_refused(self, call: Call, response: Response) -> None:
        leg, code = self._leg, response.code
        now = leg.router.wheel.now
        if code == 422 and self.takes_longer(response) and self._raised < _MOST_LONGER:
            self._raised += 1
            self._refresh(call)
        elif code == 491:  # RFC 3261 §14.1: longer where the Call-ID is ours, so that the two don't meet again
            pause = randint(0, 200) if leg is call.caller else randint(210, 400)
            leg.router.deadlines.put(self, min(now + pause / 100, self._last_moment))
        else:
            self._refused = code
            self._try_later(now)

    def _try_later(self, now: float) -> None:
        """After a failure the session is as it was, and there is time for other attempts until it expires (§10)."""
        rest = self._last_moment - now
        self._leg.router.deadlines.put(self, now + rest / 2 if rest > _MOST_MARGIN / 2 else self._last_moment)

    def on_timeout(self, transaction: ClientTransaction) -> None:
        """No answer will come, or the refresh could not be sent (ClientUser)."""
        if transaction is not self._sent:
            return
        self._sent = None
        leg = self._leg
        call, now = leg.call, leg.router.wheel.now
        if call is None or leg.session is not self:
            return
        if now - self._began < GIVE_UP / 2:  # it never left
            self._try_later(now)
        else:
            call.lost(leg, None)
