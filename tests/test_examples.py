"""What the README and the examples show is what the router takes, and decides as they say.

Calls through the examples are placed in tests/end_to_end/test_examples.py.
"""

import json
import re
import shlex
from pathlib import Path
from typing import Final

import pytest
import yaml
from typer.testing import CliRunner

from edge_router.cli import app
from edge_router.config.loading import examine, examine_bytes
from tests.end_to_end.example import EXAMPLES, laid_out

ROOT: Final = EXAMPLES.parent
README: Final = (ROOT / "README.md").read_text()
DEPLOYMENTS: Final = sorted(path.relative_to(EXAMPLES).as_posix() for path in EXAMPLES.glob("*/*.yaml"))
TRIES: Final = [
    (page.parent.name, decides, command)
    for page in sorted(EXAMPLES.glob("*/README.md"))
    for decides, command in re.findall(r"^    # (.+: .+)\n    edge-router (route .+)$", page.read_text(), re.MULTILINE)
]
"""Example, what it says is decided, and the question."""


def shown() -> list[tuple[str, str]]:
    """Name and text of every configuration that a newcomer is shown first."""
    blocks = re.findall(r"^```yaml\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
    first = "examples/edge-router.yaml"
    return [(first, (ROOT / first).read_text())] + [
        (f"README.md block {number}", block) for number, block in enumerate(blocks, 1)
    ]


def test_something_is_shown() -> None:
    assert [name for name, _ in shown()] == ["examples/edge-router.yaml", "README.md block 1"]
    assert len({Path(file).parent for file in DEPLOYMENTS}) == 5
    assert len(TRIES) == 17


@pytest.mark.parametrize(("name", "text"), shown(), ids=[name for name, _ in shown()])
def test_configuration_is_taken_without_a_word(name: str, text: str) -> None:
    examined = examine_bytes(text.encode(), name)
    assert [str(fault) for fault in (*examined.faults, *examined.warnings)] == []
    assert examined.config is not None


def test_rules_that_the_readme_shows_are_taken(tmp_path: Path) -> None:
    """With the files, hours and lists of an example around them."""
    laid_out("preferred_routing", tmp_path)
    file = tmp_path / "edge-router.yaml"
    rules = yaml.safe_load(README.split("For instance:\n\n")[1].split("\n\n")[0])
    whole = yaml.safe_load(file.read_text())
    whole |= rules | {"latches": {"full": {"set": "true", "clear": "false"}}}
    whole["dial_peers"][0]["policy"] = "front-door"
    whole["dial_peers"].append({"name": "announcement", "outgoing": {"trunk": "premise"}})
    (tmp_path / "services.csv").write_text("called,queue,hours,cloud_number,premise_number\n2,Support,always,1,2\n")
    file.write_text(yaml.safe_dump(whole))
    assert [str(fault) for fault in examine(file).faults] == []


@pytest.mark.parametrize("file", DEPLOYMENTS)
def test_deployment_is_taken_without_a_word_once_its_secrets_are_there(file: str, tmp_path: Path) -> None:
    name = Path(file).parent.name
    examined = examine(laid_out(name, tmp_path) / Path(file).name)
    assert [str(fault) for fault in (*examined.faults, *examined.warnings)] == []
    schema = examined.config is not None and (EXAMPLES / file).read_text().splitlines()[0]
    assert schema == "# yaml-language-server: $schema=../../docs/edge-router.schema.json"
    assert f"examples/{name}/" in README


@pytest.mark.parametrize(("name", "decides", "command"), TRIES, ids=[f"{name}: {what}" for name, what, _ in TRIES])
def test_what_an_example_says_is_decided_is_decided(name: str, decides: str, command: str, tmp_path: Path) -> None:
    laid_out(name, tmp_path)
    arguments = shlex.split(command.replace(f"examples/{name}/", f"{tmp_path}/"))
    result = CliRunner().invoke(app, [*arguments, "--json"])
    assert (result.exit_code, result.stderr) == (0, "")
    answer = json.loads(result.stdout)
    where = ", ".join(answer["dial_peers_out"] or ()) or str(answer["code"])
    assert f"{answer['rule'] or 'otherwise'}: {where}" == decides
