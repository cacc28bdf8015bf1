"""Following a target that redirects our INVITE: where its 3xx sends the call (RFC 3261 §8.1.3.4).

Lives here: which Contacts are followed, to which trunk each leads, and how a call is kept from going round. A Contact
that names neither a target of a trunk nor us leads nowhere: a target may send a call on within what is configured, and
not to where it pleases. Nothing is sent here: `set_up.py` does that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from edge_router.b2bua.call.placing import got_nowhere
from edge_router.b2bua.messages.causes import cause_of
from edge_router.b2bua.messages.crossing import IN_REDIRECT, crossing
from edge_router.b2bua.messages.diversion import redirected
from edge_router.b2bua.messages.identity import LONGEST_VALUE, lasting_params, uri_at
from edge_router.b2bua.messages.incoming import read_incoming
from edge_router.b2bua.messages.screening import Refusal
from edge_router.b2bua.messages.trail import Trail
from edge_router.b2bua.routing.aim import aim_of, first_of
from edge_router.dialplan.peer import DialPeer, Outgoing
from edge_router.dialplan.translation import Translations
from edge_router.policy.decision import harmless
from edge_router.sip.errors import BadMessage
from edge_router.sip.headers import param, parse_name_addr, split_list
from edge_router.sip.reasons import reason_phrase
from edge_router.sip.uri import BadUri, SipUri, TelUri, parse_uri

if TYPE_CHECKING:
    from edge_router.b2bua.call.call import Call
    from edge_router.b2bua.messages.incoming import Incoming
    from edge_router.b2bua.routing.routing import Routing
    from edge_router.b2bua.set_up.failure import Failure
    from edge_router.b2bua.trunks.live_trunk import LiveTrunk
    from edge_router.dialplan.trunk import Target
    from edge_router.sip.message import Response

MOST_FOLLOWED: Final = 5
"""How many 3xx of one call are followed."""
MOST_TRIED: Final = 5
"""How many Contacts of one 3xx are tried, the best first."""
_MOST_READ: Final = 32
_ALTERNATIVE_SERVICE: Final = 380  # its Contacts are for another kind of call, which its body describes


class Turn:
    """One way on: the call as if it had come for that number, and the dial-peer and trunk that the Contact selects.

    ``way`` is None where the dial plan is to find one.
    """

    __slots__ = ("incoming", "way")

    def __init__(self, incoming: Incoming, way: tuple[DialPeer, LiveTrunk] | None) -> None:
        self.incoming = incoming
        self.way = way


def is_followed(failure: Failure) -> bool:
    """Whether the call goes on to where this 3xx sends it."""
    response = failure.response
    if response is None or not 300 <= response.code < 400 or response.code == _ALTERNATIVE_SERVICE:
        return False
    return failure.callee.trunk.trunk.redirects == "follow" and "contact" in response.first


def is_passed(call: Call, failure: Failure) -> bool:
    """Whether the caller himself is to go where this 3xx sends him."""
    caller, trunk = call.caller, failure.callee.trunk.trunk
    if trunk.redirects == "follow" or failure.response is None or not 300 <= failure.response.code < 400:
        return False
    return "redirect" in caller.trunk.trunk.accepts and not caller.answered and not call.emergency


def pass_to_caller(call: Call, failure: Failure, response: Response) -> None:
    """Sends the caller away with the Contacts as they came."""
    caller, callee = call.caller, failure.callee
    got_nowhere(call, call.router.wheel.now)  # he is with nobody whom we have sent him to
    contacts = "".join([f"Contact: {value}\r\n" for value in response.all("contact")])
    crossed = crossing(response, IN_REDIRECT, callee.trunk.trunk, caller.trunk.trunk, caller.listener.advertised)
    reason = response.reason or reason_phrase(response.code)
    call.refuse(response.code, reason, "redirected", contacts + crossed, cause_of(response), response.body)


def turns(call: Call, incoming: Incoming, peer: DialPeer, failure: Failure, response: Response) -> Iterator[Turn]:
    """The ways on that a 3xx opens, the best first; the record says of the others why not.

    ``peer`` is the dial-peer by which the call went to the target that answered 3xx.
    """
    trail = incoming.trail = incoming.trail or Trail()
    trail.goes_to(incoming.user_at(peer, failure.callee.trunk.trunk), failure.callee.target)
    if trail.followed >= MOST_FOLLOWED:
        call.remark(f"redirected more than {MOST_FOLLOWED} times")
        return
    trail.followed += 1
    for number, uri in enumerate(contacts_of(response), 1):
        words = f"{failure.callee.target.place} redirects to {harmless(str(uri))}"
        turn = _turn(call, incoming, peer, failure, response, uri, number)
        if turn is None:
            call.remark(f"{words}, which is no trunk's")
        elif turn.way is None and call.emergency:
            call.remark(f"{words}, and emergency calls have their own destinations")
        else:
            call.remark(words)
            yield turn


def to_try(
    incoming: Incoming, peer: DialPeer, trunk: LiveTrunk, now: float, unasked: Sequence[Target] = ()
) -> Sequence[Target]:
    """The targets of a trunk, in order: the one that was named first, and none again where a 3xx came from.

    Where a call comes back, those that are still ``unasked``.
    """
    targets = unasked or trunk.targets_to_try(now) or trunk.last_resort(now)
    trail = incoming.trail
    if trail is not None:
        user = incoming.user_at(peer, trunk.trunk)
        targets = [target for target in targets if not trail.was_at(user, target)]
    return first_of(targets, incoming.aim) if incoming.aim else targets


def contacts_of(response: Response) -> list[SipUri | TelUri]:
    """The URIs of a 3xx that can be called, by their q, and then in order; of the first few, each once."""
    found: dict[str, tuple[float, SipUri | TelUri]] = {}
    entries = [entry for value in response.all("contact") if len(value) <= LONGEST_VALUE for entry in split_list(value)]
    for entry in entries[:_MOST_READ]:
        try:
            _, text, params = parse_name_addr(entry, "Contact")
            uri = parse_uri(text)
        except (BadMessage, BadUri):
            continue
        found.setdefault(text, (_preference(params), uri))
    return [uri for _, uri in sorted(found.values(), key=lambda one: -one[0])[:MOST_TRIED]]


def _preference(params: str) -> float:
    """The q of a Contact, 1 where it has none, and 0 where it can't be read (RFC 3261 §20.10)."""
    text = param(params, "q")
    if text is None:
        return 1.0
    whole, _, part = text.partition(".")
    if whole not in ("0", "1") or len(part) > 3 or not (part + "0").isdigit() or not text.isascii():
        return 0.0
    return min(float(f"{whole}.{part}0"), 1.0)


def _turn(
    call: Call,
    incoming: Incoming,
    peer: DialPeer,
    failure: Failure,
    response: Response,
    contact: SipUri | TelUri,
    number: int,
) -> Turn | None:
    """Where a Contact leads; None where that is nowhere."""
    routing, caller, came = call.routing, call.caller, failure.callee.trunk
    here, user, params = caller.listener.advertised, incoming.user, ""
    aim = aim_of(call.router, routing, came.name, contact)
    if isinstance(aim, Refusal):
        return None
    if isinstance(contact, SipUri):
        user = contact.user or user  # the same number elsewhere, where it names none
        params = lasting_params(contact)
        uri = uri_at(user, here) + params
    else:
        uri = str(contact)
    dialled = incoming.user_at(peer, came.trunk)
    request = redirected(incoming.request, uri, dialled, here, response, number)
    try:
        onward = read_incoming(request, call.came_by, incoming.facts.source, incoming.hops_left, as_dialled=True)
    except BadMessage:
        return None
    facts, before = onward.facts, incoming.facts
    facts.emergency = before.emergency
    onward.trail = incoming.trail
    if aim is None:
        return Turn(onward, None)
    onward.aim = aim.target
    facts.calling, facts.service, facts.visits = before.calling, before.service, before.visits
    return Turn(onward, (_peer_of(routing, peer, aim.trunk.name, facts.called), aim.trunk))


def _peer_of(routing: Routing, peer: DialPeer, trunk: str, called: str) -> DialPeer:
    """The dial-peer by which a call goes to a trunk that was named: the one that it went by, or that has the number.

    The number stays the one that was named, so nothing of the dial-peer's own is dialled.
    """
    known = [*routing.plan.outbound(called), *routing.plan.peers.values()]
    leading = [each for each in (peer, *known) if each.outgoing is not None and each.outgoing.trunk == trunk]
    chosen = leading[0] if leading else DialPeer(trunk, outgoing=Outgoing(trunk))
    calling = chosen.translate.calling if chosen.translate is not None else None
    translate = None if calling is None else Translations(None, calling)
    return replace(chosen, called_number=None, refer_uri=None, translate=translate)
