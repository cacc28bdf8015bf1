from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_router.dialplan.pattern import Pattern
from edge_router.dialplan.trie import PatternTrie
from tests.dialplan.oracle import Written, numbers, patterns


def trie_of(texts: Iterable[str]) -> PatternTrie[str]:
    return PatternTrie((Pattern.parse(text), text) for text in texts)


@pytest.mark.parametrize(
    ("texts", "number", "found"),
    [
        ([], "1", []),
        (["2...", "200.", "3..."], "2001", [(1, "2..."), (3, "200.")]),
        (["2001", "2001$", "2001T$", "200"], "2001", [(3, "200"), (4, "2001"), (4, "2001$"), (4, "2001T$")]),
        (["2001", "2001$", "2001T$", "200"], "20012", [(3, "200"), (4, "2001"), (4, "2001T$")]),
        (["2001", "2002"], "200", []),
        (["55", "55"], "55", [(2, "55"), (2, "55")]),
        (["[1-3]5", "[1-3]6", "[2-4]5", ".5"], "25", [(1, ".5"), (1, "[1-3]5"), (1, "[2-4]5")]),
        (["(+1)?800", "(+1)?800555", "(+1)?900"], "+1800", [(5, "(+1)?800")]),
        (["(+1)?800", "(+1)?800555", "(+1)?900"], "800555", [(3, "(+1)?800"), (6, "(+1)?800555")]),
        (["1%2", "1%3", "1%1%2"], "1112", [(4, "1%1%2"), (4, "1%2")]),
        (["5?6?7?", "5?6?7?$"], "", [(0, "5?6?7?"), (0, "5?6?7?$")]),
        (["T", "T$", "1T"], "22", [(0, "T"), (0, "T$")]),
    ],
)
def test_finds(texts: list[str], number: str, found: list[tuple[int, str]]) -> None:
    assert sorted(trie_of(texts).match(number)) == found


@settings(max_examples=500)
@given(st.lists(patterns, max_size=8), st.lists(numbers, min_size=1, max_size=5))
def test_finds_what_each_pattern_alone_would(written: list[Written], called: list[str]) -> None:
    trie = PatternTrie((Pattern.parse(pattern.text), place) for place, pattern in enumerate(written))
    for number in called:
        lengths = [(pattern.length(number), place) for place, pattern in enumerate(written)]
        expected = sorted((length, place) for length, place in lengths if length is not None)
        assert sorted(trie.match(number)) == expected


def test_thousands_of_patterns_that_begin_alike() -> None:
    texts = [
        f"{begin}{place:04d}{end}" for place in range(2500) for begin, end in (("(+1)?800", "$"), ("+1800", ".T$"))
    ]
    trie = trie_of(texts)
    assert trie.match("+18001234") == [(9, "(+1)?8001234$")]
    assert sorted(trie.match("8002499")) == [(7, "(+1)?8002499$")]
    assert trie.match("+180012345") == [(9, "+18001234.T$")]
    assert trie.match("8002500") == []


def test_ways_that_meet_do_not_multiply() -> None:
    """Were they kept apart, there would be 2 to the power of 60 of them at the end."""
    trie = trie_of(["(1?1?)+2$", "(1?1?)+3$", "(1+)+(1+)+$"])
    assert trie.match("1" * 60) == [(60, "(1+)+(1+)+$")]


def test_the_end_of_a_number_that_has_none_is_not_looked_for() -> None:
    trie = trie_of(["1%", "1%$", "11"])
    assert sorted(trie.match("1" * 5000)) == [(2, "11"), (64, "1%")]
