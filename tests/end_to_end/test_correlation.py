"""A call and its task in the cloud, each known by the other: with the flow's word for it, and by numbers alone."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.block import Block
from tests.end_to_end.leg import CALLING, Leg
from tests.end_to_end.simulator_process import SimulatorProcess, running_simulator
from tests.end_to_end.site import OwnSite, Site
from tests.end_to_end.waiting import until
from tests.end_to_end.wire import Wire

NUMBER = "+1800555"
TO_THE_CLOUD = {"name": "cloud", "to": "cloud"}
CORRELATION = {"headers": {"X-Edge-Call": "call_id", "X-Edge-Node": "node"}, "in_uri": True}


@pytest.fixture
def cloud(block: Block, tmp_path: Path) -> Iterator[SimulatorProcess]:
    with running_simulator(block, tmp_path) as simulator:
        yield simulator


def told(site: Site, path: str) -> Any:
    status, text = site.router.get(path)
    assert status == 200
    return json.loads(text)


def calls(site: Site, task: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = told(site, f"/v1/calls?task={task}")["calls"]
    return found


def followed(own_site: OwnSite, cloud: SimulatorProcess, **settings: Any) -> Site:
    """A site whose router gets the cloud's events, and sends all calls there."""
    site = own_site(TO_THE_CLOUD, state=cloud.state(**settings), cloud={"correlation": CORRELATION})
    until(lambda: site.router.metric("webex_requests_total", operation="create-subscription") >= 2, "subscriptions")
    return site


def arrives(cloud: SimulatorProcess, calling: str, called: str, headers: dict[str, str]) -> str:
    """A call comes to the cloud, and waits there. Gives its task."""
    cloud.ask("POST", "agents", {"state": "idle"})
    asked = {"queue": cloud.queue, "calling": calling, "called": called, "headers": headers}
    (task,) = cloud.ask("POST", "calls", asked)["tasks"]
    return str(task)


def headers_of(invite: Wire) -> dict[str, str]:
    return {name: value for name, value in invite.headers if name.startswith("X-")}


def answered(site: Site) -> tuple[Leg, Leg]:
    caller = site.caller(NUMBER)
    return caller, site.answered(caller, site.cloud)


def records(site: Site) -> dict[str, dict[str, Any]]:
    """What the log says of calls that are over, by call id."""
    lines = [json.loads(line) for line in site.router.stderr.splitlines() if line.startswith("{")]
    return {line["call_id"]: line for line in lines if "webex_task_id" in line}


def test_by_numbers_a_call_and_its_task_know_each_other(own_site: OwnSite, cloud: SimulatorProcess) -> None:
    site = followed(own_site, cloud)
    caller, callee = answered(site)
    (before,) = told(site, "/v1/calls")["calls"]
    assert before["webex_task_id"] is None
    task = arrives(cloud, CALLING, caller.called, {})
    (call,) = until(lambda: calls(site, task) or None, "the call of the task")
    assert (call["call_id"], call["webex_task_id"]) == (before["call_id"], task)
    (row,) = told(site, "/v1/tasks")["tasks"]
    assert (row["id"], row["call_id"]) == (task, call["call_id"])
    site.ends(caller, callee)
    line = until(lambda: records(site).get(call["call_id"]), "its record")
    assert (line["webex_task_id"], line["outcome"]) == (task, "answered")


def test_by_the_flow_s_word_where_numbers_say_nothing(own_site: OwnSite, cloud: SimulatorProcess) -> None:
    site = followed(own_site, cloud, call_variable="EdgeCall", look_every="500ms")
    caller, callee = answered(site)
    (call,) = told(site, "/v1/calls")["calls"]
    assert callee.opening is not None
    headers = headers_of(callee.opening)
    assert headers == {"X-Edge-Call": call["call_id"], "X-Edge-Node": "edge-e2e"}
    task = arrives(cloud, "+19998887777", "+19990001111", headers)
    (found,) = until(lambda: calls(site, task) or None, "the call of the task")
    assert found["call_id"] == call["call_id"]
    site.ends(caller, callee)
