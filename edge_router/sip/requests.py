"""Requests that repeat a request of ours: the ACK of a failure and the CANCEL (RFC 3261 §17.1.1.3 and §9.1).

Both copy Request-URI, topmost Via, Route, From, Call-ID and the CSeq number of the INVITE; both are made from its
octets, so that nothing else of it has to be kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge_router.sip.message import Response


def ack_for(invite: bytes, response: Response) -> bytes:
    """The ACK of a final response other than 2xx; To is the response's, with its tag."""
    return _repeat(invite, "ACK", response.first.get("to"), "")


def cancel_for(invite: bytes, headers: str = "") -> bytes:
    """The CANCEL of an INVITE that has had a provisional response; ``headers`` are whole lines (RFC 3326: Reason)."""
    return _repeat(invite, "CANCEL", None, headers)


def _repeat(invite: bytes, method: str, to: str | None, headers: str) -> bytes:
    head = invite.partition(b"\r\n\r\n")[0].decode("utf-8", "surrogateescape").split("\r\n")
    lines = [f"{method}{head[0][6:]}"]
    for line in head[1:]:
        name = line.partition(":")[0]
        if name == "To" and to is not None:
            lines.append(f"To: {to}")
        elif name == "CSeq":
            lines.append(f"CSeq: {line[6:].partition(' ')[0]} {method}")
        elif name in ("Via", "Route", "From", "To", "Call-ID"):
            lines.append(line)
    lines.append(f"Max-Forwards: 70\r\n{headers}Content-Length: 0\r\n\r\n")
    return "\r\n".join(lines).encode("utf-8", "surrogateescape")
