"""What an entry alone can't show: names that stand twice, entries that can't both hold, rules that don't compile.

Each check looks at the outline and gives its findings; none of them relies on the others, or on a file that is right.
"""

from collections.abc import Callable, Iterator
from ipaddress import ip_address
from typing import Final, TypeVar

from edge_router.config.addresses import (
    TRANSPORTS,
    Address,
    address,
    is_name,
    port_of,
    source,
    target_uri,
    transport_of,
    transport_said,
)
from edge_router.config.document import Map, Value
from edge_router.config.faults import Kind, Path, key_path, quoted
from edge_router.config.finding import Finding
from edge_router.config.outline import Outline, items, maps
from edge_router.sip.uri import SipUri

T = TypeVar("T")
Check = Callable[[Outline], Iterator[Finding]]


def findings(outline: Outline) -> Iterator[Finding]:
    """Give what all checks find."""
    for check in _CHECKS:
        yield from check(outline)


def _names_that_stand_twice(outline: Outline) -> Iterator[Finding]:
    yield from _twice(outline.listeners)
    yield from _twice(outline.dial_peers)
    for path, policy in outline.policies:
        yield from _twice(list(maps(policy.get("rules"), (*path, "rules"))))


def _twice(entries: list[tuple[Path, Map]]) -> Iterator[Finding]:
    first: dict[str, Path] = {}
    for path, entry in entries:
        name = entry.get("name")
        if not isinstance(name, str):
            continue
        if name in first:
            message = f"{quoted(name)} is already the name of {key_path(first[name])}; give each its own"
            yield Finding((*path, "name"), message)
        else:
            first[name] = path


def _listeners_on_one_address(outline: Outline) -> Iterator[Finding]:
    first: dict[tuple[bool, Address], Path] = {}
    for path, entry in outline.listeners:
        found = readable(address, entry.get("address"))
        if found is None:
            continue
        place = _transport(entry) == "udp", found  # UDP has ports of its own
        if place in first:
            message = f"{found} is already the address of {key_path(first[place])}; give each its own"
            yield Finding((*path, "address"), message)
        first.setdefault(place, path)
        if ip_address(found.host).is_unspecified and "advertise" not in entry:
            message = f"{found.host} is no address that others can answer to; add advertise: and the one they reach"
            yield Finding((*path, "address"), message)


def _tls_without_its_files(outline: Outline) -> Iterator[Finding]:
    for path, entry in outline.listeners:
        if _transport(entry) == "tls":
            for key in ("certificate", "private_key"):
                if key not in entry:
                    yield Finding(path, f"transport: tls needs {key}; add it", Kind.MISSING)
        else:
            for key in ("certificate", "private_key", "client_ca", "ca"):
                if key in entry:
                    yield Finding((*path, key), "goes with transport: tls; take it out", on_key=True)


def _tls_names_that_nobody_shows(outline: Outline) -> Iterator[Finding]:
    tls = {str(entry.get("name")): entry for _, entry in outline.listeners if _transport(entry) == "tls"}
    first: dict[tuple[str, str], str] = {}
    for path, trunk in outline.trunks:
        if "tls_names" not in trunk:
            continue
        here = [name for name in listeners_of(trunk, outline) if name in tls]
        if not here:
            yield Finding((*path, "tls_names"), "goes with a listener of transport: tls; add one", on_key=True)
        for at, name in items(trunk.get("tls_names"), (*path, "tls_names")):
            others = {first.setdefault((on, str(name).lower()), str(path[-1])) for on in here} - {str(path[-1])}
            if others:
                message = f"{name} is already a name of trunk {quoted(min(others))}; leave it to one of them"
                yield Finding(at, message)
        if here and trunk.get("sources") and not any("client_ca" in tls[name] for name in here):
            message = "nobody who connects is asked for a certificate; give the listener a client_ca"
            yield Finding((*path, "tls_names"), message, on_key=True)


def _tcp_without_a_listener(outline: Outline) -> Iterator[Finding]:
    if not any(_transport(entry) == "tcp" for _, entry in outline.listeners):
        for path, trunk in outline.trunks:
            if trunk.get("udp_to_tcp") == "try":
                yield Finding((*path, "udp_to_tcp"), "no listener speaks tcp; add one, or write never")


def _sources_of_two_trunks(outline: Outline) -> Iterator[Finding]:
    claimed: dict[tuple[str, str], str] = {}
    for path, trunk in outline.trunks:
        name = str(path[-1])
        for at, item in items(trunk.get("sources"), (*path, "sources")):
            network = readable(source, item)
            if network is None:
                continue
            for listener in listeners_of(trunk, outline):
                other = claimed.setdefault((listener, network), name)
                if other != name:
                    where = f" on listener {quoted(listener)}" if listener else ""
                    yield Finding(
                        at,
                        f"{network} is already a source of trunk {quoted(other)}{where}, so whose call it is could not "
                        f"be told; leave it to one of them, or give each trunk a listener of its own",
                    )
                    break


def listeners_of(trunk: Map, outline: Outline) -> list[str]:
    """Give the listeners on which a trunk's sources count."""
    own = trunk.get("listen")
    return [own] if isinstance(own, str) else sorted(outline.names.listeners) or [""]


def _targets_that_are_us(outline: Outline) -> Iterator[Finding]:
    ours = {
        (_transport(entry), found)
        for _, entry in outline.listeners
        if (found := readable(address, entry.get("address"))) is not None
    }
    for at, _, uri in _targets(outline):
        if is_name(uri.host):
            continue  # only DNS knows
        transport, place = transport_of(uri), Address(uri.host, port_of(uri))
        everywhere = any((transport, Address(host, place.port)) in ours for host in ("0.0.0.0", "::"))
        if (transport, place) in ours or (everywhere and ip_address(uri.host).is_loopback):
            yield Finding(at, f"{place} is our own listener: a call would come back; give the peer's address")


def _transport(listener: Map) -> str:
    return str(listener.get("transport", "udp"))


def _targets(outline: Outline) -> Iterator[tuple[Path, Map, SipUri]]:
    """Give the targets that can be read, with their trunks."""
    for path, trunk in outline.trunks:
        for at, item in items(trunk.get("targets"), (*path, "targets")):
            written, at = (item.get("uri"), (*at, "uri")) if isinstance(item, Map) else (item, at)
            uri = readable(target_uri, written)
            if uri is not None:
                yield at, trunk, uri


def _targets_without_a_listener(outline: Outline) -> Iterator[Finding]:
    spoken = {str(entry.get("name")): _transport(entry) for _, entry in outline.listeners}
    known = {transport for transport in spoken.values() if transport in TRANSPORTS}
    for at, trunk, uri in _targets(outline):
        if is_name(uri.host) and not transport_said(uri):
            continue  # DNS is asked for what the listeners speak
        transport, own = transport_of(uri), trunk.get("listen")
        if isinstance(own, str) and own in spoken:
            if spoken[own] in TRANSPORTS and spoken[own] != transport:
                message = (
                    f"goes by {transport}, and the trunk's listener {quoted(own)} speaks {spoken[own]}; give the trunk "
                    f"a listener that speaks {transport}, or the target {spoken[own]}"
                )
                yield Finding(at, message)
        elif known and transport not in known:
            yield Finding(at, f"goes by {transport}, and no listener speaks that; add one with transport: {transport}")


def _rules_in_two_minds(outline: Outline) -> Iterator[Finding]:
    for policy_path, policy in outline.policies:
        for path, rule in maps(policy.get("rules"), (*policy_path, "rules")):
            if "to" in rule and "reject" in rule:
                yield Finding((*path, "reject"), "a rule has either to or reject; take one out", on_key=True)
            elif "to" in rule:
                yield from _only_with("reject", ("reason", "cause", "retry_after"), rule, path)
            elif "reject" in rule:
                yield from _only_with("to", ("by", "final"), rule, path)
            else:
                yield Finding(path, "the rule does nothing; give it to or reject", Kind.MISSING)


def _only_with(other: str, keys: tuple[str, ...], rule: Map, path: Path) -> Iterator[Finding]:
    for key in keys:
        if key in rule:
            yield Finding((*path, key), f"goes with {other}, which this rule has not; take it out", on_key=True)


def _peers_in_two_minds(outline: Outline) -> Iterator[Finding]:
    for path, peer in outline.dial_peers:
        if "policy" in peer and "destinations" in peer:
            message = "a dial-peer has either policy or destinations; take one out"
            yield Finding((*path, "destinations"), message, on_key=True)
        for key in ("policy", "destinations"):
            if key in peer and "incoming" not in peer:
                message = "is for calls that come in, and this dial-peer has no incoming; add it, or take this out"
                yield Finding((*path, key), message, on_key=True)
        for key in ("called_number", "refer_uri"):
            if key in peer and "outgoing" not in peer:
                message = "is for calls that go out, and this dial-peer has no outgoing; add it, or take this out"
                yield Finding((*path, key), message, on_key=True)


def _trunks_without_peer(outline: Outline) -> Iterator[Finding]:
    for path, trunk in outline.trunks:
        if not trunk.get("sources") and not trunk.get("targets"):
            message = "the trunk has neither sources nor targets; give it one of them"
            yield Finding(path, message, Kind.MISSING)


def _state_without_its_source(outline: Outline) -> Iterator[Finding]:
    for which, key in (("webex", "webex"), ("peer", "peers")):
        if outline.source == which and not outline.state.get(key):
            message = f"source: {which} needs state.{key}; add it"
            yield Finding(("state", "source"), message, Kind.MISSING)
    if outline.source in ("webex", "peer"):
        for path, queue in outline.queues:
            if queue.get("source") != "pushed":
                message = (
                    f"beside source: {outline.source} only queues that others push may stand here; say source: pushed, "
                    f"or take the queue out: it comes with the others"
                )
                yield Finding(path, message, on_key=True)


def _webhooks_without_a_server(outline: Outline) -> Iterator[Finding]:
    webex = outline.state.get("webex")
    if isinstance(webex, Map) and "webhook" in webex and not outline.http:
        message = "needs the HTTP server that takes the events; add http: with its address"
        yield Finding(("state", "webex", "webhook"), message, on_key=True)
    own, other = (readable(address, outline.http.get(key)) for key in ("address", "webhook_address"))
    if own is not None and own == other:
        message = f"{own} is already the address of everything else; give webhooks their own, or take this out"
        yield Finding(("http", "webhook_address"), message)


def _servers_at_a_listeners_address(outline: Outline) -> Iterator[Finding]:
    taken = {
        readable(address, entry.get("address")): path
        for path, entry in outline.listeners
        if _transport(entry) in ("tcp", "tls")
    }
    for key in ("address", "webhook_address"):
        found = readable(address, outline.http.get(key))
        if found is not None and found in taken:
            yield Finding(
                ("http", key), f"{found} is already the address of {key_path(taken[found])}; give each its own"
            )


def _shares_of_no_way_to_the_cloud(outline: Outline) -> Iterator[Finding]:
    leading = [name for _, name in items(outline.state.get("trunks"), ()) if isinstance(name, str)]
    if outline.state.get("trunks") is None:
        return  # then what a share is of leads there
    named = [(peer.get("name"), peer.get("outgoing")) for _, peer in outline.dial_peers]
    outgoing = {name: way for name, way in named if isinstance(name, str)}
    for path, policy in outline.policies:
        share = policy.get("share")
        of = share.get("of") if isinstance(share, Map) else None
        way = outgoing.get(of) if isinstance(of, str) else None
        trunk = way.get("trunk") if isinstance(way, Map) else of
        if isinstance(trunk, str) and trunk in outline.names.trunks and trunk not in leading:
            message = (
                f"leads to trunk {quoted(trunk)}, which isn't among state.trunks; only calls sent there are counted"
            )
            yield Finding((*path, "share", "of"), message)


def _emergencies_by_service(outline: Outline) -> Iterator[Finding]:
    named = [(peer.get("name"), peer.get("called_number")) for _, peer in outline.dial_peers]
    numbers = {name: number for name, number in named if isinstance(name, str)}
    for at, name in items(outline.emergency.get("destinations"), ("emergency", "destinations")):
        number = numbers.get(name) if isinstance(name, str) else None
        if isinstance(number, str) and "{service." in number:
            message = (
                f"dial-peer {quoted(str(name))} dials {number}, and emergency calls have no service: they dial their "
                f"own number; name a dial-peer without called_number"
            )
            yield Finding(at, message)


def readable(reader: Callable[[object], T], value: Value) -> T | None:
    """Read a value, or give None: its faults are named elsewhere."""
    try:
        return reader(value)
    except ValueError:
        return None


_CHECKS: Final[tuple[Check, ...]] = (
    _names_that_stand_twice,
    _listeners_on_one_address,
    _tls_without_its_files,
    _tls_names_that_nobody_shows,
    _tcp_without_a_listener,
    _sources_of_two_trunks,
    _targets_that_are_us,
    _targets_without_a_listener,
    _rules_in_two_minds,
    _peers_in_two_minds,
    _trunks_without_peer,
    _state_without_its_source,
    _webhooks_without_a_server,
    _servers_at_a_listeners_address,
    _shares_of_no_way_to_the_cloud,
    _emergencies_by_service,
)
