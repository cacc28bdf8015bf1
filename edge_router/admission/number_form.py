"""Numbers that two systems write in two ways, told apart or known as one: +12125550100, 12125550100, 2125550100.

It must not know what a dial plan makes of numbers: nothing here is exact enough to route by.
"""

from __future__ import annotations

from typing import Final

FEWEST: Final = 7
"""Digits that two different writings of one number share at least; shorter numbers must be equal."""
MOST: Final = 15
"""Digits that are compared: E.164 has no more."""
LONGEST_NAME: Final = 64
"""Characters that are kept of what is no number."""

_SEPARATORS: Final = str.maketrans("", "", "+-.() ")
_NOBODY: Final = frozenset(("", "anonymous", "unavailable", "unknown", "restricted", "private"))


def form_of(number: str) -> str:
    """A number as it is compared: its last digits without + and leading zeros; a name in lower case; "" for nobody.

    A SIP or tel URI is read as its user part.
    """
    digits = number.removeprefix("+")
    if not (digits.isascii() and digits.isdecimal()):
        name = _user_of(number).lower()
        digits = name.translate(_SEPARATORS)
        if not (digits.isascii() and digits.isdecimal()):
            return "" if name in _NOBODY else name[:LONGEST_NAME]
    significant = digits.lstrip("0")
    return significant[-MOST:] if len(significant) >= FEWEST else digits[-MOST:]


def same(one: str, other: str) -> bool:
    """Whether two forms may be one number: the shorter one, of 7 digits at least, is how the longer one ends."""
    if one == other:
        return True
    if len(one) > len(other):
        one, other = other, one
    return len(one) >= FEWEST and other.endswith(one) and other.isdecimal()


def _user_of(text: str) -> str:
    """What stands between scheme and host or parameters."""
    for scheme in ("sip:", "sips:", "tel:"):
        if text[: len(scheme)].lower() == scheme:
            text = text[len(scheme) :]
            break
    return text.partition("@")[0].partition(";")[0].strip()
