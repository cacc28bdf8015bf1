import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_router.policy.tokens import Kind, tokens_of


def texts(rule: str) -> list[str]:
    return [token.text for token in tokens_of(rule)]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ('queue( "x" ) . length', ["queue", "(", '"x"', ")", ".", "length"]),
        ("a // b\n c", ["a", "c"]),
        ('"a // b" c', ['"a // b"', "c"]),
        ("a//", ["a"]),
        ("""'it"s' x""", ["""'it"s'""", "x"]),
        (r'"a\"b" c', [r'"a\"b"', "c"]),
        (r'"a\\" c', [r'"a\\"', "c"]),
        (r'r"a\" c', [r'r"a\"', "c"]),
        ('"""a"b\nc""" d', ['"""a"b\nc"""', "d"]),
        ("'''a'b''' d", ["'''a'b'''", "d"]),
        (r"R'''\''' d", [r"R'''\'''", "d"]),
        ('b"call.called" x', ['b"call.called"', "x"]),
        (r'bR"\" x', [r'bR"\"', "x"]),
        ('"" x', ['""', "x"]),
        ('"open\nx', ['"open', "x"]),
        ('"""open\nx', ['"""open\nx']),
        ('"ends in \\', ['"ends in \\']),
        ("1.5e-3+2u", ["1.5e-3", "+", "2u"]),
        ("0xe+1", ["0xe", "+", "1"]),
        ("[1].map(x,x)", ["[", "1", "]", ".", "map", "(", "x", ",", "x", ")"]),
        ("é", ["é"]),
    ],
)
def test_splits(rule: str, expected: list[str]) -> None:
    assert texts(rule) == expected


def test_kinds() -> None:
    kinds = [token.kind for token in tokens_of("""call "x" b'x' 30 =""")]
    assert kinds == [Kind.NAME, Kind.TEXT, Kind.BYTES, Kind.NUMBER, Kind.MARK]


@given(st.text(alphabet="\"'\\rb \n/.(a1e+-", max_size=40))
def test_no_character_is_lost(rule: str) -> None:
    at = 0
    for token in tokens_of(rule):
        between = rule[at : token.start]
        assert all(part.isspace() or part.lstrip().startswith("//") for part in between.splitlines() if part)
        assert rule[token.start : token.end] == token.text != ""
        at = token.end
