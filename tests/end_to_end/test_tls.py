"""Calls over TLS through the real process: who is believed to be whom, and new certificates without a restart."""

import signal
import socket
import ssl
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

from edge_router.net.security import names_in
from tests.end_to_end.authority import Authority
from tests.end_to_end.block import Block
from tests.end_to_end.configuration import front_door
from tests.end_to_end.leg import Leg
from tests.end_to_end.site import OwnSite, Site
from tests.end_to_end.stream_phone import StreamPhone
from tests.end_to_end.waiting import until
from tests.end_to_end.wire import uri_of

NUMBER, OTHER_NUMBER = "+1800555", "+1800666"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def listen(block: Block, authority: Authority, **more: Any) -> list[dict[str, Any]]:
    certificate, key = authority.signs("edge", block.router[0], "edge.example.com")
    at = "{}:{}".format(*block.router)
    secure = {"name": "tls", "transport": "tls", "address": at, "certificate": certificate, "private_key": key}
    return [{"name": "udp", "address": at}, {**secure, "ca": authority.file, **more}]


def phone(site: Site, authority: Authority, host: str, *names: str, ask: bool = False) -> StreamPhone:
    made = StreamPhone(
        host, 5061, authority.server(*(names or (host,)), ask=ask), authority.client(*(names or (host,)))
    )
    site.joins(made)
    return made


def target(host: str) -> list[str]:
    return [f"sip:{host};transport=tls"]


def test_a_call_from_tls_to_tls(own_site: OwnSite, block: Block, authority: Authority) -> None:
    site = own_site(listen=listen(block, authority), premise={"targets": target(block.premise)})
    carrier, premise = (phone(site, authority, host) for host in (block.carrier, block.premise))
    caller = site.caller(NUMBER, phone=carrier)
    callee = site.answered(caller, premise)
    invite = callee.opening
    assert invite is not None
    assert "SIP/2.0/TLS " in invite.get("Via")
    assert invite.uri == f"sip:{caller.called}@{block.premise}:5061;transport=tls"
    assert uri_of(invite.get("Contact")).endswith(":5060;transport=tls")
    site.ends(caller, callee)
    callee = site.answered(caller := site.caller(NUMBER, phone=carrier), premise)
    site.ends(callee, caller)
    site.router.check_health()


def test_a_target_that_is_a_sips_uri(own_site: OwnSite, block: Block, authority: Authority) -> None:
    site = own_site(
        {"name": "away", "when": 'call.called.endsWith("1")', "to": "cloud", "by": "redirect"},
        listen=listen(block, authority),
        premise={"targets": [f"sips:{block.premise}"]},
        cloud={"targets": [f"sips:{block.cloud}:5071"]},
    )
    caller = site.caller(NUMBER + "2")
    caller.called, caller.target = f"{NUMBER}2", f"sip:{NUMBER}2@{block.router[0]}"
    callee = site.answered(caller, phone(site, authority, block.premise))
    assert callee.opening is not None
    assert callee.opening.uri == f"sips:{NUMBER}2@{block.premise}:5061"
    assert callee.target == "sips:{}:{}".format(*block.router)
    site.ends(callee, caller)
    caller = site.caller(NUMBER)
    caller.called, caller.target = f"{NUMBER}1", f"sip:{NUMBER}1@{block.router[0]}"
    caller.invite()
    assert uri_of(site.refused(caller, 302).get("Contact")) == f"sips:{NUMBER}1@{block.cloud}:5071"


def test_our_contact_stays_a_sips_uri_inside_a_call(own_site: OwnSite, block: Block, authority: Authority) -> None:
    site = own_site(listen=listen(block, authority), premise={"targets": [f"sips:{block.premise}"]})
    caller = site.caller(NUMBER)
    callee = site.ringing(caller, phone(site, authority, block.premise))
    theirs = ("Contact", f"<sips:{block.premise}:5061>")
    callee.answer(200, [theirs])
    caller.ack(caller.expect(200))
    callee.expect("ACK")
    caller.invite()
    again = callee.expect("INVITE")
    ours = "<sips:{}:{}>".format(*block.router)
    assert again.get("Contact") == ours
    callee.reply(again, 200, [theirs], callee.body)
    caller.ack(caller.expect(200))
    callee.expect("ACK")
    callee.invite([theirs])
    caller.reply(caller.expect("INVITE"), 200, body=caller.body)
    answered = callee.expect(200, method="INVITE")
    assert answered.get("Contact") == ours
    callee.ack(answered)
    caller.expect("ACK")
    callee.send(callee.request("REFER", [theirs, ("Refer-To", f"<sip:42@{block.cloud}>")]))
    new = Leg.answering(site.cloud, block.router, "42")
    assert callee.expect(202).get("Contact") == ours
    new.answer(486)
    new.expect("ACK")
    for status in ("100 Trying", "486 Busy Here"):
        told = callee.expect("NOTIFY")
        assert (told.get("Contact"), told.body) == (ours, f"SIP/2.0 {status}\r\n".encode())
        callee.reply(told, 200)
    site.ends(caller, callee)


def test_our_contact_is_a_sips_uri_in_a_refer_of_ours(own_site: OwnSite, block: Block, authority: Authority) -> None:
    site = own_site({"name": "away", "to": "cloud", "by": "refer"}, listen=listen(block, authority))
    caller = site.caller(NUMBER, phone=phone(site, authority, block.carrier))
    theirs = ("Contact", f"<sips:{block.carrier}:5061>")
    caller.invite([theirs])
    caller.ack(caller.expect(200))
    refer = caller.expect("REFER")
    assert refer.get("Contact") == "<sips:{}:{}>".format(*block.router)
    caller.reply(refer, 202)
    over = [("Event", "refer"), ("Subscription-State", "terminated;reason=noresource"), theirs]
    caller.send(caller.request("NOTIFY", over, b"SIP/2.0 200 OK\r\n"))
    caller.expect(200, method="NOTIFY")
    caller.hears_of_end()


@pytest.mark.parametrize(
    ("targets", "contact"),
    [("sips:{}", "sips:{}"), ("sips:{}", "sip:{};transport=tls"), ("sip:{};transport=tls", "sips:{}:5061")],
)
@pytest.mark.parametrize("by", ["302", "REFER"])
def test_who_is_sent_to_a_target_over_tls_goes_there(
    own_site: OwnSite, block: Block, authority: Authority, targets: str, contact: str, by: str
) -> None:
    """By UDP he was called, and by TLS he is called elsewhere: as the target is written, and to nobody else."""
    site = own_site(listen=listen(block, authority), cloud={"targets": [targets.format(block.cloud)]})
    cloud = phone(site, authority, block.cloud)
    caller = site.caller(NUMBER)
    there = contact.format(f"{caller.called}@{block.cloud}")
    if by == "302":
        caller.invite()
        asked = site.callee(site.premise, caller)
        asked.answer(302, [("Contact", f"<{there}>")])
        asked.expect("ACK")
    else:
        asked = site.answered(caller, site.premise)
        asked.send(asked.request("REFER", [("Refer-To", f"<{there}>")]))
        asked.expect(202)
        asked.reply(asked.expect("NOTIFY"), 200)
    callee = site.callee(cloud, caller)
    assert callee.opening is not None
    secure = targets.startswith("sips:")
    written = f"{caller.called}@{block.cloud}:5061"
    assert callee.opening.uri == (f"sips:{written}" if secure else f"sip:{written};transport=tls")
    assert callee.target.startswith("sips:") is secure
    if by == "302":
        site.connects(caller, callee)
    else:
        callee.answer(200)
        callee.expect("ACK")
        caller.reply(caller.expect("INVITE"), 200, body=caller.body)
        caller.expect("ACK")
        asked.reply(asked.expect("NOTIFY"), 200)
        asked.hears_of_end()
    site.ends(caller, callee)


def test_a_registrar_that_is_a_sips_uri(own_site: OwnSite, block: Block, authority: Authority) -> None:
    """Ours are sips URIs then, too (RFC 3261 §8.1.1.8, §10.2.1)."""
    registrar = phone(site := own_site(listen=listen(block, authority)), authority, block.cloud)
    register = {"registrar": f"sips:{block.cloud}", "aor": "sips:edge@registrar.example", "contact_user": "line1"}
    cloud = {"targets": [f"sips:{block.cloud}"], "register": register}
    site.router.configure(front_door(block, listen=listen(block, authority), cloud=cloud))
    for expires in ("300", "0"):
        asked = registrar.receive(lambda message: message.method == "REGISTER", "REGISTER")
        assert asked.uri == f"sips:{block.cloud}:5061"
        assert asked.get("Contact") == f"<sips:line1@{block.router[0]}:{block.router[1]}>;expires={expires}"
        assert "SIP/2.0/TLS " in asked.get("Via")
        to = f"{asked.get('To')};tag=t"
        leg = Leg(registrar, block.router, "", asked.get("Call-ID"), to, asked.get("From"), "")
        leg.reply(asked, 200, [("Contact", asked.get("Contact"))])
        if expires == "300":
            until(lambda: site.router.metric("trunk_registered", trunk="cloud") == 1, "it to have us")
            site.router.send(signal.SIGTERM)
    assert site.router.wait_for_end() == 0


def test_a_server_that_asks_who_we_are_is_shown_our_certificate(
    own_site: OwnSite, block: Block, authority: Authority
) -> None:
    """Mutual TLS from our side."""
    site = own_site(listen=listen(block, authority), premise={"targets": target(block.premise)})
    premise = phone(site, authority, block.premise, ask=True)
    caller = site.caller(NUMBER)
    callee = site.answered(caller, premise)
    (connection,) = premise.connections.values()
    assert isinstance(connection, ssl.SSLSocket)
    certificate = connection.getpeercert()
    assert certificate is not None
    assert names_in(certificate) == {block.router[0], "edge.example.com"}
    site.ends(caller, callee)


@pytest.mark.parametrize("wrong", ["another name", "another authority"])
def test_who_is_not_who_he_should_be_gets_no_call(
    own_site: OwnSite, block: Block, authority: Authority, tmp_path: Path, wrong: str
) -> None:
    site = own_site(
        listen=listen(block, authority),
        premise={"targets": [*target(block.cloud_spare), *target(block.premise)], "connect_timeout": "60s"},
    )
    (tmp_path / "other").mkdir()
    signed_by = authority if wrong == "another name" else Authority(tmp_path / "other")
    name = "impostor.example.com" if wrong == "another name" else block.cloud_spare
    impostor = phone(site, signed_by, block.cloud_spare, name)
    premise = phone(site, authority, block.premise)
    caller = site.caller(NUMBER)
    caller.invite()
    until(lambda: bool(impostor.heard()) or _refused(site), "the impostor to be left")
    callee = site.callee(premise, caller)
    site.connects(caller, callee)
    site.ends(caller, callee)
    assert impostor.heard() == []


def _refused(site: Site) -> bool:
    return site.router.metric("connections_ended_total", listener="tls") >= 1


def test_a_server_known_by_its_name(own_site: OwnSite, block: Block, authority: Authority) -> None:
    """It is asked for that name, and shows it; for its address it has no certificate."""
    site = own_site(
        listen=listen(block, authority),
        premise={"targets": target(block.premise), "tls_names": ["*.example.org", "sbc.example.com"]},
    )
    context = authority.server("sbc.example.com")
    asked: list[str | None] = []
    context.sni_callback = lambda sock, name, _: asked.append(name)
    premise = StreamPhone(block.premise, 5061, context, authority.client())
    site.joins(premise)
    caller = site.caller(NUMBER)
    caller.invite()
    callee = site.callee(premise, caller)
    site.connects(caller, callee)
    site.ends(caller, callee)
    assert asked == ["sbc.example.com"]


def test_a_certificate_for_one_trunk_is_none_for_another_at_the_same_address(
    own_site: OwnSite, block: Block, authority: Authority
) -> None:
    """Whoever has the one gets none of the other's calls, by the connection that is there or another."""
    site = own_site(
        {"name": "to the other", "when": f'call.called.startsWith("{OTHER_NUMBER}")', "to": "cloud", "final": True},
        listen=listen(block, authority, client_ca=authority.file),
        premise={"targets": target(block.premise), "tls_names": ["one.example.com"]},
        cloud={"targets": target(block.premise), "tls_names": ["other.example.com"]},
    )
    both = phone(site, authority, block.premise, "one.example.com")
    caller = site.caller(NUMBER)
    callee = site.answered(caller, both)
    refused = site.caller(OTHER_NUMBER)
    refused.invite()
    until(lambda: bool(both.heard()) or _refused(site), "the call to get nowhere")
    assert both.heard() == []
    site.refused(refused, 408)
    site.ends(caller, callee)
    assert both.heard() == []


def test_a_caller_known_by_the_name_of_his_certificate(own_site: OwnSite, block: Block, authority: Authority) -> None:
    site = own_site(
        listen=listen(block, authority, client_ca=authority.file),
        carrier={"tls_names": ["*.carrier.example"], "listen": "tls", "targets": target(block.carrier)},
    )
    premise = site.premise
    elsewhere = phone(site, authority, block.host(77), "a.carrier.example")
    caller = site.caller(NUMBER, phone=elsewhere)
    callee = site.answered(caller, premise)
    site.ends(caller, callee)
    # His address alone says nothing.
    pretender = phone(site, authority, block.carrier, "b.other.example")
    stranger = site.caller(NUMBER, phone=pretender)
    stranger.invite()
    until(lambda: site.router.metric("sip_rejected_total", reason="unknown source") == 1, "it to be counted")
    assert pretender.heard() == []


def test_whoever_has_no_certificate_is_not_heard(own_site: OwnSite, block: Block, authority: Authority) -> None:
    site = own_site(listen=listen(block, authority, client_ca=authority.file))
    with socket.create_connection(block.router, source_address=(block.carrier, 0), timeout=15) as plain:
        assert answer_to_ping(plain, authority.client()) == b""
    assert site.router.metric("connections", listener="tls") == 0


def answer_to_ping(plain: socket.socket, context: ssl.SSLContext) -> bytes:
    """What a peer with this context hears; nothing where he is cut off, in or after the handshake."""
    try:
        with context.wrap_socket(plain) as sock:
            sock.sendall(b"\r\n\r\n")
            return sock.recv(10)
    except OSError:
        return b""


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_versions(own_site: OwnSite, block: Block, authority: Authority, version: ssl.TLSVersion) -> None:
    own_site(listen=listen(block, authority))
    context = authority.client()
    context.minimum_version = context.maximum_version = version
    with socket.create_connection(block.router, source_address=(block.carrier, 0), timeout=15) as plain:
        assert answer_to_ping(plain, context) == b"\r\n"


def shown(block: Block, authority: Authority) -> set[str]:
    plain = socket.create_connection(block.router, source_address=(block.host(80), 0), timeout=15)
    with authority.client().wrap_socket(plain) as sock:
        certificate = sock.getpeercert()
    assert certificate is not None
    return set(names_in(certificate))


def test_new_certificates_without_a_restart(own_site: OwnSite, block: Block, authority: Authority) -> None:
    site = own_site(listen=listen(block, authority))
    carrier = phone(site, authority, block.carrier)
    caller = site.caller(NUMBER, phone=carrier)
    callee = site.answered(caller, site.premise)
    assert shown(block, authority) == {block.router[0], "edge.example.com"}
    authority.signs("edge", "renewed.example.com")
    site.router.send(signal.SIGHUP)
    until(lambda: shown(block, authority) == {"renewed.example.com"}, "the new certificate")
    site.ends(caller, callee)
    assert site.router.metric("connections_opened_total", listener="tls", direction="in") >= 3
    assert len(carrier.connections) == 1
    assert carrier.ended == []


@pytest.mark.parametrize("wrong", ["no key", "the key of another", "half a certificate", "no file"])
def test_a_reload_with_a_bad_certificate_changes_nothing(
    own_site: OwnSite, block: Block, authority: Authority, wrong: str
) -> None:
    site = own_site(listen=listen(block, authority))
    certificate, key = (Path(each) for each in authority.signs("edge", "never.example.com"))
    if wrong == "no key":
        key.write_text("no key")
    elif wrong == "the key of another":
        key.write_bytes(Path(authority.signs("other", "other.example.com")[1]).read_bytes())
    elif wrong == "half a certificate":
        certificate.write_bytes(certificate.read_bytes()[:300])
    else:
        certificate.unlink()
    site.router.send(signal.SIGHUP)
    until(lambda: "not reloaded" in site.router.stderr, "the fault")
    said = {"no key": "is no PEM file", "no file": "can't be read"}.get(wrong, "can't be used with its private_key")
    assert said in site.router.stderr
    assert shown(block, authority) == {block.router[0], "edge.example.com"}
    site.router.check_health()


def test_who_never_shakes_hands_is_cut(own_site: OwnSite, block: Block, authority: Authority) -> None:
    site = own_site(listen=listen(block, authority))
    with socket.create_connection(block.router, source_address=(block.carrier, 0), timeout=15) as sock:
        until(lambda: site.router.metric("connections", listener="tls") == 1, "it to be taken")
        with suppress(ConnectionResetError):
            assert sock.recv(10) == b""
    assert site.router.metric("connections_ended_total", listener="tls", reason="no handshake") == 1


def test_handshakes_stall_no_call(own_site: OwnSite, block: Block, authority: Authority) -> None:
    """No more of them at a time than may be, and calls go on meanwhile."""
    site = own_site(listen=listen(block, authority))
    with ExitStack() as stack:
        for last in range(100, 160):
            stack.enter_context(
                socket.create_connection(block.router, source_address=(block.host(last), 0), timeout=15)
            )
        for _ in range(5):
            caller = site.caller(NUMBER)
            callee = site.answered(caller, site.premise)
            site.ends(caller, callee)
            assert shown(block, authority)
    site.router.check_health()
