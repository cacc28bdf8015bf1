"""Numbers through a router that runs: a national carrier, a premise that dials 9, and a cloud that wants E.164."""

import re

from tests.end_to_end.block import Block
from tests.end_to_end.configuration import Settings, front_door
from tests.end_to_end.leg import Leg
from tests.end_to_end.site import Site
from tests.end_to_end.wire import uri_of, user_of

E164 = "+1800555"
"""Numbers of the premise, as rules see them."""


def configuration(block: Block) -> str:
    rules: list[Settings] = [
        {"name": "cloud numbers", "when": 'call.called.startsWith("+1800556")', "to": "cloud", "by": "redirect"},
        {
            "name": "translated",
            "when": f'call.called.startsWith("{E164}") && call.called_received.startsWith("800555") '
            '&& call.calling.startsWith("+1")',
            "to": "premise",
        },
        {"name": "not translated", "reject": 480},
    ]
    return front_door(
        block,
        rules,
        carrier={
            "called_from": "to",
            "identity": {"accept": True},
            "translate": {"inbound": {"called": "to-e164", "calling": "to-e164"}},
        },
        premise={"identity": {"send": True}, "translate": {"outbound": {"called": "national", "calling": "national"}}},
        cloud_peer={"refer_uri": "sip:{called}@carrier.example;user=phone", "translate": {"called": "no-plus"}},
        translation_rules={
            "to-e164": [r"/^\([2-9].........\)$/ /+1\1/", r"/^1\(..........\)$/ /+1\1/"],
            "national": [r"/^\+1\(.*\)/ /9\1/"],
            "no-plus": ["/^+1/ /1/"],
        },
    )


def test_numbers_are_translated_on_their_way(site: Site) -> None:
    caller = site.caller(E164)
    number = caller.called.removeprefix("+1")
    caller.called = f"{number};npdi"
    caller.target = f"sip:registration@{site.block.router[0]}"
    sender = '"A. Caller" <sip:3125550123;verstat=TN-Validation-Passed@192.0.2.7;user=phone>;tag=a1'
    caller.invite(
        [("From", sender), ("To", f"<sip:{number};npdi@192.0.2.9>"), ("P-Asserted-Identity", "<tel:+13125550124>")]
    )
    callee = Leg.answering(site.premise, site.block.router, f"9{number};npdi")
    invite = callee.opening
    assert invite is not None
    assert user_of(invite.uri) == f"9{number};npdi"
    assert user_of(uri_of(invite.get("To"))) == f"9{number};npdi"
    assert user_of(uri_of(invite.get("From"))) == "93125550123;verstat=TN-Validation-Passed"
    assert invite.get("P-Asserted-Identity") == "<tel:93125550124>"
    callee.answer(486)
    callee.expect("ACK")
    site.refused(caller, 486)


def test_a_redirect_names_the_translated_number(site: Site) -> None:
    caller = site.caller("+1800556")
    number = caller.called.removeprefix("+1")
    caller.called = number
    caller.invite([("To", f"<sip:{number}@192.0.2.9>")])
    refusal = site.refused(caller, 302)
    assert re.match(rf"<sip:1{number}@carrier\.example;user=phone>", refusal.get("Contact"))
