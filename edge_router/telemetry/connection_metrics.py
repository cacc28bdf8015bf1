"""Connections over TCP and TLS, for Prometheus: read at a scrape from the listeners."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector


class ConnectionReading(NamedTuple):
    """A listener: how many connections there are that were accepted and that were opened, and how many there were.

    ``refused`` and ``ended`` count by why.
    """

    listener: str
    now_in: int
    now_out: int
    accepted: int
    opened: int
    refused: Mapping[str, int]
    ended: Mapping[str, int]


class ConnectionMetrics(Collector):
    """Collects what ``read`` gives."""

    def __init__(self, read: Callable[[], Iterable[ConnectionReading]]) -> None:
        self._read = read

    def collect(self) -> Iterator[Metric]:
        """Every family, also those without a sample yet."""
        now = GaugeMetricFamily(
            "edge_router_connections",
            "SIP connections, by listener and by who opened them (in: the peer, out: the router)",
            labels=("listener", "direction"),
        )
        since = CounterMetricFamily(
            "edge_router_connections_opened",
            "SIP connections since the start, by listener and by who opened them",
            labels=("listener", "direction"),
        )
        refused = CounterMetricFamily(
            "edge_router_connections_refused",
            "SIP connections that were not taken, by why",
            labels=("listener", "reason"),
        )
        ended = CounterMetricFamily(
            "edge_router_connections_ended", "SIP connections that are over, by why", labels=("listener", "reason")
        )
        for each in self._read():
            now.add_metric((each.listener, "in"), each.now_in)
            now.add_metric((each.listener, "out"), each.now_out)
            since.add_metric((each.listener, "in"), each.accepted)
            since.add_metric((each.listener, "out"), each.opened)
            for reason, count in each.refused.items():
                refused.add_metric((each.listener, reason), count)
            for reason, count in each.ended.items():
                ended.add_metric((each.listener, reason), count)
        yield from (now, since, refused, ended)
