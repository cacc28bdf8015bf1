"""Live state on the wire: a simulated contact centre, its webhooks, and calls that turn with it."""

import json
import signal
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_router import __version__
from edge_router.http.description import description
from tests.end_to_end.block import Block
from tests.end_to_end.configuration import front_door
from tests.end_to_end.router_process import StartRouter
from tests.end_to_end.simulator_process import SimulatorProcess, running_simulator
from tests.end_to_end.site import OwnSite, Site
from tests.end_to_end.waiting import until

NUMBER = "+1800555"
DESCRIPTION = description(__version__)


@pytest.fixture
def cloud(block: Block, tmp_path: Path) -> Iterator[SimulatorProcess]:
    with running_simulator(block, tmp_path) as simulator:
        yield simulator


def rule(queue: str) -> dict[str, object]:
    return {"name": "nobody waits", "when": f'queue("{queue}").length == 0', "to": "cloud"}


def length(site: Site, queue: str) -> int | None:
    status, text = site.router.get(f"/v1/queues/{queue.replace(' ', '%20')}")
    found = json.loads(text)
    return found["length"] if status == 200 and found["fresh"] else None


def readiness(site: Site) -> dict[str, object]:
    status, text = site.router.get("/readyz")
    assert status == 200
    found: dict[str, object] = json.loads(text)
    return found


def test_calls_turn_with_the_queue(own_site: OwnSite, cloud: SimulatorProcess) -> None:
    queue = cloud.queue
    site = own_site(rule(queue), state=cloud.state())
    until(lambda: length(site, queue) == 0, "the seed")
    until(lambda: site.router.metric("webex_requests_total", operation="create-subscription") >= 2, "subscriptions")
    caller = site.caller(NUMBER)
    site.ends(caller, site.answered(caller, site.cloud))

    waiting = cloud.calls(queue, 3)
    until(lambda: length(site, queue) == 3, "three who wait, by events")
    assert site.router.metric("state_events_total", type="task:parked", result="applied") == 3
    caller = site.caller(NUMBER)
    site.ends(caller, site.answered(caller, site.premise))

    for task in waiting:
        cloud.ask("DELETE", f"calls/{task}")
    until(lambda: length(site, queue) == 0, "nobody who waits, by events")
    caller = site.caller(NUMBER)
    site.ends(caller, site.answered(caller, site.cloud))


def test_without_the_cloud_calls_go_to_the_premise_and_the_reason_is_told(
    own_site: OwnSite, cloud: SimulatorProcess
) -> None:
    queue = cloud.queue
    cloud.ask("POST", "faults", {"answers": [{"path": "", "status": 500}]})
    site = own_site(rule(queue), state=cloud.state())
    caller = site.caller(NUMBER)
    site.ends(caller, site.answered(caller, site.premise))
    assert site.router.metric("policy_fallback_total", policy="front-door", why="stale") == 1
    cloud.ask("DELETE", "faults")
    until(lambda: length(site, queue) == 0, "recovery without a restart", within=60)
    caller = site.caller(NUMBER)
    site.ends(caller, site.answered(caller, site.cloud))


def test_a_queue_that_a_rule_names_and_nobody_knows(own_site: OwnSite, cloud: SimulatorProcess) -> None:
    site = own_site(rule("Nowhere"), state=cloud.state())
    until(lambda: readiness(site)["degraded"], "degraded")
    until(lambda: "no queue is called Nowhere" in str(readiness(site)["reason"]), "its reason")
    assert site.router.metrics()["state_unknown"] == [({"kind": "queue", "name": "Nowhere"}, 1)]
    caller = site.caller(NUMBER)
    site.ends(caller, site.answered(caller, site.premise))


def test_a_team_that_a_rule_or_a_latch_names_and_nobody_knows(own_site: OwnSite, cloud: SimulatorProcess) -> None:
    known = next(iter(cloud.ask("GET", "truth")["teams"].values()))["name"]
    when = f'team("Nowhere").available > 0 || team("{known}").available > 0 || latch("full")'
    latch = {"set": 'team("Nobody").signed_on > 9', "clear": 'queue("Nothing").length < 3'}
    rules = {"name": "of a team", "when": when, "to": "cloud"}
    site = own_site(rules, state=cloud.state(), latches={"full": latch})
    until(lambda: "no team is called Nowhere" in str(readiness(site)["reason"]), "the reason")
    assert [labels for labels, _ in site.router.metrics()["state_unknown"]] == [
        {"kind": "queue", "name": "Nothing"},
        {"kind": "team", "name": "Nobody"},
        {"kind": "team", "name": "Nowhere"},
    ]
    caller = site.caller(NUMBER)
    site.ends(caller, site.answered(caller, site.premise))


def test_a_queue_that_a_row_of_the_services_names_and_nobody_knows(
    own_site: OwnSite, cloud: SimulatorProcess, block: Block
) -> None:
    state = cloud.state()
    site = own_site(rule(cloud.queue), state=state)
    site.router.file.with_name("services.csv").write_text(f"called,queue\n+1800555....,Nowhere\n+1900,{cloud.queue}\n")
    site.router.configure(front_door(block, [rule(cloud.queue)], state=state, services={"file": "services.csv"}))
    until(lambda: "no queue is called Nowhere, which the table" in str(readiness(site)["reason"]), "its reason")
    assert site.router.metrics()["state_unknown"] == [({"kind": "queue", "name": "Nowhere"}, 1)]


def test_webhooks_at_an_address_of_their_own(own_site: OwnSite, cloud: SimulatorProcess, block: Block) -> None:
    queue = cloud.queue
    state = cloud.state()
    state["webex"]["webhook"]["url"] = f"http://{block.host(21)}:8443/webhooks/webex"
    http = {"address": "{}:{}".format(*block.http), "webhook_address": f"{block.host(21)}:8443"}
    site = own_site(rule(queue), state=state, http=http)
    until(lambda: length(site, queue) == 0, "the seed")
    until(lambda: site.router.metric("webex_requests_total", operation="create-subscription") >= 2, "subscriptions")
    cloud.calls(queue, 1)
    until(lambda: length(site, queue) == 1, "one who waits, by events")
    assert site.router.get("/webhooks/webex")[0] == 404
    for path in ("/", *DESCRIPTION["paths"], "/v1/openapi.json", "/metrics"):
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"http://{block.host(21)}:8443{path.replace('{name}', queue)}", timeout=10)


def test_a_cloud_that_fails_is_said_until_it_works_again(own_site: OwnSite, cloud: SimulatorProcess) -> None:
    queue = cloud.queue
    site = own_site(rule(queue), state=cloud.state(confirm_every="1s"))
    until(lambda: length(site, queue) == 0, "the seed")
    until(lambda: not readiness(site)["degraded"], "nothing to be missing")
    cloud.ask("POST", "faults", {"answers": [{"path": "", "status": 500}]})
    until(lambda: readiness(site)["degraded"], "degraded", within=60)
    assert readiness(site)["reason"]
    cloud.ask("DELETE", "faults")
    until(lambda: not readiness(site)["degraded"], "nothing to be missing any more", within=60)
    assert readiness(site)["reason"] == ""


def test_what_a_lost_event_leaves_wrong_is_corrected_and_counted(own_site: OwnSite, cloud: SimulatorProcess) -> None:
    queue = cloud.queue
    site = own_site(rule(queue), state=cloud.state(confirm_every="1s"))
    until(lambda: length(site, queue) == 0, "the seed")
    until(lambda: site.router.metric("webex_requests_total", operation="create-subscription") >= 2, "subscriptions")
    cloud.ask("POST", "faults", {"lost": 1.0})
    before = site.router.metric("state_corrections_total")
    cloud.calls(queue, 2)
    until(lambda: length(site, queue) == 2, "two who wait, by asking", within=60)
    assert site.router.metric("state_corrections_total") >= before + 2
    assert site.router.metric("state_events_total", type="task:parked") == 0


def test_after_a_restart_the_last_picture_is_shown_but_not_relied_on(
    own_site: OwnSite, cloud: SimulatorProcess, start_router: StartRouter
) -> None:
    queue = cloud.queue
    site = own_site(rule(queue), state=cloud.state())
    until(lambda: length(site, queue) == 0, "the seed")
    site.router.send(signal.SIGTERM)
    site.router.wait_for_end()
    site.close()
    cloud.ask("POST", "faults", {"answers": [{"path": "", "status": 500}]})
    again = Site(start_router(site.router.file.read_text()))
    shown = json.loads(again.router.get(f"/v1/queues/{queue}")[1])
    assert (shown["name"], shown["source"], shown["fresh"]) == (queue, "stored", False)
    caller = again.caller(NUMBER)
    again.ends(caller, again.answered(caller, again.premise))
    assert again.router.metric("policy_fallback_total", policy="front-door", why="stale") == 1
    again.close()


def test_who_listens_hears_of_decisions(own_site: OwnSite, cloud: SimulatorProcess, block: Block) -> None:
    queue = cloud.queue
    site = own_site(rule(queue), state=cloud.state())
    until(lambda: length(site, queue) == 0, "the seed")
    with urllib.request.urlopen("http://{}:{}/v1/events".format(*block.http), timeout=15) as events:
        while not events.readline().startswith(b"data:"):  # the beginning: he listens
            pass
        caller = site.caller(NUMBER)
        site.ends(caller, site.answered(caller, site.cloud))
        while events.readline() != b"event: decision\n":
            pass
        found = json.loads(events.readline().removeprefix(b"data:"))
    assert (found["called"], found["rule"], found["to"]) == (caller.called, "nobody waits", ["cloud"])
    assert found["values"] == {f'queue("{queue}").length': 0}
