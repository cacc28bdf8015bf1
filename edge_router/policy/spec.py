"""A policy as configured: what `policy.py` compiles. Names in it are names only; nothing here checks them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from edge_router.policy.decision import Hop, Way


@dataclass(frozen=True, slots=True)
class Outcome:
    """What to do with a call: try `to` in order, or refuse it with a code, which is 0 if there is somewhere to go.

    `final`: when all of `to` has failed, the policy's `otherwise` is not tried.
    """

    to: tuple[Hop, ...] = ()
    code: int = 0
    reason: str = ""
    cause: int | None = None
    retry_after: int | None = None
    final: bool = False

    def __post_init__(self) -> None:
        if bool(self.to) == bool(self.code):
            raise ValueError("an outcome either goes somewhere or refuses with a code")


@dataclass(frozen=True, slots=True)
class RuleSpec:
    """A rule as configured. `skip_stale`: go on to the next rule where this one's state is missing or stale."""

    name: str
    when: str
    outcome: Outcome
    skip_stale: bool = False


@dataclass(frozen=True, slots=True)
class PolicySpec:
    """A policy as configured.

    Without `otherwise` a call that no rule takes is refused: a policy that says nothing of a call can't tell where
    it would be welcome. Without `if_stale`, `otherwise` stands in for it.
    """

    name: str
    rules: tuple[RuleSpec, ...]
    otherwise: Outcome | None = None
    if_stale: Outcome | None = None


NOWHERE: Final = Outcome(code=480, reason="Temporarily Unavailable")
"""For a call that no rule takes, of a policy without `otherwise` (RFC 3261 §21.4.18)."""


def hops(entries: Iterable[tuple[str, Way | None]], by: Way = "bridge") -> tuple[Hop, ...]:
    """The hops of `to`: `by` covers the first entry, later ones are bridged, and an entry may say its own way."""
    return tuple(Hop(peer, own or (by if i == 0 else "bridge")) for i, (peer, own) in enumerate(entries))
