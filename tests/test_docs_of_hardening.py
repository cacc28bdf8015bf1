"""Each line of docs/hardening.md names tests that are there, or says what isn't."""

import re
from typing import Final

import pytest

from tests.test_docs_of_rfc import TESTS
from tests.test_ground import ROOT

PAGE: Final = (ROOT / "docs" / "hardening.md").read_text()
ROWS: Final = re.findall(r"^\| (?!what \|)(.*?) \| (.*) \|$", PAGE, re.MULTILINE)


@pytest.mark.parametrize(("what", "shown"), ROWS)
def test_every_line_names_tests_that_are_there(what: str, shown: str) -> None:
    named = re.findall(r"`(test_\w+)`", shown)
    assert named or shown == "missing"
    assert [name for name in named if name not in TESTS] == []


def test_lines_are_found() -> None:
    assert len(ROWS) > 50
