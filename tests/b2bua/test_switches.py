"""What a person switches: policies, trunks and hours."""

import pytest

from tests.b2bua.conftest import OpenStage
from tests.b2bua.leg import Leg
from tests.b2bua.stage import PREMISE_ONLY, REDIRECTED, Stage

CALLED = "+18005557000"
DAILY = {"timezone": "UTC", "open": {"daily": ["00:00-24:00"]}}


def switched(stage: Stage, kind: str, name: str, state: str) -> None:
    switches = stage.router.routing.ledger.switches
    switches.know({kind: [name]})
    switches.set(kind, name, state, "a test", 0.0)


def ends(caller: Leg, callee: Leg) -> None:
    callee.says(200)
    caller.hears(200)
    caller.ack()
    callee.hears("ACK")
    caller.hangs_up()
    callee.is_hung_up()


def test_a_policy_that_is_off_does_what_it_does_otherwise(stage: Stage) -> None:
    switched(stage, "policy", "door", "off")
    caller = stage.carrier.calls(REDIRECTED)
    caller.hears(100)
    ends(caller, stage.premise.is_called())
    decision = stage.record.decision
    assert decision is not None
    assert decision.explain() == 'policy "door", otherwise, since policy "door" is switched off: bridge to premise'
    switched(stage, "policy", "door", "auto")
    stage.carrier.calls(REDIRECTED).hears_refusal(302)


def test_a_trunk_that_is_off_is_not_tried_even_as_a_last_resort(open_stage: OpenStage) -> None:
    stage = open_stage(rules=[{"name": "cloud only", "to": "cloud", "final": True}])
    switched(stage, "trunk", "cloud", "off")
    stage.carrier.calls(CALLED).hears_refusal(480)
    assert stage.record.reason == "cloud is switched off"


@pytest.mark.parametrize(("state", "where"), [("off", "premise"), ("on", "cloud"), ("auto", "cloud")])
def test_rules_see_a_trunk_that_is_off_as_down(open_stage: OpenStage, state: str, where: str) -> None:
    stage = open_stage(rules=[{"name": "up", "when": 'trunk("cloud").up', "to": "cloud"}])
    switched(stage, "trunk", "cloud", state)
    caller = stage.carrier.calls(CALLED)
    caller.hears(100)
    ends(caller, (stage.cloud if where == "cloud" else stage.premise).is_called())
    decision = stage.record.decision
    assert decision is not None
    assert decision.values['trunk("cloud").up'] is (where == "cloud")


def test_calls_from_a_trunk_that_is_off_are_taken(stage: Stage) -> None:
    switched(stage, "trunk", "carrier", "off")
    caller = stage.carrier.calls(PREMISE_ONLY)
    caller.hears(100)
    ends(caller, stage.premise.is_called())


@pytest.mark.parametrize(("state", "where"), [("open", "cloud"), ("auto", "cloud"), ("closed", "premise")])
def test_hours_are_what_a_person_says(open_stage: OpenStage, state: str, where: str) -> None:
    rule = {"name": "open", "when": 'hours("support")', "to": "cloud"}
    stage = open_stage(rules=[rule], hours={"support": DAILY})
    switched(stage, "hours", "support", state)
    caller = stage.carrier.calls(CALLED)
    caller.hears(100)
    ends(caller, (stage.cloud if where == "cloud" else stage.premise).is_called())


def test_a_latch_turns_calls_once_it_was_looked_at(open_stage: OpenStage) -> None:
    latch = {"set": 'trunk("premise").calls > 0', "clear": 'trunk("premise").calls == 0', "hold": "30s"}
    rule = {"name": "full", "when": 'latch("busy")', "to": "cloud", "by": "redirect"}
    stage = open_stage(rules=[rule], latches={"busy": latch})
    board = stage.router.routing.latches
    caller, callee = stage.ringing()
    board.look_if_due(stage.clock())
    ends(caller, callee)
    stage.carrier.calls(PREMISE_ONLY).hears_refusal(302)
    stage.pass_time(29)
    board.look_if_due(stage.clock())
    stage.carrier.calls(PREMISE_ONLY).hears_refusal(302)
    stage.pass_time(2)
    board.look_if_due(stage.clock())
    caller, callee = stage.ringing()
    ends(caller, callee)
