"""What rules see besides the call: queues, teams, trunks, hours and whatever else a configuration has.

Here lives what each of them must be able to say, and which fields it has. Who keeps them knows nothing of rules.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Container, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

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
CLOUD_FIELDS: Final[Mapping[str, type[Value]]] = {"calls": int, "entitlement": int}

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


class LatchView(Protocol):
    """What a rule sees of a latch."""

    @property
    def queues(self) -> frozenset[str]:
        """The queues that its conditions read, by the name or id that they call them."""
        ...

    def value(self) -> bool:
        """Whether it is set. Raises Undecided where that can't be told."""
        ...

    def age(self, now: float, /) -> float | None:
        """How old the state is that it goes by, in seconds; None where it goes by none."""
        ...


class CloudView(Protocol):
    """What a rule sees of the contact centre as a whole."""

    def calls(self, now: float, /) -> int:
        """Calls there: those that it shows, and those of ours that it doesn't show yet. Raises Undecided."""
        ...

    def entitlement(self, now: float, /) -> int:
        """Calls that it takes at the same time, at most. Raises Undecided where nobody has said it."""
        ...

    def age(self, now: float, /) -> float | None:
        """How old the state is that this is counted of, in seconds; None where that is unknown."""
        ...


def _nobody(queue: str) -> int:
    """Stand in for the count of calls under way where none is kept."""
    return 0


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What rules see besides the call. ``stale_after``: when state is too old, in seconds.

    ``open``: the queues become known while calls are decided, so that a rule may name one that nobody knows yet.
    ``hours`` say for a time in seconds since 1970, which ``wall`` gives, whether it is open. ``columns`` are those of
    the table of services, None where there is none; ``peers`` the dial-peers that calls can be sent to. ``unseen``
    counts by queue name the calls that were sent there and that the contact centre doesn't show yet.
    """

    picture: Picture
    trunks: Mapping[str, TrunkView]
    stale_after: float = 60.0
    open: bool = False
    columns: Collection[str] | None = None
    peers: frozenset[str] = frozenset()
    hours: Mapping[str, Callable[[float], bool]] = field(default_factory=dict)
    latches: Mapping[str, LatchView] = field(default_factory=dict)
    lists: Mapping[str, Container[str]] = field(default_factory=dict)
    cloud: CloudView | None = None
    unseen: Callable[[str], int] = _nobody
    wall: Callable[[], float] = time.time
