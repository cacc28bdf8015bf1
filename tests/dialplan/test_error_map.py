"""What a trunk's refusals are to callers, as the configuration writes it."""

import pytest

from edge_router.dialplan.error_map import ErrorMap, ErrorMapError


def test_the_narrower_entry_counts_wherever_it_stands() -> None:
    table = ErrorMap.parse([("404", 480), ("4xx", 403), ("410-411", "cause"), ("5xx", "cause"), ("503", 486)]).codes
    assert [table[code] for code in (404, 400, 410, 411, 412, 500, 503)] == [480, 403, None, None, 403, None, 486]
    assert 600 not in table


def test_it_is_told_in_words() -> None:
    assert str(ErrorMap.parse([("404", 480), ("410", 480), ("6xx", "cause")])) == (
        "the code of its cause for 6xx, 480 for 404, 410"
    )


@pytest.mark.parametrize("came", ["200", "!404", "timeout", "7xx", "", "500-400", "True"])
def test_what_is_no_refusal(came: str) -> None:
    with pytest.raises(ErrorMapError, match=f'"{came}" is no refusal'):
        ErrorMap.parse([(came, 480)])


def test_two_that_say_the_same_are_one() -> None:
    one, other = (ErrorMap.parse([("404", 480)]) for _ in range(2))
    assert (one, hash(one)) == (other, hash(other))
