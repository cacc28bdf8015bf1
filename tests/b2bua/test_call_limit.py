"""max_duration: a call ends in its time, on both sides, and nothing is kept of one that ends before."""

import pytest

from tests.b2bua.conftest import OpenStage
from tests.b2bua.in_call import part
from tests.b2bua.leg import Leg
from tests.b2bua.stage import REFERRED, Stage


def ended(stage: Stage, caller: Leg, callee: Leg, why: str) -> None:
    for leg in (caller, callee):
        assert leg.is_hung_up().all("Reason") == ["Q.850;cause=102"]
    record = stage.record
    assert (record.outcome, record.ended_by, record.cause, record.reason) == ("answered", "router", 102, why)


@pytest.mark.parametrize(
    ("carrier", "premise", "why"),
    [
        ("1m", None, "the call lasted 60 s, the max_duration of carrier"),
        (None, "1m", "the call lasted 60 s, the max_duration of premise"),
        ("1m", "2m", "the call lasted 60 s, the max_duration of carrier"),
        ("2m", "1m", "the call lasted 60 s, the max_duration of premise"),
    ],
)
def test_the_shorter_of_both_trunks_counts(
    open_stage: OpenStage, carrier: str | None, premise: str | None, why: str
) -> None:
    stage = open_stage(
        carrier={"max_duration": carrier} if carrier else {}, premise={"max_duration": premise} if premise else {}
    )
    caller, callee = stage.ringing()
    stage.pass_time(50)  # it counts from the answer
    callee.says(200)
    caller.hears(200)
    caller.ack()
    callee.hears("ACK")
    stage.pass_time(59.9)
    caller.hears_nothing()
    stage.pass_time(1.2)
    ended(stage, caller, callee, why)


def test_a_call_that_ends_before_leaves_nothing(open_stage: OpenStage) -> None:
    stage = open_stage(carrier={"max_duration": "4h"})
    caller, callee = stage.connected()
    assert len(stage.router.deadlines) == 1
    part(caller, callee)
    assert len(stage.router.deadlines) == 0


def test_an_emergency_call_lasts_as_long_as_it_takes(open_stage: OpenStage) -> None:
    stage = open_stage(carrier={"max_duration": "1m"}, emergency={"called": ["911"], "destinations": ["premise"]})
    caller, callee = stage.connected("911")
    stage.pass_time(100)
    part(caller, callee)


def test_without_one_a_call_lasts_as_long_as_it_takes(stage: Stage) -> None:
    caller, callee = stage.connected()
    stage.pass_time(3600)
    assert stage.router.counts()["timers"] == 0
    part(caller, callee)


def test_a_caller_who_was_kept_has_the_time_of_the_call_that_he_gets(open_stage: OpenStage) -> None:
    stage = open_stage(premise={"max_duration": "1m"})
    caller = stage.carrier.calls(REFERRED)
    caller.hears(200)
    caller.ack()
    caller.answers(caller.hears("REFER"), 603)
    callee = stage.premise.is_called()
    callee.says(200)
    callee.hears("ACK")
    caller.answers(caller.hears("INVITE"), 200, body=stage.carrier.sdp)
    caller.hears("ACK")
    stage.pass_time(61.1)
    ended(stage, caller, callee, "not referred: 603; the call lasted 60 s, the max_duration of premise")


def test_a_kept_caller_who_can_not_be_joined_has_no_time(open_stage: OpenStage) -> None:
    stage = open_stage(premise={"max_duration": "1m"})
    caller = stage.carrier.calls(REFERRED)
    caller.hears(200)
    caller.ack()
    caller.answers(caller.hears("REFER"), 603)
    callee = stage.premise.is_called()
    callee.says(200)
    callee.hears("ACK")
    caller.answers(caller.hears("INVITE"), 488)
    caller.hears("ACK")
    callee.is_hung_up()
    caller.is_hung_up()
    assert len(stage.router.deadlines) == 0
