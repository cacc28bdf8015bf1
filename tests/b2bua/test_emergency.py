"""Emergency calls: before policies, lists, switches, limits and drain, to whoever can be reached."""

import re
from typing import Any

import pytest

from tests.b2bua.conftest import OpenStage
from tests.b2bua.leg import CALLING, Leg, Party
from tests.b2bua.stage import CLOUD_FIRST, PREMISE_ONLY, Stage

EMERGENCY: dict[str, Any] = {"called": ["911", "112"], "destinations": ["cloud", "premise"], "reserve": 2}


def opened(open_stage: OpenStage, **settings: Any) -> Stage:
    return open_stage(emergency=EMERGENCY, **settings)


def rings(stage: Stage, called: str = "911", at: Party | None = None, uri: str = "", *headers: str) -> tuple[Leg, Leg]:
    caller = stage.carrier.calls(called, *headers, uri=uri)
    caller.hears(100)
    return caller, (at or stage.cloud).is_called()


def ends(caller: Leg, callee: Leg) -> None:
    callee.says(200)
    caller.hears(200)
    caller.ack()
    callee.hears("ACK")
    caller.hangs_up()
    callee.is_hung_up()


@pytest.mark.parametrize("called", ["911", "112"])
def test_it_goes_by_no_policy(open_stage: OpenStage, called: str) -> None:
    stage = opened(open_stage, rules=[{"name": "no", "reject": 480}])
    caller, callee = rings(stage, called)
    assert callee.invite.start == f"INVITE sip:{called}@198.51.100.21:5060 SIP/2.0"
    ends(caller, callee)
    record = stage.record
    assert record.emergency
    assert record.decision is not None
    assert (record.decision.policy, record.decision.rule) == (None, "emergency")
    assert record.decision.explain().startswith("emergency: bridge to cloud, then bridge to premise")


@pytest.mark.parametrize("uri", ["urn:service:sos", "urn:service:sos.fire", "URN:Service:SOS"])
def test_a_service_urn_is_dialled_as_the_first_number(open_stage: OpenStage, uri: str) -> None:
    stage = opened(open_stage)
    pidf = "Geolocation: <cid:target123@carrier.example>", "Geolocation-Routing: yes"
    caller, callee = rings(stage, "sos", None, uri, *pidf)
    assert callee.invite.start == "INVITE sip:911@198.51.100.21:5060 SIP/2.0"
    assert callee.invite.get("Geolocation") == "<cid:target123@carrier.example>"
    assert callee.invite.get("Geolocation-Routing") == "yes"
    ends(caller, callee)
    assert stage.record.called == "911"


@pytest.mark.parametrize("called_from", ["to", "p-called-party-id"])
@pytest.mark.parametrize("to", ["<sip:sos@192.0.2.1>", "<sip:+18005551000@192.0.2.1>", "<urn:service:sos>"])
def test_a_service_urn_is_one_wherever_the_trunk_writes_numbers(
    open_stage: OpenStage, called_from: str, to: str
) -> None:
    stage = opened(open_stage, carrier={"called_from": called_from})
    elsewhere = f"To: {to}", f"P-Called-Party-ID: {to}"
    caller, callee = rings(stage, "sos", None, "urn:service:sos", *elsewhere)
    assert callee.invite.start == "INVITE sip:911@198.51.100.21:5060 SIP/2.0"
    ends(caller, callee)
    assert (stage.record.emergency, stage.record.called) == (True, "911")


def test_a_service_urn_is_an_emergency_though_the_numbers_are_patterns(open_stage: OpenStage) -> None:
    stage = open_stage(emergency={**EMERGENCY, "called": ["11."]}, rules=[{"name": "no", "reject": 480}])
    ends(*rings(stage, "sos", None, "urn:service:sos"))
    assert stage.record.emergency


@pytest.mark.parametrize(
    ("emergency", "uri", "code"),
    [
        (EMERGENCY | {"urn": False}, "urn:service:sos", 416),
        (EMERGENCY, "urn:service:counseling", 416),
        (EMERGENCY, "urn:service:sosten", 416),
        (None, "urn:service:sos", 416),
    ],
)
def test_other_urns_are_no_emergencies(open_stage: OpenStage, emergency: Any, uri: str, code: int) -> None:
    stage = open_stage(**({"emergency": emergency} if emergency else {}))
    stage.carrier.calls("sos", uri=uri).hears_refusal(code)


@pytest.mark.parametrize("number", ["+13125559999", "{called}0"])
def test_it_dials_its_own_number(open_stage: OpenStage, number: str) -> None:
    stage = opened(open_stage, peers=[{"name": "cloud", "outgoing": {"trunk": "cloud"}, "called_number": number}])
    caller, callee = rings(stage)
    assert callee.invite.start == "INVITE sip:911@198.51.100.21:5060 SIP/2.0"
    ends(caller, callee)


def test_no_referring_by_service_is_in_its_way(open_stage: OpenStage) -> None:
    peer = {"name": "cloud", "outgoing": {"trunk": "cloud"}, "refer_uri": "sip:{service.desk}@cloud.example"}
    stage = opened(open_stage, peers=[peer], files={"s.csv": "called,desk\n"}, services={"file": "s.csv"})
    ends(*rings(stage))


def test_no_block_and_no_switch_holds_it_up(open_stage: OpenStage) -> None:
    files = {"blocked.txt": CALLING}
    stage = opened(open_stage, files=files, number_lists={"blocked": {"file": "blocked.txt", "reject": 603}})
    switches = stage.router.routing.ledger.switches
    switches.know({"trunk": ["cloud"]})
    switches.set("trunk", "cloud", "off", "test", 0.0)
    stage.carrier.calls(PREMISE_ONLY).hears_refusal(603)
    ends(*rings(stage))


def test_the_next_destination_is_tried(open_stage: OpenStage) -> None:
    stage = opened(open_stage, cloud={"targets": ["sip:198.51.100.21:5060"]})
    caller, callee = rings(stage)
    callee.refuses(503)
    ends(caller, stage.premise.is_called())


@pytest.mark.parametrize("code", [486, 603, 404, 403, 302])
def test_whatever_one_says_the_next_is_tried(open_stage: OpenStage, code: int) -> None:
    stage = opened(open_stage)
    caller, callee = rings(stage)
    callee.refuses(code)
    stage.spare.is_called().refuses(code)
    ends(caller, stage.premise.is_called())
    assert [attempt.code for attempt in stage.record.attempts] == [code, code, 200]


def test_where_nobody_answers_the_next_is_tried(open_stage: OpenStage) -> None:
    stage = opened(open_stage, cloud={"answer_timeout": "5s"})
    caller, callee = rings(stage)
    callee.says(180)
    caller.hears(180)
    stage.pass_time(5)
    callee.is_cancelled()
    stage.spare.is_called().refuses(486)
    ends(caller, stage.premise.is_called())


def test_no_other_call_goes_on_after_these(stage: Stage) -> None:
    caller = stage.carrier.calls(CLOUD_FIRST)
    caller.hears(100)
    stage.cloud.is_called().refuses(486)
    caller.hears_refusal(486)


def test_who_gives_up_is_tried_nowhere_else(open_stage: OpenStage) -> None:
    stage = opened(open_stage)
    caller, callee = rings(stage)
    callee.says(180)
    caller.hears(180)
    caller.cancel()
    caller.hears(200, "CANCEL")
    callee.is_cancelled()
    caller.hears_refusal(487)
    assert stage.record.outcome == "cancelled"


def test_it_is_taken_also_where_there_are_too_many_transactions(
    open_stage: OpenStage, caplog: pytest.LogCaptureFixture
) -> None:
    stage = opened(open_stage)
    stage.router._most_transactions = 0
    legs = [rings(stage), rings(stage, "sos", None, "urn:service:sos")]
    stage.carrier.calls("911").hears_refusal(503)  # the reserve is used up
    assert caplog.messages[-1].endswith("refused: no room")
    assert (stage.ear.turned_away, stage.ear.emergencies) == (["carrier"], ["carrier"] * 3)
    stage.carrier.calls(PREMISE_ONLY)
    assert stage.ear.refused["too many transactions"] == 2
    for each in legs:
        ends(*each)
    ends(*rings(stage))


def test_a_reserve_is_above_every_limit(open_stage: OpenStage, caplog: pytest.LogCaptureFixture) -> None:
    one = {"limits": {"max_calls": 1}}
    stage = opened(open_stage, limits={"max_calls": 1}, carrier=one, cloud=one, premise=one)
    taken = stage.ringing()
    stage.carrier.calls(PREMISE_ONLY).hears_refusal(503)
    assert stage.ear.emergencies == []
    first, second = rings(stage), rings(stage)
    assert (stage.ear.turned_away, stage.ear.emergencies) == ([], ["carrier"] * 2)  # while they still ring
    stage.carrier.calls("911").hears_refusal(503)  # the reserve is used up
    assert (stage.ear.turned_away, stage.ear.emergencies) == (["carrier"], ["carrier"] * 3)
    taken_in, refused = caplog.messages[-2:]
    who = r"emergency call to 911 from \+13125550199 by trunk carrier \(198\.51\.100\.1, Call-ID call-\d+\)"
    assert re.fullmatch(f"{who} refused: no room", refused)
    assert re.fullmatch(f"{who} is call {list(stage.router.calls)[-1]}", taken_in)
    for legs in (first, second):
        ends(*legs)
    ends(*rings(stage))
    taken[1].says(200)
    taken[0].hears(200)
    taken[0].ack()
    taken[1].hears("ACK")
    taken[0].hangs_up()
    taken[1].is_hung_up()


@pytest.mark.parametrize("limited", ["node", "trunk", "both"])
def test_emergencies_within_the_limits_take_nothing_of_the_reserve(open_stage: OpenStage, limited: str) -> None:
    three: dict[str, Any] = {"limits": {"max_calls": 3}}
    settings = {"node": three, "trunk": {"carrier": three}, "both": {**three, "carrier": three}}
    stage = opened(open_stage, **settings[limited])
    legs = [rings(stage) for _ in range(3 + 2)]
    stage.carrier.calls("911").hears_refusal(503)
    ends(*legs.pop())
    legs.append(rings(stage))
    stage.carrier.calls("911").hears_refusal(503)
    for each in legs:
        ends(*each)


def test_a_router_that_drains_takes_it(open_stage: OpenStage) -> None:
    stage = opened(open_stage)
    stage.router.draining = True
    stage.carrier.calls(PREMISE_ONLY).hears_refusal(503)
    ends(*rings(stage))


def test_who_is_no_trunk_is_not_heard(open_stage: OpenStage) -> None:
    stage = opened(open_stage)
    stage.party("203.0.113.9").calls("911")
    assert not stage.cloud.unheard
