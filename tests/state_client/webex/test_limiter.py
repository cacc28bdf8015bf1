import pytest

from state_client.webex.limiter import WINDOW, Limiter, first_delay
from state_client.webex.pause import LONGEST


def spend(limiter: Limiter, count: int, now: float, urgent: bool = False) -> None:
    for _ in range(count):
        assert limiter.delay(now, urgent) == 0


def test_no_more_than_the_limit_go_in_any_minute() -> None:
    limiter = Limiter(10)
    sent: list[float] = []
    now = 0.0
    while now < 300:
        wait = limiter.delay(now, urgent=True)
        if wait == 0:
            sent.append(now)
            now += 0.7
        else:
            now += wait
    assert len(sent) > 40
    assert all(sum(start <= moment < start + WINDOW for moment in sent) <= 10 for start in sent)


def test_a_request_may_go_as_soon_as_the_oldest_is_a_minute_old() -> None:
    limiter = Limiter(10)
    spend(limiter, 4, 100.0)
    spend(limiter, 5, 130.0)
    assert limiter.delay(140.0) == pytest.approx(20.0)
    assert limiter.delay(160.0) == 0


def test_a_tenth_is_kept_for_what_is_urgent() -> None:
    limiter = Limiter(20)
    spend(limiter, 18, 0.0)
    assert limiter.delay(1.0) == pytest.approx(59.0)
    spend(limiter, 2, 1.0, urgent=True)
    assert limiter.delay(2.0, urgent=True) == pytest.approx(58.0)


def test_urgent_ones_that_used_more_than_the_reserve_delay_the_others() -> None:
    limiter = Limiter(10)
    for second in range(10):
        spend(limiter, 1, float(second), urgent=True)
    assert limiter.delay(40.0) == pytest.approx(21.0)
    assert limiter.delay(61.0) == 0


def test_a_refused_one_does_not_count() -> None:
    limiter = Limiter(10)
    spend(limiter, 9, 0.0)
    for _ in range(50):
        assert limiter.delay(1.0) > 0
    assert limiter.used(1.0) == 9


def test_retry_after_holds_everybody_to_the_second() -> None:
    limiter = Limiter(100)
    limiter.hold(17, 1000.0)
    assert limiter.delay(1000.0, urgent=True) == 17
    assert limiter.delay(1016.5) == 0.5
    assert limiter.delay(1017.0) == 0


def test_a_shorter_retry_after_does_not_end_a_longer_one() -> None:
    limiter = Limiter(100)
    limiter.hold(60, 0.0)
    limiter.hold(1, 10.0)
    assert limiter.held(10.0) == 50


def test_an_absurd_retry_after_is_not_believed() -> None:
    limiter = Limiter(100)
    limiter.hold(1e9, 0.0)
    assert limiter.held(0.0) == LONGEST


def test_a_clock_that_is_set_back_does_not_stop_the_requests() -> None:
    limiter = Limiter(10)
    spend(limiter, 9, 100_000.0)
    limiter.hold(30, 100_000.0)
    assert limiter.delay(10.0) == 30
    assert limiter.delay(40.0) == 0


def test_a_limit_has_to_leave_something() -> None:
    with pytest.raises(ValueError, match="requests_per_minute"):
        Limiter(1)


def test_nodes_begin_at_their_own_time_each_time_the_same() -> None:
    delays = [first_delay("org", f"edge-{n}", 20.0) for n in range(200)]
    assert delays == [first_delay("org", f"edge-{n}", 20.0) for n in range(200)]
    assert all(0 <= delay < 20 for delay in delays)
    assert {int(delay) for delay in delays} == set(range(20))
    assert first_delay("other org", "edge-1", 20.0) != delays[1]
