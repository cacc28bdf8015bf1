from collections.abc import Callable

import pytest

from bench.highest_rate import highest


def device(carries: int, tried: list[int] | None = None) -> Callable[[int, float], bool]:
    """A device that carries so many calls a second and not one more."""

    def holds(rate: int, longer: float) -> bool:
        if tried is not None:
            tried.append(rate)
        return rate <= carries

    return holds


@pytest.mark.parametrize("carries", [100, 137, 999, 2500, 4999])
def test_comes_within_five_per_cent_from_below(carries: int) -> None:
    assert carries / 1.05 <= highest(device(carries), 100, 5000) <= carries


def test_never_tries_more_than_the_cap_and_reports_it_where_it_holds() -> None:
    tried: list[int] = []
    assert highest(device(10_000, tried), 100, 3000) == 3000
    assert max(tried) == 3000


def test_a_device_that_fails_at_the_start_has_no_rate() -> None:
    assert highest(device(50), 100, 3000) == 0


def test_a_rate_that_holds_only_for_a_moment_is_not_reported() -> None:
    def tires(rate: int, longer: float) -> bool:
        return rate <= (2000 if longer == 1.0 else 1000)

    assert 1000 / 1.05 <= highest(tires, 100, 3000) <= 1000
