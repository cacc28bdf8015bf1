"""By redirect: the caller gets 302 and goes to the cloud by himself; the router calls nobody."""

import re

import pytest

from tests.end_to_end.block import Block
from tests.end_to_end.configuration import front_door, trunk
from tests.end_to_end.site import Site
from tests.end_to_end.wire import host_of, uri_of, user_of

TARGETS = "+1800555"
"""Numbers whose 302 names the targets of the cloud trunk."""

TEMPLATE = "+1800556"
"""Numbers whose 302 is made from `refer_uri`."""

SHY_CARRIER = 20
"""The last number of the address of a carrier that takes no 302."""


def configuration(block: Block) -> str:
    spare = block.cloud_spare
    targets = [
        {"uri": f"sip:{spare}:5080", "preference": 2},
        {"uri": f"sip:{block.cloud}:5060", "preference": 1},
    ]
    return front_door(
        block,
        [
            {
                "name": "template",
                "when": f'call.called.startsWith("{TEMPLATE}")',
                "to": ["templated"],
                "by": "redirect",
            },
            {"name": "targets", "to": ["cloud", "premise"], "by": "redirect"},
        ],
        cloud={"targets": targets},
        trunks={"shy": trunk(block.host(SHY_CARRIER), accepts=["refer"])},
        dial_peers=[
            {"name": "from-shy", "incoming": {"trunk": "shy"}, "policy": "front-door"},
            {
                "name": "templated",
                "outgoing": {"trunk": "cloud"},
                "refer_uri": "sip:{called}@carrier.example;user=phone",
            },
        ],
    )


def q_of(contact: str) -> float:
    found = re.search(r">;.*?q=([0-9.]+)", contact)
    return float(found[1]) if found else 1.0


def test_302_names_every_target_of_the_trunk_best_first(site: Site) -> None:
    caller = site.caller(TARGETS)
    caller.invite()
    final = site.refused(caller, 302)
    contacts = [value.strip() for line in final.all("Contact") for value in line.split(",")]
    assert [host_of(uri_of(contact)) for contact in contacts] == [
        f"{site.block.cloud}:5060",
        f"{site.block.cloud_spare}:5080",
    ]
    assert {user_of(uri_of(contact)) for contact in contacts} == {caller.called}
    first, second = map(q_of, contacts)
    assert 1.0 >= first > second > 0.0


def test_302_by_refer_uri(site: Site) -> None:
    caller = site.caller(TEMPLATE)
    caller.invite()
    final = site.refused(caller, 302)
    assert [uri_of(value) for value in final.all("Contact")] == [f"sip:{caller.called}@carrier.example;user=phone"]


def test_nobody_else_is_called(site: Site) -> None:
    ends = (site.premise, site.cloud)
    caller = site.caller(TARGETS)
    caller.invite()
    site.refused(caller, 302)
    site.settled()
    assert not any(site.calls_to(end, caller) for end in ends)


def test_a_caller_that_takes_no_302_is_bridged(site: Site) -> None:
    cloud = site.cloud
    caller = site.caller(TARGETS, phone=site.phone(site.block.host(SHY_CARRIER)))
    caller.invite()
    callee = site.callee(cloud, caller)
    site.connects(caller, callee)
    site.ends(caller, callee)


@pytest.mark.parametrize("evil", ["%0d%0aX-Evil:%201", "%3e%3bX", "%22%3c", "%00"])
def test_what_is_escaped_in_a_number_does_not_break_out_of_the_contact(site: Site, evil: str) -> None:
    caller = site.caller(TEMPLATE)
    caller.target = f"sip:{caller.called}{evil}@{site.block.router[0]}"
    caller.invite()
    final = caller.expect_final()
    caller.ack(final)
    assert not final.all("X-Evil")
    for contact in final.all("Contact"):
        assert re.fullmatch(r"<sip:[^<>\"\s]*@carrier\.example;user=phone>(;q=[0-9.]+)?", contact)
