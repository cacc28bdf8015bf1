"""Referring: the caller is answered and told to call the cloud himself; until he is there, he is kept."""

from collections.abc import Callable

import pytest

from edge_router.sip.timers import GIVE_UP, T1
from tests.b2bua.conftest import OpenStage
from tests.b2bua.leg import Leg
from tests.b2bua.stage import REFERRED, Stage
from tests.end_to_end.wire import Wire, beside_origin, origin, sdp

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


def test_the_new_offer_is_one_version_on_from_the_silence(stage: Stage) -> None:
    caller, refer = referred(stage)
    silence = caller.final.body
    caller.answers(refer, 603)
    again = is_joined(stage, caller, stage.premise.is_called())
    user, session, version, address = origin(silence)
    assert origin(again.body) == (user, session, version + 1, address)
    assert beside_origin(again.body) == beside_origin(stage.premise.sdp)
    caller.hangs_up()
    stage.premise.unheard.clear()
    stage.pass_time(GIVE_UP)
    stage.premise.unheard.clear()


def test_early_media_stand_for_an_answer_without_sdp(stage: Stage) -> None:
    caller, callee = kept(stage)
    callee.says(183, body=stage.premise.sdp)
    callee.says(200, body=b"")
    callee.hears("ACK")
    again = caller.hears("INVITE")
    assert beside_origin(again.body) == beside_origin(stage.premise.sdp)
    caller.answers(again, 200, body=stage.carrier.sdp)
    caller.hears("ACK")
    callee.hangs_up()
    caller.is_hung_up()


def test_a_late_offer_is_joined_by_the_callees(stage: Stage) -> None:
    caller, callee = kept(stage, body=b"")
    assert callee.invite.body == b""
    callee.says(200)
    callee.hears_nothing()
    again = caller.hears("INVITE")
    answer = sdp("198.51.100.1", session=1001, version=2)
    caller.answers(again, 200, body=answer)
    caller.hears("ACK")
    ack = callee.hears("ACK")
    assert (ack.body, ack.get("Content-Type")) == (answer, "application/sdp")
    callee.hangs_up()
    caller.is_hung_up()


def test_an_answer_to_the_new_offer_that_comes_again_gets_its_ack_again(stage: Stage) -> None:
    caller, callee = kept(stage)
    callee.says(200)
    callee.hears("ACK")
    again = caller.hears("INVITE")
    caller.answers(again, 100)
    answer = caller.answers(again, 200, body=stage.carrier.sdp)
    ack = caller.hears("ACK")
    stage.carrier.says(answer)
    assert caller.hears("ACK") == ack
    caller.hangs_up()
    callee.is_hung_up()
    stage.carrier.says(answer)
    assert caller.hears("ACK") == ack


@pytest.mark.parametrize("body", [None, b""], ids=["offer", "late offer"])
@pytest.mark.parametrize("code", [488, 491, 500])
def test_a_caller_who_refuses_the_new_media(stage: Stage, body: bytes | None, code: int) -> None:
    """Nothing stays half open."""
    caller, callee = kept(stage, body)
    callee.says(200)
    again = caller.hears("INVITE")
    caller.answers(again, code)
    caller.hears("ACK")
    callee.hears("ACK")
    callee.is_hung_up()
    caller.is_hung_up()
    record = stage.record
    assert (record.outcome, record.ended_by, record.code) == ("failed", "router", 200)
    assert [each.code for each in record.attempts] == [603, 200]


@pytest.mark.parametrize("code", [0, 100])
def test_a_caller_who_never_answers_the_new_offer(stage: Stage, code: int) -> None:
    caller, callee = kept(stage)
    callee.says(200)
    callee.hears("ACK")
    again = caller.hears("INVITE")
    if code:
        caller.answers(again, code)
    stage.pass_time(GIVE_UP)
    for _ in range(0 if code else 6):
        assert caller.hears("INVITE") == again
    caller.is_hung_up()
    callee.is_hung_up()
    assert stage.record.outcome == "failed"


@pytest.mark.parametrize("who", ["caller", "callee"])
@pytest.mark.parametrize("body", [None, b""], ids=["offer", "late offer"])
def test_somebody_hangs_up_while_the_media_are_negotiated(stage: Stage, who: str, body: bytes | None) -> None:
    caller, callee = kept(stage, body)
    callee.says(200)
    if body is None:
        callee.hears("ACK")
    again = caller.hears("INVITE")
    (caller if who == "caller" else callee).hangs_up("Reason: Q.850;cause=31")
    if body is not None:
        callee.hears("ACK")
    (callee if who == "caller" else caller).is_hung_up()
    answer = caller.answers(again, 200, body=stage.carrier.sdp)
    ack = caller.hears("ACK")  # every 2xx gets its ACK (RFC 3261 §13.2.2.4)
    assert ack.cseq == again.cseq
    stage.carrier.says(answer)
    assert caller.hears("ACK") == ack
    assert (stage.record.outcome, stage.record.ended_by) == ("answered", who)


def test_a_late_answer_to_the_refer_is_none_to_the_new_offer(open_stage: OpenStage) -> None:
    stage = open_stage(cloud={"answer_timeout": 1})
    caller, refer = referred(stage)
    stage.pass_time(1)
    caller.hears("REFER")
    callee = stage.premise.is_called()
    callee.says(200)
    callee.hears("ACK")
    again = caller.hears("INVITE")
    caller.answers(refer, 202)
    caller.hears_nothing()
    caller.answers(again, 200, body=stage.carrier.sdp)
    caller.hears("ACK")
    stage.pass_time(GIVE_UP)
    caller.hangs_up()
    callee.is_hung_up()
    assert stage.record.outcome == "answered"


def test_a_refer_that_is_never_answered_ends_no_call_that_stands(open_stage: OpenStage) -> None:
    stage = open_stage(cloud={"answer_timeout": 30})
    caller, _ = referred(stage)
    stage.pass_time(30)
    callee = stage.premise.is_called()
    callee.says(200)
    callee.hears("ACK")
    while stage.carrier.unheard[0].method == "REFER":
        caller.hears("REFER")
    again = caller.hears("INVITE")
    stage.pass_time(2.5)  # and the REFER's Timer F runs out
    while stage.carrier.unheard:
        stage.carrier.unheard.pop()
    caller.answers(again, 200, body=stage.carrier.sdp)
    caller.hears("ACK")
    caller.hangs_up()
    callee.is_hung_up()


def test_a_caller_who_is_kept_and_hangs_up_while_it_rings(stage: Stage) -> None:
    caller, callee = kept(stage)
    caller.hangs_up()
    callee.is_cancelled()
    assert (stage.record.outcome, stage.record.ended_by) == ("answered", "caller")


def test_a_caller_who_is_kept_and_whom_nobody_takes_is_hung_up(stage: Stage) -> None:
    caller, callee = kept(stage)
    callee.refuses(486, "Reason: Q.850;cause=17", "User-to-User: 00", body=stage.premise.sdp)
    assert caller.is_hung_up().all("Reason") == ["Q.850;cause=17"]
    record = stage.record
    assert (record.outcome, record.ended_by, record.code) == ("failed", "router", 200)
    assert [each.code for each in record.attempts] == [603, 486]


def test_a_caller_for_whom_there_was_nobody_else_is_hung_up(open_stage: OpenStage) -> None:
    stage = open_stage(rules=[{"name": "cloud or nobody", "to": "cloud", "by": "refer", "final": True}])
    caller, refer = referred(stage)
    caller.answers(refer, 603)
    caller.is_hung_up()
    assert (stage.record.outcome, stage.record.reason) == ("failed", "not referred: 603")


def test_hunting_goes_on_from_target_to_target(open_stage: OpenStage) -> None:
    targets = ["sip:198.51.100.31:5060", "sip:198.51.100.22:5060"]
    stage = open_stage(premise={"targets": targets})
    caller, callee = kept(stage)
    callee.says(183, body=stage.premise.sdp)
    callee.refuses(500)
    is_joined(stage, caller, stage.spare.is_called())
    caller.hangs_up()
    stage.spare.unheard.clear()
    stage.pass_time(GIVE_UP)
    stage.spare.unheard.clear()


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


def test_a_caller_is_referred_once(open_stage: OpenStage) -> None:
    again = [{"peer": "cloud", "by": "refer"}, {"peer": "premise", "by": "refer"}]
    stage = open_stage(rules=[{"name": "refer, and refer again", "to": again}])
    caller, callee = kept(stage)
    callee.refuses(486)
    caller.is_hung_up()
