import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_router.sip.sdp import (
    BadSdp,
    Origin,
    find_sdp,
    inactive_answer,
    inactive_offer,
    is_sdp,
    origin,
    own_origin,
    still_fits,
)

OFFER = (
    b"v=0\r\n"
    b"o=alice 2890844526 7 IN IP4 192.0.2.1\r\n"
    b"s=-\r\n"
    b"c=IN IP4 192.0.2.1\r\n"
    b"t=0 0\r\n"
    b"m=audio 49170 RTP/AVP 0 8 101\r\n"
    b"a=rtpmap:0 PCMU/8000\r\n"
    b"a=rtpmap:101 telephone-event/8000\r\n"
    b"a=sendrecv\r\n"
)


def offer(*media: bytes) -> bytes:
    return OFFER[: OFFER.index(b"m=")] + b"".join(line + b"\r\n" for line in media)


def media_of(answer: bytes) -> list[bytes]:
    lines = answer.split(b"\r\n")
    assert lines.pop() == b""
    return lines[next((i for i, line in enumerate(lines) if line.startswith(b"m=")), len(lines)) :]


# ------------------------------------------------------------------------------- the answer


def test_the_answer_to_a_plain_offer() -> None:
    assert inactive_answer(OFFER, "198.51.100.9", 42, 3) == (
        b"v=0\r\n"
        b"o=- 42 3 IN IP4 198.51.100.9\r\n"
        b"s=-\r\n"
        b"c=IN IP4 198.51.100.9\r\n"
        b"t=0 0\r\n"
        b"m=audio 9 RTP/AVP 0\r\n"
        b"a=rtpmap:0 PCMU/8000\r\n"
        b"a=inactive\r\n"
    )


def test_every_stream_is_answered_in_its_place() -> None:
    answer = inactive_answer(
        offer(
            b"m=video 51372 RTP/AVP 31 32",
            b"a=rtpmap:31 H261/90000",
            b"m=audio 0 RTP/AVP 0",
            b"m=audio 49170/2 RTP/AVP 8",
            b"m=audio 49180 RTP/AVP 0",
            b"m=application 9 UDP/BFCP *",
        ),
        "192.0.2.9",
        1,
    )
    assert media_of(answer) == [
        b"m=video 0 RTP/AVP 31",
        b"m=audio 0 RTP/AVP 0",
        b"m=audio 9 RTP/AVP 8",
        b"a=inactive",
        b"m=audio 0 RTP/AVP 0",
        b"m=application 0 UDP/BFCP *",
    ]


def test_a_dynamic_codec_brings_its_rtpmap_of_its_own_stream() -> None:
    answer = inactive_answer(
        offer(
            b"m=video 4 RTP/AVP 96",
            b"a=rtpmap:96 VP8/90000",
            b"m=audio 6 RTP/AVP 96 0",
            b"a=rtpmap:96 opus/48000/2",
            b"a=fmtp:96 useinbandfec=1",
        ),
        "192.0.2.9",
        1,
    )
    assert media_of(answer)[1:] == [b"m=audio 9 RTP/AVP 96", b"a=rtpmap:96 opus/48000/2", b"a=inactive"]


def test_dtmf_and_comfort_noise_are_no_codec_to_answer_with() -> None:
    answer = inactive_answer(
        offer(b"m=audio 6 RTP/AVP 101 13 105 18", b"a=rtpmap:101 Telephone-Event/8000", b"a=rtpmap:105 CN/16000"),
        "192.0.2.9",
        1,
    )
    assert media_of(answer) == [b"m=audio 9 RTP/AVP 18", b"a=inactive"]


def test_an_offer_of_dtmf_alone_is_answered_with_it() -> None:
    lines = media_of(inactive_answer(offer(b"m=audio 6 RTP/AVP 101", b"a=rtpmap:101 telephone-event/8000"), "h", 1))
    assert lines[0] == b"m=audio 9 RTP/AVP 101"


def test_times_are_those_of_the_offer() -> None:
    timed = OFFER.replace(b"t=0 0\r\n", b"t=1 2\r\nr=7d 1h 0\r\nt=3 4\r\n")
    assert b"\r\nt=1 2\r\nr=7d 1h 0\r\nt=3 4\r\nm=" in inactive_answer(timed, "192.0.2.9", 1)
    assert b"\r\nt=0 0\r\nm=" in inactive_answer(OFFER.replace(b"t=0 0\r\n", b""), "192.0.2.9", 1)


def test_ipv6_and_names() -> None:
    assert b"o=- 1 1 IN IP6 2001:db8::1\r\n" in inactive_answer(OFFER, "2001:db8::1", 1)
    assert b"c=IN IP6 2001:db8::1\r\n" in inactive_offer("2001:db8::1", 1)
    assert b"c=IN IP4 edge.example.com\r\n" in inactive_offer("edge.example.com", 1)


def test_lf_line_ends_and_no_last_one() -> None:
    expected = inactive_answer(OFFER, "192.0.2.9", 1)
    assert inactive_answer(OFFER.replace(b"\r\n", b"\n"), "192.0.2.9", 1) == expected
    assert inactive_answer(OFFER.rstrip(b"\r\n"), "192.0.2.9", 1) == expected
    assert inactive_answer(OFFER.replace(b"\r\n", b"\n").rstrip(b"\n"), "192.0.2.9", 1) == expected


def test_an_offer_needs_no_connection_line() -> None:
    assert inactive_answer(OFFER.replace(b"c=IN IP4 192.0.2.1\r\n", b""), "192.0.2.9", 1)


def test_a_huge_fmtp_is_not_given_back() -> None:
    huge = OFFER + b"a=fmtp:0 " + b"x" * 60_000 + b"\r\n"
    assert inactive_answer(huge, "192.0.2.9", 1) == inactive_answer(OFFER, "192.0.2.9", 1)


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        b"\r\n",
        b"v=0\r\n",
        b"hello",
        OFFER[5:],
        offer(),
        offer(b"m=audio"),
        offer(b"m=audio 49170"),
        offer(b"m=audio 49170 RTP/AVP"),
        offer(b"m=audio 49170 RTP/AVP "),
        offer(b"m= 49170 RTP/AVP 0"),
        offer(b"m=audio x RTP/AVP 0"),
        offer(b"m=audio -1 RTP/AVP 0"),
        offer(b"m=audio 65536 RTP/AVP 0"),
        offer(b"m=audio 4294967301 RTP/AVP 0"),
        offer(b"m=audio 1 RTP/AVP 0\r"),
        offer(b"m=audio 1 RTP/AVP 0\0"),
        offer(b"m=audio 1 RTP/AVP \xff"),
        offer(b"m=audio 0 RTP/AVP 0"),
        offer(b"m=video 1 RTP/AVP 31"),
        offer(b"m=audio 1 RTP/SAVP 0", b"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x"),
        offer(b"m=audio 1 UDP/TLS/RTP/SAVPF 0"),
        offer(b"m=audio 1 RTP/AVP 0", b"a=x\ry"),
        offer(b"m=audio 1 RTP/AVP 0", b"a=x\0y"),
        OFFER + b"m=video 1 RTP/AVP 31\r\n" * 64,
    ],
)
def test_offers_that_can_not_be_answered(bad: bytes) -> None:
    with pytest.raises(BadSdp) as caught:
        inactive_answer(bad, "192.0.2.9", 1)
    assert str(caught.value).isprintable()


def test_the_number_of_streams_is_bounded() -> None:
    assert len(media_of(inactive_answer(OFFER + b"m=video 1 RTP/AVP 31\r\n" * 2, "h", 1, max_media=3))) == 5
    with pytest.raises(BadSdp):
        inactive_answer(OFFER + b"m=video 1 RTP/AVP 31\r\n" * 2, "h", 1, max_media=2)


@pytest.mark.parametrize("host", ["", "1.2.3.4\r\na=sendrecv", "1.2.3.4 5"])
def test_our_own_host_is_checked(host: str) -> None:
    with pytest.raises(BadSdp):
        inactive_answer(OFFER, host, 1)
    with pytest.raises(BadSdp):
        inactive_offer(host, 1)


# ------------------------------------------------------------------------------- the offer


def test_the_offer() -> None:
    assert inactive_offer("198.51.100.9", 42, 3) == (
        b"v=0\r\n"
        b"o=- 42 3 IN IP4 198.51.100.9\r\n"
        b"s=-\r\n"
        b"c=IN IP4 198.51.100.9\r\n"
        b"t=0 0\r\n"
        b"m=audio 9 RTP/AVP 0 8\r\n"
        b"a=rtpmap:0 PCMU/8000\r\n"
        b"a=rtpmap:8 PCMA/8000\r\n"
        b"a=inactive\r\n"
    )


def test_our_offer_can_be_answered_by_ourselves() -> None:
    assert media_of(inactive_answer(inactive_offer("192.0.2.1", 1), "192.0.2.2", 2)) == [
        b"m=audio 9 RTP/AVP 0",
        b"a=rtpmap:0 PCMU/8000",
        b"a=inactive",
    ]


# ------------------------------------------------------------------------------- the o= line


def test_origin_is_read() -> None:
    assert origin(OFFER) == Origin("alice", "2890844526", 7, "IP4", "192.0.2.1")
    assert origin(OFFER.replace(b"\r\n", b"\n")) == origin(OFFER)
    assert origin(b"o=- 1 2 IN IP6 ::1") == Origin("-", "1", 2, "IP6", "::1")


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        b"o=",
        b"o=a 1 2 IN IP4",
        b"o=a 1 2 IN IP4 h x",
        b"o=a 1  2 IN IP4 h",
        b"o=a 1 x IN IP4 h",
        b"o=a 1 -2 IN IP4 h",
        b"o=a 1 " + b"9" * 5000 + b" IN IP4 h",
        b"o=a 1 2 IN IP4 h\x01",
        b"o=\xff 1 2 IN IP4 h",
        "o=a 1 ² IN IP4 h".encode(),
        b"v=0\r\nm=audio 1 RTP/AVP 0\r\no=a 1 2 IN IP4 h\r\n",
        b"v=0\r\ns=o=a 1 2 IN IP4 h\r\n",
    ],
)
def test_no_origin(bad: bytes) -> None:
    assert origin(bad) is None


OWN = Origin("-", "99", 8, "IP6", "2001:db8::9")
OWN_LINE = b"o=- 99 8 IN IP6 2001:db8::9"


def test_only_the_origin_line_is_replaced() -> None:
    own = own_origin(OFFER, OWN)
    assert own == OFFER.replace(b"o=alice 2890844526 7 IN IP4 192.0.2.1\r\n", OWN_LINE + b"\r\n")
    known = origin(OFFER)
    assert known is not None
    assert own_origin(own, known) == OFFER


def test_line_ends_stay_as_they_came() -> None:
    assert own_origin(b"v=0\no=a 1 2 IN IP4 h\ns=-", OWN) == b"v=0\n" + OWN_LINE + b"\ns=-"
    assert own_origin(b"o=a 1 2 IN IP4 h", OWN) == OWN_LINE
    assert own_origin(b"o=\r\n", OWN) == OWN_LINE + b"\r\n"


def test_a_malformed_origin_line_is_replaced_too() -> None:
    assert own_origin(b"v=0\r\no=nonsense\r\n", OWN) == b"v=0\r\n" + OWN_LINE + b"\r\n"


def test_a_body_without_origin_stays_as_it_is() -> None:
    assert own_origin(b"v=0\r\ns=-\r\n", OWN) == b"v=0\r\ns=-\r\n"
    assert own_origin(b"", OWN) == b""
    assert own_origin(OFFER, OWN, "application/isup") == OFFER


@pytest.mark.parametrize("field", ["username", "session_id", "address_type", "address"])
@pytest.mark.parametrize("value", ["", "a b", "a\r\nb", "a\n", "a\0"])
def test_our_own_fields_are_checked(field: str, value: str) -> None:
    fields = OWN._asdict() | {field: value}
    with pytest.raises(BadSdp):
        own_origin(OFFER, Origin(**fields))


# ------------------------------------------------------------------------------- where the SDP is


@pytest.mark.parametrize("kind", ["application/sdp", "Application/SDP", " application/sdp ; charset=utf-8"])
def test_is_sdp(kind: str) -> None:
    assert is_sdp(kind)
    assert find_sdp(kind, OFFER) == (0, len(OFFER))


@pytest.mark.parametrize("kind", [None, "", "application/sdpx", "application/sdp-x", "text/plain", "multipart/mixed"])
def test_is_not_sdp(kind: str | None) -> None:
    assert not is_sdp(kind)
    assert find_sdp(kind, OFFER) is None


def multipart(*parts: bytes, boundary: bytes = b"b1", preamble: bytes = b"") -> bytes:
    body = preamble + b"".join(b"--" + boundary + b"\r\n" + part + b"\r\n" for part in parts)
    return body + b"--" + boundary + b"--\r\n"


TEXT_PART = b"Content-Type: text/plain\r\n\r\no=not this one"
SDP_PART = b"content-type : Application/SDP\r\nContent-Disposition: session\r\n\r\n" + OFFER


@pytest.mark.parametrize(
    "kind",
    [
        "multipart/mixed;boundary=b1",
        'Multipart/Mixed; Boundary="b1"',
        "multipart/mixed; charset=x ; boundary = b1",
        "multipart/alternative;boundary=b1;x=y",
    ],
)
def test_the_sdp_in_a_multipart_body(kind: str) -> None:
    body = multipart(TEXT_PART, b"\r\nno headers", SDP_PART)
    found = find_sdp(kind, body)
    assert found is not None
    assert body[slice(*found)] == OFFER


def test_the_origin_in_a_multipart_body() -> None:
    body = multipart(TEXT_PART, SDP_PART, SDP_PART, preamble=b"o=nor this\r\n")
    own = own_origin(body, OWN, "multipart/mixed;boundary=b1")
    assert own == body.replace(b"o=alice 2890844526 7 IN IP4 192.0.2.1", OWN_LINE, 1)


def test_a_multipart_body_that_is_cut_off() -> None:
    body = multipart(TEXT_PART, SDP_PART)
    cut = body[: body.index(b"a=sendrecv")]
    found = find_sdp("multipart/mixed;boundary=b1", cut)
    assert found is not None
    assert cut[slice(*found)] == OFFER[: OFFER.index(b"a=sendrecv")]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--b1",
        b"--b1--",
        OFFER,
        multipart(),
        multipart(TEXT_PART),
        multipart(SDP_PART, boundary=b"other"),
        multipart(b"Content-Type: application/sdp\r\nContent-Transfer-Encoding: base64\r\n\r\ndj0w"),
        multipart(*[TEXT_PART] * 16, SDP_PART),
        b"--b1--\r\n" + multipart(SDP_PART),
        multipart(b"Content-Type: multipart/mixed;boundary=b2\r\n\r\n" + multipart(SDP_PART, boundary=b"b2")),
    ],
)
def test_multipart_bodies_without_usable_sdp(body: bytes) -> None:
    assert find_sdp("multipart/mixed;boundary=b1", body) is None


@pytest.mark.parametrize("parameter", ["", ";boundary", ";boundary=", ';boundary=""', ";boundary=" + "x" * 71])
def test_multipart_without_a_usable_boundary(parameter: str) -> None:
    assert find_sdp("multipart/mixed" + parameter, multipart(SDP_PART)) is None


# ------------------------------------------------------------------------------- anything at all

LINES = st.sampled_from(
    [b"v=0", b"o=a 1 2 IN IP4 h", b"o=", b"s=-", b"t=0 0", b"c=IN IP4 h", b"m=audio 9 RTP/AVP 0 8", b"m=audio",
     b"m=video 0 RTP/AVP 31", b"a=rtpmap:0 PCMU/8000", b"a=rtpmap:", b"", b"--b1", b"--b1--",
     b"Content-Type: application/sdp", b"\xff\0"]
)  # fmt: skip
BODIES = st.one_of(
    st.binary(),
    st.tuples(st.lists(LINES, max_size=12), st.sampled_from([b"\r\n", b"\n", b"\r"])).map(
        lambda drawn: drawn[1].join(drawn[0])
    ),
)


@given(BODIES, st.sampled_from(["application/sdp", "multipart/mixed;boundary=b1", "text/plain"]))
def test_no_body_raises_anything_but_bad_sdp(body: bytes, kind: str) -> None:
    origin(body)
    own = own_origin(body, OWN, kind)
    assert own_origin(own, OWN, kind) == own
    try:
        answer = inactive_answer(body, "192.0.2.9", 1)
    except BadSdp:
        return
    assert answer.count(b"\r\n") == answer.count(b"\n") == answer.count(b"\r")
    assert answer.count(b"\r\nm=") == ("\n" + body.decode("latin-1")).count("\nm=")
    assert answer.count(b"a=inactive") == 1


# ------------------------------------------------------------------------------------------------ who has moved

VIDEO = (b"m=video 5000 RTP/AVP 96", b"a=rtpmap:96 H264/90000")
NO_VIDEO = (b"m=video 0 RTP/AVP 96",)
AUDIO = b"m=audio 4000 RTP/AVP 0 8 101"
DTMF = b"a=rtpmap:101 telephone-event/8000"


KEYS = (b"a=crypto:1 S1 inline:a", b"a=crypto:2 S2 inline:b")
PRINT = b"a=fingerprint:sha-256 AB:CD"


@pytest.mark.parametrize(
    ("told", "theirs", "answer"),
    [
        ((AUDIO, DTMF), (AUDIO, DTMF), (AUDIO, DTMF)),
        # who was told more than he uses
        ((AUDIO, DTMF), (b"m=audio 9 RTP/AVP 0",), (b"m=audio 4000 RTP/AVP 0",)),
        ((AUDIO, *VIDEO), (b"m=audio 9 RTP/AVP 0", *NO_VIDEO), (b"m=audio 4000 RTP/AVP 0", *NO_VIDEO)),
        # the same in other words
        (
            (AUDIO, DTMF),
            (AUDIO, DTMF),
            (AUDIO, b"a=rtpmap:8 PCMA/8000", DTMF.upper().replace(b"A=RTPMAP", b"a=rtpmap")),
        ),
        ((AUDIO, b"a=sendrecv"), (AUDIO,), (b"c=IN IP4 192.0.2.1", AUDIO)),
        ((AUDIO, b"c=IN IP4 224.2.1.1/127"), (AUDIO,), (AUDIO, b"c=IN IP4 224.2.1.1/64")),
        # keys, by whichever number, of several or of the session
        ((AUDIO, *KEYS), (AUDIO, b"a=crypto:2 S2 inline:c"), (AUDIO, b"a=crypto:1 S2 inline:b")),
        ((PRINT, AUDIO), (AUDIO,), (AUDIO, PRINT)),
        # one listens alone, and the other knows
        ((AUDIO,), (AUDIO, b"a=sendonly"), (AUDIO, b"a=recvonly")),
        ((AUDIO, b"a=inactive"), (AUDIO, b"a=inactive"), (b"a=inactive", AUDIO)),
        # what can't be told apart
        ((AUDIO,), (AUDIO,), (b"m=audio many RTP/AVP 0",)),
    ],
)
def test_an_answer_that_is_what_the_other_knew(
    told: tuple[bytes, ...], theirs: tuple[bytes, ...], answer: tuple[bytes, ...]
) -> None:
    assert still_fits(offer(*told), offer(*theirs), offer(*answer))


@pytest.mark.parametrize(
    ("told", "theirs", "answer"),
    [
        ((AUDIO,), (AUDIO,), (AUDIO.replace(b"4000", b"4002"),)),
        ((AUDIO,), (AUDIO,), (AUDIO, b"c=IN IP4 192.0.2.9")),
        ((AUDIO,), (AUDIO,), (AUDIO.replace(b"AVP", b"AVPF"),)),
        ((AUDIO,), (AUDIO,), (AUDIO.replace(b" 8", b""),)),
        ((AUDIO, *KEYS), (AUDIO, b"a=crypto:2 S2 inline:c"), (AUDIO, b"a=crypto:2 S2 inline:d")),
        ((AUDIO, PRINT), (AUDIO,), (AUDIO, PRINT.replace(b"AB", b"AC"))),
        ((PRINT, AUDIO), (AUDIO,), (PRINT.replace(b"AB", b"AC"), AUDIO)),
        ((AUDIO, DTMF), (AUDIO, DTMF), (AUDIO, b"a=rtpmap:101 CN/16000")),
        ((AUDIO,), (AUDIO,), (AUDIO, b"a=sendonly")),
        ((AUDIO,), (AUDIO,), (AUDIO, b"a=recvonly")),
        ((AUDIO,), (AUDIO,), (AUDIO.replace(b"4000", b"0"),)),
        ((AUDIO, *VIDEO), (AUDIO, *VIDEO), (AUDIO, *NO_VIDEO)),
        ((AUDIO,), (AUDIO, *VIDEO), (AUDIO, *VIDEO)),
    ],
)
def test_an_answer_that_the_other_must_hear_of(
    told: tuple[bytes, ...], theirs: tuple[bytes, ...], answer: tuple[bytes, ...]
) -> None:
    assert not still_fits(offer(*told), offer(*theirs), offer(*answer))


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_whatever_is_said_of_media_is_compared(told: bytes, answer: bytes) -> None:
    still_fits(told, answer, told)
    still_fits(offer(AUDIO), offer(AUDIO), OFFER + answer)
