"""The work behind `edge-router replay`: replay, without a word of what rules fail at, and draw."""

from __future__ import annotations

import gc
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from edge_router.replay import Findings, NoRecording, Replay
from edge_router.replay_chart import svg

if TYPE_CHECKING:
    from edge_router.config.models import Config
    from edge_router.config.tables import Tables


class CouldNot(Exception):
    """Why there is no result, in words."""


def replayed(config: Config, tables: Tables, calls: Path, state: Path) -> Findings:
    """Replay a recording. Raises CouldNot."""
    try:
        with _undisturbed():
            return Replay(config, tables).run(calls, state)
    except NoRecording as error:
        raise CouldNot(str(error)) from None
    except OSError as error:
        raise CouldNot(f"the recording can't be read: {error}") from None


def write_chart(findings: Findings, path: Path) -> None:
    """Draw what was found. Raises CouldNot."""
    try:
        path.write_text(svg(findings), encoding="utf-8")
    except OSError as error:
        raise CouldNot(f"--chart {path} can't be written: {error.strerror}") from None


@contextmanager
def _undisturbed() -> Iterator[None]:
    """What a rule fails at is counted, not logged once a recorded minute; and there is no garbage to look for."""
    logger = logging.getLogger("edge_router")
    level, collected = logger.level, gc.isenabled()
    logger.setLevel(logging.CRITICAL)
    gc.disable()
    try:
        yield
    finally:
        logger.setLevel(level)
        if collected:
            gc.enable()
