"""Whatever the ends do and the network loses: the router raises nothing, and in the end nothing is left."""

from typing import Final

import pytest

from tests.b2bua.conftest import OpenStage
from tests.b2bua.stage import Stage
from tests.b2bua.storm import DEAF, Storm

SHORT: Final = {"connect_timeout": 2, "progress_timeout": 4, "answer_timeout": 10}
TIMED: Final = {"session_timer": {"expires": 90}, "max_duration": "2m"}


@pytest.mark.parametrize("seed", range(20))
def test_a_storm_passes(open_stage: OpenStage, seed: int) -> None:
    passes(open_stage(carrier={"sources": [DEAF[0]]}, cloud=SHORT, premise=SHORT), seed)


@pytest.mark.parametrize("seed", range(10))
def test_a_storm_passes_over_sessions_that_are_refreshed(open_stage: OpenStage, seed: int) -> None:
    timed = SHORT | TIMED
    stage = open_stage(carrier={"sources": [DEAF[0]], **TIMED}, cloud=timed, premise=timed)
    passes(stage, seed)
    assert len(stage.router.deadlines) == 0


def passes(stage: Stage, seed: int) -> None:
    storm = Storm(stage, seed)
    storm.rages(calls=40)
    storm.clears()
    assert stage.ear.refused["internal error"] == 0
    assert len(stage.ear.records) >= 30
    for party in stage.line.parties.values():
        party.unheard.clear()
