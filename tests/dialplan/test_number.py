import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_router.dialplan.number import normalise


@pytest.mark.parametrize(
    ("user", "number"),
    [
        ("18005550100", "18005550100"),
        ("+18005550100", "+18005550100"),
        ("+1-800-555-0100", "+18005550100"),
        ("+1(800)555.0100", "+18005550100"),
        ("1%20800%20555", "1800555"),
        ("+18005550100;npdi;rn=+18005559999", "+18005550100"),
        ("8005550100;verstat=TN-Validation-Passed", "8005550100"),
        ("%2B1800", "+1800"),
        ("*67%23", "*67#"),
        ("BEEF", "BEEF"),
        ("", ""),
        (";npdi", ""),
        # names
        ("alice", "alice"),
        ("alice.smith", "alice.smith"),
        ("alice;x=1", "alice"),
        ("%61lice", "alice"),
        ("1-800-FLOWERS", "1-800-FLOWERS"),
        ("--", "--"),
        ("٣٤٥", "٣٤٥"),
        ("²", "²"),
        # what would break out of a URI or a header stays escaped
        ("a%0d%0ab", "a%0d%0ab"),
        ("1%0d2", "1%0d2"),
        ("a%3Bb", "a%3Bb"),
        ("a%40b", "a%40b"),
        ("a%20b", "a%20b"),
        ("a%22b", "a%22b"),
        # broken escapes
        ("12%", "12%"),
        ("12%4", "12%4"),
        ("12%zz", "12%zz"),
        ("12% 3", "12% 3"),
        ("12%C3%A9", "12%C3%A9"),
    ],
)
def test_normalises(user: str, number: str) -> None:
    assert normalise(user) == number


@given(st.text(alphabet='+0123456789A%20d;.-()a\r\n"', max_size=12))
def test_twice_is_once_and_brings_nothing_in(user: str) -> None:
    number = normalise(user)
    assert normalise(number) == number
    assert set(number) - set(user) <= set("#+*-_.!~'()") | set(map(chr, range(48, 58))) | set(map(chr, range(65, 123)))
