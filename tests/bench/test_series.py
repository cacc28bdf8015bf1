import pytest

from bench.load import Load
from bench.series import Series, Trial
from bench.set_up_probe import percentile

LOAD = Load(
    rate=10, offered=10.0, attempted=100, failed=0, retransmissions=0, seconds=10.0,
    device_cores=0.1, ends_cores=0.1, others_cores=0.0,
)  # fmt: skip


def trials(*us: float) -> list[Trial]:
    return [Trial(LOAD, each) for each in us]


def test_a_ratio_is_the_median_of_the_pairs_and_not_that_of_medians() -> None:
    series = Series(10, {"a": trials(1, 2, 9), "b": trials(10, 4, 10)}, {})
    assert series.ratio("a", "b") == 0.5
    assert series.cpu_us("a") == 2


@pytest.mark.parametrize(("share", "value"), [(0.5, 5.0), (0.99, 10.0), (0.1, 1.0), (0.11, 2.0), (1.0, 10.0)])
def test_percentiles_are_values_that_occurred(share: float, value: float) -> None:
    assert percentile([float(each) for each in range(1, 11)], share) == value
