"""RFC 4475 and RFC 5118: what the parser, and what the router on the wire, makes of each of their messages."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from edge_router.admission.load import Load
from edge_router.admission.sources import Claim, SourceTable
from edge_router.b2bua.reports.events import Silence
from edge_router.b2bua.router import Router
from edge_router.b2bua.routing.routing import Routing
from edge_router.b2bua.trunks.live_trunk import LiveTrunk
from edge_router.dialplan.peer import DialPeer, Outgoing, WayIn
from edge_router.dialplan.plan import DialPlan
from edge_router.dialplan.trunk import Target, Trunk
from edge_router.sip.errors import BadMessage
from edge_router.sip.headers import tag_of
from edge_router.sip.message import Message, Request, Response, parse
from edge_router.sip.sdp import origin

HERE: Final = Path(__file__).parent
CARRIER: Final = ("198.51.100.7", 5060)
STRANGER: Final = ("198.51.100.66", 5060)
PREMISE: Final = ("198.51.100.8", 5060)

CALL: Final = "call"  # the INVITE becomes a call: 100 to the caller, an INVITE to the callee
NOTHING: Final = "nothing"  # dropped


class Verdict(NamedTuple):
    """`parser`: the status in BadMessage, 0 where the message parses. `wire`: the router's answer."""

    section: str
    parser: int
    wire: int | str


# Where the RFC leaves a choice between refusing and being liberal, a malformed request is refused.
RFC_4475: Final = {
    # 3.1.1, valid messages
    "wsinv": Verdict("3.1.1.1", 0, 481),  # has a To tag, and we have no such dialog
    "intmeth": Verdict("3.1.1.2", 0, 501),
    "esc01": Verdict("3.1.1.3", 0, CALL),
    "escnull": Verdict("3.1.1.4", 0, 405),  # REGISTER: we are no registrar
    "esc02": Verdict("3.1.1.5", 0, 501),  # RE%47IST%45R is not REGISTER
    "lwsdisp": Verdict("3.1.1.6", 0, 200),
    "longreq": Verdict("3.1.1.7", 0, CALL),
    "dblreq": Verdict("3.1.1.8", 0, 405),  # and the INVITE behind it is no message
    "semiuri": Verdict("3.1.1.9", 0, 200),
    "transports": Verdict("3.1.1.10", 0, 200),
    "mpart01": Verdict("3.1.1.11", 0, 405),
    "unreason": Verdict("3.1.1.12", 0, NOTHING),  # a response to no request of ours
    "noreason": Verdict("3.1.1.13", 0, NOTHING),
    # 3.1.2, invalid messages
    "badinv01": Verdict("3.1.2.1", 0, 400),
    "clerr": Verdict("3.1.2.2", 400, 400),
    "ncl": Verdict("3.1.2.3", 400, 400),
    "scalar02": Verdict("3.1.2.4", 0, 400),
    "scalarlg": Verdict("3.1.2.5", 0, NOTHING),
    "quotbal": Verdict("3.1.2.6", 0, 400),
    "ltgtruri": Verdict("3.1.2.7", 0, 400),
    "lwsruri": Verdict("3.1.2.8", 400, 400),
    "lwsstart": Verdict("3.1.2.9", 400, 400),
    "trws": Verdict("3.1.2.10", 400, 400),
    "escruri": Verdict("3.1.2.11", 0, 400),
    "baddate": Verdict("3.1.2.12", 0, 400),
    "regbadct": Verdict("3.1.2.13", 0, 405),
    "badaspec": Verdict("3.1.2.14", 0, 400),
    "baddn": Verdict("3.1.2.15", 400, 400),
    "badvers": Verdict("3.1.2.16", 505, 505),
    "mismatch01": Verdict("3.1.2.17", 0, 400),
    "mismatch02": Verdict("3.1.2.18", 0, 501),
    "bigcode": Verdict("3.1.2.19", 400, NOTHING),
    # 3.2, transaction layer
    "badbranch": Verdict("3.2.1", 0, 200),  # matched as RFC 2543 did
    # 3.3, application layer
    "insuf": Verdict("3.3.1", 0, 400),
    "unkscm": Verdict("3.3.2", 0, 416),
    "novelsc": Verdict("3.3.3", 0, 416),
    "unksm2": Verdict("3.3.4", 0, 405),
    "bext01": Verdict("3.3.5", 0, 420),
    "invut": Verdict("3.3.6", 0, CALL),  # a B2BUA carries the body; the callee answers 415
    "regaut01": Verdict("3.3.7", 0, 405),
    "multi01": Verdict("3.3.8", 400, 400),
    "mcl01": Verdict("3.3.9", 400, 400),
    "bcast": Verdict("3.3.10", 0, NOTHING),
    "zeromf": Verdict("3.3.11", 0, 200),  # an endpoint answers OPTIONS; 483 is for what would go on
    "cparam01": Verdict("3.3.12", 0, 405),
    "cparam02": Verdict("3.3.13", 0, 405),
    "regescrt": Verdict("3.3.14", 0, 405),
    "sdp01": Verdict("3.3.15", 0, CALL),  # Accept does not cross
    # 3.4, backward compatibility
    "inv2543": Verdict("3.4.1", 0, 400),  # parses; without a Contact there is no dialog to be had
}
RFC_5118: Final = {
    "ipv6-good": Verdict("4.1", 0, 405),
    "ipv6-bad": Verdict("4.2", 0, 400),
    "port-ambiguous": Verdict("4.3", 0, 405),
    "port-unambiguous": Verdict("4.4", 0, 405),
    "via-received-param-with-delim": Verdict("4.5", 0, 481),
    "via-received-param-no-delim": Verdict("4.5", 0, 200),
    "ipv6-in-sdp": Verdict("4.6", 0, CALL),
    "mult-ip-in-header": Verdict("4.7", 0, 481),
    "mult-ip-in-sdp": Verdict("4.8", 0, CALL),
    "ipv4-mapped-ipv6": Verdict("4.9", 0, CALL),
    "ipv6-bug-abnf-3-colons": Verdict("4.10", 0, 200),
    "ipv6-correct-abnf-2-colons": Verdict("4.10", 0, 200),
}
MESSAGES: Final = {path.stem: path.read_bytes() for path in sorted(HERE.glob("rfc*/*.dat"))}
VERDICTS: Final = RFC_4475 | RFC_5118
EVERY_MESSAGE: Final = pytest.mark.parametrize("name", MESSAGES)


def test_every_message_has_its_verdict() -> None:
    assert len(MESSAGES) == 49 + 12
    assert set(MESSAGES) == set(VERDICTS)
    assert {path.stem for path in HERE.glob("rfc4475/*.dat")} == set(RFC_4475)


# ------------------------------------------------------------------------------- the parser


@EVERY_MESSAGE
def test_the_parser(name: str) -> None:
    verdict = VERDICTS[name]
    if not verdict.parser:
        message = parse(MESSAGES[name])
        assert parse(message.serialise()) == message
        return
    with pytest.raises(BadMessage) as caught:
        parse(MESSAGES[name])
    assert caught.value.code == verdict.parser
    assert caught.value.message is not None


def test_what_the_tortuous_invite_says() -> None:
    message = parse(MESSAGES["wsinv"])
    assert message.get("from") == r'"J Rosenberg \\\""       <sip:jdrosen@example.com> ; tag = 98asjd8'
    assert message.get("subject") == ""
    assert message.get("newfangledheader") == "newfangled value continued newfangled value"
    assert message.get("unknownheaderwithunusualvalue") == ";;,,;;,;"
    assert len(message.all("via")) == 2
    assert len(message.body) == 150


def test_octets_behind_the_content_length_are_no_message() -> None:
    message = parse(MESSAGES["dblreq"])
    assert isinstance(message, Request)
    assert (message.method, message.body) == ("REGISTER", b"")


def test_a_percent_sign_is_no_escape_in_a_header_name() -> None:
    message = parse(MESSAGES["esc02"])
    assert message.all("contact") == ["<sip:alias1@host1.example.com>", "<sip:alias3@host3.example.com>"]


# ------------------------------------------------------------------------------- the router


@dataclass
class Listener:
    """Notes what is sent."""

    sent: list[tuple[bytes, tuple[str, int]]] = field(default_factory=list)
    name: str = "pstn"
    host: str = "203.0.113.1"
    transport: str = "udp"
    reliable: bool = False
    advertised: str = "203.0.113.1:5060"
    advertised_host: str = "203.0.113.1"
    via: str = "SIP/2.0/UDP 203.0.113.1:5060;branch="
    contact: str = "<sip:203.0.113.1:5060>"

    def is_accepted(self, address: tuple[str, int]) -> bool:
        return False

    def alias(self, source: tuple[str, int], port: int) -> None:
        raise AssertionError("there are no connections")

    def names_of(self, address: tuple[str, int]) -> frozenset[str]:
        return frozenset()

    def send(self, data: bytes, address: tuple[str, int]) -> bool:
        self.sent.append((data, address))
        return True


class Reasons(Silence):
    """Notes why messages were refused."""

    def __init__(self) -> None:
        self.reasons: list[str] = []

    def rejected(self, reason: str) -> None:
        self.reasons.append(reason)


class Bench:
    """A router between a carrier and a premise that bridges every call."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.listener = Listener()
        self.observer = Reasons()
        trunks = [
            Trunk("carrier", sources=(CARRIER[0],)),
            Trunk("premise", targets=(Target("sip:198.51.100.8:5060", PREMISE[0]),), listen="pstn"),
        ]
        routing = Routing(
            node="test",
            plan=DialPlan(
                [
                    DialPeer("in", incoming=(WayIn(trunk="carrier"),), destinations=("out",)),
                    DialPeer("out", outgoing=Outgoing("premise")),
                ]
            ),
            policies={},
            trunks={trunk.name: LiveTrunk(trunk, lambda: self.now) for trunk in trunks},
            sources=SourceTable(["pstn"], [Claim(None, CARRIER[0], "carrier"), Claim("pstn", PREMISE[0], "premise")]),
            load=Load(),
        )
        self.router = Router(routing, {"pstn": self.listener}, self.observer, lambda: self.now)

    def receive(self, data: bytes, source: tuple[str, int] = CARRIER) -> list[bytes]:
        """Takes a datagram in; returns what is sent for it."""
        self.listener.sent.clear()
        self.router.receive(data, source, self.listener)
        return [sent for sent, _ in self.listener.sent]

    def pass_time(self, seconds: float) -> None:
        for _ in range(round(seconds * 10)):
            self.now += 0.1
            self.router.tick()

    def healthy(self) -> bool:
        return "internal error" not in self.observer.reasons


def as_far_as_it_reads(data: bytes) -> Message:
    try:
        return parse(data)
    except BadMessage as fault:
        if fault.message is None:
            raise
        return fault.message


def outcome(sent: list[bytes]) -> int | str:
    messages = [parse(data) for data in sent]
    if not messages:
        return NOTHING
    first = messages[0]
    assert isinstance(first, Response)
    if first.code > 100:
        assert len(messages) == 1
        return first.code
    invite = messages[1]
    assert isinstance(invite, Request)
    assert (len(messages), invite.method) == (2, "INVITE")
    return CALL


@EVERY_MESSAGE
def test_the_router(name: str) -> None:
    bench = Bench()
    assert outcome(bench.receive(MESSAGES[name])) == VERDICTS[name].wire
    assert bench.healthy()


@EVERY_MESSAGE
def test_a_stranger_gets_no_answer(name: str) -> None:
    bench = Bench()
    assert bench.receive(MESSAGES[name], STRANGER) == []
    assert bench.healthy()
    assert bench.router.counts() == {"transactions": 0, "dialogs": 0, "calls": 0, "timers": 0}


@EVERY_MESSAGE
def test_an_answer_can_be_told_to_its_request(name: str) -> None:
    wire = VERDICTS[name].wire
    sent = Bench().receive(MESSAGES[name])
    if not sent:
        assert wire == NOTHING
        return
    answer = parse(sent[0])
    assert isinstance(answer, Response)
    request = as_far_as_it_reads(MESSAGES[name])
    assert len(answer.all("via")) == len(request.all("via"))
    for key in ("from", "call-id", "cseq"):
        assert answer.get(key) == request.get(key)
    if "to" in request.first and wire != CALL:
        assert tag_of(answer.first["to"])
        assert answer.first["to"].startswith(request.first["to"])
    for key, code in (("allow", 405), ("allow", 501), ("unsupported", 420)):
        assert code != wire or answer.get(key)


def test_a_420_names_what_it_does_not_know() -> None:
    answer = parse(Bench().receive(MESSAGES["bext01"])[0])
    assert answer.get("unsupported") == "nothingSupportsThis, nothingSupportsThisEither"


@pytest.mark.parametrize("name", [name for name, verdict in VERDICTS.items() if verdict.wire == CALL])
def test_the_call_that_goes_on(name: str) -> None:
    bench = Bench()
    request = parse(MESSAGES[name])
    invite = parse(bench.receive(MESSAGES[name])[1])
    assert isinstance(invite, Request)
    assert invite.body == request.body
    assert invite.get("content-type") == request.get("content-type")
    assert len(invite.all("via")) == 1
    assert invite.get("call-id") != request.get("call-id")
    assert not {"route", "record-route", "accept"} & set(invite.first)
    # Nobody answers: 32 s later nothing of it is left.
    bench.pass_time(140)
    assert bench.router.counts() == {"transactions": 0, "dialogs": 0, "calls": 0, "timers": 0}
    assert bench.healthy()


@pytest.mark.parametrize(
    ("name", "code"), [("ipv6-good", 200), ("ipv6-bad", 400), ("port-ambiguous", 200), ("port-unambiguous", 200)]
)
def test_ipv6_in_the_request_uri(name: str, code: int) -> None:
    # RFC 5118 §4.1 to §4.4 send REGISTER, and we are no registrar: the same as OPTIONS.
    data = MESSAGES[name].replace(b"REGISTER", b"OPTIONS")
    assert outcome(Bench().receive(data)) == code


def test_two_requests_with_the_bare_branch_cookie_are_two() -> None:
    bench = Bench()
    data = MESSAGES["badbranch"]
    first = bench.receive(data)
    assert bench.receive(data) == first
    assert bench.receive(data.replace(b"CSeq: 8", b"CSeq: 9")) != first


def test_sdp_with_ipv6_origin() -> None:
    found = origin(parse(MESSAGES["ipv6-in-sdp"]).body)
    assert found is not None
    assert (found.address_type, found.address) == ("IP6", "2001:db8::20")


# ------------------------------------------------------------------------------- a call in progress

INVITE: Final = (
    b"INVITE sip:+18005551234@203.0.113.1 SIP/2.0\r\n"
    b"Via: SIP/2.0/UDP 198.51.100.7;branch=z9hG4bKcall\r\n"
    b"Max-Forwards: 70\r\n"
    b"From: <sip:+15551234@198.51.100.7>;tag=caller\r\n"
    b"To: <sip:+18005551234@203.0.113.1>\r\n"
    b"Call-ID: in-progress\r\n"
    b"CSeq: 1 INVITE\r\n"
    b"Contact: <sip:198.51.100.7>\r\n"
    b"Content-Length: 0\r\n\r\n"
)


def answered_call(bench: Bench) -> tuple[bytes, bytes]:
    """Sets a call up; returns the callee's BYE and the caller's To line."""
    invite = parse(bench.receive(INVITE)[1])
    head = "".join(f"{key}: {invite.first[key]}\r\n" for key in ("via", "from", "call-id", "cseq"))
    ok = f"SIP/2.0 200 OK\r\n{head}To: {invite.first['to']};tag=callee\r\nContact: <sip:198.51.100.8>\r\n\r\n"
    sent = [parse(data) for data in bench.receive(ok.encode(), PREMISE)]
    answers = [message for message in sent if isinstance(message, Response)]
    assert [answer.code for answer in answers] == [200]
    to = answers[0].first["to"]
    ack = INVITE.replace(b"INVITE", b"ACK").replace(b"bKcall", b"bKack")
    bench.receive(ack.replace(b"To: <sip:+18005551234@203.0.113.1>", b"To: " + to.encode()))
    bye = (
        f"BYE sip:203.0.113.1 SIP/2.0\r\nVia: SIP/2.0/UDP 198.51.100.8;branch=z9hG4bKbye\r\n"
        f"From: {invite.first['to']};tag=callee\r\nTo: {invite.first['from']}\r\n"
        f"Call-ID: {invite.first['call-id']}\r\nCSeq: 1 BYE\r\n\r\n"
    )
    return bye.encode(), to.encode()


def test_a_call_in_progress_never_notices() -> None:
    bench = Bench()
    bye, _ = answered_call(bench)
    assert bench.router.counts()["calls"] == 1
    for source in (CARRIER, PREMISE, STRANGER):
        for data in MESSAGES.values():
            bench.receive(data, source)
    bench.pass_time(140)
    assert bench.healthy()
    assert bench.router.counts() == {"transactions": 0, "dialogs": 2, "calls": 1, "timers": 0}
    sent = bench.receive(bye, PREMISE)
    assert sorted(data.partition(b" sip:")[0].partition(b"\r\n")[0] for data in sent) == [b"BYE", b"SIP/2.0 200 OK"]
    bench.pass_time(40)
    assert bench.router.counts() == {"transactions": 0, "dialogs": 0, "calls": 0, "timers": 0}


@EVERY_MESSAGE
def test_what_is_cut_off_or_flipped_is_no_fault_of_ours(name: str) -> None:
    bench = Bench()
    data = MESSAGES[name][:1500]
    for i in range(0, len(data), 3):
        bench.receive(data[:i])
        bench.receive(data[:i] + bytes([data[i] ^ 1 << i % 8]) + data[i + 1 :])
    assert bench.healthy()
