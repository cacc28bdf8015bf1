"""What strangers write is remembered only where it is short, and until a quiet moment: what is kept is bounded."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from edge_router.b2bua.messages import incoming, next_hop, outbound, screening
from edge_router.sip import dialog, headers, message, transaction_layer, uri
from edge_router.sip.remember import LONGEST
from edge_router.sip.timers import GIVE_UP
from tests.b2bua.stage import PREMISE_ONLY, Stage

LONG = "x" * (LONGEST + 1)
TABLES = (
    message._read_start,
    headers._sender,
    headers.parse_cseq,
    dialog._read_contact,
    dialog._read_route,
    incoming._read_called,
    incoming._read_to,
    next_hop.place_of,
    screening._uri,
    transaction_layer._method_in,
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


def test_in_a_quiet_moment_nothing_is_kept_but_the_calls_that_stand(stage: Stage) -> None:
    router = stage.router
    callers, callees = zip(*[stage.connected() for _ in range(20)], strict=True)
    router.tidy()
    stage.carrier.says(callers[0].invite)  # is known still, and so is the answer that comes again
    assert len(router.calls) == len(callers)
    callees[0].says(200)
    callees[0].hears("ACK")
    for caller, callee in zip(callers, callees, strict=True):
        caller.hangs_up()
        callee.is_hung_up()
    stage.pass_time(2 * GIVE_UP)
    router.tidy()
    layer = router.transactions
    for table in (router.calls, router._dialogs, layer._clients, layer._servers):
        assert sys.getsizeof(table) == sys.getsizeof({})
    assert sys.getsizeof(layer._merged) == sys.getsizeof(set())
    assert not any(kept(table) for table in TABLES)
    assert not message._lately
    assert not router.routing.load._counts.recent
    assert not router.routing.trunks["premise"]._outbound._counts.recent
