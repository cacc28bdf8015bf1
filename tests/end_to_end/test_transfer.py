"""Transfers over real sockets: blind from either side, and attended, by REFER and by an INVITE with Replaces."""

from typing import Any

import pytest

from tests.end_to_end.block import Block
from tests.end_to_end.configuration import front_door
from tests.end_to_end.leg import Leg
from tests.end_to_end.site import Site
from tests.end_to_end.waiting import until
from tests.end_to_end.wire import Wire, beside_origin, tag_of

NUMBER = "+1800555"
ASKED = "+1800556"
WHO = pytest.mark.parametrize("who", ["caller", "callee"])


def configuration(block: Block) -> str:
    rules: list[dict[str, Any]] = [
        {"name": "premise", "when": f'call.called.startsWith("{NUMBER}")', "to": "premise"},
        {"name": "cloud", "when": f'call.called.startsWith("{ASKED}")', "to": "cloud", "final": True},
    ]
    peers = [{"name": "from-premise", "incoming": {"trunk": "premise"}, "policy": "front-door"}]
    return front_door(block, rules, dial_peers=peers)


def refers(transferor: Leg, uri: str) -> None:
    transferor.send(transferor.request("REFER", [("Refer-To", f"<{uri}>")]))
    transferor.expect(202)
    is_told(transferor, "100 Trying")


def is_told(transferor: Leg, status: str) -> None:
    notify = transferor.expect("NOTIFY")
    assert notify.body == f"SIP/2.0 {status}\r\n".encode()
    transferor.reply(notify, 200)


def accepts(leg: Leg) -> Wire:
    """Says 200 to a re-INVITE and hears the ACK."""
    invite = leg.expect("INVITE")
    leg.reply(invite, 200, body=leg.body)
    assert leg.expect("ACK").cseq == invite.cseq
    return invite


@WHO
def test_a_blind_transfer(site: Site, who: str) -> None:
    caller = site.caller(NUMBER)
    callee = site.answered(caller, site.premise)
    transferor, stays = (caller, callee) if who == "caller" else (callee, caller)
    number = site.caller(ASKED).called
    refers(transferor, f"sip:{number}@{site.block.router[0]}:{site.block.router[1]}")
    new = Leg.answering(site.cloud, site.block.router, number)
    assert new.opening is not None
    assert new.opening.body == stays.body
    new.answer(200)
    new.expect("ACK")
    assert beside_origin(accepts(stays).body) == beside_origin(new.body)
    is_told(transferor, "200 OK")
    transferor.hears_of_end()
    site.ends(stays, new)
    until(lambda: site.router.metric("calls_active") == 0, "calls_active to be 0")


def test_a_transfer_that_fails(site: Site) -> None:
    caller = site.caller(NUMBER)
    callee = site.answered(caller, site.premise)
    number = site.caller(ASKED).called
    refers(callee, f"tel:{number}")
    new = Leg.answering(site.cloud, site.block.router, number)
    new.answer(486)
    new.expect("ACK")
    is_told(callee, "486 Busy Here")
    site.ends(caller, callee)


def test_an_attended_transfer(site: Site) -> None:
    caller = site.caller(NUMBER)
    callee = site.answered(caller, site.premise)
    consulting = site.caller(ASKED, phone=site.premise)
    asked = site.answered(consulting, site.cloud)
    tags = f"to-tag%3D{tag_of(consulting.remote)}%3Bfrom-tag%3D{tag_of(consulting.local)}"
    replaces = f"{consulting.call_id.replace('@', '%40')}%3B{tags}"
    refers(callee, f"sip:{consulting.called}@{site.block.router[0]}?Replaces={replaces}")
    assert beside_origin(accepts(asked).body) == beside_origin(caller.body)
    assert beside_origin(accepts(caller).body) == beside_origin(asked.body)
    consulting.hears_of_end()
    is_told(callee, "200 OK")
    callee.hears_of_end()
    site.ends(asked, caller)
    until(lambda: site.router.metric("calls_active") == 0, "calls_active to be 0")


def test_an_invite_with_replaces(site: Site) -> None:
    caller = site.caller(NUMBER)
    callee = site.answered(caller, site.premise)
    new = site.caller(NUMBER, phone=site.premise)
    new.invite([("Replaces", f"{callee.call_id};to-tag={tag_of(callee.remote)};from-tag={tag_of(callee.local)}")])
    again = caller.expect("INVITE")
    caller.reply(again, 200, body=caller.body)
    new.ack(new.expect(200))
    caller.expect("ACK")
    callee.hears_of_end()
    site.ends(caller, new)
