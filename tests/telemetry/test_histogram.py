import pytest

from edge_router.telemetry.histogram import Histogram


def test_a_value_counts_in_every_bucket_that_it_fits() -> None:
    histogram = Histogram((0.5, 1.0, 2.0))
    for value in (0.5, 0.6, 3.0):
        histogram.observe(value)
    assert histogram.cumulative() == [("0.5", 1), ("1.0", 2), ("2.0", 2), ("+Inf", 3)]
    assert histogram.total == pytest.approx(4.1)


def test_a_clock_that_was_set_back_makes_no_negative_duration() -> None:
    histogram = Histogram((1.0,))
    histogram.observe(-5.0)
    assert histogram.cumulative() == [("1.0", 1), ("+Inf", 1)]
    assert histogram.total == 0.0


@pytest.mark.parametrize("bounds", [(), (1.0, 1.0), (2.0, 1.0)])
def test_bounds_must_ascend(bounds: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="ascend"):
        Histogram(bounds)
