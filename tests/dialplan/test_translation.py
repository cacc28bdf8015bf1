import re
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_router.dialplan.fragment import MAX_DIGITS
from edge_router.dialplan.translation import MOST_KNOWN, Translation, TranslationError, TranslationRule
from edge_router.dialplan.translation_reading import MAX_LENGTH


def translated(rule: str, number: str) -> str | None:
    return TranslationRule(rule).apply(number)


def error_of(rule: str) -> TranslationError:
    with pytest.raises(TranslationError) as caught:
        TranslationRule(rule)
    return caught.value


@pytest.mark.parametrize(
    ("rule", "number", "expected"),
    [  # the self-tests that Cisco's documents show
        (r"/9\(.*\)/ /\1/", "918675309", "18675309"),
        (r"/.*\(....\)/ /\1/", "8675309", "5309"),
        (r"/000\(111\)000\(222\)/ /\1\2/", "000111000222", "111222"),
        (r"/\+\(.*\)/ /\1/", "+18675309", "18675309"),
        # and what stands in configurations in the field
        (r"/^/ /9/", "8675309", "98675309"),
        (r"/^9/ //", "98675309", "8675309"),
        (r"/^9/ / /", "98675309", "8675309"),
        (r"/^011.*/ /\0/", "01144207", "01144207"),
        (r"/^[2-9]......$/ /1333\0/", "8675309", "13338675309"),
        (r"/^[2-9]......$/ /1333\0/", "18675309", None),
        (r"/^\([2-9].........\)$/ /+1\1/", "8005550100", "+18005550100"),
        (r"/^1\(..........\)$/ /+1\1/", "18005550100", "+18005550100"),
        (r"/^1\(..........\)$/ /+1\1/", "+18005550100", None),
    ],
)
def test_translates_as_cisco_does(rule: str, number: str, expected: str | None) -> None:
    assert translated(rule, number) == expected


@pytest.mark.parametrize(
    ("rule", "number", "expected"),
    [
        ("/55/ /1/", "2552", "212"),  # anywhere, the first place, and once
        ("/55/ /1/", "55255", "1255"),
        ("/5/ /1/", "222", None),
        ("/5$/ /1/", "2555", "2551"),
        ("/$/ /1/", "22", "221"),
        ("/^$/ /4000/", "", "4000"),
        ("/^$/ /4000/", "1", None),
        ("/^5/ /1/", "25", None),
        ("/25*/ /1/", "25552", "12"),
        ("/25*/ /1/", "32", "31"),
        ("/25+/ /1/", "225553", "213"),
        ("/25+/ /1/", "2", None),
        ("/25?/ /1/", "2553", "153"),
        ("/25?/ /1/", "23", "13"),
        (r"/\(12\)*3/ /4\1/", "12123", "412"),
        (r"/\(12\)+/ /4\1/", "12125", "4125"),
        (r"/^\(12\)?\(.\)/ /4\1\2/", "9", "49"),
        (r"/^\(12\)?\(.\)/ /4\1\2/", "129", "4129"),
        (r"/\(1\(2\)\)\(3\)/ /\3\2\1/", "1234", "32124"),
        ("/[1-3,7]9/ /4/", "89797", "8947"),
        ("/[^1-3]/ /4/", "1239", "1234"),
        ("/^+1/ //", "+1800", "800"),
        (r"/^\(+1\)/ /00\1/", "+1800", "00+1800"),
        ("/1+/ /2/", "3111", "32"),
        (r"/^\*31\#/ //", "*31#5", "5"),
        ("/#/ /*/", "5#", "5*"),
        (r"/5/ /\*\#\+/", "5", "*#+"),
        ("/.5/ /&1&/", "25", "25125"),
        (r"/\(.\)\(.\)\(.\)\(.\)\(.\)\(.\)\(.\)\(.\)\(.\)/ /\9\8\7/", "123456789", "987"),
        ("\t/1/ \t /2/  ", "1", "2"),
        ("/A/ /B/", "A1", "B1"),
    ],
)
def test_the_grammar(rule: str, number: str, expected: str | None) -> None:
    assert translated(rule, number) == expected


def test_names_are_no_numbers() -> None:
    rule = TranslationRule("/.*/ /1/")
    assert rule.apply("5551") == "1"
    assert rule.apply("support") is None
    assert rule.apply("555 1") is None
    assert rule.apply("\u0661") is None


def test_numbers_have_an_end() -> None:
    longest = "1" * MAX_DIGITS
    assert translated("/1/ /2/", longest) == "2" + longest[1:]
    assert translated("/1/ /2/", longest + "1") is None
    assert translated("/.*/ /2/", longest + "1") is None
    assert translated("/1/ /22/", longest) is None
    assert translated("/.*/ /&&&&&&&&&/", longest) is None


def test_the_first_rule_that_holds_is_applied() -> None:
    translation = Translation(map(TranslationRule, ["/^1/ /2/", "/^2/ /3/", "/^./ /4/"]))
    assert translation.match("19") == (0, "29")
    assert translation.match("29") == (1, "39")
    assert translation.match("99") == (2, "49")
    assert translation.apply("19") == "29"


def test_a_number_for_which_no_rule_holds_goes_on_as_it_is() -> None:
    translation = Translation([TranslationRule("/^1/ /2/")])
    assert translation.match("3") is None
    assert translation.apply("3") == "3"
    assert translation.apply("anonymous") == "anonymous"
    assert Translation().apply("3") == "3"


def test_a_rule_is_shown_as_it_was_written() -> None:
    assert str(TranslationRule("/^9/ //")) == "/^9/ //"


# ------------------------------------------------------------------------------------------------ against Python's re

_ATOMS = st.sampled_from(["1", "2", ".", "[12]", "[^1]", r"\*"])
_QUANTIFIED = st.builds(lambda atom, quantifier: atom + quantifier, _ATOMS, st.sampled_from(["", "", "*", "+", "?"]))


def _grouped(inside: Iterable[str], quantifier: str) -> str:
    return rf"\({''.join(inside)}\){quantifier}"


_PIECES = st.one_of(
    _QUANTIFIED,
    st.builds(_grouped, st.lists(_QUANTIFIED, min_size=1, max_size=3), st.just("")),
    st.builds(_grouped, st.lists(_ATOMS, min_size=1, max_size=3), st.sampled_from(["*", "+", "?"])),
)


@settings(max_examples=600)
@given(
    st.sampled_from(["", "^"]),
    st.lists(_PIECES, min_size=1, max_size=5),
    st.sampled_from(["", "$"]),
    st.text("12*", max_size=8),
)
def test_finds_what_re_would(begin: str, pieces: list[str], end: str, number: str) -> None:
    match = begin + "".join(pieces) + end
    groups = match.count(r"\(")
    replacement = "4".join(rf"\{group}" for group in range(groups + 1))
    as_re = re.compile(match.replace(r"\(", "(").replace(r"\)", ")"))
    found = as_re.search(number)
    expected = None
    if found is not None:
        between = "4".join(found[group] or "" for group in range(groups + 1))
        expected = number[: found.start()] + between + number[found.end() :]
    assert translated(f"/{match}/ /{replacement}/", number) == expected


@pytest.mark.parametrize(
    "match",
    [
        ".*" * 60 + "A",
        ".+" * 30 + "A",
        ".?" * 60 + "1" * 7 + "A",
        r"\(1*\)" * 9 + "A",
        r"\(11\)*" * 9 + r"1*1*1*A",
        r"\(1?1?1?1?1?1?1?1?\)" + "1?" * 40 + "A$",
    ],
)
def test_no_rule_takes_its_time(match: str) -> None:
    """Were all ways tried, the number would be looked at until the end of days."""
    assert translated(f"/{match}/ //", "1" * MAX_DIGITS) is None
    assert translated(f"/{match}/ /2/", "1" * (MAX_DIGITS - 1) + "A") is not None


# ------------------------------------------------------------------------------------------------ faults


@pytest.mark.parametrize(
    ("rule", "character", "message"),
    [
        ("", 1, "the match stands between slashes; write a rule as /match/ /replacement/"),
        ("s/1/2/", 1, "write a rule as /match/ /replacement/"),
        ("rule 1 /^9/ //", 1, "leave out `rule` and its number"),
        ("/^9", 1, "the match is not closed; write / after its last character"),
        (r"/^9\/ //", 4, r"\ takes the meaning from *, + and #"),
        (r"/^9\/", 1, "the match is not closed"),
        ("/^9/", 5, "the replacement is missing; write it after the match, such as /^9/ //"),
        ("/^9/  ", 5, "the replacement is missing"),
        ("/^9//1/", 5, "write a space between the match and the replacement"),
        ("/^9/ 1", 6, "the replacement stands between slashes"),
        ("/^9/ /1", 6, "the replacement is not closed"),
        ("/^9/ /1/ /^8/ /2/", 10, "nothing follows the replacement"),
        ("// /1/", 2, "write /^/ to put digits before any number"),
        ("/(1)/ //", 2, r"write \( and \) around a group"),
        ("/1)/ //", 3, r"write \( and \) around a group"),
        (r"/\(1/ //", 2, r"this group is not closed; write \) after its last digit"),
        (r"/\(\)1/ //", 2, "this group is empty"),
        (r"/1\)/ //", 3, "no group is open here"),
        (r"/\(1$\)/ //", 5, "the end can only stand last"),
        ("/1$1/ //", 3, "the end can only stand last"),
        ("/1^/ //", 3, "the beginning can only stand first"),
        (r"/\(^1\)/ //", 4, "the beginning can only stand first"),
        ("/*1/ //", 2, r"write \* for the key"),
        ("/^?1/ //", 3, "write that digit before it"),
        ("/1+*/ //", 4, "two quantifiers in a row"),
        ("/.*?1/ //", 4, "two quantifiers in a row"),
        (r"/\(1*\)*/ //", 8, "a group with a quantifier in it can't have one itself"),
        (r"/\(\(1*\)2\)?/ //", 13, "a group with a quantifier in it can't have one itself"),
        (r"/\(\(12\)+2\)+/ //", 14, "a group with a quantifier in it can't have one itself"),
        ("/1|2/ //", 3, "write a rule for each"),
        ("/1{3}/ //", 3, "write each digit"),
        ("/1-800/ //", 3, "numbers are compared without separators"),
        ("/1 8/ //", 3, "numbers are compared without separators"),
        ("/12T/ //", 4, "write .* for any more digits"),
        ("/1x/ //", 3, "write . for any one digit"),
        ("/1a/ //", 3, "write A in upper case"),
        ("/1g/ //", 3, "a number holds 0 to 9, A to F, *, # and +"),
        ("/1&/ //", 3, "can only stand in the replacement"),
        (r"/\(1\)\1/ //", 7, "can only stand in the replacement"),
        (r"/\d/ //", 2, r"\ takes the meaning from *, + and #"),
        (r"/1\./ //", 3, r"\ takes the meaning from *, + and #"),
        ("/[8-2]/ //", 2, 'in the set "[8-2]", character 2: the range "8-2" runs backwards; write 2-8'),
        ("/1[23/ //", 3, 'in the set "[23", character 1: this set is not closed'),
        ("/[]/ //", 2, "this set holds no digit"),
        ("/[a]/ //", 2, 'in the set "[a]", character 2'),
        (r"/" + r"\(1\)" * 10 + "/ //", 47, "more than 9 groups"),
        ("/" + "1" * (MAX_LENGTH + 1) + "/ //", 2, "the match has 129 characters; 128 are allowed"),
        ("/1/ /" + "1" * (MAX_LENGTH + 1) + "/", 6, "the replacement has 129 characters; 128 are allowed"),
        (r"/1/ /\1/", 6, r"\1: the match has no groups"),
        (r"/\(1\)/ /2\2/", 11, r"\2: the match has 1 group \( \)"),
        (r"/\(1\)\(2\)/ /\3/", 15, r"\3: the match has 2 groups \( \)"),
        ("/1/ /./", 6, r"a replacement holds digits; write \1"),
        ("/1/ /(1)/", 6, "groups stand in the match"),
        ("/1/ /^1/", 6, "a replacement has no beginning"),
        ("/1/ /1-2/", 7, "numbers go on without separators"),
        ("/1/ /1 2/", 7, "numbers go on without separators"),
        ("/1/ /sip:2/", 6, "a number holds"),
        (r"/1/ /\n/", 6, r"\ takes the meaning"),
    ],
)
def test_faults_say_where_and_what_would_be_right(rule: str, character: int, message: str) -> None:
    error = error_of(rule)
    assert f", character {character}: " in str(error)
    assert message in str(error)
    assert error.at == character - 1
    assert not error.not_built


@pytest.mark.parametrize(
    ("rule", "character", "word"),
    [
        ("reject /^900/", 1, "reject"),
        ("reject/^900/", 1, "reject"),
        ("/^9/ // type any national", 9, "type"),
        ("/^9/ // plan any isdn", 9, "plan"),
    ],
)
def test_what_is_not_built_says_so(rule: str, character: int, word: str) -> None:
    error = error_of(rule)
    assert error.not_built
    assert f'"{rule}", character {character}: not built yet: {word};' in str(error)


def test_a_long_rule_is_not_quoted_in_full() -> None:
    assert len(str(error_of("/" + "1" * 5000 + "/ //"))) < 200


@settings(max_examples=500)
@given(st.text("/ \\()[]^$.*+?&-,129AaT", max_size=20), st.text("129A+", max_size=12))
def test_any_text_is_read_or_refused(text: str, number: str) -> None:
    try:
        rule = TranslationRule(text)
    except TranslationError as error:
        at = error.at
    else:
        at = 0
        rule.apply(number)
    assert 0 <= at <= len(text)


def test_what_is_remembered_is_bounded_and_right() -> None:
    translation = Translation([TranslationRule("/^1/ /2/")])
    for _ in range(2):
        for number in range(10 * MOST_KNOWN):
            assert translation.apply(f"1{number}") == f"2{number}"
            assert translation.apply("1" * (MAX_DIGITS + 1)) == "1" * (MAX_DIGITS + 1)
            assert len(translation._known) <= MOST_KNOWN
    assert all(len(number) <= MAX_DIGITS for number in translation._known)
