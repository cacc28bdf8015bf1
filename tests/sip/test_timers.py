import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_router.sip.timers import GIVE_UP, T1, T2, T4, TICK, TimerWheel


class Recorder:
    """Owns timers; notes which fired, when."""

    def __init__(self) -> None:
        self.fired: list[tuple[str, float]] = []

    def expire(self, timer: str, now: float) -> None:
        self.fired.append((timer, now))


def test_the_values_of_rfc_3261() -> None:
    assert (T1, T2, T4, GIVE_UP) == (0.5, 4.0, 5.0, 32.0)


def test_a_timer_fires_once_and_not_early() -> None:
    wheel, owner = TimerWheel(100.0), Recorder()
    wheel.start(0.5, owner, "A")
    assert len(wheel) == 1
    wheel.advance(100.49)
    assert owner.fired == []
    wheel.advance(100.52)
    assert owner.fired == [("A", 100.52)]
    assert len(wheel) == 0
    wheel.advance(200.0)
    assert len(owner.fired) == 1


def test_timers_fire_in_the_order_of_their_time() -> None:
    wheel, owner = TimerWheel(0.0), Recorder()
    for delay, name in ((32.0, "B"), (0.5, "A"), (5.0, "K"), (0.5, "E")):
        wheel.start(delay, owner, name)
    wheel.advance(60.0)
    assert [name for name, _ in owner.fired] == ["A", "E", "K", "B"]


def test_a_delay_of_nothing_waits_for_the_next_tick() -> None:
    wheel, owner = TimerWheel(1.0), Recorder()
    wheel.start(0.0, owner, "D")
    assert owner.fired == []
    wheel.advance(1.0 + 2 * TICK)
    assert [name for name, _ in owner.fired] == ["D"]


def test_a_timer_started_by_a_timer() -> None:
    wheel = TimerWheel(0.0)

    class Restarting(Recorder):
        def expire(self, timer: str, now: float) -> None:
            super().expire(timer, now)
            wheel.start(1.0, self, timer)

    owner = Restarting()
    wheel.start(1.0, owner, "E")
    for tick in range(550):
        wheel.advance(tick * TICK)
    assert [round(now, 1) for _, now in owner.fired] == [1.0, 2.0, 3.0, 4.0, 5.0]
    assert len(wheel) == 1


def test_time_that_runs_backwards_changes_nothing() -> None:
    wheel, owner = TimerWheel(100.0), Recorder()
    wheel.start(1.0, owner, "A")
    wheel.advance(50.0)
    assert wheel.now == 100.0
    wheel.advance(101.1)
    assert len(owner.fired) == 1


def test_a_long_quiet_costs_no_walk_over_its_ticks() -> None:
    wheel, owner = TimerWheel(0.0), Recorder()
    wheel.advance(1e12)
    wheel.start(1.0, owner, "A")
    wheel.advance(1e12 + 2)
    assert len(owner.fired) == 1


@given(
    st.floats(0, 1e6),
    st.lists(st.tuples(st.floats(0, 60), st.floats(0, 3)), max_size=30),
)
def test_every_timer_fires_within_a_tick_of_its_time(start: float, steps: list[tuple[float, float]]) -> None:
    wheel = TimerWheel(start)
    due: dict[str, float] = {}
    late: list[float] = []

    class Checking:
        def expire(self, timer: str, now: float) -> None:
            late.append(now - due.pop(timer))

    owner = Checking()
    now = start
    for i, (delay, pause) in enumerate(steps):
        due[str(i)] = now + delay
        wheel.start(delay, owner, str(i))
        while pause > 0:
            now += min(pause, TICK / 2)
            pause -= TICK / 2
            wheel.advance(now)
    assert len(wheel) == len(due)
    assert all(when >= now - 2 * TICK for when in due.values())
    assert all(-1e-9 <= delay <= 2 * TICK for delay in late)
    wheel.advance(now + 61)
    assert due == {}
    assert len(wheel) == 0


@pytest.mark.parametrize("count", [1, 1000])
def test_one_tick_holds_any_number(count: int) -> None:
    wheel, owner = TimerWheel(0.0), Recorder()
    for i in range(count):
        wheel.start(32.0, owner, str(i))
    assert len(wheel) == count
    wheel.advance(32.1)
    assert [name for name, _ in owner.fired] == [str(i) for i in range(count)]
