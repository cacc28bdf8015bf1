"""Limits of trunk and node: over them nobody is harmed but the call too many."""

from typing import Any

from tests.end_to_end.site import Site

NUMBER = "+1800555"


def busy_again(site: Site, code: int) -> None:
    """One call fits; the next is refused until the first is over."""
    first = site.caller(NUMBER)
    callee = site.answered(first, site.premise)
    second = site.caller(NUMBER)
    second.invite()
    final = site.refused(second, code)
    if code == 503:
        assert int(final.get("Retry-After")) > 0
    site.ends(first, callee)
    third = site.caller(NUMBER)
    site.ends(third, site.answered(third, site.premise))


def test_max_calls_of_the_node(own_site: Any) -> None:
    site: Site = own_site(limits={"max_calls": 1})
    busy_again(site, 503)
    assert site.router.metric("sip_rejected_total", reason="node max_calls") == 1


def test_a_cancelled_call_makes_room(own_site: Any) -> None:
    site: Site = own_site(limits={"max_calls": 1})
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


def test_max_cps_of_the_node(own_site: Any) -> None:
    site: Site = own_site(limits={"max_cps": 1})
    callers = [site.caller(NUMBER) for _ in range(5)]
    for caller in callers:
        caller.invite()
    # However slow this machine is, five calls at once are more than one a second.
    refused = [caller for caller in callers[1:] if caller.expect_final().code == 503]
    assert len(refused) >= 3


def test_full_everywhere_is_said_to_the_caller(own_site: Any) -> None:
    site: Site = own_site(premise={"limits": {"max_calls": 0}})
    caller = site.caller(NUMBER)
    caller.invite()
    final = caller.expect_final()
    caller.ack(final)
    assert final.code >= 400
    site.idle()
