"""What the called number stands for: its service's policy, queue, numbers; and lists of callers."""

from typing import Any, Final

import pytest

from edge_router.b2bua.reports.record import CallRecord
from tests.b2bua.conftest import OpenStage
from tests.b2bua.stage import Stage

GOLD, SILVER, NOBODY = "+18005557001", "+18005557002", "+18005557003"
TABLE: Final = f"""called,service,policy,queue,cloud_number,premise_number,hours,owner
{GOLD},Gold,,Support,+13125550001,7001,always,
{SILVER},Silver,night,Sales,,7002,never,boss
"""
HOURS: Final[dict[str, Any]] = {
    "always": {"timezone": "UTC", "open": {"daily": ["00:00-24:00"]}},
    "never": {"timezone": "UTC", "open": {"daily": ["00:00-24:00"]}, "closed": ["2000-01-01"]},
}


def stage_of(open_stage: OpenStage, when: str, **more: Any) -> Stage:
    """A stage where calls are redirected to the cloud by this condition, else bridged to the premise."""
    rules = [{"name": "asked", "when": when, "to": ["cloud", "premise"], "by": "redirect"}]
    queues = {"Support": {"length": 3}, "Sales": {"length": 0}}
    settings: dict[str, Any] = {
        "files": {"services.csv": TABLE},
        "services": {"file": "services.csv"},
        "hours": HOURS,
        "state": {"queues": queues},
        "rules": rules,
        **more,
    }
    if "policies" not in settings:
        door = {"rules": rules, "otherwise": {"to": "premise"}, "revisit": True}
        settings["policies"] = {"door": door, "night": {"otherwise": {"to": "premise"}, "revisit": True}}
    return open_stage(**settings)


def goes(stage: Stage, called: str, *headers: str) -> CallRecord:
    """What became of a call to this number, whoever takes it."""
    caller = stage.carrier.calls(called, *headers)
    if stage.premise.unheard:
        caller.hears(100)
        callee = stage.premise.is_called()
        callee.says(200)
        caller.hears(200)
        caller.ack()
        callee.hears("ACK")
        caller.hangs_up()
        callee.is_hung_up()
    else:
        caller.hears_refusal(stage.ear.records[-1].code)
    return stage.ear.records[-1]


@pytest.mark.parametrize(
    ("when", "called", "where"),
    [
        ('call.service.service == "Gold"', GOLD, "cloud"),
        ('call.service.service == "Gold"', SILVER, "premise"),
        ("queue(call.service.queue).length > 0", GOLD, "cloud"),
        ("queue(call.service.queue).length == 0", GOLD, "premise"),
        ("hours(call.service.hours)", GOLD, "cloud"),
        ("call.service.owner == ''", GOLD, "cloud"),
    ],
)
def test_a_rule_reads_the_service_of_the_called_number(
    open_stage: OpenStage, when: str, called: str, where: str
) -> None:
    assert goes(stage_of(open_stage, when), called).dial_peer_out == where


def test_a_number_without_a_service_makes_the_rule_undecided_and_costs_no_call(open_stage: OpenStage) -> None:
    record = goes(stage_of(open_stage, 'call.service.service == "Gold" || true'), NOBODY)
    assert record.outcome == "answered"
    assert record.decision is not None
    assert (record.decision.fallback, record.dial_peer_out) == ("error", "premise")
    assert "no service has this number" in record.decision.because


def test_the_services_policy_goes_before_the_dial_peers(open_stage: OpenStage) -> None:
    stage = stage_of(open_stage, "true")
    decisions = [goes(stage, called).decision for called in (GOLD, SILVER, NOBODY)]
    assert [decision and decision.policy for decision in decisions] == ["door", "night", "door"]
    assert [record.service for record in stage.ear.records] == ["Gold", "Silver", None]


def test_the_services_policy_goes_before_a_dial_peers_destinations(open_stage: OpenStage) -> None:
    peers = [{"name": "from-carrier", "incoming": {"trunk": "carrier"}, "destinations": ["premise"]}]
    stage = stage_of(open_stage, "true", peers=peers)
    decisions = [goes(stage, called).decision for called in (GOLD, SILVER, NOBODY)]
    assert [decision and decision.policy for decision in decisions] == [None, "night", None]


def test_templates_dial_what_the_service_has(open_stage: OpenStage) -> None:
    peers = [
        {"name": "cloud", "outgoing": {"trunk": "cloud"}, "called_number": "{service.cloud_number}"},
        {"name": "premise", "outgoing": {"trunk": "premise"}, "called_number": "{service.premise_number}"},
    ]
    stage = stage_of(open_stage, "true", peers=peers)
    assert goes(stage, GOLD).target == "sip:+13125550001@198.51.100.21:5060"
    record = goes(stage, SILVER)  # policy night
    assert (record.called_out, record.dial_peer_out) == ("7002", "premise")


def test_a_dial_peer_whose_number_the_service_lacks_is_skipped(open_stage: OpenStage) -> None:
    peers = [{"name": "cloud", "outgoing": {"trunk": "cloud"}, "called_number": "{service.cloud_number}"}]
    stage = stage_of(
        open_stage,
        "true",
        peers=peers,
        policies={
            "door": {"rules": [{"name": "all", "to": ["cloud", "premise"]}], "otherwise": {"to": "premise"}},
            "night": {"rules": [{"name": "all", "to": ["cloud", "premise"]}], "otherwise": {"to": "premise"}},
        },
    )
    for called in (SILVER, NOBODY):
        record = goes(stage, called)
        assert (record.outcome, record.dial_peer_out) == ("answered", "premise")
        assert record.reason == "cloud is without a cloud_number for this number"
    assert stage.ear.failovers[-1] == ("cloud", "premise", "without a cloud_number for this number")


def test_a_service_is_that_of_the_number_that_the_translations_make(open_stage: OpenStage) -> None:
    door = {"name": "from-carrier", "incoming": {"trunk": "carrier"}, "policy": "door"}
    stage = stage_of(
        open_stage,
        'call.service.service == "Gold"',
        carrier={"translate": {"inbound": {"called": "national"}}},
        peers=[{**door, "translate": {"called": "swapped"}}],
        translation_rules={"national": [r"/^1\(80055570..\)$/ /+1\1/"], "swapped": [f"/^\\{SILVER}$/ /{GOLD}/"]},
    )
    record = goes(stage, SILVER.removeprefix("+"))
    assert (record.service, record.dial_peer_out) == ("Gold", "cloud")


@pytest.mark.parametrize("number", ["+13125550199", "1 (312) 555-0199"])
def test_listed_callers_are_seen_by_rules_and_refused_before_any_policy(open_stage: OpenStage, number: str) -> None:
    files = {"services.csv": TABLE, "vip.txt": f"{number}\n", "none.txt": "# nobody\n"}
    lists = {"vip": {"file": "vip.txt"}, "none": {"file": "none.txt", "reject": 603}}
    when = 'listed("vip", call.calling) && !listed("none", call.calling)'
    stage = stage_of(open_stage, when, files=files, number_lists=lists)
    listed = number.startswith("+")
    assert goes(stage, GOLD).dial_peer_out == ("cloud" if listed else "premise")


def test_a_caller_on_a_refused_list_gets_its_code(open_stage: OpenStage) -> None:
    files = {"services.csv": TABLE, "blocked.txt": "+1 312 555 0199  # a nuisance\n"}
    stage = stage_of(open_stage, "true", files=files, number_lists={"blocked": {"file": "blocked.txt", "reject": 603}})
    record = goes(stage, GOLD)
    assert (record.code, record.outcome, record.dial_peer_in) == (603, "rejected", None)
    assert record.decision is not None
    assert record.decision.explain() == "list blocked: reject 603, since the calling number is on the list blocked"
