"""Messages on a stream: the same ones come out, however it was cut; and what can't be cut is said."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_router.sip.errors import BadMessage
from edge_router.sip.framing import Framer, Unframeable
from edge_router.sip.message import Limits, parse

BODY: Final = b"v=0\r\n\r\no=- 1 1 IN IP4 192.0.2.1\r\n"


def message(body: bytes = b"", length: str | None = None, start: str = "OPTIONS sip:a SIP/2.0") -> bytes:
    line = f"Content-Length: {len(body)}" if length is None else length
    return f"{start}\r\nCall-ID: 1\r\n{line}\r\n\r\n".encode() + body


def read(framer: Framer, pieces: Iterable[bytes]) -> list[bytes]:
    found = []
    for piece in pieces:
        framer.feed(piece)
        while (next_one := framer.message()) is not None:
            found.append(next_one)
    return found


def cut(stream: bytes, places: Sequence[int]) -> list[bytes]:
    bounds = [0, *sorted(places), len(stream)]
    return [stream[begin:end] for begin, end in pairwise(bounds)]


LENGTHS = st.sampled_from(["Content-Length: {}", "l:{}", "L : {}", "CONTENT-LENGTH:\r\n {}", "content-length\t:  {}  "])
MESSAGES = st.builds(
    lambda body, length: message(body, length.format(len(body))), st.binary(max_size=80) | st.just(BODY), LENGTHS
)


@given(st.lists(st.tuples(st.sampled_from([b"", b"\r\n", b"\r\n\r\n", b"\r\n" * 5]), MESSAGES), max_size=6), st.data())
def test_whatever_comes_in_whatever_pieces_is_the_same_messages(
    parts: list[tuple[bytes, bytes]], data: st.DataObject
) -> None:
    stream = b"".join(before + each for before, each in parts)
    places = data.draw(st.lists(st.integers(0, len(stream)), max_size=12))
    framer = Framer()
    assert read(framer, cut(stream, places)) == [each for _, each in parts]
    assert framer.pings == sum(before.count(b"\r\n") // 2 for before, _ in parts)
    assert not framer.begun


def test_octet_by_octet() -> None:
    stream = b"\r\n\r\n" + message(BODY) + message() + b"\r\n\r\n" + message(b"x")
    framer = Framer()
    assert read(framer, (stream[at : at + 1] for at in range(len(stream)))) == [
        message(BODY),
        message(),
        message(b"x"),
    ]
    assert framer.pings == 2


def test_an_octet_is_looked_at_but_once() -> None:
    """However slowly a head comes, the search for its end never begins anew."""
    framer = Framer()
    for count in range(1, 2_000):
        framer.feed(b"x")
        assert framer.message() is None
        assert framer._searched >= count - 3


def test_begun_is_what_waits_for_its_rest() -> None:
    framer = Framer()
    story = []
    for piece in (b"\r\n", message()[:3], message()[3:-1], message()[-1:], b"\r\n"):
        read(framer, [piece])
        story.append(framer.begun)
    assert story == [False, True, True, False, False]


@pytest.mark.parametrize(
    ("stream", "pings"),
    [
        ([b"\r\n\r\n"], 1),
        ([b"\r", b"\n\r", b"\n"], 1),
        ([b"\r\n"], 0),  # a pong
        ([b"\r\n\r\n\r\n\r\n"], 2),
        ([b"\r\n", message(), b"\r\n"], 0),
    ],
)
def test_two_empty_lines_are_a_ping(stream: list[bytes], pings: int) -> None:
    framer = Framer()
    read(framer, stream)
    assert framer.pings == pings


REFUSED: Final = {
    "none": ("X: 1", 400, "Content-Length is missing"),
    "none, but in another's value": ("X: Content-Length: 5", 400, "Content-Length is missing"),
    "none, but in a folded value": ("Subject: x\r\n Content-Length: 5", 400, "Content-Length is missing"),
    "negative": ("Content-Length: -1", 400, "Content-Length is not a number of octets"),
    "plus": ("Content-Length: +1", 400, "Content-Length is not a number of octets"),
    "empty": ("Content-Length:", 400, "Content-Length is not a number of octets"),
    "words": ("Content-Length: five", 400, "Content-Length is not a number of octets"),
    "a list": ("Content-Length: 0, 0", 400, "Content-Length is not a number of octets"),
    "hexadecimal": ("Content-Length: 0x10", 400, "Content-Length is not a number of octets"),
    "folded in two": ("Content-Length: 1\r\n 0", 400, "Content-Length is not a number of octets"),
    "bare LF": ("Content-Length: 0\nX: 1", 400, "Content-Length is not a number of octets"),
    "bare CR": ("Content-Length: 0\r", 400, "Content-Length is not a number of octets"),
    "2**32 and something": ("Content-Length: 4294967306", 400, "Content-Length is not a number of octets"),
    "2**64": ("Content-Length: 18446744073709551616", 400, "Content-Length is not a number of octets"),
    "many zeros": ("Content-Length: 0000000000", 400, "Content-Length is not a number of octets"),
    "larger than a body may be": ("Content-Length: 65536", 513, "Message Too Large"),
    "nearly 2**31": ("l: 999999999", 513, "Message Too Large"),
    "twice": ("Content-Length: 0\r\nContent-Length: 0", 400, "More than one Content-Length"),
    "twice, once compact": ("l: 0\r\nContent-Length: 5", 400, "More than one Content-Length"),
    "three times": ("l: 0\r\nl: 0\r\nL : 5", 400, "More than one Content-Length"),
}


@pytest.mark.parametrize(("line", "code", "why"), REFUSED.values(), ids=REFUSED)
def test_a_message_without_an_end_is_the_end_of_the_stream(line: str, code: int, why: str) -> None:
    framer = Framer()
    framer.feed(message() + message(length=line) + message())
    assert framer.message() == message()
    with pytest.raises(Unframeable) as caught:
        framer.message()
    assert (caught.value.code, caught.value.why) == (code, why)
    assert caught.value.head == message(length=line).removesuffix(b"\r\n\r\n")


def test_a_head_without_an_end() -> None:
    framer = Framer(Limits(head=100))
    framer.feed(b"OPTIONS sip:a SIP/2.0\r\nX: ")
    assert framer.message() is None
    framer.feed(b"x" * 90)
    with pytest.raises(Unframeable) as caught:
        framer.message()
    assert (caught.value.code, len(caught.value.head)) == (513, 100)


def test_the_largest_head_and_body() -> None:
    limits = Limits(head=100, body=50)
    start = b"OPTIONS sip:a SIP/2.0\r\nl: 50\r\nX: "
    whole = start + b"x" * (100 - len(start)) + b"\r\n\r\n" + b"y" * 50
    framer = Framer(limits)
    assert read(framer, (whole[at : at + 1] for at in range(len(whole)))) == [whole]
    framer.feed(start + b"x" * (101 - len(start)) + b"\r\n\r\n")
    with pytest.raises(Unframeable):
        framer.message()


LINES: Final = (
    *("Content-Length: 3", "l: 3", "L:3", "Content-length :3", "Content-Length:\r\n\t3", "l\r\n : 3", "l: 4", "l : 03"),
    *("X", "X: l: 4", " l: 4", "X: 1\r\n l: 4", "l: 3\r", "l: 3\n", "\tContent-Length: 4", "l:", "l: 3\r\n "),
)


@given(st.lists(st.sampled_from(LINES), max_size=4))
def test_the_end_is_where_the_reader_of_one_message_sees_it(lines: list[str]) -> None:
    """What the two read apart could be smuggled between them."""
    whole = "\r\n".join(["OPTIONS sip:a SIP/2.0", "Call-ID: 1", *lines]).encode() + b"\r\n\r\nabcd"
    framer = Framer()
    framer.feed(whole)
    try:
        found = framer.message()
    except Unframeable:
        return
    assert found is not None
    try:
        seen = parse(whole)
    except BadMessage:
        return
    assert found == whole[: len(found)]
    assert seen.body == parse(found).body == found.partition(b"\r\n\r\n")[2]
