"""What is fuzzed, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from fuzz.framing import check_framing
from fuzz.message import check_message
from fuzz.router import check_router
from fuzz.sdp import check_sdp
from fuzz.uri import check_uri

TARGETS: Final[dict[str, Callable[[bytes], bool]]] = {
    "message": check_message,
    "uri": check_uri,
    "sdp": check_sdp,
    "framing": check_framing,
    "router": check_router,
}
"""Each takes any octets, tells whether they could be read, and raises where something doesn't hold."""
LONGEST: Final = {"message": 20_000, "uri": 2_000, "sdp": 8_000, "framing": 3_000, "router": 4_000}
"""Octets of an input: enough to pass each limit by."""
