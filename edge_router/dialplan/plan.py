"""The dial plan: by which dial-peer a call comes in, and which dial-peers lead out for its number.

Dial-peers are sorted into tries when the configuration is loaded, and the plan does not change after that. Numbers
come here normalised (number.py). It must not know what is done with dial-peers, nor how their trunks are doing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from random import Random
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

from edge_router.dialplan.pattern import Pattern
from edge_router.dialplan.peer import DialPeer
from edge_router.dialplan.trie import PatternTrie

Ties = Literal["stable", "random"]


class Match(NamedTuple):
    """How closely a dial-peer fits a call, the most telling thing first: the greatest is the best.

    Lengths are those of `Pattern.matches`, 0 where there is no pattern; of equal lengths the one with more sets is the
    closer. `trunk` and `listen` say whether the dial-peer names them.
    """

    called: int
    called_sets: int = 0
    calling: int = 0
    calling_sets: int = 0
    trunk: bool = False
    listen: bool = False


class DialPlan:
    """All dial-peers, found by what a call looks like. Raises ValueError if two have one name."""

    __slots__ = ("_doors", "_list", "_outgoing", "_rng", "peers", "ties")

    def __init__(self, peers: Iterable[DialPeer], ties: Ties = "stable", rng: Random | None = None) -> None:
        self._list: Final = tuple(peers)
        self.ties: Final = ties
        self._rng: Final = rng or Random()
        self.peers: Final[Mapping[str, DialPeer]] = MappingProxyType({peer.name: peer for peer in self._list})
        if len(self.peers) < len(self._list):
            raise ValueError("two dial-peers have the same name")
        self._doors: Final = _doors(self._list)
        self._outgoing: Final = PatternTrie(
            (pattern, (place, pattern.sets))
            for place, peer in enumerate(self._list)
            if peer.outgoing
            for pattern in peer.outgoing.called
        )

    def inbound(self, trunk: str, listen: str, called: str, calling: str) -> DialPeer | None:
        """The dial-peer that a call comes in by: of those that match the closest, then the first in the file."""
        found = self._ways_in(trunk, listen, called, calling)
        return self._list[-max(found)[1]] if found else None

    def inbound_all(self, trunk: str, listen: str, called: str, calling: str) -> list[tuple[DialPeer, Match]]:
        """Every dial-peer that the call could come in by, best first, each with its closest match."""
        closest: dict[int, _Fit] = {}
        for fit, place in sorted(self._ways_in(trunk, listen, called, calling), reverse=True):
            closest.setdefault(-place, fit)
        return [(self._list[place], Match(*fit)) for place, fit in closest.items()]

    def outbound(self, called: str) -> list[DialPeer]:
        """The dial-peers that lead out for this number: longest match, then preference (0 is best), then by `ties`."""
        return [self._list[place] for place, _ in self._ways_out(called)]

    def outbound_all(self, called: str) -> list[tuple[DialPeer, Match]]:
        """As `outbound`, each with its closest match."""
        return [(self._list[place], Match(*closest)) for place, closest in self._ways_out(called)]

    def _ways_in(self, trunk: str, listen: str, called: str, calling: str) -> list[tuple[_Fit, int]]:
        """Every way in that is open to the call, and minus its place, so that the greatest is the best."""
        found: list[tuple[_Fit, int]] = []
        for named in ((trunk, listen), (trunk, None), (None, listen), (None, None)):
            door = self._doors.get(named)
            if door is not None:
                found += door.open_to(called, calling)
        return found

    def _ways_out(self, called: str) -> list[tuple[int, tuple[int, int]]]:
        """The places of the dial-peers that lead out, best first, each with the length and the sets of its match."""
        closest: dict[int, tuple[int, int]] = {}
        for length, (place, sets) in self._outgoing.match(called):
            if place not in closest or closest[place] < (length, sets):
                closest[place] = (length, sets)
        if len(closest) < 2:
            return list(closest.items())
        return sorted(closest.items(), key=self._rank)

    def _rank(self, way: tuple[int, tuple[int, int]]) -> tuple[int, int, int, float]:
        place, (length, sets) = way
        outgoing = self._list[place].outgoing
        preference = outgoing.preference if outgoing else 0
        return -length, -sets, preference, place if self.ties == "stable" else self._rng.random()


_Fit = tuple[int, int, int, int, bool, bool]
"""What a `Match` says, bare."""
_Named = tuple[str | None, str | None]
"""The trunk and the listener that a map of `incoming` names."""
_Way = tuple[Pattern | None, Pattern | None, int]
"""The called and the calling pattern of such a map, and the place of its dial-peer in the file."""


class _Door:
    """The maps of `incoming` that name the same trunk and listener."""

    __slots__ = ("called", "listen", "rest", "trunk")

    def __init__(self, named: _Named, ways: list[_Way]) -> None:
        self.trunk, self.listen = (name is not None for name in named)
        by_called: dict[Pattern | None, list[_Way]] = {}
        for way in ways:
            by_called.setdefault(way[0], []).append(way)
        self.rest = _Callers(by_called.pop(None, []))
        self.called = PatternTrie(
            (pattern, (pattern.sets, _Callers(group))) for pattern, group in by_called.items() if pattern is not None
        )

    def open_to(self, called: str, calling: str) -> list[tuple[_Fit, int]]:
        """Every map that the call's numbers match, and minus the place of its dial-peer."""
        found = self.matches(self.rest, 0, 0, calling)
        for length, (sets, callers) in self.called.match(called):
            found += self.matches(callers, length, sets, calling)
        return found

    def matches(self, callers: _Callers, length: int, sets: int, calling: str) -> list[tuple[_Fit, int]]:
        trunk, listen = self.trunk, self.listen
        found = [((length, sets, 0, 0, trunk, listen), -place) for place in callers.anyone]
        if callers.someone is not None:
            for matched, (spelt, place) in callers.someone.match(calling):
                found.append(((length, sets, matched, spelt, trunk, listen), -place))
        return found


class _Callers:
    """The maps of one door that ask for the same called number: those for any caller, and those for some."""

    __slots__ = ("anyone", "someone")

    def __init__(self, ways: list[_Way]) -> None:
        self.anyone = [place for _, calling, place in ways if calling is None]
        some = [(calling, (calling.sets, place)) for _, calling, place in ways if calling is not None]
        self.someone = PatternTrie(some) if some else None


def _doors(peers: Iterable[DialPeer]) -> dict[_Named, _Door]:
    ways: dict[_Named, list[_Way]] = {}
    for place, peer in enumerate(peers):
        for incoming in peer.incoming:
            ways.setdefault((incoming.trunk, incoming.listen), []).extend(
                (called, calling, place)
                for called in incoming.called or (None,)
                for calling in incoming.calling or (None,)
            )
    return {named: _Door(named, group) for named, group in ways.items()}
