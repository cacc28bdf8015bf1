"""What must hold of any octets taken for SDP, alone or as a part of a multipart body."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from edge_router.sip.sdp import (
    BadSdp,
    Origin,
    find_sdp,
    inactive_answer,
    inactive_offer,
    origin,
    own_origin,
    still_fits,
)

_KINDS: Final = ("application/sdp", "multipart/mixed;boundary=b1", 'multipart/related; boundary="a b"', "text/plain")
_OWN: Final = Origin("-", "18446744073709551615", 7, "IP6", "2001:db8::9")
_BETWEEN: Final = b"\0\0\0"


def check_sdp(data: bytes) -> bool:
    """Whether it can be answered; raises AssertionError where something doesn't hold.

    The first octet says what Content-Type it has. Three NULs divide what one side has been told from what it offers.
    """
    kind, body = _KINDS[data[0] % len(_KINDS) if data else 0], data[1:]
    _check_origin(body, kind)
    told, _, offer = body.partition(_BETWEEN)
    still_fits(told, offer, offer)
    still_fits(offer, told, body)
    found = find_sdp(kind, body)
    return found is not None and _check_answer(body[found[0] : found[1]])


def _check_origin(body: bytes, kind: str) -> None:
    found = find_sdp(kind, body)
    owned = own_origin(body, _OWN, kind)
    assert own_origin(owned, _OWN, kind) == owned
    if found is None:
        assert owned == body
        return
    start, end = found
    assert 0 <= start <= end <= len(body)
    sdp = body[start:end]
    before = origin(sdp)
    if owned == body:
        assert before is None or before == _OWN
        return
    assert len(owned) >= start
    assert owned[:start] == body[:start]
    assert owned[len(owned) - (len(body) - end) :] == body[end:]
    owned_sdp = owned[start : len(owned) - (len(body) - end)]
    assert origin(owned_sdp) == _OWN
    theirs = [line for line in sdp.split(b"\n") if not line.startswith(b"o=")]
    assert [line for line in owned_sdp.split(b"\n") if not line.startswith(b"o=")] == theirs
    if before is not None:
        assert origin(own_origin(sdp, before)) == before


def _check_answer(offer: bytes) -> bool:
    try:
        answer = inactive_answer(offer, "192.0.2.9", 1)
    except BadSdp as error:
        assert str(error).isprintable()
        return False
    assert answer.count(b"\r\n") == answer.count(b"\n") == answer.count(b"\r")
    assert origin(answer) == Origin("-", "1", 1, "IP4", "192.0.2.9")
    streams = [line for line in answer.split(b"\r\n") if line.startswith(b"m=")]
    assert len(streams) == sum(line.startswith(b"m=") for line in offer.split(b"\n"))
    assert sum(b" 0 " not in line for line in streams) <= 1
    # Who can be answered can be answered again, and what was answered is what both sides know.
    assert inactive_answer(answer, "192.0.2.9", 1).count(b"a=inactive") == 1
    assert still_fits(answer, inactive_offer("192.0.2.1", 1), answer) in (True, False)
    with suppress(BadSdp):
        still_fits(offer, offer, answer)
    return True
