"""What a policy decided for one call, and why: the same words for log, call record, API and command line.

Here lives the outcome, not how it came about (`policy.py`) nor what is done with it (the B2BUA).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Way = Literal["redirect", "refer", "bridge"]
Method = Literal["redirect", "refer", "bridge", "reject"]
Fallback = Literal["stale", "error", "otherwise"]

LONGEST_SHOWN = 120
"""Characters of a text from a call that are shown; more is cut, so that a caller can't fill the log."""


@dataclass(frozen=True, slots=True)
class Hop:
    """One dial-peer to try, and the way there: redirect (302), refer (answer, then REFER) or bridge."""

    peer: str
    by: Way


class Decision:
    """Where a call goes, and the reasons.

    `to` is tried in order; when all of it has failed, so is `otherwise`, which holds nothing that `to` holds
    and is empty when the rule is `final`. With method "reject" both are empty and the caller gets `code` and
    `reason`, with a Reason header for the Q.850 `cause` and Retry-After of `retry_after` seconds where set.

    `rule` is the name of the rule that fired, or "otherwise" or "if_stale" when that applied; then `fallback` says why,
    and `because` in words: "stale" where state is, "error" where a rule fails or reads what isn't there however fresh
    the state is, "otherwise" where no rule is true. Without a policy, `rule` is "emergency", or the list that the
    caller is on, or None where the dial plan alone decides. `values` maps each read, as the rule writes it, to what was
    read; `age` is that of the oldest state among them in seconds, None if no state was read. `queues` are those that
    the rule speaks of, by the name or id that it calls them: where its calls are expected.
    """

    __slots__ = (
        "age",
        "because",
        "cause",
        "code",
        "fallback",
        "final",
        "method",
        "otherwise",
        "policy",
        "queues",
        "reason",
        "retry_after",
        "rule",
        "to",
        "values",
    )

    def __init__(
        self,
        policy: str | None,
        rule: str | None,
        method: Method,
        to: tuple[Hop, ...] = (),
        otherwise: tuple[Hop, ...] = (),
        final: bool = False,
        code: int = 0,
        reason: str = "",
        cause: int | None = None,
        retry_after: int | None = None,
        values: dict[str, object] | None = None,
        age: float | None = None,
        fallback: Fallback | None = None,
        because: str = "",
        queues: tuple[str, ...] = (),
    ) -> None:
        self.policy = policy
        self.rule = rule
        self.method = method
        self.to = to
        self.otherwise = otherwise
        self.final = final
        self.code = code
        self.reason = reason
        self.cause = cause
        self.retry_after = retry_after
        self.values = {} if values is None else values
        self.age = age
        self.fallback = fallback
        self.because = because
        self.queues = queues

    def explain(self) -> str:
        """One line of plain words. Texts that came from the call are quoted and made harmless."""
        if self.policy is None:
            return f"{self.rule or 'dial plan'}: {self.action()}" + (f", since {self.because}" if self.because else "")
        ground = f"{self.rule}, since {self.because}" if self.fallback else f"rule {shown(self.rule)}"
        parts = [f"policy {shown(self.policy)}, {ground}: {self.action()}"]
        if self.values:
            reads = (f"{read} = {shown(value)}" for read, value in self.values.items())
            parts.append("read " + ", ".join(reads))
        if self.age is not None:
            parts.append(f"state {self.age:.1f} s old")
        return "; ".join(parts)

    def action(self) -> str:
        """What is done with the call."""
        if self.method == "reject":
            cause = "" if self.cause is None else f", cause {self.cause}"
            wait = "" if self.retry_after is None else f", retry after {self.retry_after} s"
            return f"reject {self.code} {self.reason}".rstrip() + cause + wait
        steps = ", then ".join(f"{hop.by} to {hop.peer}" for hop in self.to)
        last = ", then ".join(f"{hop.by} to {hop.peer}" for hop in self.otherwise)
        return f"{steps}, else {last}" if last else steps


def shown(value: object) -> str:
    """A value as a rule would write it: text in quotes, with all escaped that could forge a line of a log."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, str):
        return f'"{harmless(value)}"'
    return "null" if value is None else str(value)


def harmless(text: str) -> str:
    """Text with quotes, backslashes and all that is not printable escaped, and cut where it is very long."""
    cut = text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "…"
    if cut.isprintable() and '"' not in cut and "\\" not in cut:
        return cut
    return "".join(_escaped(character) for character in cut)


def _escaped(character: str) -> str:
    """One character as it may stand in quotes on one line: an unprintable one by its number, as in CEL."""
    if character in '"\\':
        return "\\" + character
    if character.isprintable():
        return character
    number = ord(character)
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"
