"""DNS names of trunks, for Prometheus: read at a scrape from whoever keeps them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector


class NameReading(NamedTuple):
    """A name: how many addresses it has, and how many seconds ago DNS said so; None where it never has."""

    addresses: int
    age: float | None


class NamesReading(NamedTuple):
    """All names, and how many questions DNS gave no answer to since the start."""

    names: Mapping[str, NameReading]
    failures: int


class NameMetrics(Collector):
    """Collects what ``read`` gives."""

    def __init__(self, read: Callable[[], NamesReading]) -> None:
        self._read = read

    def collect(self) -> Iterator[Metric]:
        """Every family, also those without a sample."""
        reading = self._read()
        addresses = GaugeMetricFamily(
            "edge_router_name_addresses", "Addresses that a DNS name leads to.", labels=("name",)
        )
        age = GaugeMetricFamily(
            "edge_router_name_age_seconds", "Seconds since DNS said where a name leads.", labels=("name",)
        )
        for name, one in sorted(reading.names.items()):
            addresses.add_metric((name,), one.addresses)
            if one.age is not None:
                age.add_metric((name,), one.age)
        yield addresses
        yield age
        yield CounterMetricFamily(
            "edge_router_dns_failures", "Questions that DNS gave no answer to.", value=reading.failures
        )
