"""Addresses, networks and URIs that are wrong, or right but not built yet."""

import pytest

from edge_router.config.faults import Kind
from tests.config.wrong import LISTEN, Wrong, assert_only_fault

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
        "target over TCP",
        Kind.NOT_BUILT,
        LISTEN + 'trunks: {a: {targets: ["sip:192.0.2.1;transport=tcp"]}}',
        "2:24: trunks.a.targets[0]: not built yet: transport=tcp; use udp",
    ),
    Wrong(
        "target over nothing known",
        Kind.VALUE,
        LISTEN + 'trunks: {a: {targets: ["sip:192.0.2.1;transport=avian"]}}',
        '2:24: trunks.a.targets[0]: there is no transport "avian"; use udp',
    ),
    Wrong(
        "secure target",
        Kind.NOT_BUILT,
        LISTEN + 'trunks: {a: {targets: ["sips:192.0.2.1"]}}',
        "2:24: trunks.a.targets[0]: not built yet: sips; write sip:",
    ),
    Wrong(
        "listener over TLS",
        Kind.NOT_BUILT,
        'listen: [{name: a, transport: tls, address: "127.0.0.1:5061"}]',
        "1:31: listen[0].transport: not built yet: tls; this version can only do udp",
    ),
    Wrong(
        "key not built",
        Kind.NOT_BUILT,
        LISTEN + "trunks: {a: {sources: [192.0.2.1], rel1xx: required}}",
        "2:36: trunks.a.rel1xx: not built yet: this version can't do it; take it out",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=[case.what for case in CASES])
def test_fault(case: Wrong) -> None:
    assert_only_fault(case)
