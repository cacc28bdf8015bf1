"""A call's set-up, from its INVITE to the answer: read it top to bottom.

Decide; then, dial-peer by dial-peer and target by target, redirect, REFER or bridge, until one takes the call. What
the cloud refuses, or does not answer, or has no room for, goes on to the next, and an emergency call after any failure;
the caller hears of it only when nothing is left. `call.py` drives this coroutine and has the ends that can come at any
moment (CANCEL, BYE).
"""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

from edge_router.b2bua.call import Call, next_event
from edge_router.b2bua.destinations import destinations
from edge_router.b2bua.failure import Failure, give_back
from edge_router.b2bua.join import join
from edge_router.b2bua.leg import TIMEOUT, WAITED
from edge_router.b2bua.placing import got_nowhere, place
from edge_router.b2bua.redirect import redirect
from edge_router.b2bua.refer import refer
from edge_router.sip.reasons import reason_phrase

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge_router.b2bua.callee import CalleeLeg
    from edge_router.b2bua.destinations import Destination
    from edge_router.b2bua.incoming import Incoming
    from edge_router.b2bua.live_trunk import LiveTrunk
    from edge_router.dialplan.failures import FailureSet
    from edge_router.dialplan.peer import DialPeer
    from edge_router.dialplan.trunk import Target, Trunk
    from edge_router.policy.decision import Decision
    from edge_router.sip.message import Response


async def set_up(call: Call, incoming: Incoming) -> None:
    """Sets a call up, or refuses it."""
    await carry_out(call, incoming, decide(call, incoming))


async def carry_out(call: Call, incoming: Incoming, decision: Decision) -> None:
    """Takes a call where it was decided, or refuses it."""
    if decision.method == "reject":
        reject(call, decision)
        return
    failure: Failure | None = None
    last = why = ""
    looped = False
    for one, skipped in hops(call, decision, incoming):
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
            return
        if by == "refer":
            code = await refer(call, incoming, peer, trunk)
            if code is not None and code < 300:
                return
            why = "timeout" if code is None else str(code)
            continue
        failure = await bridge(call, incoming, peer, trunk)
        if failure is None:
            return
        why = failure.word
        if not (call.emergency or _moves_on(trunk.trunk.next_peer_on, failure.code)):
            break
    give_back(call, failure, last, looped)


def decide(call: Call, incoming: Incoming) -> Decision:
    """Matches and decides, and notes both."""
    caller, record = call.caller, call.record
    began = perf_counter()
    peer, decision = call.routing.route(incoming.facts, caller.listener.name, call.router.wheel.now)
    if peer is not None:
        record.dial_peer_in = peer.name
    record.decision = decision
    service = incoming.facts.service
    record.service = None if service is None else service.get("service", "")
    call.router.observer.routed(record, incoming.facts, caller.listener.name)
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


def hops(call: Call, decision: Decision, incoming: Incoming) -> Iterator[tuple[Destination, str]]:
    """The destinations to try, in order; or where one is skipped, why: ``down``, ``full (...)``.

    One that is tried counts on its trunk until the next.
    """
    wheel = call.router.wheel
    for one in destinations(call.routing, decision, incoming, call.caller, wheel):
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


async def bridge(call: Call, incoming: Incoming, peer: DialPeer, trunk: LiveTrunk) -> Failure | None:
    """Tries the targets of a trunk in turn. None when one has answered and the caller is through."""
    failure: Failure | None = None
    router = call.router
    call.caller.trying()
    for target in trunk.targets_to_try(router.wheel.now) or trunk.last_resort():
        began = router.wheel.now
        call.caller.start_afresh()
        trunk.trying(target, began)
        callee = call.invite(incoming, peer, trunk, target)
        call.record.target = target.place
        code = None
        try:
            answer = await ring(call, callee, trunk.trunk)
            code = answer.code
        finally:  # the call may also end while it rings
            call.note_attempt(peer.name, target.place, code, began)
        if not isinstance(answer, Failure):
            trunk.succeeded(target)
            if call.caller.answered:
                await join(call, incoming, callee, answer)
            else:
                call.connect(callee, answer)
            return None
        failure = answer
        _judge(trunk, target, failure, callee, router.wheel.now)
        if call.emergency:
            continue  # whatever one of them says, another may help him
        if code is None and callee.provisional > 100:
            break  # nobody is there to answer: another target would only ring as long again
        if not _moves_on(trunk.trunk.hunt_on, code):
            break
    return failure


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
        code = response.code
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
        trunk.failed(target, now)
        seconds = _retry_after(failure.response)
        if seconds:
            trunk.hold(target, seconds, now)
    elif failure.code is None and not callee.provisional:
        trunk.failed(target, now)
    else:
        trunk.succeeded(target)


def _retry_after(response: Response | None) -> int:
    """The seconds of a Retry-After (RFC 3261 §20.33), 0 where there is none that can be read; an hour at most."""
    text = response.first.get("retry-after", "") if response is not None else ""
    seconds = text.partition("(")[0].partition(";")[0].strip(" \t")
    return min(int(seconds), 3600) if seconds.isascii() and seconds.isdigit() and len(seconds) < 10 else 0
