"""What a request gets that cannot become a call, on the wire, while a call is up that must not notice."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.block import Block
from tests.end_to_end.configuration import SOON, front_door, trunk
from tests.end_to_end.leg import Leg, fresh_branch
from tests.end_to_end.site import Site
from tests.end_to_end.waiting import until
from tests.end_to_end.wire import Header, Wire, tag_of

NUMBER = "+1800555"


TORTURER = 130
"""The last number of the address of a trunk whose calls go to nobody."""


def configuration(block: Block) -> str:
    return front_door(
        block,
        trunks={
            "torturer": trunk(block.host(TORTURER)),
            "nobody": trunk(block.host(TORTURER + 1), connect_timeout=SOON),
        },
        dial_peers=[
            {"name": "torture", "incoming": {"trunk": "torturer"}, "destinations": ["nobody"]},
            {"name": "nobody", "outgoing": {"trunk": "nobody"}},
        ],
    )


@pytest.fixture(autouse=True)
def _call_in_progress(site: Site) -> Iterator[None]:
    """A call that stands before and after, whatever a test sends."""
    caller = site.caller(NUMBER)
    callee = site.answered(caller, site.premise)
    yield
    site.settled()
    assert caller.heard("BYE") == callee.heard("BYE") == []
    site.ends(caller, callee)


def outside(site: Site, method: str, *headers: Header, uri: str = "", remove: str = "") -> Wire:
    """A request outside any dialog from the carrier, and its final response."""
    leg = site.caller(NUMBER)
    request = leg.request(method, headers)
    if uri:
        request.start = f"{method} {uri} SIP/2.0"
    if remove:
        request = request.without(remove)
    leg.opening = request
    leg.send(request)
    final = site.carrier.receive(
        lambda message: message.code >= 200 and (message.branch == request.branch), f"an answer to {method}"
    )
    if method == "INVITE":
        leg.ack(final)
    return final


# ------------------------------------------------------------------------------------------------ by method


def test_options_says_what_the_router_can(site: Site) -> None:
    final = outside(site, "OPTIONS", ("Accept", "application/sdp"))
    assert final.code == 200
    assert {"INVITE", "ACK", "CANCEL", "BYE", "OPTIONS"} <= set(final.get("Allow").replace(" ", "").split(","))
    assert "application/sdp" in final.get("Accept")
    assert final.all("Supported")


def test_options_within_a_call_is_answered_by_the_router(site: Site) -> None:
    caller = site.caller(NUMBER)
    callee = site.answered(caller, site.premise)
    for leg in (caller, callee):
        leg.send(leg.request("OPTIONS"))
        assert leg.expect_final("OPTIONS").code == 200
    site.ends(caller, callee)


@pytest.mark.parametrize("method", ["REGISTER", "MESSAGE", "INFO", "UPDATE", "PRACK", "REFER"])
def test_a_method_that_is_known_but_not_allowed(site: Site, method: str) -> None:
    headers = [("Refer-To", "<sip:+13125550000@192.0.2.7>")] if method == "REFER" else []
    final = outside(site, method, *headers)
    assert final.code == 405
    assert "INVITE" in final.get("Allow")
    assert method not in final.get("Allow").replace(" ", "").split(",")


@pytest.mark.parametrize("method", ["FROB", "invite", "INVITE2"])
def test_a_method_that_nobody_knows(site: Site, method: str) -> None:
    assert outside(site, method).code == 501


@pytest.mark.parametrize("method", ["SUBSCRIBE", "NOTIFY", "PUBLISH"])
def test_an_event_package_that_nobody_knows(site: Site, method: str) -> None:
    final = outside(site, method, ("Event", "presence"), ("Subscription-State", "active"))
    assert final.code == 489
    assert final.get("Allow-Events") == "refer"


@pytest.mark.parametrize("method", ["REGISTER", "PUBLISH"])
def test_a_method_that_is_not_allowed_within_a_call(site: Site, method: str) -> None:
    caller = site.caller(NUMBER)
    callee = site.answered(caller, site.premise)
    caller.send(caller.request(method))
    final = caller.expect_final(method)
    assert final.code == 405
    assert final.all("Allow")
    site.ends(caller, callee)


# ------------------------------------------------------------------------------------------------ by dialog


@pytest.mark.parametrize("method", ["INVITE", "BYE", "INFO", "NOTIFY", "REFER", "OPTIONS"])
def test_a_dialog_that_nobody_knows(site: Site, method: str) -> None:
    leg = site.caller(NUMBER)
    leg.remote += ";tag=nobody"
    headers = [("Event", "refer"), ("Subscription-State", "active")] if method == "NOTIFY" else []
    leg.opening = leg.send(leg.request(method, headers))
    final = leg.expect_final(method)
    if method == "INVITE":
        leg.ack(final)
    assert final.code == 481
    assert tag_of(final.get("To")) == "nobody"


def test_a_cancel_of_nothing(site: Site) -> None:
    assert outside(site, "CANCEL").code == 481


def test_an_ack_of_nothing_gets_no_answer(site: Site) -> None:
    leg = site.caller(NUMBER)
    leg.remote += ";tag=nobody"
    leg.send(leg.request("ACK", cseq=1))
    site.settled()
    assert not [message for message in site.carrier.heard() if message.get("Call-ID") == leg.call_id]


def test_requests_of_a_dialog_come_in_order(site: Site) -> None:
    """RFC 3261 §12.2.2: a lower CSeq than the last is out of order; a gap is not."""
    caller = site.caller(NUMBER)
    caller.cseq = 10
    callee = site.answered(caller, site.premise)
    caller.send(caller.request("OPTIONS", cseq=5))
    assert caller.expect_final("OPTIONS").code == 500
    caller.cseq = 100
    site.ends(caller, callee)


def test_a_merged_request(site: Site) -> None:
    """RFC 3261 §8.2.2.2: the same request by another path has the same From tag, Call-ID and CSeq, but no To tag."""
    caller = site.caller(NUMBER)
    invite = caller.invite()
    callee = site.callee(site.premise, caller)
    copy = invite.with_headers(("Via", invite.get("Via").replace(invite.branch, fresh_branch())))
    caller.send(copy)
    final = caller.phone.receive(lambda message: message.branch == copy.branch and message.code >= 200, "a refusal")
    assert final.code == 482
    other = Leg.to(caller.phone, caller.router, caller.called)
    other.opening = copy
    other.local, other.call_id, other.cseq = caller.local, caller.call_id, caller.cseq
    other.ack(final)
    callee.answer(180)
    caller.expect(180)
    site.connects(caller, callee)
    site.ends(caller, callee)


# ------------------------------------------------------------------------------------------------ by header


@pytest.mark.parametrize(
    ("wanted", "unsupported"),
    [("100rel, x-weird", "x-weird"), ("nothing-we-know", "nothing-we-know"), ("uui, a, b", "a, b")],
)
@pytest.mark.parametrize("method", ["INVITE", "OPTIONS"])
def test_an_extension_that_is_required_but_not_known(site: Site, method: str, wanted: str, unsupported: str) -> None:
    final = outside(site, method, ("Require", wanted))
    assert final.code == 420
    assert final.get("Unsupported") == unsupported


def test_ack_and_cancel_are_never_refused_for_what_they_require(site: Site) -> None:
    """RFC 3261 §8.2.2.3."""
    caller = site.caller(NUMBER)
    caller.invite()
    callee = site.callee(site.premise, caller)
    callee.answer(180)
    caller.expect(180)
    caller.cancel([("Require", "nothing-we-know")])
    assert caller.expect_final("CANCEL").code == 200
    final = caller.expect(487)
    ack = caller.request("ACK", [("To", final.get("To")), ("Require", "x")], branch=final.branch, cseq=final.cseq)
    caller.send(ack)
    callee.reply(callee.expect("CANCEL"), 200)
    callee.answer(487)
    callee.expect("ACK")


def test_a_call_with_no_hops_left(site: Site) -> None:
    assert outside(site, "INVITE", ("Max-Forwards", "0")).code == 483


def test_options_with_no_hops_left_has_arrived(site: Site) -> None:
    assert outside(site, "OPTIONS", ("Max-Forwards", "0")).code == 200


@pytest.mark.parametrize("uri", ["nobodyKnowsThisScheme:totallyopaque", "http://192.0.2.7/", "mailto:a@example.com"])
@pytest.mark.parametrize("method", ["INVITE", "OPTIONS"])
def test_a_uri_scheme_that_is_not_supported(site: Site, method: str, uri: str) -> None:
    assert outside(site, method, uri=uri).code == 416


def test_a_tel_uri_is_a_number(site: Site) -> None:
    """RFC 3261 §19.1.6: it goes on as the user part of a SIP URI, parameters and all."""
    caller = site.caller(NUMBER)
    caller.called += ";npdi"
    caller.target = f"tel:{caller.called}"
    caller.invite()
    callee = site.callee(site.premise, caller)
    callee.answer(486)
    callee.expect("ACK")
    site.refused(caller, 486)


@pytest.mark.parametrize(
    ("headers", "remove"),
    [
        ([("Max-Forwards", "many")], ""),
        ([("Max-Forwards", "-1")], ""),
        ([("CSeq", "one INVITE")], ""),
        ([("CSeq", "1 BYE")], ""),
        ([("CSeq", "4294967296 INVITE")], ""),
        ([("Content-Length", "-1")], ""),
        ([("Content-Length", "9999")], ""),
        ([("Content-Length", "many")], ""),
        ([("From", "<sip:a@b;tag=x")], ""),
        ([("To", '"open <sip:b@c>')], ""),
        ([], "From"),
        ([], "To"),
        ([], "CSeq"),
        ([], "Call-ID"),
    ],
    ids=lambda value: str(value) if value else "-",
)
def test_a_request_that_cannot_be_read(site: Site, headers: list[Header], remove: str) -> None:
    """400, and the reason phrase says what was wrong."""
    leg = site.caller(NUMBER)
    request = leg.request("INVITE", headers).without(*([remove] if remove else []))
    site.carrier.send(request, site.block.router)
    answer = site.carrier.raw_answer(request)
    status, _, rest = answer.partition(b"\r\n")
    assert status.startswith(b"SIP/2.0 400 ")
    assert status != b"SIP/2.0 400 Bad Request"
    assert b"\r\nContent-Length: 0\r\n" in rest


def test_another_version_of_sip(site: Site) -> None:
    leg = site.caller(NUMBER)
    request = leg.request("INVITE")
    site.carrier.send(request.encode().replace(b" SIP/2.0\r\n", b" SIP/7.0\r\n", 1), site.block.router)
    answer = site.carrier.raw_answer(request)
    assert answer.startswith(b"SIP/2.0 505 ")


@pytest.mark.parametrize(
    "headers",
    [[("X-Long", "x" * 40_000)], [(f"X-{n}", "y") for n in range(1_000)]],
    ids=["one long header", "a thousand headers"],
)
def test_a_request_that_is_too_large(site: Site, headers: list[Header]) -> None:
    leg = site.caller(NUMBER)
    request = leg.request("INVITE", headers)
    site.carrier.send(request, site.block.router)
    answer = site.carrier.raw_answer(request)
    assert answer.startswith(b"SIP/2.0 513 ")
    assert len(answer) < 2_000


def test_a_request_uri_that_is_too_long(site: Site) -> None:
    leg = site.caller(NUMBER)
    leg.target = f"sip:{'9' * 5_000}@{site.block.router[0]}"
    request = leg.request("INVITE")
    site.carrier.send(request, site.block.router)
    answer = site.carrier.raw_answer(request)
    assert answer[8:11] in (b"414", b"513")


# ------------------------------------------------------------------------------------------------ not even a message


@pytest.mark.parametrize(
    "datagram",
    [
        b"",
        b"\r\n\r\n",
        b"\0",
        b"\0" * 1000,
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"INVITE",
        b"INVITE sip:a SIP/2.0",
        b"INVITE sip:a SIP/2.0\r\n\r\n",
        b"SIP/2.0\r\n\r\n",
        b"SIP/2.0 200 OK\r\n\r\n",
        b"SIP/2.0 999999999999 OK\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK\r\n\r\n",
        bytes(range(256)) * 20,
        b"\xff\xfe" * 3000,
        b":\r\n" * 5000,
        b"INVITE sip:a SIP/2.0\r\nVia: " + b"," * 10_000 + b"\r\n\r\n",
    ],
    ids=lambda datagram: repr(datagram[:24]),
)
def test_noise_is_dropped(site: Site, datagram: bytes) -> None:
    noise = site.phone(site.block.cloud)
    noise.send(datagram, site.block.router)
    site.settled()
    answers = noise.datagrams()
    assert all(answer.startswith(b"SIP/2.0 4") for answer in answers)
    assert len(answers) <= 1
    site.router.check_health()


def test_what_is_dropped_is_counted(site: Site) -> None:
    before = site.router.metric("sip_rejected_total", reason="malformed")
    site.carrier.send(b"SIP/2.0 OK\r\n\r\n", site.block.router)
    until(lambda: site.router.metric("sip_rejected_total", reason="malformed") == before + 1, "a count")


def test_a_response_that_nobody_waits_for_is_counted_and_dropped(site: Site) -> None:
    before = site.router.metric("sip_rejected_total")
    leg = site.caller(NUMBER)
    stray = leg.request("INVITE")
    stray.start = "SIP/2.0 200 OK"
    site.carrier.send(stray.without("Max-Forwards"), site.block.router)
    until(lambda: site.router.metric("sip_rejected_total") == before + 1, "a count")


@pytest.mark.parametrize(
    "mangle",
    [
        lambda text: text.replace(b"\r\nCSeq: ", b"\r\nCSeq: x"),
        lambda text: text.replace(b"SIP/2.0 200 OK", b"SIP/2.0 2000 OK"),
        lambda text: text.replace(b"\r\nContact: ", b"\r\nContact: <<"),
        lambda text: text.replace(b"\r\nTo: ", b"\r\nX-To: "),
        lambda text: text[:40],
    ],
    ids=["CSeq", "code", "Contact", "To", "cut off"],
)
def test_an_answer_that_cannot_be_read_does_no_harm(site: Site, mangle: object) -> None:
    """The callee's next, whole answer is taken: a response that is ignored is as good as lost."""
    assert callable(mangle)
    caller = site.caller(NUMBER)
    caller.invite()
    callee = site.callee(site.premise, caller)
    callee.answer(180)
    caller.expect(180)
    assert callee.opening is not None
    whole = Wire("SIP/2.0 200 OK", [
        *((name, value) for name, value in callee.opening.headers if name in ("Via", "From", "Call-ID", "CSeq")),
        ("To", callee.local),
        ("Contact", f"<sip:{site.block.premise}:5060>"),
        ("Content-Type", "application/sdp"),
    ], callee.body)  # fmt: skip
    site.premise.send(mangle(whole.encode()), site.block.router)
    site.settled()
    if not caller.heard(200):
        site.premise.send(whole, site.block.router)
    caller.ack(caller.expect(200))
    callee.expect("ACK")
    site.ends(caller, callee)


# ------------------------------------------------------------------------------------------------ torture


@pytest.mark.parametrize("rfc", ["rfc4475", "rfc5118"])
def test_torture_messages_harm_nobody(site: Site, rfc: str) -> None:
    """What each of them gets is in tests/torture; here they all go to the running process, twice."""
    messages = sorted((Path(__file__).parents[1] / "torture" / rfc).glob("*.dat"))
    assert messages
    end = site.phone(site.block.host(TORTURER))
    for message in messages * 2:
        end.send(message.read_bytes(), site.block.router)
        site.settled()
        site.router.check_health()


def test_nothing_that_a_caller_sends_writes_the_log(site: Site) -> None:
    """Line ends and terminal escapes stay out of it, also those that are hidden in a number's escapes."""
    caller = site.caller(NUMBER)
    number = caller.called
    evil = "%0aCRITICAL%20forged%1b%5b31m"
    caller.called += evil
    caller.target = f"sip:{caller.called}@{site.block.router[0]}"
    caller.local = f'"forged" <sip:+1312{evil}@{site.block.carrier}>;tag=log'
    caller.invite()
    callee = site.callee(site.premise, caller)
    callee.answer(486, reason="\x1b[31m busy")
    callee.expect("ACK")
    caller.ack(caller.expect(486))
    until(lambda: number in site.router.stderr, "the call in the log")
    assert "\x1b" not in site.router.stderr
    assert not [line for line in site.router.stderr.splitlines() if line.startswith("CRITICAL")]
