from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from edge_router.b2bua.reports.events import Observer
from edge_router.telemetry.exposition import exposition
from edge_router.telemetry.metrics import Metrics
from edge_router.telemetry.readings import RouterReading, TrunkReading
from tests.telemetry.records import record, to_cloud

FAMILIES = {
    "calls_active": ("gauge", {"trunk", "direction"}),
    "calls_total": ("counter", {"trunk", "direction", "outcome"}),
    "decisions_total": ("counter", {"policy", "rule", "method", "target"}),
    "decision_seconds": ("histogram", set()),
    "setup_seconds": ("histogram", {"trunk"}),
    "failovers_total": ("counter", {"from", "to", "reason"}),
    "emergency_calls_begun_total": ("counter", {"trunk"}),
    "emergency_calls_total": ("counter", {"trunk", "outcome"}),
    "policy_fallback_total": ("counter", {"policy", "why"}),
    "sip_requests_total": ("counter", {"direction", "method", "trunk"}),
    "sip_responses_total": ("counter", {"direction", "method", "code", "trunk"}),
    "sip_retransmissions_total": ("counter", {"direction"}),
    "faults_total": ("counter", {"kind"}),  # besides the contract: our own faults, which cost no call
    "sip_rejected_total": ("counter", {"reason"}),
    "transactions": ("gauge", set()),
    "dialogs": ("gauge", set()),
    "trunk_up": ("gauge", {"trunk", "target"}),
    "state_age_seconds": ("gauge", {"queue"}),
    "build_info": ("gauge", {"version"}),
}


@pytest.fixture
def metrics() -> Metrics:
    return Metrics("1.2.3")


def text(metrics: Metrics) -> str:
    return b"".join(exposition(metrics)).decode()


def samples(metrics: Metrics, name: str) -> dict[tuple[str, ...], float]:
    """The values of one series name by their label values, in the order of the labels' names."""
    return {
        tuple(value for _, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text(metrics))
        for sample in family.samples
        if sample.name == f"edge_router_{name}"
    }


def busy(metrics: Metrics) -> Metrics:
    """Metrics that have seen one of everything."""
    call = record(decision=to_cloud(fallback="stale"), outcome="redirected", egress_trunk="cloud", ringing=1_000.25)
    observer: Observer = metrics
    observer.request("in", "INVITE", "carrier")
    observer.response("out", "INVITE", 302, "carrier")
    observer.rejected("unknown source")
    observer.decided(call, 0.00002)
    observer.failover("cloud", "premise", "503")
    observer.ringing(call)
    observer.ended(call)
    observer.emergency_began("carrier")
    observer.ended(record(emergency=True, outcome="answered"))
    metrics.read_router = lambda: RouterReading(5, 6, 7, 8, {"unsent datagram": 9})
    metrics.read_trunks = lambda: [TrunkReading("cloud", 1, 2, {"sip:127.0.0.14:5060": True, "sip:127.0.0.15": False})]
    metrics.read_state_ages = lambda: {"Support": 1.5}
    return metrics


# ------------------------------------------------------------------------------------------------ names


def families(exposed: str) -> Iterator[tuple[str, str]]:
    for line in exposed.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            yield name, kind


def test_families_are_those_of_the_contract_and_no_other(metrics: Metrics) -> None:
    expected = {f"edge_router_{name}": kind for name, (kind, _) in FAMILIES.items()}
    assert dict(families(text(metrics))) == expected
    listed = list(families(text(busy(metrics))))
    assert dict(listed) == expected
    assert len(listed) == len(expected)


@pytest.mark.parametrize(("name", "labels"), [(name, labels) for name, (_, labels) in FAMILIES.items()])
def test_labels_are_those_of_the_contract(metrics: Metrics, name: str, labels: set[str]) -> None:
    found = [
        set(sample.labels) - {"le"}
        for family in text_string_to_metric_families(text(busy(metrics)))
        if family.name.removesuffix("_total") == f"edge_router_{name}".removesuffix("_total")
        for sample in family.samples
    ]
    assert found
    assert all(has == labels for has in found)


def test_there_are_no_created_series(metrics: Metrics) -> None:
    assert "_created" not in text(busy(metrics))


# ------------------------------------------------------------------------------------------------ events


def test_requests_and_responses_are_counted(metrics: Metrics) -> None:
    for _ in range(3):
        metrics.request("in", "INVITE", "carrier")
    metrics.request("out", "INVITE", "cloud")
    metrics.response("in", "INVITE", 200, "cloud")
    metrics.response("in", "INVITE", 200, "cloud")
    assert samples(metrics, "sip_requests_total") == {("in", "INVITE", "carrier"): 3, ("out", "INVITE", "cloud"): 1}
    assert samples(metrics, "sip_responses_total") == {("200", "in", "INVITE", "cloud"): 2}


def test_rejections_and_failovers_are_counted_by_reason(metrics: Metrics) -> None:
    for reason in ("malformed", "malformed", "unknown source"):
        metrics.rejected(reason)
    metrics.failover("cloud", "premise", "503")
    metrics.failover("cloud", "premise", "503")
    assert samples(metrics, "sip_rejected_total") == {("malformed",): 2, ("unknown source",): 1}
    assert samples(metrics, "failovers_total") == {("cloud", "503", "premise"): 2}


def test_emergency_calls_are_counted_besides(metrics: Metrics) -> None:
    metrics.ended(record(outcome="answered"))
    for outcome in ("answered", "answered", "failed"):
        metrics.ended(record(emergency=True, outcome=outcome))
    assert samples(metrics, "emergency_calls_total") == {("answered", "carrier"): 2, ("failed", "carrier"): 1}
    assert sum(samples(metrics, "calls_total").values()) == 4


def test_emergency_calls_are_shown_before_there_are_any_and_those_that_were_refused(metrics: Metrics) -> None:
    metrics.read_trunks = lambda: [TrunkReading("carrier", 0, 0, {}, True), TrunkReading("cloud", 0, 0, {}, False)]
    none = {(how, "carrier"): 0 for how in ("answered", "cancelled", "failed", "interrupted", "refused")}
    assert samples(metrics, "emergency_calls_total") == none
    assert samples(metrics, "emergency_calls_begun_total") == {("carrier",): 0}
    metrics.emergency_began("carrier")
    assert samples(metrics, "emergency_calls_begun_total") == {("carrier",): 1}
    metrics.emergency_refused("carrier")
    metrics.ended(record(emergency=True, outcome="answered"))
    assert samples(metrics, "emergency_calls_total") == none | {("refused", "carrier"): 1, ("answered", "carrier"): 1}
    assert samples(metrics, "calls_total") == {("in", "answered", "carrier"): 1}


def test_a_decision_counts_where_the_call_goes_first(metrics: Metrics) -> None:
    metrics.decided(record(decision=to_cloud()), 0.00002)
    metrics.decided(record(decision=to_cloud(method="reject", rule="too busy", to=())), 0.5)
    assert samples(metrics, "decisions_total") == {
        ("redirect", "front-door", "cloud while its queue is empty", "cloud"): 1,
        ("reject", "front-door", "too busy", ""): 1,
    }
    assert samples(metrics, "policy_fallback_total") == {}
    buckets = samples(metrics, "decision_seconds_bucket")
    assert (buckets[("1e-05",)], buckets[("2.5e-05",)], buckets[("0.025",)], buckets[("+Inf",)]) == (0, 1, 1, 2)
    assert samples(metrics, "decision_seconds_count") == {(): 2}
    assert samples(metrics, "decision_seconds_sum")[()] == pytest.approx(0.50002)


def test_a_call_that_no_policy_decided_counts_its_time_alone(metrics: Metrics) -> None:
    metrics.decided(record(), 0.00002)
    assert samples(metrics, "decisions_total") == {}
    assert samples(metrics, "decision_seconds_count") == {(): 1}


@pytest.mark.parametrize("why", ["stale", "error", "otherwise"])
def test_fallbacks_are_counted_by_why(metrics: Metrics, why: str) -> None:
    metrics.decided(record(decision=to_cloud(fallback=why)), 0.00002)
    assert samples(metrics, "policy_fallback_total") == {("front-door", why): 1}


def test_setup_is_from_the_invite_to_the_first_ringing(metrics: Metrics) -> None:
    metrics.ringing(record(ringing=1_000.2, answer=1_009.0))
    assert samples(metrics, "setup_seconds_sum")[("carrier",)] == pytest.approx(0.2)
    assert samples(metrics, "setup_seconds_bucket")[("0.25", "carrier")] == 1
    assert samples(metrics, "setup_seconds_bucket")[("0.1", "carrier")] == 0


def test_setup_without_ringing_is_to_the_answer(metrics: Metrics) -> None:
    metrics.ringing(record(answer=1_003.0))
    assert samples(metrics, "setup_seconds_sum")[("carrier",)] == pytest.approx(3.0)


def test_a_call_counts_on_both_its_trunks(metrics: Metrics) -> None:
    metrics.ended(record(outcome="answered", egress_trunk="cloud"))
    metrics.ended(record(outcome="rejected"))
    assert samples(metrics, "calls_total") == {
        ("in", "answered", "carrier"): 1,
        ("out", "answered", "cloud"): 1,
        ("in", "rejected", "carrier"): 1,
    }


# ------------------------------------------------------------------------------------------------ readings


def test_states_are_read_at_scrape(metrics: Metrics) -> None:
    busy(metrics)
    assert samples(metrics, "calls_active") == {("in", "cloud"): 1, ("out", "cloud"): 2}
    assert samples(metrics, "trunk_up") == {("sip:127.0.0.14:5060", "cloud"): 1, ("sip:127.0.0.15", "cloud"): 0}
    assert samples(metrics, "transactions") == {(): 5}
    assert samples(metrics, "dialogs") == {(): 6}
    assert samples(metrics, "sip_retransmissions_total") == {("in",): 7, ("out",): 8}
    assert samples(metrics, "state_age_seconds") == {("Support",): 1.5}
    assert samples(metrics, "build_info") == {("1.2.3",): 1}
    metrics.read_router = RouterReading
    assert samples(metrics, "transactions") == {(): 0}


# ------------------------------------------------------------------------------------------------ strangers


def test_hostile_methods_and_codes_are_one_series(metrics: Metrics) -> None:
    for number in range(1_000):
        metrics.request("in", f"EVIL{number}", "")
        metrics.response("in", f"EVIL{number}", 10_000 + number, "carrier")
    assert samples(metrics, "sip_requests_total") == {("in", "other", ""): 1_000}
    assert samples(metrics, "sip_responses_total") == {("other", "in", "other", "carrier"): 1_000}


def test_reasons_are_bounded_and_none_is_lost(metrics: Metrics) -> None:
    for number in range(1_000):
        metrics.rejected(f"reason {number}")
        metrics.failover("cloud", "premise", f"reason {number}")
    for name in ("sip_rejected_total", "failovers_total"):
        found = samples(metrics, name)
        assert len(found) <= 65
        assert sum(found.values()) == 1_000


def test_a_known_method_with_a_hostile_code_keeps_its_name(metrics: Metrics) -> None:
    metrics.response("in", "INVITE", 7, "cloud")
    assert samples(metrics, "sip_responses_total") == {("other", "in", "INVITE", "cloud"): 1}


def test_label_values_are_escaped(metrics: Metrics) -> None:
    metrics.decided(record(decision=to_cloud(rule='a "quoted"\nrule\\')), 0.00002)
    [labels] = samples(metrics, "decisions_total")
    assert labels == ("redirect", "front-door", 'a "quoted"\nrule\\', "cloud")
