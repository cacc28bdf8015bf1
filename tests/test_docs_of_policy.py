"""The page on policies: its blocks are one configuration without faults, and it leaves nothing out."""

import re
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from edge_router.config.loading import Examined, examine
from edge_router.policy.rewriting import USAGE
from tests.test_ground import ROOT

PAGE: Final = (ROOT / "docs" / "policy.md").read_text()
BLOCKS: Final = re.findall(r"^```(\w+)(?: (\S+))?\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
REST: Final = """
listen: [{name: pstn, address: "127.0.0.10:5060"}]
trunks:
  carrier: {sources: [192.0.2.1]}
  cloud: {targets: ["sip:192.0.2.4"]}
  premise: {targets: ["sip:192.0.2.3"]}
"""


@pytest.fixture
def examined(tmp_path: Path) -> Examined:
    """The whole of the page, with the files that it shows."""
    whole: dict[str, Any] = yaml.safe_load(REST)
    for kind, name, text in BLOCKS:
        if kind == "yaml":
            whole |= yaml.safe_load(text)
        else:
            (tmp_path / name).write_text(text)
    file = tmp_path / "edge-router.yaml"
    file.write_text(yaml.safe_dump(whole, sort_keys=False))
    return examine(file)


def test_its_blocks_are_one_configuration(examined: Examined) -> None:
    assert [str(fault) for fault in (*examined.faults, *examined.warnings)] == []
    assert examined.tables.services is not None
    assert len(examined.tables.services) == 2
    assert len(examined.tables.lists["vip"]) == 1


@pytest.mark.parametrize("root", sorted(set(USAGE) - {"team"}))
def test_every_thing_that_rules_read_is_in_it(root: str) -> None:
    assert f"{root}(" in PAGE or f"{root}." in PAGE
