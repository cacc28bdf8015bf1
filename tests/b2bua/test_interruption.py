"""The router stops and can't wait: every call ends, whatever goes wrong in one of them."""

from types import FunctionType
from typing import Any

import pytest

from edge_router.b2bua.call.caller import CallerLeg
from edge_router.b2bua.set_up.set_up import decide
from edge_router.sip.timers import GIVE_UP
from tests.b2bua.stage import Stage

pytestmark = pytest.mark.skipif(
    not isinstance(decide, FunctionType), reason="what is compiled can't be broken from outside"
)


@pytest.mark.parametrize("faults", [1, 2])
def test_a_fault_in_one_call_keeps_no_other_from_being_interrupted(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, faults: int
) -> None:
    """Also where even the clean end after the first fault meets another."""
    works = CallerLeg.bye
    left = faults

    def breaks(self: CallerLeg, *args: Any) -> None:
        nonlocal left
        left -= 1
        if left >= 0:
            raise ZeroDivisionError
        works(self, *args)

    first, second = stage.connected(), stage.connected()
    monkeypatch.setattr(CallerLeg, "bye", breaks)
    stage.router.interrupt()
    assert [record.outcome for record in stage.ear.records] == ["failed", "interrupted"]
    for leg in second if faults > 1 else first + second:
        leg.is_hung_up()
    assert [record.levelname for record in caplog.get_records("call")] == ["ERROR"] * faults
    caplog.get_records("call").clear()
    if faults > 1:  # nobody could tell the ends of the first call, and they find out for themselves
        for leg in first:
            leg.hangs_up()
    stage.pass_time(GIVE_UP)
