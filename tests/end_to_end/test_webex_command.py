"""`edge-router webex` as a person types it, against a simulated contact centre."""

import json
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.end_to_end.block import Block
from tests.end_to_end.configuration import front_door
from tests.end_to_end.router_process import StartRouter
from tests.end_to_end.simulator_process import SimulatorProcess, running_simulator
from tests.end_to_end.waiting import until


@pytest.fixture
def cloud(block: Block, tmp_path: Path) -> Iterator[SimulatorProcess]:
    with running_simulator(block, tmp_path) as simulator:
        yield simulator


def configured(block: Block, cloud: SimulatorProcess, **settings: Any) -> str:
    return front_door(block, state=cloud.state(**settings))


def webex(path: Path, *words: str, expect: int = 0) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "edge_router", "webex", *words, "-c", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL, check=False)
    assert done.returncode == expect, (done.stdout, done.stderr)
    return done


def status(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(webex(path, "status").stdout)
    return found


def test_login_writes_the_refresh_token_and_shows_no_secret(
    block: Block, cloud: SimulatorProcess, tmp_path: Path
) -> None:
    redirect = f"http://{block.host(22)}:8484/webex"
    path = tmp_path / "edge-router.yaml"
    authorize = f"{cloud.said['api']}/v1/authorize"
    path.write_text(configured(block, cloud, redirect_uri=redirect, authorize_url=authorize))
    (tmp_path / "refresh").unlink()
    login = subprocess.Popen(
        [sys.executable, "-m", "edge_router", "webex", "login", "-c", str(path)],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert login.stderr is not None
    found = None
    while found is None:
        line = login.stderr.readline()
        assert line, "login ended"
        found = re.search(r"http\S+", line)
    with urllib.request.urlopen(found[0], timeout=10) as answer:  # the browser, which is sent on to us
        assert answer.status == 200
    out, err = login.communicate(timeout=20)
    assert login.returncode == 0, err
    token = (tmp_path / "refresh").read_text().strip()
    assert token
    assert (tmp_path / "refresh").stat().st_mode & 0o777 == 0o600
    assert token not in out + err
    assert cloud.said["client_secret"] not in out + err
    assert status(path)["error"] == ""


def test_status_of_a_running_router_and_without_one(
    block: Block, cloud: SimulatorProcess, tmp_path: Path, start_router: StartRouter
) -> None:
    text = configured(block, cloud)
    router = start_router(text)
    until(lambda: len(status(router.file)["subscriptions"]) == 2, "subscriptions")
    cloud.calls(cloud.queue, 1)
    until(lambda: status(router.file)["last_event"] > 0, "an event")
    found = status(router.file)
    assert found["running"] is True
    assert {(one["name"], one["node"], one["status"]) for one in found["subscriptions"]} == {
        ("edge-e2e-agent-edge-router", "edge-e2e", "active"),
        ("edge-e2e-task-edge-router", "edge-e2e", "active"),
    }
    assert found["token_expires"] > 0
    assert (found["requests_per_minute"], found["subscriptions_limit"]) == (240, 20)
    assert found["degraded"] == ""
    router.stop()
    alone = status(router.file)
    assert alone["running"] is False
    assert len(alone["subscriptions"]) == 2


def test_clean_removes_other_nodes_subscriptions_and_asks_before(
    block: Block, cloud: SimulatorProcess, tmp_path: Path, start_router: StartRouter
) -> None:
    router = start_router(configured(block, cloud))
    until(lambda: len(status(router.file)["subscriptions"]) == 2, "subscriptions")
    router.stop()
    other = yaml.safe_load(router.file.read_text()) | {"node": "edge-other"}
    path = tmp_path / "other.yaml"
    path.write_text(yaml.safe_dump(other))
    refused = webex(path, "clean", expect=1)
    assert "edge-e2e-agent-edge-router" in refused.stderr
    assert len(status(path)["subscriptions"]) == 2
    done = webex(path, "clean", "--yes")
    assert done.stdout == "2 subscriptions removed\n"
    assert status(path)["subscriptions"] == []


def test_what_is_missing_is_said(block: Block, tmp_path: Path) -> None:
    path = tmp_path / "edge-router.yaml"
    path.write_text(front_door(block))
    for word in ("login", "status", "clean"):
        done = webex(path, word, expect=2)
        assert done.stderr == (
            "Error: state.webex is missing (state.source is static): there is no contact centre in the cloud to speak "
            "to\n"
        )


def test_a_cloud_that_is_not_there(block: Block, cloud: SimulatorProcess, tmp_path: Path) -> None:
    path = tmp_path / "edge-router.yaml"
    path.write_text(configured(block, cloud))
    cloud.stop()
    done = webex(path, "status", expect=1)
    assert "token" in json.loads(done.stdout)["error"]
