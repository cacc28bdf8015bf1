"""What crosses by trust: who asserts an identity must be believed, and who is told of it may know it (RFC 3325)."""

import pytest

from edge_router.b2bua.messages.crossing import IN_BYE, IN_INVITE, IN_RESPONSE, crossing
from edge_router.dialplan.pass_headers import PassHeaders
from edge_router.dialplan.trunk import Trunk
from edge_router.sip.message import Message, parse

OURS = "192.0.2.1:5060"

INVITE = b"""INVITE sip:+18005550100@192.0.2.1 SIP/2.0\r
P-Asserted-Identity: "A. Caller" <sip:+13125550199@10.1.1.1>, <tel:+13125550199>\r
Privacy: id\r
Reason: Q.850;cause=16\r
P-Preferred-Identity: <sip:me@10.1.1.1>\r
X-Customer: 42\r
\r
"""

ASSERTED = f'P-Asserted-Identity: "A. Caller" <sip:+13125550199@{OURS}>, <tel:+13125550199>\r\n'
PRIVACY = "Privacy: id\r\n"
REASON = "Reason: Q.850;cause=16\r\n"


def crosses(message: Message, table: dict[str, int], accept: bool = False, send: bool = False, *passes: str) -> str:
    came_by = Trunk("carrier", accept_identity=accept)
    leaves_by = Trunk("premise", send_identity=send, pass_headers=PassHeaders.parse(list(passes)))
    return crossing(message, table, came_by, leaves_by, OURS)


@pytest.mark.parametrize("table", [IN_INVITE, IN_RESPONSE], ids=["INVITE", "response"])
@pytest.mark.parametrize(
    ("accept", "send", "expected"),
    [
        (True, True, ASSERTED + PRIVACY + REASON),
        (False, True, PRIVACY + REASON),  # a From that is told without its Privacy would be told to everybody
        (True, False, REASON),
        (False, False, REASON),
    ],
    ids=["believed and told", "not believed", "not told", "neither"],
)
def test_identity_crosses_by_trust(table: dict[str, int], accept: bool, send: bool, expected: str) -> None:
    assert crosses(parse(INVITE), table, accept, send) == expected


def test_what_the_two_trunks_are_the_other_way_round_does_not_count() -> None:
    came_by = Trunk("carrier", accept_identity=False, send_identity=True)
    leaves_by = Trunk("premise", accept_identity=True, send_identity=False)
    assert crossing(parse(INVITE), IN_INVITE, came_by, leaves_by, OURS) == REASON


def test_an_identity_that_cannot_be_read_stays_behind() -> None:
    broken = INVITE.replace(b'"A. Caller" <sip:', b'"A. Caller <sip:')
    assert crosses(parse(broken), IN_INVITE, True, True) == PRIVACY + REASON


@pytest.mark.parametrize("value", ["none", "session"])
def test_a_callees_privacy_that_is_not_done_goes_on_to_everybody(value: str) -> None:
    answer = INVITE.replace(b"Privacy: id", b"Privacy: id;" + value.encode())
    assert crosses(parse(answer), IN_RESPONSE, True, False) == f"Privacy: {value}\r\n{REASON}"


def test_a_preferred_identity_never_crosses() -> None:
    """What a user agent would like to be called is for its own first proxy alone (RFC 3325 §9.2)."""
    assert "me@" not in crosses(parse(INVITE), IN_INVITE, True, True, "P-*", "X-*")


def test_no_identity_in_a_bye() -> None:
    assert crosses(parse(INVITE), IN_BYE, True, True) == REASON


def test_a_trunk_is_given_what_its_pass_headers_name() -> None:
    assert crosses(parse(INVITE), IN_INVITE, False, False, "X-Cust*") == f"{REASON}X-Customer: 42\r\n"
