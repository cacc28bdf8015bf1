"""Names whose targets are reached by TCP and TLS: the real process, and a DNS server of the test's own."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.authority import Authority
from tests.end_to_end.block import Block
from tests.end_to_end.leg import Leg
from tests.end_to_end.phone import Phone
from tests.end_to_end.site import OwnSite, Site
from tests.end_to_end.stream_phone import StreamPhone
from tests.end_to_end.waiting import until
from tests.end_to_end.wire import Wire, uri_of
from tests.net.dns_server import DnsServer, dns_server

NAME = "cloud.example.com"
NUMBER = "+1800555"
RULE = {"name": "cloud first", "to": ["cloud", "premise"]}
SERVICES = ("_sip._udp", "_sip._tcp", "_sips._tcp")
KEEPALIVE = {"interval": "1s", "down_interval": "1s", "retries": 2, "up_after": 2}


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def server(block: Block) -> Iterator[DnsServer]:
    with dns_server(block.host(53)) as server:
        server.zone = {(f"a.{NAME}", "A"): [block.cloud], (f"b.{NAME}", "A"): [block.cloud_spare]}
        yield server


def open_site(own_site: OwnSite, server: DnsServer, authority: Authority, spoken: str, uri: str, **cloud: Any) -> Site:
    host = server.address[0].rpartition(".")[0] + ".10"
    certificate, key = authority.signs("edge", host)
    files = {"certificate": certificate, "private_key": key, "ca": authority.file}
    listen = [
        {"name": name, "transport": name, "address": f"{host}:{5061 if name == 'tls' else 5060}"}
        | (files if name == "tls" else {})
        for name in spoken.split()
    ]
    dns = {"servers": ["{}:{}".format(*server.address)]}
    return own_site(RULE, listen=listen, cloud={"targets": [uri], **cloud}, resolver=dns)


def secure(authority: Authority, host: str, port: int, *names: str) -> StreamPhone:
    return StreamPhone(host, port, authority.server(*names), authority.client(*names))


def opening(callee: Leg) -> Wire:
    assert callee.opening is not None
    return callee.opening


def test_the_certificate_must_be_for_the_name_and_not_for_what_dns_says(
    own_site: OwnSite, server: DnsServer, authority: Authority
) -> None:
    """RFC 5922 §7.3: neither the address nor the host that SRV names will do."""
    server.zone[f"_sips._tcp.{NAME}", "SRV"] = [f"10 1 5071 a.{NAME}.", f"20 1 5072 b.{NAME}."]
    site = open_site(own_site, server, authority, "udp tls", f"sips:{NAME}", connect_timeout="30s")
    block = site.block
    impostor = secure(authority, block.cloud, 5071, block.cloud, f"a.{NAME}")
    site.joins(impostor)
    context = authority.server(NAME)
    asked: list[str | None] = []
    context.sni_callback = lambda sock, name, _: asked.append(name)
    cloud = StreamPhone(block.cloud_spare, 5072, context, authority.client(NAME))
    site.joins(cloud)
    caller = site.caller(NUMBER)
    caller.invite()
    until(lambda: bool(impostor.heard()) or _left(site), "the impostor to be left")
    callee = site.callee(cloud, caller)
    site.connects(caller, callee)
    assert opening(callee).uri == f"sips:{caller.called}@{NAME}"
    assert "SIP/2.0/TLS " in opening(callee).get("Via")
    assert asked == [NAME]
    assert impostor.heard() == []
    site.ends(caller, callee)


def _left(site: Site) -> bool:
    return site.router.metric("connections_ended_total", listener="tls", reason="certificate") == 1


def test_dns_chooses_among_the_transports_that_are_spoken(
    own_site: OwnSite, server: DnsServer, authority: Authority
) -> None:
    server.zone[NAME, "NAPTR"] = [
        f'10 10 "s" "SIPS+D2T" "" _sips._tcp.{NAME}.',
        f'20 10 "s" "SIP+D2T" "" _tcp.{NAME}.',
        f'30 10 "s" "SIP+D2U" "" _udp.{NAME}.',
    ]
    server.zone[f"_tcp.{NAME}", "SRV"] = [f"10 1 5070 a.{NAME}."]
    site = open_site(own_site, server, authority, "udp tcp", f"sip:{NAME}")
    cloud = site.joins(StreamPhone(site.block.cloud, 5070))
    caller = site.caller(NUMBER)
    callee = site.answered(caller, cloud)
    assert opening(callee).uri == f"sip:{caller.called}@{NAME}"
    assert uri_of(opening(callee).get("Contact")).endswith(";transport=tcp")
    site.ends(callee, caller)
    assert ("SRV", f"_sips._tcp.{NAME}") not in server.asked


@pytest.mark.parametrize(
    ("uri", "asked"),
    [
        (f"sip:{NAME};transport=tcp", {("SRV", f"_sip._tcp.{NAME}")}),
        (f"sip:{NAME};transport=tls", {("SRV", f"_sips._tcp.{NAME}")}),
        (f"sips:{NAME}", {("NAPTR", NAME), ("SRV", f"_sips._tcp.{NAME}")}),
        (f"sips:{NAME};transport=tcp", {("SRV", f"_sips._tcp.{NAME}")}),
        (f"sip:{NAME}", {("NAPTR", NAME), *(("SRV", f"{each}.{NAME}") for each in SERVICES)}),
    ],
)
def test_what_dns_is_asked(
    own_site: OwnSite, server: DnsServer, authority: Authority, uri: str, asked: set[tuple[str, str]]
) -> None:
    server.zone[NAME, "NAPTR"] = [f'10 10 "s" "SIP+D2U" "" _other.{NAME}.'] if uri.startswith("sips") else []
    server.zone[NAME, "A"] = [server.address[0]]
    open_site(own_site, server, authority, "udp tcp tls", uri)
    assert set(server.asked) == asked | {("A", NAME)}


def answer(phone: Phone, site: Site) -> Wire:
    """Answers the next OPTIONS that comes to the phone."""
    asked = phone.receive(lambda message: message.method == "OPTIONS", "OPTIONS")
    copied = [(name, value) for name, value in asked.headers if name in ("Via", "From", "Call-ID", "CSeq")]
    phone.send(Wire("SIP/2.0 200 OK", [*copied, ("To", f"{asked.get('To')};tag=x")], b""), site.block.router)
    return asked


@pytest.mark.parametrize(
    ("uri", "contact"),
    [
        (f"sip:{NAME}:5070;transport=tcp", "<sip:{host}:5060;transport=tcp>"),
        (f"sips:{NAME}:5070", "<sips:{host}:5061>"),
    ],
)
def test_who_is_asked_by_a_connection_goes_and_comes_back(
    own_site: OwnSite, server: DnsServer, authority: Authority, block: Block, uri: str, contact: str
) -> None:
    server.zone[NAME, "A"] = [block.cloud]

    def cloud() -> StreamPhone:
        if uri.startswith("sips"):
            return secure(authority, block.cloud, 5070, NAME)
        return StreamPhone(block.cloud, 5070)

    def up() -> bool:
        return site.router.metric("trunk_up", trunk="cloud") == 1

    there = cloud()  # before anybody asks him
    site = open_site(own_site, server, authority, "udp tcp tls", uri, keepalive=KEEPALIVE)
    site.joins(there)
    asked = answer(there, site)
    assert (asked.uri, asked.get("Contact")) == (uri, contact.format(host=site.block.router[0]))
    assert up()
    there.shut()
    until(lambda: not up(), "the cloud to be taken for down")
    site.joins(there := cloud())
    until(lambda: bool(answer(there, site).start) and up(), "the cloud to be up again")


def test_who_says_alias_is_called_by_his_connection_where_his_name_leads_to_him(
    own_site: OwnSite, server: DnsServer, authority: Authority
) -> None:
    """RFC 5923: what counts is the address that the name has now."""
    server.zone[NAME, "A"] = [server.address[0].rpartition(".")[0] + ".14"]
    site = open_site(own_site, server, authority, "udp tcp", f"sip:{NAME}:5070;transport=tcp")
    cloud = StreamPhone(site.block.cloud, 5070)
    site.joins(cloud)
    leg = site.caller(NUMBER, phone=cloud)
    via = f"SIP/2.0/TCP {site.block.cloud}:5070;branch=z9hG4bK-alias;alias"
    leg.send(leg.request("OPTIONS", [("Via", via)]))
    leg.expect_final("OPTIONS")
    caller = site.caller(NUMBER)
    callee = site.answered(caller, cloud)
    assert site.router.metric("connections_opened_total", listener="tcp", direction="out") == 0
    site.ends(caller, callee)


def test_an_address_that_no_listener_of_its_transport_reaches_is_left_out(
    own_site: OwnSite, server: DnsServer, block: Block
) -> None:
    server.zone[NAME, "A"] = [block.cloud]
    server.zone[NAME, "AAAA"] = ["::1"]
    site = own_site(
        RULE,
        listen=[
            {"name": "udp", "address": "{}:{}".format(*block.router)},
            {"name": "tcp", "transport": "tcp", "address": f"[::1]:{block.port_of_six}"},
        ],
        cloud={"targets": [f"sip:{NAME}"]},
        resolver={"servers": ["{}:{}".format(*server.address)]},
    )
    trunks = json.loads(site.router.get("/v1/trunks")[1])["trunks"]
    (target,) = next(trunk["targets"] for trunk in trunks if trunk["name"] == "cloud")
    assert (target["address"], target["reason"]) == (
        f"{site.block.cloud}:5060",
        "it leads to where no listener reaches",
    )
