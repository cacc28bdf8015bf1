"""What waits for hours: it comes in its second, can be taken out, and is kept by nothing then."""

import gc
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from edge_router.b2bua.call.call import Call
from edge_router.b2bua.call.deadlines import Deadlines
from edge_router.sip.timers import TimerWheel


class Alarm:
    """Notes when it is due, and does what it is told then."""

    def __init__(self, then: Callable[["Alarm"], None] = lambda _: None) -> None:
        self.second = 0
        self.rang: list[float] = []
        self.then = then

    @property
    def call(self) -> Call | None:
        return None

    def due(self, now: float) -> None:
        self.rang.append(now)
        self.then(self)


class Time:
    """A wheel that goes by steps of 50 ms, as the router's does."""

    def __init__(self) -> None:
        self.wheel = TimerWheel(1000.3)
        self.deadlines = Deadlines(self.wheel)

    def passes(self, seconds: float) -> None:
        end = self.wheel.now + seconds
        while self.wheel.now < end:
            self.wheel.advance(min(self.wheel.now + 0.05, end))


@pytest.mark.parametrize("after", [0, 0.1, 0.7, 1, 59.9, 3600, 14_400.5])
def test_it_is_never_early_and_at_most_a_second_late(after: float) -> None:
    time, alarm = Time(), Alarm()
    at = time.wheel.now + after
    time.deadlines.put(alarm, at)
    time.passes(after + 2)
    assert len(alarm.rang) == 1
    assert at <= alarm.rang[0] <= at + 1.1
    assert (len(time.deadlines), len(time.wheel)) == (0, 0)


def test_what_is_put_again_waits_for_the_new_time_alone() -> None:
    time, alarm = Time(), Alarm()
    time.deadlines.put(alarm, time.wheel.now + 5)
    time.deadlines.put(alarm, time.wheel.now + 20)
    time.passes(15)
    assert (alarm.rang, len(time.deadlines)) == ([], 1)
    time.passes(7)
    assert len(alarm.rang) == 1


def test_what_is_taken_out_is_kept_by_nothing() -> None:
    time = Time()
    alarms = [Alarm() for _ in range(3)]
    for alarm in alarms:
        time.deadlines.put(alarm, time.wheel.now + 3600)
    gone = [weakref.ref(alarm) for alarm in alarms]
    for alarm in alarms:
        time.deadlines.drop(alarm)
        time.deadlines.drop(alarm)
    del alarm, alarms
    gc.collect()
    assert [each() for each in gone] == [None] * 3
    time.passes(2)
    assert (len(time.deadlines), len(time.wheel)) == (0, 0)


def test_who_is_due_may_take_out_others_and_wait_again() -> None:
    time = Time()
    other = Alarm()

    def again(alarm: Alarm) -> None:
        time.deadlines.drop(other)
        if len(alarm.rang) < 3:
            time.deadlines.put(alarm, time.wheel.now)

    alarm = Alarm(again)
    time.deadlines.put(alarm, time.wheel.now + 5)
    time.deadlines.put(other, time.wheel.now + 5)
    time.passes(9)
    assert (len(alarm.rang), other.rang, len(time.deadlines)) == (3, [], 0)


def test_a_fault_with_one_is_not_the_others(caplog: pytest.LogCaptureFixture) -> None:
    def fails(_: Any) -> None:
        raise RuntimeError("a fault of ours")

    time, bad, good = Time(), Alarm(fails), Alarm()
    for alarm in (bad, good):
        time.deadlines.put(alarm, time.wheel.now + 5)
    time.passes(7)
    assert (len(bad.rang), len(good.rang), len(time.wheel)) == (1, 1, 0)
    assert [record.getMessage() for record in caplog.records] == ["what was due of a call met a fault of ours"]


def test_a_clock_that_leaps_leaves_none_behind() -> None:
    time = Time()
    alarms = [Alarm() for _ in range(100)]
    for number, alarm in enumerate(alarms):
        time.deadlines.put(alarm, time.wheel.now + number)
    time.wheel.advance(time.wheel.now + 1000)
    time.passes(2)
    assert [len(alarm.rang) for alarm in alarms] == [1] * 100
