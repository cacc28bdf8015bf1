"""What must hold of any octets on a stream: they make the same messages, however they were cut."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from random import Random
from typing import Final, NamedTuple

from edge_router.sip.errors import BadMessage
from edge_router.sip.framing import Framer, Unframeable
from edge_router.sip.message import Limits, parse

_LIMITS: Final = Limits(head=600, body=200)  # so small that a fuzzer gets there


class Cut(NamedTuple):
    """What a framer makes of a stream."""

    messages: list[bytes]
    pings: int
    end: str
    begun: bool


def check_framing(data: bytes) -> bool:
    """Whether a message came out; raises AssertionError where something doesn't hold.

    The first octet says at which random places the stream is cut.
    """
    stream = data[1:]
    whole = _read([stream])
    assert _read(stream[at : at + 1] for at in range(len(stream))) == whole, "octet by octet it is another stream"
    random = Random(data[0] if data else 0)
    for pieces in (2, 5):
        places = sorted(random.randrange(len(stream) + 1) for _ in range(pieces))
        cut = [stream[begin:end] for begin, end in pairwise([0, *places, len(stream)])]
        assert _read(cut) == whole, "in pieces it is another stream"
    place = 0
    for message in whole.messages:
        found = stream.find(message, place)
        assert found >= place, "a message that never came"
        assert not stream[place:found].strip(b"\r\n"), "something was left out"
        place = found + len(message)
        _check_as_alone(message)
    return bool(whole.messages)


def _read(pieces: Iterable[bytes]) -> Cut:
    framer = Framer(_LIMITS)
    messages = []
    end = ""
    for piece in pieces:
        framer.feed(piece)
        try:
            while (message := framer.message()) is not None:
                messages.append(message)
        except Unframeable as error:
            end = f"{error} {error.head!r}"
            break
    return Cut(messages, framer.pings, end, not end and framer.begun)


def _check_as_alone(message: bytes) -> None:
    """What the two readers take for its length is the same: nothing can be smuggled between them."""
    assert message[:2] != b"\r\n"
    head, _, body = message.partition(b"\r\n\r\n")
    assert len(head) <= _LIMITS.head
    assert len(body) <= _LIMITS.body
    try:
        read = parse(message)
    except BadMessage as fault:
        assert "Content-Length" not in fault.why, fault.why
        return
    assert read.body == body
    assert read.first["content-length"].lstrip("0") == str(len(body)).lstrip("0")
