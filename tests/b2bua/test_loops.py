"""A call that goes round in a circle: a second chance, and then the end."""

import pytest

from edge_router.admission.visits import identity_of
from tests.b2bua.conftest import OpenStage
from tests.b2bua.leg import CALLING, Leg, Party
from tests.b2bua.stage import CLOUD_FIRST, Stage

SESSION = "Session-ID: ab30317f1a784dc48ff824d0d3715d86;remote=00000000000000000000000000000000"
ROUND = [{"name": "in", "incoming": [{"trunk": name} for name in ("carrier", "cloud", "premise")], "policy": "door"}]


def held(stage: Stage, by: Party, *headers: str) -> tuple[str, Leg, Leg]:
    """A call from there that stands: where it went, and both ends."""
    caller = by.calls(CLOUD_FIRST, *headers)
    caller.hears(100)
    where = "premise" if stage.premise.unheard else "cloud"
    callee = getattr(stage, where).is_called()
    callee.says(200)
    caller.hears(200)
    caller.ack()
    callee.hears("ACK")
    return where, caller, callee


@pytest.mark.parametrize("header", [SESSION, "Diversion: <sip:1001@elsewhere.example>"])
def test_a_circle_ends_where_the_call_was_everywhere_twice(open_stage: OpenStage, header: str) -> None:
    stage = open_stage(door={"revisit": False}, peers=ROUND)
    legs = []
    went = []
    for by in (stage.carrier, stage.cloud, stage.premise, stage.cloud):
        where, caller, callee = held(stage, by, header)
        went.append(where)
        legs.append((caller, callee))
    assert went == ["cloud", "premise", "cloud", "premise"]
    refusal = stage.premise.calls(CLOUD_FIRST, header).hears_refusal(482)
    assert (refusal.reason, refusal.get("Reason")) == ("Loop Detected", "Q.850;cause=25")
    record = stage.ear.records[-1]
    assert (record.code, record.cause, record.outcome, record.method) == (482, 25, "failed", "none")
    assert record.reason == (
        "the call was at cloud 2 times before; the call was at premise 2 times before; "
        "the call goes round in a circle, and nothing else is left"
    )
    assert stage.ear.failovers[-1] == ("cloud", "premise", "visited twice")
    for caller, callee in reversed(legs):
        caller.hangs_up()
        callee.is_hung_up()


def test_in_a_circle_that_a_policy_wants_nobody_hears_482(open_stage: OpenStage) -> None:
    stage = open_stage(door={"revisit": True}, peers=ROUND)
    legs = [held(stage, by, SESSION) for by in (stage.carrier, *[stage.cloud] * 3)]
    assert [where for where, _, _ in legs] == ["cloud"] * 4
    for _, caller, callee in reversed(legs):
        caller.hangs_up()
        callee.is_hung_up()


def test_who_was_refused_everywhere_was_nowhere_and_may_try_again(open_stage: OpenStage) -> None:
    stage = open_stage(door={"revisit": False}, peers=ROUND, cloud={"targets": ["sip:198.51.100.21:5060"]})
    for _ in range(3):
        caller = stage.carrier.calls(CLOUD_FIRST, SESSION)
        caller.hears(100)
        for party in (stage.cloud, stage.premise):
            party.is_called().refuses(500)
        caller.hears_refusal(500)


def test_after_an_attempt_the_caller_hears_what_came_of_it_and_of_no_circle(open_stage: OpenStage) -> None:
    stage = open_stage(door={"revisit": False}, peers=ROUND)
    who = identity_of(SESSION.removeprefix("Session-ID: "), CALLING, CLOUD_FIRST)
    for _ in range(2):
        stage.router.routing.ledger.visits.note(who, "cloud", stage.clock())
    caller = stage.carrier.calls(CLOUD_FIRST, SESSION)
    caller.hears(100)
    stage.premise.is_called().refuses(486)
    caller.hears_refusal(486)
    assert stage.record.reason == "the call was at cloud 2 times before; premise: 486"


def test_a_session_id_that_many_callers_have_ends_no_call(open_stage: OpenStage) -> None:
    stage = open_stage(door={"revisit": False}, peers=ROUND)
    for number in range(6):
        caller = stage.carrier.calls(CLOUD_FIRST, SESSION, calling=f"+1312555010{number}")
        caller.hears(100)
        where = stage.premise if stage.premise.unheard else stage.cloud
        callee = where.is_called()
        callee.says(200)
        caller.hears(200)
        caller.ack()
        callee.hears("ACK")
        caller.hangs_up()
        callee.is_hung_up()
    assert [record.outcome for record in stage.ear.records] == ["answered"] * 6


@pytest.mark.parametrize("headers", [(), (SESSION,), ("Privacy: id",)], ids=["numbers", "session", "nobody"])
def test_destinations_that_send_an_emergency_back_do_not_have_it_fork_at_each_hop(
    open_stage: OpenStage, headers: tuple[str, ...]
) -> None:
    stage = open_stage(
        emergency={"called": ["911"], "destinations": ["cloud", "premise"]},
        cloud={"targets": ["sip:198.51.100.21:5060"]},
    )
    caller = stage.carrier.calls("911", *headers)
    caller.hears(100)
    in_cloud = stage.cloud.is_called()
    back = stage.cloud.calls("911", *headers)  # the cloud's trunk is a destination: it has sent it back
    back.hears(100)
    at_premise = stage.premise.is_called()
    again = stage.premise.calls("911", *headers)
    again.hears_refusal(482)
    assert stage.record.reason == (
        "the call is at cloud already; the call is at premise already; "
        "the call goes round in a circle, and nothing else is left"
    )
    at_premise.refuses(482)
    back.hears_refusal(482)
    in_cloud.refuses(482)
    at_premise = stage.premise.is_called()  # the first hop has another destination still
    at_premise.says(200)
    caller.hears(200)
    caller.ack()
    at_premise.hears("ACK")
    caller.hangs_up()
    at_premise.is_hung_up()


@pytest.mark.parametrize("headers", [(), (SESSION,)], ids=["numbers", "session"])
def test_an_emergency_from_elsewhere_goes_where_another_one_of_the_same_numbers_stands(
    open_stage: OpenStage, headers: tuple[str, ...]
) -> None:
    stage = open_stage(emergency={"called": ["911"], "destinations": ["premise"]})
    ends = []
    for _ in range(2):
        caller = stage.carrier.calls("911", *headers)
        caller.hears(100)
        callee = stage.premise.is_called()
        callee.says(200)
        caller.hears(200)
        caller.ack()
        callee.hears("ACK")
        ends.append((caller, callee))
    for caller, callee in ends:
        caller.hangs_up()
        callee.is_hung_up()
    again = stage.premise.calls(
        "911", *headers
    )  # these are over: somebody at the premise calls, and nothing goes round
    again.hears(100)
    stage.premise.is_called().refuses(486)
    again.hears_refusal(486)


def test_in_a_circle_that_a_policy_wants_it_ends_when_it_may_go_no_further(open_stage: OpenStage) -> None:
    """Each time round Max-Forwards is one less, and one branch alone goes on (RFC 5393 §4, §5)."""
    stage = open_stage(door={"revisit": True}, peers=ROUND)
    legs, hops = [], 4
    caller = stage.carrier.calls(CLOUD_FIRST, SESSION, f"Max-Forwards: {hops}", "Max-Breadth: 60")
    while hops:
        caller.hears(100)
        callee = stage.cloud.is_called()
        hops -= 1
        assert callee.invite.all("Max-Forwards") == [str(hops)]
        assert callee.invite.all("Max-Breadth") == []
        legs.append((caller, callee))
        caller = stage.cloud.calls(CLOUD_FIRST, SESSION, f"Max-Forwards: {hops}")
    caller.hears_refusal(483)
    for caller, callee in reversed(legs):
        callee.refuses(483)
        caller.hears_refusal(483)
