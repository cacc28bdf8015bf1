"""Opens stages for stories, and sees to it that each story comes to an end."""

import logging
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from tests.b2bua.stage import Stage, examined

OpenStage = Callable[..., Stage]


@pytest.fixture
def open_stage(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> Iterator[OpenStage]:
    """Opens a stage with what `examined` is given, and files by name. When the story is told, all must be over."""
    stages: list[Stage] = []

    def open_one(files: Mapping[str, str] = MappingProxyType({}), **settings: Any) -> Stage:
        for name, text in files.items():
            (tmp_path / name).write_text(text)
        stages.append(Stage(*examined(folder=str(tmp_path), **settings)))
        return stages[-1]

    yield open_one
    for stage in stages:
        stage.all_is_over()
    errors = [record for record in caplog.get_records("call") + caplog.records if record.levelno >= logging.ERROR]
    assert [record.getMessage() for record in errors] == []


@pytest.fixture
def stage(open_stage: OpenStage) -> Stage:
    """The usual stage."""
    return open_stage()
