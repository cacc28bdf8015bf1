"""What `route` says would be done, beside what is done with a call."""

import pytest

from edge_router.explain import Explanation, explain
from edge_router.explain_steps import Step
from edge_router.policy.decision import Hop
from edge_router.route_question import imagined
from tests.b2bua.stage import CLOUD_FIRST, DIAL_PEERS, REDIRECTED, REFERRED, Settings, Stage, configuration

CALLING = "+13125550199"


def stage_with(accepts: list[str], **cloud: str) -> Stage:
    peers: list[Settings] = [{**peer, **(cloud if peer["name"] == "cloud" else {})} for peer in DIAL_PEERS]
    return Stage(configuration(carrier={"accepts": accepts}, dial_peers=peers))


def explained(stage: Stage, called: str, calling: str = CALLING, *headers: str) -> Explanation:
    routing = stage.router.routing
    incoming = imagined(routing.trunks["carrier"].trunk, calling, called, headers)
    return explain(routing, incoming, "pstn", {"pstn": stage.line}, stage.clock())


def first_step(stage: Stage, called: str) -> Step:
    return explained(stage, called).steps[0]


@pytest.mark.parametrize("cloud", [{}, {"called_number": "9{called}"}, {"refer_uri": "sip:{called}@x;from={calling}"}])
def test_a_redirect_has_the_contacts_that_a_call_gets(cloud: dict[str, str]) -> None:
    stage = stage_with(["redirect"], **cloud)
    step = first_step(stage, REDIRECTED)
    refusal = stage.carrier.calls(REDIRECTED).hears_refusal(302)
    assert step.sends == ("302 Moved Temporarily", *(f"Contact: {value}" for value in refusal.all("Contact")))


def test_who_has_no_number_leaves_the_user_part_out() -> None:
    stage = stage_with([], called_number="{calling}")
    step = explained(stage, CLOUD_FIRST, "").steps[0]
    assert step.sends == ("INVITE sip:198.51.100.21:5060", "INVITE sip:198.51.100.22:5060")


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
