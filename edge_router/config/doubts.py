"""What works, but most likely not as it was meant: the warnings."""

from collections.abc import Iterator
from math import ceil

from edge_router.config.addresses import target_uri
from edge_router.config.checks import listeners_of, readable
from edge_router.config.document import Map
from edge_router.config.faults import Kind, Path, quoted
from edge_router.config.finding import Finding
from edge_router.config.models import Config
from edge_router.config.outline import Outline, items, maps
from edge_router.config.state_model import State, Webex
from edge_router.policy.expression import costly_classes
from edge_router.policy.tokens import tokens_of
from state_client.webex.source import LOOKS_SHARE


def doubts(outline: Outline, config: Config | None) -> Iterator[Finding]:
    """Give all warnings; those that need a configuration without faults only where there is one."""
    yield from _rejections_with_503(outline)
    yield from _targets_of_two_trunks(outline)
    yield from _identities_that_are_not_believed(outline)
    yield from _costly_patterns(outline)
    if config is not None:
        yield from _state(config.state)
        yield from _policies_without_an_end(config)
        yield from _peers_that_nothing_reaches(outline, config)
        yield from _shares_of_odd_ways(config)
        yield from _cloud_of_which_nothing_is_known(outline, config)


def _state(state: State) -> Iterator[Finding]:
    for source, key, there in (("webex", "webex", state.webex), ("peer", "peers", state.peers)):
        if there and state.source != source:
            message = f"isn't used: source is {state.source}"
            yield Finding(("state", key), message, Kind.WARNING, on_key=True)
    if state.source == "webex" and state.webex and state.stale_after < 2 * state.webex.confirm_every:
        message = (
            f"a quiet queue is confirmed every {state.webex.confirm_every:g} s only, and would be stale whenever one "
            f"confirmation is missed; write at least {2 * state.webex.confirm_every:g}s, or confirm more often"
        )
        yield Finding(("state", "stale_after"), message, Kind.WARNING)
    if state.source == "webex" and state.webex:
        yield from _estimates_that_are_stale_between(state.webex, state.stale_after)
        yield from _looks_beyond_their_share(state.webex)


def _estimates_that_are_stale_between(webex: Webex, stale_after: float) -> Iterator[Finding]:
    estimates = webex.estimated_wait
    if estimates and stale_after < 2 * estimates.every:
        message = (
            f"an estimated wait is asked for every {estimates.every:g} s only, and would be stale whenever one answer "
            f"is late; write {stale_after / 2:g}s or less, or a stale_after of at least {2 * estimates.every:g}s"
        )
        yield Finding(("state", "webex", "estimated_wait"), message, Kind.WARNING)


def _looks_beyond_their_share(webex: Webex) -> Iterator[Finding]:
    """What is written won't hold. The default makes room by itself, and nobody has relied on it."""
    soonest = ceil(600 / (LOOKS_SHARE * webex.requests_per_minute)) / 10  # rounded up to what one would write
    if "look_every" in webex.model_fields_set and 0 < webex.look_every < soonest:
        message = (
            f"looks take at most a quarter of requests_per_minute, so that with {webex.requests_per_minute} there is "
            f"one every {soonest:g} s; write {soonest:g}s or more, or raise requests_per_minute"
        )
        yield Finding(("state", "webex", "look_every"), message, Kind.WARNING)


def _rejections_with_503(outline: Outline) -> Iterator[Finding]:
    for policy_path, policy in outline.policies:
        for path, rule in maps(policy.get("rules"), (*policy_path, "rules")):
            if rule.get("reject") == 503:
                message = (
                    "503 tells the carrier that this whole router is out of order (RFC 3261 §21.5.4), and it may stop "
                    "sending calls; 480 or 600 refuses this one call"
                )
                yield Finding((*path, "reject"), message, Kind.WARNING)


def _costly_patterns(outline: Outline) -> Iterator[Finding]:
    for policy_path, policy in outline.policies:
        for path, rule in maps(policy.get("rules"), (*policy_path, "rules")):
            when = rule.get("when")
            for each in costly_classes(when) if isinstance(when, str) else ():
                message = (
                    f"{each} in matches() stands for characters of every script, and costs each call 20 to 250 µs more "
                    f"than a plain class such as [0-9]; startsWith() costs least"
                )
                yield Finding((*path, "when"), message, Kind.WARNING)


def _targets_of_two_trunks(outline: Outline) -> Iterator[Finding]:
    first: dict[tuple[str, str], str] = {}
    for path, trunk in outline.trunks:
        name = str(path[-1])
        for at, item in items(trunk.get("targets"), (*path, "targets")):
            uri = readable(target_uri, item.get("uri") if isinstance(item, Map) else item)
            if uri is None:
                continue
            others = {first.setdefault((on, uri.host), name) for on in listeners_of(trunk, outline)} - {name}
            if others:
                message = (
                    f"{uri.host} is a target of trunk {quoted(min(others))} too; calls from it are taken for that "
                    f"trunk's, unless sources says otherwise"
                )
                yield Finding(at, message, Kind.WARNING)


def _identities_that_are_not_believed(outline: Outline) -> Iterator[Finding]:
    for path, trunk in outline.trunks:
        identity = trunk.get("identity")
        if trunk.get("calling_from") == "pai" and not (isinstance(identity, Map) and identity.get("accept")):
            message = (
                "P-Asserted-Identity from this trunk isn't believed, so the calling number is From's; add "
                "identity: {accept: true}, or write from"
            )
            yield Finding((*path, "calling_from"), message, Kind.WARNING)


def _policies_without_an_end(config: Config) -> Iterator[Finding]:
    for name, policy in config.policies.items():
        if policy.otherwise is None and not any(rule.when is None for rule in policy.rules):
            message = "there is no otherwise: a call that no rule takes is refused with 480; say where it shall go"
            yield Finding(("policies", name), message, Kind.WARNING, on_key=True)


def _shares_of_odd_ways(config: Config) -> Iterator[Finding]:
    leads = {peer.name: peer.outgoing.trunk for peer in config.dial_peers if peer.outgoing is not None}
    for name, policy in config.policies.items():
        of = policy.share.of if policy.share is not None else "cloud"
        trunk, where = leads.get(of, of), ("policies", name, "share", "of")
        if trunk not in leads.values():
            if policy.share is not None:
                message = f"no dial-peer leads to trunk {quoted(trunk)}, so that no call ever counts in this share"
                yield Finding(where, message, Kind.WARNING)
        elif trunk != "cloud" and config.state.trunks is None:
            message = (
                f"this makes trunk {quoted(trunk)} a way to the contact centre: calls sent there count in "
                f"cloud().calls and in expected; if it is one, say so in state.trunks, else take the share out"
            )
            yield Finding(where, message, Kind.WARNING)


def _cloud_of_which_nothing_is_known(outline: Outline, config: Config) -> Iterator[Finding]:
    state = config.state
    unknown: dict[str, str] = {}
    if state.source == "static" and not state.queues:
        unknown["calls"] = "nobody says how many calls the contact centre has: state has no queue"
    if state.source != "webex" and (state.webex is None or state.webex.entitlement is None):
        unknown["entitlement"] = "nobody says how many calls the contact centre takes"
    for path, text in _conditions(outline):
        for field in _read_of_cloud(text) & unknown.keys():
            message = f"{unknown[field]}, so that what reads cloud().{field} is always undecided"
            yield Finding(path, message, Kind.WARNING)


def _conditions(outline: Outline) -> Iterator[tuple[Path, str]]:
    """Every condition of rules and latches, and where it stands."""
    for policy_path, policy in outline.policies:
        for path, rule in maps(policy.get("rules"), (*policy_path, "rules")):
            yield from (((*path, key), text) for key, text in rule.items() if key == "when" and isinstance(text, str))
    for path, latch in outline.latches:
        yield from (((*path, key), text) for key in ("set", "clear") if isinstance(text := latch.get(key), str))


def _read_of_cloud(text: str) -> set[str]:
    """The fields of `cloud()` that a condition without faults reads."""
    words = [token.text for token in tokens_of(text)]
    return {words[at + 4] for at, word in enumerate(words[:-4]) if word == "cloud" and words[at + 1] == "("}


def _peers_that_nothing_reaches(outline: Outline, config: Config) -> Iterator[Finding]:
    incoming = [peer for peer in config.dial_peers if peer.incoming]
    services = outline.tables.services
    decides = {peer.policy for peer in incoming} | {row.policy for row in (services.services if services else ())}
    by_number = any(not peer.policy and not peer.destinations for peer in incoming)
    named = {name for peer in incoming for name in peer.destinations}
    named.update(config.emergency.destinations if config.emergency is not None else ())
    for policy in (policy for name, policy in config.policies.items() if incoming and name in decides):
        fallbacks = [fallback.to for fallback in (policy.otherwise, policy.if_stale) if fallback]
        named |= {hop.peer for hops in (*fallbacks, *(rule.to or () for rule in policy.rules)) for hop in hops}
    for index, peer in enumerate(config.dial_peers):
        if peer.outgoing is None:
            if not peer.incoming:
                message = "the dial-peer has neither incoming nor outgoing, so no call can reach it"
                yield Finding(("dial_peers", index), message, Kind.WARNING)
        elif peer.name not in named and not (by_number and peer.outgoing.called):
            message = (
                "no policy and no destinations name this dial-peer, and no number leads to it: no call goes out here"
            )
            yield Finding(("dial_peers", index, "outgoing"), message, Kind.WARNING)
