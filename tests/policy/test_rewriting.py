import string

import cel
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_router.policy.rewriting import rewrite
from tests.policy.world import surroundings

READ = 'queue("Support").length'


def reads(rule: str) -> list[str]:
    rewritten = rewrite(rule, surroundings())
    assert not rewritten.faults
    return [one.text for one in rewritten.found]


@pytest.mark.parametrize(
    ("rule", "written"),
    [
        (READ, READ),
        ('queue( "Support" ) . length', READ),
        ('queue(\n  "Support" // the queue\n).length', READ),
        ("queue('Support').length", "queue('Support').length"),
        ('queue(r"""Support""").length', 'queue(r"""Support""").length'),
        (r'queue("\x53upport").length', r'queue("\x53upport").length'),
        ('trunk("cloud").sent( 60 )', 'trunk("cloud").sent(60)'),
        ('percent(30,"salt")', 'percent(30, "salt")'),
        ('call . header ( "X-Foo" )', 'call.header("X-Foo")'),
        ("call.called.startsWith('+1')", "call.called"),
        ("x.call.called == call.called", "call.called"),
    ],
)
def test_finds_a_read_however_it_is_spaced(rule: str, written: str) -> None:
    assert reads(rule) == [written]


def test_the_same_read_is_read_once() -> None:
    assert reads(f"{READ} == 0 || {READ} > 5 || queue('Support').length == 3") == [
        READ,
        "queue('Support').length",
    ]


def test_a_place_in_the_rewritten_rule_is_the_same_place_in_the_rule() -> None:
    rule = 'queue(\n"Support"\n).length == 0\n  && trunk("cloud").up'
    rewritten = rewrite(rule, surroundings()).text
    assert rewritten == "v0    \n         \n         == 0\n  && v1               "


def test_a_variable_of_the_rule_is_not_taken_for_ours() -> None:
    rewritten = rewrite(f"[1].exists(v0, v0 == {READ})", surroundings())
    assert [one.variable for one in rewritten.found] == ["v1"]


@pytest.mark.parametrize("name", ["call", "queue", "trunk", "percent", "team", "latch"])
def test_a_field_that_is_called_like_a_read_is_none(name: str) -> None:
    assert reads(f'{{"{name}": 1}}.{name} == 1') == []


@pytest.mark.parametrize("quote", ['"', "'", '"""', "'''", 'r"', "r'", 'r"""', "R'''", 'b"', 'br"'])
@given(
    text=st.lists(
        st.sampled_from(
            [READ, "call.called", 'trunk("cloud").up', "//", "\\n", "\\\\", "\\'", '\\"', *string.printable]
        )
    ).map("".join)
)
def test_what_stands_in_quotes_is_left_alone(quote: str, text: str) -> None:
    literal = quote + text + quote.lstrip("rRb")
    if "//" in text and quote[-1] in text:
        return  # the text may close its own quotes, and the rest be a comment
    try:
        before = cel.compile(literal).execute({})
    except (ValueError, RuntimeError, TypeError):
        return  # no literal: the text closes its own quotes, or has an escape that there isn't
    if not isinstance(before, str | bytes):
        return  # more than one literal
    rewritten = rewrite(f"{literal} == call.called", surroundings())
    assert rewritten.text.startswith(f"{literal} == v0 ")
    assert [one.text for one in rewritten.found] == ["call.called"]
