"""Requests that repeat a request of ours: the ACK of a failure, the CANCEL, and the one that shows its credentials.

ACK and CANCEL copy Request-URI, topmost Via, Route, From, Call-ID and the CSeq number of the INVITE (RFC 3261 §17.1.1.3
and §9.1). All are made from its octets, so that nothing else of it has to be kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from edge_router.sip.message import Response

CREDENTIALS: Final = ("Authorization", "Proxy-Authorization")
"""The headers that show who we are, as they are spelled here."""


def ack_for(invite: bytes, response: Response) -> bytes:
    """The ACK of a final response other than 2xx; To is the response's, with its tag."""
    return _repeat(invite, "ACK", response.first.get("to"), "")


def cancel_for(invite: bytes, headers: str = "") -> bytes:
    """The CANCEL of an INVITE that has had a provisional response; ``headers`` are whole lines (RFC 3326: Reason)."""
    return _repeat(invite, "CANCEL", None, headers)


def with_credentials(request: bytes, via: str, number: int, credentials: str) -> bytes:
    """A request that was challenged, once more: with ``credentials``, which are whole lines, and a CSeq of its own.

    ``via`` is its whole Via value (RFC 3261 §22.2, §8.1.3.5). What it showed before it shows no more.
    """
    head, _, body = request.partition(b"\r\n\r\n")
    lines = []
    for line in head.decode("utf-8", "surrogateescape").split("\r\n"):
        name = line.partition(":")[0]
        if name == "Via":
            lines.append(f"Via: {via}")
        elif name == "CSeq":
            lines.append(f"CSeq: {number} {line.rpartition(' ')[2]}")
        elif name not in CREDENTIALS:
            lines.append(line)
    last = lines.pop()  # Content-Length
    text = "\r\n".join(lines) + f"\r\n{credentials}{last}\r\n\r\n"
    return text.encode("utf-8", "surrogateescape") + body


def credentials_in(request: bytes) -> str:
    """The lines of a request of ours that show credentials, each with its line end."""
    head = request.partition(b"\r\n\r\n")[0].decode("utf-8", "surrogateescape")
    return "".join([f"{line}\r\n" for line in head.split("\r\n") if line.partition(":")[0] in CREDENTIALS])


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
