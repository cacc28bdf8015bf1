"""Latches: thresholds that don't flap. One condition sets a latch, another clears it, and it may be held for a while.

Here lives when a latch changes, and when all of them are looked at. A call only reads what they are: they are looked
at when state has changed and once a second, on a clock that is handed in.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from math import inf
from typing import Final

from edge_router.policy.decision import harmless, shown
from edge_router.policy.expression import Expression, compile_expression
from edge_router.policy.facts import CallFacts
from edge_router.policy.faults import Missing, RuleError, RuleFault, Undecided, fault_at
from edge_router.policy.surroundings import Surroundings
from edge_router.policy.tokens import Kind, tokens_of

SHORTEST: Final = 0.05
"""Seconds between two looks at all latches, however often state changes."""
LONGEST: Final = 1.0
"""Seconds between two looks where no state has changed: waits grow, hours begin, and trunks tell nobody."""
SAY_AGAIN: Final = 60.0
"""Seconds after which it is said again that a latch fails."""
MOST_WORDS: Final = 10
"""Of those that can't be told, how many `degraded` names."""

NOT_OURS: Final = {
    **dict.fromkeys(("call", "percent"), "a latch asks about no call, so it can't read {}"),
    "latch": "a latch can't read another {}; write the conditions of that one here",
}
"""What a condition can't read, and what is said of it: there is no call when a latch is looked at, and what a latch
that reads itself would be is anybody's guess."""

_NO_CALL: Final = CallFacts("", "")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LatchSpec:
    """A latch as configured: two conditions, and for how many seconds it stays as it is after a change."""

    name: str
    set: str
    clear: str
    hold: float = 0.0


@dataclass(frozen=True, slots=True)
class LatchChange:
    """A latch has changed. `values` are what its conditions have read, as they write it."""

    name: str
    on: bool
    values: Mapping[str, object]

    def __str__(self) -> str:
        """Write it as `latch "full" is on: queue("Support").expected is 6`."""
        values = ", ".join(f"{read} is {shown(value)}" for read, value in self.values.items())
        return f"latch {shown(self.name)} is {_word(self.on)}{': ' if values else ''}{values}"


@dataclass(frozen=True, slots=True)
class LatchDoubt:
    """A latch can't be told, `why` says in words what is missing; or it can be told again, then `why` is ""."""

    name: str
    on: bool
    why: str

    def __str__(self) -> str:
        """Write it as `latch "full" can't be told (it was on): queue("Support") is 130.2 s old, more than 60 s`."""
        if not self.why:
            return f"latch {shown(self.name)} can be told again"
        return f"latch {shown(self.name)} can't be told (it was {_word(self.on)}): {self.why}"


LatchNews = LatchChange | LatchDoubt


class Latch:
    """One latch: off at first. Rules read its `value`.

    `since` is when it last changed, by the clock that `look` is given, and -inf if it never has. `undecided` says in
    words why it can't be told whether it should change, "" where it can; `failed` tells a condition that is at fault
    from state that is missing or stale. `told` is when it could be told the last time, -inf if it never could. It is
    `lost` once that is longer ago than `stale_after` seconds: then it is undecided, for rules too.
    """

    __slots__ = (
        *("_as_of", "_clear", "_set", "failed", "hold", "lost", "name", "on", "since", "stale_after", "told"),
        "undecided",
    )

    def __init__(
        self, name: str, set_: Expression, clear: Expression, hold: float = 0.0, stale_after: float = 60.0
    ) -> None:
        self.name = name
        self.hold = hold
        self.stale_after = stale_after
        self.on = False
        self.since = -inf
        self.told = -inf
        self.lost = False
        self.undecided = ""
        self.failed = False
        self._as_of: float | None = None
        self._set = set_
        self._clear = clear

    def value(self) -> bool:
        """Whether it is set. Raises Undecided where it is lost."""
        if self.lost:
            kind = Missing if self.failed else Undecided
            raise kind(f"latch({shown(self.name)}) can't be told: {self.undecided}")
        return self.on

    def age(self, now: float) -> float | None:
        """How old the state is that it goes by, in seconds; None where it reads none, or has never been told."""
        return None if self._as_of is None else max(0.0, now - self._as_of)

    def stand(self, on: bool, since: float, now: float) -> None:
        """Be as somebody says who knows: as it was before a restart, say. It goes by its conditions from now on."""
        self.on, self.since, self.told = on, since, now
        self.lost, self.undecided, self.failed = False, "", False

    def take_over(self, before: Latch) -> None:
        """Go on as the one of this name was under the configuration before."""
        self.on, self.since, self.told, self._as_of = before.on, before.since, before.told, before._as_of
        self.lost, self.undecided, self.failed = before.lost, before.undecided, before.failed

    @property
    def queues(self) -> frozenset[str]:
        """The queues that its conditions read, by the name or id that they call them."""
        return self._set.queues | self._clear.queues

    @property
    def teams(self) -> frozenset[str]:
        """The teams, likewise."""
        return self._set.teams | self._clear.teams

    @property
    def counts_calls(self) -> bool:
        """Whether a condition asks how many calls the contact centre has."""
        return self._set.counts_calls or self._clear.counts_calls

    @property
    def changes_with_calls(self) -> bool:
        """Whether a condition reads what a call changes at once that is sent to the contact centre, or leaves it."""
        return self._set.changes_with_calls or self._clear.changes_with_calls

    def look(self, now: float) -> LatchChange | None:
        """Change if it is to: the one condition is true, the other is not, and it has been held long enough.

        Where both are true, or one can't be told, it stays as it is: for `stale_after`, then it is lost.
        """
        change, stay = (self._clear, self._set) if self.on else (self._set, self._clear)
        values: dict[str, object] = {}
        try:
            moves = change.holds(_NO_CALL, now, values) and not stay.holds(_NO_CALL, now, values)
        except Undecided as undecided:
            self._doubt(str(undecided), False, now)
            return None
        except Exception as error:  # whatever a condition does, the others are looked at
            self._doubt(harmless(str(error).partition(". ")[0]) or type(error).__name__, True, now)
            return None
        self.undecided, self.failed, self.lost, self.told = "", False, False, now
        ages = [age for each in (self._set, self._clear) if (age := each.age(_NO_CALL, now)) is not None]
        self._as_of = now - max(ages) if ages else None
        if not moves or now < self.since + self.hold:
            return None
        self.on = not self.on
        self.since = now
        return LatchChange(self.name, self.on, values)

    def _doubt(self, why: str, failed: bool, now: float) -> None:
        self.undecided, self.failed = why, failed
        self.lost = now - self.told > self.stale_after


class LatchBoard:
    """All latches of a configuration, looked at when state has changed and once a second.

    Those that count our own calls are looked at with each of these: a burst is decided before state can say a word.

    Times are those of the clock that state is stamped by, in seconds; `epoch` is what makes them seconds since 1970,
    which is how a change is kept over a restart.
    """

    def __init__(self, latches: Iterable[Latch] = (), epoch: float = 0.0) -> None:
        self.latches: Final[Mapping[str, Latch]] = {latch.name: latch for latch in latches}
        self._epoch = epoch
        self._looked = -inf
        self._touched = False
        self._counting = [latch for latch in self.latches.values() if latch.changes_with_calls]
        self._news: list[LatchNews] = []
        self._told: dict[str, float] = {}

    def touch(self) -> None:
        """State has changed. It may be called thousands of times a second."""
        self._touched = True

    def recount(self, now: float) -> None:
        """A call was sent to the contact centre, or has left it: look at once at what counts these.

        The next `look` tells what is new of them, soon.
        """
        for latch in self._counting:
            news = self._look_at(latch, now)
            if news:
                self._news += news
                self._touched = True

    @property
    def due(self) -> float:
        """When to look again: `look_if_due` does nothing before. Infinite where there is no latch."""
        if not self.latches:
            return inf
        return self._looked + (SHORTEST if self._touched else LONGEST)

    @property
    def lost(self) -> list[Latch]:
        """Those that rules can't read now."""
        return [latch for latch in self.latches.values() if latch.lost]

    @property
    def degraded(self) -> str:
        """Say which can't be told, and why; "" where all can."""
        words = [f"latch {harmless(latch.name)} can't be told: {latch.undecided}" for latch in self.lost]
        if len(words) > MOST_WORDS:
            words[MOST_WORDS:] = [f"{len(words) - MOST_WORDS} more latches can't be told"]
        return "; ".join(words)

    def look_if_due(self, now: float) -> list[LatchNews]:
        """Look at all latches if it is time to, and tell what is new of them."""
        return self.look(now) if now >= self.due else []

    def look(self, now: float) -> list[LatchNews]:
        """Look at all latches now, in the order of the configuration, and tell what is new of them."""
        self._looked = now
        self._touched = False
        news, self._news = _last_of_each(self._news), []
        for latch in self.latches.values():
            news += self._look_at(latch, now)
            if latch.failed:
                self._tell(latch, now)
        return news

    def _look_at(self, latch: Latch, now: float) -> list[LatchNews]:
        on, lost = latch.on, latch.lost
        change = latch.look(now)
        news: list[LatchNews] = [] if change is None else [change]
        if latch.lost != lost:
            news.insert(0, LatchDoubt(latch.name, on, latch.undecided))
        return news

    def take_over(self, old: LatchBoard) -> None:
        """Go on as those of the configuration before were, as far as they are still there under their names."""
        self._news += old._news
        for name, latch in self.latches.items():
            before = old.latches.get(name)
            if before is not None:
                latch.take_over(before)

    def snapshot(self) -> dict[str, object]:
        """Give what is to be kept over a restart, as plain data. What has never changed isn't in it."""
        return {
            name: {"on": latch.on, "since": latch.since + self._epoch}
            for name, latch in self.latches.items()
            if latch.since != -inf
        }

    def restore(self, data: object, now: float) -> None:
        """Go on as `snapshot` had it. What can't be read is left out, and a warning says so."""
        if not isinstance(data, dict):
            _log.warning("what was stored of latches can't be read: they begin as off")
            return
        for name, latch in self.latches.items():
            kept = data.get(name)
            if kept is None:
                continue
            since = kept.get("since") if isinstance(kept, dict) else None
            if not isinstance(since, (int, float)) or not isinstance(kept.get("on"), bool):
                _log.warning("what was stored of latch %s can't be read: it begins as off", shown(name))
                continue
            latch.stand(kept["on"], min(since - self._epoch, now), now)  # a clock set back holds nothing for longer

    def _tell(self, latch: Latch, now: float) -> None:
        """Log a latch that fails, now and then."""
        if now >= self._told.get(latch.name, -inf) + SAY_AGAIN:
            self._told[latch.name] = now
            _log.warning("latch %s stays %s: it failed: %s", shown(latch.name), _word(latch.on), latch.undecided)


def _last_of_each(news: list[LatchNews]) -> list[LatchNews]:
    """What is worth telling where latches turn with each call: of each, how it stands in the end."""
    return list({(type(each), each.name): each for each in news}.values())


def _word(on: bool) -> str:
    return "on" if on else "off"


def compile_latch(spec: LatchSpec, surroundings: Surroundings) -> Latch:
    """Compile both conditions of a latch. Raises RuleError with every fault; the key of each is `set` or `clear`."""
    faults: list[RuleFault] = []
    ready: list[Expression] = []
    for key, text in (("set", spec.set), ("clear", spec.clear)):
        wrong = _not_ours(text)
        try:
            ready.append(compile_expression(text, surroundings))
        except RuleError as error:
            known = {fault.at for fault in wrong}
            wrong += [fault for fault in error.faults if fault.at is None or fault.at not in known]
        faults += (replace(fault, key=key) for fault in wrong)
    if faults:
        raise RuleError(faults)
    return Latch(spec.name, ready[0], ready[1], spec.hold, surroundings.stale_after)


def _not_ours(text: str) -> list[RuleFault]:
    """A fault for each read that a latch can't have."""
    tokens = tokens_of(text)
    return [
        fault_at(text, token.start, NOT_OURS[token.text].format(token.text))
        for index, token in enumerate(tokens)
        if token.kind is Kind.NAME and token.text in NOT_OURS and (index == 0 or tokens[index - 1].text != ".")
    ]
