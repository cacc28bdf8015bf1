"""Latches, switches and calls on their way to the cloud, for Prometheus: read at a scrape from whoever keeps them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector


class StandingReading(NamedTuple):
    """Latches by name, whether they are on; switches by kind and name, 1 for on or open and 0 for off or closed.

    ``unseen`` are calls that were sent to the contact centre and that it doesn't show yet, ``lost`` the latches that
    can't be told.
    """

    latches: Mapping[str, bool]
    switches: Mapping[tuple[str, str], int]
    unseen: int
    lost: frozenset[str]


class StandingMetrics(Collector):
    """Collects what ``read`` gives."""

    def __init__(self, read: Callable[[], StandingReading]) -> None:
        self._read = read

    def collect(self) -> Iterator[Metric]:
        """Every family, also those without a sample yet."""
        reading = self._read()
        latches = GaugeMetricFamily("edge_router_latch", "1 while a latch is set, else 0.", labels=("name",))
        for name, on in reading.latches.items():
            latches.add_metric((name,), float(on))
        yield latches
        undecided = GaugeMetricFamily(
            "edge_router_latch_undecided",
            "1 while a latch can't be told: the state that it goes by has been missing or stale for stale_after.",
            labels=("name",),
        )
        for name in reading.latches:
            undecided.add_metric((name,), float(name in reading.lost))
        yield undecided
        switches = GaugeMetricFamily(
            "edge_router_switch",
            "1 for what a person has switched on or opened, 0 for off or closed; what is auto isn't here.",
            labels=("kind", "name"),
        )
        for labels, engaged in reading.switches.items():
            switches.add_metric(labels, float(engaged))
        yield switches
        yield GaugeMetricFamily(
            "edge_router_expected_calls",
            "Calls that were sent to the contact centre, which doesn't show them yet.",
            value=reading.unseen,
        )
