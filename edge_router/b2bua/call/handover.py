"""REFERs as the call itself has to know them: the one by which a side is about to be somebody else, those that passed.

What a transfer comes to is transfer.py's; a call asks it, and tells it what happens meanwhile.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from edge_router.b2bua.call.call import Call
    from edge_router.b2bua.call.leg import Leg
    from edge_router.sip.message import Request


class Handover(Protocol):
    """A transfer under way; two calls may become one by it."""

    @property
    def of(self) -> Call:
        """The call that is transferred."""

    def wake(self, event: str, leg: Leg, what: Any) -> None:
        """Something has happened on a leg that is not the call's alone just now."""

    def end(self, words: str, reason: str, cause: int) -> None:
        """The call has to end, and so does this."""

    def is_gone(self, leg: Leg | None) -> bool:
        """Whether this leg's side has hung up, and the call goes on for all that."""

    def left(self, leg: Leg, request: Request) -> bool:
        """One side of the call has hung up; True where that was all that there is to do."""

    def is_inviting(self) -> bool:
        """Whether who stays is being asked for an answer to an offer."""

    def call_is_over(self, call: Call) -> None:
        """The call that was to be transferred, or from, has ended by itself."""


class Passed:
    """A REFER that has passed: by whom, with which CSeq number; to whom, with which."""

    __slots__ = ("asker", "number", "number_there", "other")

    def __init__(self, asker: Leg, number: int, other: Leg, number_there: int) -> None:
        self.asker = asker
        self.number = number
        self.other = other
        self.number_there = number_there
