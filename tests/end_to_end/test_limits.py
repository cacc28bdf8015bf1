"""Limits of trunk and node: over them nobody is harmed but the call too many."""

import time
from typing import Any

import pytest

from tests.end_to_end.site import OwnSite, Site
from tests.end_to_end.waiting import until
from tests.end_to_end.wire import Wire

NUMBER = "+1800555"


def refused_while_busy(site: Site) -> Wire:
    """One call fits; the next is refused until the first is over. Hands back the refusal."""
    first = site.caller(NUMBER)
    callee = site.answered(first, site.premise)
    second = site.caller(NUMBER)
    second.invite()
    refusal = site.refused(second, 503)
    site.ends(first, callee)
    third = site.caller(NUMBER)
    site.ends(third, site.answered(third, site.premise))
    return refusal


def test_max_calls_of_the_node(own_site: OwnSite) -> None:
    site = own_site(limits={"max_calls": 1})
    assert int(refused_while_busy(site).get("Retry-After")) > 0
    assert site.router.metric("sip_rejected_total", reason="node max_calls") == 1


@pytest.mark.parametrize("limits", [{"inbound": {"max_calls": 1}}, {"max_calls": 1}], ids=["inbound", "both ways"])
def test_max_calls_of_the_trunk_that_calls(own_site: OwnSite, limits: dict[str, Any]) -> None:
    """Its Retry-After would shut the whole trunk (RFC 3261 §21.5.4), and the node has room for others."""
    site = own_site(carrier={"limits": limits})
    refusal = refused_while_busy(site)
    assert not refusal.all("Retry-After")
    assert refusal.get("Warning").startswith("399 ")
    assert site.router.metric("sip_rejected_total", reason="trunk max_calls") == 1


def test_a_cancelled_call_makes_room(own_site: OwnSite) -> None:
    site = own_site(limits={"max_calls": 1})
    for _ in range(3):
        caller = site.caller(NUMBER)
        caller.invite()
        callee = site.callee(site.premise, caller)
        callee.answer(180)
        caller.expect(180)
        caller.cancel()
        caller.ack(caller.expect(487))
        callee.reply(callee.expect("CANCEL"), 200)
        callee.answer(487)
        callee.expect("ACK")
    site.idle()


def test_max_cps_of_the_node(own_site: OwnSite) -> None:
    site = own_site(limits={"max_cps": 1})
    callers = [site.caller(NUMBER) for _ in range(20)]
    began = time.monotonic()
    for caller in callers:
        caller.invite()
    until(lambda: all(caller.heard(100) or caller.heard(503) for caller in callers), "all to be answered")
    taken = sum(not caller.heard(503) for caller in callers)
    assert 1 <= taken <= 1 + (time.monotonic() - began)  # however slow this machine is


def test_full_everywhere_is_said_to_the_caller(own_site: OwnSite) -> None:
    site = own_site(premise={"limits": {"max_calls": 0}})
    caller = site.caller(NUMBER)
    caller.invite()
    assert site.refused(caller, 480).get("Reason") == "Q.850;cause=34"
    site.idle()
