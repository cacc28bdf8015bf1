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
