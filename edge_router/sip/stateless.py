"""Answers that nothing is kept of (RFC 3261 §8.2.7): to what could not be read, and to what there is no room for."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zlib import crc32

from edge_router.sip.errors import BadMessage
from edge_router.sip.headers import parse_via, tag_of
from edge_router.sip.names import SPELLING
from edge_router.sip.transaction_layer import response_address, response_vias

if TYPE_CHECKING:
    from edge_router.sip.message import Request
    from edge_router.sip.transaction import Address


def stateless_answer(
    request: Request, source: Address, code: int, reason: str, headers: str = "", reliable: bool = False
) -> tuple[bytes, Address] | None:
    """An answer and where it goes, made of as much of the request as can be read; None without a Via.

    A request that comes again gets the very same answer, To tag included. ``headers`` are whole lines.
    Over a ``reliable`` transport it goes by the connection that the request came by.
    """
    first = request.first
    if "via" not in first:
        return None
    try:
        via = parse_via(first["via"])
        vias, address = response_vias(request, via, source), response_address(via, source, reliable)
    except BadMessage:  # the Via itself is what is wrong, or of another version: it goes back as it came
        vias, address = "".join(f"Via: {value}\r\n" for value in request.all("via")), source
    lines = "".join(f"{SPELLING[key]}: {first[key]}\r\n" for key in ("from", "call-id", "cseq") if key in first)
    to = first.get("to", "")
    if to:
        tag = "" if tag_of(to) else f";tag={crc32(f'{vias}{lines}{to}'.encode('utf-8', 'surrogateescape')):08x}"
        lines += f"To: {to}{tag}\r\n"
    answer = f"SIP/2.0 {code} {reason}\r\n{vias}{lines}{headers}Content-Length: 0\r\n\r\n"
    return answer.encode("utf-8", "surrogateescape"), address
