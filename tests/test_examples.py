"""What the README and the examples show is what the router takes."""

import re
from pathlib import Path

import pytest

from edge_router.config.loading import examine_bytes

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"


def shown() -> list[tuple[str, str]]:
    """Name and text of every configuration that a newcomer is shown."""
    examples = [(str(path.relative_to(ROOT)), path.read_text()) for path in sorted((ROOT / "examples").rglob("*.yaml"))]
    blocks = re.findall(r"^```yaml\n(.*?)^```", README.read_text(), re.DOTALL | re.MULTILINE)
    return examples + [(f"README.md block {number}", block) for number, block in enumerate(blocks, 1)]


def test_something_is_shown() -> None:
    assert [name for name, _ in shown()] == ["examples/edge-router.yaml", "README.md block 1"]


@pytest.mark.parametrize(("name", "text"), shown(), ids=[name for name, _ in shown()])
def test_configuration_is_taken_without_a_word(name: str, text: str) -> None:
    examined = examine_bytes(text.encode(), name)
    assert [str(fault) for fault in (*examined.faults, *examined.warnings)] == []
    assert examined.config is not None
