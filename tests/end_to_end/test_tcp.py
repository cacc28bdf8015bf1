"""Calls over TCP through the real process: from TCP to TCP, and from and to UDP."""

import signal
import socket
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from tests.end_to_end.block import Block
from tests.end_to_end.configuration import SOON
from tests.end_to_end.leg import Leg
from tests.end_to_end.phone import Phone
from tests.end_to_end.site import OwnSite, Site
from tests.end_to_end.stream_phone import StreamPhone
from tests.end_to_end.waiting import until
from tests.end_to_end.wire import uri_of

NUMBER = "+1800555"


def listeners(block: Block) -> list[dict[str, Any]]:
    """UDP and TCP at one address and port."""
    at = "{}:{}".format(*block.router)
    return [{"name": name, "transport": name, "address": at} for name in ("udp", "tcp")]


def targets(transport: str, *hosts: str) -> list[str]:
    return [f"sip:{host}:5060" + (f";transport={transport}" if transport != "udp" else "") for host in hosts]


@pytest.fixture
def tcp(block: Block) -> Iterator[StreamPhone]:
    """The premise by TCP, at the address and port where `site.premise` is by UDP."""
    with closing(StreamPhone(block.premise)) as tcp:
        yield tcp


def end(site: Site, transport: str, host: str) -> Phone:
    return site.joins(StreamPhone(host)) if transport == "tcp" else site.phone(host)


@pytest.fixture
def tcp_site(own_site: OwnSite, block: Block) -> Site:
    return own_site(listen=listeners(block), premise={"targets": targets("tcp", block.premise)})


@pytest.mark.parametrize(("here", "there"), [("tcp", "tcp"), ("tcp", "udp"), ("udp", "tcp")])
def test_a_call(own_site: OwnSite, block: Block, here: str, there: str) -> None:
    site = own_site(listen=listeners(block), premise={"targets": targets(there, block.premise)})
    carrier, premise = end(site, here, block.carrier), end(site, there, block.premise)
    caller = site.caller(NUMBER, phone=carrier)
    callee = site.answered(caller, premise)
    invite = callee.opening
    assert invite is not None
    assert f"SIP/2.0/{there.upper()} " in invite.get("Via")
    param = ";transport=tcp" if there == "tcp" else ""
    assert invite.uri == f"sip:{caller.called}@{block.premise}:5060{param}"
    assert uri_of(invite.get("Contact")).endswith(f"{block.router[0]}:5060{param}")
    assert (";transport=tcp" in caller.target) == (here == "tcp")
    site.ends(caller, callee)
    caller = site.caller(NUMBER, phone=carrier)
    callee = site.answered(caller, premise)
    site.ends(callee, caller)
    site.idle()
    for phone, transport, direction in ((carrier, here, "in"), (premise, there, "out")):
        if transport == "tcp":
            assert isinstance(phone, StreamPhone)
            assert site.router.metric("connections_opened_total", direction=direction) == len(phone.connections) == 1
    site.router.check_health()


def test_a_redirect_names_the_transport(own_site: OwnSite, block: Block) -> None:
    site = own_site(
        {"name": "away", "to": "cloud", "by": "redirect"},
        listen=listeners(block),
        cloud={"targets": targets("tcp", block.cloud)},
    )
    caller = site.caller(NUMBER, phone=end(site, "tcp", block.carrier))
    caller.invite()
    final = site.refused(caller, 302)
    assert uri_of(final.get("Contact")) == f"sip:{caller.called}@{block.cloud}:5060;transport=tcp"


def test_whoever_refuses_the_connection_is_passed_over_at_once(own_site: OwnSite, block: Block) -> None:
    """No timeout of the trunk's runs out meanwhile: they are all longer than this test waits."""
    site = own_site(
        listen=listeners(block),
        premise={"targets": targets("tcp", block.cloud_spare, block.premise), "connect_timeout": "60s"},
    )
    caller, premise = site.caller(NUMBER), end(site, "tcp", block.premise)
    caller.invite()
    callee = site.callee(premise, caller)
    site.connects(caller, callee)
    site.ends(caller, callee)
    assert site.router.metric("connections_ended_total", listener="tcp", reason="not reached") == 1


def test_whoever_hangs_up_on_the_invite_is_passed_over_at_once(own_site: OwnSite, block: Block) -> None:
    site = own_site(
        listen=listeners(block),
        premise={"targets": targets("tcp", block.cloud_spare, block.premise), "connect_timeout": "60s"},
    )
    rude, premise = (end(site, "tcp", host) for host in (block.cloud_spare, block.premise))
    assert isinstance(rude, StreamPhone)
    caller = site.caller(NUMBER)
    caller.invite()
    site.callee(rude, caller)
    rude.hang_up()
    callee = site.callee(premise, caller)
    site.connects(caller, callee)
    site.ends(callee, caller)


def test_a_connection_that_breaks_in_mid_call_is_opened_anew(tcp_site: Site, block: Block) -> None:
    site = tcp_site
    carrier, premise = end(site, "tcp", block.carrier), end(site, "tcp", block.premise)
    assert isinstance(premise, StreamPhone)
    assert isinstance(carrier, StreamPhone)
    caller = site.caller(NUMBER, phone=carrier)
    callee = site.answered(caller, premise)
    premise.hang_up()
    carrier.hang_up()
    until(lambda: site.router.metric("connections") == 0, "both to be gone")
    caller.bye()  # by a connection of its own
    callee.hears_of_end()
    caller.expect(200, method="BYE")
    caller = site.caller(NUMBER, phone=carrier)
    callee = site.answered(caller, premise)
    carrier.hang_up()
    until(lambda: site.router.metric("connections", direction="in") == 0, "his to be gone")
    callee.bye()
    bye = caller.hears_of_end()  # at the port of his Contact, by a connection of ours
    assert bye.source is not None
    callee.expect(200, method="BYE")


def test_an_answer_finds_its_way_when_its_connection_is_gone(tcp_site: Site, block: Block) -> None:
    """To the port of the request's Via (RFC 3261 §18.2.2)."""
    site = tcp_site
    carrier, premise = end(site, "tcp", block.carrier), end(site, "tcp", block.premise)
    assert isinstance(carrier, StreamPhone)
    caller = site.caller(NUMBER, phone=carrier)
    caller.invite()
    callee = site.callee(premise, caller)
    callee.answer(180)
    caller.expect(180)
    carrier.hang_up()
    until(lambda: site.router.metric("connections", direction="in") == 0, "his to be gone")
    callee.answer(486)
    callee.expect("ACK")
    final = caller.expect(486)
    assert final.source is not None
    assert final.source[0] == block.router[0]


def test_what_has_no_length_is_answered_and_ends_the_connection(tcp_site: Site, block: Block) -> None:
    phone = end(tcp_site, "tcp", block.carrier)
    assert isinstance(phone, StreamPhone)
    leg = tcp_site.caller(NUMBER, phone=phone)
    options = leg.request("OPTIONS")
    raw = options.encode().replace(b"Content-Length: 0\r\n", b"")
    phone.send(raw, block.router)
    answer = leg.expect(400)
    assert answer.reason == "Content-Length is missing"
    until(lambda: not phone.heard() and bool(phone.ended), "the end")
    assert tcp_site.router.metric("sip_rejected_total", reason="malformed") == 1


def test_a_stranger_is_not_answered(tcp_site: Site, block: Block) -> None:
    stranger = end(tcp_site, "tcp", block.stranger)
    assert isinstance(stranger, StreamPhone)
    leg = tcp_site.caller(NUMBER, phone=stranger)
    leg.send(leg.request("OPTIONS"))
    until(lambda: tcp_site.router.metric("sip_rejected_total", reason="unknown source") == 1, "it to be counted")
    assert stranger.heard() == []


def test_a_ping_is_answered_between_messages(tcp_site: Site, block: Block) -> None:
    with socket.create_connection(block.router, source_address=(block.carrier, 0), timeout=15) as sock:
        sock.sendall(b"\r\n\r\n")
        assert sock.recv(10) == b"\r\n"


def test_an_address_that_is_taken_is_said(own_site: OwnSite, block: Block) -> None:
    with socket.create_server(block.router), pytest.raises(AssertionError, match="is in use"):
        own_site(listen=listeners(block))


# ------------------------------------------------------------------------------------------------ large ones by TCP

LARGE = [("Subject", "x" * 1_300)]
LARGE_BODY = b"x" * 1_300


@pytest.mark.parametrize(("way", "size", "by_tcp"), [("try", 1_300, True), ("never", 1_300, False), ("try", 10, False)])
def test_a_large_invite_goes_by_tcp_where_the_trunk_says_so(
    own_site: OwnSite, block: Block, tcp: StreamPhone, way: str, size: int, by_tcp: bool
) -> None:
    site = own_site(listen=listeners(block), premise={"udp_to_tcp": way})
    udp = site.premise
    caller = site.caller(NUMBER)
    caller.invite([("Subject", "x" * size)])
    callee = site.callee(tcp if by_tcp else udp, caller)
    assert callee.opening is not None
    assert callee.opening.uri == f"sip:{caller.called}@{block.premise}:5060"
    callee.answer(180)
    caller.expect(180)
    site.connects(caller, callee)
    site.ends(caller, callee)
    assert tcp.heard() == udp.heard() == []


def test_a_large_invite_goes_by_udp_where_tcp_fails(own_site: OwnSite, block: Block) -> None:
    site = own_site(listen=listeners(block), premise={"udp_to_tcp": "try", "connect_timeout": "60s"})
    caller = site.caller(NUMBER)
    callee = site.answered(caller, site.premise, LARGE)
    assert callee.opening is not None
    assert "SIP/2.0/UDP" in callee.opening.get("Via")
    site.ends(callee, caller)


def test_a_large_invite_goes_by_udp_where_nothing_is_heard_by_tcp(
    own_site: OwnSite, block: Block, tcp: StreamPhone
) -> None:
    """Somebody takes the connection, but no call."""
    site = own_site(listen=listeners(block), premise={"udp_to_tcp": "try", "connect_timeout": SOON})
    udp = site.premise
    caller = site.caller(NUMBER)
    caller.invite(LARGE)
    Leg.answering(tcp, block.router, caller.called)
    callee = site.callee(udp, caller)
    site.connects(caller, callee)
    site.ends(caller, callee)


@pytest.mark.parametrize("first", [100, 503])
def test_who_has_answered_a_large_invite_by_tcp_is_not_asked_by_udp(
    own_site: OwnSite, block: Block, tcp: StreamPhone, first: int
) -> None:
    site = own_site(listen=listeners(block), premise={"udp_to_tcp": "try", "progress_timeout": SOON})
    udp = site.premise
    caller = site.caller(NUMBER)
    caller.invite(LARGE)
    callee = Leg.answering(tcp, block.router, caller.called)
    callee.answer(first)
    site.refused(caller, 408 if first == 100 else 500)
    assert udp.heard() == []


@pytest.mark.parametrize("by_tcp", [True, False])
def test_a_large_request_in_a_call_by_udp_goes_by_tcp_if_it_can(
    own_site: OwnSite, block: Block, tcp: StreamPhone, by_tcp: bool
) -> None:
    site = own_site(listen=listeners(block), premise={"udp_to_tcp": "try"})
    caller, udp = site.caller(NUMBER), site.premise
    if not by_tcp:
        tcp.shut()
    callee = site.answered(caller, udp)
    for method in ("MESSAGE", "INVITE"):
        caller.send(caller.request(method, body=LARGE_BODY))
        if by_tcp:
            callee.phone = tcp
        asked = callee.expect(method)
        assert asked.get("Via").startswith("SIP/2.0/TCP" if by_tcp else "SIP/2.0/UDP")
        callee.reply(asked, 200)
        callee.phone = udp
        final = caller.expect(200, method=method)
        if method == "INVITE":
            caller.ack(final)
            callee.expect("ACK")
    site.ends(caller, callee)
    if by_tcp:
        assert tcp.heard() == []
        assert len(tcp.connections) == 1


@pytest.mark.parametrize("by_tcp", [True, False])
def test_a_large_ack_goes_by_tcp_if_it_can(own_site: OwnSite, block: Block, tcp: StreamPhone, by_tcp: bool) -> None:
    """Else it is heard when the 200 has come again."""
    site = own_site(listen=listeners(block), premise={"udp_to_tcp": "try"})
    caller, udp = site.caller(NUMBER), site.premise
    if not by_tcp:
        tcp.shut()
    callee = site.answered(caller, udp)
    caller.invite(body=b"")
    asked = callee.expect("INVITE")
    callee.reply(asked, 200, body=callee.body)
    caller.ack(caller.expect(200, method="INVITE"), LARGE_BODY)
    if not by_tcp:
        site.settled()
        assert callee.heard("ACK") == []
        callee.reply(asked, 200, body=callee.body)
    callee.phone = tcp if by_tcp else udp
    ack = callee.expect("ACK")
    assert (ack.cseq, ack.body) == (asked.cseq, LARGE_BODY)
    assert ack.get("Via").startswith("SIP/2.0/TCP" if by_tcp else "SIP/2.0/UDP")
    callee.phone = udp
    site.ends(caller, callee)


# ------------------------------------------------------------------------------------------------ sent elsewhere


def test_who_is_redirected_to_another_transport_goes_there(own_site: OwnSite, block: Block, tcp: StreamPhone) -> None:
    """To the same address: what was dialled by UDP has not been dialled by TCP."""
    both = [f"sip:{block.premise}:5060", *targets("tcp", block.premise)]
    site = own_site(listen=listeners(block), premise={"targets": both, "hunt_on": []})
    udp = site.premise
    caller = site.caller(NUMBER)
    caller.invite()
    asked = site.callee(udp, caller)
    asked.answer(302, [("Contact", f"<sip:{caller.called}@{block.premise}:5060;transport=tcp>")])
    asked.expect("ACK")
    callee = site.callee(tcp, caller)
    assert callee.opening is not None
    assert callee.opening.uri == f"sip:{caller.called}@{block.premise}:5060;transport=tcp"
    site.connects(caller, callee)
    site.ends(caller, callee)
    assert udp.heard() == []


@pytest.mark.parametrize(("here", "there"), [("udp", "tcp"), ("tcp", "udp")])
def test_a_refer_that_passes_names_our_address_by_the_transport_of_the_other_side(
    own_site: OwnSite, block: Block, here: str, there: str
) -> None:
    site = own_site(
        listen=listeners(block), carrier={"refer": "pass"}, premise={"targets": targets(there, block.premise)}
    )
    caller = site.caller(NUMBER, phone=end(site, here, block.carrier))
    callee = site.answered(caller, end(site, there, block.premise))
    caller.send(caller.request("REFER", [("Refer-To", f"<{caller.target.replace('sip:', 'sip:42@')};user=phone>")]))
    refer = callee.expect("REFER")
    transport = ";transport=tcp" if there == "tcp" else ""
    assert refer.get("Refer-To") == f"<sip:42@{block.router[0]}:{block.router[1]}{transport};user=phone>"
    callee.reply(refer, 603)
    caller.expect(603, method="REFER")
    site.ends(caller, callee)


# ------------------------------------------------------------------------------------------------ reuse, and the end


@pytest.mark.parametrize(("alias", "port"), [(";alias", 5060), ("", 5060), (";alias", 5099)])
def test_who_says_alias_is_called_by_the_connection_that_he_has_opened(
    own_site: OwnSite, block: Block, alias: str, port: int
) -> None:
    """RFC 5923; but for his trunk's own target alone."""
    site = own_site(
        listen=listeners(block),
        carrier={"targets": targets("tcp", block.carrier)},
        dial_peers=[
            {"name": "from-premise", "incoming": {"trunk": "premise"}, "destinations": ["back"]},
            {"name": "back", "outgoing": {"trunk": "carrier"}},
        ],
    )
    carrier = end(site, "tcp", block.carrier)
    assert isinstance(carrier, StreamPhone)
    leg = site.caller(NUMBER, phone=carrier)
    via = f"SIP/2.0/TCP {block.carrier}:{port};branch=z9hG4bK-alias{alias}"
    leg.send(leg.request("OPTIONS", [("Via", via)]))
    leg.expect_final("OPTIONS")
    caller = site.caller(NUMBER, phone=site.premise)
    callee = site.answered(caller, carrier)
    reused = bool(alias) and port == 5060
    assert site.router.metric("connections_opened_total", direction="out") == (0 if reused else 1)
    site.ends(caller, callee)


def test_a_stop_closes_connections(tcp_site: Site, block: Block) -> None:
    carrier, premise = end(tcp_site, "tcp", block.carrier), end(tcp_site, "tcp", block.premise)
    assert isinstance(carrier, StreamPhone)
    assert isinstance(premise, StreamPhone)
    caller = tcp_site.caller(NUMBER, phone=carrier)
    tcp_site.ends(caller, tcp_site.answered(caller, premise))
    tcp_site.router.send(signal.SIGTERM)
    assert tcp_site.router.wait_for_end() == 0
    for phone in (carrier, premise):
        until(lambda phone=phone: phone.heard() is not None and bool(phone.ended), "the end")  # type: ignore[misc]
