"""What must hold at the end of a call, whichever way it ended: its record, and what is given back."""

import gc
import os
from datetime import UTC, datetime

import pytest

from edge_router.b2bua.call.call import Call
from edge_router.b2bua.reports.record import CallRecord
from edge_router.sip.timers import GIVE_UP, T4
from tests.b2bua.conftest import OpenStage
from tests.b2bua.endings import ENDINGS, Ending
from tests.b2bua.stage import Stage

EACH = pytest.mark.parametrize("ending", ENDINGS.values(), ids=list(ENDINGS))
"""And after each the stage looks whether every load, transaction, dialog, call and timer is gone."""

ROUNDS = int(os.environ.get("CHURN", "1600")) // len(ENDINGS)
"""How often each is played in search of cycles; ``make churn`` plays 100,000 calls."""


@EACH
def test_the_record(stage: Stage, ending: Ending) -> None:
    ending.play(stage)
    record = stage.record
    assert record.outcome == ending.outcome
    assert record.ended_by == ending.ended_by
    assert record.code == ending.code
    assert record.cause == ending.cause
    assert record.method == ending.method
    assert tuple(attempt.code for attempt in record.attempts) == ending.attempts
    assert (record.node, record.ingress_trunk, record.calling) == ("edge-1", "carrier", "+13125550199")
    assert record.decision is not None
    check_moments(record)


def check_moments(record: CallRecord) -> None:
    """start, ringing, answer and end: seconds since the epoch, in their order."""
    moments = [record.start, record.ringing, record.answer, record.end]
    been = [moment for moment in moments if moment is not None]
    assert been == sorted(been)
    assert abs(been[0] - datetime.now(UTC).timestamp()) < 60
    assert (record.answer is not None) == (record.code == 200)
    assert record.ringing is not None or record.answer is None


@EACH
def test_every_limit_has_room_again(open_stage: OpenStage, ending: Ending) -> None:
    one = {"limits": {"max_calls": 1}}
    both = {"limits": {"inbound": {"max_calls": 1}, "outbound": {"max_calls": 1}}}
    stage = open_stage(limits={"max_calls": 1}, carrier=one, cloud=both, premise=one)
    ending.play(stage)
    assert stage.loads() == {}
    for way in ("caller_hangs_up", "target_given_up_answers_late", "it_is_redirected", "it_is_referred"):
        ENDINGS[way].play(stage)


@EACH
def test_no_cycle_is_left_for_the_garbage_collector(stage: Stage, ending: Ending) -> None:
    ending.play(stage)
    stage.pass_time(GIVE_UP + T4)
    gc.collect()
    gc.disable()
    try:
        for _ in range(ROUNDS):
            ending.play(stage)
        stage.pass_time(GIVE_UP + T4)
        assert gc.collect() == 0
    finally:
        gc.enable()


@EACH
def test_no_transaction_that_lingers_keeps_the_call(stage: Stage, ending: Ending) -> None:
    ending.play(stage)
    stage.pass_time(T4 + 1)
    assert not [each for each in gc.get_objects() if type(each) is Call]
