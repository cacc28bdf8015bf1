import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_router.admission.number_form import form_of, same


@pytest.mark.parametrize(
    "writings",
    [
        ["+12125550100", "12125550100", "2125550100", "0012125550100", "(212) 555-0100", "tel:+1-212-555-0100"],
        ["+49 89 1234567", "0049 89 1234567", "089 1234567", "011 49 89 1234567"],
        ["sip:+12125550100@example.com;user=phone", "SIPS:2125550100@192.0.2.1", "tel:2125550100;phone-context=+1"],
        ["2001", "sip:2001@pbx", " 2001"],
        ["Alice", "sip:alice@example.com"],
        ["anonymous", "", "Anonymous", "sip:anonymous@anonymous.invalid", "Unavailable"],
    ],
)
def test_writings_of_one_number(writings: list[str]) -> None:
    forms = [form_of(each) for each in writings]
    assert all(same(one, other) for one in forms for other in forms)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("+12125550100", "+13105550100"),
        ("+12125550100", "5550101"),
        ("+12125550100", "550100"),  # six digits are anybody's
        ("2001", "12001"),
        ("0042", "42"),
        ("2001", ""),
        ("carrier2125550100", "2125550100"),
        ("alice", "bob"),
        ("", "12125550100"),
    ],
)
def test_numbers_that_are_two(one: str, other: str) -> None:
    assert not same(form_of(one), form_of(other))
    assert not same(form_of(other), form_of(one))


def test_nobody_has_no_form() -> None:
    assert form_of("anonymous") == form_of("") == ""


@given(st.text(max_size=200))
def test_anything_has_a_short_form_that_is_its_own(text: str) -> None:
    form = form_of(text)
    assert len(form) <= 64
    assert same(form, form)
