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
