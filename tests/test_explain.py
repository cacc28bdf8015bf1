"""What `route` says would be done, beside what is done with a call."""

import re
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from edge_router.admission.visits import identity_of
from edge_router.explain import Explanation, explain
from edge_router.explain_steps import Step
from edge_router.made_up_call import MadeUpCall, arrive
from edge_router.policy.decision import Hop
from edge_router.route_report import show
from tests.b2bua.stage import (
    CLOUD_FIRST,
    DIAL_PEERS,
    PREMISE_ONLY,
    REDIRECTED,
    REFERRED,
    REJECTED,
    UNKNOWN,
    Settings,
    Stage,
    configuration,
    examined,
)

CALLING = "+13125550199"


def stage_with(accepts: list[str], **cloud: str) -> Stage:
    peers: list[Settings] = [{**peer, **(cloud if peer["name"] == "cloud" else {})} for peer in DIAL_PEERS]
    return Stage(configuration(carrier={"accepts": accepts}, dial_peers=peers))


def explained(stage: Stage, called: str, calling: str = CALLING, *headers: str) -> Explanation:
    pairs = [(name.lower(), value) for name, _, value in (header.partition(": ") for header in headers)]
    call = MadeUpCall(calling, called, pairs)
    return explain(arrive(stage.router.routing, call, ("carrier",), "pstn", stage.clock()), {"pstn": stage.line})


def first_step(stage: Stage, called: str) -> Step:
    return explained(stage, called).steps[0]


@pytest.mark.parametrize("cloud", [{}, {"called_number": "9{called}"}, {"refer_uri": "sip:{called}@x;from={calling}"}])
def test_a_redirect_has_the_contacts_that_a_call_gets(cloud: dict[str, str]) -> None:
    stage = stage_with(["redirect"], **cloud)
    step = first_step(stage, REDIRECTED)
    refusal = stage.carrier.calls(REDIRECTED).hears_refusal(302)
    assert step.sends == ("302 Moved Temporarily", *(f"Contact: {value}" for value in refusal.all("Contact")))


@pytest.mark.parametrize(
    ("called_number", "closed"),
    [("{calling}", "without a number that is left to dial"), ("{service.desk}", "without a desk for this number")],
)
@pytest.mark.parametrize("called", [CLOUD_FIRST, REDIRECTED])
def test_where_nothing_can_be_dialled_nothing_is_sent(
    tmp_path: Path, called: str, called_number: str, closed: str
) -> None:
    (tmp_path / "s.csv").write_text(f"called,desk\n{called},\n")
    peers = [{"name": "cloud", "outgoing": {"trunk": "cloud"}, "called_number": called_number}]
    carrier, table = {"accepts": ["redirect"]}, {"file": "s.csv"}
    stage = Stage(*examined(carrier=carrier, peers=peers, folder=str(tmp_path), services=table))
    step, following = explained(stage, called, "").steps
    assert (step.dial_peer, step.closed, step.sends, step.called, step.headers) == ("cloud", closed, (), "", ())
    assert (following.dial_peer, following.closed) == ("premise", "")


def test_where_all_targets_are_down_they_are_named_all_the_same() -> None:
    stage = stage_with(["redirect"])
    cloud = stage.router.routing.trunks["cloud"]
    for target in cloud.trunk.targets:
        cloud.hold(target, 20, stage.clock())
    assert len(first_step(stage, REDIRECTED).sends) == 3


@pytest.mark.parametrize("cloud", [{}, {"called_number": "9{called}"}])
def test_a_bridge_calls_where_a_call_goes(cloud: dict[str, str]) -> None:
    stage = stage_with([], refer_uri="sip:elsewhere@x", **cloud)
    step = first_step(stage, CLOUD_FIRST)
    caller = stage.carrier.calls(CLOUD_FIRST)
    caller.hears(100)
    assert step.sends[0] == f"INVITE {stage.cloud.is_called().invite.uri}"


@pytest.mark.parametrize(("called", "by"), [(REDIRECTED, "redirect"), (REFERRED, "refer")])
def test_what_is_bridged_instead_has_the_note_of_a_call(called: str, by: str) -> None:
    stage = stage_with([])
    step = first_step(stage, called)
    caller, callee = stage.ringing(called, stage.cloud)
    callee.refuses(486)
    caller.hears_refusal(486)
    assert (step.by, step.note) == ("bridge", f"bridged, since trunk carrier does not accept {by}")
    assert stage.record.reason.startswith(step.note)
    assert stage.record.decision is not None
    assert stage.record.decision.to[0] == Hop("cloud", by)  # type: ignore[arg-type]


# what is sent


def test_the_headers_are_those_that_a_call_sends() -> None:
    stage = Stage(
        configuration(
            carrier={"accepts": [], "identity": {"accept": True}},
            cloud={"correlation": {"headers": {"X-Edge-Called": "called"}}},
        )
    )
    asserted = "P-Asserted-Identity: <sip:+13125550177@carrier.example.com>"
    step = explained(stage, CLOUD_FIRST, CALLING, asserted, "Privacy: id").steps[0]
    stage.carrier.calls(CLOUD_FIRST, asserted, "Privacy: id").hears(100)
    invite = stage.cloud.is_called().invite
    shown = {name: value for name, _, value in (line.partition(": ") for line in step.headers)}
    sent = {name: re.sub(";tag=.*", "", invite.get(name)) for name in ("From", "To", "X-Edge-Called")}
    assert shown == sent
    assert shown["From"].startswith('"Anonymous"')
    assert step.called == CLOUD_FIRST


def test_numbers_are_followed_through_all_that_is_made_of_them() -> None:
    stage = Stage(
        configuration(
            translation_rules={"to-e164": [r"/^8/ /+18/"], "national": [r"/^\+1/ //"]},
            carrier={"translate": {"inbound": {"called": "to-e164"}}},
            premise={"translate": {"outbound": {"called": "national", "calling": "national"}}},
        )
    )
    found = explained(stage, PREMISE_ONLY.removeprefix("+1"))
    assert [(each.where, each.called) for each in found.numbers] == [
        ("as received", PREMISE_ONLY.removeprefix("+1")),
        ("inbound translation of trunk carrier", PREMISE_ONLY),
    ]
    step = found.steps[0]
    assert (step.calling, step.called) == (CALLING.removeprefix("+1"), PREMISE_ONLY.removeprefix("+1"))


# what a failure leads to


def test_a_failure_leads_where_a_call_goes() -> None:
    stage = Stage(configuration(carrier={"accepts": []}, cloud={"next_peer_on": ["5xx", "!503"], "hunt_on": ["486"]}))
    first, last = explained(stage, CLOUD_FIRST).steps
    assert [(each.failures, each.leads_to) for each in first.on_failure] == [
        ("486 at a target", "the next target of trunk cloud"),
        ("5xx but 503", "bridge to premise"),
        ("anything else", "the caller gets its code, 480 for 3xx, 403 for 401 and 407, 500 for 503, 408 for silence"),
    ]
    assert [each.failures for each in last.on_failure] == ["any failure"]
    heard = {}
    for code in (404, 500, 503, 401):
        caller = stage.carrier.calls(CLOUD_FIRST)
        caller.hears(100)
        stage.cloud.is_called().refuses(code)
        if code == 500:
            assert stage.premise.is_called().invite.uri == last.sends[0].removeprefix("INVITE ")
            continue
        final = caller.hears_refusal({401: 403, 503: 500}.get(code, code))
        heard[code] = final.code
    assert heard == {404: 404, 503: 500, 401: 403}


def test_a_redirected_call_goes_nowhere_else() -> None:
    stage = stage_with(["redirect"])
    first, *rest = explained(stage, REDIRECTED).steps
    assert [each.leads_to for each in first.on_failure] == ["nothing here: the caller's own network has taken the call"]
    assert [(step.note, step.on_failure) for step in rest] == [("only where cloud is not tried", ())] * len(rest)


def test_after_a_refer_calls_are_bridged() -> None:
    rules = [{"name": "both", "to": ["cloud", {"peer": "premise", "by": "refer"}], "by": "refer"}]
    first, second = explained(Stage(configuration(rules)), "+18005556000").steps
    assert (first.by, second.by) == ("refer", "bridge")
    assert second.note == "bridged, since the caller has been answered by then"
    assert [each.leads_to for each in first.on_failure] == ["bridge to premise"]


def test_what_is_down_is_put_off_and_bridged_in_the_end() -> None:
    stage = stage_with(["redirect"])
    cloud = stage.router.routing.trunks["cloud"]
    for target in cloud.trunk.targets:
        cloud.hold(target, 20, stage.clock())
    steps = explained(stage, REDIRECTED).steps
    assert [(step.dial_peer, step.by, step.closed) for step in steps] == [
        ("cloud", "redirect", "down"),
        ("premise", "bridge", ""),
        ("cloud", "bridge", ""),
    ]
    assert steps[2].note == "tried all the same when all else has failed, bridged"
    assert steps[0].on_failure == ()
    assert steps[1].on_failure[0].leads_to == "bridge to cloud"
    caller = stage.carrier.calls(REDIRECTED)
    caller.hears(100)
    stage.premise.is_called().refuses(500)
    assert stage.cloud.is_called().invite.uri == steps[2].sends[0].removeprefix("INVITE ")


def test_what_is_full_or_switched_off_is_said() -> None:
    stage = Stage(configuration(cloud={"limits": {"outbound": {"max_calls": 1}}}))
    routing = stage.router.routing
    routing.trunks["cloud"].admit_outbound(stage.clock())
    routing.ledger.switches.know({"trunk": ["premise"]})
    routing.ledger.switches.set("trunk", "premise", "off", "ops", 0.0)
    assert [step.closed for step in explained(stage, CLOUD_FIRST).steps] == ["full (max_calls)", "switched off"]


def test_also_the_last_resort_may_be_full() -> None:
    stage = Stage(configuration(door={"share": {"of": "cloud", "max_concurrent": 0}}))
    steps = explained(stage, CLOUD_FIRST).steps
    assert [(step.dial_peer, step.closed) for step in steps][-1] == ("cloud", "")
    stage = Stage(
        configuration(
            door={"share": {"of": "cloud", "max_concurrent": 0}}, cloud={"limits": {"outbound": {"max_calls": 0}}}
        )
    )
    steps = explained(stage, CLOUD_FIRST).steps
    assert [(step.dial_peer, step.closed) for step in steps][-1] == ("cloud", "full (max_calls)")
    assert steps[1].on_failure[-1].failures == "any failure"


def test_an_emergency_call_goes_on_after_any_failure() -> None:
    stage = Stage(configuration(emergency={"called": ["911"], "destinations": ["cloud", "premise"]}))
    first, last = explained(stage, "911").steps
    assert [(one.failures, one.leads_to) for one in first.on_failure] == [
        ("any failure at a target", "the next target of trunk cloud"),
        ("any failure", "bridge to premise"),
    ]
    assert [one.failures for one in last.on_failure] == ["any failure"]


def test_a_visit_and_a_share_are_said() -> None:
    stage = Stage(configuration(door={"revisit": False, "share": {"of": "cloud", "max_concurrent": 1}}))
    ledger, now = stage.router.routing.ledger, stage.clock()
    ledger.visits.note(identity_of("", CALLING, CLOUD_FIRST), "cloud", now)
    sent_on = "Diversion: <sip:1001@cloud.example>"
    assert explained(stage, CLOUD_FIRST, CALLING, sent_on).steps[0].closed == "visited"
    ledger.placed.placed("1", "door", "cloud", "cloud", (), "redirect", "+13125550111", (CLOUD_FIRST,), now)
    assert explained(stage, CLOUD_FIRST, "+13125550122").steps[0].closed == "over its share (max_concurrent 1)"


def test_a_call_in_a_circle_has_no_last_resort() -> None:
    stage = Stage(configuration(door={"revisit": False}))
    visits, now = stage.router.routing.ledger.visits, stage.clock()
    for peer in ("cloud", "premise", "cloud"):
        visits.note(identity_of("a" * 32, CALLING, CLOUD_FIRST), peer, now)
    session = f"Session-ID: {'a' * 32}"
    steps = explained(stage, CLOUD_FIRST, CALLING, session).steps
    assert [(step.dial_peer, step.closed) for step in steps] == [
        ("cloud", "visited twice"),
        ("premise", "visited"),
        ("premise", ""),
    ]
    visits.note(identity_of("a" * 32, CALLING, CLOUD_FIRST), "premise", now)
    steps = explained(stage, CLOUD_FIRST, CALLING, session).steps
    assert [(step.dial_peer, step.closed) for step in steps] == [
        ("cloud", "visited twice"),
        ("premise", "visited twice"),
    ]


# what rules say


def test_each_rule_has_its_condition_and_an_undecided_one_what_it_could_read_before() -> None:
    when = 'call.trunk == "carrier" &&\n  queue("Support").length < 3'
    rules = [{"name": "free", "when": when, "to": "cloud"}, {"name": "always", "to": "premise"}]
    found = explained(Stage(configuration(rules, state={"queues": {"Support": {"source": "pushed"}}})), CLOUD_FIRST)
    free, always, *_ = found.rules
    assert (free.verdict, free.when, free.values) == ("undecided", when, {"call.trunk": "carrier"})
    assert 'queue("Support")' in free.because
    assert (always.verdict, always.when) == ("held", "true")
    screen = StringIO()
    show(found, Console(file=screen, width=200, soft_wrap=True))
    lines = screen.getvalue().splitlines()
    place = lines.index(f'   undecided  free: {free.because}; call.trunk = "carrier"')
    assert lines[place + 1] == '              when call.trunk == "carrier" && queue("Support").length < 3'


# what decides before


def test_an_emergency_is_decided_before_all() -> None:
    stage = Stage(configuration(emergency={"called": ["911"], "destinations": ["premise"]}))
    found = explained(stage, "911")
    assert (found.decided_before, found.rule, found.method, found.rules) == ("emergency", "emergency", "bridge", ())
    assert found.reason == "emergency: bridge to premise, since an emergency call"


def test_a_policy_that_is_switched_off_is_said() -> None:
    stage = Stage(configuration())
    switches = stage.router.routing.ledger.switches
    switches.know({"policy": ["door"]})
    switches.set("policy", "door", "off", "ops", 0.0)
    found = explained(stage, CLOUD_FIRST)
    assert (found.decided_before, found.fallback) == ("switch", "otherwise")
    assert "is switched off" in found.reason


def test_the_reason_is_the_one_of_the_call_itself() -> None:
    stage = Stage(configuration())
    for called in (CLOUD_FIRST, REDIRECTED, REJECTED, UNKNOWN):
        found = explained(stage, called)
        stage.ear.records.clear()
        caller = stage.carrier.calls(called)
        if called == CLOUD_FIRST:
            caller.hears(100)
            stage.cloud.is_called()
            record = next(iter(stage.router.calls.values())).record
        else:
            record = stage.record
        assert record.decision is not None
        assert found.reason == record.decision.explain()
