"""A callee's reliable provisional responses, as they are heard (RFC 3262 §4).

Lives here: which of them are in order, in each early dialog by itself, and the PRACK that the router sends for one
that doesn't go on reliably. One that is repeated, or comes before its turn, has no effect: its sender repeats it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_router.b2bua.messages.capabilities import RELIABLE, names_option
from edge_router.sip.headers import parse_cseq, parse_rseq
from edge_router.sip.sdp import find_sdp

if TYPE_CHECKING:
    from edge_router.b2bua.call.callee import CalleeLeg
    from edge_router.sip.dialog import Dialog
    from edge_router.sip.message import Response


class Heard:
    """One that is to be acknowledged: in this early dialog of ``callee``, with this ``rack``."""

    __slots__ = ("callee", "dialog", "rack")

    def __init__(self, callee: CalleeLeg, dialog: Dialog, rack: str) -> None:
        self.callee = callee
        self.dialog = dialog
        self.rack = rack

    @property
    def line(self) -> str:
        """The RAck line of its PRACK."""
        return f"RAck: {self.rack}\r\n"

    @property
    def stands(self) -> bool:
        """Whether its early dialog may still become the call, or is it."""
        callee = self.callee
        return callee.call is not None and (not callee.answered or callee.dialog is self.dialog)

    def acknowledge(self) -> None:
        """Sends its PRACK, with nothing in it."""
        if self.stands:
            callee = self.callee
            last, callee.dialog = callee.dialog, self.dialog
            callee.send("PRACK", self.line)
            callee.dialog = last


class Order:
    """The number of the last reliable response of each early dialog, by its To tag. ``most`` of them are followed."""

    __slots__ = ("_last", "_most")

    def __init__(self, most: int) -> None:
        self._last: dict[str, int] = {}
        self._most = most

    def is_next(self, tag: str, number: int) -> bool:
        """Whether this one is the first, or the one behind the last; then it is the last from now on."""
        last = self._last.get(tag)
        if last is None and len(self._last) >= self._most:
            return False
        if last is not None and number != last + 1:
            return False
        self._last[tag] = number
        return True


def number_of(response: Response) -> int:
    """The RSeq of a response that is to be acknowledged, 0 for any other; a 100 never is (§4)."""
    value = response.first.get("rseq")
    if value is None or response.code == 100 or not names_option(response, "require", RELIABLE):
        return 0
    return parse_rseq(value)


def rack_of(response: Response, number: int) -> str:
    """What its PRACK names it by."""
    cseq = parse_cseq(response.first["cseq"])
    return f"{number} {cseq.number} {cseq.method}"


def negotiates(content_type: str, body: bytes) -> bool:
    """Whether a body bears an offer or an answer."""
    return bool(body) and find_sdp(content_type, body) is not None
