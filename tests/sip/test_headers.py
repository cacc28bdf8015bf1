from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_router.sip.errors import BadMessage
from edge_router.sip.headers import (
    MAX_CSEQ,
    CSeq,
    NameAddr,
    branch_of,
    first_of,
    param,
    parse_cseq,
    parse_name_addr,
    parse_rack,
    parse_rseq,
    parse_small_number,
    parse_via,
    split_list,
    tag_of,
)

# ------------------------------------------------------------------------------- lists and parameters


@pytest.mark.parametrize(
    ("value", "items"),
    [
        ("", [""]),
        ("a", ["a"]),
        ("a, b ,\tc", ["a", "b", "c"]),
        ('"a, b" <sip:x>, <sip:y,z>;p="q,r"', ['"a, b" <sip:x>', '<sip:y,z>;p="q,r"']),
        (r'"a\", b" <sip:x>, c', [r'"a\", b" <sip:x>', "c"]),
        (r'"a\\", b', [r'"a\\"', "b"]),
        ('"<", b', ['"<"', "b"]),
        (",,", ["", "", ""]),
        ('"never closed, b', ['"never closed, b']),
        ("<never closed, b", ["<never closed, b"]),
        ('"never closed \\\\', ['"never closed \\\\']),
        (r'"a\\\", b", c', [r'"a\\\", b"', "c"]),
        ('<a;x=">,">, b', ['<a;x=">,">', "b"]),
        ("a>, b", ["a>", "b"]),
        (r'\", b", c', [r'\", b"', "c"]),
        ("<a>,", ["<a>", ""]),
        (",<a>,,", ["", "<a>", "", ""]),
    ],
)
def test_split_list(value: str, items: list[str]) -> None:
    assert split_list(value) == items
    assert first_of(value) == items[0]


@pytest.mark.parametrize(
    ("params", "value"),
    [
        (";tag=1", "1"),
        (";x=2;tag=1;tag=3", "1"),
        (";TAG = 1 ", "1"),
        (";\ttag\t=\t1", "1"),
        (";tag", ""),
        (";tag=", ""),
        (';tag="a;b"', "a;b"),
        (';x=";tag=evil";tag=good', "good"),
        (r';x="\";tag=evil";tag=good', "good"),
        (";tagx=1", None),
        (";x=tag", None),
        ("", None),
        (';tag="', '"'),
        (";tag=a=b", "a=b"),
        ("tag=1", "1"),
        (';x="never closed;tag=1', None),
        (r';x="a\\\";tag=evil";tag=good', "good"),
        (";x=\u0130;TAG=1", "1"),
        (";;;tag=1;", "1"),
        (";tag ;x", ""),
        (";tag x=1", None),
    ],
)
def test_param(params: str, value: str | None) -> None:
    assert param(params, "tag") == value


def test_no_letter_but_ascii_stands_for_another_in_a_name() -> None:
    assert param(";cau\u017fe=1;CAUSE=2", "cause") == "2"


# ------------------------------------------------------------------------------- addresses


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("<sip:a@h>", ("", "sip:a@h", "")),
        ("<sip:a@h;lr>;tag=1", ("", "sip:a@h;lr", ";tag=1")),
        ("<sip:a@h> ;tag=1", ("", "sip:a@h", ";tag=1")),
        ('"A. Bell" <sip:a@h>', ('"A. Bell"', "sip:a@h", "")),
        ('"A. Bell"<sip:a@h>', ('"A. Bell"', "sip:a@h", "")),
        (r'"J \"R\" \\" <sip:a@h>', (r'"J \"R\" \\"', "sip:a@h", "")),
        ('"<sip:evil@h>" <sip:a@h>', ('"<sip:evil@h>"', "sip:a@h", "")),
        ("Alice B <sip:a@h>", ("Alice B", "sip:a@h", "")),
        ("caller<sip:a@h>", ("caller", "sip:a@h", "")),
        ("Зоя <sip:a@h>", ("Зоя", "sip:a@h", "")),
        ("<sip:a@h?Route=%3Csip:x%3E>", ("", "sip:a@h?Route=%3Csip:x%3E", "")),
        # Without brackets, parameters are the header's (RFC 3261 §20; RFC 4475 §3.3.12).
        ("sip:a@h;unknownparam", ("", "sip:a@h", ";unknownparam")),
        ("sip:a@h ;tag = 1", ("", "sip:a@h", ";tag = 1")),
        ("isbn:2983792873", ("", "isbn:2983792873", "")),
        ("<http://www.example.com>;tag=3", ("", "http://www.example.com", ";tag=3")),
        ("*", ("", "*", "")),
        (r'<sip:a@h>;x="\"";y="";z', ("", "sip:a@h", r';x="\"";y="";z')),
        ('sip:a@h;x=";"', ("", "sip:a@h", ';x=";"')),
        ('<sip:a@h>;x=">";tag=1', ("", "sip:a@h", ';x=">";tag=1')),
    ],
)
def test_name_addr(value: str, expected: NameAddr) -> None:
    assert parse_name_addr(value, "From") == expected


@pytest.mark.parametrize(
    "value",
    [
        "",
        ";tag=1",
        "<>",
        "<sip:a@h",
        "< sip:a@h >",
        "<sip:a@h >",
        "<sip:a@h>x",
        "<sip:a@h>, <sip:b@h>",
        '"Mr. J. User <sip:a@h>',
        r'"Mr. J. User\" <sip:a@h>',
        '"Mr. J. User" sip:a@h',
        '"Mr. J. User"',
        '"A" B <sip:a@h>',
        "Bell, Alexander <sip:a@h>",
        "A. (Bell) <sip:a@h>",
        "A\x0bB <sip:a@h>",
        "\xe9 (Bell) <sip:a@h>",
        "sip:a @h",
        "sip:a@h, sip:b@h",
        # What is put behind a quote that isn't closed, such as a tag, would be taken for its value.
        '<sip:a@h>;x="y',
        '<sip:a@h>;x="y" ;z="\\"',
        'sip:a@h;x="y',
        # Nor does a bracket end the URI there, or a quote begin a name: the tag would be read as another.
        "<sip:a@h>;tag=x>",
        '<sip:a@h>;x="y>";tag=x>',
        "sip:a@h;tag=x>",
        'sip:a"@h;tag=x',
        "sip:a@h>;tag=x",
        '<sip:a"@h>;x="";tag=x',
        # With headers in the URI the brackets are needed (RFC 3261 §20.10).
        "sip:a@h?Route=%3Csip:x%3E",
    ],
)
def test_what_is_no_address(value: str) -> None:
    with pytest.raises(BadMessage) as caught:
        parse_name_addr(value, "From")
    assert caught.value.code == 400
    assert caught.value.why.startswith("From: ")


@pytest.mark.parametrize(
    ("value", "tag"),
    [
        ("<sip:a@h>;tag=1", "1"),
        ("sip:a@h;tag=1", "1"),
        ("sip:a@h ;   tag    = 1918181833n", "1918181833n"),
        ("<sip:a@h>;x=y;tag=1;z", "1"),
        ("<sip:a@h>;tag=1;z", "1"),
        ("<sip:a@h>;tag=1>z", ""),
        ("<sip:a@h> ; TAG=1", "1"),
        ("<sip:a@h;tag=uri>", ""),
        ("<sip:a@h;tag=uri>;tag=1", "1"),
        ('"x;tag=name" <sip:a@h>;tag=1', "1"),
        ('"x;tag=name" <sip:a@h>', ""),
        ("<sip:a@h>", ""),
        ("sip:a@h", ""),
        ("<sip:a@h>;tagged=1", ""),
        ('<sip:a@h>;x=";tag=evil";tag=1', "1"),
        ('"x" <sip:a@h>;x=";tag=evil"', ""),
        ('<sip:a@h>;x=">";tag=1', "1"),
        ('"x>" <sip:a@h>;x="<a>";tag=1;y="\\">"', "1"),
        ('<sip:a@h>;x=">;tag=evil"', ""),
        ("", ""),
    ],
)
def test_tag(value: str, tag: str) -> None:
    assert tag_of(value) == tag


# ------------------------------------------------------------------------------- Via


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("SIP/2.0/UDP h;branch=z9hG4bK1", ("UDP", "h", "h", 0, "z9hG4bK1", False)),
        ("SIP/2.0/udp h:5070;rport;branch=z9hG4bK1", ("UDP", "h:5070", "h", 5070, "z9hG4bK1", True)),
        ("SIP/2.0/TLS [2001:db8::1]:1;rport=9", ("TLS", "[2001:db8::1]:1", "2001:db8::1", 1, "", True)),
        ("SIP/2.0/TCP [2001:db8::1]", ("TCP", "[2001:db8::1]", "2001:db8::1", 0, "", False)),
        ("SIP/2.0/UNKNOWN h", ("UNKNOWN", "h", "h", 0, "", False)),
        ("SIP/2.0/UDP h;received=2001:db8::9;branch=b", ("UDP", "h", "h", 0, "b", False)),
        ("SIP/2.0/UDP h;received=[2001:db8::9];branch=b", ("UDP", "h", "h", 0, "b", False)),
        # All from RFC 4475 §3.1.1.1.
        ("SIP  /   2.0 /UDP 192.0.2.2;branch=390skdjuw", ("UDP", "192.0.2.2", "192.0.2.2", 0, "390skdjuw", False)),
        ("SIP  / 2.0  / TCP     h   ; branch  =   b  , SIP/2.0/UDP x", ("TCP", "h", "h", 0, "b", False)),
        ('SIP/2.0/UDP h;x="a,b;branch=evil";branch=b, SIP/2.0/UDP y;rport', ("UDP", "h", "h", 0, "b", False)),
    ],
)
def test_via(value: str, expected: tuple[str, str, str, int, str, bool]) -> None:
    via = parse_via(value)
    assert (via.transport, via.sent_by, via.host, via.port, via.branch, via.rport) == expected
    assert branch_of(value) == via.branch


@pytest.mark.parametrize(
    "value",
    [
        "",
        "SIP/2.0/UDP",
        "SIP/2.0/UDP ",
        "SIP/2.0 h",
        "SIP/2.0/ h",
        "SIP/7.0/UDP h",
        "HTTP/2.0/UDP h",
        "SIP/2.0/U(P h",
        "SIP/2.0/UDP ;branch=b",
        "SIP/2.0/UDP :5060",
        "SIP/2.0/UDP h:",
        "SIP/2.0/UDP h:0",
        "SIP/2.0/UDP h:65536",
        "SIP/2.0/UDP h:x",
        "SIP/2.0/UDP h:+50",
        "SIP/2.0/UDP h:\uff15",
        "SIP/2.0/UDP [::1",
        "SIP/2.0/UDP [::1]x",
        "SIP/2.0/UDP 192.0.2.15;;,;,,",
        "SIP/2.0/UDP h;",
        # What is put behind a quote that isn't closed, such as received, would be a part of it.
        'SIP/2.0/UDP h;branch=b"',
        'SIP/2.0/UDP h;x="a;rport',
    ],
)
def test_bad_via(value: str) -> None:
    with pytest.raises(BadMessage) as caught:
        parse_via(value)
    assert caught.value.code == 400


# ------------------------------------------------------------------------------- numbers


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("1 INVITE", CSeq(1, "INVITE")),
        ("0 ACK", CSeq(0, "ACK")),
        ("0009   INVITE", CSeq(9, "INVITE")),
        ("1\tINVITE", CSeq(1, "INVITE")),
        ("1 \t  INVITE", CSeq(1, "INVITE")),
        ("2147483647 X%-Y", CSeq(MAX_CSEQ, "X%-Y")),
    ],
)
def test_cseq(value: str, expected: CSeq) -> None:
    assert parse_cseq(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        "",
        "1",
        "INVITE",
        "INVITE 1",
        "-1 X",
        "+1 X",
        "1 ",
        "1 IN VITE",
        "1 IN\tVITE",
        "\t1 X",
        "1\x0bX",
        "1 (",
        "1_0 X",
        "\xb2 X",
    ]
    + [f"{number} X" for number in (2**31, 2**32 + 1, 2**65, "9" * 5000)],
)
def test_bad_cseq(value: str) -> None:
    with pytest.raises(BadMessage) as caught:
        parse_cseq(value)
    assert caught.value.code == 400


@pytest.mark.parametrize(
    ("value", "expected"),
    [("1", 1), ("0", 0), (str(2**32 - 1), 2**32 - 1), (str(2**32), 0), ("", 0), ("-1", 0), ("1 ", 0), ("9" * 5000, 0)],
)
def test_rseq(value: str, expected: int) -> None:
    assert parse_rseq(value) == expected


@pytest.mark.parametrize("value", ["776656 1 INVITE", "776656  1   INVITE", "776656\t1\tINVITE"])
def test_rack(value: str) -> None:
    assert parse_rack(value) == (776656, CSeq(1, "INVITE"))


@pytest.mark.parametrize("value", ["", "1", "1 INVITE", "1 1", "0 1 INVITE", "INVITE 1 1", "1 1 INVITE 1", "9" * 5000])
def test_bad_rack(value: str) -> None:
    with pytest.raises(BadMessage, match="RAck") as caught:
        parse_rack(value)
    assert caught.value.code == 400


def test_small_numbers() -> None:
    assert parse_small_number(None, "Max-Forwards", 70, 255) == 70
    assert parse_small_number("0068", "Max-Forwards", 70, 255) == 68
    assert parse_small_number("255", "Max-Forwards", 70, 255) == 255


@pytest.mark.parametrize("value", ["", "256", "-1", "+1", "1.0", "x", "\xb2", "9" * 5000])
def test_bad_small_numbers(value: str) -> None:
    with pytest.raises(BadMessage) as caught:
        parse_small_number(value, "Max-Forwards", 70, 255)
    assert (caught.value.code, caught.value.why.partition(":")[0]) == (400, "Max-Forwards")


PIECES = st.sampled_from(
    ["SIP/2.0/UDP", "SIP / 2.0 / TCP", " ", "\t", "h", "[::1]", ":", "5060", ";", "rport", "branch", "tag", "=", "a",
     ",", '"', "\\", "<", ">", "sip:a@b", "é", "\udcff", "*", "1 INVITE"]
)  # fmt: skip


@given(st.one_of(st.text(), st.lists(PIECES, max_size=14).map("".join)))
def test_no_value_raises_anything_but_bad_message(value: str) -> None:
    tag_of(value)
    branch_of(value)
    param(value, "tag")
    assert len(split_list(value)) <= value.count(",") + 1
    with suppress(BadMessage):
        parse_via(value)
    with suppress(BadMessage):
        parse_name_addr(value, "From")
    with suppress(BadMessage):
        parse_cseq(value)
    with suppress(BadMessage):
        parse_small_number(value, "Expires", 0, 10)
