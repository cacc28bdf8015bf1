"""Fixtures: a block of addresses and a stage on it. What isn't installed fails a test: `make test` installs it."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.end_to_end.block import taken_block
from tests.interop.stage import Stage


def pytest_itemcollected(item: pytest.Item) -> None:
    item.add_marker("interop")


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with taken_block() as block, ExitStack() as stack:
        yield Stage(block, tmp_path, stack)
