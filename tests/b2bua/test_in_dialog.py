"""Requests inside a call: who may send them, and what becomes of those that the router does not carry."""

import pytest

from edge_router.sip.timers import T1
from tests.b2bua.leg import Leg
from tests.b2bua.stage import PREMISE_ONLY, Stage
from tests.end_to_end.wire import Wire

WHO = pytest.mark.parametrize("who", ["caller", "callee"])


def end_of(stage: Stage, who: str) -> tuple[Leg, Leg]:
    """This end of a call that stands, and the other."""
    caller, callee = stage.connected()
    return (caller, callee) if who == "caller" else (callee, caller)


@WHO
@pytest.mark.parametrize(
    ("method", "code"),
    [
        ("OPTIONS", 200),
        ("PRACK", 400),
        ("SUBSCRIBE", 489),
        ("REGISTER", 405),
        ("NOTIFY", 489),
        ("DANCE", 501),
    ],
)
def test_what_is_not_carried_is_answered_and_the_call_stands(stage: Stage, who: str, method: str, code: int) -> None:
    this, other = end_of(stage, who)
    this.asks(method)
    answer = this.hears(code, method)
    if code in (200, 405, 501):
        allowed = answer.get("Allow").split(", ")
        assert {"INVITE", "INFO", "MESSAGE", "UPDATE"} <= set(allowed)
        assert (method in allowed) == (code == 200)
    if method == "OPTIONS":
        assert "application/sdp" in answer.get("Accept")
    stage.pass_time(60)
    other.hears_nothing()
    this.hangs_up()
    other.is_hung_up()


@WHO
@pytest.mark.parametrize(
    "method", ["INVITE", "BYE", "OPTIONS", "NOTIFY", "INFO", "MESSAGE", "UPDATE", "REFER", "SUBSCRIBE"]
)
def test_an_extension_that_is_not_spoken(stage: Stage, who: str, method: str) -> None:
    """RFC 3261 §8.2.2.3. The call stands, and the request may come again without (§8.1.3.5)."""
    this, other = end_of(stage, who)
    this.asks(method, "Require: uui, x-weird", "Require: 100rel")
    answer = this.hears(420, method)
    assert answer.all("Unsupported") == ["x-weird, 100rel"]
    if method == "INVITE":
        this.party.says(this.request("ACK", branch=answer.branch, seq=answer.cseq))
    other.hears_nothing()
    this.hangs_up("Require: uui")
    other.is_hung_up()


@WHO
@pytest.mark.parametrize(("method", "code"), [("REGISTER", 405), ("DANCE", 501)])
def test_a_method_that_is_not_taken_is_refused_as_such_whatever_it_requires(
    stage: Stage, who: str, method: str, code: int
) -> None:
    this, other = end_of(stage, who)
    this.asks(method, "Require: x-weird")
    this.hears(code, method)
    this.hangs_up()
    other.is_hung_up()


def test_an_ack_may_require_what_it_likes(stage: Stage) -> None:
    caller, callee = stage.ringing()
    callee.says(200)
    caller.hears(200)
    stage.carrier.says(caller.request("ACK", "Require: x-weird", seq=1))
    callee.hears("ACK")
    caller.hangs_up()
    callee.is_hung_up()


def test_a_cancel_may_require_what_it_likes(stage: Stage) -> None:
    caller, callee = stage.ringing()
    caller.cancel("Require: x-weird")
    caller.hears(200, "CANCEL")
    caller.hears_refusal(487)
    callee.is_cancelled()


@WHO
def test_a_notify_of_no_refer(stage: Stage, who: str) -> None:
    this, other = end_of(stage, who)
    this.asks("NOTIFY", "Event: refer", "Subscription-State: active")
    this.hears(481, "NOTIFY")
    this.hangs_up()
    other.is_hung_up()


def test_a_re_invite_before_the_answer(stage: Stage) -> None:
    """RFC 3261 §14.2: not now, but in a while."""
    caller, callee = stage.ringing()
    again = caller.asks("INVITE", body=stage.carrier.sdp)
    answer = caller.hears(500)
    assert 0 <= int(answer.get("Retry-After")) <= 10
    stage.carrier.says(caller.request("ACK", branch=again.branch, seq=answer.cseq))
    callee.says(200)
    caller.hears(200)
    stage.carrier.says(caller.request("ACK", seq=1))
    callee.hears("ACK")
    caller.hangs_up()
    callee.is_hung_up()


@WHO
def test_requests_come_in_order(stage: Stage, who: str) -> None:
    this, other = end_of(stage, who)
    this.seq += 5
    this.asks("OPTIONS")
    this.hears(200)
    this.seq -= 2
    this.asks("BYE")
    this.hears(500, "BYE")
    this.seq += 2
    this.hangs_up()
    other.is_hung_up()


@WHO
@pytest.mark.parametrize("host", ["198.51.100.77", "203.0.113.5"])
def test_they_may_come_from_any_address(stage: Stage, who: str, host: str) -> None:
    this, other = end_of(stage, who)
    elsewhere = stage.party(host, 5077)
    this.party = elsewhere
    this.hangs_up()
    other.is_hung_up()


# ------------------------------------------------------------------------------------------------ where ours go

ELSEWHERE = "198.51.100.99"


@pytest.mark.parametrize(
    ("contact", "place", "transport"),
    [
        ("<sip:{here}:5060>", "{here}:5060", ""),
        ("<sip:{here}:5070;transport=UDP>", "{here}:5070", ""),
        ("<sip:{here}:5070;transport=tcp>", "{here}:5060", "TCP"),
        ("<sip:{here}:5061;transport=TLS>", "{here}:5060", "TLS"),
        ("<sips:{here}:5061;transport=tcp>", "{here}:5060", "TLS"),
        ("<sip:{here};transport=ws>", "{here}:5060", "WebSocket"),
        ("<sip:{here};transport=pigeon>", "{here}:5060", "another transport"),
        (f"<sip:{ELSEWHERE}:5070;transport=tcp>", f"{ELSEWHERE}:5070", "TCP"),
        (f"<sips:{ELSEWHERE}>", f"{ELSEWHERE}:5060", "TLS"),
        ("<sips:gateway.example>", "{here}:5060", "TLS"),
    ],
)
@WHO
def test_who_asks_for_another_transport_is_sent_udp_and_it_is_told(
    stage: Stage, who: str, contact: str, place: str, transport: str
) -> None:
    party, trunk = (stage.carrier, "carrier") if who == "caller" else (stage.premise, "premise")
    here = party.address[0]
    contact = f"Contact: {contact.format(here=here)}"
    caller = stage.carrier.calls(PREMISE_ONLY, *([contact] if who == "caller" else []))
    callee = stage.premise.is_called()
    callee.says(200, *([contact] if who == "callee" else []))
    caller.hears(100)
    caller.hears(200)
    host, _, port = place.format(here=here).rpartition(":")
    at = stage.party(host, int(port))
    caller.ack()
    if who == "callee":
        callee.party = at
        callee.hears("ACK")
        caller.hangs_up()
    else:
        callee.hears("ACK")
        callee.hangs_up()
        caller.party = at
    assert (caller if who == "caller" else callee).is_hung_up().uri in contact
    assert stage.record.reason == (f"{trunk} asks for {transport}, and is sent UDP" if transport else "")


# ------------------------------------------------------------------------------------------------ by a stranger


def with_another(message: Wire, what: str) -> Wire:
    """A copy with one part of the dialog's name changed."""
    name, old, new = {
        "From tag": ("From", ";tag=", ";tag=x"),
        "To tag": ("To", ";tag=", ";tag=x"),
        "Call-ID": ("Call-ID", "", "x"),
    }[what]
    return message.with_headers((name, message.get(name).replace(old, new, 1)))


WRONG = pytest.mark.parametrize("wrong", ["From tag", "To tag", "Call-ID"])


@WHO
@WRONG
def test_a_bye_that_does_not_name_the_dialog(stage: Stage, who: str, wrong: str) -> None:
    this, other = end_of(stage, who)
    spoof = with_another(this.request("BYE"), wrong)
    this.party.says(spoof)
    assert this.party.unheard.pop().code == 481
    stage.router.receive(spoof.encode().replace(b"z9hG4bK", b"z9hG4bKx"), ("203.0.113.66", 5060), stage.line)
    assert stage.ear.refused == {"unknown source": 1}
    other.hears_nothing()
    this.hangs_up()
    other.is_hung_up()


@WRONG
def test_an_ack_that_does_not_name_the_dialog(stage: Stage, wrong: str) -> None:
    caller, callee = stage.ringing()
    callee.says(200)
    caller.hears(200)
    stage.carrier.says(with_another(caller.request("ACK", seq=1), wrong))
    assert stage.ear.refused == {"stray ACK": 1}
    callee.hears_nothing()
    stage.pass_time(T1)
    caller.hears(200)
    caller.ack()
    callee.hears("ACK")
    caller.hangs_up()
    callee.is_hung_up()


def test_an_ack_of_a_callee_acknowledges_nothing(stage: Stage) -> None:
    caller, callee = stage.connected()
    stage.premise.says(callee.request("ACK", seq=1))
    caller.hears_nothing()
    callee.hangs_up()
    caller.is_hung_up()


@WHO
def test_a_call_that_is_over_is_an_unknown_dialog(stage: Stage, who: str) -> None:
    this, other = end_of(stage, who)
    other.hangs_up()
    this.is_hung_up()
    for method in ("BYE", "OPTIONS", "INVITE", "INFO"):
        asked = this.asks(method)
        answer = this.hears(481, method)
        if method == "INVITE":
            this.party.says(this.request("ACK", branch=asked.branch, seq=answer.cseq))
