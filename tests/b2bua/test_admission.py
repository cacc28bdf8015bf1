"""Calls that are not let in, and calls whose rules fail: what the caller hears, what is counted and what is not."""

import pytest

from edge_router.b2bua.messages.screening import hops_left
from edge_router.sip.message import Request
from tests.b2bua.conftest import OpenStage
from tests.b2bua.stage import CLOUD_FIRST, PREMISE_ONLY, REJECTED, Stage


@pytest.mark.parametrize("limit", [{"max_calls": 1}, {"max_cps": 0.5}], ids=["max_calls", "max_cps"])
def test_a_router_that_is_full(open_stage: OpenStage, limit: dict[str, float]) -> None:
    stage = open_stage(limits=limit)
    caller, callee = stage.connected()
    refusal = stage.carrier.calls(PREMISE_ONLY).hears_refusal(503)
    assert int(refusal.get("Retry-After")) > 0
    assert stage.ear.refused == {f"node {next(iter(limit))}": 1, "stray ACK": 1}  # nothing is kept of the refused
    assert stage.loads() == {"": (1, 0), "carrier": (1, 0), "premise": (0, 1)}
    caller.hangs_up()
    callee.is_hung_up()
    stage.pass_time(2)
    caller, callee = stage.connected()
    caller.hangs_up()
    callee.is_hung_up()
    assert [record.outcome for record in stage.ear.records] == ["answered"] * 2


@pytest.mark.parametrize("limit", [{"inbound": {"max_calls": 1}}, {"max_calls": 1}, {"inbound": {"max_cps": 0.5}}])
def test_a_caller_who_is_full(open_stage: OpenStage, limit: dict[str, object]) -> None:
    """Retry-After would shut his whole trunk, and the node has room (RFC 3261 §21.5.4)."""
    stage = open_stage(carrier={"limits": limit}, limits={"max_calls": 2})
    caller, callee = stage.connected()
    for _ in range(3):  # what is refused takes no room
        refusal = stage.carrier.calls(PREMISE_ONLY).hears_refusal(503)
        assert not refusal.all("Retry-After")
        assert refusal.get("Warning").startswith('399 edge "trunk carrier has reached its max_c')
    caller.hangs_up()
    callee.is_hung_up()
    stage.pass_time(2)
    caller, callee = stage.connected()
    caller.hangs_up()
    callee.is_hung_up()


def test_a_trunk_that_is_full_with_what_it_sends_takes_no_more(open_stage: OpenStage) -> None:
    stage = open_stage(cloud={"limits": {"max_calls": 1}})
    stage.cloud.calls(PREMISE_ONLY).hears_refusal(404)  # no inbound dial-peer, and room again
    caller, callee = stage.connected(CLOUD_FIRST, stage.cloud)
    stage.cloud.calls(PREMISE_ONLY).hears_refusal(503)
    caller.hangs_up()
    callee.is_hung_up()


def test_while_draining_no_call_begins_and_those_that_stand_go_on(stage: Stage) -> None:
    caller, callee = stage.connected()
    stage.router.draining = True
    refusal = stage.carrier.calls(PREMISE_ONLY).hears_refusal(503)
    assert int(refusal.get("Retry-After")) > 0
    caller.asks("OPTIONS")
    caller.hears(200)
    assert len(stage.router.calls) == 1
    caller.hangs_up()
    callee.is_hung_up()
    assert stage.record.outcome == "answered"


def test_a_rule_rejects_in_its_own_words(stage: Stage) -> None:
    refusal = stage.carrier.calls(REJECTED).hears_refusal(480)
    assert (refusal.reason, refusal.get("Retry-After")) == ("Too busy", "7")
    assert refusal.get("Reason") == "Q.850;cause=42"


def test_a_rule_that_fails_costs_no_call(open_stage: OpenStage, caplog: pytest.LogCaptureFixture) -> None:
    stage = open_stage(rules=[{"name": "fails", "when": 'int(call.header("X-Number")) > 0', "to": "cloud"}])
    for _ in range(3):
        caller = stage.carrier.calls(PREMISE_ONLY, "X-Number: none")
        caller.hears(100)
        stage.premise.is_called().refuses(486)
        caller.hears_refusal(486)
    decision = stage.ear.records[0].decision
    assert decision is not None
    assert (decision.rule, decision.fallback) == ("if_stale", "error")
    assert [record.levelname for record in caplog.records] == ["WARNING"]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("Max-Forwards: 0", 483),
        ("Require: x-weird", 420),
        ("Contact: nowhere", 400),
        ('Contact: "A <sip:a@b>', 400),
        ("Record-Route: <sip:198.51.100.1", 400),
        ("Max-Forwards: many", 400),
        ("From: <sip:a@198.51.100.1;tag=a", 400),
        ("To: nobody at all", 400),
        ("Call-ID: ", 400),
    ],
)
def test_what_becomes_no_call_takes_no_room(open_stage: OpenStage, line: str, code: int) -> None:
    stage = open_stage(limits={"max_calls": 1}, carrier={"limits": {"max_calls": 1}})
    for _ in range(2):
        caller = stage.carrier.calls(PREMISE_ONLY, line)
        refusal = stage.carrier.unheard.pop()
        assert refusal.code == code
        ack = caller.request("ACK", branch=refusal.branch, seq=1)
        stage.carrier.says(ack.with_headers(("From", refusal.get("From")), ("To", refusal.get("To"))))
    assert stage.loads() == {}
    assert stage.ear.records == []


def test_a_request_without_max_forwards_has_as_many_hops_as_a_new_one() -> None:
    assert hops_left(Request("INVITE", "sip:h")) == 69


def test_the_same_invite_by_another_way_is_no_second_call(stage: Stage) -> None:
    """RFC 3261 §8.2.2.2."""
    caller, callee = stage.ringing()
    via = caller.invite.get("Via").replace("z9hG4bK", "z9hG4bK-by-another-proxy")
    stage.carrier.says(caller.invite.with_headers(("Via", via)))
    merged = caller.hears(482)
    stage.carrier.says(caller.request("ACK", branch=merged.branch, seq=1).with_headers(("To", merged.get("To"))))
    callee.hears_nothing()
    callee.refuses(486)
    caller.final = caller.final if caller.final.code == 486 else caller.hears(486)
    caller.ack()


def test_beyond_the_most_transactions_strangers_wait_and_calls_go_on(stage: Stage) -> None:
    caller, callee = stage.connected()
    stage.router._most_transactions = len(stage.router.transactions)
    stage.carrier.calls(PREMISE_ONLY).hears_nothing()
    assert stage.ear.refused == {"too many transactions": 1}
    caller.hangs_up()
    callee.is_hung_up()
