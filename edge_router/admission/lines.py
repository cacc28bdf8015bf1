"""Calls of the same numbers, in the order in which they were placed: where a task's call is looked for.

A call stands in one line for each number that it may be seen to have dialled. Whoever leaves does so in no time,
wherever he stands: his place stays behind, empty, until it comes to the head of the line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge_router.admission.number_form import FEWEST

if TYPE_CHECKING:
    from edge_router.admission.placed_call import PlacedCall

LOOK: Final = 32
"""Places in a line that are looked at; beyond, calls of one caller to one number can't be told apart anyway."""


class Place:
    """A place in a line; ``call`` is None once it was left."""

    __slots__ = ("behind", "call", "key")

    def __init__(self, key: str, call: PlacedCall) -> None:
        self.key = key
        self.call: PlacedCall | None = call
        self.behind: Place | None = None


class _Line:
    __slots__ = ("first", "last")

    def __init__(self, place: Place) -> None:
        self.first: Place | None = place
        self.last = place


class Lines:
    """All lines, by the last digits of origin and destination."""

    __slots__ = ("_lines",)

    def __init__(self) -> None:
        self._lines: dict[str, _Line] = {}

    def __len__(self) -> int:
        return len(self._lines)

    def join(self, call: PlacedCall) -> None:
        """Let a call wait for its task."""
        places: tuple[Place, ...] = ()
        for key in dict.fromkeys([_key(call.origin, destination) for destination in call.destinations]):
            place = Place(key, call)
            line = self._lines.get(key)
            if line is None:
                self._lines[key] = _Line(place)
            else:
                line.last.behind = place
                line.last = place
            places = (*places, place)
        call.places = places

    def leave(self, call: PlacedCall) -> None:
        """Let a call wait no longer."""
        places, call.places = call.places, ()
        for place in places:
            place.call = None
            line = self._lines[place.key]
            first = line.first
            while first is not None and first.call is None:
                first = first.behind
            line.first = first
            if first is None:
                del self._lines[place.key]

    def find(self, origin: str, destination: str, time: float, expect_for: float) -> PlacedCall | None:
        """The call that a task may be, by the forms of its numbers and when it began: the nearest in time.

        Nobody's number is anybody's: such a call is found only if no other can be meant.
        """
        line = self._lines.get(_key(origin, destination))
        if line is None or not destination:
            return None
        found: PlacedCall | None = None
        place = line.first
        for _ in range(LOOK):
            if place is None:
                return found
            call = place.call
            if call is not None and call.may_be(origin, destination, time, expect_for):
                if found is not None and not origin:
                    return None
                if found is None or abs(time - call.at) < abs(time - found.at):
                    found = call
            place = place.behind
        return found if origin or place is None else None


def _key(origin: str, destination: str) -> str:
    return f"{origin[-FEWEST:]}>{destination[-FEWEST:]}"
