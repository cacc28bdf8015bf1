import pytest

from edge_router.dialplan.failures import DEFAULT_FAILURES, FailureError, FailureSet


@pytest.mark.parametrize(
    ("entries", "counts", "does_not"),
    [
        ([408, "5xx", "timeout"], [408, 500, 599, None], [404, 486, 499, 600]),
        (["4xx", "5xx", "6xx", "timeout", "!486"], [400, 485, 487, 699, None], [486, 302]),
        (["!486", "4xx"], [487], [486, None]),
        (["500-504"], [500, 502, 504], [499, 505]),
        (["5XX", "! 503", "!504 - 510"], [500, 511], [503, 504, 510]),
        (["4xx", "timeout", "!timeout"], [404], [None]),
        (["3xx"], [302], [400]),
        (["486"], [486], [485]),
        ([], [], [500, None]),
    ],
)
def test_counts(entries: list[int | str], counts: list[int | None], does_not: list[int | None]) -> None:
    failures = FailureSet.parse(entries)
    assert [code for code in counts if not failures.has(code)] == []
    assert [code for code in does_not if failures.has(code)] == []


def test_default() -> None:
    assert FailureSet.parse([408, "5xx", "timeout"]) == DEFAULT_FAILURES


@pytest.mark.parametrize(
    "entry", ["", "busy", "2xx", "7xx", "xx5", "200", 200, "700", "50", "5000", "5x", "500-", "²00", "!"]
)
def test_says_what_is_wrong(entry: int | str) -> None:
    with pytest.raises(FailureError, match="is not a failure; write a code from 300 to 699, a class such as 5xx"):
        FailureSet.parse([entry])


def test_a_range_runs_forwards() -> None:
    with pytest.raises(FailureError, match='"504-500" runs backwards; write 500-504'):
        FailureSet.parse(["504-500"])


def test_something_must_count() -> None:
    with pytest.raises(FailureError, match="only entries with !"):
        FailureSet.parse(["!486"])


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ([408, "5xx", "timeout"], "408, 5xx, timeout"),
        (["4xx", "5xx", "!503", "!486"], "4xx but 486, 5xx but 503"),
        (["500-504", 599, 480], "480, 500-504, 599"),
        (["!5xx", "500"], "nothing"),
    ],
)
def test_what_counts_is_written_as_it_could_be_configured(entries: list[int | str], words: str) -> None:
    assert str(FailureSet.parse(entries)) == words
