"""Random tokens for tags, branches and Call-IDs (RFC 3261 §19.3: cryptographically random, 32 bits at least).

A request inside a dialog is accepted from any address by its tags, so they must not be guessable from others that a
peer has seen. One system call fetches the randomness for 256 tokens.
"""

from __future__ import annotations

import os
from typing import Final

BRANCH_COOKIE: Final = "z9hG4bK"  # RFC 3261 §8.1.1.7
_LENGTH: Final = 16  # hexadecimal digits
_BLOCK: Final = 256


class _Supply:
    """Random digits that nobody has yet. Compiled code reads an object's fields straight, and a module's by name."""

    __slots__ = ("digits", "next")

    def __init__(self) -> None:
        self.digits = ""
        self.next = 0

    def take(self) -> str:
        """The next token."""
        if self.next == len(self.digits):
            self.digits = os.urandom(_BLOCK * _LENGTH // 2).hex()
            self.next = 0
        begin = self.next
        self.next = begin + _LENGTH
        return self.digits[begin : self.next]


_supply: Final = _Supply()


def new_token() -> str:
    """16 lower-case hexadecimal digits: 64 random bits, never given out before."""
    return _supply.take()


def new_branch() -> str:
    """The branch of a new Via (RFC 3261 §8.1.1.7)."""
    return BRANCH_COOKIE + new_token()
