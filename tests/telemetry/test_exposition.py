from prometheus_client import generate_latest

from edge_router.telemetry.exposition import SAMPLES_PER_SLICE, exposition
from edge_router.telemetry.metrics import Metrics


def test_slices_are_small_and_together_the_whole() -> None:
    metrics = Metrics("1.2.3")
    for number in range(3 * SAMPLES_PER_SLICE):
        metrics.request("in", "INVITE", f"trunk {number}")
    slices = list(exposition(metrics))
    assert b"".join(slices) == generate_latest(metrics)
    assert max(part.count(b"\n") for part in slices) <= SAMPLES_PER_SLICE + 2
