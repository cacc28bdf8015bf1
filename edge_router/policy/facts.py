"""What a policy may know of a call: the values behind `call.*` in a rule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


def _no_header(name: str) -> str:
    """Stand in for the headers of a call that has none, as in `edge-router route`."""
    return ""


@dataclass(slots=True)
class CallFacts:
    """One call, as rules see it. Numbers are normalised; what the call doesn't have is an empty string.

    `called` is the number as it is now, `called_received` as it came. `trunk` names the trunk that the call came
    in by, `source` is the address it came from. `headers(name)` gives the first value of a header of the INVITE
    by any spelling of its name, "" if there is none; it is called only when a rule reads a header.
    """

    calling: str
    called: str
    called_received: str = ""
    trunk: str = ""
    source: str = ""
    anonymous: bool = False
    diverted_from: str = ""
    call_id: str = ""
    headers: Callable[[str], str] = _no_header
