"""The INVITE of the outgoing leg: who calls, as far as the trunk may know, and what the call is known by."""

import pytest

from edge_router.b2bua.messages.incoming import read_incoming
from edge_router.b2bua.messages.outbound import OutboundInvite, cisco_guid_of, new_cisco_guid, outbound_invite
from edge_router.dialplan.peer import DialPeer, Outgoing
from edge_router.dialplan.trunk import Target, Trunk
from edge_router.net.udp import UdpListener
from edge_router.sip.message import Message, Request, parse

INVITE = b"""INVITE sip:+18005550100@192.0.2.1 SIP/2.0\r
Via: SIP/2.0/UDP 198.51.100.1;branch=z9hG4bK1\r
Max-Forwards: 70\r
From: "A. Caller" <sip:+13125550199@10.1.1.1>;tag=a1\r
To: <sip:+18005550100@192.0.2.1>\r
Call-ID: c1\r
CSeq: 1 INVITE\r
P-Asserted-Identity: <sip:+13125550199@10.1.1.1>\r
P-Preferred-Identity: <sip:+13125550199@10.1.1.1>\r
History-Info: <sip:+18005550123@10.1.1.1>;index=1\r
%s\r
"""

NAMED = '"A. Caller" <sip:+13125550199@192.0.2.1:5060>'
ANONYMOUS = '"Anonymous" <sip:anonymous@anonymous.invalid>'
TRUST = pytest.mark.parametrize("accept", [True, False], ids=["believed", "not believed"])


def sent(accept: bool, send: bool, *privacy: bytes) -> tuple[OutboundInvite, Message]:
    """What is sent to the premise, and its header lines, read again."""
    request = parse(INVITE % b"".join(b"Privacy: %s\r\n" % value for value in privacy))
    assert isinstance(request, Request)
    came_by, premise = Trunk("carrier", accept_identity=accept), Trunk("premise", send_identity=send)
    incoming = read_incoming(request, came_by, "198.51.100.1", 69)
    peer, target = DialPeer("premise", outgoing=Outgoing("premise")), Target("sip:198.51.100.31", "198.51.100.31")
    listener = UdpListener("pstn", "192.0.2.1", 5060)
    invite = outbound_invite(incoming, None, peer, premise, came_by, target, listener, "0-0-0-0")
    return invite, parse(f"INVITE {invite.uri} SIP/2.0\r\n{invite.headers}\r\n".encode())


SEND = pytest.mark.parametrize("send", [True, False], ids=["told", "not told"])
HIDING = [b"id", b"user", b"full", b"ID;critical", b"none, id", b"header;id", b"id;session"]
"""What asks that nobody be told who calls."""
SHOWING = [b"none", b"session", b"header", b"history", b"critical", b"whatever"]


@TRUST
@pytest.mark.parametrize("privacy", HIDING)
def test_who_hides_is_named_only_to_a_trunk_that_may_know(accept: bool, privacy: bytes) -> None:
    invite, seen = sent(accept, True, privacy)
    assert seen.get("from") == f"{NAMED};tag={invite.dialog.local_tag}"
    assert seen.get("privacy") == privacy.decode()
    assert (seen.get("p-asserted-identity") is not None) is accept
    assert seen.get("p-preferred-identity") is None
    assert invite.calling == "+13125550199"


@TRUST
@pytest.mark.parametrize("privacy", HIDING)
def test_who_hides_is_anonymous_to_a_trunk_that_may_not(accept: bool, privacy: bytes) -> None:
    invite, seen = sent(accept, False, privacy)
    assert seen.get("from") == f"{ANONYMOUS};tag={invite.dialog.local_tag}"
    assert seen.get("privacy") == ("session" if b"session" in privacy else None)
    assert "3125550199" not in invite.headers
    assert invite.calling == "anonymous"


@TRUST
@SEND
@pytest.mark.parametrize("privacy", [None, *SHOWING])
def test_who_does_not_hide_is_named_to_everybody(accept: bool, send: bool, privacy: bytes | None) -> None:
    invite, seen = sent(accept, send, *([] if privacy is None else [privacy]))
    assert seen.get("from") == f"{NAMED};tag={invite.dialog.local_tag}"
    assert (seen.get("p-asserted-identity") is not None) is (accept and send)
    assert seen.get("p-preferred-identity") is None
    assert invite.calling == "+13125550199"


@pytest.mark.parametrize(
    ("privacy", "left"),
    [
        (b"none", "none"),  # nobody may take that out (RFC 3323 §4.2)
        (b"session", "session"),  # which we don't do: somebody further on may
        (b"session;critical", "session;critical"),
        (b"header", None),  # Via, Contact and Call-ID are ours
        (b"history;header", None),
        (b"critical", None),
        (b"header;session", "session"),
    ],
)
def test_what_is_done_is_not_asked_of_the_next(privacy: bytes, left: str | None) -> None:
    _, seen = sent(True, False, privacy)
    assert seen.get("privacy") == left
    _, seen = sent(True, True, privacy)
    assert seen.get("privacy") == privacy.decode()


def test_none_beside_another_privacy_header_asks_for_nothing() -> None:
    _, seen = sent(True, False, b"none", b"id")
    assert seen.get("privacy") is None


@pytest.mark.parametrize(
    ("privacy", "history"),
    [(b"history", False), (b"header", False), (b"history;id", False), (b"id", True), (b"none", True), (b"user", True)],
)
def test_where_a_call_has_been_stays_here_where_that_is_asked_for(privacy: bytes, history: bool) -> None:
    _, seen = sent(True, False, privacy)
    assert (seen.get("history-info") is not None) is history
    _, seen = sent(True, True, privacy)
    assert seen.get("history-info") is not None


# ------------------------------------------------------------------------------------------------ Cisco-Guid


@pytest.mark.parametrize(
    ("high", "low", "guid"),
    [
        (0x0000002A00000001, 0xFFFFFFFF00000000, "0000000042-0000000001-4294967295-0000000000"),
        (0xFFFFFFFFFFFFFFFF, 0xFFFFFFFFFFFFFFFF, "4294967295-4294967295-4294967295-4294967295"),
        (0x0000000000000000, 0x0000000000000000, "0000000000-0000000000-0000000000-0000000000"),
        (0x123456789ABCDEF0, 0x000000010FEDCBA9, "0305419896-2596069104-0000000001-0267242409"),
    ],
)
def test_a_cisco_guid_is_four_decimals_of_ten_digits(high: int, low: int, guid: str) -> None:
    assert cisco_guid_of(f"{high:016x}{low:016x}") == guid


def test_no_cisco_guid_is_given_twice() -> None:
    assert len({new_cisco_guid() for _ in range(1_000)}) == 1_000
