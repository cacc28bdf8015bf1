"""A request that is too large for UDP (RFC 3261 §18.1.1): it goes by TCP first, by UDP where that doesn't reach him.

It is one transaction all the while: on either way the request has the same branch, so that whoever has heard it by TCP
all the same takes it for a repetition, and its answer counts whichever way it comes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge_router.sip.timers import T1
from edge_router.sip.transaction import CALLING, INVITE_CLIENT, NON_INVITE_CLIENT, TRYING, ClientTransaction, Table

if TYPE_CHECKING:
    from edge_router.sip.transaction import Transport

_SILENCE: Final = "silence"


class Detour(ClientTransaction):
    """A request of ours that goes by TCP because it is large; ``may_return`` is said to it before anything comes of it.

    ``other`` is the transport that it doesn't go by just now.
    """

    __slots__ = ("other",)

    def may_return(self, udp: Transport, patience: float) -> None:
        """Lets it go back to UDP when the connection fails, or nothing has been heard in ``patience`` seconds."""
        self.other = udp
        self.table = _INVITE if self.method == "INVITE" else _NON_INVITE
        self.interval = 0.0  # when its connection is lost it is not said by another one, but by UDP
        self.layer.wheel.start(patience, self, _SILENCE)


def return_to_udp(transaction: Detour, _: object) -> None:
    """Sends the request by UDP, in what is an ordinary transaction from now on."""
    layer, invites = transaction.layer, transaction.method == "INVITE"
    layer.disconnect(transaction)
    transaction.table = INVITE_CLIENT if invites else NON_INVITE_CLIENT
    tcp, udp = transaction.transport, transaction.other
    transaction.transport, transaction.other = udp, tcp
    transaction.message = as_said_by(udp, tcp, transaction.message)
    transaction.interval = T1
    layer.wheel.start(T1, transaction, "Timer A" if invites else "Timer E")
    if not udp.send(transaction.message, transaction.address):
        layer.wheel.start(0.0, transaction, "transport error")


def as_said_by(now: Transport, before: Transport, message: bytes) -> bytes:
    """The request with the Via of another transport than it was made for."""
    return message.replace(f"\r\nVia: {before.via}".encode(), f"\r\nVia: {now.via}".encode(), 1)


_INVITE: Final[Table] = INVITE_CLIENT | {
    CALLING: INVITE_CLIENT[CALLING]
    | {"transport error": (CALLING, (return_to_udp,)), _SILENCE: (CALLING, (return_to_udp,))},
}
_NON_INVITE: Final[Table] = NON_INVITE_CLIENT | {
    TRYING: NON_INVITE_CLIENT[TRYING]
    | {"transport error": (TRYING, (return_to_udp,)), _SILENCE: (TRYING, (return_to_udp,))},
}
