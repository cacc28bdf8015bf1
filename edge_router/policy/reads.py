"""What a rule can read: one small object for each read of a rule, made at load and asked at every call.

Here lives the vocabulary of rules, apart from CEL's own: which names there are, what type each has, and how its
value is had in well under a microsecond. How a read stands in the text of a rule is `rewriting.py`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf
from operator import attrgetter
from typing import Final, Protocol

from edge_router.policy.decision import shown
from edge_router.policy.facts import CallFacts
from edge_router.policy.faults import Undecided
from edge_router.policy.percent import Percent
from state_client.picture import AGENT_STATES, Picture

Value = bool | int | float | str

CALL_FIELDS: Final[Mapping[str, type[Value]]] = {
    "calling": str,
    "called": str,
    "called_received": str,
    "trunk": str,
    "source": str,
    "anonymous": bool,
    "diverted_from": str,
}
QUEUE_FIELDS: Final[Mapping[str, type[Value]]] = {
    "length": int,
    "expected": int,
    "longest_wait": int,
    "total_wait": int,
    "agents_available": int,
    "agents_signed_on": int,
    "estimated_wait": int,
    "age": float,
}
TEAM_FIELDS: Final[Mapping[str, type[Value]]] = {
    "signed_on": int,
    **dict.fromkeys(AGENT_STATES, int),
    "age": float,
}
TRUNK_FIELDS: Final[Mapping[str, type[Value]]] = {"up": bool, "calls": int, "cps": float}

LONGEST_WINDOW: Final = 900
"""Seconds that `trunk("x").sent(n)` can look back."""


class Aged(Protocol):
    """A queue or a team: its values, and how old each is."""

    def age_of(self, value: str, now: float, /) -> float:
        """Seconds since a value was known to be true; infinite where it never was."""
        ...


Find = Callable[[str], Aged | None]


class TrunkView(Protocol):
    """What a rule sees of a trunk."""

    @property
    def up(self) -> bool:
        """Whether any of its targets is up."""
        ...

    @property
    def calls(self) -> int:
        """Calls in progress."""
        ...

    @property
    def cps(self) -> float:
        """Calls in the last second."""
        ...

    def sent(self, seconds: int, /) -> int:
        """Calls sent there by any method in the last `seconds`."""
        ...


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What rules see besides the call: the queues, the trunks by name, and when state is too old, in seconds.

    ``open``: the queues become known while calls are decided, so that a rule may name one that nobody knows yet.
    """

    picture: Picture
    trunks: Mapping[str, TrunkView]
    stale_after: float = 60.0
    open: bool = False


class Read(Protocol):
    """One read of a rule."""

    @property
    def kind(self) -> type[Value]:
        """The type of its values, so that a rule can be tried at load."""
        ...

    def value(self, call: CallFacts, now: float) -> Value:
        """Give the value now. Raises Undecided if it is missing or stale."""
        ...

    def age(self, now: float) -> float | None:
        """How old the state is that this reads, in seconds; None where it reads no state or the state is missing."""
        ...


class _Ageless:
    """What reads no state has no age."""

    def age(self, now: float) -> float | None:
        """None, always."""
        return None


class CallRead(_Ageless):
    """`call.FIELD`."""

    def __init__(self, field: str) -> None:
        self.kind: type[Value] = CALL_FIELDS[field]
        self._get: Callable[[CallFacts], Value] = attrgetter(field)

    def value(self, call: CallFacts, now: float) -> Value:
        """The field; text as CEL can take it."""
        value = self._get(call)
        return value if value is True or value is False else _whole(str(value))


class HeaderRead(_Ageless):
    """`call.header("NAME")`: the first value of a header, "" if the call has none."""

    kind = str

    def __init__(self, name: str) -> None:
        self._name = name

    def value(self, call: CallFacts, now: float) -> Value:
        """The header's value; text as CEL can take it."""
        return _whole(call.headers(self._name))


class _StateRead:
    """`queue("NAME").FIELD` or `team("NAME").FIELD`. ``find`` gives the one of a name, None if there is none."""

    def __init__(self, root: str, name: str, field: str, kind: type[Value], find: Find, stale_after: float) -> None:
        self.kind: type[Value] = kind
        self.name = name
        self._root = root
        self._field = field
        self._find = find
        self._stale_after = stale_after
        self._get: Callable[[object], int] | None = None if field == "age" else attrgetter(field)

    def value(self, call: CallFacts, now: float) -> Value:
        """The field. The age itself is never stale: it is known, however great."""
        found = self._find(self.name)
        if found is None:
            raise Undecided(f"nothing is known of {self._root}({shown(self.name)})")
        age = found.age_of(self._field, now)
        if self._get is None:
            return age
        if age > self._stale_after:
            raise Undecided(f"{self._root}({shown(self.name)}) {self._how_old(age)}")
        return self._get(found)

    def age(self, now: float) -> float | None:
        """The age of the value; None where it was never known."""
        found = self._find(self.name)
        age = inf if found is None else found.age_of(self._field, now)
        return None if age == inf else age

    def _how_old(self, age: float) -> str:
        if age == inf:
            return f"has no {self._field} that is still known to be true"
        return f"is {age:.1f} s old, more than {self._stale_after:g} s"


class QueueRead(_StateRead):
    """`queue("NAME").FIELD`."""

    def __init__(self, name: str, field: str, surroundings: Surroundings) -> None:
        find = surroundings.picture.queue
        super().__init__("queue", name, field, QUEUE_FIELDS[field], find, surroundings.stale_after)


class TeamRead(_StateRead):
    """`team("NAME").FIELD`: how many of its agents are in a state on the telephone."""

    def __init__(self, name: str, field: str, surroundings: Surroundings) -> None:
        find = surroundings.picture.team
        super().__init__("team", name, field, TEAM_FIELDS[field], find, surroundings.stale_after)


class TrunkRead(_Ageless):
    """`trunk("NAME").FIELD`."""

    def __init__(self, trunk: TrunkView, field: str) -> None:
        self.kind: type[Value] = TRUNK_FIELDS[field]
        self._trunk = trunk
        self._get: Callable[[TrunkView], Value] = attrgetter(field)

    def value(self, call: CallFacts, now: float) -> Value:
        """The field."""
        return self._get(self._trunk)


class SentRead(_Ageless):
    """`trunk("NAME").sent(SECONDS)`."""

    kind = int

    def __init__(self, trunk: TrunkView, seconds: int) -> None:
        self._trunk = trunk
        self._seconds = seconds

    def value(self, call: CallFacts, now: float) -> Value:
        """The calls sent there in that time."""
        return self._trunk.sent(self._seconds)


class PercentRead(_Ageless):
    """`percent(P, "SALT")`, of callers; of calls, by Call-ID, where the caller is not known."""

    kind = bool

    def __init__(self, percentage: float, salt: str) -> None:
        self._percent = Percent(percentage, salt)

    def value(self, call: CallFacts, now: float) -> Value:
        """Whether this caller is in."""
        return self._percent.holds(call.call_id if call.anonymous or not call.calling else call.calling)


def _whole(text: str) -> str:
    """The text without the half characters that octets outside UTF-8 leave behind, which CEL can't take."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
