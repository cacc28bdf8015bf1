import re

import pytest
from hypothesis import given, settings

from edge_router.dialplan.pattern import Pattern, PatternError
from tests.dialplan.oracle import Written, numbers, patterns


@pytest.mark.parametrize(
    ("text", "number", "length"),
    [
        # digits and dots
        ("200.", "2001", 3),
        ("2...", "2001", 1),
        ("2...", "201", None),
        ("2...", "3001", None),
        (".", "A", 0),
        (".", "*", 0),
        (".", "#", 0),
        (".", "+", 0),
        (".", "x", None),
        ("*67#", "*67#", 4),
        ("BAD.BAD", "BAD0BAD", 6),
        # the beginning is implied, the end is not
        ("100", "1001", 3),
        ("^100", "1001", 3),
        ("100", "9100", None),
        ("100$", "1001", None),
        ("100$", "100", 3),
        # the plus is a digit in front and a quantifier behind one
        ("+1800555....", "+18005550100", 8),
        ("+1800555....", "18005550100", None),
        ("^+1", "+1", 2),
        ("(+1)?800", "+1800", 5),
        ("(+1)?800", "800", 3),
        ("5+23", "523", 3),
        ("5+23", "55523", 5),
        ("5+23", "23", None),
        # % and ?
        ("54%3", "53", 2),
        ("54%3", "54443", 5),
        ("54?3", "53", 2),
        ("54?3", "543", 3),
        ("54?3", "5443", None),
        # groups
        ("408(555)1", "4085551", 7),
        ("333(123)%$", "333", 3),
        ("333(123)%$", "333123123", 9),
        ("333(123)%$", "33312", None),
        ("(4(08)+)?5", "40808085", 8),
        # sets
        ("[2,5-8]1", "21", 1),
        ("[2,5-8]1", "61", 1),
        ("[2,5-8]1", "41", None),
        ("[2,5-8]1", ",1", None),
        ("[^135]1", "21", 1),
        ("[^135]1", "+1", 1),
        ("[^135]1", "31", None),
        ("[^135]1", "x1", None),
        ("[^1-3,5]1", "51", None),
        ("[8-B]1", "A1", 1),
        ("[*,#,+]1", "#1", 1),
        ("[7]1", "71", 2),
        # T
        ("9T", "9", 1),
        ("9T", "9123", 1),
        ("T", "", 0),
        (".T", "", None),
        ("9T$", "9" + "1" * 32, 1),
        ("9T$", "9" + "1" * 33, None),
        ("9T$", "912x", None),
        ("9T", "912x", 1),
        # escapes
        (r"\+1", "+1", 2),
        (r"00\+1", "00+1", 4),
        (r"\*\#", "*#", 2),
        (r"5\+\+", "5+", None),
        # of several ways to match the longest counts
        (".?1%1", "111", 3),
        ("(12)?.%2$", "1212", 3),
        ("1%.%", "11", 2),
    ],
)
def test_matches(text: str, number: str, length: int | None) -> None:
    assert Pattern.parse(text).matches(number) == length


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "holds no digit; write . for any one digit"),
        ("^$", "holds no digit"),
        ("%5", 'character 1: "%" says how often the digit before it comes'),
        ("^?5", 'character 2: "?" says'),
        ("5++", "character 3: two quantifiers in a row"),
        ("(%5)", 'character 2: "%" says'),
        ("55(12", "character 3: this group is not closed; write )"),
        ("55)", 'character 3: ")": no group is open'),
        ("5()", "character 2: this group is empty"),
        ("5[12", "character 2: this set is not closed; write ]"),
        ("5]", 'character 2: "]": no set is open'),
        ("5[]", "character 2: this set holds no digit"),
        ("5[,]", "character 2: this set holds no digit"),
        ("5[^]", "character 2: this set holds no digit"),
        ("[^0-9A-F*#+]", "character 1: this set holds no digit"),
        ("[1.]", 'character 3: ".": a set holds 0 to 9'),
        ("[1^2]", 'character 3: "^": a set holds'),
        ("[-2]", 'character 2: "-": a set holds'),
        ("[8-5]", 'character 2: the range "8-5" runs backwards; write 5-8'),
        ("[8-", 'character 2: the range "8-" is not one'),
        ("[8-]", 'character 2: the range "8-]" is not one'),
        ("[*-9]", 'character 2: the range "*-9" is not one'),
        ("5T5", 'character 2: "T": any more digits can only stand at the end'),
        ("(5T)", 'character 3: "T": any more'),
        ("5T+", 'character 2: "T": any more'),
        ("5$5", 'character 2: "$": the end can only stand last'),
        ("5^5", 'character 2: "^": the beginning can only stand first'),
        ("55|66", 'character 3: "|": there are no alternatives in a pattern; write a list of patterns'),
        ("5{3}", 'character 2: "{": there are no counts in a pattern'),
        ("555-1234", 'character 4: "-": numbers are compared without separators'),
        ("555 1234", 'character 4: " ": numbers are compared without separators'),
        ("9,555", 'character 2: ",": a pause is never part of a number'),
        ("55xx", 'character 3: "x": write . for any one digit'),
        ("9t", 'character 2: "t": write T in upper case'),
        ("9a", 'character 2: "a": write A in upper case'),
        ("alice", 'character 1: "a": write A'),
        ("5é", 'character 2: "é": a number holds 0 to 9'),
        (r"5\.", r"character 2: \ takes the meaning from +, * or #"),
        ("5\\", r"character 2: \ takes the meaning"),
        (r"5\$", r"character 2: \ takes the meaning"),
        ("." * 16, "character 16: more than 15 dots; write T"),
        ("1" * 65, "character 65: more than 64 digits"),
        ("1?" * 65, "a pattern of 130 characters is too long; 128 are allowed"),
    ],
)
def test_says_what_is_wrong(text: str, says: str) -> None:
    with pytest.raises(PatternError) as caught:
        Pattern.parse(text)
    assert says in str(caught.value)


def test_a_pattern_is_what_it_is_written_as() -> None:
    assert str(Pattern.parse("+1800T")) == "+1800T"
    assert Pattern.parse("55.") == Pattern.parse("55.") != Pattern.parse("55..")
    assert len({Pattern.parse("55."), Pattern.parse("55.")}) == 1


def test_a_set_is_neither_a_digit_nor_a_dot() -> None:
    spelt, sets, dots = Pattern.parse("2001"), Pattern.parse("200[12]"), Pattern.parse("200.")
    assert [(pattern.digits, pattern.sets) for pattern in (spelt, sets, dots)] == [(4, 0), (3, 1), (3, 0)]


@settings(max_examples=500)
@given(patterns, numbers)
def test_matches_what_an_ordinary_regular_expression_matches(pattern: Written, number: str) -> None:
    length = Pattern.parse(pattern.text).matches(number)
    assert (length is not None) == (re.match(pattern.regex, number) is not None)
    assert length == pattern.length(number)


@pytest.mark.parametrize(
    "text",
    ["(((((1%)%)%)%)%)%$", "(1+)+(1+)+(1+)+(1+)+$", "1?" * 32 + "1" * 32 + "$", "([0-9]%[0-9]%)%2$", ".%" * 15 + "2$"],
)
def test_no_pattern_takes_more_than_a_few_steps(text: str) -> None:
    """A matcher that goes back and tries again would take years for these."""
    pattern = Pattern.parse(text)
    assert pattern.matches("1" * 60 + "x") is None
    assert pattern.matches("1" * 5000) is None


def test_of_a_number_without_end_only_the_beginning_is_looked_at() -> None:
    assert Pattern.parse("1+").matches("1" * 5000) == 64
    assert Pattern.parse("11").matches("1" * 5000) == 2
    assert Pattern.parse("1+$").matches("1" * 5000) is None
