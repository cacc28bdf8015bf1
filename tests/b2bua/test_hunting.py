"""Hunting: target by target and dial-peer by dial-peer, until somebody takes the call."""

import pytest

from edge_router.sip.timers import GIVE_UP
from tests.b2bua.conftest import OpenStage
from tests.b2bua.leg import Leg, Party
from tests.b2bua.stage import CLOUD_FIRST, PREMISE_ONLY, Stage
from tests.end_to_end.wire import beside_origin, origin, sdp, tag_of

ONE_TARGET = {"targets": ["sip:198.51.100.21:5060"]}


def called(stage: Stage) -> Leg:
    """A caller whose call goes to the cloud first."""
    caller = stage.carrier.calls(CLOUD_FIRST)
    caller.hears(100)
    return caller


def takes_it(caller: Leg, party: Party) -> Leg:
    """This party takes the call, and the caller hears of nothing else; then he hangs up."""
    callee = party.is_called()
    assert callee.invite.body == caller.invite.body
    callee.says(200)
    assert beside_origin(caller.hears(200).body) == beside_origin(party.sdp)
    caller.ack()
    callee.hears("ACK")
    caller.hangs_up()
    callee.is_hung_up()
    return callee


def attempts(stage: Stage) -> list[tuple[str, str, int | None]]:
    return [(each.dial_peer, each.target.partition(":")[0], each.code) for each in stage.record.attempts]


FIRST, SECOND = ("cloud", "198.51.100.21"), ("cloud", "198.51.100.22")
PREMISE = ("premise", "198.51.100.31")

# ------------------------------------------------------------------------------------------------ what moves on


def test_a_refusal_moves_on_to_the_next_target_and_the_next_dial_peer(stage: Stage) -> None:
    caller = called(stage)
    first = stage.cloud.is_called()
    first.refuses(500)
    second = stage.spare.is_called()
    assert second.invite.get("Call-ID") != first.invite.get("Call-ID")
    assert tag_of(second.invite.get("From")) != tag_of(first.invite.get("From"))
    assert second.invite.get("Cisco-Guid") == first.invite.get("Cisco-Guid")
    second.refuses(502)
    takes_it(caller, stage.premise)
    assert attempts(stage) == [(*FIRST, 500), (*SECOND, 502), (*PREMISE, 200)]
    assert stage.ear.failovers == [("cloud", "premise", "502")]


@pytest.mark.parametrize(("seconds", "says"), [(2, []), (6, [100]), (6, [100, 100, 100])])
def test_silence_moves_on_to_the_next_target(stage: Stage, seconds: int, says: list[int]) -> None:
    """Without any answer after connect_timeout, without ringing after progress_timeout."""
    caller = called(stage)
    first = stage.cloud.is_called()
    for nth, code in enumerate(says):
        stage.pass_time(nth)  # a 100 said again is no progress
        first.says(code)
    stage.pass_time(seconds - sum(range(len(says))) - 0.2)
    while stage.cloud.unheard:
        first.hears("INVITE")
    assert not stage.spare.unheard
    stage.pass_time(0.2)
    if says:
        first.is_cancelled()
    else:
        first.hears_nothing()  # RFC 3261 §9.1
    takes_it(caller, stage.spare)
    assert attempts(stage) == [(*FIRST, None), (*SECOND, 200)]
    first.says(486)
    while stage.cloud.unheard:
        first.hears("ACK")


def test_ringing_without_an_answer_moves_on_to_the_next_dial_peer(stage: Stage) -> None:
    """After answer_timeout: another target would only ring as long again."""
    caller = called(stage)
    first = stage.cloud.is_called()
    for _ in range(6):
        first.says(180)
        caller.hears(180)
        first.says(100)
        stage.pass_time(9.9)  # ringing said again is no answer, and a late 100 no step back
    assert not stage.premise.unheard
    stage.pass_time(1)
    first.is_cancelled()
    takes_it(caller, stage.premise)
    assert attempts(stage) == [(*FIRST, None), (*PREMISE, 200)]
    assert stage.ear.failovers == [("cloud", "premise", "timeout")]


def test_a_wait_that_came_to_nothing_leaves_no_timer(stage: Stage) -> None:
    """For longer than a transaction lives; its answer_timeout is a minute."""
    caller, callee = stage.ringing()
    stage.pass_time(3)
    callee.refuses(486)
    caller.hears_refusal(486)


@pytest.mark.parametrize("code", [404, 480, 486, 600, 603])
def test_what_is_not_in_hunt_on_is_the_callers(stage: Stage, code: int) -> None:
    caller = called(stage)
    stage.cloud.is_called().refuses(code)
    caller.hears_refusal(code)
    assert attempts(stage) == [(*FIRST, code)]


@pytest.mark.parametrize(
    ("hunt_on", "next_peer_on", "code", "next_one"),
    [
        (["4xx", "!486"], None, 404, "spare"),
        (["4xx", "!486"], None, 486, ""),
        (["500-504"], None, 504, "spare"),
        (["500-504"], None, 505, ""),
        (["timeout"], ["5xx"], 500, "premise"),
        (["6xx"], ["4xx"], 603, "spare"),
        (["timeout"], ["timeout"], 603, ""),
    ],
)
def test_hunt_on_and_next_peer_on(
    open_stage: OpenStage, hunt_on: list[str], next_peer_on: list[str] | None, code: int, next_one: str
) -> None:
    also = {} if next_peer_on is None else {"next_peer_on": next_peer_on}
    stage = open_stage(cloud={"hunt_on": hunt_on, **also})
    caller = called(stage)
    stage.cloud.is_called().refuses(code)
    if next_one:
        takes_it(caller, getattr(stage, next_one))
    else:
        caller.hears_refusal(code)


def test_without_timeout_in_hunt_on_silence_is_the_callers(open_stage: OpenStage) -> None:
    stage = open_stage(cloud={"hunt_on": ["5xx"]})
    caller = called(stage)
    first = stage.cloud.is_called()
    stage.pass_time(2)
    caller.hears_refusal(408)
    assert (stage.record.code, stage.record.cause, stage.record.outcome) == (408, 102, "failed")
    first.hears("INVITE")
    first.hears("INVITE")
    first.says(100)
    first.is_cancelled()


def test_what_cannot_even_be_sent_moves_on_at_once(stage: Stage) -> None:
    stage.line.cut.add(stage.cloud.address)
    caller = called(stage)
    stage.pass_time(0)
    takes_it(caller, stage.spare)


def test_a_rule_that_is_final_goes_on_to_nobody(open_stage: OpenStage) -> None:
    stage = open_stage(rules=[{"name": "cloud or nobody", "to": "cloud", "final": True}], cloud=ONE_TARGET)
    caller = called(stage)
    stage.cloud.is_called().refuses(500)
    caller.hears_refusal(500)


def test_otherwise_comes_after_the_rules_own(open_stage: OpenStage) -> None:
    stage = open_stage(rules=[{"name": "cloud", "to": "cloud"}], cloud=ONE_TARGET)
    caller = called(stage)
    stage.cloud.is_called().refuses(500)
    takes_it(caller, stage.premise)


def test_the_last_refusal_is_the_callers(stage: Stage) -> None:
    caller = called(stage)
    stage.cloud.is_called().refuses(500)
    stage.spare.is_called().refuses(504)
    stage.premise.is_called().refuses(502, "Reason: Q.850;cause=38")
    assert caller.hears_refusal(502).get("Reason") == "Q.850;cause=38"
    assert (stage.record.code, stage.record.cause, stage.record.reason) == (502, 38, "premise: 502")


@pytest.mark.parametrize(("final_503", "code"), [({}, 500), ({"final_503": 480}, 480), ({"final_503": "pass"}, 503)])
def test_a_503_is_final_503_for_the_caller(open_stage: OpenStage, final_503: dict[str, int], code: int) -> None:
    """RFC 3261 §16.7: one target's 503 would shut the whole router."""
    stage = open_stage(premise=final_503)
    caller = stage.carrier.calls(PREMISE_ONLY)
    caller.hears(100)
    stage.premise.is_called().refuses(503, "Retry-After: 20", "Reason: Q.850;cause=42")
    refusal = caller.hears_refusal(code)
    assert refusal.get("Reason") == "Q.850;cause=42"
    assert refusal.all("Retry-After") == (["20"] if code == 503 else [])
    assert (stage.record.code, [each.code for each in stage.record.attempts]) == (code, [503])


# ------------------------------------------------------------------------------------------------ given up


@pytest.mark.parametrize("code", [180, 183])
def test_a_target_given_up_that_rings_is_cancelled(stage: Stage, code: int) -> None:
    caller = called(stage)
    late = stage.cloud.is_called()
    stage.pass_time(2)
    for _ in range(2):
        late.hears("INVITE")
    second = stage.spare.is_called()
    late.says(code)
    late.is_cancelled()
    caller.hears_nothing()
    second.says(180)
    caller.hears(180)
    second.refuses(486)
    caller.hears_refusal(486)


@pytest.mark.parametrize("rang_before", [False, True])
def test_a_target_given_up_that_answers_gets_ack_and_bye(stage: Stage, rang_before: bool) -> None:
    caller = called(stage)
    late = stage.cloud.is_called()
    if rang_before:
        late.says(100)
    stage.pass_time(6 if rang_before else 2)
    if rang_before:
        late.answers(late.hears("CANCEL"), 200)
    else:
        for _ in range(2):
            late.hears("INVITE")
    late.says(200)
    ack = late.hears("ACK")
    late.is_hung_up()
    caller.hears_nothing()
    takes_it(caller, stage.spare)
    late.says(200)
    assert late.hears("ACK") == ack
    assert attempts(stage) == [(*FIRST, None), (*SECOND, 200)]


def test_a_target_given_up_may_come_back_after_the_call(stage: Stage) -> None:
    caller = called(stage)
    late = stage.cloud.is_called()
    stage.pass_time(2)
    stage.spare.is_called().refuses(486)
    caller.hears_refusal(486)
    assert stage.router.calls == {}
    stage.pass_time(GIVE_UP / 2)
    while stage.cloud.unheard:
        late.hears("INVITE")
    late.says(200)
    late.hears("ACK")
    late.is_hung_up()


# ------------------------------------------------------------------------------------------------ early media


@pytest.mark.parametrize("given_up", [False, True], ids=["refused", "given up"])
def test_after_early_media_the_next_attempt_is_another_dialog(open_stage: OpenStage, given_up: bool) -> None:
    """A fresh To tag (RFC 3261 §13.2.1), and one o= line for all that this leg has seen (RFC 3264 §8)."""
    stage = open_stage(cloud=ONE_TARGET)
    stage.cloud.sdp = sdp("198.51.100.21", session=7001, version=5)
    stage.premise.sdp = sdp("198.51.100.31", session=8001, version=1)
    caller = called(stage)
    first = stage.cloud.is_called()
    first.says(183, body=stage.cloud.sdp)
    early = caller.hears(183)
    assert early.body == stage.cloud.sdp
    if given_up:
        stage.pass_time(60)
        first.is_cancelled()
    else:
        first.refuses(500)
    second = stage.premise.is_called()
    second.says(180)
    assert tag_of(caller.hears(180).get("To")) not in ("", tag_of(early.get("To")))
    second.says(183, body=stage.premise.sdp)
    again = caller.hears(183)
    user, session, version, address = origin(early.body)
    assert origin(again.body) == (user, session, version + 1, address)
    assert beside_origin(again.body) == beside_origin(stage.premise.sdp)
    second.says(200)
    answer = caller.hears(200)
    assert answer.body == again.body  # the same description again is the same answer
    assert tag_of(answer.get("To")) == tag_of(again.get("To"))
    caller.ack()
    second.hears("ACK")
    caller.hangs_up()
    second.is_hung_up()


def test_the_version_counts_on_from_source_to_source(stage: Stage) -> None:
    caller = called(stage)
    tags = set()
    for version, party in enumerate((stage.cloud, stage.spare, stage.premise), 1):
        callee = party.is_called()
        callee.says(183, body=party.sdp)
        early = caller.hears(183)
        tags.add(tag_of(early.get("To")))
        assert origin(early.body)[1:3] == (1021, version)
        if party is not stage.premise:
            callee.refuses(500)
        else:
            other = sdp("198.51.100.31", port=50000)
            callee.says(183, body=other)
            changed = caller.hears(183)
            assert origin(changed.body)[1:3] == (1021, version + 1)
            assert beside_origin(changed.body) == beside_origin(other)
            callee.refuses(486)
    assert len(tags) == 3
    caller.hears_refusal(486)


def test_ringing_alone_needs_no_other_dialog(stage: Stage) -> None:
    caller = called(stage)
    first = stage.cloud.is_called()
    first.says(180)
    tag = tag_of(caller.hears(180).get("To"))
    first.refuses(500)
    second = stage.spare.is_called()
    second.says(200)
    answer = caller.hears(200)
    assert tag_of(answer.get("To")) == tag
    assert answer.body == stage.spare.sdp
    caller.ack()
    second.hears("ACK")
    second.hangs_up()
    caller.is_hung_up()
