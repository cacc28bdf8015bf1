"""Building: a checked configuration into what a call reads.

The models say what the file says; here it becomes the dial plan, the trunks, the sources and the policies. What is
live (calls counted, targets known to be down) is handed over from the routing that was in force before.
"""

from collections.abc import Callable, Iterator, Mapping

from edge_router.admission.load import Load
from edge_router.admission.sources import Claim, SourceTable, parse_source
from edge_router.b2bua.live_trunk import LiveTrunk
from edge_router.b2bua.routing import Routing
from edge_router.config import dial_peer_model, policy_model, state_model, trunk_model
from edge_router.config.models import Config
from edge_router.dialplan.failures import FailureSet
from edge_router.dialplan.pass_headers import PassHeaders
from edge_router.dialplan.peer import DialPeer, Incoming, Outgoing
from edge_router.dialplan.plan import DialPlan
from edge_router.dialplan.trunk import Limit, Target, Trunk
from edge_router.policy.policy import Policy, compile_policy
from edge_router.policy.spec import Outcome, PolicySpec, RuleSpec, hops
from edge_router.policy.surroundings import Surroundings
from state_client.picture import Picture, Queue

Clock = Callable[[], float]
"""Seconds that never go back."""


def build(config: Config, clock: Clock, previous: Routing | None = None, picture: Picture | None = None) -> Routing:
    """Build what calls are routed by.

    `previous` is the routing in force until now: its trunks' counts and health go on here, and its node's count.
    `picture` is the state that rules read; without it, the values that the configuration states.
    """
    live = _trunks(config, clock, previous)
    live_state = config.state.source != "static"
    surroundings = Surroundings(picture or picture_of(config, clock()), live, config.state.stale_after, live_state)
    return Routing(
        node=config.node,
        plan=DialPlan((_dial_peer(peer) for peer in config.dial_peers), config.ties),
        policies={name: _policy(name, policy, surroundings) for name, policy in config.policies.items()},
        trunks=live,
        sources=SourceTable((listen.name for listen in config.listen), claims(config)),
        load=Load(config.limits.max_calls, config.limits.max_cps, previous.load if previous else None),
        on_no_match=config.on_no_match,
    )


def picture_of(config: Config, now: float, previous: Picture | None = None) -> Picture:
    """Make the picture of the queues that stand in the configuration, with their values where it says them.

    A queue that others push has the values that it has in the `previous` picture.
    """
    picture = Picture()
    for name, queue in config.state.queues.items():
        if queue.source == "static":
            _show(picture, name, queue, now)
        else:
            known = previous.queue(name) if previous else None
            picture.add(known or Queue(name, queue.id or name))  # of which nobody has said anything yet
    return picture


def _show(picture: Picture, name: str, queue: state_model.Queue, now: float) -> None:
    picture.set(
        name,
        now,
        id=queue.id or name,
        length=queue.length,
        longest_wait=round(queue.longest_wait),
        total_wait=round(queue.total_wait),
        agents_available=queue.agents_available,
        agents_signed_on=queue.agents_signed_on,
        estimated_wait=queue.estimated_wait,
        static_age=queue.age,
    )


def claims(config: Config) -> Iterator[Claim]:
    """Say which trunk each address belongs to, listener by listener.

    A target may call too. But where its address is among another trunk's `sources`, those count, and of two trunks
    with a target at one address it is the first one's: the file is checked, and warned of, by that.
    """
    for listen in (entry.name for entry in config.listen):
        here = {name: trunk for name, trunk in config.trunks.items() if trunk.listen in (None, listen)}
        owner = {network: name for name, trunk in here.items() for network in trunk.sources}
        for name, trunk in here.items():
            for target in trunk.targets:
                owner.setdefault(str(parse_source(target.uri.host)), name)
        yield from (Claim(listen, network, name) for network, name in owner.items())


def trunk_of(name: str, entry: trunk_model.Trunk) -> Trunk:
    """Make a trunk of what the file says."""
    limits = entry.limits
    hunt_on = FailureSet.parse(entry.hunt_on)
    return Trunk(
        name=name,
        targets=tuple(
            Target(str(t.uri), t.uri.host, t.uri.port or 5060, "udp", t.preference, t.weight) for t in entry.targets
        ),
        sources=entry.sources,
        listen=entry.listen,
        accepts=frozenset(entry.accepts),
        accept_identity=entry.identity.accept,
        send_identity=entry.identity.send,
        hunt=entry.hunt,
        connect_timeout=entry.connect_timeout,
        progress_timeout=entry.progress_timeout,
        answer_timeout=entry.answer_timeout,
        hunt_on=hunt_on,
        next_peer_on=hunt_on if entry.next_peer_on is None else FailureSet.parse(entry.next_peer_on),
        final_503=None if entry.final_503 == "pass" else entry.final_503,
        pass_headers=PassHeaders.parse(entry.pass_headers),
        inbound_limit=_limit(limits.inbound),
        outbound_limit=_limit(limits.outbound),
        limit=_limit(limits),
    )


def _limit(entry: trunk_model.Limit) -> Limit:
    return Limit(entry.max_calls, entry.max_cps)


def _trunks(config: Config, clock: Clock, previous: Routing | None) -> Mapping[str, LiveTrunk]:
    before = previous.trunks if previous else {}
    made: dict[str, LiveTrunk] = {}
    for name, entry in config.trunks.items():
        trunk = trunk_of(name, entry)
        made[name] = before[name].renew(trunk) if name in before else LiveTrunk(trunk, clock)
    return made


def _dial_peer(entry: dial_peer_model.DialPeer) -> DialPeer:
    out = entry.outgoing
    return DialPeer(
        name=entry.name,
        incoming=tuple(Incoming(one.trunk, one.listen, one.called, one.calling) for one in entry.incoming),
        outgoing=Outgoing(out.trunk, out.called, out.preference) if out else None,
        policy=entry.policy,
        destinations=entry.destinations,
        called_number=entry.called_number,
        refer_uri=entry.refer_uri,
    )


def _policy(name: str, entry: policy_model.Policy, surroundings: Surroundings) -> Policy:
    rules = tuple(
        RuleSpec(rule.name, "true" if rule.when is None else rule.when, _outcome(rule), rule.stale == "skip")
        for rule in entry.rules
    )
    return compile_policy(PolicySpec(name, rules, _fallback(entry.otherwise), _fallback(entry.if_stale)), surroundings)


def _outcome(rule: policy_model.Rule) -> Outcome:
    if rule.to is not None:
        return Outcome(hops(((hop.peer, hop.by) for hop in rule.to), rule.by or "bridge"), final=rule.final)
    return Outcome(code=rule.reject or 0, reason=rule.reason or "", cause=rule.cause, retry_after=rule.retry_after)


def _fallback(entry: policy_model.Fallback | None) -> Outcome | None:
    if entry is None:
        return None
    return Outcome(hops(((hop.peer, hop.by) for hop in entry.to), entry.by or "bridge"))
