"""The flow of the simulated organisation, as far as it looks at a call's headers.

It keeps one of them in a global variable, which a search shows then. What of the headers a flow gets to see at all is
the cloud's own rule: twenty at most, in the order of the alphabet, a thousand bytes together.
"""

from __future__ import annotations

from collections.abc import Mapping

HEADER = "x-edge-call"
VARIABLE = "EdgeCall"
"""The global variable in which the flow keeps the header."""

MOST_HEADERS = 20
MOST_BYTES = 1000


def seen(headers: Mapping[str, str]) -> dict[str, str]:
    """What a flow sees of a call's headers: names in lower case."""
    shown: dict[str, str] = {}
    room = MOST_BYTES
    for name, value in sorted((name.lower(), value) for name, value in headers.items())[:MOST_HEADERS]:
        room -= len(f"{name}{value}".encode())
        if room < 0:
            break
        shown[name] = value
    return shown


def variables_of(headers: Mapping[str, str]) -> dict[str, str]:
    """The global variables that the flow sets for a call with these headers."""
    shown = seen(headers)
    return {VARIABLE: shown[HEADER]} if HEADER in shown else {}
