"""A REFER inside a call: whether it is taken, and the call that it asks for (RFC 3515).

The call is made as if the party who stays called the number of the Refer-To from the transferor's trunk, under the name
that the transferor knows him by: dial plan, policy and limits hold as for any call from there. A Refer-To that names
a target of a trunk leads to that trunk; one that names us goes through the dial plan, and any other host is refused:
where somebody would have our calls sent is ours to say.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from edge_router.b2bua.call.callee import CalleeLeg
from edge_router.b2bua.call.caller import CallerLeg
from edge_router.b2bua.messages.capabilities import ALLOW_LINE
from edge_router.b2bua.messages.diversion import transferred
from edge_router.b2bua.messages.incoming import Incoming, read_incoming
from edge_router.b2bua.messages.screening import MAX_FORWARDS, PENDING, Refusal
from edge_router.b2bua.reports.record import CallRecord
from edge_router.b2bua.routing.aim import aim_of
from edge_router.b2bua.set_up.correlation import new_session
from edge_router.b2bua.transfer.attended_transfer import AttendedTransfer
from edge_router.b2bua.transfer.refer_passing import pass_refer
from edge_router.b2bua.transfer.refer_subscription import ReferSubscription
from edge_router.b2bua.transfer.replaces import leg_of
from edge_router.b2bua.transfer.transfer import Transfer
from edge_router.sip import sdp
from edge_router.sip.errors import BadMessage
from edge_router.sip.message import Request
from edge_router.sip.refer_to import ReferTo, parse_replaces, refer_to_of
from edge_router.sip.tokens import new_token
from edge_router.sip.uri import TelUri, escape_user

if TYPE_CHECKING:
    from edge_router.b2bua.call.call import Call
    from edge_router.b2bua.call.leg import Leg
    from edge_router.sip.transaction import ServerTransaction

MOST_TRANSFERS: Final = 10
"""Transfers of one call: two who send a call to each other would otherwise do so without end."""
_NOBODY: Final = "0" * 32
_TOO_MANY: Final = Refusal(403, "Transferred too often")
_NOT_YET: Final = Refusal(500, "The call is not set up yet", "Retry-After: 2\r\n")


def take_refer(leg: Leg, request: Request, transaction: ServerTransaction) -> None:
    """Begins a transfer, or says why not."""
    call = leg.call
    if call is None:
        leg.answer(transaction, 481, "Call/Transaction Does Not Exist")
        return
    try:
        refusal = _take(call, leg, request, transaction)
    except BadMessage as error:
        refusal = Refusal(error.code, error.why)
    if refusal is not None:
        leg.answer(transaction, *refusal)


def _take(call: Call, leg: Leg, request: Request, transaction: ServerTransaction) -> Refusal | None:
    refer_to = refer_to_of(request)
    refusal = _refusal(call) if call.other_than(leg) is not None else _NOT_YET
    if refusal is not None:
        return refusal
    if leg.trunk.trunk.refer == "pass":
        pass_refer(call, leg, request, transaction, refer_to)
        return None
    aim = aim_of(call.router, call.router.routing, leg.trunk.name, refer_to.uri)
    if isinstance(aim, Refusal):
        return aim
    transfer, incoming = _transfer(call, leg, request, refer_to)
    incoming.aim = aim.target if aim is not None else ""
    silent = request.first.get("refer-sub", "").partition(";")[0].strip(" \t").lower() == "false"
    transfer.subscription = ReferSubscription(leg, request, call.transfers > 0, silent)
    call.transfers += 1
    call.transfer = transfer
    contact = f"Contact: {leg.contact}\r\n{ALLOW_LINE}"
    if silent:
        leg.answer(transaction, 200, "OK", contact + "Refer-Sub: false\r\n")
    else:
        leg.answer(transaction, 202, "Accepted", contact)
    transfer.subscription.tell(100)
    transfer.begin(incoming, aim.decision(refer_to.uri) if aim is not None else None)
    return None


def _refusal(call: Call) -> Refusal | None:
    """Why nobody can be sent anywhere now."""
    callee = call.callee
    if call.setup is not None or not call.caller.answered or callee is None or not callee.acknowledged:
        return _NOT_YET
    if call.transfer is not None or (call.exchange is not None and not call.exchange.accepted):
        return PENDING
    return _TOO_MANY if call.transfers >= MOST_TRANSFERS else None


def _transfer(call: Call, leg: Leg, refer: Request, refer_to: ReferTo) -> tuple[Transfer, Incoming]:
    """The call to the new party, not begun; raises BadMessage where the number can't be dialled."""
    stays = call.other_than(leg)
    assert stays is not None  # _refusal has seen both
    invite = _invite(leg, stays, refer, refer_to)
    incoming = read_incoming(invite, leg.trunk.trunk, leg.address[0], MAX_FORWARDS - 1)
    incoming.facts.source = leg.address[0]
    record = CallRecord(
        call_id=new_token(),
        ingress_call_id=leg.dialog.call_id,
        node=call.record.node,
        calling=incoming.facts.calling,
        called=incoming.facts.called,
        ingress_trunk=leg.trunk.name,
        start=time.time(),
    )
    record.cisco_guid = call.record.cisco_guid
    record.session_id = incoming.facts.session_id or None
    transfer = _kind(call, leg, stays, record, refer_to)
    if transfer.routing.is_emergency(incoming.facts):
        transfer.emergency = record.emergency = incoming.facts.emergency = True
        call.router.observer.emergency_began(leg.trunk.name)
    return transfer, incoming


def _kind(call: Call, leg: Leg, stays: Leg, record: CallRecord, refer_to: ReferTo) -> Transfer:
    """The transfer: to somebody who is to be called, or whom the transferor has in another call already.

    A Replaces that names no dialog of ours goes to whoever is called. Raises BadMessage where it can't be followed.
    """
    if not refer_to.replaces:
        return Transfer(call, leg, stays, record, refer_to.text)
    replaces = parse_replaces(refer_to.replaces)
    replaced = leg_of(call.router, replaces)
    if replaced is None:
        transfer = Transfer(call, leg, stays, record, refer_to.text)
        transfer.lines = f"Replaces: {refer_to.replaces}\r\nRequire: replaces\r\n"
        return transfer
    other = replaced.call
    if replaced.trunk.name != leg.trunk.name:
        raise BadMessage(403, "The dialog to be replaced is another trunk's")
    if other is None or other is call or _refusal(other) is not None:
        raise BadMessage(481, "The dialog to be replaced is not there")
    far = other.other_than(replaced)
    if far is None:
        raise BadMessage(481, "The dialog to be replaced is not there")
    if replaces.early_only:
        raise BadMessage(486, "The dialog to be replaced is answered already")
    return AttendedTransfer(call, leg, stays, record, refer_to.text, replaced, far)


def _invite(leg: Leg, stays: Leg, refer: Request, refer_to: ReferTo) -> Request:
    """The INVITE that the party who stays would have sent: he offers what he showed last, but not on hold."""
    uri = refer_to.uri
    user = escape_user(uri.user) if uri.user else ""
    place = leg.listener.advertised
    text = f"sip:{user}@{place}" if user else f"sip:{place}"
    if isinstance(uri, TelUri) or uri.params.get("user") == "phone":
        text += ";user=phone"
    invite = Request("INVITE", text)
    invite.add("from", leg.dialog.local.rpartition(";tag=")[0])
    invite.add("to", f"<{text}>")
    invite.add("call-id", leg.dialog.call_id)
    invite.add("cseq", "1 INVITE")
    session = stays.session_id.partition(";")[0].strip(" \t")
    invite.add("session-id", f"{session or new_session()};remote={_NOBODY}")
    if "referred-by" in refer.first:
        invite.add("referred-by", refer.first["referred-by"])
    if isinstance(leg, CalleeLeg) and type(stays) is CallerLeg:  # it was his call, and goes on
        transferred(invite, leg.past)
    body = sdp.without_hold(leg.last_heard)
    if body:
        invite.add("content-type", "application/sdp")
        invite.body = body
    return invite
