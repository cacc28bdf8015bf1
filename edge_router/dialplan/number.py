"""The number in the user part of a URI, in the one form in which numbers are compared.

It must not know what a number leads to. What stays on the wire, parameters and all, is not its business either.
"""

from __future__ import annotations

import string
from typing import Final

from edge_router.dialplan.fragment import DIALABLE

_SEPARATORS: Final = str.maketrans("", "", "-.() ")
# `unreserved` of RFC 3261 §25.1, and the plus: what never needs an escape in a user part and ends nothing there.
_PLAIN: Final = frozenset(string.ascii_letters + string.digits + "-_.!~*'()+")


def normalise(user: str) -> str:
    """The user part without its parameters (`;npdi`), %-decoded, and a number also without visual separators.

    A name that is not a number comes back as it is, with escapes decoded only where they needn't be there (RFC 3261
    §19.1.4): no line break, quote or parameter comes out of here. `#` is the one that a URI wants escaped again.
    """
    if user.isdigit() or (user[:1] == "+" and user[1:].isdigit()):  # nearly every number
        return user
    name = user.partition(";")[0]
    plain = _decoded(name) if "%" in name else name
    number = plain.translate(_SEPARATORS)
    if number and DIALABLE.issuperset(number):
        return number
    return plain if _PLAIN.issuperset(plain) else name


def _decoded(name: str) -> str:
    """Every %XX of an ASCII character decoded; the name itself where an escape is broken or means anything else."""
    head, *escaped = name.split("%")
    decoded = [head]
    for part in escaped:
        try:
            character = bytes.fromhex(part[:2]).decode("ascii")
        except ValueError:
            return name
        if len(character) != 1:
            return name
        decoded += character, part[2:]
    return "".join(decoded)
