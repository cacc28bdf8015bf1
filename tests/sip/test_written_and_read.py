"""What the router writes reads back as it was: by its own readers, and by a parser that no one here wrote."""

from typing import Final
from urllib.parse import unquote

import pytest
import sipmessage
from hypothesis import given
from hypothesis import strategies as st

from edge_router.b2bua.messages.identity import Party, addressed, read_party, rehost
from edge_router.b2bua.messages.user_data import beside_ours
from edge_router.b2bua.set_up.redirect import contact_lines
from edge_router.dialplan.correlation import user_to_user
from edge_router.sip.dialog import Dialog, contact_uri, route_set
from edge_router.sip.headers import branch_of, param, parse_cseq, parse_name_addr, parse_via, split_list, tag_of
from edge_router.sip.message import Request, Response, parse
from edge_router.sip.sdp import Origin, inactive_answer, inactive_offer, origin, own_origin
from edge_router.sip.tokens import new_branch, new_token
from edge_router.sip.transaction_layer import response_vias
from edge_router.sip.uri import SipUri, TelUri, parse_uri
from fuzz.calls import whole_calls
from fuzz.router import SOURCES, Stage, datagrams

HOSTS: Final = st.one_of(
    st.sampled_from(["example.com", "a.b.example", "localhost"]),
    st.ip_addresses(v=4).map(str),
    st.ip_addresses(v=6).map(lambda address: f"[{address}]"),
)
PORTS: Final = st.one_of(st.just(""), st.integers(1, 65535).map(lambda port: f":{port}"))
USERS: Final = st.text("abcXYZ0123456789+-_.!~*'()&=$,", min_size=1, max_size=10)
PASSWORDS: Final = st.one_of(st.just(""), st.text("abc019-_.!~*'()&=+$,", min_size=1, max_size=6).map(":{}".format))
PARAMS: Final = st.lists(
    st.tuples(st.text("abcxyz", min_size=3, max_size=6), st.text("abcABC019-.", max_size=5)),
    max_size=3,
    unique_by=lambda pair: pair[0],
).map(lambda pairs: "".join(f";{name}={value}" if value else f";{name}" for name, value in pairs))
SIP_URIS: Final = st.builds(
    "{}:{}{}@{}{}{}".format, st.sampled_from(["sip", "sips"]), USERS, PASSWORDS, HOSTS, PORTS, PARAMS
)
TEL_URIS: Final = st.builds(
    "tel:+{}{}".format, st.from_regex("[0-9]([0-9.-]{0,10}[0-9])?", fullmatch=True), st.sampled_from(["", ";ext=5"])
)
DISPLAYS: Final = st.one_of(
    st.just(""),
    st.sampled_from(["Alice", "Alice Smith"]),
    st.text('abc,;<>@é\\"', max_size=8).map(lambda text: '"{}"'.format(text.replace("\\", "\\\\").replace('"', '\\"'))),
)
TAGS: Final = st.text("abcXYZ019-.!*_+`'~", min_size=1, max_size=12)
OURS: Final = "203.0.113.9:5070"


def read(data: bytes) -> Request:
    message = parse(data)
    assert isinstance(message, Request)
    return message


# ------------------------------------------------------------------------------- URIs


@given(SIP_URIS)
def test_a_sip_uri_is_the_same_to_another_parser(text: str) -> None:
    ours, theirs = parse_uri(text), sipmessage.URI.parse(text)
    assert isinstance(ours, SipUri)
    assert str(ours) == text
    assert (ours.scheme, ours.port) == (theirs.scheme, theirs.port)
    assert (unquote(ours.user or ""), ours.password) == (theirs.user, theirs.password)
    assert ours.host == theirs.host.strip("[]")
    assert dict(ours.params) == {name: value or "" for name, value in theirs.parameters.items()}


@given(TEL_URIS)
def test_a_tel_uri_is_the_same_to_another_parser(text: str) -> None:
    ours, theirs = parse_uri(text), sipmessage.URI.parse(text)
    assert isinstance(ours, TelUri)
    assert str(ours) == text
    assert ours.user == theirs.user
    assert dict(ours.params) == dict(theirs.parameters)


# ------------------------------------------------------------------------------- header values


@given(DISPLAYS, st.one_of(SIP_URIS, TEL_URIS), st.sampled_from([OURS, "example.com", "[2001:db8::9]:5070"]))
def test_a_party_at_another_host(display: str, uri: str, host: str) -> None:
    text = addressed(Party(display, parse_uri(uri)), host)
    party = read_party(f"{text};tag=x", "From")
    assert isinstance(party.uri, SipUri)
    assert (party.display, party.uri.host_port) == (display, host)
    came = parse_uri(uri)
    assert isinstance(came, TelUri) or party.uri.params == came.params
    theirs = sipmessage.Address.parse(text)
    assert theirs.name == display[1:-1].replace('\\"', '"').replace("\\\\", "\\") or theirs.name == display
    assert theirs.uri == sipmessage.URI.parse(str(party.uri))


@given(st.lists(st.tuples(DISPLAYS, SIP_URIS, PARAMS), min_size=1, max_size=4))
def test_identities_at_our_host(entries: list[tuple[str, str, str]]) -> None:
    value = ", ".join(
        f"{display} <{uri}>{params}" if display else f"<{uri}>{params}" for display, uri, params in entries
    )
    written = rehost(value, OURS, "Diversion")
    again = [parse_name_addr(entry, "Diversion") for entry in split_list(written)]
    assert [(display, params) for display, _, params in again] == [(display, params) for display, _, params in entries]
    for (_, uri, _), (_, came, _) in zip(again, entries, strict=True):
        ours, was = parse_uri(uri), parse_uri(came)
        assert isinstance(ours, SipUri)
        assert isinstance(was, SipUri)
        assert (ours.user, ours.host_port, ours.password, ours.params) == (was.user, OURS, None, was.params)
    assert rehost(written, OURS, "Diversion") == written


@given(DISPLAYS, SIP_URIS, PARAMS, TAGS, st.lists(SIP_URIS, max_size=3), st.integers(0, 2**31 - 1))
def test_a_request_in_a_dialog(display: str, uri: str, params: str, tag: str, routes: list[str], number: int) -> None:
    invite = Request("INVITE", "sip:h")
    invite.add("from", f"{display} <{uri}>{params};tag={tag}".strip())
    invite.add("to", f"<{uri}>{params}")
    for key, value in (("call-id", "c"), ("cseq", f"{number} INVITE"), ("contact", f"<{uri}>;q=1")):
        invite.add(key, value)
    for route in routes:
        invite.add("record-route", f"<{route};lr>")
    token = new_token()
    dialog = Dialog.as_server(invite, token)
    written = read(dialog.request("BYE", f"SIP/2.0/UDP {OURS};branch={new_branch()}"))
    assert tag_of(written.first["to"]) == tag == dialog.remote_tag
    assert tag_of(written.first["from"]) == token
    assert parse_cseq(written.first["cseq"]) == (1, "BYE")
    assert written.uri == uri == contact_uri(invite)
    assert [route.strip("<>") for route in written.all("route")] == [f"{route};lr" for route in routes]
    assert written.all("route") == route_set(invite)
    theirs = sipmessage.Message.parse(written.serialise())
    assert isinstance(theirs, sipmessage.Request)
    assert (theirs.from_address.parameters["tag"], theirs.to_address.parameters["tag"]) == (token, tag)
    assert [str(route.uri) for route in theirs.route] == [str(sipmessage.URI.parse(f"{route};lr")) for route in routes]


@given(HOSTS, PORTS, PARAMS, st.booleans(), st.sampled_from([("192.0.2.1", 5061), ("2001:db8::1", 9)]))
def test_a_via_on_its_way_back(host: str, port: str, params: str, rport: bool, source: tuple[str, int]) -> None:
    branch = new_branch()
    request = Request("OPTIONS", "sip:h")
    request.add("via", f"SIP/2.0/UDP {host}{port}{params};branch={branch}{';rport' if rport else ''}")
    via = parse_via(request.first["via"])
    line = response_vias(request, via, source)
    value = line.removeprefix("Via: ").removesuffix("\r\n")
    again = parse_via(value)
    assert (again.sent_by, again.branch, again.rport) == (via.sent_by, branch, rport)
    assert branch_of(value) == branch
    found = param(value.partition(";")[2], "received")
    assert found == (source[0] if rport or via.host != source[0] else None)
    if ":" not in source[0]:  # without brackets an IPv6 address isn't to that parser's taste (RFC 5118 §4.5)
        theirs = sipmessage.Via.parse(value)
        assert theirs.parameters["branch"] == branch
        assert theirs.parameters.get("received") == found
        assert theirs.parameters.get("rport") == (str(source[1]) if rport else None)


@given(st.lists(SIP_URIS, min_size=1, max_size=12))
def test_the_contacts_of_a_redirect(uris: list[str]) -> None:
    response = parse("\r\n".join(["SIP/2.0 302 Moved", *contact_lines(uris), "\r\n"]).encode())
    theirs = [sipmessage.Address.parse(value) for value in response.all("contact")]
    assert [parse_name_addr(value, "Contact")[1] for value in response.all("contact")] == uris
    assert [address.uri for address in theirs] == [sipmessage.URI.parse(uri) for uri in uris]
    preferences = [float(address.parameters["q"] or "") for address in theirs]
    assert preferences == sorted(preferences, reverse=True)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_what_we_say_to_the_user(text: str) -> None:
    value = user_to_user(text)
    data, _, params = value.partition(";")
    assert bytes.fromhex(data)[1:].decode() == text
    assert (param(params, "encoding"), param(params, "purpose")) == ("hex", "isdn-uui")
    kept, why = beside_ours([value.replace("isdn-uui", "other")])
    assert (kept, why) == ([value.replace("isdn-uui", "other")], "")


# ------------------------------------------------------------------------------- SDP

ADDRESSES: Final = st.one_of(st.ip_addresses(v=4).map(str), st.ip_addresses(v=6).map(str))
SESSIONS: Final = st.integers(1, 2**63)
STREAMS: Final = st.lists(
    st.builds(
        "m={} {} {} {}".format,
        st.sampled_from(["audio", "video", "image"]),
        st.integers(0, 65535),
        st.sampled_from(["RTP/AVP", "RTP/AVPF", "RTP/SAVP", "udptl"]),
        st.sampled_from(["0", "8 0 101", "96", "t38"]),
    ),
    max_size=6,
)


@given(ADDRESSES, SESSIONS, st.integers(1, 99))
def test_our_offer(host: str, session: int, version: int) -> None:
    written = inactive_offer(host, session, version)
    kind = "IP6" if ":" in host else "IP4"
    assert origin(written) == Origin("-", str(session), version, kind, host)
    own = Origin("-", str(session), version + 1, kind, host)
    assert own_origin(written, own) == inactive_offer(host, session, version + 1)


@given(ADDRESSES, SESSIONS, STREAMS)
def test_our_answer_has_a_stream_for_each(host: str, session: int, streams: list[str]) -> None:
    streams.append("m=audio 9 RTP/AVP 8")
    offer = "\r\n".join(["v=0", "o=a 1 2 IN IP4 h", "s=-", "t=0 0", *streams, ""]).encode()
    answer = inactive_answer(offer, host, session).decode()
    assert origin(answer.encode()) == Origin("-", str(session), 1, "IP6" if ":" in host else "IP4", host)
    answered = [line.split(" ") for line in answer.split("\r\n") if line.startswith("m=")]
    assert [(line[0], line[2]) for line in answered] == [(line.split(" ")[0], line.split(" ")[2]) for line in streams]
    assert [line[1] for line in answered].count("9") == 1
    again = inactive_answer(answer.encode(), host, session).decode()
    assert again == answer


@given(st.lists(st.text("abc =:/0", max_size=8).map("a={}".format), max_size=5), SESSIONS, st.booleans())
def test_our_origin_in_anothers_sdp(lines: list[str], session: int, last: bool) -> None:
    own = Origin("-", str(session), 3, "IP4", "203.0.113.9")
    head, rest = "v=0\r\n", "\r\n".join(["s=-", "t=0 0", *lines]) + "\r\n" * last
    changed = own_origin(f"{head}o=a 1 2 IN IP4 h\r\n{rest}".encode(), own).decode()
    assert changed == f"{head}o=- {session} 3 IN IP4 203.0.113.9\r\n{rest}"


# ------------------------------------------------------------------------------- whole messages


@given(st.integers(100, 699), st.text("abc ABC-.'", max_size=20).map(str.strip), st.binary(max_size=20), DISPLAYS, TAGS)
def test_a_response_is_the_same_to_another_parser(code: int, reason: str, body: bytes, display: str, tag: str) -> None:
    response = Response(code, reason)
    response.add("via", "SIP/2.0/UDP h;branch=z9hG4bK1")
    response.add("from", f"{display} <sip:a@h>;tag={tag}".strip())
    response.add("to", "<sip:b@h>")
    response.add("call-id", "c@h")
    response.add("cseq", "7 INVITE")
    response.body = body
    theirs = sipmessage.Message.parse(response.serialise())
    assert isinstance(theirs, sipmessage.Response)
    assert (theirs.code, theirs.phrase, theirs.body) == (code, reason, body)
    assert theirs.from_address.parameters["tag"] == tag_of(response.first["from"]) == tag
    assert theirs.content_length == len(body)


@pytest.mark.parametrize("call", whole_calls())
def test_every_message_of_a_call_is_the_same_to_another_parser(call: bytes) -> None:
    stage = Stage()
    written = [data for each in datagrams(call) for data in stage.receive(each[1:], SOURCES[each[0] % 4])]
    assert written
    for data in written:
        ours, theirs = parse(data), sipmessage.Message.parse(data)
        assert parse(ours.serialise()) == ours
        assert (theirs.body, theirs.call_id) == (ours.body, ours.first["call-id"])
        assert [via.parameters["branch"] for via in theirs.via] == [branch_of(value) for value in ours.all("via")]
        assert (theirs.cseq.sequence, theirs.cseq.method) == parse_cseq(ours.first["cseq"])
        assert theirs.from_address.parameters.get("tag", "") == tag_of(ours.first["from"])
        assert theirs.to_address.parameters.get("tag", "") == tag_of(ours.first["to"])
        assert [str(contact.uri) for contact in theirs.contact] == [
            parse_name_addr(value, "Contact")[1] for value in ours.all("contact")
        ]
        if isinstance(ours, Request):
            assert isinstance(theirs, sipmessage.Request)
            assert (theirs.method, str(theirs.uri)) == (ours.method, ours.uri)
        else:
            assert isinstance(theirs, sipmessage.Response)
            assert (theirs.code, theirs.phrase) == (ours.code, ours.reason)
