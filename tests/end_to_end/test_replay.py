"""docs/replay.md is done as it stands there: a router records, and another policy is tried on what it recorded."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from tests.end_to_end.block import Block
from tests.end_to_end.configuration import front_door
from tests.end_to_end.site import OwnSite
from tests.end_to_end.waiting import until
from tests.test_ground import ROOT

PAGE = (ROOT / "docs" / "replay.md").read_text()
OTHERWISE = {"t", "call_id", "calling", "called", "hour"}
"""What differs from one recording to the next."""


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", PAGE, flags=re.DOTALL | re.MULTILINE)


def alike(value: Any) -> Any:
    """The answer without what differs from one recording to the next; state's age is part of a text."""
    if isinstance(value, dict):
        return {key: "" if key in OTHERWISE else alike(part) for key, part in value.items()}
    if isinstance(value, list):
        return [alike(part) for part in value]
    return value


def replay(command: str, directory: Path) -> dict[str, Any]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=directory,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


def test_the_example_is_done(own_site: OwnSite, block: Block) -> None:
    record, rules = (yaml.safe_load(text) for text in blocks("yaml"))
    state = {"queues": {"Support": {"length": 2}}}
    site = own_site(
        {"name": "nobody waits", "when": 'queue("Support").length == 0', "to": "cloud"}, state=state, **record
    )
    for _ in range(3):
        caller = site.caller("+1800555")
        site.ends(caller, site.answered(caller, site.premise))
    assert site.router.metric("recording_lines_total", result="dropped") == 0
    site.router.send(signal.SIGTERM)
    assert site.router.wait_for_end() == 0
    directory = site.router.file.parent
    (directory / "new.yaml").write_text(front_door(block, **rules, state=state))
    found = replay(blocks("sh")[0], directory)
    shown = json.loads(blocks("json")[0])
    assert alike(found) == alike(shown)
    assert "3 calls replayed" in (directory / "changes.svg").read_text()


def test_a_recording_that_cannot_be_written_costs_no_call_and_is_said(own_site: OwnSite) -> None:
    """Where its directory should be is a file."""
    site = own_site(record={"dir": "stderr.log"})
    until(lambda: "state isn't recorded" in site.router.get("/readyz")[1], "/readyz to say so")
    status, text = site.router.get("/readyz")
    assert (status, json.loads(text)["degraded"]) == (200, True)
    caller = site.caller("+1800555")
    site.ends(caller, site.answered(caller, site.premise))
    until(lambda: site.router.metric("recording_lines_total", result="dropped") >= 2, "the call's line to be dropped")
    both = ("state isn't recorded", "calls aren't recorded")
    until(lambda: all(words in site.router.get("/readyz")[1] for words in both), "/readyz to say both")
    until(lambda: all(words in site.router.stderr for words in both), "the log to say both")
    assert [site.router.stderr.count(words) for words in both] == [1, 1]


def test_a_reload_does_not_begin_a_recording(own_site: OwnSite, block: Block) -> None:
    site = own_site()
    site.router.configure(front_door(block, record={"dir": "recordings"}))
    until(lambda: "restart it to record otherwise" in site.router.stderr, "the refusal")
