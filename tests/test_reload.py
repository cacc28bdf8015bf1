"""A reload of a configuration that can't be used: faults in words, and the one in force stays."""

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edge_router.app import App
from edge_router.config.loading import examine
from tests.test_standing import LATCH, written

READS_ANOTHER = """\
latches:
  full: {set: 'latch("fuller")', clear: '!latch("fuller")'}
  fuller: {set: 'queue("Support").length > 5', clear: 'queue("Support").length < 3'}
state: {queues: {Support: {source: pushed}}}
"""


def app_of(file: Path) -> App:
    config = examine(file).config
    assert config is not None
    return App(config, str(file))


async def test_a_latch_that_reads_another_is_a_fault_at_its_place(tmp_path: Path) -> None:
    app = app_of(file := written(tmp_path, LATCH))
    before = app.router.routing
    written(tmp_path, READS_ANOTHER)
    said = "a latch can't read another latch; write the conditions of that one here"
    assert [str(fault) for fault in await app.reload()] == [
        f"{file}:6:15: latches.full.set: {said} (at character 1)",
        f"{file}:6:41: latches.full.clear: {said} (at character 2)",
    ]
    assert app.router.routing is before


async def test_what_no_check_has_found_is_a_fault_all_the_same(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    app = app_of(file := written(tmp_path, LATCH))
    broken: dict[str, Any] = {"carrier": None}  # which no trunk can be renewed from
    app.router.routing = before = replace(app.router.routing, trunks=broken)
    with caplog.at_level(logging.INFO):
        (fault,) = await app.reload()
    assert str(fault).startswith(f"{file}:1:1: this can't be built: ")
    assert str(fault).endswith("; the check should have found this, please report it")
    assert app.router.routing is before
    assert [(record.levelname, record.exc_info) for record in caplog.records] == [("ERROR", None)]
