"""Running it: readiness, metrics, reload, drain, and starts that must not be."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.block import Block
from tests.end_to_end.configuration import front_door
from tests.end_to_end.probe import probe, probed
from tests.end_to_end.site import OwnSite, Site
from tests.end_to_end.waiting import until

NUMBER = "+1800555"

# ------------------------------------------------------------------------------------------------ reload


def test_a_reload_is_for_new_calls(own_site: OwnSite) -> None:
    site = own_site(probe(404))
    caller = site.caller(NUMBER)
    callee = site.answered(caller, site.premise)
    ringing = site.caller(NUMBER)
    later = site.ringing(ringing, site.premise)
    site.router.configure(front_door(site.block, [probe(480), {"name": "closed", "reject": 603}]))
    until(lambda: probed(site) == 480, "the new configuration")
    refused = site.caller(NUMBER)
    refused.invite()
    site.refused(refused, 603)
    assert site.router.metric("calls_active", trunk="carrier", direction="in") == 2
    site.connects(ringing, later)
    site.ends(ringing, later)
    site.ends(callee, caller)
    site.idle()


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        ("node: edge\n  listen: [}\n", "edge-router.yaml:2:"),
        ("node: edge\nlisten: []\nfrobnicate: 1\n", "frobnicate"),
        ("", "edge-router.yaml"),
    ],
    ids=["not YAML", "unknown key", "empty"],
)
def test_a_broken_configuration_never_replaces_a_running_one(own_site: OwnSite, broken: str, says: str) -> None:
    site = own_site()
    caller = site.caller(NUMBER)
    callee = site.answered(caller, site.premise)
    site.router.configure(broken)
    until(lambda: says in site.router.stderr, "the fault to be named")
    another = site.caller(NUMBER)
    site.ends(another, site.answered(another, site.premise))
    site.ends(caller, callee)
    site.router.check_health()


def test_a_reload_with_a_faulty_table_keeps_the_one_in_force(own_site: OwnSite) -> None:
    site = own_site(probe(404))
    rules = [
        {"name": "of ann", "when": 'call.service.owner == "ann"', "reject": 480},
        {"name": "of bob", "when": 'call.service.owner == "bob"', "reject": 486},
    ]
    with_table = front_door(site.block, rules, services={"file": "services.csv"})
    table = site.router.file.with_name("services.csv")
    table.write_text("called,owner\n+1999....,ann\n")
    site.router.configure(with_table)
    until(lambda: "reloaded " in site.router.stderr, "the reload")
    assert probed(site) == 480
    table.write_text("called,owner,policy\n+1999....,bob,front-dor\n")
    site.router.send(signal.SIGHUP)
    until(lambda: "not reloaded: " in site.router.stderr, "the fault to be named")
    assert '\\"services.csv\\" line 2, policy: ' in site.router.stderr
    assert probed(site) == 480
    table.write_text("called,owner\n+1999....,bob\n")
    site.router.send(signal.SIGHUP)
    until(lambda: probed(site) == 486, "the reload after the file is put right")
    site.router.check_health()


def test_a_pipe_in_place_of_a_table_holds_up_neither_reloads_nor_the_end(own_site: OwnSite) -> None:
    site = own_site(probe(404))
    table = site.router.file.with_name("services.csv")
    os.mkfifo(table)
    site.router.configure(front_door(site.block, [probe(480)], services={"file": "services.csv"}))
    until(lambda: "it is a named pipe; name a file" in site.router.stderr, "the fault to be named")
    assert probed(site) == 404
    table.unlink()
    table.write_text("called,owner\n")
    site.router.send(signal.SIGHUP)
    until(lambda: probed(site) == 480, "the reload after the file is put right")
    site.router.send(signal.SIGTERM)
    assert site.router.wait_for_end() == 0


def test_a_reload_cannot_move_the_listeners(own_site: OwnSite) -> None:
    """It says so, and changes nothing at all: the rule that came with the new address is not in force either."""
    site = own_site(probe(404))
    moved = front_door(site.block, [probe(480)]).replace(":5060\n", ":5070\n", 1)
    site.router.configure(moved)
    until(lambda: "listen: can't change" in site.router.stderr, "the fault to be named")
    assert probed(site) == 404
    site.router.check_health()


def test_a_reload_changes_how_it_logs_and_tells_of_doubts(own_site: OwnSite) -> None:
    site = own_site()
    site.router.configure(front_door(site.block, [{"name": "never", "reject": 503}], log={"format": "text"}))
    until(lambda: " reloaded " in site.router.stderr, "the reload")
    doubt, reloaded = site.router.stderr.splitlines()[-2:]
    assert not reloaded.startswith("{")
    assert json.loads(doubt)["level"] == "warning"
    assert "policies.front-door.rules[0].reject: warning: 503 tells the carrier" in doubt


def test_counts_and_health_go_over_to_the_new_configuration(own_site: OwnSite) -> None:
    settings: dict[str, Any] = {"premise": {"limits": {"max_calls": 1}}, "otherwise": {"to": ["premise", "cloud"]}}
    site = own_site(probe(404), **settings)
    caller = site.caller(NUMBER)
    callee = site.answered(caller, site.premise)
    site.router.configure(front_door(site.block, [probe(480)], **settings))
    until(lambda: probed(site) == 480, "the new configuration")
    second = site.caller(NUMBER)
    site.ends(second, site.answered(second, site.cloud))
    site.ends(caller, callee)
    third = site.caller(NUMBER)
    site.ends(third, site.answered(third, site.premise))


# ------------------------------------------------------------------------------------------------ drain


def draining(site: Site) -> bool:
    return site.router.get("/readyz")[0] == 503


def test_drain_takes_no_new_calls_and_keeps_those_in_progress(own_site: OwnSite) -> None:
    site = own_site()
    caller = site.caller(NUMBER)
    callee = site.answered(caller, site.premise)
    ringing = site.caller(NUMBER)
    later = site.ringing(ringing, site.premise)
    site.router.send(signal.SIGTERM)
    until(lambda: draining(site), "/readyz to say 503")
    assert site.router.get("/healthz")[0] == 200
    refused = site.caller(NUMBER)
    refused.invite()
    final = site.refused(refused, 503)
    assert int(final.get("Retry-After")) > 0
    ping = site.caller(NUMBER)
    ping.send(ping.request("OPTIONS"))
    assert ping.expect_final("OPTIONS").code == 503
    site.connects(ringing, later)
    site.ends(caller, callee)
    assert draining(site)
    site.ends(later, ringing)
    assert site.router.wait_for_end() == 0


def test_told_twice_it_ends_the_calls_in_progress_too(own_site: OwnSite) -> None:
    site = own_site()
    caller = site.caller(NUMBER)
    callee = site.answered(caller, site.premise)
    ringing = site.caller(NUMBER)
    later = site.ringing(ringing, site.premise)
    site.router.send(signal.SIGTERM)
    until(lambda: draining(site), "/readyz to say 503")
    site.router.send(signal.SIGTERM)
    caller.hears_of_end()
    callee.hears_of_end()
    assert ringing.expect_final().code >= 500
    later.reply(later.expect("CANCEL"), 200)
    later.answer(487)
    later.expect("ACK")
    assert site.router.wait_for_end() == 0


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_an_idle_router_ends_at_once(own_site: OwnSite, sign: signal.Signals) -> None:
    site = own_site()
    site.router.send(sign)
    assert site.router.wait_for_end() == 0


def test_it_ends_although_a_thread_does_not(tmp_path: Path, block: Block) -> None:
    """As one does that waits for a disk that is gone."""
    file = tmp_path / "edge-router.yaml"
    file.write_text(front_door(block))
    program = (
        "import sys, threading; from edge_router.app import run\n"
        "threading.Thread(target=threading.Event().wait).start(); sys.exit(run(sys.argv[1]))"
    )
    with subprocess.Popen([sys.executable, "-c", program, str(file)], stderr=subprocess.PIPE, text=True) as process:
        try:
            stderr = process.stderr
            assert stderr is not None
            until(lambda: "is ready" in stderr.readline(), "the router to be ready")
            process.send_signal(signal.SIGTERM)
            _, said = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 1
    assert "edge-router: something doesn't end" in said


# ------------------------------------------------------------------------------------------------ metrics


def test_metrics_tell_of_calls_decisions_and_messages(own_site: OwnSite) -> None:
    site = own_site({"name": "closed", "when": 'call.called.startsWith("+1999")', "reject": 480})
    caller = site.caller(NUMBER)
    callee = site.answered(caller, site.premise)
    router = site.router
    assert router.metric("calls_active", trunk="carrier", direction="in") == 1
    assert router.metric("calls_active", trunk="premise", direction="out") == 1
    assert router.metric("dialogs") == 2
    site.ends(caller, callee)
    closed = site.caller("+1999")
    closed.invite()
    site.refused(closed, 480)
    site.idle()
    assert router.metric("dialogs") == 0
    assert router.metric("calls_total", trunk="carrier", direction="in", outcome="answered") == 1
    assert router.metric("calls_total", trunk="premise", direction="out", outcome="answered") == 1
    assert router.metric("calls_total", trunk="carrier", direction="in", outcome="rejected") == 1
    assert (
        router.metric("decisions_total", policy="front-door", rule="otherwise", method="bridge", target="premise") == 1
    )
    assert router.metric("decisions_total", policy="front-door", rule="closed", method="reject") == 1
    assert router.metric("setup_seconds_count", trunk="carrier") == 1
    assert router.metric("decision_seconds_count") == 2
    assert router.metric("sip_requests_total", direction="in", method="INVITE", trunk="carrier") == 2
    assert router.metric("sip_requests_total", direction="out", method="INVITE", trunk="premise") == 1
    assert router.metric("sip_responses_total", direction="out", method="INVITE", code="480", trunk="carrier") == 1
    assert router.metric("sip_responses_total", direction="in", method="INVITE", code="200", trunk="premise") == 1
    assert router.metric("trunk_up", trunk="premise") == 1
    assert router.metric("build_info") == 1


def test_retransmissions_are_counted_apart(own_site: OwnSite) -> None:
    site = own_site()
    caller = site.caller(NUMBER)
    invite = caller.invite()
    callee = site.callee(site.premise, caller)
    callee.answer(180)
    caller.expect(180)
    caller.send(invite)
    caller.expect(180)
    assert site.router.metric("sip_requests_total", direction="in", method="INVITE", trunk="carrier") == 1
    assert site.router.metric("sip_retransmissions_total", direction="in") == 1


# ------------------------------------------------------------------------------------------------ starts


def run(file: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "edge_router", "run", "-c", str(file)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_run_refuses_a_broken_configuration(tmp_path: Path, block: Block) -> None:
    file = tmp_path / "edge-router.yaml"
    file.write_text(front_door(block, [{"name": "typo", "when": "call.caled == ''", "to": "premisse"}]))
    ended = run(file)
    assert ended.returncode == 2
    faults = [line for line in ended.stderr.splitlines() if line.startswith(f"{file}:")]
    assert len(faults) >= 2
    assert any("premisse" in line and "premise" in line for line in faults)
    assert any("caled" in line and "called" in line for line in faults)
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("taken", ["SIP", "HTTP"])
def test_run_says_which_address_is_taken(tmp_path: Path, own_site: OwnSite, taken: str) -> None:
    site = own_site()
    file = tmp_path / "second.yaml"
    host, port = site.block.http if taken == "HTTP" else site.block.router
    text = front_door(site.block)
    other = {"HTTP": (":5060", ":5070"), "SIP": (":8080", ":8081")}[taken]
    file.write_text(text.replace(f"{site.block.router[0]}{other[0]}", f"{site.block.router[0]}{other[1]}"))
    ended = run(file)
    assert ended.returncode == 1
    assert f"{host}:{port}" in ended.stderr
    assert "Traceback" not in ended.stderr
    site.router.check_health()


def test_with_a_trunk_that_is_down_it_is_ready_but_degraded(own_site: OwnSite) -> None:
    site = own_site(otherwise={"to": ["premise"]})
    assert json.loads(site.router.get("/readyz")[1])["degraded"] is False
    for _ in range(3):
        caller = site.caller(NUMBER)
        caller.invite()
        site.callee(site.premise, caller).answer(503)
        caller.expect_final()
    status, body = site.router.get("/readyz")
    assert status == 200
    assert (json.loads(body)["degraded"], json.loads(body)["reason"]) == (True, "down: premise")


def test_emergency_calls_are_shown_as_soon_as_they_may_come(own_site: OwnSite) -> None:
    """Before the first: an alarm on an increase would miss it otherwise."""
    site = own_site()
    assert "emergency_calls_total" not in site.router.metrics()
    site.router.configure(front_door(site.block, emergency={"called": ["911"], "destinations": ["premise"]}))
    until(lambda: "emergency_calls_total" in site.router.metrics(), "the series of emergency calls")
    shown = site.router.metrics()["emergency_calls_total"]
    assert ({"trunk": "carrier", "outcome": "refused"}, 0) in shown
    assert sum(value for _, value in shown) == 0
