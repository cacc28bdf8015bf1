"""An INVITE that is to become a call: whether there is room for it, and all that a call has when its set-up begins."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Final, cast

from edge_router.b2bua.call.call import Call
from edge_router.b2bua.call.caller import CallerLeg
from edge_router.b2bua.call.session_terms import too_brief
from edge_router.b2bua.messages.incoming import read_incoming
from edge_router.b2bua.messages.screening import Refusal, check_form, hops_left, refusal_of_unreliable
from edge_router.b2bua.reports.record import CallRecord
from edge_router.b2bua.routing.emergency import in_words
from edge_router.b2bua.routing.reserve import RETRY_AFTER
from edge_router.b2bua.set_up.set_up import set_up
from edge_router.sip.dialog import Dialog
from edge_router.sip.tokens import new_token

if TYPE_CHECKING:
    from edge_router.b2bua.call.switchboard import Switchboard
    from edge_router.b2bua.trunks.live_trunk import LiveTrunk
    from edge_router.net.listener import Listener
    from edge_router.sip.transaction_layer import Arrival

_log = logging.getLogger(__name__)

DRAINING: Final = Refusal(503, "Service Unavailable", RETRY_AFTER)
_TOO_MANY_HOPS: Final = Refusal(483, "Too Many Hops")


def begin_call(router: Switchboard, arrival: Arrival, trunk: LiveTrunk, urn: bool) -> None:
    """Makes a call of an INVITE, or raises BadMessage before anything is kept of it.

    ``urn``: its Request-URI was a URN for emergencies.
    """
    request, routing = arrival.request, router.routing
    hops = hops_left(request)
    if hops < 0:
        router.refuse(arrival, trunk.name, _TOO_MANY_HOPS)
        return
    incoming = read_incoming(request, trunk.trunk, arrival.source[0], hops, urn)
    dialog = Dialog.as_server(request, new_token())
    emergency = router.routing.is_emergency(incoming.facts)
    brief = too_brief(request, trunk.trunk) if "session-expires" in request.first and not emergency else None
    if brief is not None:
        router.refuse(arrival, trunk.name, brief)
        return
    if emergency:
        router.observer.emergency_began(trunk.name)
    above, refusal = False, None
    if not emergency:
        refusal = DRAINING if router.draining else refusal_of_unreliable(request, trunk.trunk)
    if refusal is None:
        above, why, refusal = router.reserve.let_in(routing, trunk, emergency, router.crowded, router.wheel.now)
        if why:
            router.observer.rejected(why)
    if refusal is not None:
        if emergency:
            _log.warning("%s refused: no room", in_words(incoming.facts))
            router.observer.emergency_refused(trunk.name)
        router.answer_statelessly(request, arrival.source, arrival.transport, trunk.name, refusal)
        return
    transaction = router.transactions.serve(arrival)
    router.transactions.remember(arrival, transaction)
    record = CallRecord(
        call_id=new_token(),
        ingress_call_id=dialog.call_id,
        node=routing.node,
        calling=incoming.facts.calling,
        called=incoming.facts.called,
        ingress_trunk=trunk.name,
        start=time.time(),
    )
    record.session_id = incoming.facts.session_id or None
    record.cisco_guid = request.first.get("cisco-guid")
    call = Call(router, routing, record)
    call.emergency = record.emergency = incoming.facts.emergency = emergency
    if emergency:
        _log.warning("%s is call %s", in_words(incoming.facts), record.call_id)
    listener = cast("Listener", arrival.transport)  # over TLS, toward whom it came from
    call.caller = CallerLeg(router, call, trunk, listener, transaction.address, dialog, request, transaction)
    call.caller.session_id = incoming.facts.session_id
    transaction.user = call
    router.calls[record.call_id] = call
    if above:
        router.reserve.add(record.call_id)
    call.start(set_up(call, incoming))


def begins_emergency(router: Switchboard, arrival: Arrival, trunk: str) -> bool:
    """Whether a request is the INVITE of an emergency call: read once more, where no other is taken."""
    if (request := arrival.request).method != "INVITE" or (routing := router.routing).emergency is None:
        return False
    check_form(request)
    if routing.number_of_urn(request.uri):
        return True
    return routing.is_emergency(read_incoming(request, routing.trunks[trunk].trunk, arrival.source[0], 0).facts)
