"""The YAML reader: what it takes, where it says things stand, and what it refuses in plain words."""

import pytest

from edge_router.config import document
from edge_router.config.document import Map, Scalar, Unreadable, read
from edge_router.config.faults import Position


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("true", True),
        ("False", False),
        ("0", 0),
        ("-12", -12),
        ("1.50", 1.5),
        ("911", 911),
        # Telephone numbers, which YAML 1.1 would have taken apart
        ("+18005550100", "+18005550100"),
        ("0123", "0123"),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
        ("0x10", "0x10"),
        ("1e5", "1e5"),
        ("1800....", "1800...."),
        ("9" * 30, "9" * 30),
        # Words that YAML 1.1 takes for others
        ("no", "no"),
        ("on", "on"),
        ("2026-12-24", "2026-12-24"),
        (".inf", ".inf"),
        # In quotes, and tagged
        ('"5"', "5"),
        ("'true'", "true"),
        ("!!str 5", "5"),
        ("! 5", "5"),
        ("|\n  a\n  b", "a\nb"),
    ],
)
def test_scalars(written: str, value: Scalar) -> None:
    found = read(f"a: {written}".encode()).get(("a",))
    assert found == value
    assert type(found) is type(value)


def test_keys_are_text() -> None:
    assert read(b"{404: a, true: b, 0x1: c}").root == {"404": "a", "true": "b", "0x1": "c"}


TEXT = """\
# comment
a:
  b: [x, {c: 1}]
"d e":
- - y
"""


@pytest.mark.parametrize(
    ("path", "key", "real", "at"),
    [
        (("a",), True, ("a",), (2, 1)),
        (("a",), False, ("a",), (3, 3)),
        (("a", "b"), True, ("a", "b"), (3, 3)),
        (("a", "b", 0), False, ("a", "b", 0), (3, 7)),
        (("a", "b", 1, "c"), True, ("a", "b", 1, "c"), (3, 11)),
        (("a", "b", 1, "c"), False, ("a", "b", 1, "c"), (3, 14)),
        (("d e", 0, 0), False, ("d e", 0, 0), (5, 5)),
        # What is missing is missing from a map
        (("a", "z"), False, ("a", "z"), (3, 3)),
        # A list where the file has one item, a map where it has a scalar
        (("a", 0, "b"), False, ("a", "b"), (3, 6)),
        (("a", "b", 0, "uri"), False, ("a", "b", 0), (3, 7)),
        ((), False, (), (2, 1)),
    ],
)
def test_places(path: tuple[str | int, ...], key: bool, real: tuple[str | int, ...], at: tuple[int, int]) -> None:
    assert read(TEXT.encode()).locate(path, key=key) == (real, Position(*at))


def test_byte_order_mark_and_line_ends_do_not_move_columns() -> None:
    found = read("\ufeffa: 1\r\nb: 2\r\n".encode())
    assert found.root == {"a": 1, "b": 2}
    assert found.locate(("b",)) == (("b",), Position(2, 4))


def test_the_first_of_two_equal_keys_counts() -> None:
    found = read(b"a: {b: 1, b: 2}\n")
    assert found.root == {"a": {"b": 1}}
    assert found.twice == [(("a", "b"), Position(1, 11), Position(1, 5))]


def test_keys_without_a_value_are_noted() -> None:
    assert read(b"a:\nb: [~, 1]").empty == [(("a",), Position(1, 3)), (("b", 0), Position(2, 5))]


def test_an_alias_stands_for_its_anchor() -> None:
    found = read(b"a: &x [1, 2]\nb: *x\n")
    assert found.root == {"a": [1, 2], "b": [1, 2]}
    assert found.locate(("b",)) == (("b",), Position(2, 4))
    # What is within is where it is written
    assert found.locate(("b", 1)) == (("b", 1), Position(1, 11))


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        (
            "a: b: c",
            1,
            5,
            "a colon where no key may begin; is the line indented right, or does a text with a colon need quotes?",
        ),
        ("a:\n\t- x", 2, 1, "a tab; YAML is indented with spaces only"),
        ("a: [x", 2, 1, "the list that [ began isn't closed; is a comma or ] missing?"),
        ("a: {x", 2, 1, "the map that { began isn't closed; is a comma or } missing?"),
        ("a: 1\nb: 'x\nc: 2", 2, 4, "the file ends within quotes; close them"),
        ("a: 1\nb\nc: 2", 2, 1, "this is no `key: value`; is a colon missing?"),
        (
            "a: 1\n  b\n c: 2",
            3,
            3,
            "a colon where no key may begin; is the line indented right, or does a text with a colon need quotes?",
        ),
        ("a:\n  - x\n  b: 1", 3, 3, "no list item (-) where one must be; is the line indented like those before it?"),
        ("a:\n    b: 1\n  c: 1", 3, 3, "no key where one must be; is the line indented like those before it?"),
        ("a: 1\n- b", 2, 1, "no key where one must be; is the line indented like those before it?"),
        ("a: @x", 1, 4, "a text can't begin with @; put it in quotes"),
        ('a: "\\q"', 1, 5, "a backslash that begins no escape of YAML; use single quotes or \\\\"),
        ("a: *x", 1, 4, 'no anchor "x" is complete before this alias of it'),
        ("a: &x [*x]", 1, 8, 'no anchor "x" is complete before this alias of it'),
        ("a: 1\n---\nb: 1", 2, 1, "a second YAML document begins here; one file is one configuration"),
        ("a: !!set {}", 1, 4, 'tags such as "tag:yaml.org,2002:set" are not read; take it out'),
        ("a: !x 1", 1, 4, 'tags such as "!x" are not read; take it out'),
        ("<<: {a: 1}", 1, 1, "merge keys (<<) are YAML 1.1 and not read; write the keys out"),
        ("? [a]\n: 1", 1, 3, "a key must be plain text, not a list, a map or an alias"),
        ("a: 1\nb: \x07", 2, 4, "character U+0007 has no place in a configuration; take it out"),
        ("a: 1\nb: \u2028", 2, 4, "character U+2028 has no place in a configuration; take it out"),
        ("[" * 100_000, 1, 41, "lists and maps are nested more than 40 deep"),
    ],
)
def test_what_can_not_be_read(text: str, line: int, column: int, message: str) -> None:
    with pytest.raises(Unreadable) as caught:
        read(text.encode())
    assert (caught.value.at, caught.value.message) == (Position(line, column), message)


def test_what_is_not_utf_8() -> None:
    with pytest.raises(Unreadable) as caught:
        read("a: 1\nä: ".encode() + b"\xe4")
    assert caught.value.at == Position(2, 4)
    assert caught.value.message == "byte 0xe4 is not UTF-8; save the file as UTF-8"


def test_aliases_of_aliases_do_not_fill_the_memory() -> None:
    laughs = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]\n" for n in range(1, 30))
    with pytest.raises(Unreadable) as caught:
        read(f"l0: &l0 [x]\n{laughs}".encode())
    assert caught.value.message == "more than 2000000 values come of the aliases in here"


def test_a_huge_file_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "MAX_BYTES", 10)
    with pytest.raises(Unreadable, match="the file has more than 10 bytes; at most as many are read"):
        read(b"# 345678901")


def test_what_goes_on_is_a_map() -> None:
    assert isinstance(read(b"a: 1").root, Map)
