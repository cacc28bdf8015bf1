import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_router.dialplan.number_list import MOST_NUMBERS, BadNumbers, NumberList, read_numbers
from edge_router.dialplan.text_lines import MOST_FAULTS


def faults_of(text: str) -> list[tuple[int, str]]:
    with pytest.raises(BadNumbers) as caught:
        read_numbers(text)
    return caught.value.faults


def test_numbers_are_in_or_not() -> None:
    numbers = read_numbers("+18005550100\n8005550101\n*31\n")
    assert len(numbers) == 3
    assert "+18005550100" in numbers
    assert "8005550101" in numbers
    assert "*31" in numbers
    assert "18005550100" not in numbers
    assert "+1800555010" not in numbers
    assert "anonymous" not in numbers
    assert "" not in numbers
    assert "1" not in NumberList()


def test_separators_make_no_difference() -> None:
    numbers = read_numbers("+1 (800) 555-0100\n800.555.0101")
    assert "+18005550100" in numbers
    assert "8005550101" in numbers
    assert "+1-800-555-0100" in numbers
    assert "+18005550100;npdi" in numbers


def test_comments_blank_lines_and_a_byte_order_mark_are_left_out() -> None:
    numbers = read_numbers(
        "\ufeff# who is preferred\r\n\r\n  1800 # Ann\r\n1801\t# Bob # and Eve\r\n 1802#\n#1803\n   \n"
    )
    assert len(numbers) == 3
    assert all(number in numbers for number in ("1800", "1801", "1802#"))


def test_a_number_may_stand_there_twice() -> None:
    assert len(read_numbers("1\n+1\n1\n")) == 2


@given(st.lists(st.from_regex(r"\+?[0-9]{1,15}", fullmatch=True)), st.from_regex(r"\+?[0-9]{1,3}", fullmatch=True))
def test_is_in_what_was_written(written: list[str], number: str) -> None:
    numbers = read_numbers("\n".join(written))
    assert (number in numbers) == (number in written)
    assert all(each in numbers for each in written)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("1800,Ann", '"," at character 5: write one number on each line'),
        ("1800;1801", '";" at character 5: write one number on each line'),
        ("sip:1800@host", '"s" at character 1'),
        ("1800@host", "without @ and the host"),
        ("Ann", '"n" at character 2'),
        ('"1800"', "without quotes"),
        ("+1800555....", "a list holds whole numbers"),
        ("18..00", "a list holds whole numbers"),
        ("1800.", "a list holds whole numbers"),
        ("1800T", "no patterns"),
        ("180[0-9]", "no patterns"),
        ("%31800", "not as %XX"),
        ("1.80056E+11", "format a spreadsheet's column as text"),
        ("++1800", "+ stands before a number only"),
        ("+", "no digit is here"),
        ("()", "no digit is here"),
        ("\u202a1800", "invisible character U+202A"),
        ("18\t00", "invisible character U+0009"),
        ("\u0661\u0662", "a number holds 0 to 9"),
        ("1-" + "1" * 64, "65 digits; no number has more than 64"),
        ("1" * 65, "65 digits; no number has more than 64"),
    ],
)
def test_what_is_no_number_is_a_fault(line: str, message: str) -> None:
    ((number, why),) = faults_of(f"1\n# 2\n{line}\n4")
    assert number == 3
    assert message in why


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(BadNumbers, match=r'^line 1: "x" at .*; line 3: "y" at ') as caught:
        read_numbers("x\n1\ny\n")
    assert [line for line, _ in caught.value.faults] == [1, 3]


def test_faults_end_somewhere() -> None:
    faults = faults_of("x\n" * 500)
    assert len(faults) == MOST_FAULTS + 1
    assert "put these right" in faults[-1][1]


def test_numbers_end_somewhere() -> None:
    blank = "\n" * (MOST_NUMBERS - 1)
    assert len(read_numbers(f"1{blank}2\n")) == 2
    assert faults_of(f"1{blank}2\n3\n") == [(MOST_NUMBERS + 1, "more than 1,000,000 lines; split the list")]
