"""Requests of more than 1,300 octets inside a call, or with their credentials: by TCP first where a trunk says so."""

from collections.abc import Callable
from typing import Any

import pytest

from edge_router.sip.timers import GIVE_UP
from tests.b2bua.challenge import FILES, LOGIN, asking, assert_answers
from tests.b2bua.conftest import OpenStage
from tests.b2bua.in_call import media, part
from tests.b2bua.leg import Leg
from tests.b2bua.stage import PREMISE_ONLY, Line, Stage
from tests.end_to_end.wire import Wire

SOON = 1.0  # half of a connect_timeout
TRY = {"udp_to_tcp": "try", "connect_timeout": 2 * SOON}
TEXT = "Content-Type: text/plain"
Open = Callable[..., tuple[Stage, Line]]
Acknowledged = Callable[..., tuple[Leg, Leg, Wire]]


@pytest.fixture
def open_both(open_stage: OpenStage) -> Open:
    """Opens a stage where TCP is spoken as well, and gives that listener too."""

    def open_it(premise: dict[str, Any], carrier: dict[str, Any] | None = None) -> tuple[Stage, Line]:
        listen = [{"name": name, "transport": to, "address": "192.0.2.1:5060"} for name, to in WAYS.items()]
        stage = open_stage(FILES, premise=premise, carrier=carrier, listen=listen)
        tcp = Line("tcp", "tcp")
        tcp.parties = stage.line.parties
        stage.router.listeners = {"pstn": stage.line, "tcp": tcp}
        return stage, tcp

    return open_it


WAYS = {"pstn": "udp", "tcp": "tcp"}


def way_of(message: Wire) -> str:
    """The transport that a message of ours says it goes by."""
    return message.get("Via").split()[0].rpartition("/")[2]


def is_again(message: Wire, before: Wire) -> None:
    """It is the same request, but for its way: of the same transaction."""
    assert (way_of(before), way_of(message)) == ("TCP", "UDP")
    assert message.without("Via").encode() == before.without("Via").encode()
    assert message.branch == before.branch


def says(this: Leg, size: int = 1_300, method: str = "MESSAGE") -> None:
    this.asks(method, TEXT, body=b"x" * size)
    if method == "INVITE":
        this.hears(100)


def is_answered(this: Leg, other: Leg, heard: Wire) -> None:
    other.answers(heard, 200)
    this.hears(200, heard.method)
    if heard.method == "INVITE":
        this.ack()
        other.hears("ACK")


@pytest.mark.parametrize("method", ["MESSAGE", "INFO", "UPDATE"])
@pytest.mark.parametrize("who", ["caller", "callee"])
@pytest.mark.parametrize(
    ("way", "size", "goes_by"), [("try", 1_300, "TCP"), ("try", 10, "UDP"), ("never", 1_300, "UDP")]
)
def test_a_large_request_in_a_call_goes_by_tcp(
    open_both: Open, way: str, size: int, goes_by: str, who: str, method: str
) -> None:
    there, other = {"udp_to_tcp": way}, {"udp_to_tcp": "never"}
    stage, _ = open_both(*((other, there) if who == "callee" else (there, other)))
    caller, callee = stage.connected()
    this, that = (caller, callee) if who == "caller" else (callee, caller)
    says(this, size, method)
    heard = that.hears(method)
    assert way_of(heard) == goes_by
    that.answers(heard, 200)
    this.hears(200, method)
    says(that, 1_300, method)  # whose other side says never
    heard = this.hears(method)
    assert way_of(heard) == "UDP"
    this.answers(heard, 200)
    that.hears(200, method)
    part(this, that)


def large_reinvite(this: Leg, other: Leg) -> Wire:
    this.asks("INVITE", body=media(this, 2) + b"a=x-long:" + b"x" * 1_300 + b"\r\n")
    this.hears(100, "INVITE")
    return other.hears("INVITE")


def test_a_large_re_invite_goes_by_tcp_and_its_ack_by_udp(open_both: Open) -> None:
    stage, _ = open_both(TRY)
    caller, callee = stage.connected()
    invite = large_reinvite(caller, callee)
    assert way_of(invite) == "TCP"
    assert invite.get("Contact") == "<sip:192.0.2.1:5060>"  # the call stays where it is
    callee.answers(invite, 100)
    stage.pass_time(2 * SOON)
    callee.answers(invite, 200, body=media(callee, 2))
    caller.hears(200, "INVITE")
    caller.ack()
    ack = callee.hears("ACK")
    assert (ack.cseq, way_of(ack)) == (invite.cseq, "UDP")
    part(callee, caller)


def test_a_large_re_invite_that_is_refused_has_its_ack_by_tcp(open_both: Open) -> None:
    stage, _ = open_both(TRY)
    caller, callee = stage.connected()
    invite = large_reinvite(caller, callee)
    callee.answers(invite, 488)
    assert way_of(callee.hears("ACK")) == "TCP"
    caller.hears_refusal(488)
    part(caller, callee)


def test_the_cancel_of_a_large_re_invite_goes_its_way(open_both: Open) -> None:
    stage, _ = open_both(TRY)
    caller, callee = stage.connected()
    asked = caller.request("INVITE", body=media(caller, 2) + b"a=x-long:" + b"x" * 1_300 + b"\r\n")
    caller.party.says(asked)
    caller.hears(100, "INVITE")
    invite = callee.hears("INVITE")
    callee.answers(invite, 180)
    caller.hears(180, "INVITE")
    cancel = caller.request("CANCEL", branch=asked.branch, seq=asked.cseq)
    caller.party.says(cancel)
    caller.hears(200, "CANCEL")
    cancel = callee.hears("CANCEL")
    assert (way_of(cancel), cancel.branch) == ("TCP", invite.branch)
    callee.answers(cancel, 200)
    callee.answers(invite, 487)
    callee.hears("ACK")
    caller.hears_refusal(487)
    part(caller, callee)


class TestAck:
    """The ACK of a 2xx that bears a large answer: of the call's own INVITE, and of one within it."""

    ANSWER = b"a=x-long:" + b"x" * 1_300 + b"\r\n"

    @pytest.fixture(params=["first", "again by the caller", "again by the callee"])
    def acknowledged(self, request: pytest.FixtureRequest) -> Acknowledged:
        """Who asks for an offer and ACKs it, who has made it in a 200, and the INVITE that he answers by that."""

        def acknowledge(stage: Stage, answer: bytes = self.ANSWER) -> tuple[Leg, Leg, Wire]:
            if request.param == "first":
                asker = stage.carrier.calls(PREMISE_ONLY, body=b"")
                other = stage.premise.is_called()
                invite = other.invite
                asker.hears(100)
            else:
                caller, callee = stage.connected()
                asker, other = (caller, callee) if request.param.endswith("caller") else (callee, caller)
                asker.asks("INVITE")
                asker.hears(100, "INVITE")
                invite = other.hears("INVITE")
            other.answers(invite, 200, body=media(other, 2))
            asker.hears(200, "INVITE")
            asker.ack(media(asker, 3) + answer)
            return asker, other, invite

        return acknowledge

    def test_goes_by_tcp_and_again_by_udp(self, open_both: Open, acknowledged: Acknowledged) -> None:
        """A 2xx that comes again says that it hasn't come."""
        stage, _ = open_both(TRY, TRY)
        asker, other, invite = acknowledged(stage)
        before = other.hears("ACK")
        assert before.body.endswith(self.ANSWER)
        for _ in range(2):
            other.answers(invite, 200, body=media(other, 2))
            is_again(other.hears("ACK"), before)
        part(asker, other)

    @pytest.mark.parametrize(("way", "answer"), [("try", b""), ("never", ANSWER)])
    def test_goes_by_udp(self, open_both: Open, acknowledged: Acknowledged, way: str, answer: bytes) -> None:
        stage, _ = open_both({"udp_to_tcp": way}, {"udp_to_tcp": way})
        asker, other, _ = acknowledged(stage, answer)
        assert way_of(other.hears("ACK")) == "UDP"
        part(asker, other)

    def test_goes_by_udp_at_once_where_no_connection_can_be_had(
        self, open_both: Open, acknowledged: Acknowledged
    ) -> None:
        stage, tcp = open_both(TRY, TRY)
        tcp.cut.update((stage.premise.address, stage.carrier.address))
        asker, other, _ = acknowledged(stage)
        assert way_of(other.hears("ACK")) == "UDP"
        part(asker, other)


class TestWayBack:
    """What TCP doesn't carry goes by UDP."""

    @pytest.mark.parametrize("method", ["INVITE", "MESSAGE"])
    def test_no_connection_can_be_had(self, open_both: Open, method: str) -> None:
        stage, tcp = open_both(TRY)
        tcp.cut.add(stage.premise.address)
        caller, callee = stage.connected()
        says(caller, 1_300, method)
        callee.hears_nothing()
        stage.pass_time(0)
        heard = callee.hears(method)
        assert way_of(heard) == "UDP"
        for pause in (0.5, 1.0):  # as over UDP
            stage.pass_time(pause)
            assert callee.hears(method).encode() == heard.encode()
            callee.hears_nothing()
        is_answered(caller, callee, heard)
        part(caller, callee)

    @pytest.mark.parametrize("method", ["INVITE", "MESSAGE"])
    def test_the_connection_breaks(self, open_both: Open, method: str) -> None:
        stage, tcp = open_both(TRY)
        caller, callee = stage.connected()
        says(caller, 1_300, method)
        before = callee.hears(method)
        stage.router.lost(stage.premise.address, tcp)
        heard = callee.hears(method)
        is_again(heard, before)
        stage.router.lost(stage.premise.address, tcp)  # no more of its concern
        callee.hears_nothing()
        is_answered(caller, callee, heard)
        part(caller, callee)

    @pytest.mark.parametrize("answered", ["TCP", "UDP"])
    @pytest.mark.parametrize("method", ["INVITE", "MESSAGE"])
    def test_nothing_is_heard(self, open_both: Open, method: str, answered: str) -> None:
        """Whoever has heard both answers either."""
        stage, _ = open_both(TRY)
        caller, callee = stage.connected()
        says(caller, 1_300, method)
        before = callee.hears(method)
        stage.pass_time(SOON - 0.2)
        callee.hears_nothing()
        stage.pass_time(0.2)
        heard = callee.hears(method)
        is_again(heard, before)
        is_answered(caller, callee, heard if answered == "UDP" else before)
        part(caller, callee)

    def test_who_is_heard_by_tcp_is_not_asked_by_udp(self, open_both: Open) -> None:
        stage, _ = open_both(TRY)
        caller, callee = stage.connected()
        says(caller)
        heard = callee.hears("MESSAGE")
        callee.answers(heard, 100)
        stage.pass_time(GIVE_UP - 1)
        callee.hears_nothing()
        callee.answers(heard, 200)
        caller.hears(200, "MESSAGE")
        part(caller, callee)

    def test_neither_way_is_open(self, open_both: Open) -> None:
        """It never left, so the call is none the worse."""
        stage, tcp = open_both(TRY)
        caller, callee = stage.connected()
        tcp.cut.add(stage.premise.address)
        stage.line.cut.add(stage.premise.address)
        says(caller)
        stage.pass_time(0.2)
        caller.hears(503, "MESSAGE")
        stage.line.cut.clear()
        part(caller, callee)

    def test_nobody_answers_by_either(self, open_both: Open) -> None:
        """64*T1 in all, as for any other request."""
        stage, tcp = open_both(TRY)
        caller, callee = stage.connected()
        for line in (tcp, stage.line):
            line.deaf.add(stage.premise.address[0])
        says(caller)
        stage.pass_time(GIVE_UP)
        caller.is_hung_up()  # a MESSAGE has no 408 (RFC 4320 §4.2)
        stage.line.deaf.clear()
        stage.pass_time(0.5)
        callee.is_hung_up()


class TestCredentials:
    """An INVITE that its credentials alone make large."""

    SUBJECT = "Subject: " + "x" * 470

    def calls(self, stage: Stage) -> tuple[Leg, Leg]:
        caller = stage.carrier.calls(PREMISE_ONLY, self.SUBJECT)
        caller.hears(100)
        return caller, stage.premise.is_called()

    def asks_again(self, callee: Leg) -> Wire:
        assert way_of(callee.invite) == "UDP"
        assert 1_200 < len(callee.invite.encode()) <= 1_300
        callee.refuses(401, asking())
        callee.invite = callee.hears("INVITE")
        assert_answers(callee.invite)
        return callee.invite

    def test_goes_by_tcp_and_the_call_by_udp(self, open_both: Open) -> None:
        stage, _ = open_both(TRY | LOGIN)
        caller, callee = self.calls(stage)
        invite = self.asks_again(callee)
        assert way_of(invite) == "TCP"
        assert invite.get("Contact") == "<sip:192.0.2.1:5060>"
        callee.says(200)
        caller.hears(200)
        caller.ack()
        assert way_of(callee.hears("ACK")) == "UDP"
        part(caller, callee)

    def test_goes_by_tcp_when_nobody_has_to_ask_any_more(self, open_both: Open) -> None:
        stage, _ = open_both(TRY | LOGIN)
        caller, callee = self.calls(stage)
        self.asks_again(callee)
        callee.refuses(486)
        caller.hears_refusal(486)
        caller, callee = self.calls(stage)
        assert_answers(callee.invite, count=2)
        assert way_of(callee.invite) == "TCP"
        callee.refuses(486)
        caller.hears_refusal(486)

    def test_has_no_second_try_by_tcp_where_the_first_was_for_its_own_size(self, open_both: Open) -> None:
        stage, tcp = open_both(TRY | LOGIN)
        caller, callee = self.calls(stage)
        self.asks_again(callee)
        callee.refuses(486)
        caller.hears_refusal(486)
        tcp.deaf.add(stage.premise.address[0])
        caller = stage.carrier.calls(PREMISE_ONLY, "Subject: " + "x" * 700)
        caller.hears(100)
        stage.pass_time(2 * SOON)
        callee = stage.premise.is_called()
        assert_answers(callee.invite, count=3)
        assert way_of(callee.invite) == "UDP"
        callee.refuses(401, asking("n2", "stale=true"))
        callee.invite = callee.hears("INVITE")
        assert way_of(callee.invite) == "UDP"
        callee.refuses(486)
        caller.hears_refusal(486)

    @pytest.mark.parametrize("why", ["lost", "silent"])
    def test_goes_back_to_udp(self, open_both: Open, why: str) -> None:
        """Within its connect_timeout."""
        stage, tcp = open_both(TRY | LOGIN)
        caller, callee = self.calls(stage)
        before = self.asks_again(callee)
        if why == "lost":
            stage.router.lost(stage.premise.address, tcp)
        else:
            stage.pass_time(SOON)
        callee.invite = callee.hears("INVITE")
        is_again(callee.invite, before)
        callee.says(200)
        caller.hears(200)
        caller.ack()
        callee.hears("ACK")
        part(caller, callee)

    def test_is_cancelled_where_it_went(self, open_both: Open) -> None:
        stage, _ = open_both(TRY | LOGIN)
        caller, callee = self.calls(stage)
        self.asks_again(callee)
        callee.says(180)
        caller.hears(180)
        caller.cancel()
        caller.hears(200, "CANCEL")
        assert way_of(callee.is_cancelled()) == "TCP"
        caller.hears_refusal(487)
