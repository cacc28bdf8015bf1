"""What a rule can read: one small object for each read of a rule, made at load and asked at every call.

Here lives how a value is had in well under a microsecond. What there is to read is `surroundings.py`'s, how a read
stands in the text of a rule `rewriting.py`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from math import inf
from operator import attrgetter
from typing import Protocol, TypeVar

from edge_router.policy.decision import shown
from edge_router.policy.facts import CallFacts
from edge_router.policy.faults import Missing, Undecided
from edge_router.policy.percent import Percent
from edge_router.policy.surroundings import (
    CALL_FIELDS,
    CLOUD_FIELDS,
    QUEUE_FIELDS,
    TEAM_FIELDS,
    TRUNK_FIELDS,
    CloudView,
    Find,
    Surroundings,
    TrunkView,
    Value,
)

T = TypeVar("T")


class Read(Protocol):
    """One read of a rule."""

    @property
    def kind(self) -> type[Value]:
        """The type of its values, so that a rule can be tried at load."""
        ...

    def value(self, call: CallFacts, now: float) -> Value:
        """Give the value now. Raises Undecided if it is missing or stale."""
        ...

    def age(self, call: CallFacts, now: float) -> float | None:
        """How old the state is that this reads, in seconds; None where it reads no state or the state is missing."""
        ...


class Ageless:
    """What reads no state has no age."""

    def age(self, call: CallFacts, now: float) -> float | None:
        """None, always."""
        return None


class CallRead(Ageless):
    """`call.FIELD`."""

    def __init__(self, field: str) -> None:
        self.kind: type[Value] = CALL_FIELDS[field]
        self._get: Callable[[CallFacts], Value] = attrgetter(field)

    def value(self, call: CallFacts, now: float) -> Value:
        """The field; text as CEL can take it."""
        value = self._get(call)
        return value if value is True or value is False else _whole(str(value))


class HeaderRead(Ageless):
    """`call.header("NAME")`: the first value of a header, "" if the call has none."""

    kind = str

    def __init__(self, name: str) -> None:
        self.name = name

    def value(self, call: CallFacts, now: float) -> Value:
        """The header's value; text as CEL can take it."""
        return _whole(call.headers(self.name))


class ServiceRead(Ageless):
    """`call.service.COLUMN`: the cell of the called number's row, "" where it is empty."""

    kind = str

    def __init__(self, column: str) -> None:
        self._column = column

    def value(self, call: CallFacts, now: float) -> Value:
        """The cell."""
        if call.service is None:
            raise Missing("no service has this number")
        return call.service[self._column]


class VisitsRead(Ageless):
    """`call.visits("DIAL-PEER")`: how often this call was placed there already."""

    kind = int

    def __init__(self, peer: str) -> None:
        self._peer = peer

    def value(self, call: CallFacts, now: float) -> Value:
        """The number of times."""
        return call.visits(call, self._peer, now)


class Name:
    """What a read asks for by name: ``literal`` where it stands in the rule, else a text of the call."""

    __slots__ = ("_read", "literal")

    def __init__(self, literal: str | None, read: Read | None = None) -> None:
        self.literal = literal
        self._read = read

    def of(self, call: CallFacts, now: float) -> str:
        """The name for this call. Raises Undecided where the call has none."""
        if self.literal is not None:
            return self.literal
        assert self._read is not None
        return str(self._read.value(call, now))


class _StateRead:
    """`queue("NAME").FIELD` or `team("NAME").FIELD`. ``find`` gives the one of a name, None if there is none."""

    def __init__(
        self, root: str, name: Name, field: str, kind: type[Value], find: Find, surroundings: Surroundings
    ) -> None:
        self.kind: type[Value] = kind
        self.name = name
        self._root = root
        self.field = field
        self._find = find
        self._stale_after = surroundings.stale_after
        self._open = surroundings.open
        self._get: Callable[[object], int] | None = None if field == "age" else attrgetter(field)

    def value(self, call: CallFacts, now: float) -> Value:
        """The field. The age itself is never stale: it is known, however great."""
        name = self.name.of(call, now)
        found = self._find(name)
        if found is None:
            # An empty cell names nothing, and where all names are known, so does any other that nobody has.
            kind = Undecided if name and self._open else Missing
            raise kind(f"nothing is known of {self._root}({shown(name)})")
        age = found.age_of(self.field, now)
        if self._get is None:
            return age
        if age > self._stale_after:
            raise Undecided(f"{self._root}({shown(name)}) {self._how_old(age)}")
        return self._get(found)

    def age(self, call: CallFacts, now: float) -> float | None:
        """The age of the value; None where it was never known."""
        try:
            found = self._find(self.name.of(call, now))
        except Undecided:
            return None
        age = inf if found is None else found.age_of(self.field, now)
        return None if age == inf else age

    def _how_old(self, age: float) -> str:
        if age == inf:
            return f"has no {self.field} that is still known to be true"
        return f"is {age:.1f} s old, more than {self._stale_after:g} s"


class QueueRead(_StateRead):
    """`queue("NAME").FIELD`."""

    def __init__(self, name: Name, field: str, surroundings: Surroundings) -> None:
        find = surroundings.picture.queue
        super().__init__("queue", name, field, QUEUE_FIELDS[field], find, surroundings)
        if field == "expected":
            unseen = surroundings.unseen
            self._get = lambda queue: queue.length + unseen(queue.name)  # type: ignore[attr-defined]


class TeamRead(_StateRead):
    """`team("NAME").FIELD`: how many of its agents are in a state on the telephone."""

    def __init__(self, name: Name, field: str, surroundings: Surroundings) -> None:
        find = surroundings.picture.team
        super().__init__("team", name, field, TEAM_FIELDS[field], find, surroundings)


class CloudRead:
    """`cloud().FIELD`."""

    def __init__(self, cloud: CloudView, field: str) -> None:
        self.kind: type[Value] = CLOUD_FIELDS[field]
        self._cloud = cloud
        self._get = cloud.calls if field == "calls" else cloud.entitlement

    def value(self, call: CallFacts, now: float) -> Value:
        """The number of calls."""
        return self._get(now)

    def age(self, call: CallFacts, now: float) -> float | None:
        """The age of what the calls are counted of."""
        return self._cloud.age(now)


class HoursRead(Ageless):
    """`hours("NAME")`: whether it is open."""

    kind = bool

    def __init__(self, name: Name, surroundings: Surroundings) -> None:
        self._name = name
        self._hours = surroundings.hours
        self._wall = surroundings.wall

    def value(self, call: CallFacts, now: float) -> Value:
        """Whether it is open now."""
        return _named("hours", self._name.of(call, now), self._hours)(self._wall())


class LatchRead:
    """`latch("NAME")`: whether it is set."""

    def __init__(self, name: Name, surroundings: Surroundings) -> None:
        self.kind: type[Value] = bool
        self._name = name
        self._latches = surroundings.latches

    @property
    def queues(self) -> frozenset[str]:
        """The queues that it reads, by the name or id that it calls them; none where a call brings its name along."""
        latch = self._latches.get(self._name.literal) if self._name.literal is not None else None
        return frozenset() if latch is None else latch.queues

    def value(self, call: CallFacts, now: float) -> Value:
        """Whether it is set now."""
        return _named("latch", self._name.of(call, now), self._latches).value()

    def age(self, call: CallFacts, now: float) -> float | None:
        """The age of the state that the latch goes by."""
        try:
            return _named("latch", self._name.of(call, now), self._latches).age(now)
        except Undecided:
            return None


class ListedRead(Ageless):
    """`listed("LIST", NUMBER)`."""

    kind = bool

    def __init__(self, numbers: Container[str], number: Name) -> None:
        self._numbers = numbers
        self._number = number

    def value(self, call: CallFacts, now: float) -> Value:
        """Whether the number is on the list."""
        return self._number.of(call, now) in self._numbers


def _named(root: str, name: str, known: Mapping[str, T]) -> T:
    """What has a name that a call brought along. Raises Missing where nothing has."""
    found = known.get(name)
    if found is None:
        raise Missing(f"there is no {root}({shown(name)})")
    return found


class TrunkRead(Ageless):
    """`trunk("NAME").FIELD`."""

    def __init__(self, trunk: TrunkView, field: str) -> None:
        self.kind: type[Value] = TRUNK_FIELDS[field]
        self._trunk = trunk
        self._get: Callable[[TrunkView], Value] = attrgetter(field)

    def value(self, call: CallFacts, now: float) -> Value:
        """The field."""
        return self._get(self._trunk)


class SentRead(Ageless):
    """`trunk("NAME").sent(SECONDS)`."""

    kind = int

    def __init__(self, trunk: TrunkView, seconds: int) -> None:
        self._trunk = trunk
        self._seconds = seconds

    def value(self, call: CallFacts, now: float) -> Value:
        """The calls sent there in that time."""
        return self._trunk.sent(self._seconds)


class PercentRead(Ageless):
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
