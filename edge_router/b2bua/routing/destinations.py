"""The dial-peers of a decision, in the order in which a call is sent to them: the one place that knows it.

Here lives where a call may go, how, and why not. Nothing is counted and nothing sent by asking: `set_up.py` adds the
limits of trunks and sends the call, `decisions.py` takes the first that has room, `explain_steps.py` shows them all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from edge_router.b2bua.messages.incoming import Incoming
    from edge_router.b2bua.routing.routing import Routing
    from edge_router.b2bua.trunks.live_trunk import LiveTrunk
    from edge_router.dialplan.peer import DialPeer
    from edge_router.dialplan.trunk import Target
    from edge_router.policy.decision import Decision, Hop

DOWN: Final = "down"
UNRESOLVED: Final = "unresolved"
OFF: Final = "switched off"
SHARE: Final = "over its share"
VISITED: Final = "visited"
LOOPED: Final = "visited twice"
THERE: Final = "there already"
"""Why a dial-peer is skipped: none of its targets is up, none of their names leads anywhere, a person said so, its
policy has sent enough calls there, this very call was there before, or so often that it goes round in a circle; or it
is an emergency, and there at this moment."""
MOST_VISITS: Final = 2
"""How often a call is placed at one destination where it stands: a second time only where nothing else is left, since
an agent may transfer a caller back to where he came from; and no third time (RFC 3261 §16.3 item 4)."""
_PUT_OFF: Final = frozenset({DOWN, SHARE, VISITED})
"""What is tried all the same, bridged, when all else has failed."""
Way = tuple["DialPeer", "LiveTrunk"]
_NOWHERE: Final[Mapping[str, int]] = {}


class Caller(Protocol):
    """Who calls: the trunk that he came by, and whether he has been answered by now."""

    @property
    def trunk(self) -> LiveTrunk:
        """The trunk."""
        ...

    @property
    def answered(self) -> bool:
        """Whether there is nothing left but to bridge him."""
        ...


class Clock(Protocol):
    """What the time is, in seconds."""

    @property
    def now(self) -> float:
        """The time."""
        ...


class Destination:
    """A dial-peer and its trunk, and how (``by``) a call goes there at this moment.

    ``note`` says why it goes another way than was decided, "" where it doesn't. ``closed`` is why it isn't tried now,
    "" if it is, and ``limit`` which limit of a share is the reason. ``last_resort`` says why it is tried all the same,
    "" where it simply is. ``unasked`` are those of its targets for which a call that was here had no patience left.
    """

    __slots__ = ("by", "closed", "last_resort", "limit", "note", "peer", "trunk", "unasked")

    def __init__(
        self,
        peer: DialPeer,
        trunk: LiveTrunk,
        by: str,
        note: str = "",
        closed: str = "",
        limit: str = "",
        last_resort: str = "",
    ) -> None:
        self.peer: Final = peer
        self.trunk: Final = trunk
        self.by: Final = by
        self.note: Final = note
        self.closed: Final = closed
        self.limit: Final = limit
        self.last_resort: Final = last_resort
        self.unasked: Sequence[Target] = ()

    @property
    def why(self) -> str:
        """Why it is closed, with the limit; "" where it is open."""
        return f"{self.closed} ({self.limit})" if self.limit else self.closed

    @property
    def in_a_circle(self) -> bool:
        """Whether it is closed because the call goes round."""
        return self.closed == LOOPED or self.closed == THERE

    @property
    def in_words(self) -> str:
        """Say why it is closed, of the dial-peer."""
        if self.closed == VISITED:
            return f"the call was at {self.peer.name} before"
        if self.closed == THERE:
            return f"the call is at {self.peer.name} already"
        if self.closed == LOOPED:
            return f"the call was at {self.peer.name} {MOST_VISITS} times before"
        return f"{self.peer.name} is {self.why}"


def destinations(
    routing: Routing, decision: Decision, incoming: Incoming, caller: Caller, clock: Clock
) -> Iterator[Destination]:
    """All dial-peers of a decision, in order, also those that are closed; each as it is when its turn comes.

    In the end those come again that were only put off: when all else has failed, nothing is lost by trying them, and a
    premise that came back a second ago is not written off. They are bridged: a caller sent to where nobody may be is
    lost for good.
    """
    put_off: list[tuple[Hop, str]] = []
    before = _visited(routing, decision, incoming, clock.now)
    for hop in (*decision.to, *decision.otherwise):
        peer, trunk = routing.outgoing(hop.peer)
        closed, limit = _closed(routing, decision, incoming, peer, trunk, before, clock.now)
        by, note = ("bridge", "") if hop.by == "bridge" else _way(hop, caller)
        if closed in _PUT_OFF:
            put_off.append((hop, closed))
        yield Destination(peer, trunk, by, note, closed, limit)
    for hop, closed in put_off:
        peer, trunk = routing.outgoing(hop.peer)
        last_resort = "nothing else is up" if closed == DOWN else "nothing else is left"
        note = "" if hop.by == "bridge" else f"bridged, since {last_resort}"
        closed = "" if trunk.targets else UNRESOLVED  # by now
        yield Destination(peer, trunk, "bridge", note, closed, last_resort=last_resort)


def named(routing: Routing, decision: Decision, incoming: Incoming, way: Way, now: float) -> Iterator[Destination]:
    """The one dial-peer that a redirection names; it is bridged, whatever was decided of the call."""
    peer, trunk = way
    closed, limit = _closed(routing, decision, incoming, peer, trunk, _NOWHERE, now)
    yield Destination(peer, trunk, "bridge", "", closed, limit)


def _way(hop: Hop, caller: Caller) -> tuple[str, str]:
    """How a call goes to where it is to be sent away, and where that is not as decided, why; else ""."""
    if caller.answered:
        return "bridge", "bridged, since the caller has been answered by then"
    came_by = caller.trunk.trunk
    if hop.by in came_by.accepts:
        return hop.by, ""
    return "bridge", f"bridged, since trunk {came_by.name} does not accept {hop.by}"


def _visited(routing: Routing, decision: Decision, incoming: Incoming, now: float) -> Mapping[str, int]:
    """The dial-peers that this call may come back from, where its policy doesn't place it there again.

    With each, how often it was placed there and isn't known to be over. An emergency call is tried everywhere, but one
    that a destination has sent back doesn't go where it stands: two that send it to each other by way of us would have
    it fork at each hop.
    """
    if incoming.facts.emergency:
        return _standing(routing, decision, incoming, now)
    if decision.policy is None or decision.policy in routing.revisiting:
        return _NOWHERE
    visits, came_by = routing.ledger.visits, incoming.facts.trunk
    sent_on = incoming.facts.session_id or incoming.facts.retargeted
    from_cloud = routing.cloud is not None and came_by in routing.cloud.trunks
    found: dict[str, int] | None = None
    for hop in (*decision.to, *decision.otherwise):
        peer, trunk = routing.outgoing(hop.peer)
        from_there = from_cloud or trunk.name == came_by
        if (sent_on or from_there) and visits.returns(incoming.who, peer.name, from_there, now):
            found = {} if found is None else found
            found[peer.name] = visits.rounds(incoming.who, peer.name)
    return _NOWHERE if found is None else found


def _standing(routing: Routing, decision: Decision, incoming: Incoming, now: float) -> Mapping[str, int]:
    """The destinations at which an emergency call stands that comes from one of them."""
    ways = [routing.outgoing(hop.peer) for hop in decision.to]
    if incoming.facts.trunk not in [trunk.name for _, trunk in ways]:
        return _NOWHERE
    visits = routing.ledger.visits
    return {peer.name: 1 for peer, _ in ways if visits.is_there(incoming.who, peer.name, now)}


def _closed(
    routing: Routing,
    decision: Decision,
    incoming: Incoming,
    peer: DialPeer,
    trunk: LiveTrunk,
    before: Mapping[str, int],
    now: float,
) -> tuple[str, str]:
    """Why a dial-peer isn't tried now, "" if it is, and the limit of a share that is the reason.

    ``before`` are those that were visited. An emergency call is sent wherever somebody may be.
    """
    missing = incoming.missing(peer, trunk.trunk)
    if missing:
        return missing, ""
    if not trunk.targets:
        return UNRESOLVED, ""
    if incoming.facts.emergency:
        if peer.name in before:
            return THERE, ""
    else:
        if routing.switched_off(trunk.name):
            return OFF, ""
        if before and peer.name in before:
            return (VISITED if before[peer.name] < MOST_VISITS else LOOPED), ""
        limit = routing.over_share(decision.policy, peer.name, trunk.name, now)
        if limit:
            return SHARE, limit
    return ("" if trunk.up else DOWN), ""
