"""The INVITE that a call is sent on with: by which listener it leaves, and by which transport if it is large."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_router.b2bua.call.callee import CalleeLeg, invite_of
from edge_router.b2bua.call.session_terms import lines_of, terms_for
from edge_router.b2bua.messages.content import has_sdp
from edge_router.b2bua.messages.diversion import past_of
from edge_router.b2bua.messages.outbound import new_cisco_guid, outbound_invite
from edge_router.b2bua.set_up.correlation import correlation_lines
from edge_router.b2bua.trunks.leaving import LARGEST_BY_UDP, leaving_by, listener_for
from edge_router.sip.tokens import new_branch

if TYPE_CHECKING:
    from edge_router.b2bua.call.call import Call
    from edge_router.b2bua.messages.incoming import Incoming
    from edge_router.b2bua.trunks.live_trunk import LiveTrunk
    from edge_router.dialplan.peer import DialPeer
    from edge_router.dialplan.trunk import Target
    from edge_router.sip.dialog import Dialog


def invite(
    call: Call,
    incoming: Incoming,
    peer: DialPeer,
    trunk: LiveTrunk,
    target: Target,
    by_udp: bool = False,
    least: int = 0,
    before: Dialog | None = None,
) -> CalleeLeg:
    """Sends an INVITE to a target in a new outgoing leg of the call; ``by_udp`` however large it is.

    It asks for a session of ``least`` seconds, if that is not 0; ``before`` is the dialog of what it repeats.
    """
    caller, record, router = call.caller, call.record, call.router
    if record.cisco_guid is None:
        record.cisco_guid = new_cisco_guid()
    listener = leaving_by(router.listeners, trunk.trunk, target, caller.listener)
    correlation = trunk.trunk.correlation
    ours = "" if correlation is None else correlation_lines(call, incoming, trunk.trunk, correlation)
    session_asked = terms_for(trunk.trunk, least)
    if session_asked is not None:
        ours += lines_of(session_asked)
    ours += call.own_lines
    came_by, entered = call.came_by, call.routing.plan.peers.get(record.dial_peer_in or "")
    reliable = has_sdp(incoming.request) or caller.takes_prack  # else an offer in an 18x would have no answer
    guid, leaves_by = record.cisco_guid, trunk.trunk
    sent = outbound_invite(incoming, entered, peer, leaves_by, came_by, target, listener, guid, reliable, before)
    body, by_tcp = incoming.request.body, None
    if trunk.trunk.udp_to_tcp and not by_udp and listener.transport == "udp":
        size = len(invite_of(sent.uri, listener.via + new_branch(), sent.headers + ours, body))
        by_tcp = listener_for(router.listeners, "tcp", target.host) if size > LARGEST_BY_UDP else None
    if by_tcp is not None:
        listener = by_tcp
        sent = outbound_invite(incoming, entered, peer, leaves_by, came_by, target, listener, guid, reliable, before)
    record.egress_call_id = sent.dialog.call_id
    record.calling_out = sent.calling
    record.called_out = sent.called
    callee = call.callee = CalleeLeg(router, call, trunk, listener, target, sent.dialog)
    callee.past = past_of(incoming.request)
    callee.by_tcp = by_tcp is not None
    callee.session_asked = session_asked
    callee.reliable = reliable and trunk.trunk.rel1xx != "disabled"
    call.exchange = None  # what an early dialog of the last attempt was asked is none of this one's
    callee.call_out(sent.uri, sent.headers + ours, body, new_branch(), by_udp)
    return callee
