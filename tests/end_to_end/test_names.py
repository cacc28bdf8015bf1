"""Targets and sources by DNS name: the real process, and a DNS server of the test's own."""

import json
from collections.abc import Iterator
from typing import Any

import dns.rcode
import pytest

from tests.end_to_end.block import Block
from tests.end_to_end.site import OwnSite, Site
from tests.end_to_end.waiting import until
from tests.net.dns_server import DnsServer, dns_server

NAME = "cloud.example.com"
RULE = {"name": "cloud first", "to": ["cloud", "premise"]}
KEEPALIVE = {"interval": "1s", "down_interval": "1s"}


@pytest.fixture
def server(block: Block) -> Iterator[DnsServer]:
    with dns_server(block.host(53)) as server:
        server.zone = {
            (f"_sip._udp.{NAME}", "SRV"): [f"10 1 5060 a.{NAME}.", f"20 1 5060 b.{NAME}."],
            (f"a.{NAME}", "A"): [block.cloud],
            (f"b.{NAME}", "A"): [block.cloud_spare],
            ("callers.example.com", "A"): [block.host(21)],
        }
        yield server


def open_site(own_site: OwnSite, server: DnsServer, **cloud: Any) -> Site:
    return own_site(
        RULE,
        cloud={"targets": [f"sip:{NAME}"], **cloud},
        carrier={"sources": ["callers.example.com"]},
        resolver={"servers": ["{}:{}".format(*server.address)]},
    )


def targets(site: Site) -> list[dict[str, Any]]:
    trunks = json.loads(site.router.get("/v1/trunks")[1])["trunks"]
    found: list[dict[str, Any]] = next(trunk["targets"] for trunk in trunks if trunk["name"] == "cloud")
    return found


def addresses(site: Site) -> float:
    return sum(value for has, value in site.router.metrics()["name_addresses"] if has["name"] == NAME)


def test_calls_go_where_the_name_leads(own_site: OwnSite, server: DnsServer) -> None:
    site = open_site(own_site, server)
    caller = site.caller("+1800555")
    caller.invite()
    first = site.callee(site.cloud, caller)
    assert first.opening is not None
    assert first.opening.uri.endswith(f"@{NAME}")
    first.answer(503)
    first.expect("ACK")
    callee = site.callee(site.phone(site.block.cloud_spare), caller)
    callee.answer(180)
    caller.expect(180)
    site.connects(caller, callee)
    server.zone[f"_sip._udp.{NAME}", "SRV"] = [f"10 1 5070 b.{NAME}."]
    until(lambda: [one["address"] for one in targets(site)] == [f"{site.block.cloud_spare}:5070"], "the new answer")
    site.ends(caller, callee)  # where it was set up
    caller = site.caller("+1800555")
    callee = site.answered(caller, site.phone(site.block.cloud_spare, 5070))
    site.ends(caller, callee)


def test_the_last_answer_stays_in_use_while_dns_is_down(own_site: OwnSite, server: DnsServer) -> None:
    site = open_site(own_site, server)
    assert addresses(site) == 2
    server.code = dns.rcode.SERVFAIL
    until(lambda: "SERVFAIL" in site.router.get("/readyz")[1], "/readyz to say that DNS is down")
    until(lambda: site.router.metric("dns_failures_total") > 5, "many questions in vain")
    caller = site.caller("+1800555")
    callee = site.answered(caller, site.cloud)
    site.ends(caller, callee)
    assert site.router.metric("name_age_seconds") > 1
    assert site.router.metric("trunk_up", trunk="cloud", target=f"sip:{NAME} ({site.block.cloud}:5060)") == 1
    server.code = None
    until(lambda: "SERVFAIL" not in site.router.get("/readyz")[1], "/readyz to say no more of it")
    assert site.router.stderr.count("stays in use") <= 2  # once for each name


def test_a_name_that_was_never_resolved_is_down_until_it_is(own_site: OwnSite, server: DnsServer) -> None:
    zone, server.zone = server.zone, {}
    site = open_site(own_site, server)
    (target,) = targets(site)
    assert (target["address"], target["up"]) == ("", False)
    assert target["reason"] == f"DNS has no name {NAME}"
    assert site.router.metric("trunk_up", trunk="cloud", target=f"sip:{NAME}") == 0
    assert f"name {NAME}: DNS has no name {NAME}" in site.router.get("/readyz")[1]
    caller = site.caller("+1800555")
    site.ends(caller, site.answered(caller, site.premise))
    server.zone = zone
    until(lambda: len(targets(site)) == 2, "the name to be resolved")
    caller = site.caller("+1800555")
    site.ends(caller, site.answered(caller, site.cloud))


def test_a_name_does_not_lead_to_ourselves(own_site: OwnSite, server: DnsServer) -> None:
    server.zone[f"a.{NAME}", "A"] = [own := server.address[0].rpartition(".")[0] + ".10", "0.0.0.0"]
    site = open_site(own_site, server)
    assert own == site.block.router[0]
    (target,) = targets(site)
    assert (target["address"], target["reason"]) == (
        f"{site.block.cloud_spare}:5060",
        "it leads to ourselves, or to no one machine",
    )


def test_dns_that_says_nothing_at_all_holds_up_neither_start_nor_calls(own_site: OwnSite, server: DnsServer) -> None:
    server.deaf = True
    site = open_site(own_site, server)
    caller = site.caller("+1800555")
    site.ends(caller, site.answered(caller, site.premise))


def test_who_calls_from_where_a_name_leads_belongs_to_its_trunk(own_site: OwnSite, server: DnsServer) -> None:
    site = open_site(own_site, server)
    caller = site.caller("+1800555", phone=site.phone(site.block.host(21)))
    site.ends(caller, site.answered(caller, site.cloud))
    server.zone["callers.example.com", "A"] = [site.block.host(22)]
    moved = site.phone(site.block.host(22))

    def heard() -> bool:
        ping = site.caller("ping", phone=moved)
        ping.send(ping.request("OPTIONS"))
        site.settled()
        return any(message.code == 200 for message in moved.heard())

    until(heard, "the new address to be known")
    stranger = site.caller("+1800555", phone=site.phone(site.block.host(21)))
    stranger.invite()
    site.settled()
    assert stranger.heard(100) == []


def test_each_address_is_asked_and_a_reload_follows_other_names(own_site: OwnSite, server: DnsServer) -> None:
    site = open_site(own_site, server, keepalive=KEEPALIVE)
    until(lambda: site.router.metric("trunk_up", trunk="cloud") == 0, "nobody to answer OPTIONS at either address")
    assert [target["up"] for target in targets(site)] == [False, False]
    text = site.router.file.read_text().replace(f"sip:{NAME}", f"sip:b.{NAME}:5060")
    site.router.configure(text)
    until(lambda: [one["uri"] for one in targets(site)] == [f"sip:b.{NAME}:5060"], "the reload")
    assert [one["address"] for one in targets(site)] == [f"{site.block.cloud_spare}:5060"]


def test_a_trunk_with_a_listener_of_its_own_asks_for_what_that_one_reaches(
    own_site: OwnSite, server: DnsServer, block: Block
) -> None:
    own_site(
        RULE,
        listen=[
            {"name": "pstn", "address": "{}:{}".format(*block.router)},
            {"name": "six", "address": f"[::1]:{block.port_of_six}"},
        ],
        cloud={"targets": [f"sip:{NAME}"], "listen": "pstn"},
        resolver={"servers": ["{}:{}".format(*server.address)]},
    )
    assert ("A", f"a.{NAME}") in server.asked
    assert "AAAA" not in {kind for kind, _ in server.asked}


def test_after_a_reload_the_new_file_says_who_is_asked(own_site: OwnSite, server: DnsServer, block: Block) -> None:
    """Already while calls still go by the old one, and the names of both are followed."""
    other = "other.example.com"
    site = open_site(own_site, server)
    with dns_server(block.host(54)) as second:
        second.zone = {(other, "A"): [block.cloud_spare], ("callers.example.com", "A"): [block.host(21)]}
        text = site.router.file.read_text().replace(f"sip:{NAME}", f"sip:{other}:5060")
        before, after = ("{}:{}".format(*each.address) for each in (server, second))
        site.router.configure(text.replace(before, after))
        until(lambda: [one["address"] for one in targets(site)] == [f"{block.cloud_spare}:5060"], "the reload")
        assert ("A", other) in second.asked
        assert ("A", other) not in server.asked
