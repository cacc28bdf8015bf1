"""Dial-peers as the configuration states them: what a call must look like to come in by one, and where one leads.

Only data lives here; what matches what is plan.py's business.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from edge_router.dialplan.pattern import Pattern
from edge_router.dialplan.translation import Translations


@dataclass(frozen=True, slots=True)
class WayIn:
    """One map of `incoming`: everything that is given must hold, and of several patterns any one."""

    trunk: str | None = None
    listen: str | None = None
    called: tuple[Pattern, ...] = ()
    calling: tuple[Pattern, ...] = ()


@dataclass(frozen=True, slots=True)
class Outgoing:
    """Where a dial-peer sends its calls. Without a pattern it is reached by name only."""

    trunk: str
    called: tuple[Pattern, ...] = ()
    preference: int = 0
    """0 is best, as in CUBE."""


@dataclass(frozen=True, slots=True)
class Rescue:
    """Which calls that a dial-peer has answered go on to the next: it hangs up within so many seconds, for a cause."""

    within: float = 3.0
    causes: frozenset[int] = frozenset({17, 34, 41, 42})
    """Q.850: busy, no circuit, temporary failure, congestion."""


@dataclass(frozen=True, slots=True)
class DialPeer:
    """A dial-peer: the ways in, and the way out.

    `policy` names the policy that decides on calls that come in by it, `destinations` the dial-peers to send them to
    instead; with neither, outgoing dial-peers are matched by the called number. A policy that the row of the called
    number's service names goes before all of it. `called_number` and `refer_uri` are
    templates with {called} and {calling}. `translate` is for calls that come in by it, and for those that leave by it.
    """

    name: str
    incoming: tuple[WayIn, ...] = ()
    outgoing: Outgoing | None = None
    policy: str | None = None
    destinations: tuple[str, ...] = ()
    called_number: str | None = None
    refer_uri: str | None = None
    translate: Translations | None = None
    rescue: Rescue | None = None


_BY_TRUNK: Final = "trunk "


def by_trunk(trunk: str) -> str:
    """A name for the way to a trunk that goes by no dial-peer."""
    return _BY_TRUNK + trunk


def way_to(name: str) -> DialPeer:
    """The dial-peer that such a name stands for; KeyError for a name that is none."""
    if not name.startswith(_BY_TRUNK):
        raise KeyError(name)
    return DialPeer(name, outgoing=Outgoing(name[len(_BY_TRUNK) :]))
