"""The examples of docs/api.md are run as they stand there, and the router answers as it says there."""

import json
import re
import shutil
import subprocess
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.end_to_end.block import Block
from tests.end_to_end.configuration import front_door
from tests.end_to_end.router_process import RouterProcess, StartRouter
from tests.test_docs_of_api import PAGE, blocks

ADDRESS = "127.0.0.1:8080"
"""Where the page asks."""


@pytest.fixture
def router(block: Block, tmp_path: Path, start_router: StartRouter) -> RouterProcess:
    """A router by the page's own configuration and tokens."""
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "tokens").write_text(blocks("tokens")[0])
    shown = yaml.safe_load(blocks("yaml")[0])
    assert shown["http"]["address"] == ADDRESS
    shown["http"]["address"] = "{}:{}".format(*block.http)
    return start_router(front_door(block, **shown))


def run(command: str, block: Block) -> str:
    if shutil.which("curl") is None:
        pytest.skip("there is no curl")
    assert ADDRESS in command
    here = command.replace(ADDRESS, "{}:{}".format(*block.http)).replace("curl -sN", "curl -sN --max-time 1")
    done = subprocess.run(["/bin/sh", "-c", here], capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == (28 if "--max-time" in here else 0), done.stderr  # 28: the time is over
    return done.stdout


def without_ages(answer: dict[str, Any]) -> dict[str, Any]:
    """Ages differ from time to time; whether there is one doesn't."""
    return {key: value is None if key.endswith(("age_secs", "when")) else value for key, value in answer.items()}


def said(text: str) -> list[dict[str, Any]]:
    return [without_ages(json.loads(data)) for data in re.findall(r"^data: (.*)$", text, flags=re.MULTILINE)]


def test_the_examples_answer_as_they_are_said_to(block: Block, router: RouterProcess) -> None:
    examples = re.findall(r"^```sh\n(.*?)^```\n```(\w+)\n(.*?)^```", PAGE, flags=re.DOTALL | re.MULTILINE)
    assert len(examples) == len(blocks("sh"))
    for command, kind, shown in examples:
        answer = run(command, block)
        if kind == "json":
            assert without_ages(json.loads(answer)) == without_ages(json.loads(shown))
        else:
            assert answer.startswith("retry: 2000\n\nevent: queue\ndata: ")
            assert sorted(said(answer), key=str) == sorted(said(shown), key=str)
    assert {kind for _, kind, _ in examples} == {"json", "sse"}


def pushed(block: Block, body: str) -> dict[str, Any]:
    """What is answered to a push as it comes through the page's proxy: from elsewhere, with the flow's token."""
    (authorization,) = re.findall(r"`Authorization: (Bearer \w+)`", PAGE)
    headers = {"Authorization": authorization, "X-Forwarded-For": "192.0.2.1", "Host": "edge.example.com"}
    url = "http://{}:{}/v1/queues/CCX-Support?row=1".format(*block.http)
    request = urllib.request.Request(url, body.encode(), headers, method="PUT")
    with urllib.request.urlopen(request, timeout=10) as answer:
        found: dict[str, Any] = json.loads(answer.read())
    return found


def test_what_a_flow_pushes_is_taken(block: Block, router: RouterProcess) -> None:
    (body,) = re.findall(r"^\| Body \| `(.*)` \|$", PAGE, flags=re.MULTILINE)
    values = {"CallsQueuedNow": 7, "OldestCallTime": 95, "AvailableAgentsCurrent": 2, "LoggedOnAgentsCurrent": 9}
    found = pushed(block, re.sub(r"\{\{QueueInfo\.(\w+)\}\}", lambda name: str(values[name[1]]), body))
    taken = [found[key] for key in ("length", "longest_wait_secs", "agents_available", "agents_signed_on")]
    assert taken == list(values.values())
    assert (found["source"], found["fresh"]) == ("pushed", True)


def test_what_a_script_pushes_is_taken(block: Block, router: RouterProcess) -> None:
    (expression,) = blocks("ccx")
    values = {"waiting": "4", "oldest": "31", "ready": "1", "loggedIn": "6"}
    literals = re.findall(r'"(?:[^"\\]|\\.)*"|\w+', expression)
    body = "".join(json.loads(word) if word.startswith('"') else values[word] for word in literals)
    found = pushed(block, body)
    taken = [found[key] for key in ("length", "longest_wait_secs", "agents_available", "agents_signed_on")]
    assert taken == [int(value) for value in values.values()]
