"""Requests of a call that stands go on to its other side, and the answers come back (RFC 3311, RFC 3428, RFC 6086)."""

import pytest

from edge_router.b2bua.in_call.glare import MOST_OPEN
from edge_router.sip.timers import GIVE_UP, T1
from tests.b2bua.conftest import OpenStage
from tests.b2bua.in_call import WHO, ends_of, media, part, reinvites
from tests.b2bua.stage import Stage
from tests.end_to_end.wire import Wire

DTMF = b"Signal=5\r\nDuration=160\r\n"
RELAY = "Content-Type: application/dtmf-relay"
METHODS = pytest.mark.parametrize("method", ["INFO", "MESSAGE", "UPDATE"])


@WHO
@METHODS
def test_a_request_crosses_and_its_answer_crosses_back(stage: Stage, who: str, method: str) -> None:
    this, other = ends_of(stage, who)
    asked = this.asks(method)
    came = other.hears(method)
    assert (came.get("Call-ID"), came.get("From"), came.get("To")) == (other.call_id, other.remote, other.local)
    assert came.uri == f"sip:{other.party.place}"
    assert came.branch != asked.branch
    this.hears_nothing()
    other.answers(came, 200, reason="Aye aye")
    answer = this.hears(200, method)
    assert answer.start == "SIP/2.0 200 Aye aye"
    assert answer.branch == asked.branch
    part(this, other)


@WHO
def test_dtmf_crosses_by_info(stage: Stage, who: str) -> None:
    this, other = ends_of(stage, who)
    for _ in range(3):
        this.asks("INFO", RELAY, body=DTMF)
        came = other.hears("INFO")
        assert (came.get("Content-Type"), came.body) == ("application/dtmf-relay", DTMF)
        other.answers(came, 200)
        this.hears(200, "INFO")
    part(this, other)


@WHO
def test_an_answer_crosses_with_its_body(stage: Stage, who: str) -> None:
    this, other = ends_of(stage, who)
    this.asks("INFO", RELAY, body=DTMF)
    other.answers(other.hears("INFO"), 200, "Content-Type: text/x-digits", body=b"55")
    answer = this.hears(200, "INFO")
    assert (answer.get("Content-Type"), answer.body) == ("text/x-digits", b"55")
    part(this, other)


@WHO
def test_a_notify_of_another_package_crosses(stage: Stage, who: str) -> None:
    this, other = ends_of(stage, who)
    this.asks("NOTIFY", "Event: telephone-event;rate=1000", "Subscription-State: active;expires=60")
    came = other.hears("NOTIFY")
    assert came.get("Event") == "telephone-event;rate=1000"
    assert came.get("Subscription-State") == "active;expires=60"
    assert came.get("Contact") == "<sip:192.0.2.1:5060>"
    other.answers(came, 489)
    this.hears(489, "NOTIFY")
    part(this, other)


CROSSING = {
    "Session-ID": "ab30317f1a784dc48ff824d0d3715d86;remote=47755a9de7794ba387653f2099600ef2",
    "User-to-User": "0405;encoding=hex",
    "Reason": "Q.850;cause=16",
    "Info-Package": "infoDtmf",
    "Recv-Info": "infoDtmf, x",
    "Content-Disposition": "Info-Package",
}
OF_THE_HOP = {
    "Record-Route": "<sip:198.51.100.77;lr>",
    "Route": "<sip:192.0.2.1;lr>",
    "Supported": "100rel, timer",
    "Allow": "INVITE, PUBLISH",
    "Session-Expires": "1800",
    "RAck": "1 1 INVITE",
    "User-Agent": "spy/1",
    "Warning": '399 10.0.0.1 "inside"',
    "P-Asserted-Identity": "<sip:+13125550199@198.51.100.1>",
    "X-Unknown": "1",
}


@WHO
@pytest.mark.parametrize("method", ["INFO", "MESSAGE", "UPDATE", "INVITE"])
def test_what_crosses_and_what_does_not(stage: Stage, who: str, method: str) -> None:
    this, other = ends_of(stage, who)
    lines = [f"{name}: {value}" for name, value in (CROSSING | OF_THE_HOP).items()]
    if method == "INVITE":
        came = reinvites(this, other, *lines)
    else:
        this.asks(method, *lines)
        came = other.hears(method)
    _has_crossed(came)
    other.answers(came, 200, *lines)
    answer = this.hears(200, method)
    _has_crossed(answer)
    if method == "INVITE":
        this.ack()
        other.hears("ACK")
    part(this, other)


def _has_crossed(message: Wire) -> None:
    for name, value in CROSSING.items():
        assert message.all(name) == [value]
    for name, value in OF_THE_HOP.items():
        assert value not in message.all(name)


@WHO
@pytest.mark.parametrize("method", ["UPDATE", "INVITE"])
def test_a_target_refresh_says_where_we_are_and_what_we_can(stage: Stage, who: str, method: str) -> None:
    this, other = ends_of(stage, who)
    this.asks(method)
    if method == "INVITE":
        this.hears(100)
    came = other.hears(method)
    other.answers(came, 200)
    for message in (came, this.hears(200, method)):
        assert message.get("Contact") == "<sip:192.0.2.1:5060>"
        assert "UPDATE" in message.get("Allow")
        assert message.all("Supported")
    if method == "INVITE":
        this.ack()
        other.hears("ACK")
    part(this, other)


@pytest.mark.parametrize("trusts", [True, False])
@pytest.mark.parametrize("who", ["caller", "callee"])
def test_an_identity_crosses_by_trust(open_stage: OpenStage, who: str, trusts: bool) -> None:
    trust = {"identity": {"accept": trusts, "send": True}}
    stage = open_stage(carrier=trust, premise=trust)
    this, other = ends_of(stage, who)
    this.asks("UPDATE", "P-Asserted-Identity: <sip:+13125550100@198.51.100.1>", "Privacy: id")
    came = other.hears("UPDATE")
    assert came.all("P-Asserted-Identity") == (["<sip:+13125550100@192.0.2.1:5060>"] if trusts else [])
    other.answers(came, 200)
    this.hears(200, "UPDATE")
    part(this, other)


@WHO
def test_a_header_passes_where_the_trunk_says_so(open_stage: OpenStage, who: str) -> None:
    passes = {"pass_headers": ["X-Unknown"]}
    stage = open_stage(carrier=passes, premise=passes)
    this, other = ends_of(stage, who)
    this.asks("INFO", "X-Unknown: 1")
    came = other.hears("INFO")
    assert came.get("X-Unknown") == "1"
    other.answers(came, 200)
    this.hears(200, "INFO")
    part(this, other)


# ------------------------------------------------------------------------------------------------ what is refused


@WHO
@METHODS
@pytest.mark.parametrize("code", [403, 415, 488, 500, 503, 603])
def test_a_refusal_crosses_and_the_call_stands(stage: Stage, who: str, method: str, code: int) -> None:
    this, other = ends_of(stage, who)
    this.asks(method)
    other.answers(other.hears(method), code, "Retry-After: 7", "Accept: text/plain")
    answer = this.hears(code, method)
    assert (answer.get("Retry-After"), answer.get("Accept")) == ("7", "text/plain")
    part(this, other)


@WHO
@pytest.mark.parametrize(("code", "heard"), [(401, 403), (407, 403), (302, 480)])
def test_what_is_not_the_askers_to_answer(stage: Stage, who: str, code: int, heard: int) -> None:
    this, other = ends_of(stage, who)
    this.asks("INFO")
    other.answers(other.hears("INFO"), code, "Contact: <sip:198.51.100.99>", 'WWW-Authenticate: Digest realm="x"')
    answer = this.hears(heard, "INFO")
    assert not answer.all("WWW-Authenticate")
    assert not answer.all("Contact")
    part(this, other)


@WHO
@METHODS
def test_who_has_lost_the_call_ends_it_on_both_sides(stage: Stage, who: str, method: str) -> None:
    """RFC 3261 §12.2.1.2."""
    this, other = ends_of(stage, who)
    this.asks(method)
    other.answers(other.hears(method), 481)
    this.hears(481, method)
    assert this.is_hung_up().get("Reason") == "Q.850;cause=41"
    other.is_hung_up()
    record = stage.record
    assert (record.outcome, record.ended_by, record.cause) == ("answered", "router", 41)
    lost = "callee" if who == "caller" else "caller"
    assert record.reason == f"the {lost} has lost the call (481)"


@WHO
@METHODS
@pytest.mark.parametrize("answer", [None, 100, 408])
def test_who_does_not_answer_ends_it_on_both_sides(stage: Stage, who: str, method: str, answer: int | None) -> None:
    """And whoever asked hears no 408, which comes too late (RFC 4320 §4.2)."""
    this, other = ends_of(stage, who)
    this.asks(method)
    came = other.hears(method)
    if answer is not None:
        other.answers(came, answer)
    if answer != 408:
        stage.pass_time(GIVE_UP)
        while other.party.unheard[0].method == method:
            assert other.hears(method) == came
    this.is_hung_up()
    other.is_hung_up()
    assert stage.record.ended_by == "router"


@WHO
def test_a_request_that_fits_no_datagram_is_refused_and_the_call_stands(stage: Stage, who: str) -> None:
    this, other = ends_of(stage, who)
    this.asks("INFO", RELAY, body=b"x" * 65_200)
    stage.pass_time(0)
    this.hears(513, "INFO")
    part(this, other)


@WHO
def test_a_request_that_can_not_be_sent_is_refused_and_the_call_stands(stage: Stage, who: str) -> None:
    this, other = ends_of(stage, who)
    stage.line.cut.add(other.party.address)
    this.asks("INFO")
    stage.pass_time(0)
    this.hears(503, "INFO")
    stage.line.cut.clear()
    part(this, other)


@WHO
def test_who_sends_too_many_requests_at_once_is_told_to_come_again(stage: Stage, who: str) -> None:
    this, other = ends_of(stage, who)
    came = []
    for _ in range(MOST_OPEN):
        this.asks("INFO")
        came.append(other.hears("INFO"))
    this.asks("INFO")
    assert this.hears(500, "INFO").get("Retry-After")
    for each in came:
        other.answers(each, 200)
        this.hears(200, "INFO")
    part(this, other)


# ------------------------------------------------------------------------------------------------ repeated, or too late


@WHO
@METHODS
def test_a_request_that_comes_again_gets_its_answer_again(stage: Stage, who: str, method: str) -> None:
    this, other = ends_of(stage, who)
    asked = this.asks(method)
    this.party.says(asked)
    came = other.hears(method)
    stage.pass_time(T1)
    assert other.hears(method) == came
    answer = other.answers(came, 200)
    first = this.hears(200, method)
    other.party.says(answer)
    this.party.says(asked)
    assert this.hears(200, method) == first
    part(this, other)


@WHO
@METHODS
@pytest.mark.parametrize("ends", ["this", "other"])
def test_somebody_hangs_up_before_the_answer(stage: Stage, who: str, method: str, ends: str) -> None:
    """RFC 3261 §15.1.2: what is asked gets 487."""
    this, other = ends_of(stage, who)
    this.asks(method)
    came = other.hears(method)
    (this if ends == "this" else other).asks("BYE")
    if ends == "this":
        this.hears(200, "BYE")
        this.hears(487, method)
        other.is_hung_up()
    else:
        other.hears(200, "BYE")
        this.hears(487, method)
        this.is_hung_up()
    other.answers(came, 200)
    this.hears_nothing()


@WHO
def test_a_stop_that_can_not_wait(stage: Stage, who: str) -> None:
    this, other = ends_of(stage, who)
    this.asks("INFO")
    came = other.hears("INFO")
    stage.router.interrupt()
    this.hears(487, "INFO")
    this.is_hung_up()
    other.is_hung_up()
    other.answers(came, 481)


@WHO
def test_an_update_with_an_offer_is_answered(stage: Stage, who: str) -> None:
    this, other = ends_of(stage, who)
    this.asks("UPDATE", body=media(this, 2, "inactive"))
    came = other.hears("UPDATE")
    assert came.body == media(this, 2, "inactive")
    other.answers(came, 200, body=media(other, 2, "inactive"))
    assert this.hears(200, "UPDATE").body == media(other, 2, "inactive")
    part(this, other)
