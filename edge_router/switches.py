"""Kill switches of policies and trunks, and overrides of hours: what a person says in place of the configuration.

Lives here: which switch is how, who has set it and when. Must not know who asks, how they are kept, and what it means
for a call.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from math import isfinite
from typing import Final

AUTO: Final = "auto"
STATES: Final[Mapping[str, tuple[str, ...]]] = {
    "policy": ("on", "off", AUTO),
    "trunk": ("on", "off", AUTO),
    "hours": ("open", "closed", AUTO),
}
"""Kind → the states that its switches can be set to; `auto` is as if nobody had."""
ENGAGED: Final = {"on": True, "open": True, "off": False, "closed": False}
"""Whether a state means yes; `auto` leaves it to the configuration."""
LONGEST_WHO: Final = 100
"""Characters of a name that are kept."""

_log = logging.getLogger(__name__)


class SwitchError(ValueError):
    """What can't be done with a switch, in words."""


class NoSuchSwitch(SwitchError):
    """There is no such kind, or the configuration has nothing of that kind by that name."""


class NoSuchState(SwitchError):
    """A switch of this kind can't be set to that."""


@dataclass(frozen=True, slots=True)
class Switch:
    """One switch. `who` is "" and `when` None where nobody has set it; `when` is in seconds since 1970."""

    kind: str
    name: str
    state: str = AUTO
    who: str = ""
    when: float | None = None

    @property
    def engaged(self) -> bool | None:
        """True if on or open, False if off or closed, None if auto."""
        return ENGAGED.get(self.state)

    def __str__(self) -> str:
        """Write it as `policy front-door is off (by ops, 2026-11-21T19:10:33Z)`."""
        if self.when is None:
            return f"{self.kind} {self.name} is {self.state}"
        when = datetime.fromtimestamp(self.when, UTC)
        return f"{self.kind} {self.name} is {self.state} (by {self.who or 'nobody'}, {when:%Y-%m-%dT%H:%M:%SZ})"


class Switches:
    """All switches, each `auto` until somebody sets it.

    `names` are those that the configuration has of each kind; a reload gives them anew with `know`. A switch whose
    policy, trunk or hours have gone is kept, and is as it was when they come back.
    """

    def __init__(self, names: Mapping[str, Collection[str]]) -> None:
        self._names: Mapping[str, Collection[str]] = {}
        self._set: dict[tuple[str, str], Switch] = {}
        self.know(names)

    def know(self, names: Mapping[str, Collection[str]]) -> None:
        """Go on with the names of another configuration. A kind that isn't there has none."""
        self._names = {kind: frozenset(names.get(kind, ())) for kind in STATES}

    def engaged(self, kind: str, name: str) -> bool | None:
        """True if on or open, False if off or closed, None if it is left to the configuration. For each call."""
        switch = self._set.get((kind, name)) if self._set else None
        return None if switch is None else switch.engaged

    def get(self, kind: str, name: str) -> Switch:
        """Give one switch. Raises NoSuchSwitch."""
        self._check(kind, name)
        return self._set.get((kind, name)) or Switch(kind, name)

    def set(self, kind: str, name: str, state: str, who: str, when: float) -> Switch:
        """Set a switch, and give it as it then is. Raises NoSuchSwitch and NoSuchState."""
        self._check(kind, name)
        if state not in STATES[kind]:
            raise NoSuchState(f"{_quoted(state)} is no state of {kind}; write {_listed(STATES[kind], 'or')}")
        switch = Switch(kind, name, state, _harmless(who[:LONGEST_WHO]), when)
        self._set[kind, name] = switch
        _log.warning("switched: %s", switch)
        return switch

    def all(self) -> list[Switch]:
        """Give all switches of the configuration, by kind and name, also those that nobody has set."""
        return [self.get(kind, name) for kind in STATES for name in sorted(self._names[kind])]

    @property
    def degraded(self) -> str:
        """Say which switches of the configuration are not as they are by themselves (`on`, `auto`); "" if none."""
        return "; ".join(str(switch) for switch in self.all() if switch.state not in ("on", AUTO))

    def readings(self) -> dict[tuple[str, str], int]:
        """For the metric: (kind, name) → 1 if on or open, 0 if off or closed. What is `auto` isn't there."""
        return {(one.kind, one.name): int(one.engaged) for one in self.all() if one.engaged is not None}

    def snapshot(self) -> list[dict[str, object]]:
        """Give what is to be kept over a restart, as plain data."""
        return [asdict(switch) for switch in self._set.values()]

    def restore(self, data: object) -> None:
        """Go on as `snapshot` had it. What can't be read is left out, and a warning says so."""
        if not isinstance(data, list):
            _log.warning("what was stored of switches can't be read: all are auto")
            return
        for entry in data:
            switch = _restored(entry)
            if switch is None:
                _log.warning("a switch that was stored can't be read, and is auto: %s", _quoted(str(entry)))
            else:
                self._set[switch.kind, switch.name] = switch

    def _check(self, kind: str, name: str) -> None:
        if kind not in STATES:
            raise NoSuchSwitch(f"there is no kind of switch {_quoted(kind)}; there is {_listed(STATES, 'and')}")
        if name not in self._names[kind]:
            raise NoSuchSwitch(_no_such(kind, name, sorted(self._names[kind])))


def _restored(entry: object) -> Switch | None:
    """A switch from plain data, None if that is none."""
    if not isinstance(entry, dict):
        return None
    kind, name, state, who, when = (entry.get(key) for key in ("kind", "name", "state", "who", "when"))
    if not (isinstance(kind, str) and isinstance(name, str) and isinstance(state, str) and isinstance(who, str)):
        return None
    if state not in STATES.get(kind, ()) or not isinstance(when, (int, float)) or not _is_time(when):
        return None
    return Switch(kind, name, state, _harmless(who[:LONGEST_WHO]), float(when))


def _is_time(when: float) -> bool:
    """Whether a time can be shown as a date."""
    return isfinite(when) and 0 <= when < 253_402_300_800  # the year 10000


def _no_such(kind: str, name: str, names: list[str]) -> str:
    near = get_close_matches(name, names, n=1)
    if near:
        return f"there is no {kind} {_quoted(name)}; did you mean {_quoted(near[0])}?"
    few = f"there is {', '.join(names[:12])}{', ...' if len(names) > 12 else ''}" if names else "none is configured"
    return f"there is no {kind} {_quoted(name)}; {few}"


def _listed(words: Collection[str], word: str) -> str:
    *most, last = words
    return f"{', '.join(most)} {word} {last}"


def _quoted(text: str) -> str:
    return f'"{_harmless(text[:100])}"'


def _harmless(text: str) -> str:
    """Text in which nothing could forge a line of a log."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
