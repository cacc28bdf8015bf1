"""Random tokens for tags, branches and Call-IDs (RFC 3261 §19.3: cryptographically random, 32 bits at least).

A request inside a dialog is accepted from any address by its tags, so they must not be guessable from others that a
peer has seen. One system call fetches the randomness for 256 tokens.
"""

from __future__ import annotations

import os
from typing import Final

BRANCH_COOKIE: Final = "z9hG4bK"  # RFC 3261 §8.1.1.7
_SIZE: Final = 8  # octets of randomness in a token
_BLOCK: Final = 256
_pool: list[str] = []


def new_token() -> str:
    """16 lower-case hexadecimal digits: 64 random bits, never given out before."""
    if not _pool:
        digits = os.urandom(_SIZE * _BLOCK).hex()
        _pool.extend(digits[i : i + 2 * _SIZE] for i in range(0, len(digits), 2 * _SIZE))
    return _pool.pop()
