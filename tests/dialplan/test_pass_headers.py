import pytest

from edge_router.dialplan.pass_headers import PassHeaderError, PassHeaders


def test_names_cross_in_any_spelling() -> None:
    headers = PassHeaders.parse(["X-Customer-Id", "user-agent", "s"])
    assert headers.crosses("x-customer-id")
    assert headers.crosses("user-agent")
    assert headers.crosses("subject")
    assert not headers.crosses("x-customer-id-2")
    assert not headers.crosses("x-other")


def test_nothing_crosses_unless_it_is_named() -> None:
    assert not PassHeaders().crosses("x-customer-id")
    assert not PassHeaders()
    assert PassHeaders.parse(["X-*"])
    assert PassHeaders.parse(["X-Id"])


def test_a_star_stands_for_any_ending() -> None:
    headers = PassHeaders.parse(["X-Customer-*", "P-*"])
    assert headers.crosses("x-customer-")
    assert headers.crosses("x-customer-id")
    assert headers.crosses("p-charging-vector")
    assert not headers.crosses("x-customer")


ONE_LEG = """
    via route record-route contact max-forwards call-id cseq from to rseq rack session-expires min-se require supported
    allow proxy-require authorization proxy-authorization www-authenticate proxy-authenticate authentication-info
    content-length content-type p-asserted-identity privacy remote-party-id
"""


@pytest.mark.parametrize("key", ONE_LEG.split())
def test_what_belongs_to_one_leg_never_crosses(key: str) -> None:
    assert not PassHeaders.parse(["*", f"{key[:2]}*"]).crosses(key)
    with pytest.raises(PassHeaderError, match="take it out of the list"):
        PassHeaders.parse([key.upper()])


def test_compact_forms_do_not_slip_through() -> None:
    with pytest.raises(PassHeaderError, match="belongs to one leg alone"):
        PassHeaders.parse(["i"])


@pytest.mark.parametrize("entry", ["", " ", "X Y", "X:", "X-*-Y", "X\r\nY", "X-Y ", " X"])
def test_says_what_is_no_name(entry: str) -> None:
    with pytest.raises(PassHeaderError, match="is not the name of a header; write one such as X-Customer-Id"):
        PassHeaders.parse([entry])


@pytest.mark.parametrize("entry", ["**", "X Y*", " X*", "X:*"])
def test_says_what_is_no_beginning(entry: str) -> None:
    with pytest.raises(PassHeaderError, match="is not the beginning of a header's name"):
        PassHeaders.parse([entry])
