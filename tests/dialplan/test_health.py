from edge_router.dialplan.health import TargetHealth


def fallen(at: float = 100.0) -> TargetHealth:
    health = TargetHealth()
    for _ in range(3):
        health.failed(at)
    return health


def test_down_after_three_failures_in_a_row() -> None:
    health = TargetHealth()
    for _ in range(2):
        health.failed(1.0)
        health.failed(1.0)
        assert health.up(1.0)
        health.succeeded()
    health.failed(1.0)
    health.failed(1.0)
    health.failed(1.0)
    assert not health.up(1.0)


def test_tried_again_after_thirty_seconds() -> None:
    health = fallen(100.0)
    assert not health.up(129.9)
    assert health.up(130.0)


def test_one_call_finds_out_and_the_others_wait() -> None:
    health = fallen(100.0)
    health.trying(130.0)
    assert not health.up(130.0)
    health.failed(132.0)
    assert not health.up(159.9)
    assert health.up(160.0)
    health.trying(160.0)
    health.succeeded()
    assert health.up(160.1)
    health.failed(161.0)
    assert health.up(161.0)


def test_trying_a_healthy_target_changes_nothing() -> None:
    health = TargetHealth()
    health.trying(1.0)
    assert health.up(1.0)


def test_one_failure_is_enough_when_it_was_tried_again() -> None:
    health = fallen(100.0)
    health.failed(131.0)
    assert not health.up(160.9)
    assert health.up(161.0)


def test_late_failures_do_not_prolong_it() -> None:
    health = fallen(100.0)
    health.failed(120.0)
    assert health.up(130.0)


def test_down_again_for_the_full_time_after_a_success() -> None:
    health = fallen(100.0)
    health.succeeded()
    for _ in range(3):
        health.failed(110.0)
    assert not health.up(139.9)


def test_held() -> None:
    health = TargetHealth()
    health.hold(10, 100.0)
    health.hold(5, 100.0)
    health.succeeded()
    assert not health.up(109.9)
    assert health.up(110.0)


def test_a_hold_has_bounds() -> None:
    health = TargetHealth()
    health.hold(-5, 100.0)
    assert health.up(100.0)
    health.hold(1e9, 100.0)
    assert not health.up(3699.9)
    assert health.up(3700.0)


def asked(failures: int = 0) -> TargetHealth:
    """Of a target that is asked regularly: two failures bring it down, two successes up."""
    health = TargetHealth(2, up_after=2)
    for _ in range(failures):
        health.failed(100.0)
    return health


def test_who_is_asked_regularly_is_not_tried_by_calls() -> None:
    assert asked(1).up(100.0)
    assert not asked(2).up(1e9)


def test_who_is_asked_regularly_comes_up_after_successes_in_a_row() -> None:
    health = asked(2)
    assert [health.succeeded(), health.up(100.0)] == [False, False]
    health.failed(100.0)
    assert [health.succeeded(), health.succeeded(), health.up(100.0)] == [False, True, True]


def test_a_change_is_told_once() -> None:
    health = asked()
    assert [health.failed(1.0), health.failed(1.0), health.failed(1.0)] == [False, True, False]
    assert [health.succeeded(), health.succeeded(), health.succeeded()] == [False, True, False]


def test_who_is_down_stays_down_by_other_numbers() -> None:
    health = asked(2)
    health.change(5, up_after=3)
    assert not health.up(1e9)
    assert [health.succeeded(), health.succeeded(), health.succeeded()] == [False, False, True]


def test_who_is_up_stays_up_by_other_numbers() -> None:
    health = TargetHealth()
    health.failed(100.0)
    health.failed(100.0)
    health.change(2, up_after=1)
    assert health.up(100.0)
    health.failed(100.0)
    assert not health.up(100.0)


def test_who_is_asked_no_more_is_tried_by_one_call() -> None:
    health = asked(2)
    health.change()
    assert health.up(101.0)
    health.trying(101.0)
    assert not health.up(101.0)
    assert health.succeeded()


def test_who_is_asked_from_now_on_is_tried_by_no_call() -> None:
    health = fallen(100.0)
    health.change(2, up_after=1)
    assert not health.up(1e9)


def test_the_same_numbers_change_nothing() -> None:
    health = fallen(100.0)
    health.change()
    assert not health.up(129.9)


def test_how_long_it_is_held() -> None:
    health = TargetHealth()
    health.hold(10, 100.0)
    assert (health.held_for(104.0), health.held_for(111.0)) == (6.0, 0.0)
