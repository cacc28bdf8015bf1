"""Several listeners, what others see of them, and IPv6."""

import socket

import pytest

from tests.end_to_end.block import Block
from tests.end_to_end.configuration import trunk
from tests.end_to_end.leg import Leg
from tests.end_to_end.phone import Phone
from tests.end_to_end.site import OwnSite, Site
from tests.end_to_end.wire import host_of, uri_of

NUMBER = "+1800555"


def test_two_listeners_answer_each_on_its_own_address(own_site: OwnSite, block: Block) -> None:
    second = (block.host(11), 5070)
    site = own_site(
        listen=[
            {"name": "pstn", "transport": "udp", "address": "{}:{}".format(*block.router)},
            {"name": "inside", "transport": "udp", "address": "{}:{}".format(*second)},
        ],
        premise={"listen": "inside"},
    )
    caller = site.caller(NUMBER)
    caller.invite()
    callee = site.callee(site.premise, caller)
    assert callee.opening is not None
    assert callee.opening.source == second
    assert "{}:{}".format(*second) in callee.opening.get("Via")
    assert "{}:{}".format(*second) in callee.opening.get("Contact")
    callee.router = second
    callee.answer(180)
    assert caller.expect(180).source == block.router
    site.connects(caller, callee)
    callee.bye()
    caller.hears_of_end()
    assert callee.expect(200, method="BYE").source == second


def test_advertise_is_what_others_see(own_site: OwnSite, block: Block) -> None:
    site = own_site(
        listen=[
            {
                "name": "pstn",
                "transport": "udp",
                "address": "{}:{}".format(*block.router),
                "advertise": "edge.example.com:5065",
            }
        ]
    )
    caller = site.caller(NUMBER)
    caller.invite()
    callee = site.callee(site.premise, caller)
    assert callee.opening is not None
    assert "edge.example.com:5065" in callee.opening.get("Contact")
    assert "edge.example.com:5065" in callee.opening.get("Via")
    assert "@edge.example.com" in callee.opening.get("From")
    assert block.router[0] not in str(callee.opening)
    callee.answer(180)
    assert "edge.example.com:5065" in caller.expect(180).get("Contact")
    caller.cancel()
    caller.ack(caller.expect(487))
    callee.reply(callee.expect("CANCEL"), 200)
    callee.answer(487)
    callee.expect("ACK")


def test_trunks_of_other_listeners_are_strangers(own_site: OwnSite, block: Block) -> None:
    """A trunk with `listen` may call on that listener alone."""
    second = (block.host(11), 5070)
    inner = block.host(20)
    site = own_site(
        listen=[
            {"name": "pstn", "transport": "udp", "address": "{}:{}".format(*block.router)},
            {"name": "inside", "transport": "udp", "address": "{}:{}".format(*second)},
        ],
        trunks={"inner": trunk(inner, listen="inside")},
        dial_peers=[{"name": "from-inner", "incoming": {"trunk": "inner"}, "destinations": ["premise"]}],
    )
    phone: Phone = site.phone(inner)
    caller = site.caller(NUMBER, phone=phone)
    caller.invite()
    site.settled()
    assert phone.heard() == []
    caller = site.caller(NUMBER, phone=phone)
    caller.router = second
    caller.invite()
    callee = site.callee(site.premise, caller)
    site.connects(caller, callee)
    site.ends(caller, callee)


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.mark.skipif(not has_ipv6(), reason="no IPv6 loopback on this machine")
def test_a_call_over_ipv6(own_site: OwnSite, block: Block) -> None:
    router = ("::1", block.port_of_six)
    site: Site
    caller_end, callee_end = Phone("::1"), Phone("::1")
    try:
        at = f"[::1]:{router[1]}"
        site = own_site(
            listen=[{"name": "six", "transport": "udp", "address": at}],
            trunks={"six": trunk(targets=[f"sip:[::1]:{callee_end.port}"])},
            dial_peers=[
                {"name": "six", "incoming": {"trunk": "six"}, "destinations": ["six-out"]},
                {"name": "six-out", "outgoing": {"trunk": "six"}},
            ],
        )
        caller = Leg.to(caller_end, router, f"{NUMBER}0001")
        caller.invite([("Diversion", "<sip:+18005550999@[2001:db8::7]>;reason=unknown")])
        callee = Leg.answering(callee_end, router, caller.called)
        invite = callee.opening
        assert invite is not None
        assert host_of(invite.uri) == f"[::1]:{callee_end.port}"
        assert host_of(uri_of(invite.get("Contact"))) == at
        assert f"UDP {at};" in invite.get("Via")
        assert "2001:db8::7" not in str(invite)
        site.connects(caller, callee)
        assert host_of(caller.target) == at
        site.ends(callee, caller)
        site.router.check_health()
    finally:
        caller_end.close()
        callee_end.close()
