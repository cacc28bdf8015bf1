"""`edge-router webex` as a person types it, against a simulated contact centre."""

import http.client
import json
import os
import re
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from tests.end_to_end.block import Block
from tests.end_to_end.configuration import front_door
from tests.end_to_end.forked import ran
from tests.end_to_end.router_process import RouterProcess, StartRouter
from tests.end_to_end.simulator_process import SimulatorProcess, running_simulator
from tests.end_to_end.waiting import until


@pytest.fixture
def cloud(block: Block, tmp_path: Path) -> Iterator[SimulatorProcess]:
    with running_simulator(block, tmp_path) as simulator:
        yield simulator


def configured(block: Block, cloud: SimulatorProcess, **settings: Any) -> str:
    return front_door(block, state=cloud.state(**settings))


def webex(path: Path, *words: str, expect: int = 0) -> subprocess.CompletedProcess[str]:
    done = ran("edge_router", ["webex", *words, "-c", str(path)])
    assert done.returncode == expect, (done.stdout, done.stderr)
    return done


def status(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(webex(path, "status").stdout)
    return found


class Login:
    """`edge-router webex login` under way, in a process of its own."""

    def __init__(self, block: Block, cloud: SimulatorProcess, directory: Path, redirect: str, *words: str) -> None:
        self.directory = directory
        self.file = directory / "edge-router.yaml"
        authorize = f"{cloud.said['api']}/v1/authorize"
        self.file.write_text(configured(block, cloud, redirect_uri=redirect, authorize_url=authorize))
        (directory / "refresh").unlink()
        self._words = [sys.executable, "-m", "edge_router", "webex", "login", *words, "-c", str(self.file)]

    def start(self, stdin: int = subprocess.PIPE) -> None:
        self.process = subprocess.Popen(
            self._words, stdin=stdin, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.said = ""
        found = None
        while found is None:
            found = re.search(r"^http\S+$", self.line(), re.MULTILINE)
        self.address = found[0]

    def line(self) -> str:
        assert self.process.stderr is not None
        line = self.process.stderr.readline()
        assert line, f"login ended: {self.said}"
        self.said += line
        return line

    def where_the_browser_is_sent(self) -> str:
        """The person has agreed: the address that the cloud sends the browser to."""
        parts = urlsplit(self.address)
        connection = http.client.HTTPConnection(parts.netloc, timeout=10)
        connection.request("GET", f"{parts.path}?{parts.query}")
        back = connection.getresponse().getheader("Location")
        connection.close()
        assert back is not None
        return back

    def ends_with_a_token(self, pasted: str | None = None) -> str:
        """The token that is on disk after it; no secret was shown."""
        out, err = self.process.communicate(pasted, timeout=60)
        self.said += out + err
        assert self.process.returncode == 0, self.said
        refresh = self.directory / "refresh"
        token = refresh.read_text().strip()
        assert token
        assert refresh.stat().st_mode & 0o777 == 0o600
        assert token not in self.said
        assert (self.directory / "client").read_text() not in self.said
        assert status(self.file)["error"] == ""
        return token


def test_login_writes_the_refresh_token_and_shows_no_secret(
    block: Block, cloud: SimulatorProcess, tmp_path: Path
) -> None:
    login = Login(block, cloud, tmp_path, f"http://{block.host(22)}:8484/webex")
    login.start()
    with urllib.request.urlopen(login.address, timeout=10) as answer:  # the browser, which is sent on to us
        assert answer.status == 200
    login.ends_with_a_token()


def test_login_behind_a_reverse_proxy(block: Block, cloud: SimulatorProcess, tmp_path: Path) -> None:
    place = f"{block.host(22)}:8484"
    login = Login(block, cloud, tmp_path, "https://edge.example.com/webex", "--listen", place)
    login.start()
    back = login.where_the_browser_is_sent()
    assert back.startswith("https://edge.example.com/webex?")
    with urllib.request.urlopen(back.replace("https://edge.example.com", f"http://{place}"), timeout=10) as answer:
        assert answer.status == 200
    login.ends_with_a_token()


def test_login_where_the_browser_is_elsewhere(block: Block, cloud: SimulatorProcess, tmp_path: Path) -> None:
    login = Login(block, cloud, tmp_path, "https://edge.example.com/webex", "--paste")
    login.start()
    back = login.where_the_browser_is_sent()
    login.ends_with_a_token(f"{back[: back.index('state=')]}state=another\n{back}\n")
    assert "That answer belongs to another login" in login.said


def test_login_on_a_terminal_waits_for_both(block: Block, cloud: SimulatorProcess, tmp_path: Path) -> None:
    login = Login(block, cloud, tmp_path, f"http://{block.host(22)}:8484/webex")
    keyboard, terminal = os.openpty()
    try:
        login.start(terminal)
        while "paste the" not in login.said:
            login.line()
        os.write(keyboard, f"{login.where_the_browser_is_sent()}\n".encode())
        login.ends_with_a_token()
    finally:
        os.close(keyboard)
        os.close(terminal)


def test_login_says_what_to_do_where_it_cannot_wait(block: Block, cloud: SimulatorProcess, tmp_path: Path) -> None:
    path = tmp_path / "edge-router.yaml"
    host = block.host(22)
    path.write_text(configured(block, cloud, redirect_uri=f"http://{host}:8484/webex"))
    with socket.create_server((host, 8484)):
        taken = webex(path, "login", expect=1)
        assert (
            f"Error: can't listen on {host} port 8484 for the browser: Address already in use. End what" in taken.stderr
        )
    path.write_text(configured(block, cloud, redirect_uri="https://edge.example.com/webex"))
    assert "isn't on this machine: say where to listen for it (--listen)" in webex(path, "login", expect=1).stderr
    assert "nothing was pasted" in webex(path, "login", "--paste", expect=1).stderr
    for words in (("--listen", "8484"), ("--listen", "localhost:8484"), ("--listen", f"{host}:1", "--paste")):
        assert webex(path, "login", *words, expect=2).stderr.startswith("Error: --listen")


def test_status_of_a_running_router_and_without_one(
    block: Block, cloud: SimulatorProcess, tmp_path: Path, start_router: StartRouter
) -> None:
    text = configured(block, cloud)
    router = start_router(text)
    until(lambda: len(status(router.file)["subscriptions"]) == 2, "subscriptions")
    cloud.calls(cloud.queue, 1)
    until(lambda: status(router.file)["last_event"] > 0, "an event")
    found = status(router.file)
    assert (found["running"], found["asked"]) == (True, "the running router")
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
    assert alone["asked"] == "the cloud: no router answers at {}:{}".format(*block.http)
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


def own_address() -> str:
    """An address of this machine by which others reach it; nothing is sent."""
    with socket.socket(type=socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            return str(probe.getsockname()[0])
        except OSError:
            pytest.skip("this machine has no address but its own")


def test_status_of_a_router_that_wants_a_token(block: Block, cloud: SimulatorProcess, tmp_path: Path) -> None:
    """It listens where others reach it, so that it takes everybody for another one."""
    address = own_address()
    with socket.create_server(("0.0.0.0", 0)) as probe:  # free at every address, as the router wants it
        port = probe.getsockname()[1]
    everywhere = {"address": f"0.0.0.0:{port}", "tokens_file": "tokens", "webhook_address": "{}:{}".format(*block.http)}
    (tmp_path / "tokens").write_text("0123456789abcdef wallboard read\n")
    path = tmp_path / "edge-router.yaml"
    text = front_door(block, state=cloud.state(), http=everywhere)
    router = RouterProcess(block, text, tmp_path)
    try:
        until(lambda: status(path)["running"], "the router")
        (tmp_path / "own.yaml").write_text(text.replace("0.0.0.0", address))
        own = tmp_path / "own.yaml"
        assert status(own)["running"] is True
        (tmp_path / "mine").write_text("0123456789abcdef\n")
        (tmp_path / "tokens").unlink()
        refused = webex(own, "status", expect=1)
        assert f"the router at {address}:{port} wants a token, and tokens can't be read" in refused.stderr
        done = webex(own, "status", "--token-file", str(tmp_path / "mine"))
        assert json.loads(done.stdout)["running"] is True
    finally:
        router.stop()


def test_status_of_a_router_whose_cloud_is_gone_is_what_that_router_says(
    block: Block, cloud: SimulatorProcess, start_router: StartRouter
) -> None:
    router = start_router(configured(block, cloud))
    until(lambda: len(status(router.file)["subscriptions"]) == 2, "subscriptions")
    cloud.ask("POST", "faults", {"answers": [{"path": "/v2/subscriptions", "status": 403}]})
    found = json.loads(webex(router.file, "status", expect=1).stdout)
    assert found["running"] is True
    assert "403" in found["error"]


def test_a_configuration_that_is_not_there_or_follows_no_cloud(
    block: Block, cloud: SimulatorProcess, tmp_path: Path
) -> None:
    path = tmp_path / "edge-router.yaml"
    for word in ("login", "status", "clean"):
        done = webex(path, word, expect=2)
        assert done.stderr == f"{path}:1:1: the file can't be read: No such file or directory\n"
    state = {**cloud.state(), "source": "peer", "peers": ["https://edge-1.example.net"]}
    path.write_text(front_door(block, state=state))
    assert webex(path, "status", expect=2).stderr == (
        "Error: state.source is peer: this router follows no contact centre in the cloud. Where it follows another "
        "gateway, ask that one\n"
    )
    assert webex(path, "clean", "--yes").stdout == "no subscriptions removed\n"  # the section is there, which is enough


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
