import logging

import pytest

from edge_router.b2bua.reports.record import Attempt, CallRecord, why
from edge_router.policy.decision import Decision, Hop
from edge_router.telemetry.call_log import CallLine, CallLog, what_became
from tests.telemetry.records import record, to_cloud


@pytest.fixture
def answered() -> CallRecord:
    return record(
        decision=to_cloud(),
        method="bridge",
        outcome="answered",
        code=200,
        ended_by="caller",
        egress_trunk="premise",
        dial_peer_out="premise",
        ringing=1_000.25,
        answer=1_001.0,
        end=1_004.2,
        attempts=(Attempt("cloud", "sip:127.0.0.14:5060", None, 2_000),),
        webex_task_id="task-1",
        service="Gold cards",
    )


def test_a_call_that_is_over_is_one_line_with_the_words_of_its_decision(
    answered: CallRecord, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "edge_router.calls"):
        CallLog().ended(answered)
    decision = to_cloud().explain()
    assert caplog.messages == [f"+13035550123 -> +18005550100: answered by premise, 3.2 s; {decision}"]


def test_nothing_is_made_where_nobody_listens(answered: CallRecord, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "edge_router.calls"):
        CallLog().ended(answered)
    assert caplog.messages == []


def test_fields_are_those_of_the_call_record(answered: CallRecord) -> None:
    assert CallLine(answered).fields() == {
        "call_id": "ours-1",
        "ingress_call_id": "theirs-1",
        "egress_call_id": None,
        "session_id": None,
        "cisco_guid": None,
        "webex_task_id": "task-1",
        "node": "edge-1",
        "calling": "+13035550123",
        "called": "+18005550100",
        "service": "Gold cards",
        "ingress_trunk": "carrier",
        "egress_trunk": "premise",
        "target": None,
        "dial_peer_in": None,
        "dial_peer_out": "premise",
        "policy": "front-door",
        "rule": "cloud while its queue is empty",
        "values": {'queue("Support").expected': 0},
        "state_age_s": 0.25,
        "visits": 0,
        "method": "bridge",
        "reason": to_cloud().explain(),
        "attempts": [{"dial_peer": "cloud", "target": "sip:127.0.0.14:5060", "code": None, "ms": 2_000}],
        "transferred_to": None,
        "setup_ms": 250,
        "duration_s": 3.2,
        "code": 200,
        "cause": None,
        "ended_by": "caller",
        "outcome": "answered",
    }


@pytest.mark.parametrize(
    ("calling", "called", "words", "fields"),
    [
        (None, None, "", {}),
        ("+13035550123", "+18005550100", "", {}),
        ("anonymous", "+18005550100", ", calling out as anonymous", {"calling_out": "anonymous"}),
        ("+13035550123", "8001", ", called out as 8001", {"called_out": "8001"}),
        (
            "",
            "8001;npdi",
            ", calling out as nobody, called out as 8001;npdi",
            {"calling_out": "", "called_out": "8001;npdi"},
        ),
    ],
)
def test_numbers_that_left_otherwise_than_they_came(
    calling: str | None, called: str | None, words: str, fields: dict[str, str]
) -> None:
    line = CallLine(record(outcome="failed", code=500, reason="x", calling_out=calling, called_out=called))
    assert str(line) == f"+13035550123 -> +18005550100: failed 500{words}; x"
    assert {key: value for key, value in line.fields().items() if key.endswith("_out")} == fields | {
        "dial_peer_out": None
    }


def test_what_came_otherwise_than_decided_is_told_too() -> None:
    line = CallLine(record(outcome="failed", code=500, decision=to_cloud(), reason="premise: 503"))
    assert str(line) == f"+13035550123 -> +18005550100: failed 500; {to_cloud().explain()}; premise: 503"


@pytest.mark.parametrize(
    ("decision", "words"),
    [
        (
            Decision(None, None, "reject", code=404, because="no inbound dial-peer matches"),
            "dial plan: reject 404, since no inbound dial-peer matches",
        ),
        (Decision(None, None, "bridge", to=(Hop("premise", "bridge"),)), "dial plan: bridge to premise"),
    ],
)
def test_without_a_policy_it_is_the_dial_plan_that_decided(decision: Decision, words: str) -> None:
    assert why(record(decision=decision)) == words


def test_a_call_that_ended_before_its_decision_says_why() -> None:
    line = CallLine(record(outcome="failed", code=500, reason="a fault"))
    assert str(line) == "+13035550123 -> +18005550100: failed 500; a fault"
    fields = line.fields()
    assert (fields["policy"], fields["rule"], fields["values"], fields["state_age_s"]) == (None, None, {}, None)
    assert (fields["setup_ms"], fields["duration_s"]) == (None, None)


def test_a_caller_without_number_is_anonymous() -> None:
    assert CallLine(record(calling="", outcome="cancelled")).headline() == "anonymous -> +18005550100: cancelled"


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ({"outcome": "redirected", "dial_peer_out": "cloud", "code": 302}, "redirected to cloud"),
        ({"outcome": "referred", "egress_trunk": "cloud"}, "referred to cloud"),
        ({"outcome": "rejected", "code": 480}, "rejected 480"),
        ({"outcome": "interrupted"}, "interrupted"),
        ({"outcome": "answered", "dial_peer_out": "cloud", "answer": 5.0}, "answered by cloud"),
        ({"outcome": "answered", "dial_peer_out": "cloud", "answer": 5.0, "end": 4.0}, "answered by cloud, 0.0 s"),
    ],
)
def test_outcomes_in_words(known: dict[str, object], expected: str) -> None:
    assert what_became(record(**known)) == expected
