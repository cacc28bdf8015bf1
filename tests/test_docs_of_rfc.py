"""Each line of docs/rfc.md names tests, and they are there."""

import re
from typing import Final

import pytest

from tests.test_ground import ROOT

ROWS: Final = re.findall(
    r"^\| (\d+(?:, \d+)*) \| (.*?) \| .* \| (.*?) \|$", (ROOT / "docs" / "rfc.md").read_text(), re.MULTILINE
)
TESTS: Final = {
    name
    for file in (ROOT / "tests").rglob("test_*.py")
    for name in re.findall(r"^ *(?:async )?def (test_\w+)\(", file.read_text(), re.MULTILINE)
}


@pytest.mark.parametrize(("number", "section", "tests"), ROWS)
def test_every_line_names_tests_that_are_there(number: str, section: str, tests: str) -> None:
    named = re.findall(r"`(test_\w+)`", tests)
    assert named
    assert [name for name in named if name not in TESTS] == []


def test_lines_are_found() -> None:
    assert {"3261", "3264", "3311"} <= {number for number, _, _ in ROWS}
