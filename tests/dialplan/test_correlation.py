"""Names that correlation headers may have, how long they get, and what User-to-User looks like."""

import re
from pathlib import Path
from typing import get_args

import pytest

from edge_router.dialplan.correlation import (
    MOST_BYTES,
    RESERVED,
    CorrelationError,
    CorrelationValue,
    check_length,
    check_name,
    size,
    user_to_user,
)
from edge_router.dialplan.pass_headers import PassHeaders

PAGE = Path(__file__).parents[2] / "docs" / "correlation.md"


@pytest.mark.parametrize("name", ["X-Edge-Call", "x-edge-call", "Edge-Call", "User-to-User", "USER-TO-USER"])
def test_good_names(name: str) -> None:
    check_name(name)


@pytest.mark.parametrize(
    "name",
    [
        *sorted(RESERVED),  # in one order for all processes of a test run
        *("X-RTMS-CID", "X-Path", "X-VPOP-DOMAIN"),
        *("Via", "v", "FROM", "Contact", "m", "Session-ID", "Cisco-Guid", "Content-Length", "Subject", "Reason"),
        *("P-Asserted-Identity", "P-Early-Media", "Privacy", "Proxy-Authorization", "Refer-To", "Geolocation"),
        "Proxy-Authentication-Info",
        *("", " ", "X Call", "X-Call ", "X:Call", "X-Call\r\nVia", "X-Cäll"),
    ],
)
def test_names_that_are_taken_or_are_none(name: str) -> None:
    with pytest.raises(CorrelationError):
        check_name(name)


def test_as_long_as_a_contact_centre_takes() -> None:
    room = MOST_BYTES - size("", "x" * 64)
    check_length({"X" * room: "node"})
    with pytest.raises(CorrelationError, match="can be 1001 bytes together"):
        check_length({"X" * (room + 1): "node"})


def test_a_user_to_user_is_twice_as_long() -> None:
    assert size("User-to-User", user_to_user("x" * 64)) > size("User-to-User", "x" * 128)
    others: dict[str, CorrelationValue] = {"X" * 820: "call_id"}
    check_length({**others, "X-To-User": "node"})
    with pytest.raises(CorrelationError):
        check_length({**others, "User-to-User": "node"})


def test_a_header_that_we_write_passes_by_no_name_and_no_beginning() -> None:
    passes = PassHeaders.parse(["X-Edge-Call", "X-Edge-*"], ["x-edge-call"])
    assert not passes.crosses("x-edge-call")
    assert passes.crosses("x-edge-other")


def test_the_page_about_it_is_right() -> None:
    text = PAGE.read_text()
    rows = re.findall(
        r"^\| (`[^|]*) \| .* \|$", text.partition("What each may hold")[2].partition("- What")[0], re.MULTILINE
    )
    assert {word for row in rows for word in re.findall(r"`(\w+)`", row)} == set(get_args(CorrelationValue))
    assert f"User-to-User: {user_to_user('0123456789abcdef')}\n" in text
