"""Referring: the caller is answered and told to call the cloud himself; until he is there, he is kept."""

from collections.abc import Callable

import pytest

from edge_router.b2bua.set_up.refer import sipfrag_status
from edge_router.sip.message import Request
from edge_router.sip.timers import GIVE_UP, T1
from tests.b2bua.conftest import OpenStage
from tests.b2bua.leg import Leg
from tests.b2bua.stage import REFERRED, Stage
from tests.end_to_end.wire import Wire, sdp

URI = f"sip:{REFERRED}@198.51.100.21:5060"


def referred(stage: Stage, body: bytes | None = None) -> tuple[Leg, Wire]:
    """A caller who was answered with silence, and the REFER that he hears then."""
    caller = stage.carrier.calls(REFERRED, body=body)
    answer = caller.hears(200)
    assert b"a=inactive" in answer.body
    stage.pass_time(0.1)
    caller.hears_nothing()
    caller.ack(body=stage.carrier.sdp if body == b"" else b"")
    return caller, caller.hears("REFER")


def notifies(caller: Leg, fragment: str, state: str = "active;expires=60") -> None:
    """Tells how the new call goes (RFC 3515 §2.4.5)."""
    caller.asks(
        "NOTIFY",
        "Event: refer",
        f"Subscription-State: {state}",
        "Content-Type: message/sipfrag;version=2.0",
        body=f"SIP/2.0 {fragment}\r\n".encode(),
    )
    caller.hears(200, "NOTIFY")


def arrives(caller: Leg, refer: Wire) -> None:
    caller.answers(refer, 202)
    notifies(caller, "100 Trying")
    notifies(caller, "200 OK", "terminated;reason=noresource")
    assert caller.is_hung_up().get("Reason") == "Q.850;cause=16"


# ------------------------------------------------------------------------------------------------ he gets there


def test_a_caller_who_arrives_is_let_go(stage: Stage) -> None:
    caller, refer = referred(stage)
    assert refer.get("Refer-To") == f"<{URI}>"
    arrives(caller, refer)
    record = stage.record
    assert (record.outcome, record.ended_by, record.transferred_to) == ("referred", "router", URI)
    assert [(each.dial_peer, each.target, each.code) for each in record.attempts] == [("cloud", URI, 200)]


def test_a_caller_without_an_offer_is_offered_silence(stage: Stage) -> None:
    caller, refer = referred(stage, body=b"")
    arrives(caller, refer)


def test_news_that_overtake_the_202(stage: Stage) -> None:
    caller, refer = referred(stage)
    notifies(caller, "100 Trying")
    notifies(caller, "200 OK", "terminated;reason=noresource")
    bye = caller.hears("BYE")
    caller.answers(refer, 202)
    caller.answers(bye, 200)
    assert (stage.record.outcome, stage.record.transferred_to) == ("referred", URI)


@pytest.mark.parametrize(("after_202", "outcome", "there"), [(False, "answered", None), (True, "referred", URI)])
def test_a_caller_who_hangs_up_meanwhile(stage: Stage, after_202: bool, outcome: str, there: str | None) -> None:
    """After the 202 that means that he is where he was sent."""
    caller, refer = referred(stage)
    if after_202:
        caller.answers(refer, 202)
    caller.hangs_up()
    if not after_202:
        caller.answers(refer, 481)
    record = stage.record
    assert (record.outcome, record.ended_by, record.transferred_to) == (outcome, "caller", there)
    assert [each.code for each in record.attempts] == [None]


def test_a_caller_who_never_acknowledges_is_hung_up(stage: Stage) -> None:
    caller = stage.carrier.calls(REFERRED)
    caller.hears(200)
    stage.pass_time(GIVE_UP + 0.2)
    for _ in range(10):
        caller.hears(200)
    caller.is_hung_up()
    record = stage.record
    assert (record.outcome, record.ended_by, record.cause) == ("failed", "router", 102)


def test_a_caller_who_hangs_up_before_his_ack(stage: Stage) -> None:
    caller = stage.carrier.calls(REFERRED)
    caller.hears(200)
    caller.hangs_up()
    assert stage.record.outcome == "answered"


def test_a_refer_is_said_again_until_it_is_answered(stage: Stage) -> None:
    caller, refer = referred(stage)
    stage.pass_time(T1)
    assert caller.hears("REFER") == refer
    arrives(caller, refer)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"SIP/2.0 200 OK\r\n", 200),
        (b"sip/2.0 603 Declined", 603),
        (b"SIP/2.0 100 Trying\nContact: <sip:a@h>\n", 100),
        (b"", 0),
        (b"HTTP/1.1 200 OK\r\n", 0),
        (b"SIP/2.0 2x0 OK\r\n", 0),
        (b"SIP/2.0 20\r\n", 0),
    ],
)
def test_the_status_in_the_news(body: bytes, status: int) -> None:
    news = Request("NOTIFY", "sip:h")
    news.body = body
    assert sipfrag_status(news) == status


# ------------------------------------------------------------------------------------------------ he does not


def refused(stage: Stage, caller: Leg, refer: Wire) -> None:
    caller.answers(refer, 603)


def failed(stage: Stage, caller: Leg, refer: Wire) -> None:
    caller.answers(refer, 202)
    notifies(caller, "100 Trying")
    notifies(caller, "486 Busy Here", "terminated;reason=noresource")


def failed_before_the_202(stage: Stage, caller: Leg, refer: Wire) -> None:
    notifies(caller, "503 Service Unavailable", "terminated;reason=noresource")
    caller.answers(refer, 202)


def ended_without_news(stage: Stage, caller: Leg, refer: Wire) -> None:
    caller.answers(refer, 202)
    notifies(caller, "100 Trying", "terminated;reason=giveup")


def said_no_more(stage: Stage, caller: Leg, refer: Wire) -> None:
    caller.answers(refer, 202)
    notifies(caller, "180 Ringing")
    stage.pass_time(60)


def said_nothing(stage: Stage, caller: Leg, refer: Wire) -> None:
    stage.pass_time(GIVE_UP)
    for _ in range(10):
        assert caller.hears("REFER") == refer


Way = Callable[[Stage, Leg, Wire], None]
WAYS: dict[Way, int | None] = {
    refused: 603,
    failed: 486,
    failed_before_the_202: 503,
    ended_without_news: None,
    said_no_more: None,
    said_nothing: None,
}


def kept(stage: Stage, body: bytes | None = None) -> tuple[Leg, Leg]:
    """A caller whose REFER was refused, and the callee who rings instead."""
    caller, refer = referred(stage, body)
    caller.answers(refer, 603)
    callee = stage.premise.is_called()
    callee.says(180)
    caller.hears_nothing()
    return caller, callee


def is_joined(stage: Stage, caller: Leg, callee: Leg) -> Wire:
    """The callee answers, and the caller's media are re-negotiated; hands back the re-INVITE."""
    callee.says(200)
    callee.hears("ACK")
    again = caller.hears("INVITE")
    caller.answers(again, 200, body=sdp("198.51.100.1", session=1001, version=2))
    caller.hears("ACK")
    return again


@pytest.mark.parametrize(("did", "code"), WAYS.items(), ids=[way.__name__ for way in WAYS])
def test_a_caller_who_does_not_arrive_is_kept_and_joined_to_the_next(stage: Stage, did: Way, code: int | None) -> None:
    caller, refer = referred(stage)
    did(stage, caller, refer)
    callee = stage.premise.is_called()
    assert callee.invite.body == stage.carrier.sdp
    is_joined(stage, caller, callee)
    caller.hangs_up()
    callee.is_hung_up()
    record = stage.record
    assert (record.outcome, record.transferred_to, record.method) == ("answered", None, "bridge")
    assert [(each.dial_peer, each.code) for each in record.attempts] == [("cloud", code), ("premise", 200)]
    assert stage.ear.failovers == [("cloud", "premise", "timeout" if code is None else str(code))]
    assert record.reason == f"not referred: {code or 'timeout'}"


def test_a_caller_for_whom_there_was_nobody_else_is_hung_up(open_stage: OpenStage) -> None:
    stage = open_stage(rules=[{"name": "cloud or nobody", "to": "cloud", "by": "refer", "final": True}])
    caller, refer = referred(stage)
    caller.answers(refer, 603)
    caller.is_hung_up()
    assert (stage.record.outcome, stage.record.reason) == ("failed", "not referred: 603")


# ------------------------------------------------------------------------------------------------ he can't be


@pytest.mark.parametrize("accepts", [[], ["redirect"]])
def test_a_caller_who_takes_no_refer_is_bridged(open_stage: OpenStage, accepts: list[str]) -> None:
    stage = open_stage(carrier={"accepts": accepts})
    caller, callee = stage.connected(REFERRED, stage.cloud)
    caller.hangs_up()
    callee.is_hung_up()
    assert stage.record.method == "bridge"
    assert stage.record.reason == "bridged, since trunk carrier does not accept refer"


@pytest.mark.parametrize("body", [b"hello", b"v=0\r\no=- 1 1 IN IP4 1.2.3.4\r\ns=-\r\nm=video 4 RTP/AVP 31\r\n"])
def test_an_offer_that_cannot_be_answered_with_silence(stage: Stage, body: bytes) -> None:
    """The caller is not answered, and the next dial-peer gets the call as it came."""
    caller = stage.carrier.calls(REFERRED, body=body)
    caller.hears(100)
    callee = stage.premise.is_called()
    assert callee.invite.body == body
    callee.refuses(486)
    caller.hears_refusal(486)
    assert stage.record.reason.startswith("not referred: ")
    assert stage.ear.failovers == [("cloud", "premise", "488")]
