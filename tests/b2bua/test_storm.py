"""Whatever the ends do and the network loses: the router raises nothing, and in the end nothing is left."""

import pytest

from tests.b2bua.conftest import OpenStage
from tests.b2bua.storm import DEAF, Storm


@pytest.mark.parametrize("seed", range(20))
def test_a_storm_passes(open_stage: OpenStage, seed: int) -> None:
    short = {"connect_timeout": 2, "progress_timeout": 4, "answer_timeout": 10}
    stage = open_stage(carrier={"sources": [DEAF[0]]}, cloud=short, premise=short)
    storm = Storm(stage, seed)
    storm.rages(calls=40)
    storm.clears()
    assert stage.ear.refused["internal error"] == 0
    assert len(stage.ear.records) >= 30
    for party in stage.line.parties.values():
        party.unheard.clear()
