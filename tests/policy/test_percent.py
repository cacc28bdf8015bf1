import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_router.policy.percent import Percent

CALLERS = [f"+1212{number:07}" for number in range(10_000)]
percentages = st.floats(0, 100)


def part(percentage: float, salt: str) -> set[str]:
    percent = Percent(percentage, salt)
    return {caller for caller in CALLERS if percent.holds(caller)}


@given(percentages, percentages, st.text(), st.text())
def test_raising_it_only_adds_callers(one: float, other: float, salt: str, caller: str) -> None:
    low, high = sorted((one, other))
    fewer, more = Percent(low, salt), Percent(high, salt)
    callers = [f"{caller}{n}" for n in range(20)]
    assert {one for one in callers if fewer.holds(one)} <= {one for one in callers if more.holds(one)}


@pytest.mark.parametrize("percentage", [0.5, 30, 97])
def test_it_takes_that_part_of_callers(percentage: float) -> None:
    assert len(part(percentage, "salt")) == pytest.approx(len(CALLERS) * percentage / 100, rel=0.15)


def test_0_is_nobody_and_100_is_everybody() -> None:
    assert not part(0, "salt")
    assert len(part(100, "salt")) == len(CALLERS)


def test_another_salt_draws_anew() -> None:
    both = part(30, "a") & part(30, "b")
    assert len(both) == pytest.approx(len(CALLERS) * 0.09, rel=0.15)


def test_the_part_is_the_same_on_every_machine_and_after_every_restart() -> None:
    percent = Percent(30, "cloud")
    assert [int(caller[-2:]) for caller in CALLERS[:20] if percent.holds(caller)] == [0, 1, 2, 5, 7, 10, 12, 13, 16]


def test_octets_that_are_no_text_are_a_caller_too() -> None:
    assert Percent(100, "salt").holds("\udcff\udc80")


@pytest.mark.parametrize("percentage", [-1, 100.1, float("nan"), float("inf")])
def test_refuses_what_is_no_percentage(percentage: float) -> None:
    with pytest.raises(ValueError, match="0 to 100"):
        Percent(percentage, "salt")
