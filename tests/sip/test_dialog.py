import pytest

from edge_router.sip.dialog import Dialog, contact_uri, route_set
from edge_router.sip.errors import BadMessage
from edge_router.sip.message import Message, Request, Response, parse

VIA = "SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKnew"


def message(start: str, *more: str) -> Message:
    return parse(
        "\r\n".join(
            (
                start,
                "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1",
                'From: "Alice" <sip:alice@example.com>;tag=a',
                "Call-ID: c@example.com",
                *more,
                "",
                "",
            )
        ).encode()
    )


def invite(*more: str) -> Request:
    request = message("INVITE sip:bob@example.net SIP/2.0", "To: <sip:bob@example.net>", "CSeq: 7 INVITE", *more)
    assert isinstance(request, Request)
    return request


def answer(*more: str) -> Response:
    response = message("SIP/2.0 200 OK", "To: <sip:bob@example.net>;tag=b", "CSeq: 1 INVITE", *more)
    assert isinstance(response, Response)
    return response


def in_dialog(number: int, method: str = "BYE") -> Request:
    request = message(f"{method} sip:bob@192.0.2.9 SIP/2.0", "To: <sip:bob@h>;tag=b", f"CSeq: {number} {method}")
    assert isinstance(request, Request)
    return request


CONTACT = "Contact: <sip:alice@192.0.2.1:5062;transport=udp>;+sip.instance=x"


def as_client() -> Dialog:
    return Dialog(
        "c@example.com",
        "<sip:alice@example.com>;tag=a",
        "a",
        "<sip:bob@example.net>",
        "sip:bob@example.net",
        (),
    )


def sent(dialog: Dialog, method: str = "BYE", headers: str = "", body: bytes = b"", seq: int | None = None) -> Request:
    request = parse(dialog.request(method, VIA, headers, body, seq))
    assert isinstance(request, Request)
    return request


# ------------------------------------------------------------------------------- the server's side


def test_the_dialog_of_an_invite_that_came_in() -> None:
    dialog = Dialog.as_server(invite(CONTACT), "b")
    assert (dialog.call_id, dialog.local_tag, dialog.remote_tag) == ("c@example.com", "b", "a")
    bye = sent(dialog)
    # RFC 3261 §12.2.1.1: From and To have changed sides.
    assert (bye.method, bye.uri) == ("BYE", "sip:alice@192.0.2.1:5062;transport=udp")
    assert bye.get("from") == "<sip:bob@example.net>;tag=b"
    assert bye.get("to") == '"Alice" <sip:alice@example.com>;tag=a'
    assert (bye.get("call-id"), bye.get("cseq")) == ("c@example.com", "1 BYE")
    assert bye.all("via") == [VIA]
    assert bye.get("max-forwards") == "70"
    assert bye.all("route") == []
    assert dialog.next_hop == bye.uri


def test_requests_are_counted() -> None:
    dialog = Dialog.as_server(invite(CONTACT), "b")
    assert [sent(dialog, method).get("cseq") for method in ("REFER", "NOTIFY", "BYE")] == [
        "1 REFER",
        "2 NOTIFY",
        "3 BYE",
    ]


def test_an_ack_has_the_number_of_its_invite() -> None:
    dialog = as_client()
    assert sent(dialog, "INVITE").get("cseq") == "1 INVITE"
    assert sent(dialog, "INFO").get("cseq") == "2 INFO"
    assert sent(dialog, "ACK", seq=1).get("cseq") == "1 ACK"
    assert sent(dialog, "BYE").get("cseq") == "3 BYE"


def test_headers_and_body_of_a_request() -> None:
    dialog = Dialog.as_server(invite(CONTACT), "b")
    request = sent(dialog, "INFO", "Content-Type: text/plain\r\n", "Grüße".encode())
    assert (request.get("content-type"), request.body) == ("text/plain", "Grüße".encode())


def test_octets_that_are_no_utf8_come_back_in_requests() -> None:
    raw = invite(CONTACT).serialise().replace(b'"Alice"', b'"Al\xefce"')
    request = parse(raw)
    assert isinstance(request, Request)
    assert b'To: "Al\xefce" <sip:alice@example.com>;tag=a\r\n' in Dialog.as_server(request, "b").request("BYE", VIA)


# ------------------------------------------------------------------------------- the client's side


def test_the_client_learns_the_dialog_from_the_answer() -> None:
    dialog = as_client()
    dialog.learn(answer("Contact: <sip:bob@192.0.2.2>"))
    assert dialog.remote_tag == "b"
    bye = sent(dialog)
    assert bye.uri == "sip:bob@192.0.2.2"
    assert bye.get("to") == "<sip:bob@example.net>;tag=b"
    assert bye.get("from") == "<sip:alice@example.com>;tag=a"


def test_a_later_answer_replaces_what_an_early_one_said() -> None:
    # RFC 3261 §13.2.2.4: the route set is computed anew from the 2xx.
    dialog = as_client()
    dialog.learn(answer("Contact: <sip:early@h>", "Record-Route: <sip:p;lr>"))
    dialog.learn(answer("Contact: <sip:bob@h>"))
    assert (dialog.target, dialog.routes) == ("sip:bob@h", ())


def test_a_fork_is_a_dialog_of_its_own() -> None:
    dialog = as_client()
    dialog.request("INVITE", VIA)
    dialog.learn(answer("Contact: <sip:first@h>", "Record-Route: <sip:p;lr>"))
    other = dialog.fork()
    other.learn(answer("Contact: <sip:second@h>"))
    assert sent(other, "ACK", seq=1).uri == "sip:second@h"
    assert sent(other).get("cseq") == "2 BYE"
    assert sent(dialog).uri == "sip:first@h"
    assert dialog.routes == ("<sip:p;lr>",)


# ------------------------------------------------------------------------------- routes

ROUTED = ("Record-Route: <sip:p1.example;lr>, <sip:p2.example;lr>;x=y", "Record-Route: <sip:p3.example;lr>")


def test_the_server_follows_the_routes_in_their_order() -> None:
    # RFC 3261 §12.1.1.
    dialog = Dialog.as_server(invite(CONTACT, *ROUTED), "b")
    bye = sent(dialog)
    assert bye.all("route") == ["<sip:p1.example;lr>", "<sip:p2.example;lr>;x=y", "<sip:p3.example;lr>"]
    assert bye.uri == "sip:alice@192.0.2.1:5062;transport=udp"
    assert dialog.next_hop == "sip:p1.example;lr"


def test_the_client_follows_them_backwards() -> None:
    # RFC 3261 §12.1.2.
    dialog = as_client()
    dialog.learn(answer("Contact: <sip:bob@h>", *ROUTED))
    assert sent(dialog).all("route") == ["<sip:p3.example;lr>", "<sip:p2.example;lr>;x=y", "<sip:p1.example;lr>"]
    assert dialog.next_hop == "sip:p3.example;lr"


def test_a_strict_router_in_front() -> None:
    # RFC 3261 §12.2.1.1: without lr, it becomes the Request-URI and the target the last route.
    dialog = Dialog.as_server(invite(CONTACT, "Record-Route: <sip:p1.example>, <sip:p2.example;lr>"), "b")
    bye = sent(dialog)
    assert bye.uri == "sip:p1.example"
    assert bye.all("route") == ["<sip:p2.example;lr>", "<sip:alice@192.0.2.1:5062;transport=udp>"]
    assert dialog.next_hop == "sip:p1.example"


def test_a_display_name_in_record_route_is_no_part_of_the_way() -> None:
    dialog = Dialog.as_server(invite(CONTACT, 'Record-Route: "a <sip:b>" <sip:p1.example;lr>'), "b")
    assert sent(dialog).all("route") == ["<sip:p1.example;lr>"]
    assert dialog.next_hop == "sip:p1.example;lr"


@pytest.mark.parametrize(
    "value",
    [
        "",
        "<sip:p",
        "<sip:a>,,<sip:b>",
        '"p <sip:a>',
        "<tel:+1>",
        "<sip:a\tb@h>",
        "<sip:a>, <x:b>",
        "<sip:a>," * 70 + "<sip:a>",
    ],
)
def test_malformed_record_routes(value: str) -> None:
    with pytest.raises(BadMessage) as caught:
        route_set(invite(f"Record-Route: {value}"))
    assert caught.value.code == 400


# ------------------------------------------------------------------------------- the target


@pytest.mark.parametrize(
    ("contact", "uri"),
    [
        ("<sip:a@h>", "sip:a@h"),
        ("<SIPS:a@h;transport=tcp>;expires=3", "SIPS:a@h;transport=tcp"),
        ("sip:a@h;unknownparam", "sip:a@h"),
        ('"A, B" <sip:a@h>, <sip:b@h>', "sip:a@h"),
        ("<sip:[2001:db8::1]>", "sip:[2001:db8::1]"),
    ],
)
def test_contact(contact: str, uri: str) -> None:
    assert contact_uri(invite(f"Contact: {contact}")) == uri


@pytest.mark.parametrize(
    "contact",
    [
        "",
        "*",
        "<tel:+1>",
        "<name:John_Smith>",
        "<sip:a b@h>",
        "<sip:a@h",
        "<<sip:a@h>",
        "sip:a@h?x=y",
        "<sip:p\tq@192.0.2.4>",
        '<sip:"p"@h>',
        "<sip:>",
        "<sip:h:0>",
        "<sip:h;x;x>",
        "<sips:\xe9@h>",
        f"<sip:{'u' * 1024}@h>",
    ],
)
def test_bad_contact(contact: str) -> None:
    with pytest.raises(BadMessage) as caught:
        contact_uri(invite(f"Contact: {contact}"))
    assert caught.value.code == 400


def test_no_contact() -> None:
    with pytest.raises(BadMessage):
        Dialog.as_server(invite(), "b")
    with pytest.raises(BadMessage):
        as_client().learn(answer())


# ------------------------------------------------------------------------------- order


def test_requests_must_come_in_order() -> None:
    # RFC 3261 §12.2.2; gaps are no fault.
    dialog = Dialog.as_server(invite(CONTACT), "b")
    assert not dialog.in_order(in_dialog(6))
    assert not dialog.in_order(in_dialog(7))
    assert dialog.in_order(in_dialog(9))
    assert not dialog.in_order(in_dialog(8))
    assert not dialog.in_order(in_dialog(9))
    assert dialog.in_order(in_dialog(10))


def test_any_white_space_behind_the_number() -> None:
    spaced = parse(invite(CONTACT).serialise().replace(b"7 INVITE", b"7\tINVITE"))
    assert isinstance(spaced, Request)
    dialog = Dialog.as_server(spaced, "b")
    assert dialog.remote_seq == 7
    spaced.first["cseq"] = "8 \tINVITE"
    assert dialog.in_order(spaced)


def test_the_clients_first_request_may_have_any_number() -> None:
    dialog = as_client()
    assert dialog.in_order(in_dialog(0))
    assert not dialog.in_order(in_dialog(0))
    assert dialog.in_order(in_dialog(2**31 - 1))
