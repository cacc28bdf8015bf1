"""Calls to trunks whose targets are names. Where a name leads is said by the story in the place of DNS."""

from dataclasses import replace

import pytest

from edge_router.dialplan.hunting import Located
from tests.b2bua.conftest import OpenStage
from tests.b2bua.stage import CLOUD_FIRST, PREMISE_ONLY, REDIRECTED, REFERRED, Stage

URI = "sip:cloud.example.com"
PLACES = ("198.51.100.21", "198.51.100.22")


def located(stage: Stage, *hosts: str, trunk: str = "cloud") -> None:
    live = stage.router.routing.trunks[trunk]
    (target,) = live.trunk.targets
    live.locate(
        {target.uri: [Located(replace(target, host=host), priority) for priority, host in enumerate(hosts)]}, {}
    )
    stage.router.follow(stage.router.routing)


@pytest.fixture
def named(open_stage: OpenStage) -> Stage:
    stage = open_stage(cloud={"targets": [URI]})
    located(stage, *PLACES)
    return stage


def test_each_address_is_hunted_and_the_request_uri_has_the_name(named: Stage) -> None:
    caller = named.carrier.calls(CLOUD_FIRST)
    caller.hears(100)
    first = named.cloud.is_called()
    assert first.invite.uri == f"sip:{CLOUD_FIRST}@cloud.example.com"
    first.refuses(503)
    callee = named.spare.is_called()
    callee.says(200)
    caller.hears(200)
    caller.ack()
    callee.hears("ACK")
    caller.hangs_up()
    callee.is_hung_up()
    assert [attempt.target for attempt in named.record.attempts] == [f"{host}:5060" for host in PLACES]
    assert named.record.target == "198.51.100.22:5060"


def test_a_redirect_names_the_name_once(named: Stage) -> None:
    contacts = named.carrier.calls(REDIRECTED).hears_refusal(302).all("Contact")
    assert contacts == [f"<sip:{REDIRECTED}@cloud.example.com>;q=1.0"]


@pytest.mark.parametrize("number", [CLOUD_FIRST, REDIRECTED, REFERRED])
def test_a_name_that_leads_nowhere_is_passed_over(named: Stage, number: str) -> None:
    located(named)
    caller = named.carrier.calls(number)
    caller.hears(100)
    named.premise.is_called().refuses(486)
    caller.hears_refusal(486)
    assert "cloud is unresolved; " in named.record.reason


def test_where_nothing_leads_anywhere_the_caller_hears_480(open_stage: OpenStage) -> None:
    stage = open_stage(premise={"targets": [URI]})
    located(stage, trunk="premise")
    caller = stage.carrier.calls(PREMISE_ONLY)
    caller.hears_refusal(480)
    assert stage.record.reason == "premise is unresolved"


def test_one_that_was_put_off_and_leads_nowhere_by_then_is_not_tried(open_stage: OpenStage) -> None:
    """Nothing would ever come of it, and the caller would wait for ever."""
    stage = open_stage(cloud={"targets": [URI]})
    located(stage, *PLACES)
    live = stage.router.routing.trunks["cloud"]
    for target in live.targets:
        live.hold(target, 60, stage.clock())
    caller = stage.carrier.calls(CLOUD_FIRST)
    caller.hears(100)
    callee = stage.premise.is_called()
    located(stage)
    callee.refuses(500)
    caller.hears_refusal(500)


def test_a_call_goes_on_where_its_address_is_gone_meanwhile(named: Stage) -> None:
    caller, callee = named.ringing(CLOUD_FIRST, named.cloud)
    located(named, "198.51.100.22")
    callee.refuses(503)
    callee = named.spare.is_called()
    callee.says(200)
    caller.hears(200)
    caller.ack()
    callee.hears("ACK")
    callee.hangs_up()
    caller.is_hung_up()


def test_each_address_of_a_name_is_asked(open_stage: OpenStage) -> None:
    stage = open_stage(cloud={"targets": [URI], "keepalive": {}})
    located(stage, *PLACES)
    stage.pass_time(10)
    for party in (stage.cloud, stage.spare):
        asked = party.unheard[0]
        assert (asked.method, asked.uri) == ("OPTIONS", "sip:cloud.example.com")
        party.unheard.clear()
    located(stage, PLACES[1])
    stage.pass_time(30)
    assert stage.cloud.unheard == []
    assert stage.spare.unheard
    stage.spare.unheard.clear()
    stage.router.keepalives.stop()
