"""Who asks the running router for a decision, and who switches something on it."""

import json
import signal
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.block import Block
from tests.end_to_end.configuration import front_door
from tests.end_to_end.forked import ran
from tests.end_to_end.router_process import RouterProcess, StartRouter
from tests.end_to_end.site import OwnSite, Site
from tests.end_to_end.waiting import until

NUMBER = "+1800555"
TO_CLOUD = {"name": "cloud while it is up", "when": 'trunk("cloud").up', "to": ["cloud", "premise"], "by": "redirect"}


def decision(router: RouterProcess, query: str) -> dict[str, Any]:
    status, text = router.get(f"/v1/decisions?{query}")
    assert status == 200
    found: dict[str, Any] = json.loads(text)
    return found


def switch(path: Path, *words: str, expect: int = 0, **login: str) -> Any:
    """Run the command; `login` is what the environment says of whoever runs it."""
    done = ran("edge_router", ["switch", *words, "-c", str(path)], {"SUDO_USER": "", **login})
    assert done.returncode == expect, (done.stdout, done.stderr)
    return json.loads(done.stdout) if expect == 0 else done.stderr


def redirected(site: Site) -> str:
    """Where the carrier is sent with a call."""
    caller = site.caller(NUMBER)
    caller.invite()
    return site.refused(caller, 302).get("Contact")


def test_a_decision_is_what_a_call_gets_and_counts_nothing(own_site: OwnSite) -> None:
    site = own_site(TO_CLOUD)
    before = site.router.metrics()
    caller = site.caller(NUMBER)
    found = decision(site.router, f"called={caller.called.replace('+', '%2B')}&calling=%2B13125550100")
    assert (found["ok"], found["target"], found["method"], found["rule"]) == (
        True,
        "cloud",
        "redirect",
        TO_CLOUD["name"],
    )
    for name in ("calls_total", "decisions_total", "decision_seconds_count", "policy_fallback_total"):
        assert site.router.metrics().get(name) == before.get(name)
    caller.invite()
    assert site.refused(caller, 302).get("Contact") == f"<{found['uri']}>;q=1.0"
    assert site.router.metric("decisions_total") == 1


def test_a_switch_is_for_the_next_call_and_kept_over_a_restart(block: Block, start_router: StartRouter) -> None:
    text = front_door(block, [TO_CLOUD])
    router = start_router(text)
    found = switch(router.file, "trunk", "cloud", "off", SUDO_USER="ann", LOGNAME="root")
    assert (found["state"], found["who"]) == ("off", "loopback:ann")
    assert decision(router, "called=%2B18005550100")["target"] == "premise"
    ready = json.loads(router.get("/readyz")[1])
    assert ready["degraded"] is True
    assert "trunk cloud is off (by loopback:ann, " in ready["reason"]
    assert router.metrics()["switch"] == [({"kind": "trunk", "name": "cloud"}, 0)]
    router.send(signal.SIGTERM)
    assert router.wait_for_end() == 0
    again = start_router(text)
    assert switch(again.file, "trunk", "cloud") == found
    found = switch(again.file, "trunk", "cloud", "auto", SUDO_USER="", LOGNAME="Jörg\n" + "x" * 80)
    assert (found["state"], found["who"]) == ("auto", "loopback:J_rg_" + "x" * 59)
    assert decision(again, "called=%2B18005550100")["target"] == "cloud"


def test_all_switches_and_what_there_is_not(start_router: StartRouter, block: Block) -> None:
    router = start_router(front_door(block))
    found = switch(router.file)
    assert {(one["kind"], one["name"], one["state"]) for one in found["switches"]} == {
        ("policy", "front-door", "auto"),
        *(("trunk", name, "auto") for name in ("carrier", "premise", "cloud")),
    }
    unknown = switch(router.file, "trunk", "clod", "off", expect=2)
    assert unknown.endswith('404: there is no trunk "clod"; did you mean "cloud"?\n')
    assert '"shut" is no state of trunk; write on, off or auto' in switch(
        router.file, "trunk", "cloud", "shut", expect=2
    )


def test_a_reload_goes_on_with_switches_and_answers_by_the_new_rules(own_site: OwnSite) -> None:
    site = own_site(TO_CLOUD)
    switch(site.router.file, "policy", "front-door", "off")
    assert decision(site.router, "called=%2B18005550100")["rule"] == "otherwise"
    site.router.configure(front_door(site.block, [{"name": "new", "to": "cloud"}]))
    until(lambda: "reloaded" in site.router.stderr, "the reload")
    assert decision(site.router, "called=%2B18005550100")["rule"] == "otherwise"
    switch(site.router.file, "policy", "front-door", "on")
    assert decision(site.router, "called=%2B18005550100")["rule"] == "new"


@pytest.mark.parametrize(("token", "status"), [("asks", 200), ("reads", 403)])
def test_from_elsewhere_it_takes_the_scope_decide(
    block: Block, start_router: StartRouter, tmp_path: Path, token: str, status: int
) -> None:
    (tmp_path / "tokens").write_text("0123456789abcdef-asks ccx decide\n0123456789abcdef-reads wall read\n")
    http = {"address": "{}:{}".format(*block.http), "tokens_file": "tokens"}
    start_router(front_door(block, http=http))
    request = urllib.request.Request(
        "http://{}:{}/v1/decisions?called=1".format(*block.http),
        headers={"Authorization": f"Bearer 0123456789abcdef-{token}", "X-Forwarded-For": "192.0.2.1"},
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            found = answer.status
    except urllib.error.HTTPError as refusal:
        found = refusal.code
    assert found == status
