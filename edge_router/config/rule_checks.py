"""Rules, latches and hours: what their words name must be there, and what they say must make sense."""

from collections.abc import Iterator

from pydantic import ValidationError

from edge_router.config.faults import Kind
from edge_router.config.finding import Finding
from edge_router.config.hours_model import Hours, spec_of
from edge_router.config.outline import Outline, maps
from edge_router.policy.expression import compile_expression
from edge_router.policy.faults import RuleError
from edge_router.policy.hours_spec import HoursError, read_hours
from edge_router.policy.latch import LatchSpec, compile_latch
from edge_router.policy.surroundings import Surroundings
from state_client.picture import Picture


class _AnyTrunk:
    """Stands in for a trunk while rules are only compiled."""

    up, calls, cps = True, 0, 0.0

    def sent(self, seconds: int, /) -> int:
        return 0


class _AnyLatch:
    queues: frozenset[str] = frozenset()

    def value(self) -> bool:
        return False

    def age(self, now: float, /) -> float | None:
        return None


class _AnyCloud:
    def calls(self, now: float, /) -> int:
        return 0

    def entitlement(self, now: float, /) -> int:
        return 0

    def age(self, now: float, /) -> float | None:
        return None


def rule_findings(outline: Outline) -> Iterator[Finding]:
    """Give what is wrong with rules, latches and hours."""
    surroundings = _surroundings(outline)
    yield from _rules(outline, surroundings)
    yield from _latches(outline, surroundings)
    yield from _hours(outline)


def _surroundings(outline: Outline) -> Surroundings:
    names = outline.names
    picture = Picture()
    for name in names.queues:
        picture.set(name, 0.0)
    return Surroundings(
        picture,
        dict.fromkeys(names.trunks, _AnyTrunk()),
        open=outline.source != "static",
        columns=outline.tables.columns,
        peers=names.callable_peers,
        hours=dict.fromkeys(names.hours, lambda epoch: True),
        latches={str(path[-1]): _AnyLatch() for path, _ in outline.latches},
        lists=outline.tables.lists,
        cloud=_AnyCloud() if _leads_to_the_cloud(outline) else None,
    )


def _leads_to_the_cloud(outline: Outline) -> bool:
    """Whether any trunk leads to the contact centre, as `build.py` will have it."""
    named = outline.state.get("trunks")
    if named is not None:
        return bool(named)
    return "cloud" in outline.names.callable_trunks or any("share" in policy for _, policy in outline.policies)


def _rules(outline: Outline, surroundings: Surroundings) -> Iterator[Finding]:
    for policy_path, policy in outline.policies:
        for path, rule in maps(policy.get("rules"), (*policy_path, "rules")):
            when = rule.get("when")
            if not isinstance(when, str):
                continue
            try:
                compile_expression(when, surroundings)
            except RuleError as error:
                for fault in error.faults:
                    yield Finding((*path, "when"), fault.message, Kind.RULE)


def _latches(outline: Outline, surroundings: Surroundings) -> Iterator[Finding]:
    for path, latch in outline.latches:
        conditions = latch.get("set"), latch.get("clear")
        if not (isinstance(conditions[0], str) and isinstance(conditions[1], str)):
            continue
        try:
            compile_latch(LatchSpec(str(path[-1]), conditions[0], conditions[1]), surroundings)
        except RuleError as error:
            for fault in error.faults:
                yield Finding((*path, fault.key), fault.message, Kind.RULE)


def _hours(outline: Outline) -> Iterator[Finding]:
    for path, entry in outline.hours:
        try:
            read_hours(spec_of(Hours.model_validate(entry)))
        except ValidationError:
            continue  # which is said where the models are
        except HoursError as error:
            for fault in error.faults:
                yield Finding((*path, *fault.key), fault.message, Kind.VALUE)
