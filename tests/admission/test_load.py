import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_router.admission.load import Load

# Quarters of a second: exact as floats, so that the edges of a window are where they seem to be.
moments = st.lists(st.integers(0, 40), min_size=1, max_size=60).map(
    lambda quarters: [at / 4 for at in sorted(quarters)]
)


def test_no_limits_by_default() -> None:
    load = Load()
    assert [load.admit(1.0) for _ in range(1000)] == [None] * 1000
    assert load.calls == 1000


def test_calls_at_a_time() -> None:
    load = Load(max_calls=2)
    assert [load.admit(0.0) for _ in range(4)] == [None, None, "max_calls", "max_calls"]
    assert load.calls == 2
    load.release()
    assert load.calls == 1
    assert load.full(0.0) is None
    assert load.admit(0.0) is None


def test_nobody_at_all() -> None:
    assert Load(max_calls=0).admit(0.0) == "max_calls"


def test_a_call_that_is_refused_counts_nowhere() -> None:
    load = Load(max_cps=1)
    load.admit(5.0)
    assert [load.admit(5.5) for _ in range(3)] == ["max_cps"] * 3
    assert (load.calls, load.cps(5.5), load.sent(60, 5.5)) == (1, 1.0, 1)
    assert load.admit(6.0) is None


@given(moments, st.sampled_from([1, 3, 2.5, 0.5]))
def test_no_stretch_of_time_has_more_than_the_rate_allows(calls: list[float], rate: float) -> None:
    load = Load(max_cps=rate)
    let_in: list[float] = []
    at_once = -(-rate // 1)
    window = at_once / rate
    for now in calls:
        before = sum(1 for at in let_in if now - at < window)
        assert load.admit(now) == (None if before < at_once else "max_cps")
        if before < at_once:
            let_in.append(now)


@given(moments)
def test_calls_within_the_last_second(calls: list[float]) -> None:
    load = Load()
    for place, now in enumerate(calls, 1):
        load.admit(now)
        load.release()
        assert load.cps(now) == sum(1 for at in calls[:place] if at > now - 1)
    assert load.cps(calls[-1] + 1) == 0.0


@given(st.lists(st.integers(0, 4000), min_size=1, max_size=30).map(sorted), st.integers(1, 900), st.integers(0, 1500))
def test_calls_within_the_last_seconds(calls: list[int], seconds: int, later: int) -> None:
    load = Load()
    for now in calls:
        load.admit(now + 0.5)
        load.release()
    now = calls[-1] + later
    assert load.sent(seconds, now + 0.9) == sum(1 for at in calls if now - seconds < at)


def test_looks_back_nine_hundred_seconds_at_most() -> None:
    load = Load()
    for now in (0.0, 100.0, 999.0):
        load.admit(now)
    assert load.sent(900, 999.0) == 2
    assert load.sent(5000, 999.0) == 2
    assert load.sent(0, 999.0) == 1


def test_counts_go_on_under_new_limits_and_calls_go_on_under_the_old() -> None:
    old = Load(max_calls=5, max_cps=4)
    for _ in range(3):
        old.admit(10.0)
    new = Load(max_calls=4, max_cps=3, before=old)
    assert new.calls == 3
    assert new.sent(60, 10.5) == 3
    assert new.admit(10.5) == "max_cps"
    assert new.admit(11.0) is None
    assert new.admit(12.0) == "max_calls"
    old.release()
    assert new.calls == 3
    assert new.admit(12.0) is None


@pytest.mark.parametrize("rate", [0, -1.0])
def test_a_rate_is_above_nothing(rate: float) -> None:
    with pytest.raises(ValueError, match="must be above 0"):
        Load(max_cps=rate)


def test_in_a_quiet_moment_no_time_of_a_call_is_kept() -> None:
    load = Load()
    load.admit(1.0)
    load.tidy(1.5)
    assert load._counts.recent
    load.tidy(2.0)
    assert not load._counts.recent
    assert load.sent(60, 2.0) == 1
