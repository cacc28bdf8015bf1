"""Addresses, networks and URIs that are wrong, or right but not built yet."""

import pytest

from edge_router.config.build import trunk_of
from edge_router.config.faults import Kind
from edge_router.config.loading import examine_bytes
from tests.config.wrong import LISTEN, Wrong, assert_only_fault

TLS = 'listen: [{name: a, transport: tls, address: "127.0.0.1:5061", certificate: e.pem, private_key: e.key}]\n'

CASES = [
    Wrong(
        "address without a port",
        Kind.VALUE,
        'listen: [{name: a, address: "127.0.0.1"}]',
        '1:29: listen[0].address: "127.0.0.1" has no port; write 127.0.0.1:5060',
    ),
    Wrong(
        "address that is none",
        Kind.VALUE,
        'listen: [{name: a, address: "127.0.0.256:5060"}]',
        '1:29: listen[0].address: "127.0.0.256" is no IP address',
    ),
    Wrong(
        "bare IPv6 address",
        Kind.VALUE,
        'listen: [{name: a, address: "::1"}]',
        '1:29: listen[0].address: "::1" is no address; an IPv6 one stands in brackets: [2001:db8::1]:5060',
    ),
    Wrong(
        "unclosed bracket",
        Kind.VALUE,
        'listen: [{name: a, address: "[::1:5060"}]',
        '1:29: listen[0].address: "[::1:5060" is no address; write an IPv6 one as [2001:db8::1]:5060',
    ),
    Wrong(
        "zone",
        Kind.VALUE,
        'listen: [{name: a, address: "[fe80::1%eth0]:5060"}]',
        '1:29: listen[0].address: "fe80::1%eth0" has a zone, which has no place in SIP; give the address without it',
    ),
    Wrong(
        "port out of range",
        Kind.VALUE,
        'listen: [{name: a, address: "127.0.0.1:65536"}]',
        '1:29: listen[0].address: port "65536" in "127.0.0.1:65536" is no number from 1 to 65535',
    ),
    Wrong(
        "address of another type",
        Kind.VALUE,
        "listen: [{name: a, address: 5060}]",
        "1:29: listen[0].address: expected an address such as 127.0.0.10:5060, got the number 5060",
    ),
    Wrong(
        "name to listen on",
        Kind.VALUE,
        'listen: [{name: a, address: "edge.example.com:5060"}]',
        '1:29: listen[0].address: "edge.example.com" is a DNS name; give an IP address',
    ),
    Wrong(
        "advertise",
        Kind.VALUE,
        'listen: [{name: a, address: "127.0.0.1:5060", advertise: "a@b"}]',
        '1:58: listen[0].advertise: "a@b" is no host and no host:port',
    ),
    Wrong(
        "source",
        Kind.VALUE,
        LISTEN + "trunks: {a: {sources: [192.0.2.300]}}",
        '2:24: trunks.a.sources[0]: "192.0.2.300" is no IP address',
    ),
    Wrong(
        "source of another type",
        Kind.VALUE,
        LISTEN + "trunks: {a: {sources: [10.0]}}",
        "2:24: trunks.a.sources[0]: expected an address, a network or a DNS name, such as 192.0.2.1, "
        "192.0.2.0/24 or sbc.example.com, got the number 10.0",
    ),
    Wrong(
        "network",
        Kind.VALUE,
        LISTEN + "trunks: {a: {sources: [192.0.2.1/24]}}",
        '2:24: trunks.a.sources[0]: "192.0.2.1/24" begins in the middle of a network; write 192.0.2.0/24, or the '
        "address alone",
    ),
    Wrong(
        "source that is no name either",
        Kind.VALUE,
        LISTEN + "trunks: {a: {sources: [sbc-.example.com]}}",
        '2:24: trunks.a.sources[0]: "sbc-.example.com" is no IP address',
    ),
    Wrong(
        "target that is no name either",
        Kind.VALUE,
        LISTEN + 'trunks: {a: {targets: ["sip:sbc.example.999"]}}',
        "2:24: trunks.a.targets[0]: \"sip:sbc.example.999\" is no SIP URI: host 'sbc.example.999' is neither a host "
        "name nor an IPv4 address",
    ),
    Wrong(
        "name of two trunks",
        Kind.CONFLICT,
        LISTEN + "trunks: {a: {sources: [Sbc.example.com]}, b: {sources: [sbc.example.com]}}",
        '2:57: trunks.b.sources[0]: sbc.example.com is already a source of trunk "a" on listener "pstn", so whose call '
        "it is could not be told; leave it to one of them, or give each trunk a listener of its own",
    ),
    Wrong(
        "DNS server by name",
        Kind.VALUE,
        LISTEN + "resolver: {servers: [ns.example.com]}",
        '2:22: resolver.servers[0]: "ns.example.com" is a DNS name; give an IP address',
    ),
    Wrong(
        "no DNS server",
        Kind.VALUE,
        LISTEN + "resolver: {servers: []}",
        "2:21: resolver.servers: is empty; give at least one",
    ),
    Wrong(
        "keepalive without a pause",
        Kind.VALUE,
        LISTEN + "trunks: {a: {sources: [192.0.2.1], keepalive: {interval: 100ms}}}",
        "2:58: trunks.a.keepalive.interval: is 0.1 s; write a second or more, and a day at the most",
    ),
    Wrong(
        "target that is no URI",
        Kind.VALUE,
        LISTEN + 'trunks: {a: {targets: ["192.0.2.1"]}}',
        "2:24: trunks.a.targets[0]: \"192.0.2.1\" is no SIP URI: '192.0.2.1' has no scheme: sip:, sips: or tel: "
        "is missing",
    ),
    Wrong(
        "target that is a number",
        Kind.VALUE,
        LISTEN + 'trunks: {a: {targets: ["tel:+18005550100"]}}',
        '2:24: trunks.a.targets[0]: "tel:+18005550100" is no SIP URI; it must begin with sip:',
    ),
    Wrong(
        "target with a user",
        Kind.VALUE,
        LISTEN + 'trunks: {a: {targets: [{uri: "sip:x@192.0.2.1"}]}}',
        '2:30: trunks.a.targets[0].uri: "sip:x@192.0.2.1" is more than a host: a target is sip:host or sip:host:port',
    ),
    Wrong(
        "target over TCP without a listener",
        Kind.CONFLICT,
        LISTEN + 'trunks: {a: {targets: ["sip:192.0.2.1;transport=tcp"]}}',
        "2:24: trunks.a.targets[0]: goes by tcp, and no listener speaks that; add one with transport: tcp",
    ),
    Wrong(
        "name by a transport that no listener speaks",
        Kind.CONFLICT,
        LISTEN + 'trunks: {a: {targets: ["sips:sbc.example.com"]}}',
        "2:24: trunks.a.targets[0]: goes by tls, and no listener speaks that; add one with transport: tls",
    ),
    Wrong(
        "target over UDP without a listener",
        Kind.CONFLICT,
        'listen: [{name: a, transport: tcp, address: "127.0.0.1:5060"}]\ntrunks: {a: {targets: ["sip:192.0.2.1"]}}',
        "2:24: trunks.a.targets[0]: goes by udp, and no listener speaks that; add one with transport: udp",
    ),
    Wrong(
        "target over another transport than its trunk's listener",
        Kind.CONFLICT,
        'listen: [{name: u, address: "127.0.0.1:5060"}, {name: t, transport: tcp, address: "127.0.0.1:5060"}]\n'
        'trunks: {a: {listen: u, targets: [{uri: "sip:192.0.2.1;transport=TCP"}]}}',
        '2:41: trunks.a.targets[0].uri: goes by tcp, and the trunk\'s listener "u" speaks udp; give the trunk a '
        "listener that speaks tcp, or the target udp",
    ),
    Wrong(
        "target over nothing known",
        Kind.VALUE,
        LISTEN + 'trunks: {a: {targets: ["sip:192.0.2.1;transport=avian"]}}',
        '2:24: trunks.a.targets[0]: there is no transport "avian"; use udp, tcp or tls',
    ),
    Wrong(
        "secure target over UDP",
        Kind.VALUE,
        LISTEN + 'trunks: {a: {targets: ["sips:192.0.2.1;transport=udp"]}}',
        '2:24: trunks.a.targets[0]: "sips:192.0.2.1;transport=udp" is secure, and UDP isn\'t; take transport=udp out, '
        "or write sip:",
    ),
    Wrong(
        "two listeners over connections at one address",
        Kind.CONFLICT,
        'listen: [{name: a, transport: tcp, address: "127.0.0.1:5061"}, {name: b, transport: tcp, address: '
        '"127.0.0.1:5061"}]',
        "1:99: listen[1].address: 127.0.0.1:5061 is already the address of listen[0]; give each its own",
    ),
    Wrong(
        "target over TCP that is us",
        Kind.CONFLICT,
        'listen: [{name: a, transport: tcp, address: "127.0.0.1:5060"}]\n'
        'trunks: {a: {targets: ["sip:127.0.0.1;transport=tcp"]}}',
        "2:24: trunks.a.targets[0]: 127.0.0.1:5060 is our own listener: a call would come back; give the peer's "
        "address",
    ),
    Wrong(
        "listener over nothing known",
        Kind.VALUE,
        'listen: [{name: a, transport: sctp, address: "127.0.0.1:5061"}]',
        '1:31: listen[0].transport: expected udp, tcp or tls, got the text "sctp"',
    ),
    Wrong(
        "HTTP at a listener's address",
        Kind.CONFLICT,
        'listen: [{name: a, transport: tcp, address: "127.0.0.1:5060"}]\nhttp: {address: "127.0.0.1:5060"}',
        "2:17: http.address: 127.0.0.1:5060 is already the address of listen[0]; give each its own",
    ),
    Wrong(
        "TLS without its key",
        Kind.MISSING,
        'listen: [{name: a, transport: tls, address: "127.0.0.1:5061", certificate: e.pem}]',
        "1:10: listen[0]: transport: tls needs private_key; add it",
    ),
    Wrong(
        "certificate without TLS",
        Kind.CONFLICT,
        'listen: [{name: a, transport: tcp, address: "127.0.0.1:5061", ca: e.pem}]',
        "1:63: listen[0].ca: goes with transport: tls; take it out",
    ),
    Wrong(
        "names of certificates without TLS",
        Kind.CONFLICT,
        LISTEN + "trunks: {a: {sources: [192.0.2.1], tls_names: [a.example]}}",
        "2:36: trunks.a.tls_names: goes with a listener of transport: tls; add one",
    ),
    Wrong(
        "name of a certificate that is none",
        Kind.VALUE,
        TLS + 'trunks: {a: {targets: ["sips:192.0.2.1"], tls_names: ["a.*.example"]}}',
        '2:55: trunks.a.tls_names[0]: "a.*.example" is no name that a certificate can be for',
    ),
    Wrong(
        "names of certificates that nobody is asked for",
        Kind.CONFLICT,
        TLS + "trunks: {a: {sources: [192.0.2.1], tls_names: [a.example]}}",
        "2:36: trunks.a.tls_names: nobody who connects is asked for a certificate; give the listener a client_ca",
    ),
    Wrong(
        "one name of two trunks",
        Kind.CONFLICT,
        TLS + 'trunks: {a: {targets: ["sips:192.0.2.1"], tls_names: [a.example]}, '
        'b: {targets: ["sips:192.0.2.2"], tls_names: [A.example]}}',
        '2:113: trunks.b.tls_names[0]: A.example is already a name of trunk "a"; leave it to one of them',
    ),
    Wrong(
        "large ones by TCP without a listener",
        Kind.CONFLICT,
        LISTEN + 'trunks: {a: {targets: ["sip:192.0.2.1"], udp_to_tcp: try}}',
        "2:54: trunks.a.udp_to_tcp: no listener speaks tcp; add one, or write never",
    ),
    Wrong(
        "key not built",
        Kind.NOT_BUILT,
        LISTEN + "trunks: {a: {sources: [192.0.2.1], sip_profile: to-webex}}",
        "2:36: trunks.a.sip_profile: not built yet: this version can't do it; take it out",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=[case.what for case in CASES])
def test_fault(case: Wrong) -> None:
    assert_only_fault(case)


def test_udp_and_tcp_may_have_the_same_address_and_port() -> None:
    text = """\
listen: [{name: u, address: "127.0.0.1:5060"}, {name: t, transport: tcp, address: "127.0.0.1:5060"}]
trunks: {a: {targets: ["sip:192.0.2.1", "sip:192.0.2.2;transport=tcp"]}, b: {listen: t, sources: [192.0.2.3]}}
"""
    examined = examine_bytes(text.encode(), "f")
    assert examined.config is not None, examined.faults
    targets = trunk_of("a", examined.config.trunks["a"], {}).targets
    assert [(each.transport, each.params) for each in targets] == [("udp", ""), ("tcp", ";transport=tcp")]
