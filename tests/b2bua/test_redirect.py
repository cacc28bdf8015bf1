"""Redirecting: a 302 that names where to call instead, and no outgoing leg."""

import pytest

from edge_router.b2bua.set_up.redirect import contact_lines
from tests.b2bua.conftest import OpenStage
from tests.b2bua.stage import DIAL_PEERS, REDIRECTED, Stage


def with_cloud(**settings: str) -> list[dict[str, object]]:
    return [{**peer, **settings} if peer["name"] == "cloud" else dict(peer) for peer in DIAL_PEERS]


def test_the_targets_are_named_best_first(stage: Stage) -> None:
    caller = stage.carrier.calls(REDIRECTED)
    refusal = caller.hears_refusal(302)
    assert refusal.all("Contact") == [
        f"<sip:{REDIRECTED}@198.51.100.21:5060>;q=1.0",
        f"<sip:{REDIRECTED}@198.51.100.22:5060>;q=0.9",
    ]
    record = stage.record
    assert (record.outcome, record.method, record.code, record.ended_by) == ("redirected", "redirect", 302, "router")
    assert (record.dial_peer_out, record.egress_trunk, record.attempts) == ("cloud", "cloud", ())


def test_after_ten_targets_the_others_are_equally_bad() -> None:
    """A q-value has 0 to 1 (RFC 3261 §20.10)."""
    values = [line.rpartition(";q=")[2] for line in contact_lines(["sip:h"] * 13)]
    assert values == ["1.0", "0.9", "0.8", "0.7", "0.6", "0.5", "0.4", "0.3", "0.2", "0.1", "0.0", "0.0", "0.0"]


def test_refer_uri_takes_their_place(open_stage: OpenStage) -> None:
    stage = open_stage(dial_peers=with_cloud(refer_uri="sip:{called}@carrier.example;user=phone;from={calling}"))
    caller = stage.carrier.calls(REDIRECTED)
    uri = f"sip:{REDIRECTED}@carrier.example;user=phone;from=+13125550199"
    assert caller.hears_refusal(302).all("Contact") == [f"<{uri}>;q=1.0"]
    assert stage.record.target == uri


def test_called_number_is_what_to_call_there(open_stage: OpenStage) -> None:
    stage = open_stage(dial_peers=with_cloud(called_number="9{called}"))
    caller = stage.carrier.calls(REDIRECTED)
    assert caller.hears_refusal(302).get("Contact") == f"<sip:9{REDIRECTED}@198.51.100.21:5060>;q=1.0"


def test_a_target_that_is_held_is_not_named(stage: Stage) -> None:
    trunk = stage.router.routing.trunks["cloud"]
    trunk.hold(trunk.trunk.targets[0], 20, stage.clock())
    caller = stage.carrier.calls(REDIRECTED)
    assert caller.hears_refusal(302).all("Contact") == [f"<sip:{REDIRECTED}@198.51.100.22:5060>;q=1.0"]


@pytest.mark.parametrize("accepts", [[], ["refer"]])
def test_a_caller_who_takes_no_redirect_is_bridged(open_stage: OpenStage, accepts: list[str]) -> None:
    stage = open_stage(carrier={"accepts": accepts})
    caller, callee = stage.connected(REDIRECTED, stage.cloud)
    caller.hangs_up()
    callee.is_hung_up()
    assert stage.record.method == "bridge"
    assert stage.record.reason == "bridged, since trunk carrier does not accept redirect"


def test_what_is_redirected_there_counts_as_sent_there(stage: Stage) -> None:
    for _ in range(3):
        stage.carrier.calls(REDIRECTED).hears_refusal(302)
    assert stage.router.routing.trunks["cloud"].sent(60) == 3
