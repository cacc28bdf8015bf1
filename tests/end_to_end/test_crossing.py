"""What crosses the router and what stays behind: a header on one side, and what the other side sees of it."""

import re

import pytest

from tests.end_to_end.block import Block
from tests.end_to_end.configuration import front_door, trunk
from tests.end_to_end.site import Site
from tests.end_to_end.wire import Header, Wire, host_of, tag_of, uri_of, user_of

TRUSTED = "+1800555"
"""Numbers of the premise, which is given identities."""

UNTRUSTED = "+1800556"
"""Numbers of the cloud, which is not."""

PLAIN_CARRIER = 20
"""The last number of the address of a carrier whose identities are not believed."""

PAI = '"A. Caller" <sip:+13125550111@192.0.2.7>'


def configuration(block: Block) -> str:
    return front_door(
        block,
        [{"name": "cloud numbers", "when": f'call.called.startsWith("{UNTRUSTED}")', "to": "cloud"}],
        carrier={"identity": {"accept": True, "send": True}, "pass_headers": ["X-Answer-*"]},
        premise={"identity": {"accept": True, "send": True}, "pass_headers": ["X-Customer-*", "X-Exact"]},
        cloud={"identity": {"accept": False, "send": False}},
        trunks={"plain": trunk(block.host(PLAIN_CARRIER), identity={"accept": False, "send": False})},
        dial_peers=[{"name": "from-plain", "incoming": {"trunk": "plain"}, "policy": "front-door"}],
    )


def goes_out(site: Site, *headers: Header, number: str = TRUSTED, plain: bool = False) -> Wire:
    """The INVITE as the callee gets it. The call is refused and over when this returns."""
    caller = site.caller(number, phone=site.phone(site.block.host(PLAIN_CARRIER)) if plain else None)
    caller.invite(headers)
    callee = site.callee(site.premise if number == TRUSTED else site.cloud, caller)
    callee.answer(486)
    callee.expect("ACK")
    site.refused(caller, 486)
    assert callee.opening is not None
    return callee.opening


# ------------------------------------------------------------------------------------------------ crosses

AS_THEY_CAME: list[Header] = [
    ("Session-ID", "ab30317f1a784dc48ff824d0d3715d86;remote=00000000000000000000000000000000"),
    ("Cisco-Guid", "0678152134-3037598188-2149635505-3268538935"),
    ("User-to-User", "56a390f3d2b7310023a2;encoding=hex;purpose=isdn-uui"),
    ("Reason", 'Q.850;cause=16;text="Terminated"'),
    ("Date", "Fri, 20 Nov 2026 12:00:00 GMT"),
    (
        "Identity",
        "eyJhbGciOiJFUzI1NiJ9.eyJvcmlnIjp7fX0.c2ln;info=<https://certs.example.com/a.pem>;alg=ES256;ppt=shaken",
    ),
    ("Subject", "Order 4711, “urgent”"),
    ("Call-Info", "<http://www.example.com/caller.png>;purpose=icon"),
    ("Alert-Info", "<http://www.example.com/ring.wav>"),
    ("Priority", "urgent"),
    ("Resource-Priority", "wps.3, dsn.flash"),
    ("Geolocation", "<https://ls.example.com/here>"),
    ("X-Customer-Id", "4711"),
    ("X-Exact", "as it is"),
]


@pytest.mark.parametrize("header", AS_THEY_CAME, ids=[name for name, _ in AS_THEY_CAME])
def test_crosses_as_it_came(site: Site, header: Header) -> None:
    assert goes_out(site, header).all(header[0]) == [header[1]]


@pytest.mark.parametrize(
    ("name", "value", "user", "rest"),
    [
        ("P-Asserted-Identity", PAI, "+13125550111", ""),
        ("Diversion", "<sip:+18005550999@192.0.2.7>;reason=user-busy", "+18005550999", "reason=user-busy"),
        ("History-Info", "<sip:+18005550999@192.0.2.7>;index=1", "+18005550999", "index=1"),
    ],
)  # fmt: skip
def test_an_identity_crosses_under_our_host(site: Site, name: str, value: str, user: str, rest: str) -> None:
    seen = goes_out(site, (name, value)).all(name)
    assert len(seen) == 1
    assert user_of(uri_of(seen[0])) == user
    assert host_of(uri_of(seen[0])).split(":")[0] == site.block.router[0]
    assert seen[0].partition(">")[2].removeprefix(";") == rest


def test_two_values_of_an_identity_header_both_cross_in_order(site: Site) -> None:
    values = [("Diversion", f"<sip:+1800555099{n}@192.0.2.7>;reason=no-answer") for n in (1, 2)]
    seen = ", ".join(goes_out(site, *values).all("Diversion"))
    assert re.findall(r"sip:([^@]+)@", seen) == ["+18005550991", "+18005550992"]


def test_a_tel_identity_crosses_as_it_is(site: Site) -> None:
    assert "tel:+13125550111" in goes_out(site, ("P-Asserted-Identity", "<tel:+13125550111>")).get(
        "P-Asserted-Identity"
    )


def test_the_callers_number_and_name_cross(site: Site) -> None:
    invite = goes_out(site, ("From", '"Zoë, \\"the\\" Caller" <sip:+13125550123@192.0.2.7;user=phone>;tag=zoe'))
    sender = invite.get("From")
    assert sender.startswith('"Zoë, \\"the\\" Caller" <sip:+13125550123@')
    assert "192.0.2.7" not in sender
    assert tag_of(sender) != "zoe"


def test_the_called_number_keeps_its_parameters_on_the_wire(site: Site) -> None:
    caller = site.caller(TRUSTED)
    number = caller.called
    caller.called += ";npdi;rn=+13125550000"
    caller.target = f"sip:{caller.called}@{site.block.router[0]};user=phone"
    caller.invite()
    callee = site.callee(site.premise, caller)
    assert callee.opening is not None
    assert callee.opening.uri == f"sip:{number};npdi;rn=+13125550000@{site.block.premise}:5060;user=phone"
    callee.answer(486)
    site.refused(caller, 486)


@pytest.mark.parametrize(("came", "leaves"), [("70", "69"), ("2", "1"), ("1", "0")])
def test_max_forwards_is_one_less(site: Site, came: str, leaves: str) -> None:
    assert goes_out(site, ("Max-Forwards", came)).get("Max-Forwards") == leaves


def test_a_call_without_cisco_guid_gets_one(site: Site) -> None:
    guids = [goes_out(site).get("Cisco-Guid") for _ in range(2)]
    for guid in guids:
        assert re.fullmatch(r"\d{10}-\d{10}-\d{10}-\d{10}", guid)
        assert all(int(word) < 2**32 for word in guid.split("-"))
    assert guids[0] != guids[1]


def test_odd_spellings_of_a_header_that_crosses_are_understood(site: Site) -> None:
    caller = site.caller(TRUSTED)
    odd = b"s:  short\r\n form\r\nx-CUSTOMER-id : 42\r\nREASON:Q.850;cause=16\r\n\r\n"
    caller.phone.send(caller.request("INVITE").encode().removesuffix(b"\r\n") + odd, caller.router)
    callee = site.callee(site.premise, caller)
    seen = callee.opening
    assert seen is not None
    assert [seen.get(name) for name in ("Subject", "X-Customer-Id", "Reason")] == ["short form", "42", "Q.850;cause=16"]
    callee.answer(486)
    callee.expect("ACK")


def test_a_whole_call_in_compact_forms(site: Site) -> None:
    short = {"Via": "v", "From": "f", "To": "t", "Call-ID": "i", "Contact": "m", "Content-Type": "c", "Subject": "s"}
    caller = site.caller(TRUSTED)
    opening = caller.request("INVITE", [("Subject", "short")], caller.body)
    said = Wire(opening.start, [(short.get(name, name), value) for name, value in opening.headers], opening.body)
    site.carrier.send(said.encode().replace(b"Content-Length:", b"l  :"), caller.router)
    callee = site.callee(site.premise, caller)
    assert callee.opening is not None
    assert callee.opening.get("Subject") == "short"
    assert callee.opening.body == caller.body
    site.connects(caller, callee)
    site.ends(caller, callee)


# ------------------------------------------------------------------------------------------------ stays behind


@pytest.mark.parametrize(
    "header",
    [
        ("Via", "SIP/2.0/UDP 192.0.2.8:5060;branch=z9hG4bK-before"),
        ("Record-Route", "<sip:192.0.2.8;lr>"),
        ("Route", "<sip:192.0.2.8;lr>"),
        ("Contact", "<sip:hidden@192.0.2.8>"),
        ("Supported", "100rel, timer, replaces"),
        ("Allow", "INVITE, UPDATE, PRACK, MESSAGE"),
        ("Session-Expires", "1800;refresher=uac"),
        ("Min-SE", "90"),
        ("RSeq", "1"),
        ("RAck", "1 1 INVITE"),
        ("Authorization", 'Digest username="a", realm="r", nonce="n", uri="sip:x", response="0"'),
        ("Proxy-Authorization", 'Digest username="a", realm="r", nonce="n", uri="sip:x", response="0"'),
        ("Proxy-Require", "nothing-we-know"),
        ("Path", "<sip:192.0.2.8;lr>"),
        ("Event", "refer"),
        ("Remote-Party-ID", "<sip:+13125550111@192.0.2.8>;party=calling"),
        ("P-Preferred-Identity", "<sip:+13125550111@192.0.2.8>"),
        ("User-Agent", "Hidden/192.0.2.8"),
        ("Organization", "192.0.2.8"),
        ("X-Elsewhere", "192.0.2.8"),
        ("X-Custom", "192.0.2.8"),
        ("X-Exactly", "192.0.2.8"),
    ],
    ids=lambda header: header[0],
)
def test_stays_behind(site: Site, header: Header) -> None:
    caller = site.caller(TRUSTED)
    invite = caller.request("INVITE", body=caller.body)
    invite.headers.append(header)
    if header[0] == "Contact":
        invite = invite.with_headers(header)
    caller.send(invite)
    caller.opening = invite
    callee = site.callee(site.premise, caller)
    assert callee.opening is not None
    assert header[1] not in callee.opening.all(header[0])
    assert "192.0.2.8" not in str(callee.opening)
    callee.answer(486)
    callee.expect("ACK")
    site.refused(caller, 486)


def test_a_header_cannot_be_smuggled_in_by_a_blank_before_its_colon(site: Site) -> None:
    caller = site.caller(UNTRUSTED)
    smuggled = b"P-Asserted-Identity : <sip:+19005550666@192.0.2.8>\r\nX-Customer-Id : 42\r\n\r\n"
    invite = caller.request("INVITE").encode().removesuffix(b"\r\n") + smuggled
    caller.phone.send(invite, caller.router)
    callee = site.callee(site.cloud, caller)
    assert "+19005550666" not in str(callee.opening)
    assert "X-Customer-Id" not in str(callee.opening)
    callee.answer(486)
    callee.expect("ACK")


@pytest.mark.parametrize("evil", ["%0d%0aX-Evil%3a%201", "%0D%0A%0D%0AINVITE", "%00", "%0a"])
def test_escaped_line_ends_stay_escaped(site: Site, evil: str) -> None:
    """Where the escapes could be undone; the reader at the other end refuses bare CR, LF and NUL in any message."""
    caller = site.caller(TRUSTED)
    caller.called += f";x={evil}"
    caller.target = f"sip:{caller.called}@{site.block.router[0]}"
    caller.local = f"<sip:+1312555{evil}@{site.block.carrier}>;tag=evil"
    caller.invite([("Diversion", f"<sip:{evil}@192.0.2.7>"), ("P-Asserted-Identity", f"<sip:{evil}@192.0.2.7>")])
    callee = site.callee(site.premise, caller)
    assert callee.opening is not None
    assert not callee.opening.all("X-Evil")
    callee.answer(486)
    callee.expect("ACK")
    site.refused(caller, 486)


# ------------------------------------------------------------------------------------------------ trust (RFC 3325)


@pytest.mark.parametrize(
    ("plain", "number", "crosses"),
    [(False, TRUSTED, True), (False, UNTRUSTED, False), (True, TRUSTED, False), (True, UNTRUSTED, False)],
    ids=["believed and given", "believed, not given", "not believed", "neither"],
)
def test_an_asserted_identity_crosses_between_trunks_that_are_both_trusted(
    site: Site, plain: bool, number: str, crosses: bool
) -> None:
    seen = goes_out(site, ("P-Asserted-Identity", PAI), number=number, plain=plain)
    assert bool(seen.all("P-Asserted-Identity")) is crosses
    assert ("+13125550111" in str(seen)) is crosses


def test_privacy_goes_with_the_identity_to_a_trusted_trunk(site: Site) -> None:
    seen = goes_out(site, ("P-Asserted-Identity", PAI), ("Privacy", "id"))
    assert seen.get("Privacy") == "id"
    assert "+13125550111" in seen.get("P-Asserted-Identity")


@pytest.mark.parametrize("privacy", ["id", "user", "header;id", "full", "id;critical"])
def test_a_caller_who_asks_for_privacy_is_anonymous_where_identities_are_not_given(site: Site, privacy: str) -> None:
    seen = goes_out(site, ("P-Asserted-Identity", PAI), ("Privacy", privacy), number=UNTRUSTED)
    assert "+13125550" not in str(seen.without("Diversion", "To"))
    assert "anonymous@anonymous.invalid" in seen.get("From")
    assert "A. Caller" not in seen.get("From")


def test_privacy_none_hides_nothing(site: Site) -> None:
    assert "+13125550199" in goes_out(site, ("Privacy", "none"), number=UNTRUSTED).get("From")


# ------------------------------------------------------------------------------------------------ the way back


def test_what_the_callee_says_crosses_by_the_same_rules(site: Site) -> None:
    caller = site.caller(TRUSTED)
    caller.invite()
    callee = site.callee(site.premise, caller)
    crossing = [
        ("Session-ID", "00000000000000000000000000000001;remote=ab30317f1a784dc48ff824d0d3715d86"),
        ("Alert-Info", "<http://www.example.com/ring.wav>"),
        ("Reason", "Q.850;cause=1"),
        ("X-Answer-By", "desk 7"),
    ]
    staying = [
        ("Require", "100rel"),
        ("RSeq", "1"),
        ("Server", "Hidden/1"),
        ("X-Elsewhere", "hidden"),
        ("WWW-Authenticate", 'Digest realm="hidden"'),
        ("Session-Expires", "1800;refresher=uas"),
    ]
    asserted = ("P-Asserted-Identity", "<sip:+18005550100@192.0.2.9>")
    for code in (183, 200):
        callee.answer(code, [*crossing, *staying, asserted])
    early, answer = caller.expect(183), caller.expect(200)
    for seen in (early, answer):
        assert [seen.get(name) for name, _ in crossing] == [value for _, value in crossing]
        for name, value in staying:
            assert value not in seen.all(name)
        assert uri_of(seen.get("P-Asserted-Identity")).startswith(f"sip:+18005550100@{site.block.router[0]}")
        assert "192.0.2.9" not in str(seen)
        assert len(seen.all("Via")) == 1
        assert f"{site.block.carrier}:5060" in seen.get("Via")
    callee.reply(callee.expect("PRACK"), 200)
    caller.ack(answer)
    callee.expect("ACK")
    site.ends(caller, callee)


def test_an_untrusted_callees_identity_stays_behind(site: Site) -> None:
    caller = site.caller(UNTRUSTED)
    caller.invite()
    callee = site.callee(site.cloud, caller)
    callee.answer(183, [("P-Asserted-Identity", "<sip:+18005550100@192.0.2.9>")])
    assert not caller.expect(183).all("P-Asserted-Identity")
    callee.answer(486)
    site.refused(caller, 486)


@pytest.mark.parametrize("code", [401, 407])
def test_a_challenge_is_not_passed_on(site: Site, code: int) -> None:
    """A digest for our peer's realm is between our peer and us: the caller gets no challenge to answer."""
    caller = site.caller(TRUSTED)
    caller.invite()
    callee = site.callee(site.premise, caller)
    name = {401: "WWW-Authenticate", 407: "Proxy-Authenticate"}[code]
    callee.answer(code, [(name, 'Digest realm="premise", nonce="1"')], reason="Say Who You Are")
    callee.expect("ACK")
    final = caller.expect_final()
    caller.ack(final)
    assert final.code == 403  # a 401 or 407 without a challenge would be none (RFC 3261 §21.4.2)
    assert not final.all(name)
    site.settled()
    assert not any(message.all("Authorization") for message in site.premise.heard())
