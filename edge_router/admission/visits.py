"""Where a call was placed before: it may come back, from the cloud above all, and must not go round in circles.

A call is known by its Session-ID (RFC 7989), which stays the same as it passes from one system to the next, or else by
who calls whom. Time is given as an argument, in seconds on any clock that does not go back.
"""

from __future__ import annotations

import re
from collections import deque
from typing import Final, NamedTuple

WINDOW: Final = 900.0
"""Seconds that a placement is remembered."""
MOST: Final = 200_000
"""Marks that are remembered, of which a placement leaves up to three; beyond, the oldest is forgotten."""
DIGITS: Final = 9
"""Last digits that numbers are known by: as many as most countries' numbers have without their prefixes."""

_UUID: Final = re.compile("[0-9a-f]{32}")
_NIL: Final = "0" * 32
_WITHOUT: Final = "without"
_WITH: Final = "with"


class Identity(NamedTuple):
    """What a call is known by when it comes back: the UUIDs of its Session-ID, and who calls whom ("" for nobody).

    ``retargeted`` says that it was sent on by somebody, as its headers tell.
    """

    uuids: tuple[str, ...]
    numbers: str
    retargeted: bool


def identity_of(session_id: str, calling: str, called: str, retargeted: bool = False) -> Identity:
    """The identity of a call: its Session-ID header, "" if none, and its numbers, normalised.

    ``calling`` is "" if the caller is anonymous.
    """
    return Identity(uuids_of(session_id) if session_id else (), _numbers(calling, called), retargeted)


class Visits:
    """Placements of calls at dial-peers within the last 15 minutes.

    Two calls that have a Session-ID are one by that alone: who dials again, isn't taken for one who comes back. Where
    one of the two has none, the numbers must do. Nothing is kept of a call that has neither Session-ID nor caller.
    """

    __slots__ = ("_counts", "_marks", "_most", "_settled", "_times", "_void", "_window")

    def __init__(self, most: int = MOST, window: float = WINDOW) -> None:
        self._most: Final = most
        self._window: Final = window
        self._counts: dict[int, int] = {}
        self._settled: dict[int, int] = {}
        self._void: dict[int, int] = {}
        # What is remembered of a mark is its hash: a text would take four times the memory.
        self._marks: deque[int] = deque()
        self._times: deque[float] = deque()

    def __len__(self) -> int:
        return len(self._marks)

    def note(self, who: Identity, dial_peer: str, now: float) -> None:
        """A call is placed at a dial-peer."""
        self._tidy(now)
        for uuid in who.uuids:
            self._add(hash((uuid, dial_peer)), now)
        if who.numbers:
            self._add(hash((_WITH if who.uuids else _WITHOUT, who.numbers, dial_peer)), now)

    def settle(self, who: Identity, dial_peer: str) -> None:
        """A call that was placed there is over: whoever of its numbers calls now, doesn't come back from there."""
        for uuid in who.uuids:
            self._settle(hash((uuid, dial_peer)))
        self._settle(hash((_WITH if who.uuids else _WITHOUT, who.numbers, dial_peer)))

    def failed(self, who: Identity, dial_peer: str) -> None:
        """A call that was placed there never got there: that was no visit, neither by Session-ID nor by numbers."""
        for uuid in who.uuids:
            self._take_back(hash((uuid, dial_peer)))
        if who.numbers:
            self._take_back(hash((_WITH if who.uuids else _WITHOUT, who.numbers, dial_peer)))

    def _take_back(self, mark: int) -> None:
        """One placement less; its place among the marks is let go of when its time has come."""
        if mark in self._counts:
            self._less(mark)
            self._void[mark] = self._void.get(mark, 0) + 1
            left = self._counts.get(mark, 0)  # what was settled of it may be that of one forgotten by now
            if self._settled.get(mark, 0) > left:
                self._set_settled(mark, left)

    def _settle(self, mark: int) -> None:
        settled = self._settled.get(mark, 0)
        if settled < self._counts.get(mark, 0):
            self._settled[mark] = settled + 1

    def returns(self, who: Identity, dial_peer: str, from_there: bool, now: float) -> bool:
        """Whether this call has come back from a dial-peer, as far as can be told: it was placed there before.

        With its Session-ID it is the same call for certain. By its numbers alone it is taken for one that comes back
        only if it comes ``from_there``, or its headers say that it was sent on: else it is somebody who dials again, or
        another call from the same switchboard.
        """
        self._tidy(now)
        counts = self._counts
        if not counts:
            return False
        for uuid in who.uuids:
            if hash((uuid, dial_peer)) in counts:
                return True
        return (from_there or who.retargeted) and self._open_by_numbers(who, dial_peer) > 0

    def is_there(self, who: Identity, dial_peer: str, now: float) -> bool:
        """Whether this call is at a dial-peer at this moment, as far as can be told."""
        self._tidy(now)
        by_session = any(self._open(hash((uuid, dial_peer))) > 0 for uuid in who.uuids)
        return by_session or self._open_by_numbers(who, dial_peer) > 0

    def rounds(self, who: Identity, dial_peer: str) -> int:
        """How often who calls whom here was placed at a dial-peer and isn't known to be over, whatever its Session-ID.

        Of a call that comes back, it is how often it has gone round: a Session-ID alone may be that of many.
        """
        return sum([self._open(hash((kind, who.numbers, dial_peer))) for kind in (_WITHOUT, _WITH)])

    def _open_by_numbers(self, who: Identity, dial_peer: str) -> int:
        """The same, as far as it may be this call: where both have a Session-ID, that alone says so."""
        if not who.numbers:
            return 0
        if who.uuids:
            return self._open(hash((_WITHOUT, who.numbers, dial_peer)))
        return self.rounds(who, dial_peer)

    def _open(self, mark: int) -> int:
        """How many placements of a mark aren't settled."""
        return self._counts.get(mark, 0) - self._settled.get(mark, 0)

    def visits(self, who: Identity, dial_peer: str, now: float) -> int:
        """How often this call was placed at a dial-peer within the last 15 minutes."""
        self._tidy(now)
        counts = self._counts
        if not counts:
            return 0
        found = 0
        uuids, numbers = who.uuids, who.numbers
        for uuid in uuids:  # a placement left a mark for each uuid that it had
            found = max(found, counts.get(hash((uuid, dial_peer)), 0))
        if numbers:
            found += counts.get(hash((_WITHOUT, numbers, dial_peer)), 0)
            if not uuids:
                found += counts.get(hash((_WITH, numbers, dial_peer)), 0)
        return found

    def _add(self, mark: int, now: float) -> None:
        if len(self._marks) >= self._most:
            self._forget()
        self._marks.append(mark)
        self._times.append(now)
        self._counts[mark] = self._counts.get(mark, 0) + 1

    def _tidy(self, now: float) -> None:
        times = self._times
        while times and times[0] <= now - self._window:
            self._forget()

    def _forget(self) -> None:
        self._times.popleft()
        mark = self._marks.popleft()
        void = self._void.get(mark, 0)
        if void > 1:
            self._void[mark] = void - 1
            return
        if void:
            del self._void[mark]
            return
        settled = self._settled.get(mark, 0)
        if settled:
            self._set_settled(mark, settled - 1)
        self._less(mark)

    def _set_settled(self, mark: int, settled: int) -> None:
        if settled:
            self._settled[mark] = settled
        else:
            del self._settled[mark]

    def _less(self, mark: int) -> None:
        count = self._counts[mark]
        if count > 1:
            self._counts[mark] = count - 1
        else:
            del self._counts[mark]


def uuids_of(session_id: str) -> tuple[str, ...]:
    """The local and remote UUID of a Session-ID header (RFC 7989 §5), without the nil UUID and what is none."""
    local, _, parameters = session_id.lower().partition(";")
    found = _uuid(local)
    for parameter in parameters.split(";", 8)[:8]:
        name, _, value = parameter.partition("=")
        if name.strip() == "remote":
            remote = _uuid(value)
            return (*found, *remote) if remote != found else found
    return found


def _uuid(text: str) -> tuple[str, ...]:
    text = text.strip()
    return (text,) if text != _NIL and _UUID.fullmatch(text) else ()


def _numbers(calling: str, called: str) -> str:
    """Who calls whom, "" for nobody."""
    return f"{calling[-DIGITS:].lstrip('+')}>{called[-DIGITS:].lstrip('+')}" if calling else ""
