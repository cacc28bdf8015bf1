"""What one side asks the other within a call, as the call and its legs have to know it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge_router.b2bua.call.leg import Leg
    from edge_router.sip.message import Request, Response


class Asked:
    """A request of ``asker`` that has gone on to the other side, until it is over: in_call/exchange.py has the rest.

    ``accepted`` is an INVITE that has its 2xx and waits for its ACK.
    """

    __slots__ = ("accepted", "asker", "method")

    def __init__(self, asker: Leg, method: str) -> None:
        self.asker = asker
        self.method = method
        self.accepted = False

    def answered(self, response: Response) -> None:
        """The other side says something to it."""
        raise NotImplementedError

    def acknowledge(self, request: Request | None) -> None:
        """The asker has ACKed its 2xx; None: his ACK was lost, and nothing was in it."""
        raise NotImplementedError

    def ends(self, leg: Leg, request: Request) -> bool:
        """A side of the call has hung up; True where that was for this alone to know."""
        raise NotImplementedError

    def wind_up(self) -> None:
        """The call is over, or this is no longer of use in it."""
        raise NotImplementedError
