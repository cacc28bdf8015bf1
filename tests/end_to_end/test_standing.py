"""What stands over restarts and reloads, and what is on its way to the cloud: the real process, real files."""

import json
import signal
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.block import Block
from tests.end_to_end.router_process import StartRouter
from tests.end_to_end.simulator_process import SimulatorProcess, running_simulator
from tests.end_to_end.site import OwnSite, Site
from tests.end_to_end.waiting import until

NUMBER = "+1800555"
PUSHED: dict[str, Any] = {"queues": {"Support": {"source": "pushed"}}}
LATCH = {"set": 'queue("Support").length > 5', "clear": 'queue("Support").length < 3'}


@pytest.fixture
def cloud(block: Block, tmp_path: Path) -> Iterator[SimulatorProcess]:
    with running_simulator(block, tmp_path) as simulator:
        yield simulator


def push(site: Site, **values: Any) -> None:
    url = "http://{}:{}/v1/queues/Support".format(*site.block.http)
    request = urllib.request.Request(url, json.dumps(values).encode(), method="PUT")
    request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 200


def queue(site: Site, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(site.router.get(f"/v1/queues/{name.replace(' ', '%20')}")[1])
    return found


def test_a_latch_turns_calls_and_outlives_reload_and_restart(own_site: OwnSite, start_router: StartRouter) -> None:
    rule = {"name": "full", "when": 'latch("full")', "to": "cloud", "by": "redirect"}
    site = own_site(rule, state=PUSHED, latches={"full": LATCH})
    push(site, length=0)
    caller = site.caller(NUMBER)
    site.ends(caller, site.answered(caller, site.premise))
    push(site, length=6)
    until(lambda: site.router.metric("latch") == 1, "the latch, set")
    push(site, length=4)
    caller = site.caller(NUMBER)
    caller.invite()
    site.refused(caller, 302)

    site.router.send(signal.SIGHUP)
    until(lambda: "reloaded" in site.router.stderr, "the reload")
    assert site.router.metric("latch") == 1
    site.router.send(signal.SIGTERM)
    site.router.wait_for_end()
    site.close()

    again = Site(start_router(site.router.file.read_text()))
    assert again.router.metric("latch") == 1
    push(again, length=2)
    until(lambda: again.router.metric("latch") == 0, "the latch, cleared")
    caller = again.caller(NUMBER)
    again.ends(caller, again.answered(caller, again.premise))
    again.close()


def test_a_latch_that_cannot_be_told_any_more_decides_no_call(own_site: OwnSite) -> None:
    rule = {"name": "full", "when": 'latch("full")', "to": "cloud", "by": "redirect"}
    site = own_site(rule, state=PUSHED | {"stale_after": "1s"}, latches={"full": LATCH})
    push(site, length=6)
    until(lambda: site.router.metric("latch") == 1, "the latch, set")
    until(lambda: site.router.metric("latch_undecided") == 1, "the latch, lost")
    assert site.router.metric("latch") == 1
    caller = site.caller(NUMBER)
    site.ends(caller, site.answered(caller, site.premise))
    assert site.router.metric("policy_fallback_total", policy="front-door", why="stale") == 1
    ready = json.loads(site.router.get("/readyz")[1])
    assert ready["degraded"] is True
    assert ready["reason"].startswith('latch full can\'t be told: queue("Support") is ')
    until(lambda: "can't be told (it was on)" in site.router.stderr, "the log")
    assert site.router.stderr.count("can't be told (it was on)") == 1

    def known_again() -> bool:
        push(site, length=6)
        return site.router.metric("latch_undecided") == 0 and not json.loads(site.router.get("/readyz")[1])["degraded"]

    until(known_again, "the latch, told again")


def test_what_was_sent_to_the_cloud_is_expected_there_until_the_cloud_shows_it(
    own_site: OwnSite, cloud: SimulatorProcess
) -> None:
    name = cloud.queue
    rule = {"name": "nobody", "when": f'queue("{name}").expected == 0', "to": "cloud", "by": "redirect"}
    site = own_site(rule, state=cloud.state())
    until(lambda: queue(site, name).get("fresh"), "the seed")
    until(lambda: site.router.metric("webex_requests_total", operation="create-subscription") >= 2, "subscriptions")
    sent = site.caller(NUMBER, calling="+13125550199")
    sent.invite()
    site.refused(sent, 302)
    assert (queue(site, name)["length"], queue(site, name)["expected"]) == (0, 1)
    assert site.router.metric("expected_calls") == 1
    caller = site.caller(NUMBER, calling="+13125550198")
    site.ends(caller, site.answered(caller, site.premise))

    cloud.ask("POST", "agents", {"state": "idle"})
    there = {"queue": name, "count": 1, "calling": "+13125550199", "called": sent.called}
    (task,) = cloud.ask("POST", "calls", there)["tasks"]
    until(lambda: queue(site, name)["length"] == 1, "the cloud's event")
    assert queue(site, name)["expected"] == 1  # it is one and the same call
    assert site.router.metric("expected_calls") == 0
    cloud.ask("DELETE", f"calls/{task}")
    until(lambda: queue(site, name)["expected"] == 0, "the end of the call in the cloud")
    caller = site.caller(NUMBER, calling="+13125550197")
    caller.invite()
    site.refused(caller, 302)
