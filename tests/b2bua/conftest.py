"""Opens stages for stories, and sees to it that each story comes to an end."""

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.b2bua.stage import Stage, configuration

OpenStage = Callable[..., Stage]


@pytest.fixture
def open_stage(caplog: pytest.LogCaptureFixture) -> Iterator[OpenStage]:
    """Opens a stage with what `configuration` is given. When the story is told, all must be over."""
    stages: list[Stage] = []

    def open_one(**settings: Any) -> Stage:
        stages.append(Stage(configuration(**settings)))
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
