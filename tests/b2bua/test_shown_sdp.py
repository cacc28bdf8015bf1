from edge_router.b2bua.messages.shown_sdp import ShownSdp
from edge_router.sip.sdp import Origin, origin

KIND = "application/sdp"


def body(username: str, session_id: int, version: int, host: str = "192.0.2.1") -> bytes:
    return f"v=0\r\no={username} {session_id} {version} IN IP4 {host}\r\ns=-\r\nt=0 0\r\n".encode()


def test_one_source_passes_untouched() -> None:
    shown = ShownSdp("first", body("a", 1, 1))
    for again in (body("a", 1, 1), body("a", 1, 2), body("a", 9, 9)):
        assert shown.next("first", again, KIND) == again


def test_a_second_source_speaks_under_the_name_that_the_leg_knows() -> None:
    # RFC 3264 §8: all of the o= line stays, also the address, and the version counts by one.
    shown = ShownSdp("first", body("a", 1, 7))
    assert shown.next("second", body("b", 2, 50, "192.0.2.2"), KIND) == body("a", 1, 8)
    assert shown.next("second", body("b", 2, 51, "192.0.2.2"), KIND) == body("a", 1, 9)
    assert shown.next("first", body("a", 1, 8), KIND) == body("a", 1, 10)


def test_the_same_text_has_the_same_version() -> None:
    shown = ShownSdp("first", body("a", 1, 7))
    assert shown.next("second", body("a", 1, 7), KIND) == body("a", 1, 7)
    for _ in range(2):
        assert shown.next("second", body("b", 2, 50), KIND) == body("a", 1, 8)
    assert shown.next("second", body("b", 2, 51), KIND) == body("a", 1, 9)


def test_a_second_source_comes_after_all_that_the_first_has_said() -> None:
    shown = ShownSdp("first", body("a", 1, 7))
    shown.next("first", body("a", 1, 9), KIND)
    assert shown.next("second", body("b", 2, 50), KIND) == body("a", 1, 10)


def test_what_is_no_sdp_counts_nothing() -> None:
    shown = ShownSdp("first", body("a", 1, 7))
    assert shown.next("second", b"Hello", "text/plain") == b"Hello"
    assert shown.next("second", body("b", 2, 50), KIND) == body("a", 1, 8)


def test_what_is_below_the_origin_is_the_second_sources() -> None:
    shown = ShownSdp("first", body("a", 1, 7))
    media = b"m=audio 4 RTP/AVP 0\r\n"
    assert shown.next("second", body("b", 2, 50) + media, KIND) == body("a", 1, 8) + media


def test_a_multipart_body() -> None:
    shown = ShownSdp("first", body("a", 1, 7))
    mixed = b"--x\r\nContent-Type: application/sdp\r\n\r\n" + body("b", 2, 50) + b"\r\n--x--\r\n"
    found = shown.next("second", mixed, "multipart/mixed;boundary=x")
    assert origin(found[found.index(b"v=0") :]) == Origin("a", "1", 8, "IP4", "192.0.2.1")


def test_a_first_body_without_origin_leaves_the_second_as_it_is() -> None:
    shown = ShownSdp("first", b"v=0\r\n")
    assert shown.next("second", body("b", 2, 50), KIND) == body("b", 2, 50)
