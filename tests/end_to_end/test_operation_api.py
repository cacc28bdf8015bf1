"""Running it over HTTP: calls in progress, trunks, reload, drain."""

import http.client
import json
import signal
from typing import Any

from tests.end_to_end.configuration import front_door
from tests.end_to_end.probe import probe, probed
from tests.end_to_end.router_process import RouterProcess
from tests.end_to_end.site import OwnSite, Site
from tests.end_to_end.waiting import until

NUMBER = "+1800555"


def ask(router: RouterProcess, path: str, method: str = "GET") -> tuple[int, dict[str, Any]]:
    connection = http.client.HTTPConnection(*router.block.http, timeout=15)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def calls(site: Site) -> list[dict[str, Any]]:
    status, found = ask(site.router, "/v1/calls")
    assert (status, found["ok"], found["truncated"], found["total"]) == (200, True, False, len(found["calls"]))
    told: list[dict[str, Any]] = found["calls"]
    return told


def trunk(site: Site, name: str) -> dict[str, Any]:
    status, found = ask(site.router, "/v1/trunks")
    assert status == 200
    return next(each for each in found["trunks"] if each["name"] == name)


def test_calls_in_progress_and_their_trunks(own_site: OwnSite) -> None:
    site = own_site(premise={"limits": {"outbound": {"max_calls": 9}}})
    assert calls(site) == []
    caller = site.caller(NUMBER)
    callee = site.answered(caller, site.premise)
    ringing = site.caller(NUMBER)
    later = site.ringing(ringing, site.premise)
    answered, rings = calls(site)
    assert (answered["called"], answered["state"]) == (caller.called, "answered")
    assert (rings["called"], rings["state"]) == (ringing.called, "ringing")
    for call in (answered, rings):
        assert (call["ingress_trunk"], call["egress_trunk"]) == ("carrier", "premise")
        assert (call["policy"], call["rule"], call["method"]) == ("front-door", "otherwise", "bridge")
        assert call["start"] <= call["since"]
    assert ask(site.router, "/v1/calls?task=nothing-like-it")[1]["calls"] == []
    premise = trunk(site, "premise")
    assert (premise["up"], premise["calls_out"], premise["calls"], premise["outbound_max_calls"]) == (True, 2, 2, 9)
    assert [target["up"] for target in premise["targets"]] == [True]
    site.connects(ringing, later)
    site.ends(caller, callee)
    site.ends(later, ringing)
    assert calls(site) == []
    assert trunk(site, "premise")["calls"] == 0


def test_a_reload_is_in_force_when_it_is_answered(own_site: OwnSite) -> None:
    site = own_site(probe(404))
    assert probed(site) == 404
    site.router.file.write_text(front_door(site.block, [probe(480)]))
    assert ask(site.router, "/v1/reload", "POST") == (200, {"ok": True, "error": "", "faults": []})
    assert probed(site) == 480


def test_a_configuration_with_faults_is_not_taken_and_they_are_told(own_site: OwnSite) -> None:
    site = own_site(probe(404))
    site.router.file.write_text(front_door(site.block, [probe(480)], frobnicate=1, on_no_match="x"))
    status, found = ask(site.router, "/v1/reload", "POST")
    assert (status, found["ok"]) == (422, False)
    assert found["error"] == "2 faults; the old configuration stays"
    assert all(fault.startswith(f"{site.router.file}:") for fault in found["faults"])
    assert any("frobnicate" in fault for fault in found["faults"])
    assert probed(site) == 404
    site.router.check_health()


def test_who_drains_keeps_the_calls_in_progress_and_the_router(own_site: OwnSite) -> None:
    site = own_site()
    caller = site.caller(NUMBER)
    callee = site.answered(caller, site.premise)
    assert ask(site.router, "/v1/drain", "POST") == (200, {"ok": True, "error": "", "calls_in_progress": 1})
    status, ready = ask(site.router, "/readyz")
    assert (status, ready["status"]) == (503, "draining")
    refused = site.caller(NUMBER)
    refused.invite()
    assert int(site.refused(refused, 503).get("Retry-After")) > 0
    site.ends(caller, callee)
    site.idle()
    for _ in range(200):  # longer than it takes to look whether the last call is over
        assert ask(site.router, "/v1/drain", "POST") == (200, {"ok": True, "error": "", "calls_in_progress": 0})
    site.router.send(signal.SIGTERM)
    assert site.router.wait_for_end() == 0


def test_a_drained_router_that_is_stopped_waits_for_its_calls(own_site: OwnSite) -> None:
    site = own_site()
    caller = site.caller(NUMBER)
    callee = site.answered(caller, site.premise)
    ask(site.router, "/v1/drain", "POST")
    site.router.send(signal.SIGTERM)
    until(lambda: site.router.stderr.count("draining: 1 calls in progress") == 2, "the signal to be heard")
    site.ends(caller, callee)
    assert site.router.wait_for_end() == 0
