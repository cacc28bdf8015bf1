"""A recording that the bench writes is one that can be replayed, whole."""

from pathlib import Path

from bench.recorded import RATE, write
from edge_router.config.loading import examine
from edge_router.replay_command import replayed


def test_every_line_of_it_is_replayed_and_rules_read_its_state(tmp_path: Path) -> None:
    write(tmp_path, 10 * RATE)
    examined = examine(tmp_path / "new.yaml")
    assert examined.config is not None, examined.faults
    found = replayed(examined.config, examined.tables, tmp_path / "calls.jsonl", tmp_path / "state.jsonl")
    assert (found.calls, found.bad_lines, found.without_state, found.undecided) == (10 * RATE, 0, 0, 0)
    assert 0 < found.changed < found.calls
    assert len({service for service, _ in found.buckets}) == 20
