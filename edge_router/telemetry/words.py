"""What may stand as a label: every word that a stranger can choose is folded into a few, so that series stay few."""

from __future__ import annotations

from typing import Final

from edge_router.sip.names import METHODS

OTHER: Final = "other"


def method_label(method: str) -> str:
    """The method if SIP knows it."""
    return method if method in METHODS else OTHER


def is_code(code: int) -> bool:
    """Whether SIP can have this status code (RFC 3261 §7.2)."""
    return 100 <= code <= 699


class Vocabulary:
    """Remembers the first ``limit`` distinct words; any further one is ``other``."""

    __slots__ = ("_limit", "_words")

    def __init__(self, limit: int = 64) -> None:
        self._limit = limit
        self._words: set[str] = set()

    def label(self, word: str) -> str:
        """The word itself if it is known or there is room for it."""
        if word not in self._words:
            if len(self._words) >= self._limit:
                return OTHER
            self._words.add(word)
        return word
