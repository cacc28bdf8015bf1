"""What strangers write is remembered only where it is short: what is kept of a million hostile calls is bounded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from edge_router.b2bua import incoming, leg, outbound, screening
from edge_router.sip import dialog, headers, message, uri
from edge_router.sip.remember import LONGEST
from tests.b2bua.stage import PREMISE_ONLY, Stage

LONG = "x" * (LONGEST + 1)
TABLES = (
    message._read_start,
    headers._host_port,
    headers.parse_cseq,
    dialog._read_contact,
    dialog._read_route,
    incoming._read_called,
    incoming._read_to,
    leg._place,
    screening._uri,
    uri._parse_host_port,
)


def kept(table: Callable[[str], Any]) -> dict[str, Any]:
    """What a remembered function has read and kept."""
    found = getattr(table, "__self__", None)
    assert isinstance(found, dict), f"{table} keeps what it read in a place of its own"
    return found


def test_nothing_is_kept_of_a_call_whose_texts_are_long(stage: Stage) -> None:
    callees = outbound._to.cache_info().currsize
    caller = stage.carrier.calls(
        f"{PREMISE_ONLY};isub={LONG}",
        f"To: <sip:{PREMISE_ONLY}@192.0.2.9;x={LONG}>",
        f"Contact: <sip:{stage.carrier.place};x={LONG}>",
        f"Record-Route: <sip:{stage.carrier.place};lr;x={LONG}>",
        f"Via: SIP/2.0/UDP {LONG[:200]}.{LONG};branch=z9hG4bKlong;rport",
    )
    callee = stage.premise.is_called()
    callee.says(200)
    caller.hears(100)
    caller.hears(200)
    caller.ack()
    callee.hears("ACK")
    callee.hangs_up()  # the BYE goes on to the caller's Contact
    caller.is_hung_up()
    assert max(len(text) for table in TABLES for text in kept(table)) <= LONGEST
    assert outbound._to.cache_info().currsize == callees
