"""What a call's record says of how it was decided and of who called whom, on both sides."""

import re

import pytest

from tests.b2bua.conftest import OpenStage
from tests.b2bua.leg import CALLING
from tests.b2bua.stage import CLOUD_FIRST, DIAL_PEERS, PREMISE_ONLY, REJECTED, UNKNOWN, Stage


def test_who_called_whom(stage: Stage) -> None:
    caller, callee = stage.connected()
    caller.hangs_up()
    callee.is_hung_up()
    record = stage.record
    assert (record.node, record.calling, record.called) == ("edge-1", CALLING, PREMISE_ONLY)
    assert (record.ingress_trunk, record.dial_peer_in) == ("carrier", "from-carrier")
    assert (record.egress_trunk, record.dial_peer_out) == ("premise", "premise")
    assert record.target == "198.51.100.31:5060"
    assert record.ingress_call_id == caller.call_id
    assert record.egress_call_id == callee.call_id
    assert len({record.call_id, record.ingress_call_id, record.egress_call_id}) == 3


def test_the_number_that_was_dialled_in_the_end(open_stage: OpenStage) -> None:
    peers = [{**peer, "called_number": "77{called}"} if peer["name"] == "premise" else peer for peer in DIAL_PEERS]
    stage = open_stage(dial_peers=peers)
    caller, callee = stage.ringing()
    callee.refuses(486)
    caller.hears_refusal(486)
    assert callee.invite.uri == f"sip:77{PREMISE_ONLY}@198.51.100.31:5060"
    assert callee.invite.get("To") == f"<sip:77{PREMISE_ONLY}@198.51.100.31:5060>"
    assert (stage.record.called, stage.record.called_out) == (PREMISE_ONLY, f"77{PREMISE_ONLY}")


@pytest.mark.parametrize(("privacy", "calling_out"), [("none", CALLING), ("id", "anonymous")])
def test_the_number_that_was_shown_in_the_end(open_stage: OpenStage, privacy: str, calling_out: str) -> None:
    stage = open_stage(premise={"identity": {"send": False}})
    caller = stage.carrier.calls(PREMISE_ONLY, f"Privacy: {privacy}")
    caller.hears(100)
    callee = stage.premise.is_called()
    callee.refuses(486)
    caller.hears_refusal(486)
    assert f"sip:{calling_out}@" in callee.invite.get("From")
    assert (stage.record.calling, stage.record.calling_out) == (CALLING, calling_out)


def test_the_names_that_others_know_the_call_by(stage: Stage) -> None:
    session, guid = "0123456789abcdef0123456789abcdef;remote=" + "0" * 32, "0000000001-0000000002-0000000003-0000000004"
    caller = stage.carrier.calls(PREMISE_ONLY, f"Session-ID: {session}", f"Cisco-Guid: {guid}")
    caller.hears(100)
    callee = stage.premise.is_called()
    assert callee.invite.all("Session-ID") == [session]
    assert callee.invite.all("Cisco-Guid") == [guid]
    callee.refuses(486)
    caller.hears_refusal(486)
    assert (stage.record.session_id, stage.record.cisco_guid) == (session, guid)


def test_a_call_without_a_guid_gets_one_for_all_its_attempts(stage: Stage) -> None:
    caller = stage.carrier.calls(CLOUD_FIRST)
    caller.hears(100)
    guids = set()
    for party in (stage.cloud, stage.spare, stage.premise):
        callee = party.is_called()
        guids.update(callee.invite.all("Cisco-Guid"))
        callee.refuses(500)
    caller.hears_refusal(500)
    assert guids == {stage.record.cisco_guid}
    assert re.fullmatch(r"\d{10}(-\d{10}){3}", guids.pop() or "")


def test_the_last_attempt_is_the_one_that_counts(stage: Stage) -> None:
    caller = stage.carrier.calls(CLOUD_FIRST)
    caller.hears(100)
    stage.cloud.is_called().refuses(500)
    stage.spare.is_called().refuses(500)
    callee = stage.premise.is_called()
    callee.refuses(486)
    caller.hears_refusal(486)
    record = stage.record
    assert (record.egress_trunk, record.dial_peer_out, record.egress_call_id) == ("premise", "premise", callee.call_id)
    assert [each.target for each in record.attempts] == [
        "198.51.100.21:5060",
        "198.51.100.22:5060",
        "198.51.100.31:5060",
    ]


def test_how_long_each_attempt_took(stage: Stage) -> None:
    caller = stage.carrier.calls(CLOUD_FIRST)
    caller.hears(100)
    stage.pass_time(0.5)
    first = stage.cloud.is_called()
    first.hears("INVITE")
    first.refuses(500)
    stage.pass_time(1)
    second = stage.spare.is_called()
    second.hears("INVITE")
    second.refuses(486)
    caller.hears_refusal(486)
    assert [round(each.ms, -2) for each in stage.record.attempts] == [500, 1000]


@pytest.mark.parametrize(
    ("called", "policy", "rule", "method"),
    [
        (PREMISE_ONLY, "door", "premise only", "bridge"),
        (REJECTED, "door", "rejected", "reject"),
        ("+18005559999", "door", "otherwise", "bridge"),
        (UNKNOWN, None, None, "none"),
    ],
)
def test_why_it_went_there(stage: Stage, called: str, policy: str | None, rule: str | None, method: str) -> None:
    caller = stage.carrier.calls(called)
    if method == "bridge":
        caller.hears(100)
        stage.premise.is_called().refuses(486)
    while stage.carrier.unheard:
        caller.hears_refusal(stage.carrier.unheard[0].code)
    record = stage.record
    assert record.decision is not None
    assert (record.decision.policy, record.decision.rule, record.method) == (policy, rule, method)
    assert record.dial_peer_in == (None if called == UNKNOWN else "from-carrier")


def test_what_the_rule_read(open_stage: OpenStage) -> None:
    rule = {"name": "few wait", "when": 'queue("Support").length < 3 && trunk("cloud").up', "to": "premise"}
    stage = open_stage(rules=[rule], state={"source": "static", "queues": {"Support": {"length": 2}}})
    caller, callee = stage.ringing()
    callee.refuses(486)
    caller.hears_refusal(486)
    decision = stage.record.decision
    assert decision is not None
    assert decision.values == {'queue("Support").length': 2, 'trunk("cloud").up': True}
    assert decision.age == 0
