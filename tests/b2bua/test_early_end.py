"""199 (RFC 6228): one early dialog of several is over. It is no ringing, and the caller's own early dialog goes on."""

import pytest

from tests.b2bua.in_call import part
from tests.b2bua.reliable import REQUIRES, SPEAKS, calls, is_answered, pracked, rings
from tests.b2bua.stage import PREMISE_ONLY, Stage
from tests.b2bua.test_early_update import fork


def test_nobody_is_asked_there_any_more(stage: Stage) -> None:
    caller, first = stage.ringing()
    second = fork(first, "f")
    second.says(180)
    caller.hears(180)
    second.says(199)
    caller.hears_nothing()
    caller.asks("INFO")
    first.answers(first.hears("INFO"), 200)
    caller.hears(200, "INFO")
    second.asks("INFO")
    second.hears(481, "INFO")
    is_answered(caller, first)
    part(caller, first)


def test_the_last_one_that_is_over_leaves_nobody_to_ask(stage: Stage) -> None:
    caller, first = stage.ringing()
    for _ in range(5):
        first.asks("INFO")
        caller.answers(caller.hears("INFO"), 200)
        first.hears(200, "INFO")
    first.says(199)
    caller.asks("INFO")
    caller.hears(500, "INFO")
    second = fork(first, "f")
    second.says(180)
    caller.hears(180)
    second.asks("INFO")  # with numbers of his own
    caller.answers(caller.hears("INFO"), 200)
    second.hears(200, "INFO")
    is_answered(caller, second)
    part(caller, second)


def test_who_answers_all_the_same_has_the_call(stage: Stage) -> None:
    caller, callee = stage.ringing()
    callee.says(199)
    is_answered(caller, callee)
    part(caller, callee)


def test_it_is_no_ringing(stage: Stage) -> None:
    """Nor silence: it is as much as a 100, and progress_timeout goes on."""
    caller = stage.carrier.calls(PREMISE_ONLY)
    caller.hears(100)
    callee = stage.premise.is_called()
    callee.says(199)
    caller.hears_nothing()
    stage.pass_time(3)
    callee.hears_nothing()
    assert stage.ear.rang == 0
    stage.pass_time(3)
    callee.is_cancelled()
    caller.hears_refusal(408)


@pytest.mark.parametrize("line", [SPEAKS, REQUIRES, "Supported: 199"])
def test_a_reliable_one_is_acknowledged_by_the_router(stage: Stage, line: str) -> None:
    caller, first = calls(stage, line)
    rings(first, 8, 199)
    pracked(first, 8)
    caller.hears_nothing()
    is_answered(caller, fork(first, "f"))
    second = fork(first, "f")
    caller.hangs_up()
    second.is_hung_up()
