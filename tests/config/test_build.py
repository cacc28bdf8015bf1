"""What a configuration becomes: trunks, sources, dial plan, policies; and what lives on over a reload."""

import gc
import time
from dataclasses import replace

import pytest

from edge_router.admission.sources import SourceTable
from edge_router.b2bua.routing.routing import Routing
from edge_router.config.build import build, claims, picture_of
from edge_router.config.loading import examine_bytes
from edge_router.config.models import Config
from edge_router.dialplan.error_map import ErrorMap
from edge_router.dialplan.peer import Rescue
from edge_router.dialplan.translation import Translations
from edge_router.dialplan.trunk import Keepalive
from edge_router.policy.decision import Hop
from edge_router.policy.facts import CallFacts
from edge_router.policy.hours import Hours
from edge_router.policy.surroundings import Surroundings

TEXT = """\
node: edge-1
listen: [{name: a, address: "127.0.0.1:5060"}, {name: b, address: "127.0.0.1:5070"}]
trunks:
  carrier:
    sources: [192.0.2.0/24, 198.51.100.4]
    targets: ["sip:203.0.113.1"]
    accepts: [refer]
    identity: {accept: true}
    called_from: to
    calling_from: from
    translate: {inbound: {called: a}, outbound: {calling: b}}
    limits: {max_calls: 9, inbound: {max_calls: 1}, outbound: {max_cps: 2}}
  cloud:
    targets: [{uri: "sip:192.0.2.4:5070", preference: 2, weight: 7}, "sip:[2001:db8::1]"]
    listen: b
    rel1xx: require
    hunt: weighted
    connect_timeout: 500ms
    progress_timeout: 3
    answer_timeout: 1m
    hunt_on: [503, timeout]
    final_503: pass
    redirects: pass
    error_map: {404: 480, 5xx: cause}
    refer: pass
    pass_headers: [X-Customer-*]
    max_duration: 4h
    session_timer: {expires: 30m, min_se: 2m}
  premise:
    targets: ["sip:198.51.100.4", "sip:203.0.113.1:5080"]
    next_peer_on: ["6xx"]
    final_503: 480
    rel1xx: disabled
dial_peers:
  - {name: in, incoming: {trunk: carrier, called: "+1800555...."}, policy: p, translate: {called: a, calling: b}}
  - name: cloud
    rescue: {within: 500ms, causes: [31, 34]}
    outgoing: {trunk: cloud}
    called_number: "9{called}"
    refer_uri: "sip:{called}@h"
  - {name: premise, outgoing: {trunk: premise, called: "1", preference: 3}, rescue: {}}
policies:
  p:
    rules:
      - {name: stale, when: 'queue("Sales").length == 0', to: cloud, stale: skip}
      - name: long
        when: queue("s-1").longest_wait > 60
        to: [cloud, {peer: premise, by: refer}]
        by: redirect
        final: true
      - {name: refused, when: 'call.calling == "1"', reject: 480, reason: Busy, cause: 17, retry_after: 5}
    otherwise: {to: premise}
state:
  stale_after: 30s
  queues: {Support: {id: s-1, longest_wait: 2m, length: 4, estimated_wait: 7}, Sales: {age: 31s}}
limits: {max_calls: 1}
translation_rules: {a: ["/^1/ /2/", "/^99/ /9/"], b: ["/^77/ /8/"]}
on_no_match: 480
"""


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def loaded(text: str) -> Config:
    examined = examine_bytes(text.encode(), "f")
    assert [str(fault) for fault in examined.faults] == []
    assert examined.config is not None
    return examined.config


@pytest.fixture
def routing() -> Routing:
    return build(loaded(TEXT), Clock())


def test_trunks(routing: Routing) -> None:
    carrier, cloud, premise = (routing.trunks[name].trunk for name in ("carrier", "cloud", "premise"))
    assert [target.address for target in cloud.targets] == [("192.0.2.4", 5070), ("2001:db8::1", 5060)]
    assert [(t.preference, t.weight, t.uri) for t in cloud.targets] == [
        (2, 7, "sip:192.0.2.4:5070"),
        (0, 100, "sip:[2001:db8::1]"),
    ]
    assert (cloud.name, cloud.listen, cloud.hunt) == ("cloud", "b", "weighted")
    assert (cloud.connect_timeout, cloud.progress_timeout, cloud.answer_timeout) == (0.5, 3.0, 60.0)
    assert [cloud.hunt_on.has(code) for code in (503, None, 500)] == [True, True, False]
    assert cloud.next_peer_on == cloud.hunt_on
    assert [premise.next_peer_on.has(code) for code in (603, 503)] == [True, False]
    assert [premise.hunt_on.has(code) for code in (408, 500, None, 486)] == [True, True, True, False]
    assert (carrier.refer, cloud.refer) == ("consume", "pass")
    assert (carrier.final_503, cloud.final_503, premise.final_503) == (500, None, 480)
    assert (carrier.redirects, cloud.redirects) == ("follow", "pass")
    assert carrier.error_map is None
    assert cloud.error_map == ErrorMap.parse([("404", 480), ("5xx", "cause")])
    assert (carrier.max_duration, carrier.session_expires, carrier.min_se) == (None, None, 90)
    assert (cloud.max_duration, cloud.session_expires, cloud.min_se) == (14400.0, 1800, 120)
    assert (carrier.rel1xx, cloud.rel1xx, premise.rel1xx) == ("supported", "require", "disabled")
    assert cloud.pass_headers.crosses("x-customer-id")
    assert not carrier.pass_headers.crosses("x-customer-id")
    assert [set(carrier.accepts), set(cloud.accepts)] == [{"refer"}, {"redirect", "refer"}]
    assert (carrier.accept_identity, carrier.send_identity) == (True, False)
    assert (carrier.limit.max_calls, carrier.inbound_limit.max_calls, carrier.outbound_limit.max_cps) == (9, 1, 2.0)


@pytest.mark.parametrize(
    ("listen", "host", "trunk"),
    [
        ("a", "192.0.2.9", "carrier"),
        ("a", "192.0.2.4", "carrier"),  # cloud is on the other listener
        ("b", "192.0.2.4", "cloud"),  # an address goes before the network that it is in
        ("b", "2001:db8::1", "cloud"),
        ("a", "2001:db8::1", None),
        ("a", "198.51.100.4", "carrier"),  # its sources go before premise's target
        ("a", "203.0.113.1", "carrier"),  # both trunks' target: the first one's
        ("b", "203.0.113.9", None),
    ],
)
def test_sources(routing: Routing, listen: str, host: str, trunk: str | None) -> None:
    assert routing.sources.trunk_of(listen, host) == trunk


def test_rescue(routing: Routing) -> None:
    peers = routing.plan.peers
    assert peers["in"].rescue is None
    assert peers["cloud"].rescue == Rescue(0.5, frozenset({31, 34}))
    assert peers["premise"].rescue == Rescue(3.0, frozenset({17, 34, 41, 42}))


def call(calling: str = "2", called: str = "+18005550100", trunk: str = "carrier") -> CallFacts:
    return CallFacts(calling, called, called, trunk)


def test_translations(routing: Routing) -> None:
    def shown(translations: Translations | None) -> list[list[str]]:
        assert translations is not None
        return [list(map(str, each.rules)) if each else [] for each in (translations.called, translations.calling)]

    carrier, premise = routing.trunks["carrier"].trunk, routing.trunks["premise"].trunk
    assert (carrier.called_from, carrier.calling_from) == ("to", "from")
    assert shown(carrier.translate_in) == [["/^1/ /2/", "/^99/ /9/"], []]
    assert shown(carrier.translate_out) == [[], ["/^77/ /8/"]]
    assert shown(routing.plan.peers["in"].translate) == [["/^1/ /2/", "/^99/ /9/"], ["/^77/ /8/"]]
    assert (premise.called_from, premise.calling_from) == ("request-uri", "pai")
    assert premise.translate_in is premise.translate_out is routing.plan.peers["cloud"].translate is None


@pytest.mark.parametrize(
    ("trunk", "peer", "translates"),
    [
        ("{}", "incoming: {}", False),
        ("{outbound: {called: a}}", "incoming: {}", False),
        ("{inbound: {calling: a}}", "incoming: {}", True),
        ("{}", "incoming: {}, translate: {called: a}", True),
        ("{}", "outgoing: {trunk: t}, translate: {called: a}", False),
    ],
)
def test_calls_are_asked_for_translations_only_where_there_are_some(trunk: str, peer: str, translates: bool) -> None:
    text = f"""
listen: [{{name: a, address: "127.0.0.10:5060"}}]
trunks: {{t: {{targets: ["sip:192.0.2.4"], translate: {trunk}}}}}
dial_peers: [{{name: p, {peer}}}]
translation_rules: {{a: ["/1/ /2/"]}}
"""
    config = examine_bytes(text.encode(), "edge.yaml").config
    assert config is not None
    assert build(config, Clock()).translates is translates


def test_dial_peers(routing: Routing) -> None:
    cloud, premise = routing.plan.peers["cloud"], routing.plan.peers["premise"]
    assert (cloud.called_number, cloud.refer_uri) == ("9{called}", "sip:{called}@h")
    assert premise.outgoing is not None
    assert (premise.outgoing.trunk, premise.outgoing.preference) == ("premise", 3)
    assert routing.plan.outbound("123") == [premise]
    assert routing.route(call(trunk="cloud"), "a", 1000.0)[1].code == 480


def test_policies(routing: Routing) -> None:
    decision = routing.route(call(), "a", 1000.0)[1]
    assert (decision.rule, decision.method, decision.final) == ("long", "redirect", True)
    assert decision.to == (Hop("cloud", "redirect"), Hop("premise", "refer"))
    assert decision.values == {'queue("s-1").longest_wait': 120}


def test_a_rejection() -> None:
    config = loaded(TEXT.replace("longest_wait: 2m", "longest_wait: 0"))
    decision = build(config, Clock()).route(call("1"), "a", 1000.0)[1]
    assert (decision.method, decision.code, decision.reason) == ("reject", 480, "Busy")
    assert (decision.cause, decision.retry_after) == (17, 5)


def test_a_rule_without_a_condition_holds() -> None:
    text = TEXT.replace("name: stale, when: 'queue(\"Sales\").length == 0'", "name: always")
    assert build(loaded(text), Clock()).route(call(), "a", 1000.0)[1].rule == "always"


def test_the_picture() -> None:
    picture = picture_of(loaded(TEXT), 5.0)
    support = picture.queue("s-1")
    assert support is not None
    assert (support.name, support.length, support.longest_wait, support.estimated_wait) == ("Support", 4, 120, 7)
    sales = picture.queue("Sales")
    assert sales is not None
    assert sales.age(99.0) == 31.0


def test_a_picture_from_elsewhere_is_what_rules_read() -> None:
    config = loaded(TEXT)
    picture = picture_of(config, 0.0)
    routing = build(config, Clock(), picture=picture)
    picture.set("Support", 0.0, longest_wait=0)
    assert routing.route(call(), "a", 1000.0)[1].rule == "otherwise"


def test_what_is_counted_lives_on_over_a_reload() -> None:
    clock = Clock()
    before = build(loaded(TEXT), clock)
    assert before.load.admit(clock.now) is None
    assert before.trunks["carrier"].admit_inbound(clock.now) is None
    after = build(loaded(TEXT.replace("hunt: weighted", "hunt: random")), clock, before)
    assert after.trunks["cloud"].trunk.hunt == "random"
    assert after.load.admit(clock.now) == "max_calls"
    assert after.trunks["carrier"].admit_inbound(clock.now) == "max_calls"
    # A call of the old configuration ends
    before.trunks["carrier"].release_inbound()
    assert after.trunks["carrier"].admit_inbound(clock.now) is None


def test_a_trunk_that_is_new_begins_at_nothing() -> None:
    clock = Clock()
    before = build(loaded(TEXT), clock)
    after = build(loaded(TEXT.replace("premise", "office")), clock, before)
    assert set(after.trunks) == {"carrier", "cloud", "office"}
    assert after.trunks["office"].calls == 0


def test_hours_are_reckoned_before_the_first_call_asks() -> None:
    config = loaded(TEXT + 'hours: {support: {timezone: Europe/Berlin, open: {daily: ["00:00-24:00"]}}}\n')
    others = {id(one) for one in gc.get_objects() if isinstance(one, Hours)}
    found: list[Surroundings] = []

    def kept(surroundings: Surroundings) -> Surroundings:
        found.append(surroundings)
        return surroundings

    build(config, lambda: 0.0, adapted=kept)
    (hours,) = [one for one in gc.get_objects() if isinstance(one, Hours) and id(one) not in others]
    assert hours._known[0] <= time.time() < hours._known[1]
    assert found[0].hours["support"](time.time())


NAMES = """\
listen: [{name: a, address: "127.0.0.1:5060"}]
trunks:
  one: {sources: [Shared.example.com, one.example.com], targets: ["sip:192.0.2.1"]}
  two:
    sources: [192.0.2.7]
    targets: ["sip:Proxy.example.com", "sip:proxy.example.com:5070", "sip:192.0.2.8"]
    keepalive: {interval: 30s, down_interval: 3s, retries: 4, fail_on: [5xx], up_after: 5}
  three: {targets: ["sip:192.0.2.3"], keepalive: {}}
resolver: {servers: [192.0.2.53, "127.0.0.1:5353", "::1", "[::1]:5353"]}
"""


def test_targets_by_name() -> None:
    two = build(loaded(NAMES), Clock()).trunks["two"].trunk
    assert two.has_names
    assert [(each.named, each.place, each.label) for each in two.targets] == [
        ("proxy.example.com", "proxy.example.com", "sip:Proxy.example.com"),
        ("proxy.example.com:5070", "proxy.example.com:5070", "sip:proxy.example.com:5070"),
        ("", "192.0.2.8:5060", "sip:192.0.2.8"),
    ]


def test_whose_calls_from_where_a_name_leads_are() -> None:
    config = loaded(NAMES)
    found = {
        "one.example.com": ["198.51.100.1"],
        "shared.example.com": ["192.0.2.7", "192.0.2.3", "198.51.100.3"],
        "proxy.example.com": ["198.51.100.2", "198.51.100.3", "2001:db8::1"],
    }
    sources = SourceTable(["a"], claims(config, found))
    assert {host: sources.trunk_of("a", host) for host in HOSTS} == HOSTS
    unknown = SourceTable(["a"], claims(config))
    assert [host for host in HOSTS if unknown.trunk_of("a", host)] == [
        "192.0.2.1",
        "192.0.2.7",
        "192.0.2.8",
        "192.0.2.3",
    ]


HOSTS = {
    "192.0.2.1": "one",
    "192.0.2.7": "two",  # a source in the file goes before any name
    "192.0.2.8": "two",
    "192.0.2.3": "one",  # a source goes before a target, as where both are addresses
    "198.51.100.1": "one",
    "198.51.100.2": "two",
    "198.51.100.3": "one",
    "2001:db8::1": "two",
    "198.51.100.9": None,
}


def test_keepalive() -> None:
    trunks = build(loaded(NAMES), Clock()).trunks
    two, three = trunks["two"].trunk.keepalive, trunks["three"].trunk.keepalive
    assert two is not None
    assert (two.interval, two.down_interval, two.retries, two.up_after) == (30.0, 3.0, 4, 5)
    assert [two.fail_on.has(code) for code in (503, 500, None)] == [True, True, False]
    assert three == Keepalive()
    assert [Keepalive().fail_on.has(code) for code in (503, 505, None, 500)] == [True, True, True, False]
    assert trunks["one"].trunk.keepalive is None


def test_dns_servers() -> None:
    resolver = loaded(NAMES).resolver
    assert resolver is not None
    assert [str(server) for server in resolver.servers] == [
        "192.0.2.53:53",
        "127.0.0.1:5353",
        "[::1]:53",
        "[::1]:5353",
    ]


def test_a_name_beside_a_listener_on_every_address_is_no_fault() -> None:
    """Whether it leads to ourselves only DNS knows."""
    listen = 'listen: [{name: a, address: "0.0.0.0:5060", advertise: "192.0.2.1"}]\n'
    assert loaded(listen + 'trunks: {a: {targets: ["sip:x.example.com"]}}').trunks["a"].targets


def test_what_a_name_says_of_its_transport_stands_in_uris_and_what_dns_says_does_not() -> None:
    listen = """\
listen:
  - {name: u, address: "127.0.0.1:5060"}
  - {name: t, transport: tcp, address: "127.0.0.1:5060"}
trunks: {a: {targets: ["sip:x.example.com", "sip:x.example.com;transport=tcp"]}, b: {sources: [192.0.2.3]}}
"""
    unsaid, said = build(loaded(listen), Clock()).trunks["a"].trunk.targets
    assert (unsaid.params, said.params, said.transport) == ("", ";transport=tcp", "tcp")
    located = replace(unsaid, host="192.0.2.1", transport="tcp")
    assert (located.params, located.place, located.at) == ("", "x.example.com", "192.0.2.1:5060")
    assert (located.name, replace(said, named="x.example.com:5070").name) == ("x.example.com", "x.example.com")


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_name_that_says_no_transport_goes_with_any_listener(transport: str) -> None:
    listen = f'listen: [{{name: a, transport: {transport}, address: "192.0.2.1:5060"}}]\n'
    assert loaded(listen + 'trunks: {a: {listen: a, targets: ["sip:x.example.com:5060"]}}').trunks["a"].targets
