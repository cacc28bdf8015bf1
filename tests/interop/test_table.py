"""docs/interop.md says what these tests show: no less, no more, and of the versions that are installed."""

import re
from importlib import metadata
from typing import Final

import pytest

from tests.test_ground import ROOT

PAGE: Final = (ROOT / "docs" / "interop.md").read_text()
ROWS: Final = re.findall(r"^\|(?:[^|]*\|){4} `(test_\w+)` \|$", PAGE, re.MULTILINE)


def test_each_row_names_a_test_and_each_test_has_a_row() -> None:
    no_calls = {"test_measured.py", "test_table.py"}
    files = [file for file in (ROOT / "tests" / "interop").glob("test_*.py") if file.name not in no_calls]
    tests = [name for file in files for name in re.findall(r"^def (test_\w+)\(", file.read_text(), re.MULTILINE)]
    assert sorted(ROWS) == sorted(tests)


def test_the_version_is_the_one_that_is_installed() -> None:
    try:
        installed = metadata.version("pjsua2-python")
    except metadata.PackageNotFoundError:
        pytest.skip("no pjsua2-python here; where there should be, the calls with it fail")
    found = re.search(r"`pjsua2-python` (\S+)", PAGE)
    assert found is not None
    assert found[1] == installed
