"""What is otherwise where messages go by connections: nothing but a 2xx is said twice, and a loss is heard of."""

import pytest

from edge_router.sip.timers import GIVE_UP
from tests.b2bua.conftest import OpenStage
from tests.b2bua.stage import CLOUD_FIRST, PREMISE_ONLY, Stage


@pytest.fixture
def connected_stage(open_stage: OpenStage) -> Stage:
    stage = open_stage(cloud={"connect_timeout": 60, "hunt_on": ["timeout"]})
    stage.line.reliable = True
    return stage


def test_requests_and_refusals_are_said_once(connected_stage: Stage) -> None:
    stage = connected_stage
    caller = stage.carrier.calls(CLOUD_FIRST)
    caller.hears(100)
    callee = stage.cloud.is_called()
    stage.pass_time(20)
    callee.hears_nothing()
    callee.says(180)
    caller.hears(180)
    callee.refuses(486)
    caller.hears_refusal(486)
    stage.pass_time(20)
    stage.hear_silence()


def test_an_answer_is_repeated_until_its_ack_whatever_it_goes_by(connected_stage: Stage) -> None:
    """RFC 3261 §13.3.1.4: behind the next hop there may be UDP, and an ACK that never comes must end the call."""
    stage = connected_stage
    caller, callee = stage.ringing(PREMISE_ONLY)
    callee.says(200)
    caller.hears(200)
    times = 0
    for _ in range(int(GIVE_UP * 2)):
        stage.pass_time(0.5)
        if caller.party.unheard and caller.party.unheard[0].code == 200:
            caller.hears(200)
            times += 1
    assert times == 10
    caller.is_hung_up()
    callee.hears("ACK")
    callee.is_hung_up()
    assert stage.record.outcome == "failed"


def test_the_loss_of_a_connection_sends_the_call_on_at_once(connected_stage: Stage) -> None:
    stage = connected_stage
    caller = stage.carrier.calls(CLOUD_FIRST)
    caller.hears(100)
    stage.cloud.is_called()
    stage.router.lost(stage.cloud.address, stage.line)
    callee = stage.spare.is_called()
    callee.says(200)
    caller.hears(200)
    caller.ack()
    callee.hears("ACK")
    caller.hangs_up()
    callee.is_hung_up()
    assert [attempt.code for attempt in stage.record.attempts] == [None, 200]


def test_who_has_said_something_may_go_on_by_another_connection(connected_stage: Stage) -> None:
    """RFC 3261 §18.2.2: his answers come all the same."""
    stage = connected_stage
    caller = stage.carrier.calls(CLOUD_FIRST)
    caller.hears(100)
    callee = stage.cloud.is_called()
    callee.says(100)
    stage.router.lost(stage.cloud.address, stage.line)
    callee.says(180)
    caller.hears(180)
    callee.says(200)
    caller.hears(200)
    caller.ack()
    callee.hears("ACK")
    callee.hangs_up()
    caller.is_hung_up()


def test_the_loss_of_anothers_connection_is_no_loss(connected_stage: Stage) -> None:
    stage = connected_stage
    caller = stage.carrier.calls(CLOUD_FIRST)
    caller.hears(100)
    callee = stage.cloud.is_called()
    stage.router.lost(("198.51.100.99", 5060), stage.line)
    callee.says(200)
    caller.hears(200)
    caller.ack()
    callee.hears("ACK")
    callee.hangs_up()
    caller.is_hung_up()


def test_an_answer_that_is_owed_goes_to_the_port_of_the_via(connected_stage: Stage) -> None:
    stage = connected_stage
    from_elsewhere = stage.party(stage.carrier.address[0], 40_000)
    stage.carrier.address = from_elsewhere.address
    caller = stage.carrier.calls(PREMISE_ONLY)
    from_elsewhere.unheard.clear()
    callee = stage.premise.is_called()
    stage.router.lost(from_elsewhere.address, stage.line)
    callee.refuses(486)
    assert [message.code for message in stage.carrier.unheard] == [486]
    caller.hears_refusal(486)


def test_a_2xx_finds_its_way_when_its_connection_is_gone(connected_stage: Stage) -> None:
    """It is said again until its ACK comes: to the port of the Via, since the connection was lost with the first."""
    stage = connected_stage
    from_elsewhere = stage.party(stage.carrier.address[0], 40_000)
    at = stage.carrier.address
    stage.carrier.address = from_elsewhere.address
    caller = stage.carrier.calls(PREMISE_ONLY)
    callee = stage.premise.is_called()
    callee.says(200)
    assert [message.code for message in from_elsewhere.unheard] == [100, 200]
    from_elsewhere.unheard.clear()
    stage.router.lost(from_elsewhere.address, stage.line)
    stage.carrier.address = at
    stage.pass_time(0.5)
    assert [message.code for message in stage.carrier.unheard] == [200]
    caller.hears(200)
    caller.ack()
    callee.hears("ACK")
    caller.hangs_up()
    callee.is_hung_up()


@pytest.mark.parametrize(("transport", "port"), [("tcp", 5060), ("tls", 5061)])
def test_a_contact_without_a_port_means_the_usual_one(
    connected_stage: Stage, monkeypatch: pytest.MonkeyPatch, transport: str, port: int
) -> None:
    """RFC 3261 §19.1.2: of the transport that the call goes by, whatever the Contact says of that."""
    stage = connected_stage
    monkeypatch.setattr(stage.line, "transport", transport)
    there = stage.party("198.51.100.31", port)
    caller, callee = stage.ringing(PREMISE_ONLY)
    callee.says(200, "Contact: <sip:198.51.100.31>")
    caller.hears(200)
    caller.ack()
    assert [message.method for message in there.unheard] == ["ACK"]
    there.unheard.clear()
    caller.asks("BYE")
    caller.hears(200, "BYE")
    callee.answers(there.unheard.pop(), 200)
