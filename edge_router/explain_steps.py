"""Where a call goes step by step, without a call: what is sent there, and what each failure leads to.

The order is that of `b2bua/routing/destinations.py`, and what is sent is made by those who make it for a call.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from edge_router.b2bua.call.call import Call
from edge_router.b2bua.call.switchboard import Switchboard
from edge_router.b2bua.messages.numbers import calling_at
from edge_router.b2bua.messages.outbound import new_cisco_guid, outbound_invite
from edge_router.b2bua.reports.events import Silence
from edge_router.b2bua.reports.record import CallRecord
from edge_router.b2bua.routing.destinations import Destination, destinations
from edge_router.b2bua.set_up.correlation import correlation_lines
from edge_router.b2bua.set_up.redirect import contact_lines, contacts_of
from edge_router.b2bua.trunks.leaving import leaving_by
from edge_router.dialplan.failures import FailureSet
from edge_router.dialplan.number import normalise

if TYPE_CHECKING:
    from edge_router.b2bua.messages.outbound import OutboundInvite
    from edge_router.b2bua.trunks.live_trunk import LiveTrunk
    from edge_router.dialplan.peer import DialPeer
    from edge_router.dialplan.trunk import Target, Trunk
    from edge_router.made_up_call import Arrival
    from edge_router.net.listener import Listener

THIS_CALL: Final = "this-call"
"""Stands for the id of a call that isn't there."""
NO_FAILURES: Final = FailureSet(frozenset())
_OF_ANY_CALL: Final = frozenset(
    "allow allow-events call-id cisco-guid contact cseq max-forwards supported content-type content-length".split()
)
"""Headers that say nothing of where a call goes and by whom."""


@dataclass(frozen=True, slots=True)
class Consequence:
    """What becomes of the call when a step fails in one of these ways."""

    failures: str
    leads_to: str


@dataclass(frozen=True, slots=True)
class Step:
    """One dial-peer that the call goes to. `sends` holds what is sent, line by line, the first target's first.

    `note` says why the way there is another than the one decided on, or when only it is gone; "" where there is nothing
    to say. `closed` says why it isn't tried as things are now, "" if it is. `calling` and `called` are the numbers that
    are sent, `headers` those of the first INVITE that say something of this call; all are empty where nothing can be
    dialled there.
    """

    dial_peer: str
    by: str
    trunk: str
    sends: tuple[str, ...]
    note: str
    closed: str = ""
    calling: str = ""
    called: str = ""
    headers: tuple[str, ...] = ()
    on_failure: tuple[Consequence, ...] = ()


class Steps:
    """The steps of one call that isn't there."""

    def __init__(self, arrival: Arrival, listeners: Mapping[str, Listener]) -> None:
        self._arrival = arrival
        self._routing = routing = arrival.routing
        self._incoming = arrival.incoming
        self._listeners = listeners
        self._now = now = arrival.now
        facts = arrival.incoming.facts
        self._came_by = arrival.trunk.trunk
        record = CallRecord(THIS_CALL, facts.call_id, routing.node, facts.calling, facts.called, facts.trunk, 0.0)
        record.session_id = facts.session_id or None
        self._call = Call(Switchboard(routing, listeners, Silence(), now), routing, record)

    def all(self) -> tuple[Step, ...]:
        """All steps: in the order of the decision, then those that were put off and are tried when all else fails."""
        arrival = self._arrival
        steps: list[Step] = []
        redirect: Step | None = None
        for one in destinations(arrival.routing, arrival.decision, arrival.incoming, arrival, arrival):
            if redirect is None:
                step = self._step(one)
                if not step.closed:
                    redirect = step if step.by == "redirect" else None
                    arrival.answered = arrival.answered or step.by == "refer"
                steps.append(step)
            elif not one.last_resort:
                steps.append(self._made(one, f"only where {redirect.dial_peer} is not tried", self._why(one)))
        return tuple(self._with_consequences(steps, redirect))

    def _step(self, one: Destination) -> Step:
        note = one.note
        if one.last_resort:
            note = "tried all the same when all else has failed" + (", bridged" if note else "")
        return self._made(one, note, self._why(one))

    def _why(self, one: Destination) -> str:
        """Why it isn't tried now, also for want of room; "" if it is."""
        if one.closed or self._incoming.facts.emergency:
            return one.why
        limit = one.trunk.full_outbound(self._now)
        return "" if limit is None else f"full ({limit})"

    def _made(self, one: Destination, note: str, shut: str) -> Step:
        peer, trunk, by = one.peer, one.trunk, one.by
        if self._incoming.missing(peer, trunk.trunk):
            return Step(peer.name, by, trunk.name, (), note, shut)
        headers = self._headers(peer, trunk) if by == "bridge" and trunk.trunk.targets else ()
        return Step(
            peer.name,
            by,
            trunk.name,
            tuple(self._sends(peer, trunk, by)),
            note,
            shut,
            calling_at(self._incoming.facts, peer, trunk.trunk),
            normalise(self._incoming.user_at(peer, trunk.trunk)),
            headers,
        )

    def _sends(self, peer: DialPeer, trunk: LiveTrunk, by: str) -> Iterator[str]:
        if by == "bridge":
            for target in trunk.peek(self._now):
                sent = self._invite(peer, trunk, target)
                yield f"INVITE {sent.uri}"
            return
        uris = contacts_of(self._call, self._incoming, peer, trunk)
        if by == "refer":
            yield from ("200 OK, then REFER", f"Refer-To: <{uris[0]}>")
        else:
            yield from ("302 Moved Temporarily", *contact_lines(uris))

    def _invite(self, peer: DialPeer, trunk: LiveTrunk, target: Target) -> OutboundInvite:
        via = leaving_by(self._listeners, trunk.trunk, target, self._listeners[self._arrival.listen])
        guid, entered = new_cisco_guid(), self._arrival.entered
        return outbound_invite(self._incoming, entered, peer, trunk.trunk, self._came_by, target, via, guid)

    def _headers(self, peer: DialPeer, trunk: LiveTrunk) -> tuple[str, ...]:
        """The headers that say something of this call, of the INVITE to the first target."""
        correlation = trunk.trunk.correlation
        ours = "" if correlation is None else correlation_lines(self._call, self._incoming, trunk.trunk, correlation)
        sent = self._invite(peer, trunk, trunk.peek(self._now)[0])
        lines = (sent.headers.replace(f";tag={sent.dialog.local_tag}", "", 1) + ours).split("\r\n")
        return tuple(line for line in lines if line and line.partition(":")[0].lower() not in _OF_ANY_CALL)

    def _with_consequences(self, steps: list[Step], redirect: Step | None) -> Iterator[Step]:
        """Each step with what its failures lead to: the next one that is tried, or what the caller hears.

        Behind a redirect that is made, nothing is tried.
        """
        following = None
        done = []
        tried = steps if redirect is None else steps[: steps.index(redirect) + 1]
        for step in reversed(tried):
            if step.closed:
                done.append(step)
            else:
                done.append(replace(step, on_failure=tuple(self._consequences(step, following))))
                following = step
        yield from reversed(done)
        yield from steps[len(tried) :]

    def _consequences(self, step: Step, following: Step | None) -> Iterator[Consequence]:
        trunk = self._routing.trunks[step.trunk].trunk
        onward = "" if following is None else f"{following.by} to {following.dial_peer}"
        if step.by == "redirect":
            yield Consequence("any failure there", "nothing here: the caller's own network has taken the call")
        elif step.by == "refer":
            words = f"any failure, or silence for {trunk.answer_timeout:g} s"
            yield Consequence(words, onward or "BYE for the caller, who has been answered")
        else:
            emergency = self._incoming.facts.emergency
            if len(trunk.targets) > 1 or trunk.has_names:
                failures = "any failure" if emergency else str(trunk.hunt_on)
                yield Consequence(f"{failures} at a target", f"the next target of trunk {trunk.name}")
            if onward and emergency:
                yield Consequence("any failure", onward)
                return
            if onward:
                yield Consequence(str(trunk.next_peer_on), onward)
            counted = trunk.next_peer_on if onward else NO_FAILURES
            yield Consequence("anything else" if onward else "any failure", _for_caller(trunk, counted))


def _for_caller(trunk: Trunk, counted: FailureSet) -> str:
    """What the caller hears of the last failure, as `failure.py` has it; what is `counted` leads elsewhere."""
    words = ["the caller gets its code", "480 for 3xx", "403 for 401 and 407"]
    if trunk.error_map is not None:
        words.insert(1, str(trunk.error_map))
    if trunk.final_503 is not None and not counted.has(503):
        words.append(f"{trunk.final_503} for 503")
    if not counted.has(None):
        words.append("408 for silence")
    return ", ".join(words)
