import pytest

from state_client.webex.breaker import FAILURES, FIRST_PAUSE, JITTER, LONGEST_PAUSE, Breaker


def without_jitter() -> Breaker:
    return Breaker(lambda: 0.0)


def fail(breaker: Breaker, count: int, now: float) -> None:
    for _ in range(count):
        assert breaker.delay(now) == 0
        breaker.failed(now)


def test_it_opens_after_five_failures_in_a_row() -> None:
    breaker = without_jitter()
    fail(breaker, FAILURES - 1, 0.0)
    assert breaker.delay(0.0) == 0
    breaker.succeeded()
    fail(breaker, FAILURES - 1, 0.0)
    fail(breaker, 1, 0.0)
    assert breaker.delay(10.0) == FIRST_PAUSE - 10


def test_half_open_lets_one_pass_and_its_success_closes_it() -> None:
    breaker = without_jitter()
    fail(breaker, FAILURES, 0.0)
    assert breaker.delay(FIRST_PAUSE) == 0
    assert breaker.delay(FIRST_PAUSE) > 0
    breaker.succeeded()
    fail(breaker, FAILURES - 1, FIRST_PAUSE)
    assert breaker.delay(FIRST_PAUSE) == 0


def test_each_failed_trial_doubles_the_pause_up_to_five_minutes() -> None:
    breaker = without_jitter()
    fail(breaker, FAILURES, 0.0)
    now, pauses = 0.0, []
    for _ in range(6):
        pause = breaker.delay(now)
        pauses.append(pause)
        now += pause
        fail(breaker, 1, now)
    assert pauses == [30, 60, 120, 240, LONGEST_PAUSE, LONGEST_PAUSE]


def test_the_pause_is_shortened_by_chance() -> None:
    breaker = Breaker(lambda: 1.0)
    fail(breaker, FAILURES, 0.0)
    assert breaker.delay(0.0) == pytest.approx(FIRST_PAUSE * (1 - JITTER))


def test_a_trial_that_is_given_up_leaves_room_for_the_next() -> None:
    breaker = without_jitter()
    fail(breaker, FAILURES, 0.0)
    assert breaker.delay(FIRST_PAUSE) == 0
    breaker.abandoned()
    assert breaker.delay(FIRST_PAUSE) == 0


def test_failures_of_requests_that_were_under_way_do_not_lengthen_the_pause() -> None:
    breaker = without_jitter()
    fail(breaker, FAILURES, 0.0)
    for _ in range(10):
        breaker.failed(1.0)
    assert breaker.delay(1.0) == FIRST_PAUSE - 1


def test_a_clock_that_is_set_back_does_not_keep_it_open() -> None:
    breaker = without_jitter()
    fail(breaker, FAILURES, 1_000_000.0)
    assert breaker.delay(50.0) == FIRST_PAUSE
    assert breaker.delay(50.0 + FIRST_PAUSE) == 0
