"""A decision on the wire: state that rules read, state that is too old, and a rule that fails at the call."""

from typing import Any

import pytest

from tests.end_to_end.site import OwnSite
from tests.end_to_end.waiting import until

NUMBER = "+1800555"

EMPTY = {"name": "nobody waits", "when": 'queue("Support").expected == 0', "to": "cloud"}


def state(**queue: Any) -> dict[str, Any]:
    return {"source": "static", "stale_after": "60s", "queues": {"Support": queue}}


@pytest.mark.parametrize(("length", "taken_by"), [(0, "cloud"), (4, "premise")])
def test_the_queue_decides(own_site: OwnSite, length: int, taken_by: str) -> None:
    site = own_site(EMPTY, state=state(length=length))
    caller = site.caller(NUMBER)
    site.ends(caller, site.answered(caller, getattr(site, taken_by)))
    rule = "nobody waits" if taken_by == "cloud" else "otherwise"
    assert site.router.metric("decisions_total", policy="front-door", rule=rule, method="bridge", target=taken_by) == 1


def test_state_that_is_too_old_stops_the_rules(own_site: OwnSite) -> None:
    """Also those further down: what the first one would have said is not known."""
    site = own_site(EMPTY, {"name": "always", "to": "cloud"}, state=state(length=0, age="5m"))
    caller = site.caller(NUMBER)
    site.ends(caller, site.answered(caller, site.premise))
    assert site.router.metric("policy_fallback_total", policy="front-door", why="stale") == 1


def test_a_rule_that_fails_costs_no_call(own_site: OwnSite) -> None:
    site = own_site({"name": "level", "when": 'int(call.header("X-Level")) > 3', "to": "cloud"})
    level = site.caller(NUMBER)
    site.ends(level, site.answered(level, site.cloud, [("X-Level", "4")]))
    for _ in range(3):
        caller = site.caller(NUMBER)
        site.ends(caller, site.answered(caller, site.premise, [("X-Level", "high")]))
    assert site.router.metric("policy_fallback_total", policy="front-door", why="error") == 3
    until(lambda: "level" in site.router.stderr, "the rule to be named in the log")


@pytest.mark.parametrize("header", ["X-Level", "x-level", "X-LEVEL"])
def test_rules_see_a_header_however_it_is_spelled(own_site: OwnSite, header: str) -> None:
    site = own_site({"name": "level", "when": 'call.header("X-Level") == "4"', "to": "cloud"})
    caller = site.caller(NUMBER)
    caller.phone.send(
        caller.request("INVITE", body=caller.body)
        .encode()
        .replace(b"\r\n\r\n", f"\r\n{header} :\t4\r\n\r\n".encode(), 1),
        caller.router,
    )
    callee = site.callee(site.cloud, caller)
    callee.answer(486)
    callee.expect("ACK")


def test_rules_see_the_caller(own_site: OwnSite) -> None:
    site = own_site(
        {
            "name": "seen",
            "when": 'call.calling == "+13125550199" && call.trunk == "carrier" && !call.anonymous '
            '&& call.diverted_from == "+18005550999" && call.called == call.called_received',
            "to": "cloud",
        },
        {"name": "anonymous", "when": "call.anonymous", "reject": 433},
    )
    caller = site.caller(NUMBER)
    diversion = [("Diversion", "<sip:+1-800-555-0999;npdi@192.0.2.7>;reason=user-busy")]
    site.ends(caller, site.answered(caller, site.cloud, diversion))
    hidden = site.caller(NUMBER, calling="anonymous")
    hidden.local = hidden.local.replace(site.block.carrier, "anonymous.invalid")
    hidden.invite()
    site.refused(hidden, 433)
