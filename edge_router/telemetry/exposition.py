"""The metrics as Prometheus text, made in slices, so that a scrape of thousands of series stalls no call.

A slice is about a millisecond of work; whoever sends the text lets others run between two of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from prometheus_client import Metric, generate_latest
from prometheus_client.registry import Collector

SAMPLES_PER_SLICE: Final = 250


class _Slice(Collector):
    """One family, or a part of it, as a collector of its own."""

    def __init__(self, family: Metric, start: int) -> None:
        self._part = Metric(family.name, family.documentation, family.type)
        self._part.samples = family.samples[start : start + SAMPLES_PER_SLICE]

    def collect(self) -> Iterator[Metric]:
        """The part."""
        yield self._part


def exposition(collector: Collector) -> Iterator[bytes]:
    """The text of all families, slice by slice; joined they are one exposition."""
    for family in collector.collect():
        yield generate_latest(_Slice(family, 0))
        for start in range(SAMPLES_PER_SLICE, len(family.samples), SAMPLES_PER_SLICE):
            _help, _type, rest = generate_latest(_Slice(family, start)).split(b"\n", 2)
            yield rest
