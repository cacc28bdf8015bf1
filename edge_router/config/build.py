"""Building: a checked configuration into what a call reads.

The models say what the file says; here it becomes the dial plan, the trunks, the sources and the policies. What is
live (calls counted, targets known to be down) is handed over from the routing that was in force before.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from edge_router.admission.ledger import Ledger
from edge_router.admission.load import Load
from edge_router.admission.share import Share
from edge_router.admission.sources import Claim, SourceTable, parse_source
from edge_router.b2bua.routing.cloud import Cloud
from edge_router.b2bua.routing.emergency import Emergency
from edge_router.b2bua.routing.routing import Refused, Routing
from edge_router.b2bua.trunks.live_trunk import LiveTrunk
from edge_router.config import (
    correlation_model,
    dial_peer_model,
    emergency_model,
    hours_model,
    login_model,
    policy_model,
    state_model,
    translation_model,
    trunk_model,
)
from edge_router.config.addresses import dns_name, is_name, port_of, transport_of
from edge_router.config.logins import login_of
from edge_router.config.models import Config
from edge_router.config.tables import Tables
from edge_router.dialplan.correlation import Correlation
from edge_router.dialplan.error_map import ErrorMap
from edge_router.dialplan.failures import FailureSet
from edge_router.dialplan.pass_headers import PassHeaders
from edge_router.dialplan.peer import DialPeer, Outgoing, Rescue, WayIn
from edge_router.dialplan.plan import DialPlan
from edge_router.dialplan.services import ServiceTable
from edge_router.dialplan.translation import Translation, Translations
from edge_router.dialplan.trunk import Keepalive, Limit, Register, Target, Trunk
from edge_router.policy.hours import Hours
from edge_router.policy.latch import LatchBoard, LatchSpec, compile_latch
from edge_router.policy.policy import Policy, compile_policy
from edge_router.policy.spec import Outcome, PolicySpec, RuleSpec, hops
from edge_router.policy.surroundings import Surroundings
from edge_router.sip.uri import SipUri, parse_uri
from edge_router.switches import Switches
from state_client.picture import Picture, Queue
from state_client.webex.secret import Secret

Clock = Callable[[], float]
"""Seconds that never go back."""
_Rules = Mapping[str, Translation]
"""Sets of translation rules by name."""


def build(
    config: Config,
    clock: Clock,
    previous: Routing | None = None,
    picture: Picture | None = None,
    tables: Tables | None = None,
    ledger: Ledger | None = None,
    entitled: Callable[[], int | None] = lambda: None,
    adapted: Callable[[Surroundings], Surroundings] = lambda found: found,
) -> Routing:
    """Build what calls are routed by.

    `previous` is the routing in force until now: its trunks' counts and health go on here, its node's count, its
    ledger and its latches. `picture` is the state that rules read; without it, the values that the configuration
    states. `tables` are what the files hold that it names, `entitled` gives what the cloud says of its entitlement.
    `adapted` may put others in place of what rules see: where they see no live router.
    """
    tables = tables or Tables()
    ledger = previous.ledger if previous is not None else ledger or Ledger()
    rules = {name: Translation(entry) for name, entry in config.translation_rules.items()}
    live = _trunks(config, clock, previous, rules, tables.passwords)
    found = _surroundings(config, live, picture or picture_of(config, clock()), tables, ledger, entitled)
    surroundings = adapted(found)
    latches = _latches(config, surroundings, time.time() - clock())
    surroundings = replace(surroundings, latches=latches.latches)
    if previous is not None:
        latches.take_over(previous.latches)
    shares = {name: policy.share for name, policy in config.policies.items() if policy.share is not None}
    policies = {name: _policy(name, policy, surroundings) for name, policy in config.policies.items()}
    return Routing(
        node=config.node,
        plan=DialPlan((_dial_peer(peer, rules) for peer in config.dial_peers), config.ties),
        policies=policies,
        trunks=live,
        sources=SourceTable((listen.name for listen in config.listen), claims(config)),
        load=Load(config.limits.max_calls, config.limits.max_cps, previous.load if previous else None),
        on_no_match=config.on_no_match,
        services=tables.services or ServiceTable(),
        refused=tuple(
            Refused(name, tables.lists[name], entry.reject)
            for name, entry in config.number_lists.items()
            if entry.reject is not None
        ),
        shares={name: Share(name, share.of, share.max_concurrent, share.per_minute) for name, share in shares.items()},
        revisiting=frozenset(name for name, policy in config.policies.items() if policy.revisit),
        translates=any(trunk.trunk.translate_in is not None for trunk in live.values())
        or any(peer.incoming and _translations(peer.translate, rules) is not None for peer in config.dial_peers),
        emergency=_emergency(config.emergency),
        cloud=surroundings.cloud if isinstance(surroundings.cloud, Cloud) else None,
        counts_placed=_is_live(config.state)
        or bool(shares)
        or any(policy.counts_calls for policy in policies.values())
        or any(latch.counts_calls for latch in latches.latches.values()),
        latches=latches,
        ledger=ledger,
    )


def _surroundings(
    config: Config,
    trunks: Mapping[str, LiveTrunk],
    picture: Picture,
    tables: Tables,
    ledger: Ledger,
    entitled: Callable[[], int | None],
) -> Surroundings:
    stale_after, static = config.state.stale_after, config.state.source == "static"
    leading = cloud_trunks(config)
    stated = config.state.webex.entitlement if config.state.webex is not None else None
    if stated is not None:
        most = int(stated.sessions * stated.surge)
        entitled = lambda: most  # noqa: E731
    return Surroundings(
        picture,
        {name: _SwitchedTrunk(trunk, ledger.switches) for name, trunk in trunks.items()},
        stale_after,
        open=not static,
        columns=tables.services.columns if tables.services is not None else None,
        peers=frozenset(peer.name for peer in config.dial_peers if peer.outgoing is not None),
        hours={name: _hours(name, hours, ledger.switches) for name, hours in config.hours.items()},
        lists=tables.lists,
        cloud=Cloud(leading, ledger, picture, stale_after, entitled, static) if leading else None,
        unseen=ledger.placed.unseen,
    )


def _is_live(state: state_model.State) -> bool:
    """Whether anybody will say of a queue that a call has come there: of a static one nobody does."""
    return state.source != "static" or any(queue.source != "static" for queue in state.queues.values())


def cloud_trunks(config: Config) -> frozenset[str]:
    """Say which trunks lead to the contact centre."""
    if config.state.trunks is not None:
        return frozenset(config.state.trunks)
    peers = {peer.name: peer.outgoing.trunk for peer in config.dial_peers if peer.outgoing is not None}
    shared = (policy.share.of for policy in config.policies.values() if policy.share is not None)
    named = {peers.get(name, name) for name in shared}
    if "cloud" in config.trunks and config.trunks["cloud"].targets:
        named.add("cloud")
    return frozenset(named)


class _SwitchedTrunk:
    """A trunk as rules see it: one that a person has switched off is not up."""

    def __init__(self, trunk: LiveTrunk, switches: Switches) -> None:
        self._trunk = trunk
        self._switches = switches
        self.sent = trunk.sent

    @property
    def up(self) -> bool:
        return self._switches.engaged("trunk", self._trunk.name) is not False and self._trunk.up

    @property
    def calls(self) -> int:
        return self._trunk.calls

    @property
    def cps(self) -> float:
        return self._trunk.cps


def _hours(name: str, entry: hours_model.Hours, switches: Switches) -> Callable[[float], bool]:
    """Say for a time whether it is open, unless a person says otherwise."""
    hours = Hours(hours_model.spec_of(entry))
    hours.until(time.time())  # reckoned now, beside the calls, so that the first one needn't wait for it

    def is_open(epoch: float) -> bool:
        said = switches.engaged("hours", name)
        return hours.open_at(epoch) if said is None else said

    return is_open


def _latches(config: Config, surroundings: Surroundings, epoch: float) -> LatchBoard:
    specs = (LatchSpec(name, entry.set, entry.clear, entry.hold) for name, entry in config.latches.items())
    return LatchBoard([compile_latch(spec, surroundings) for spec in specs], epoch)


def _emergency(entry: emergency_model.Emergency | None) -> Emergency | None:
    if entry is None:
        return None
    number = next((text for one in entry.called if (text := str(one)).isalnum()), "911")
    return Emergency(entry.called, number, entry.urn, entry.destinations, entry.reserve)


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


def claims(config: Config, addresses: Mapping[str, Sequence[str]] = MappingProxyType({})) -> Iterator[Claim]:
    """Say which trunk each address belongs to, listener by listener.

    A target may call too, and so may a registrar. But where its address is among another trunk's `sources`, those
    count, and of two trunks with a target at one address it is the first one's: the file is checked, and warned of, by
    that. Where a name leads is in ``addresses``, and an address in the file goes before it.
    """
    for listen, tls in ((entry.name, entry.transport == "tls") for entry in config.listen):
        here = {
            name: trunk
            for name, trunk in config.trunks.items()
            if trunk.listen in (None, listen) and not (tls and trunk.tls_names)
        }
        owner = {source: name for name, trunk in here.items() for source in trunk.sources if not is_name(source)}
        for name, trunk in here.items():
            for source in trunk.sources:
                for found in addresses.get(source, ()):
                    owner.setdefault(str(parse_source(found)), name)
        for name, trunk in here.items():
            for host in (uri.host for uri in uris_of(trunk)):
                for found in addresses.get(dns_name(host), ()) if is_name(host) else (host,):
                    owner.setdefault(str(parse_source(found)), name)
        yield from (Claim(listen, network, name) for network, name in owner.items())


def uris_of(trunk: trunk_model.Trunk) -> list[SipUri]:
    """Give the URIs of a trunk's targets, and last that of its registrar."""
    registers = [trunk.register_.registrar] if trunk.register_ is not None else []
    return [target.uri for target in trunk.targets] + registers


def trunk_of(
    name: str, entry: trunk_model.Trunk, rules: _Rules, passwords: Mapping[str, Secret] = MappingProxyType({})
) -> Trunk:
    """Make a trunk of what the file says, and of what its password file holds."""
    limits = entry.limits
    hunt_on = FailureSet.parse(entry.hunt_on)
    correlation = _correlation(entry.correlation)
    return Trunk(
        name=name,
        targets=tuple(_target(target.uri, target.preference, target.weight) for target in entry.targets),
        sources=entry.sources,
        listen=entry.listen,
        tls_names=entry.tls_names,
        udp_to_tcp=entry.udp_to_tcp == "try",
        accepts=frozenset(entry.accepts),
        accept_identity=entry.identity.accept,
        send_identity=entry.identity.send,
        called_from=entry.called_from,
        calling_from=entry.calling_from,
        translate_in=_translations(entry.translate.inbound, rules),
        translate_out=_translations(entry.translate.outbound, rules),
        rel1xx=entry.rel1xx,
        hunt=entry.hunt,
        connect_timeout=entry.connect_timeout,
        progress_timeout=entry.progress_timeout,
        answer_timeout=entry.answer_timeout,
        keepalive=_keepalive(entry.keepalive),
        login=login_of(name, entry, passwords),
        register=_register(entry.register_),
        hunt_on=hunt_on,
        next_peer_on=hunt_on if entry.next_peer_on is None else FailureSet.parse(entry.next_peer_on),
        max_duration=entry.max_duration,
        session_expires=None if entry.session_timer.expires is None else int(entry.session_timer.expires),
        min_se=int(entry.session_timer.min_se),
        final_503=None if entry.final_503 == "pass" else entry.final_503,
        redirects=entry.redirects,
        error_map=ErrorMap.parse(entry.error_map.items()) if entry.error_map else None,
        refer=entry.refer,
        pass_headers=PassHeaders.parse(entry.pass_headers, correlation.keys if correlation is not None else ()),
        correlation=correlation,
        inbound_limit=_limit(limits.inbound),
        outbound_limit=_limit(limits.outbound),
        limit=_limit(limits),
    )


def _target(uri: SipUri, preference: int = 0, weight: int = 100) -> Target:
    named = uri.host_port if is_name(uri.host) else ""
    return Target(str(uri), uri.host, port_of(uri), transport_of(uri), preference, weight, named)


def _register(entry: login_model.Register | None) -> Register | None:
    if entry is None:
        return None
    aor = parse_uri(entry.aor)
    user = entry.contact_user or aor.user or ""
    return Register(_target(entry.registrar), entry.aor, user, entry.expires)


def _keepalive(entry: trunk_model.Keepalive | None) -> Keepalive | None:
    if entry is None:
        return None
    fail_on = FailureSet.parse(entry.fail_on)
    return Keepalive(entry.interval, entry.down_interval, entry.retries, fail_on, entry.up_after)


def _correlation(entry: correlation_model.Correlation) -> Correlation | None:
    return Correlation(tuple(entry.headers.items()), entry.in_uri) if entry.headers else None


def _limit(entry: trunk_model.Limit) -> Limit:
    return Limit(entry.max_calls, entry.max_cps)


def _trunks(
    config: Config, clock: Clock, previous: Routing | None, rules: _Rules, passwords: Mapping[str, Secret]
) -> Mapping[str, LiveTrunk]:
    before = previous.trunks if previous else {}
    made: dict[str, LiveTrunk] = {}
    for name, entry in config.trunks.items():
        trunk = trunk_of(name, entry, rules, passwords)
        made[name] = before[name].renew(trunk) if name in before else LiveTrunk(trunk, clock)
    return made


def _translations(entry: translation_model.Translate, rules: _Rules) -> Translations | None:
    """Make what becomes of numbers in one place, None where nothing does."""
    if entry.called is None and entry.calling is None:
        return None
    called, calling = (None if name is None else rules[name] for name in (entry.called, entry.calling))
    return Translations(called, calling)


def _dial_peer(entry: dial_peer_model.DialPeer, rules: _Rules) -> DialPeer:
    out = entry.outgoing
    return DialPeer(
        name=entry.name,
        incoming=tuple(WayIn(one.trunk, one.listen, one.called, one.calling) for one in entry.incoming),
        outgoing=Outgoing(out.trunk, out.called, out.preference) if out else None,
        policy=entry.policy,
        destinations=entry.destinations,
        called_number=entry.called_number,
        refer_uri=entry.refer_uri,
        translate=_translations(entry.translate, rules),
        rescue=None if entry.rescue is None else Rescue(entry.rescue.within, frozenset(entry.rescue.causes)),
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
