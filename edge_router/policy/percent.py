"""`percent(30, "salt")`: the same part of callers at every call, on every router, after every restart."""

from __future__ import annotations

from hashlib import blake2b

_RANGE = 1 << 64


class Percent:
    """True for a stable part of callers. Raising the percentage only adds callers; another salt draws anew.

    A caller's place in the range is a hash of salt and caller, and he is in if it is below the limit. CRC would be
    cheaper, but it is linear: two salts would give places that depend on each other.
    """

    __slots__ = ("_limit", "_salted")

    def __init__(self, percentage: float, salt: str) -> None:
        """Raise ValueError unless the percentage is from 0 to 100; it may be a fraction."""
        if not 0 <= percentage <= 100:
            raise ValueError("a percentage is a number from 0 to 100")
        self._limit = int(percentage / 100 * _RANGE)
        self._salted = blake2b(_octets(salt) + b"\0", digest_size=8)

    def holds(self, caller: str) -> bool:
        """Whether this caller is in."""
        digest = self._salted.copy()
        digest.update(_octets(caller))
        return int.from_bytes(digest.digest(), "big") < self._limit


def _octets(text: str) -> bytes:
    """The text's octets, also where it came from the wire as something other than UTF-8."""
    return text.encode("utf-8", "surrogatepass")
