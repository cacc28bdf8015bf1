"""Parameters as RFC 3261 §25.1 has them, and nothing else: for what is only passed on if it is as it should be."""

from __future__ import annotations

import re
from typing import Final

TOKEN: Final = r"[\w.!%*+`'~-]+"
QUOTED: Final = r'"(?:[^"\\]|\\.)*+"'
_PARAM: Final = re.compile(
    rf"[ \t]*+;[ \t]*+({TOKEN})(?:[ \t]*+=[ \t]*+({TOKEN}|\[[0-9a-fA-F:.]+\]|{QUOTED}))?[ \t]*+", re.ASCII
)


def strict_params(text: str, start: int) -> list[tuple[str, str]] | None:
    """The parameters in ``text`` from an index to its end: names in lower case, values as written, "" for none.

    None where something else stands there.
    """
    if not text.isprintable():
        return None
    found: list[tuple[str, str]] = []
    while start < len(text):
        match = _PARAM.match(text, start)
        if match is None:
            return None
        found.append((match[1].lower(), match[2] or ""))
        start = match.end()
    return found
