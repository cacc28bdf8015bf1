"""By reject: a rule refuses the call, in the words of the rule."""

import pytest

from tests.end_to_end.block import Block
from tests.end_to_end.configuration import front_door
from tests.end_to_end.leg import reason_of
from tests.end_to_end.site import Site

RULES: dict[str, dict[str, object]] = {
    "+18005551": {"reject": 480, "reason": "Come back later", "cause": 34, "retry_after": 30},
    "+18005552": {"reject": 603},
    "+18005553": {"reject": 404, "cause": 1},
}


def configuration(block: Block) -> str:
    rules = [
        {"name": prefix, "when": f'call.called.startsWith("{prefix}")', **settings}
        for prefix, settings in RULES.items()
    ]
    return front_door(block, rules, on_no_match=484, dial_peers=[
        {"name": "nowhere", "incoming": {"trunk": "carrier", "called": "+1999"}},
    ])  # fmt: skip


@pytest.mark.parametrize(
    ("prefix", "code", "reason", "causes", "later"),
    [
        ("+18005551", 480, "Come back later", {"Q.850": "cause=34"}, "30"),
        ("+18005552", 603, "Decline", {}, ""),
        ("+18005553", 404, "Not Found", {"Q.850": "cause=1"}, ""),
    ],
)
def test_a_rule_refuses(site: Site, prefix: str, code: int, reason: str, causes: dict[str, str], later: str) -> None:
    caller = site.caller(prefix)
    caller.invite()
    final = site.refused(caller, code)
    assert final.reason == reason
    assert {name: value.split(";text")[0] for name, value in reason_of(final).items()} == causes
    assert final.get("Retry-After") == later


def test_a_call_that_no_dial_peer_takes_gets_on_no_match(site: Site) -> None:
    caller = site.caller("+1999")
    caller.invite()
    site.refused(caller, 484)


def test_nobody_is_called(site: Site) -> None:
    ends = (site.premise, site.cloud)
    caller = site.caller("+18005552")
    caller.invite()
    site.refused(caller, 603)
    site.settled()
    assert not any(site.calls_to(end, caller) for end in ends)
