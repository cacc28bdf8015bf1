"""What the contact centre's state costs and how good it is, for Prometheus: events, requests, corrections.

Nothing here counts: what keeps the state does, and is read at a scrape.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

_NONE: Mapping[tuple[str, str], int] = MappingProxyType({})


class StateReading(NamedTuple):
    """Counts since the start: ``events`` by type and result, ``requests`` by operation and code.

    ``unknown`` are the queues and teams, by kind and name, that calls may ask for and the contact centre hasn't.
    """

    events: Mapping[tuple[str, str], int] = _NONE
    requests: Mapping[tuple[str, str], int] = _NONE
    corrections: int = 0
    unknown: tuple[tuple[str, str], ...] = ()


class StateMetrics(Collector):
    """Collects what ``read`` gives."""

    def __init__(self, read: Callable[[], StateReading]) -> None:
        self._read = read

    def collect(self) -> Iterator[Metric]:
        """Every family, also those without a sample yet."""
        reading = self._read()
        events = CounterMetricFamily(
            "edge_router_state_events",
            "Events of the contact centre, and what became of them.",
            labels=("type", "result"),
        )
        for labels, count in sorted(reading.events.items()):
            events.add_metric(labels, count)
        yield events
        requests = CounterMetricFamily(
            "edge_router_webex_requests",
            "Requests to the cloud, and how they were answered.",
            labels=("operation", "code"),
        )
        for labels, count in sorted(reading.requests.items()):
            requests.add_metric(labels, count)
        yield requests
        yield CounterMetricFamily(
            "edge_router_state_corrections",
            "What comparisons with the cloud had to correct.",
            value=reading.corrections,
        )
        unknown = GaugeMetricFamily(
            "edge_router_state_unknown",
            "1 for each queue or team that a rule reads, or the table of services names, and nobody knows.",
            labels=("kind", "name"),
        )
        for labels in reading.unknown:
            unknown.add_metric(labels, 1)
        yield unknown
