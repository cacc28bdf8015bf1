"""A call's set-up, from its INVITE to the answer: read it top to bottom.

Decide; then, dial-peer by dial-peer and target by target, redirect, REFER or bridge, until one takes the call. What
the cloud refuses, or does not answer, or has no room for, goes on to the next, and an emergency call after any failure;
the caller hears of it only when nothing is left. `call.py` drives this coroutine and has the ends that can come at any
moment (CANCEL, BYE). A target that redirects the call is followed by the same steps (`redirection.py`).
"""

from __future__ import annotations

from itertools import chain
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple

from edge_router.b2bua.call.call import Call
from edge_router.b2bua.call.callee import EARLY_DIALOG_ENDED
from edge_router.b2bua.call.placing import got_nowhere, place
from edge_router.b2bua.call.rescue import WayBack, lost, show_answer
from edge_router.b2bua.call.session_terms import begin, longer_for
from edge_router.b2bua.call.waiting import TIMEOUT, WAITED, next_event
from edge_router.b2bua.messages.causes import retry_after
from edge_router.b2bua.routing.destinations import VISITED, destinations, named
from edge_router.b2bua.set_up.failure import Failure, give_back
from edge_router.b2bua.set_up.inviting import invite
from edge_router.b2bua.set_up.join import join
from edge_router.b2bua.set_up.redirect import redirect
from edge_router.b2bua.set_up.redirection import is_followed, is_passed, to_try, turns
from edge_router.b2bua.set_up.refer import refer
from edge_router.b2bua.trunks.patience import after, why_left_out
from edge_router.sip.reasons import reason_phrase

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator, Sequence

    from edge_router.b2bua.call.callee import CalleeLeg
    from edge_router.b2bua.call.waiting import Event
    from edge_router.b2bua.messages.incoming import Incoming
    from edge_router.b2bua.routing.destinations import Destination
    from edge_router.b2bua.set_up.redirection import Turn
    from edge_router.b2bua.trunks.live_trunk import LiveTrunk
    from edge_router.b2bua.trunks.patience import Patience
    from edge_router.dialplan.failures import FailureSet
    from edge_router.dialplan.peer import DialPeer
    from edge_router.dialplan.trunk import Target, Trunk
    from edge_router.policy.decision import Decision
    from edge_router.sip.dialog import Dialog
    from edge_router.sip.message import Request, Response


class Tried(NamedTuple):
    """What all came to: the last failure, None where nothing was tried; the dial-peer that was the last, and why it is.

    ``looped``: one that could have been tried was left out, since the call was there too often.
    """

    failure: Failure | None
    last: str
    looped: bool


async def set_up(call: Call, incoming: Incoming) -> None:
    """Sets a call up, or refuses it."""
    await carry_out(call, incoming, decide(call, incoming))


async def carry_out(call: Call, incoming: Incoming, decision: Decision) -> None:
    """Takes a call where it was decided, or refuses it."""
    if decision.method == "reject":
        reject(call, decision)
        return
    ways = destinations(call.routing, decision, incoming, call.caller, call.router.wheel)
    tried = await hunt(call, incoming, hops(call, incoming, ways))
    if tried is not None:
        give_back(call, *tried)


async def hunt(
    call: Call, incoming: Incoming, ways: Iterator[tuple[Destination, str]], last: str = "", why: str = ""
) -> Tried | None:
    """Goes from one dial-peer to the next. None when the caller is through, or sent away, or gone.

    ``last`` is the dial-peer where the call was before, and ``why`` it isn't there any more.
    """
    failure: Failure | None = None
    looped = False
    for one, skipped in ways:
        peer, trunk, by = one.peer, one.trunk, one.by
        if last and last != peer.name:
            call.router.observer.failover(last, peer.name, why)
        last = peer.name
        if skipped:
            why = skipped
            looped = looped or one.in_a_circle
            continue
        call.record.dial_peer_out = peer.name
        call.record.egress_trunk = trunk.trunk.name
        call.record.method = by
        if by == "redirect":
            redirect(call, incoming, peer, trunk)
            return None
        if by == "refer":
            code = await refer(call, incoming, peer, trunk)
            if code is not None and code < 300:
                return None
            why = "timeout" if code is None else str(code)
            continue
        targets = to_try(incoming, peer, trunk, call.router.wheel.now, one.unasked)
        if not targets:
            why = VISITED
            call.remark(f"the call was at {peer.name} before")
            continue
        failed = await bridge(call, incoming, one, targets)
        if failed is None:
            if peer.rescue is not None:
                _keep_way_back(call, incoming, peer, ways)
            return None
        failure = failed
        why = failure.word
        if is_passed(call, failure) or not (call.emergency or _moves_on(trunk.trunk.next_peer_on, failure.code)):
            break
    return Tried(failure, last, looped)


def decide(call: Call, incoming: Incoming) -> Decision:
    """Matches and decides, and notes both."""
    record = call.record
    began = perf_counter()
    peer, decision = call.routing.route(incoming.facts, call.came_in_at, call.router.wheel.now)
    if peer is not None:
        record.dial_peer_in = peer.name
    record.decision = decision
    service = incoming.facts.service
    record.service = None if service is None else service.get("service", "")
    call.router.observer.routed(record, incoming.facts, call.came_in_at)
    call.router.observer.decided(record, perf_counter() - began)
    return decision


def reject(call: Call, decision: Decision) -> None:
    """Refuses a call because the rules say so, or because nothing matches it."""
    matched = decision.rule is not None
    call.record.method = "reject" if matched else "none"
    headers = ""
    if decision.cause is not None:
        headers = f"Reason: Q.850;cause={decision.cause}\r\n"
    if decision.retry_after is not None:
        headers += f"Retry-After: {decision.retry_after}\r\n"
    reason = decision.reason or reason_phrase(decision.code)
    call.refuse(decision.code, reason, "rejected" if matched else "failed", headers, decision.cause)


def hops(call: Call, incoming: Incoming, ways: Iterator[Destination]) -> Iterator[tuple[Destination, str]]:
    """The destinations to try, in order; or where one is skipped, why: ``down``, ``full (...)``.

    One that is tried counts on its trunk until the next. An emergency comes back in the end to whom it had no patience
    for.
    """
    wheel = call.router.wheel
    again: list[Destination] = []
    for one in chain(ways, again):
        if one.closed:
            call.remark(one.in_words)
            yield one, one.closed
            continue
        now, trunk = wheel.now, one.trunk
        limit = trunk.admit_outbound(now, call.emergency)
        if limit is not None:
            full = f"full ({limit})"
            call.remark(f"{one.peer.name} is {full}")
            yield one, full
            continue
        if one.note:
            call.remark(one.note)
        call.count_on(trunk)
        place(call, incoming, one.peer, trunk, one.by, now)
        yield one, ""
        got_nowhere(call, wheel.now)
        call.count_on(None)
        if one.unasked and call.emergency:
            again.append(one)


async def bridge(call: Call, incoming: Incoming, one: Destination, targets: Sequence[Target]) -> Failure | None:
    """Tries the targets of a trunk in turn. None when one has answered and the caller is through.

    Of a name that says nothing a few addresses are tried (patience.py), and the others left ``unasked``.
    """
    failure: Failure | None = None
    patience: Patience | None = None
    router, peer, trunk = call.router, one.peer, one.trunk
    one.unasked = ()
    call.caller.trying()
    for target in targets:
        if patience is not None and patience.is_over(target):
            one.unasked = [*one.unasked, target]
            call.remark_once(why_left_out(target))
            continue
        began = router.wheel.now
        if incoming.trail is not None and not incoming.trail.goes_to(incoming.user_at(peer, trunk.trunk), target):
            continue
        failure = await _attempt(call, incoming, peer, trunk, target)
        if failure is None:
            return None
        patience = after(failure.code, patience, trunk.trunk, target, router.wheel.now - began)
        _judge(trunk, target, failure, failure.callee, router.wheel.now)
        if failure.code is not None and failure.code < 400:
            redirected = failure
            failure = await follow(call, incoming, peer, redirected)
            if failure is None or not _stays(call, incoming, peer, trunk, redirected, failure):
                return failure
        if call.emergency:
            continue  # whatever one of them says, another may help him
        if failure.code is None and failure.callee.provisional > 100:
            break  # nobody is there to answer: another target would only ring as long again
        if not _moves_on(trunk.trunk.hunt_on, failure.code):
            break
    return failure


async def _attempt(
    call: Call,
    incoming: Incoming,
    peer: DialPeer,
    trunk: LiveTrunk,
    target: Target,
    by_udp: bool = False,
    least: int = 0,
    asked: int = 0,
    before: Dialog | None = None,
) -> Failure | None:
    """Tries one target. None when it has answered and the caller is through.

    It is tried again where it wants a longer session timer than it was offered (RFC 4028 §7.3): that is ``least``
    seconds then, ``asked`` how often it has wanted one, and ``before`` the dialog of the last INVITE. So it is by UDP
    where an INVITE that went by TCP for its size alone has failed (RFC 3261 §18.1.1), on the same terms.
    """
    began = call.router.wheel.now
    call.caller.start_afresh()
    trunk.trying(target, began)
    callee = invite(call, incoming, peer, trunk, target, by_udp, least, before)
    call.record.target = target.at
    code = None
    try:
        answer = await ring(call, callee, trunk.trunk)
        code = answer.code
    finally:  # the call may also end while it rings
        call.note_attempt(peer.name, target.at, code, began)
    if isinstance(answer, Failure):
        longer = longer_for(callee, answer.response, asked)
        if longer:
            return await _attempt(call, incoming, peer, trunk, target, by_udp, longer, asked + 1, callee.dialog)
        if not callee.by_tcp or answer.code is not None or callee.provisional:
            return answer
        call.remark_once("its INVITE is too large for UDP by RFC 3261, and was sent so, since TCP failed")
        # Who may still answer by TCP keeps his dialog to himself.
        again = None if before is None or callee.is_asked_yet else callee.dialog
        return await _attempt(call, incoming, peer, trunk, target, True, least, asked, again)
    trunk.succeeded(target)
    begin(call, callee, answer, incoming.request)
    call.is_timed()
    if call.caller.answered:
        await join(call, incoming, callee, answer)
    else:
        call.connect(callee, answer)
        if peer.rescue is not None:
            show_answer(call, callee.source_of(answer), answer)
    return None


def _keep_way_back(call: Call, incoming: Incoming, peer: DialPeer, ways: Iterator[tuple[Destination, str]]) -> None:
    """Keeps what set-up needs to go on, if that is where the call is and it isn't over."""
    if peer.rescue is None or call.record.outcome or call.record.dial_peer_out != peer.name:
        return

    def go_on(bye: Request, why: str) -> Coroutine[None, Event, None]:
        return _rescue(call, incoming, peer, ways, bye, why)

    WayBack(call, peer.rescue, go_on)


async def _rescue(
    call: Call, incoming: Incoming, peer: DialPeer, ways: Iterator[tuple[Destination, str]], bye: Request, why: str
) -> None:
    """Goes on with a call whose callee has hung up at once: from its INVITE, as the first time."""
    while call.caller.acceptance is not None:  # nothing can be offered to him before his ACK
        await next_event
    tried = await hunt(call, incoming, ways, peer.name, why)
    if tried is not None:
        if tried.failure is not None:
            call.remark(f"{tried.last}: {tried.failure.word}")
        lost(call, bye)


async def follow(call: Call, incoming: Incoming, peer: DialPeer, failed: Failure) -> Failure | None:
    """Goes where a target's 3xx sends the call. None when that is where it is now; ``failed`` where it got nowhere."""
    failure = failed
    if failed.response is None or not is_followed(failed):
        return failure
    for turn in turns(call, incoming, peer, failed, failed.response):
        if failure is failed:  # it is where it was until it goes elsewhere
            got_nowhere(call, call.router.wheel.now)
            call.count_on(None)
        tried = await _turn(call, turn, peer.name, failed.word)
        if tried is None:
            return None
        failure = tried.failure or failure
    return failure


def _stays(
    call: Call, incoming: Incoming, peer: DialPeer, trunk: LiveTrunk, redirected: Failure, failure: Failure
) -> bool:
    """Whether a trunk's next target is tried after a 3xx: where that has led nowhere, and in an emergency.

    Else whoever was called instead has said what becomes of the call. One that was elsewhere is counted again.
    """
    if is_passed(call, redirected) or (failure is not redirected and not call.emergency):
        return False
    now = call.router.wheel.now
    if call.counted_on is not None:
        return True
    if trunk.admit_outbound(now, call.emergency) is not None:
        return False
    call.count_on(trunk)
    place(call, incoming, peer, trunk, "bridge", now)
    return True


async def _turn(call: Call, turn: Turn, last: str, why: str) -> Tried | None:
    """Tries one of its ways: to the trunk that was named, else as a call for that number from the caller's trunk."""
    record, caller, wheel, facts = call.record, call.caller, call.router.wheel, turn.incoming.facts
    before = record.decision, record.dial_peer_in
    if before[0] is None:
        return Tried(None, last, False)
    if turn.way is not None:
        ways = named(call.routing, before[0], turn.incoming, turn.way, wheel.now)
        return await hunt(call, turn.incoming, hops(call, turn.incoming, ways), last, why)
    entered, decision = call.routing.route(facts, call.came_in_at, wheel.now)
    if decision.method == "reject":
        call.remark(decision.explain())
        return Tried(None, last, False)
    call.remark(f"before that {before[0].explain()}")
    record.decision = decision
    record.dial_peer_in = entered.name if entered is not None else before[1]
    ways = destinations(call.routing, decision, turn.incoming, caller, wheel)
    tried = await hunt(call, turn.incoming, hops(call, turn.incoming, ways), last, why)
    if tried is not None:
        record.decision, record.dial_peer_in = before
    return tried


async def ring(call: Call, callee: CalleeLeg, limits: Trunk) -> Response | Failure:
    """Waits for one target: 100, then ringing, then the answer, each in its time; gives it up if that is over."""
    reached = 0
    callee.wait(limits.connect_timeout)
    while True:
        event, leg, what = await next_event
        if leg is not callee:
            continue
        if event in (TIMEOUT, WAITED):
            callee.give_up()
            return Failure(callee, 513 if callee.too_large else None)
        response: Response = what
        code = 100 if response.code == EARLY_DIALOG_ENDED else response.code
        if code >= 300:
            callee.give_up()
            return Failure(callee, code, response)
        if code >= 200:
            return response
        if code == 100 and reached == 0:  # said again, neither 100 nor ringing gains any time
            callee.wait(limits.progress_timeout)
        elif code > 100 >= reached:
            callee.wait(limits.answer_timeout)
        reached = max(reached, code)
        if code > 100:
            call.relay_ringing(callee, response)


def _moves_on(failures: FailureSet, code: int | None) -> bool:
    """Whether a call goes on after this: where the trunk says so, and after a 3xx, which answers nothing for us."""
    return failures.has(code) or (code is not None and code < 400)


def _judge(trunk: LiveTrunk, target: Target, failure: Failure, callee: CalleeLeg, now: float) -> None:
    """What a failed attempt says of the target: silence and 503 count against it, any other answer for it."""
    if callee.too_large:
        return  # it was never asked
    if failure.code == 503:
        trunk.failed(target, now, "503")
        seconds = retry_after(failure.response)
        if seconds:
            trunk.hold(target, seconds, now)
    elif failure.code is None and not callee.provisional:
        trunk.failed(target, now, silent=True)
    else:
        trunk.succeeded(target)
