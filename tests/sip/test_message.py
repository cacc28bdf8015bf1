from collections.abc import Callable
from contextlib import suppress

import pytest
import sipmessage
from hypothesis import example, given
from hypothesis import strategies as st

from edge_router.sip import message as message_module
from edge_router.sip.errors import BadMessage, LocalError
from edge_router.sip.headers import param, parse_cseq, parse_name_addr, parse_via, tag_of
from edge_router.sip.message import DEFAULT_LIMITS, Limits, Message, Request, Response, parse
from edge_router.sip.names import COMPACT, KEY_OF, METHODS, SPELLING, key_of
from edge_router.sip.remember import LONGEST
from edge_router.sip.uri import SipUri, parse_uri

LINES = (
    b"Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1;rport",
    b"Max-Forwards: 70",
    b'From: "Alice" <sip:alice@example.com>;tag=a1',
    b"To: <sip:+18005551234@example.net>",
    b"Call-ID: c1@192.0.2.1",
    b"CSeq: 1 INVITE",
)


def datagram(*more: bytes, start: bytes = b"INVITE sip:+18005551234@example.net SIP/2.0", body: bytes = b"") -> bytes:
    return b"\r\n".join((start, *LINES, *more, b"", body))


def request(*more: bytes, body: bytes = b"") -> Request:
    message = parse(datagram(*more, body=body))
    assert isinstance(message, Request)
    return message


def refused(data: bytes, limits: Limits | None = None) -> BadMessage:
    with pytest.raises(BadMessage) as caught:
        parse(data, limits or Limits())
    assert caught.value.why.isprintable()
    return caught.value


# ------------------------------------------------------------------------------- what is read


def test_a_request() -> None:
    message = request(b"Content-Type: text/plain", b"Content-Length: 2", body=b"hi")
    assert (message.method, message.uri, message.body) == ("INVITE", "sip:+18005551234@example.net", b"hi")
    assert message.get("call-id") == "c1@192.0.2.1"
    assert message.get("subject") is None
    assert message.all("subject") == []


@pytest.mark.parametrize(
    ("start", "code", "reason"),
    [
        (b"SIP/2.0 200 OK", 200, "OK"),
        (b"SIP/2.0 100 ", 100, ""),
        (b"SIP/2.0 100", 100, ""),
        (b"SIP/2.0 699 Not  Very: nice", 699, "Not  Very: nice"),
        ("SIP/2.0 486 Занято".encode(), 486, "Занято"),
        (b"SIP/2.0 486 \xff", 486, "\udcff"),
    ],
)
def test_a_response(start: bytes, code: int, reason: str) -> None:
    message = parse(datagram(start=start))
    assert isinstance(message, Response)
    assert (message.code, message.reason) == (code, reason)


def test_order_is_kept_of_all_headers_and_of_those_of_one_name() -> None:
    message = request(b"X-B: 1", b"Route: <sip:a>", b"X-A: 2", b"route: <sip:b>", b"x-b: 3")
    assert [key for key, _ in message.fields[6:]] == ["x-b", "route", "x-a", "route", "x-b"]
    assert message.all("route") == ["<sip:a>", "<sip:b>"]
    assert message.get("x-b") == "1"
    assert message.all("x-b") == ["1", "3"]


def test_unknown_headers_leave_as_they_came() -> None:
    data = request(b"X-cUsToM_%: ;;,,  ;;,;  ", b"Reply-to:<sip:x>").serialise()
    assert b"\r\nX-cUsToM_%: ;;,,  ;;,;\r\nReply-To: <sip:x>\r\n" in data


@pytest.mark.parametrize(("short", "key"), COMPACT.items())
def test_compact_forms(short: str, key: str) -> None:
    for name in (short, short.upper(), f"{short} ", f"{short.upper()}\t "):
        message = parse(f"OPTIONS sip:h SIP/2.0\r\n{name}: 0\r\n\r\n".encode())
        assert message.fields == [(key, "0")]
        assert f"\r\n{SPELLING[key]}: 0\r\n".encode() in message.serialise()


@pytest.mark.parametrize(
    "line", [b"X-Bypass: v", b"X-Bypass : v", b"X-Bypass\t \t:v", b"x-bypass:   v \t", b"X-BYPASS:\r\n v"]
)
def test_every_spelling_of_a_name_is_one_key(line: bytes) -> None:
    message = request(line)
    assert message.get("x-bypass") == "v"
    assert message.fields[-1] == ("x-bypass", "v")
    assert b" : " not in message.serialise()


@pytest.mark.parametrize("name", ["", " ", "a b", "a\tb", " a", "a(", "ä", "a\udcff", "a\0", "a/b", '"a"', "a,b"])
def test_what_is_no_name_has_no_key(name: str) -> None:
    assert key_of(name) == ""


def test_the_table_of_names_agrees_with_the_function() -> None:
    assert {name: key_of(name) for name in KEY_OF} == KEY_OF
    assert set(COMPACT.values()) <= set(SPELLING)


@pytest.mark.parametrize("line", [b"no colon", b": no name", b"two words: x", b"b\xc3\xa4d: x", b"b(d: x"])
def test_a_line_that_is_no_header(line: bytes) -> None:
    fault = refused(datagram(line))
    assert fault.code == 400
    assert fault.message is not None
    assert fault.message.get("call-id") == "c1@192.0.2.1"  # enough to answer with
    assert all(key for key, _ in fault.message.fields)


@pytest.mark.parametrize(
    ("folded", "value"),
    [
        (b"Subject: one\r\n two", "one two"),
        (b"Subject: one\r\n\t  two  \r\n three", "one two three"),
        (b"Subject:\r\n one", "one"),
        (b"Subject: one \t\r\n \r\n\ttwo", "one two"),
        (b"Subject: one\r\n ", "one"),
        (b"Subject:", ""),
        (b"s :\t", ""),
    ],
)
def test_folding(folded: bytes, value: str) -> None:
    message = request(folded, b"X-After: x")
    assert message.get("subject") == value
    assert message.get("x-after") == "x"


def test_a_fold_hides_no_header() -> None:
    assert request(b"Subject: a\r\n Route: <sip:evil>").get("route") is None


@pytest.mark.parametrize("value", ["Grüße, 日本", "emoji \U0001f600"])
def test_utf8_values(value: str) -> None:
    message = request(f"Subject: {value}".encode())
    assert message.get("subject") == value
    assert f"\r\nSubject: {value}\r\n".encode() in message.serialise()


@pytest.mark.parametrize("value", [b"\xff\xfe", b"caf\xe9", b"\xed\xa0\x80", b"\xc0\xaf", b"half \xe2\x82"])
def test_octets_that_are_no_utf8_come_back_as_they_were(value: bytes) -> None:
    assert b"\r\nSubject: " + value + b"\r\n" in request(b"Subject: " + value).serialise()


def test_a_body_is_octets() -> None:
    body = bytes(range(256)) + b"\r\n\r\nVia: no header\r\n"
    message = request(b"Content-Length: %d" % len(body), body=body)
    assert message.body == body
    assert message.serialise().endswith(b"\r\n\r\n" + body)


def test_empty_lines_in_front_are_ignored() -> None:
    assert parse(b"\r\n" + datagram()) == parse(datagram())
    assert parse(b"\r\n\r\n\r\n" + datagram()) == parse(datagram())
    assert refused(b"").message is None
    assert refused(b"\r\n").message is None
    assert refused(b"\r\n" * 30_000).message is None


@pytest.mark.parametrize("version", [b"SIP/2.0", b"sip/2.0", b"Sip/2.0"])
def test_the_version_of_a_request_is_read_without_case(version: bytes) -> None:
    assert request() == parse(datagram(start=b"INVITE sip:+18005551234@example.net " + version))


# To answer what answers would be to go round in circles with it.
RESPONSES = (b"TIP/2.0 200 OK", b"HTTP/1.1 404 Not Found here", b"HTTP/1.1 404")


@pytest.mark.parametrize(
    ("start", "code"),
    [
        (b"INVITE sip:h SIP/3.0", 505),
        (b"INVITE sip:h SIP/2.01", 505),
        (b"INVITE sip:h HTTP/1.1", 400),
        (b"INVITE sip:h", 400),
        (b"INVITE", 400),
        (b"INVITE  sip:h SIP/2.0", 400),
        (b"INVITE sip:h  SIP/2.0", 400),
        (b"INVITE sip:h SIP/2.0 ", 400),
        (b" INVITE sip:h SIP/2.0", 400),
        (b"INVITE sip:h;x y SIP/2.0", 400),
        (b"INV(TE sip:h SIP/2.0", 400),
        (b"INV\xc3\x8fTE sip:h SIP/2.0", 400),
        (b"\xff\xff\xff", 400),
        (b"SIP/2.0", 400),
        (b"SIP/2.0 ", 400),
        (b"SIP/2.0 99 Low", 400),
        (b"SIP/2.0 099 Low", 400),
        (b"SIP/2.0 700 High", 400),
        (b"SIP/2.0 2000 High", 400),
        (b"SIP/2.0 4294967301 better not break the receiver", 400),
        (b"SIP/2.0 -20 OK", 400),
        (b"SIP/2.0 +20 OK", 400),
        (b"SIP/2.0 2 0 OK", 400),
        ("SIP/2.0 \uff12\uff10\uff10 OK".encode(), 400),
        (b"SIP/3.0 200 OK", 400),
        (b"TIP/2.0 200 OK", 400),
        (b"HTTP/1.1 404 Not Found here", 400),
        (b"HTTP/1.1 404", 400),
        (b"TIP/2.0 2000 OK", 400),
        (b"TIP/x.0 200 OK", 400),
        (b"TIP/2.0 20", 400),
    ],
)
def test_bad_start_lines(start: bytes, code: int) -> None:
    fault = refused(datagram(start=start))
    assert fault.code == code
    assert isinstance(fault.message, Response if start in RESPONSES or start.startswith(b"SIP") else Request)


# ------------------------------------------------------------------------------- what smuggles


@pytest.mark.parametrize(
    "line",
    [
        b"Subject: a\rRoute: <sip:evil>",
        b"Subject: a\nRoute: <sip:evil>",
        b"Subject: a\n\rRoute: <sip:evil>",
        b"Subject: a\0b",
        b"Subject\r: a",
        b"Subject\n: a",
        b"Subject\0: a",
        b"\rSubject: a",
    ],
)
def test_bare_line_breaks_and_nul_are_refused_and_never_quoted(line: bytes) -> None:
    fault = refused(datagram(line))
    assert (fault.code, fault.message) == (400, None)


@pytest.mark.parametrize("line", [b"Subject: a\rRoute: <sip:evil>", b"Subject: a\nRoute: <sip:evil>"])
def test_so_is_one_behind_more_lines_than_are_read(line: bytes) -> None:
    fault = refused(datagram(*[b"X-More: x"] * DEFAULT_LIMITS.headers, line))
    assert (fault.code, fault.message) == (400, None)


@pytest.mark.parametrize("start", [b"INVITE sip:\0h SIP/2.0", b"INVITE sip:h\nX: y SIP/2.0", b"SIP/2.0 200 O\rK"])
def test_bare_line_breaks_and_nul_in_the_start_line(start: bytes) -> None:
    fault = refused(datagram(start=start))
    assert (fault.code, fault.message) == (400, None)


def test_a_quoted_nul_is_legal() -> None:
    # RFC 3261 §25.1 quoted-pair; RFC 4475 §3.1.1.2 sends one.
    message = request(b'Reply-To: "NUL:\\\0" <sip:x@h>')
    assert parse(message.serialise()) == message


def test_lf_as_line_end_is_refused() -> None:
    assert refused(datagram().replace(b"\r\n", b"\n")).code == 400


@pytest.mark.parametrize(
    "length",
    [
        "-1",
        "-999",
        "+0",
        "",
        "five",
        "0x10",
        "1.0",
        "1 2",
        "1,2",
        "\xb2",
        "\uff11",
        "2147483648",
        "4294967296",
        "18446744073709551616",
        "9" * 10,
        "9" * 5000,
    ],
)
def test_a_content_length_that_is_no_length(length: str) -> None:
    fault = refused(datagram(f"Content-Length: {length}".encode(), body=b"hello"))
    assert fault.code == 400
    assert fault.message is not None
    assert fault.message.get("call-id") == "c1@192.0.2.1"


@pytest.mark.parametrize("second", [b"5", b"6", b"0"])
def test_two_content_lengths(second: bytes) -> None:
    assert refused(datagram(b"Content-Length: 5", b"l : " + second, body=b"hello")).code == 400


def test_a_content_length_larger_than_the_body() -> None:
    assert refused(datagram(b"Content-Length: 6", body=b"hello")).code == 400


def test_a_content_length_smaller_than_the_body_cuts_it() -> None:
    message = request(b"Content-Length: 4", body=b"hello\r\n\r\nINVITE sip:evil SIP/2.0\r\n\r\n")
    assert message.body == b"hell"
    assert message.serialise().endswith(b"Content-Length: 4\r\n\r\nhell")


def test_without_content_length_the_body_is_the_rest() -> None:
    message = request(body=b"hello")
    assert message.body == b"hello"
    assert b"Content-Length: 5\r\n\r\nhello" in message.serialise()


def test_leading_zeros_in_content_length() -> None:
    assert request(b"Content-Length: 005", body=b"hello").body == b"hello"


@pytest.mark.parametrize("line", [line.partition(b":")[0] for line in LINES[1:]] + [b"Content-Type"])
def test_headers_that_stand_once(line: bytes) -> None:
    short = next((s for s, key in COMPACT.items() if key == line.decode().lower()), line.decode())
    data = datagram(b"Content-Type: a/b", short.encode() + b": 7 INVITE")
    fault = refused(data)
    assert fault.code == 400
    assert line.decode() in fault.why


def test_no_empty_line_after_the_headers() -> None:
    fault = refused(datagram()[:-4])
    assert fault.code == 400
    assert isinstance(fault.message, Request)


# ------------------------------------------------------------------------------- limits


def test_a_long_head_is_too_large() -> None:
    data = datagram(b"X: " + b"x" * 2000)
    parse(data, Limits(head=len(data) - 4))
    fault = refused(data, Limits(head=len(data) - 5))
    assert fault.code == 513
    assert fault.message is not None
    assert fault.message.get("call-id") == "c1@192.0.2.1"


def test_a_head_too_large_to_be_answered() -> None:
    fault = refused(b"x" * 60_000, Limits(head=100))
    assert fault.code == 513


def test_many_headers_are_too_large() -> None:
    data = datagram(*[b"X: y"] * 4)
    parse(data, Limits(headers=10))
    fault = refused(data, Limits(headers=9))
    assert fault.code == 513
    assert fault.message is not None
    assert len(fault.message.fields) == 9


def test_folds_are_bounded_by_the_head() -> None:
    refused(datagram(b"X: a" + b"\r\n b" * 100_000))


def test_a_long_uri() -> None:
    data = datagram(start=b"INVITE sip:" + b"u" * 96 + b" SIP/2.0")
    parse(data, Limits(uri=100))
    assert refused(data, Limits(uri=99)).code == 414


def test_a_large_body() -> None:
    parse(datagram(body=b"x" * 100), Limits(body=100))
    assert refused(datagram(body=b"x" * 101), Limits(body=100)).code == 513
    assert parse(datagram(b"Content-Length: 100", body=b"x" * 101), Limits(body=100)).body == b"x" * 100


# ------------------------------------------------------------------------------- what we write


BREAKS = ["\r", "\n", "\r\n", "a\r\nX: y", "a\n", "\ra", "a\0b"]


@pytest.mark.parametrize("value", BREAKS)
@pytest.mark.parametrize("make", [lambda: Request("INVITE", "sip:h"), lambda: Response(200, "OK")])
def test_no_value_breaks_out_of_its_line(make: Callable[[], Message], value: str) -> None:
    message = make()
    before = message.serialise()
    with pytest.raises(LocalError):
        message.add("subject", value)
    assert message.serialise() == before


@pytest.mark.parametrize("key", ["x\r\ny", "x: y", "x y", "x:", "", "X", "Subject", "s", "subject ", "\0", "x\n"])
def test_no_key_breaks_out_of_its_line(key: str) -> None:
    with pytest.raises(LocalError):
        Request("INVITE", "sip:h").add(key, "value")


def test_content_length_is_always_our_own_count() -> None:
    message = Request("INVITE", "sip:h")
    message.add("content-length", "999")
    message.body = b"hello"
    assert message.serialise() == b"INVITE sip:h SIP/2.0\r\nContent-Length: 5\r\n\r\nhello"


def test_the_first_value_of_a_name_stays_first() -> None:
    message = Response(200, "OK")
    message.add("contact", "<sip:a>")
    message.add("contact", "<sip:b>")
    assert message.get("contact") == "<sip:a>"
    assert message.serialise() == (
        b"SIP/2.0 200 OK\r\nContact: <sip:a>\r\nContact: <sip:b>\r\nContent-Length: 0\r\n\r\n"
    )


def test_equality() -> None:
    assert request() != request(b"X: y")
    assert request(body=b"a") != request(body=b"b")
    assert request() != parse(datagram(start=b"SIP/2.0 200 OK"))
    assert request() == request(b"Content-Length: 0")
    assert request() != "INVITE"


TOKEN = st.text("abcdefghijklmnopqrstuvwxyzABCXYZ0123456789-.!%*_+`'~", min_size=1, max_size=12)
NAMES = st.one_of(st.sampled_from(sorted(set(SPELLING) - {"content-length"})), TOKEN.map(key_of)).filter(
    lambda key: key != "content-length"
)
TEXT = st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"])).map(
    lambda text: text.strip(" \t")
)
PHRASE = st.text(st.characters(exclude_categories=["Cc", "Cs"])).map(lambda text: text.strip(" "))
OCTETS = st.binary().map(lambda raw: raw.translate(None, b"\r\n\0").strip(b" \t").decode("utf-8", "surrogateescape"))
FIELDS = st.lists(st.tuples(NAMES, st.one_of(TEXT, OCTETS)), max_size=12)
STARTS: st.SearchStrategy[Request | Response] = st.one_of(
    st.builds(Request, st.one_of(st.sampled_from(sorted(METHODS)), TOKEN), st.just("sip:h")),
    st.builds(Response, st.integers(100, 699), PHRASE),
)


@given(STARTS, FIELDS, st.binary())
def test_what_is_written_reads_back_as_it_was(
    message: Request | Response, fields: list[tuple[str, str]], body: bytes
) -> None:
    seen: set[str] = set()
    for key, value in fields:
        if key not in seen:
            message.add(key, value)
        seen.add(key)
    message.body = body
    again = parse(message.serialise())
    assert again == message
    assert again.serialise() == message.serialise()


PIECES = st.sampled_from(
    [b"INVITE", b"SIP/2.0", b" ", b"200", b"sip:h", b"\r\n", b"\r\n\r\n", b":", b";", b"Via", b"v", b"l", b"From", b"0",
     b"Content-Length", b"-1", b"\r", b"\n", b"\0", b"\t", b"\xff", b'"', b"<", b">", b"z9hG4bK", b"SIP/2.0/UDP h"]
)  # fmt: skip


@given(st.one_of(st.binary(), st.lists(PIECES, max_size=30).map(b"".join)))
@example(b"\r\n")
@example(b"INVITE sip:h SIP/2.0\r\n\r\n")
def test_no_datagram_raises_anything_but_bad_message(data: bytes) -> None:
    try:
        message = parse(data)
    except BadMessage as fault:
        if fault.message is not None:
            fault.message.serialise()
        return
    assert parse(message.serialise()) == message


@given(st.data())
def test_one_octet_changed_raises_nothing_but_bad_message(data: st.DataObject) -> None:
    raw = bytearray(datagram(b"Content-Length: 5", b"Subject: one\r\n two", body=b"hello"))
    raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    with suppress(BadMessage):
        parse(bytes(raw))


# ------------------------------------------------------------------------------- an independent parser agrees

HOSTS = st.one_of(
    st.sampled_from(["example.com", "a.b.example", "localhost"]),
    st.ip_addresses(v=4).map(str),
    st.ip_addresses(v=6).map(lambda a: f"[{a}]"),
)
PORTS = st.one_of(st.just(""), st.integers(1, 65535).map(lambda port: f":{port}"))
USERS = st.text("abcXYZ0123456789+-_.!~*'()&=$,", min_size=1, max_size=10)
PARAMS = st.lists(
    st.tuples(st.text("abcxyz", min_size=3, max_size=6), st.text("abc019-.", max_size=5)),
    max_size=3,
    unique_by=lambda p: p[0],
).map(lambda pairs: "".join(f";{name}={value}" if value else f";{name}" for name, value in pairs))
SIP_URIS = st.builds("sip:{}@{}{}{}".format, USERS, HOSTS, PORTS, PARAMS)
DISPLAY = st.one_of(
    st.just(""),
    st.sampled_from(["Alice ", "Alice Smith "]),
    st.text("abc,;<>@é", min_size=1, max_size=8).map(lambda text: f'"{text}" '),
)
ADDRESSES = st.builds("{}<{}>{}".format, DISPLAY, SIP_URIS, PARAMS)
BRANCHES = st.text("abcXYZ019-.!*_+`'~", max_size=8)  # "%" is no escape here, but the other parser takes it for one
VIAS = st.builds(
    "SIP/2.0/{} {}{};branch=z9hG4bK{}{}".format, st.sampled_from(["UDP", "TCP", "TLS"]), HOSTS, PORTS, BRANCHES, PARAMS
)


@given(
    uri=SIP_URIS,
    vias=st.lists(VIAS, min_size=1, max_size=3),
    came_from=ADDRESSES,
    to=ADDRESSES,
    contacts=st.lists(ADDRESSES, min_size=1, max_size=3),
    number=st.integers(0, 2**31 - 1),
    method=st.sampled_from(sorted(METHODS)),
    body=st.binary(max_size=20),
    commas=st.booleans(),
)
def test_an_independent_parser_reads_the_same(
    uri: str,
    vias: list[str],
    came_from: str,
    to: str,
    contacts: list[str],
    number: int,
    method: str,
    body: bytes,
    commas: bool,
) -> None:
    ours = Request(method, uri)
    for via in [", ".join(vias)] if commas else vias:
        ours.add("via", via)
    ours.add("from", f"{came_from};tag=ours")
    ours.add("to", to)
    ours.add("call-id", "c@h")
    ours.add("cseq", f"{number} {method}")
    for contact in contacts:
        ours.add("contact", contact)
    ours.body = body
    data = ours.serialise()
    mine = parse(data)
    theirs = sipmessage.Message.parse(data)

    assert isinstance(mine, Request)
    assert isinstance(theirs, sipmessage.Request)
    assert (mine.method, mine.body) == (theirs.method, theirs.body)
    mine_uri = parse_uri(mine.uri)
    assert isinstance(mine_uri, SipUri)
    assert (mine_uri.user, mine_uri.port) == (theirs.uri.user, theirs.uri.port)
    assert mine_uri.host_port == (
        theirs.uri.host if theirs.uri.port is None else f"{theirs.uri.host}:{theirs.uri.port}"
    )

    value = mine.get("via")
    assert value is not None
    top, their_top = parse_via(value), theirs.via[0]
    assert (top.transport, top.branch) == (their_top.transport, their_top.parameters["branch"])
    assert (top.host, top.port or None) == (their_top.host.strip("[]"), their_top.port)

    cseq = parse_cseq(mine.first["cseq"])
    assert (cseq.number, cseq.method) == (theirs.cseq.sequence, theirs.cseq.method)
    assert tag_of(mine.first["from"]) == theirs.from_address.parameters["tag"] == "ours"
    assert tag_of(mine.first["to"]) == ""
    for key, their_address in (("from", theirs.from_address), ("to", theirs.to_address)):
        assert_same_address(mine.first[key], their_address)
    for contact, their_address in zip(mine.all("contact"), theirs.contact, strict=True):
        assert_same_address(contact, their_address)


def assert_same_address(value: str, theirs: sipmessage.Address) -> None:
    display, uri, params = parse_name_addr(value, "X")
    assert display.strip('"') == theirs.name
    assert sipmessage.URI.parse(uri) == theirs.uri
    assert {name: param(params, name) for name in theirs.parameters} == {
        name: value or "" for name, value in theirs.parameters.items()
    }


# ------------------------------------------------------------------------------- lines seen lately


def test_a_line_seen_before_reads_the_same() -> None:
    # Known lines are remembered: neither their key nor their order may come from the message that had them first.
    lines = (b"Subject : one", b"Route: <sip:a>", b"X-A : 1", b"route: <sip:b>")
    first = request(*lines)
    again = request(*reversed(lines))
    assert request(*lines).fields == first.fields
    assert again.fields[6:] == list(reversed(first.fields[6:]))
    assert b"\r\nX-A: 1\r\n" in again.serialise()


def test_what_is_remembered_of_lines_is_bounded() -> None:
    for i in range(5_000):
        parse(b"OPTIONS sip:h SIP/2.0\r\nCall-ID: %d\r\nSubject: %s\r\n\r\n" % (i, b"x" * 300))
    assert 0 < len(message_module._lately) <= message_module._MOST_LINES
    assert max(map(len, message_module._lately)) <= LONGEST


@pytest.mark.parametrize(
    ("phrase", "read"),
    [
        (b"\x1b]0;owned\x07\x1b[2J", "?]0;owned??[2J"),
        (b"a\x01b\x7fc\x08", "a?b?c?"),
        (b"C1 \xc2\x9b31m as octet \x9b31m", "C1 ?31m as octet ?31m"),
        (b"Besetzt\t\xc3\xa4\xe2\x82\xac 100%", "Besetzt\t\u00e4\u20ac 100%"),
        (b"Latin \xe4", "Latin \udce4"),
    ],
)
def test_a_reason_phrase_has_no_control_characters(phrase: bytes, read: str) -> None:
    response = parse(b"SIP/2.0 486 " + phrase + b"\r\nFrom: <sip:a@h>;tag=1\r\n\r\n")
    assert isinstance(response, Response)
    assert response.reason == read
