"""A policy: rules in order, the first that is true decides; what happens when none is, or when one can't be told.

Here lives the order of things. What a rule's condition is, is `expression.py`'s; what is done with a decision, the
B2BUA's. A policy always decides: a rule that fails costs the caller nothing but what `if_stale` says.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace
from typing import Final, Literal, NamedTuple

from edge_router.policy.decision import Decision, Fallback, harmless, shown
from edge_router.policy.error_log import ErrorLog, OnError
from edge_router.policy.expression import Expression, compile_expression
from edge_router.policy.facts import CallFacts
from edge_router.policy.faults import Missing, RuleError, RuleFault, Undecided
from edge_router.policy.spec import NOWHERE, Outcome, PolicySpec
from edge_router.policy.surroundings import Surroundings


class Verdict(NamedTuple):
    """What one rule says of a call. `because` says why it is undecided, in words; `when` is its condition."""

    rule: str
    verdict: Literal["held", "not held", "undecided"]
    values: dict[str, object]
    because: str = ""
    when: str = ""


class _Ending:
    """An outcome with all that a decision needs of it, made ready at load."""

    __slots__ = ("_otherwise", "_outcome", "_policy", "_queues", "_rule")

    def __init__(
        self, policy: str, rule: str, outcome: Outcome, otherwise: Outcome, queues: frozenset[str] = frozenset()
    ) -> None:
        tried = {hop.peer for hop in outcome.to}
        last = tuple(hop for hop in otherwise.to if hop.peer not in tried)
        self._policy = policy
        self._rule = rule
        self._queues = tuple(sorted(queues))
        self._outcome = outcome
        self._otherwise = () if outcome.final or outcome.code else last

    def decision(
        self,
        values: dict[str, object],
        age: float | None,
        fallback: Fallback | None = None,
        because: str = "",
    ) -> Decision:
        """The decision that ends here."""
        outcome = self._outcome
        return Decision(
            self._policy,
            self._rule,
            outcome.to[0].by if outcome.to else "reject",
            outcome.to,
            self._otherwise,
            outcome.final,
            outcome.code,
            outcome.reason,
            outcome.cause,
            outcome.retry_after,
            values,
            age,
            fallback,
            because,
            self._queues,
        )


class _Rule(NamedTuple):
    """A rule, ready."""

    name: str
    when: Expression
    ending: _Ending
    skip_stale: bool


class Policy:
    """A compiled policy. It holds no state of calls, so one serves all of them."""

    def __init__(self, spec: PolicySpec, conditions: Iterable[Expression], on_error: OnError) -> None:
        otherwise = spec.otherwise or NOWHERE
        ready = list(conditions)
        self.name = spec.name
        self.queues: Final = frozenset[str]().union(*(when.queues for when in ready))
        """The queues that its rules read, by the name or id that they call them."""
        self.teams: Final = frozenset[str]().union(*(when.teams for when in ready))
        """The teams, likewise."""
        self.headers: Final = frozenset[str]().union(*(when.headers for when in ready))
        """The headers of the INVITE that its rules read, as their names are compared."""
        self.counts_calls: Final = any(when.counts_calls for when in ready)
        """Whether a rule asks how many calls the contact centre has."""
        self._on_error = on_error
        self._rules = [
            _Rule(
                rule.name,
                when,
                _Ending(spec.name, rule.name, rule.outcome, otherwise, when.queues or self.queues),
                rule.skip_stale,
            )
            for rule, when in zip(spec.rules, ready, strict=True)
        ]
        self._otherwise = _Ending(spec.name, "otherwise", otherwise, otherwise, self.queues)
        self._if_stale = _Ending(spec.name, "if_stale", spec.if_stale or otherwise, otherwise, self.queues)

    def decide(self, call: CallFacts, now: float) -> Decision:
        """Decide on a call. `now` is in seconds of the clock that the state is stamped by."""
        seen: dict[str, object] = {}
        skipped = ""
        for rule in self._rules:
            values: dict[str, object] = {}
            try:
                if rule.when.holds(call, now, values):
                    return rule.ending.decision(values, rule.when.age(call, now))
            except Undecided as undecided:
                because = f"rule {shown(rule.name)} is undecided: {undecided}"
                if not rule.skip_stale:
                    why: Fallback = "error" if isinstance(undecided, Missing) else "stale"
                    return self._if_stale.decision(seen | values, self._age(call, now, rule), why, because)
                skipped += f"; {because}"
            except Exception as error:  # whatever a rule does, the call goes on
                because = self._failed(rule, error, now)
                return self._if_stale.decision(seen | values, self._age(call, now, rule), "error", because)
            seen |= values
        return self._otherwise.decision(seen, self._age(call, now), "otherwise", "no rule is true" + skipped)

    def switched_off(self) -> Decision:
        """What is done with a call while a person has switched the policy off."""
        return self._otherwise.decision({}, None, "otherwise", f"policy {shown(self.name)} is switched off")

    def evaluate(self, call: CallFacts, now: float) -> list[Verdict]:
        """What every rule says of a call, also behind the one that decides. Nothing is logged."""
        return [self._verdict(rule, call, now) for rule in self._rules]

    def _verdict(self, rule: _Rule, call: CallFacts, now: float) -> Verdict:
        values: dict[str, object] = {}
        verdict: Literal["held", "not held", "undecided"] = "undecided"
        because = ""
        try:
            verdict = "held" if rule.when.holds(call, now, values) else "not held"
        except Undecided as undecided:
            because = str(undecided)
        except Exception as error:  # as in decide
            because = _words(error)
        return Verdict(rule.name, verdict, values, because, rule.when.text)

    def _failed(self, rule: _Rule, error: Exception, now: float) -> str:
        """Tell of a rule that failed, and say so for the decision."""
        words = _words(error)
        self._on_error(self.name, rule.name, words, now)
        return f"rule {shown(rule.name)} failed: {words}"

    def _age(self, call: CallFacts, now: float, last: _Rule | None = None) -> float | None:
        """The age of the oldest state that the rules up to `last` read, or all of them."""
        oldest: float | None = None
        for rule in self._rules:
            age = rule.when.age(call, now)
            if age is not None and (oldest is None or age > oldest):
                oldest = age
            if rule is last:
                break
        return oldest


def _words(error: Exception) -> str:
    """The first sentence of an error of the CEL library; what comes from the call is harmless in a log."""
    return harmless(str(error).partition(". ")[0]) or type(error).__name__


def compile_policy(spec: PolicySpec, surroundings: Surroundings, on_error: OnError | None = None) -> Policy:
    """Compile all rules of a policy and check what they name. Raises RuleError with every fault of every rule.

    `on_error` is told of each failure of a rule at a call; without it they go to the log, once a minute each.
    """
    conditions: list[Expression] = []
    faults: list[RuleFault] = []
    for index, rule in enumerate(spec.rules):
        try:
            conditions.append(compile_expression(rule.when, surroundings))
        except RuleError as error:
            faults += (replace(fault, rule=index) for fault in error.faults)
    if faults:
        raise RuleError(faults)
    if on_error is None:
        on_error = ErrorLog(logging.getLogger(__name__))
    return Policy(spec, conditions, on_error)
