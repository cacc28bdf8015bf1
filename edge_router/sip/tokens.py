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
_digits = ""
_next = 0


def new_token() -> str:
    """16 lower-case hexadecimal digits: 64 random bits, never given out before."""
    global _digits, _next
    if _next == len(_digits):
        _digits = os.urandom(_BLOCK * _LENGTH // 2).hex()
        _next = 0
    begin = _next
    _next = begin + _LENGTH
    return _digits[begin:_next]


def new_branch() -> str:
    """The branch of a new Via (RFC 3261 §8.1.1.7)."""
    return BRANCH_COOKIE + new_token()
