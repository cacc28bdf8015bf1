"""Emergency calls: which they are, and where they go, before anything else is asked (RFC 5031, RFC 6881 §9)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from edge_router.dialplan.pattern import Pattern
from edge_router.dialplan.trie import PatternTrie
from edge_router.policy.decision import Decision, Hop, harmless
from edge_router.policy.facts import CallFacts

SERVICE: Final = "urn:service:sos"
RULE: Final = "emergency"
"""What a decision names as its rule."""


class Emergency:
    """``called`` are the patterns of emergency numbers, ``number`` the one that is dialled for a service URN.

    ``reserve`` is how many calls at once are taken above every limit.
    """

    __slots__ = ("_hops", "_numbers", "_urn", "number", "reserve")

    def __init__(
        self, called: Iterable[Pattern], number: str, urn: bool, destinations: Iterable[str], reserve: int
    ) -> None:
        self.number: Final = number
        self.reserve: Final = reserve
        self._urn: Final = urn
        self._numbers: Final = PatternTrie((pattern, True) for pattern in called)
        self._hops: Final = tuple(Hop(name, "bridge") for name in destinations)

    def is_service(self, uri: str) -> bool:
        """Whether a URI is a URN for emergencies that we take: urn:service:sos, or below it."""
        if not self._urn or uri[:4].lower() != "urn:":
            return False
        name = uri.lower()
        return name == SERVICE or name.startswith(SERVICE + ".")

    def has(self, called: str) -> bool:
        """Whether this is an emergency number; it is normalised."""
        return bool(self._numbers.match(called))

    def decision(self) -> Decision:
        """What is done with such a call."""
        return Decision(None, RULE, "bridge", to=self._hops, because="an emergency call")


def in_words(call: CallFacts) -> str:
    """Who calls whom and by which way: enough to find the caller, or to call him back."""
    caller, called, call_id = harmless(call.calling) or "nobody known", harmless(call.called), harmless(call.call_id)
    return f"emergency call to {called} from {caller} by trunk {call.trunk} ({call.source}, Call-ID {call_id})"
