"""Counts what happens to messages and calls, and shows it to Prometheus when asked.

An event costs one addition in a plain dictionary; families, labels and text are made at scrape. What is a state
rather than an event (calls now, trunks up) is not kept here at all: it is read at scrape from whoever knows it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

from edge_router.telemetry.histogram import Histogram
from edge_router.telemetry.readings import RouterReading, TrunkReading
from edge_router.telemetry.words import OTHER, Vocabulary, is_code, method_label

if TYPE_CHECKING:
    from prometheus_client import Metric

    from edge_router.b2bua.reports.record import CallRecord
    from edge_router.policy.facts import CallFacts

PREFIX: Final = "edge_router_"

# A decision takes tens of microseconds; what is slower than a millisecond is worth seeing, more is not.
DECISION_BOUNDS: Final[Sequence[float]] = (0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.005, 0.025)
# From what the router itself adds to how long a caller waits before he gives up.
SETUP_BOUNDS: Final[Sequence[float]] = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

REFUSED: Final = "refused"
"""The outcome of an emergency call for which there was no room; it is no call otherwise."""
EMERGENCY_OUTCOMES: Final = ("answered", "cancelled", "failed", "interrupted", REFUSED)
"""How emergency calls end."""

Counts = dict[tuple[str | int, ...], int]
"""A count for each set of label values, in the order of the labels' names."""


class _Tally:
    """A count of what comes with every call, fourteen messages among it: to look each up once is enough."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0


_Tallies = dict[tuple[str | int, ...], _Tally]
"""As `Counts`."""


class Metrics(Collector):
    """Observes calls (``b2bua.reports.events.Observer``) and collects for Prometheus.

    ``read_router``, ``read_trunks`` and ``read_state_ages`` (seconds by queue) are asked at each scrape; until they
    are set there is nothing to read. A label "" means that there was none: a message of no known trunk, say.
    """

    def __init__(self, version: str) -> None:
        self.read_router: Callable[[], RouterReading] = RouterReading
        self.read_trunks: Callable[[], Iterable[TrunkReading]] = tuple
        self.read_state_ages: Callable[[], Mapping[str, float]] = dict
        self._version = version
        self._calls: _Tallies = {}
        self._emergencies: Counts = {}
        self._emergencies_begun: Counts = {}
        self._decisions: _Tallies = {}
        self._fallbacks: Counts = {}
        self._failovers: Counts = {}
        self._requests: _Tallies = {}
        self._responses: _Tallies = {}
        self._rejected: Counts = {}
        self._decision_seconds = Histogram(DECISION_BOUNDS)
        self._setup_seconds: dict[str, Histogram] = {}
        self._reject_reasons = Vocabulary()
        self._failover_reasons = Vocabulary()

    # ------------------------------------------------------------------------------------ events

    # A label that a stranger chose is looked at only when its series is not there yet: a known one costs nothing.

    def request(self, direction: str, method: str, trunk: str) -> None:
        """Count a request."""
        tally = self._requests.get((direction, method, trunk))
        if tally is None:
            tally = self._requests.setdefault((direction, method_label(method), trunk), _Tally())
        tally.count += 1

    def response(self, direction: str, method: str, code: int, trunk: str) -> None:
        """Count a response."""
        tally = self._responses.get((direction, method, code, trunk))
        if tally is None:
            label = code if is_code(code) else OTHER
            tally = self._responses.setdefault((direction, method_label(method), label, trunk), _Tally())
        tally.count += 1

    def rejected(self, reason: str) -> None:
        """Count what was dropped or refused before it became a call."""
        try:
            self._rejected[(reason,)] += 1
        except KeyError:
            _count(self._rejected, (self._reject_reasons.label(reason),))

    def emergency_began(self, trunk: str) -> None:
        """Count it at once: an alarm must not wait until the call is over."""
        _count(self._emergencies_begun, (trunk,))

    def emergency_refused(self, trunk: str) -> None:
        """Count it among the emergency calls."""
        _count(self._emergencies, (trunk, REFUSED))

    def routed(self, record: CallRecord, facts: CallFacts, listen: str) -> None:
        """Nothing to count."""

    def decided(self, record: CallRecord, seconds: float) -> None:
        """Count a decision by where it sends the call first, and note how long it took."""
        self._decision_seconds.observe(seconds)
        decision = record.decision
        if decision is None:
            return
        policy = decision.policy or ""
        target = decision.to[0].peer if decision.to else ""
        _tally(self._decisions, (policy, decision.rule or "", decision.method, target))
        if decision.fallback is not None:
            _count(self._fallbacks, (policy, decision.fallback))

    def failover(self, came_from: str, went_to: str, reason: str) -> None:
        """Count a move to the next dial-peer."""
        try:
            self._failovers[came_from, went_to, reason] += 1
        except KeyError:
            _count(self._failovers, (came_from, went_to, self._failover_reasons.label(reason)))

    def ringing(self, record: CallRecord) -> None:
        """Note the post-dial delay."""
        heard = record.ringing or record.answer
        if heard is None:
            return
        histogram = self._setup_seconds.get(record.ingress_trunk)
        if histogram is None:
            histogram = self._setup_seconds[record.ingress_trunk] = Histogram(SETUP_BOUNDS)
        histogram.observe(heard - record.start)

    def ended(self, record: CallRecord) -> None:
        """Count the call on the trunk that it came in by, and on the one that it was sent to last."""
        _tally(self._calls, (record.ingress_trunk, "in", record.outcome))
        if record.egress_trunk:
            _tally(self._calls, (record.egress_trunk, "out", record.outcome))
        if record.emergency:
            _count(self._emergencies, (record.ingress_trunk, record.outcome))

    # ------------------------------------------------------------------------------------ scrape

    def collect(self) -> Iterator[Metric]:
        """Every family, also those that have nothing to show yet."""
        yield from self._call_families()
        yield from self._decision_families()
        yield from self._sip_families()
        yield from self._state_families()

    def _call_families(self) -> Iterator[Metric]:
        trunks = list(self.read_trunks())
        active = _gauge("calls_active", "Calls in progress, by trunk and direction (in, out)", "trunk", "direction")
        up = _gauge("trunk_up", "1 while the target of a trunk is taken to be up, else 0", "trunk", "target")
        emergencies, begun = dict(self._emergencies), dict(self._emergencies_begun)
        for trunk in trunks:
            if trunk.emergencies:  # shown before there are any: else the first would be no increase
                begun.setdefault((trunk.name,), 0)
                for outcome in EMERGENCY_OUTCOMES:
                    emergencies.setdefault((trunk.name, outcome), 0)
            active.add_metric((trunk.name, "in"), trunk.calls_in)
            active.add_metric((trunk.name, "out"), trunk.calls_out)
            for target, is_up in trunk.targets.items():
                up.add_metric((trunk.name, target), float(is_up))
        yield active
        yield up
        if any(trunk.registered is not None for trunk in trunks):
            registered = _gauge("trunk_registered", "1 while we are registered with a trunk, else 0", "trunk")
            for trunk in trunks:
                if trunk.registered is not None:
                    registered.add_metric((trunk.name,), float(trunk.registered))
            yield registered
        yield _counter(
            "calls",
            "Call attempts that are over, by how they ended",
            ("trunk", "direction", "outcome"),
            _counts(self._calls),
        )
        yield _counter(
            "emergency_calls",
            "Emergency calls that are over, by how they ended; refused: there was no room",
            ("trunk", "outcome"),
            emergencies,
        )
        yield _counter(
            "emergency_calls_begun", "Emergency calls that came, those included that were refused", ("trunk",), begun
        )
        yield _counter(
            "failovers",
            "Calls that moved on to the next dial-peer, by why",
            ("from", "to", "reason"),
            self._failovers,
        )
        setup = HistogramMetricFamily(
            PREFIX + "setup_seconds",
            "Post-dial delay: INVITE in to first ringing or answer out, by the trunk that the call came in by",
            labels=("trunk",),
        )
        for trunk_name, histogram in list(self._setup_seconds.items()):
            setup.add_metric((trunk_name,), histogram.cumulative(), histogram.total)
        yield setup

    def _decision_families(self) -> Iterator[Metric]:
        labels = ("policy", "rule", "method", "target")
        yield _counter(
            "decisions", "Decisions, by rule and by the dial-peer tried first", labels, _counts(self._decisions)
        )
        yield _counter(
            "policy_fallback",
            "Decisions that no rule made, by why: stale, error, otherwise",
            ("policy", "why"),
            self._fallbacks,
        )
        seconds = HistogramMetricFamily(PREFIX + "decision_seconds", "How long a decision takes")
        seconds.add_metric((), self._decision_seconds.cumulative(), self._decision_seconds.total)
        yield seconds

    def _sip_families(self) -> Iterator[Metric]:
        router = self.read_router()
        labels = ("direction", "method", "trunk")
        yield _counter("sip_requests", "Requests, retransmissions not counted", labels, _counts(self._requests))
        labels_with_code = ("direction", "method", "code", "trunk")
        responses = _counts(self._responses)
        yield _counter("sip_responses", "Responses, retransmissions not counted", labels_with_code, responses)
        again: Counts = {("in",): router.retransmissions_in, ("out",): router.retransmissions_out}
        yield _counter("sip_retransmissions", "Messages that came or left again", ("direction",), again)
        yield _counter(
            "sip_rejected",
            "What was dropped or refused before it was a call, by why",
            ("reason",),
            self._rejected,
        )
        faults: Counts = {(kind,): count for kind, count in router.faults.items()}
        yield _counter("faults", "What went wrong on our side and cost no call, by what", ("kind",), faults)
        yield _single("transactions", "SIP transactions, those included that only wait", router.transactions)
        yield _single("dialogs", "SIP dialogs, early ones included", router.dialogs)

    def _state_families(self) -> Iterator[Metric]:
        ages = _gauge("state_age_seconds", "Seconds since a queue's values were last known to be true", "queue")
        for queue, age in self.read_state_ages().items():
            ages.add_metric((queue,), age)
        yield ages
        build = _gauge("build_info", "Always 1; the version is the label", "version")
        build.add_metric((self._version,), 1)
        yield build


def _tally(tallies: _Tallies, key: tuple[str | int, ...]) -> None:
    """One more of ``key``."""
    tally = tallies.get(key)
    if tally is None:
        tally = tallies.setdefault(key, _Tally())
    tally.count += 1


def _counts(tallies: _Tallies) -> Counts:
    """What they come to."""
    return {key: tally.count for key, tally in list(tallies.items())}


def _count(counts: Counts, key: tuple[str | int, ...]) -> None:
    """One more of ``key``."""
    counts[key] = counts.get(key, 0) + 1


def _gauge(name: str, text: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(PREFIX + name, text, labels=labels)


def _single(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(PREFIX + name, text, value=value)


def _counter(name: str, text: str, labels: Sequence[str], counts: Counts) -> CounterMetricFamily:
    """A family of counters; Prometheus adds ``_total`` to the name. No ``_created`` series: nobody reads them."""
    family = CounterMetricFamily(PREFIX + name, text, labels=labels)
    for values, count in list(counts.items()):
        family.add_metric([str(value) for value in values], count)
    return family
