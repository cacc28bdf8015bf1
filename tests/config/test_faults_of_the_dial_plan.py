"""Trunks and dial-peers: patterns, failures, headers and templates that are wrong, and names that name nothing."""

import pytest

from edge_router.config.faults import Kind
from tests.config.wrong import LISTEN, RULES, TRUNKS, Wrong, assert_only_fault

CASES = [
    Wrong(
        "pattern",
        Kind.VALUE,
        LISTEN + 'dial_peers: [{name: a, incoming: {called: "+1800[2-5"}}]',
        '2:43: dial_peers[0].incoming.called: "+1800[2-5", character 6: this set is not closed; write ] after its last '
        "digit",
    ),
    Wrong(
        "pattern in a list",
        Kind.VALUE,
        LISTEN + "dial_peers: [{name: a, incoming: [{calling: [911, 1.5]}]}]",
        "2:51: dial_peers[0].incoming[0].calling[1]: expected a number pattern in quotes, such as "
        '"+1800555....", got the number 1.5',
    ),
    Wrong(
        "pattern class",
        Kind.NOT_BUILT,
        LISTEN + "dial_peers: [{name: a, incoming: {called: {class: x}}}]",
        "2:43: dial_peers[0].incoming.called: not built yet: {class: name}; write the patterns here",
    ),
    Wrong(
        "hunt_on",
        Kind.VALUE,
        LISTEN + "trunks: {a: {sources: [192.0.2.1], hunt_on: [500, 7xx]}}",
        '2:51: trunks.a.hunt_on[1]: "7xx" is not a failure; write a code from 300 to 699, a class such as 5xx, a range '
        "such as 500-504, or timeout, with ! before it to take it out",
    ),
    Wrong(
        "hunt_on of another type",
        Kind.VALUE,
        LISTEN + "trunks: {a: {sources: [192.0.2.1], hunt_on: [true]}}",
        "2:46: trunks.a.hunt_on[0]: expected a code, a class such as 5xx, a range or timeout, got true",
    ),
    Wrong(
        "hunt_on that only takes out",
        Kind.VALUE,
        LISTEN + 'trunks: {a: {sources: [192.0.2.1], next_peer_on: ["!486"]}}',
        "2:50: trunks.a.next_peer_on: there are only entries with ! here, and nothing to take them from; name what "
        "counts too",
    ),
    Wrong(
        "refer",
        Kind.VALUE,
        LISTEN + "trunks: {a: {sources: [192.0.2.1], refer: passs}}",
        '2:43: trunks.a.refer: expected consume or pass, got the text "passs"; did you mean "pass"?',
    ),
    Wrong(
        "final_503",
        Kind.VALUE,
        LISTEN + "trunks: {a: {sources: [192.0.2.1], final_503: keep}}",
        '2:47: trunks.a.final_503: expected a code from 400 to 699, or pass, got the text "keep"',
    ),
    Wrong(
        "redirects",
        Kind.VALUE,
        LISTEN + "trunks: {a: {sources: [192.0.2.1], redirects: refuse}}",
        '2:47: trunks.a.redirects: expected follow or pass, got the text "refuse"',
    ),
    Wrong(
        "rescue of a call that has stood for long",
        Kind.VALUE,
        LISTEN + TRUNKS + "dial_peers: [{name: a, outgoing: {trunk: cloud}, rescue: {within: 1m}}]",
        "3:67: dial_peers[0].rescue.within: is 60 s; a call that has stood for over 30 s is no longer rescued",
    ),
    Wrong(
        "rescue for no cause",
        Kind.VALUE,
        LISTEN + TRUNKS + "dial_peers: [{name: a, outgoing: {trunk: cloud}, rescue: {causes: []}}]",
        "3:67: dial_peers[0].rescue.causes: is empty; give at least one",
    ),
    Wrong(
        "rescue for what is no cause",
        Kind.VALUE,
        LISTEN + TRUNKS + "dial_peers: [{name: a, outgoing: {trunk: cloud}, rescue: {causes: [486]}}]",
        "3:68: dial_peers[0].rescue.causes[0]: is 486; it must be at most 127",
    ),
    Wrong(
        "error_map of what is no refusal",
        Kind.VALUE,
        LISTEN + "trunks: {a: {sources: [192.0.2.1], error_map: {200: 480}}}",
        '2:48: trunks.a.error_map.200: "200" is no refusal; write a code from 300 to 699, a class such as 5xx or a '
        "range such as 500-504",
    ),
    Wrong(
        "error_map to what is no refusal",
        Kind.VALUE,
        LISTEN + "trunks: {a: {sources: [192.0.2.1], error_map: {404: 302}}}",
        "2:53: trunks.a.error_map.404: expected a code from 400 to 699, or cause, got the number 302",
    ),
    Wrong(
        "min_se below what may be",
        Kind.VALUE,
        LISTEN + "trunks: {a: {sources: [192.0.2.1], session_timer: {min_se: 60s}}}",
        "2:60: trunks.a.session_timer.min_se: is out of bounds (RFC 4028 section 5); write 90s to 24h",
    ),
    Wrong(
        "expires above what may be",
        Kind.VALUE,
        LISTEN + "trunks: {a: {sources: [192.0.2.1], session_timer: {expires: 25h}}}",
        "2:61: trunks.a.session_timer.expires: is out of bounds (RFC 4028 section 5); write 90s to 24h",
    ),
    Wrong(
        "expires of no whole second",
        Kind.VALUE,
        LISTEN + "trunks: {a: {sources: [192.0.2.1], session_timer: {expires: 90500ms}}}",
        "2:61: trunks.a.session_timer.expires: is no whole number of seconds, which is all that a message can say",
    ),
    Wrong(
        "expires below min_se",
        Kind.VALUE,
        LISTEN + "trunks: {a: {sources: [192.0.2.1], session_timer: {expires: 10m, min_se: 30m}}}",
        "2:51: trunks.a.session_timer: expires is 600 s, shorter than min_se, 1800 s; make it as long",
    ),
    Wrong(
        "max_duration of no time",
        Kind.VALUE,
        LISTEN + "trunks: {a: {sources: [192.0.2.1], max_duration: 0}}",
        "2:50: trunks.a.max_duration: is 0; a duration here must be longer than that",
    ),
    Wrong(
        "max_duration that is no duration",
        Kind.VALUE,
        LISTEN + "trunks: {a: {sources: [192.0.2.1], max_duration: long}}",
        '2:50: trunks.a.max_duration: "long" is no duration; write 500ms, 2s, 5m, 4h or a number of seconds',
    ),
    Wrong(
        "rel1xx",
        Kind.VALUE,
        LISTEN + "trunks: {a: {sources: [192.0.2.1], rel1xx: disable}}",
        '2:44: trunks.a.rel1xx: expected supported, require or disabled, got the text "disable"; did you mean '
        '"disabled"?',
    ),
    Wrong(
        "early_offer",
        Kind.NOT_BUILT,
        LISTEN + "trunks: {a: {sources: [192.0.2.1], early_offer: true}}",
        "2:49: trunks.a.early_offer: not built yet: early_offer needs media flow-through; leave it false",
    ),
    Wrong(
        "early_offer of another type",
        Kind.VALUE,
        LISTEN + "trunks: {a: {sources: [192.0.2.1], early_offer: forced}}",
        '2:49: trunks.a.early_offer: expected true or false, got the text "forced"',
    ),
    Wrong(
        "called_from",
        Kind.VALUE,
        LISTEN + "trunks: {a: {sources: [192.0.2.1], called_from: pcpid}}",
        '2:49: trunks.a.called_from: expected request-uri, to or p-called-party-id, got the text "pcpid"',
    ),
    Wrong(
        "translation of a trunk by rules that aren't there",
        Kind.REFERENCE,
        LISTEN
        + "trunks: {a: {sources: [192.0.2.1], translate: {inbound: {calling: to-e614}}}}\n"
        + "translation_rules: {to-e164: [/1/ /2/]}",
        '2:67: trunks.a.translate.inbound.calling: there is no set of translation_rules "to-e614"; did you mean '
        '"to-e164"?',
    ),
    Wrong(
        "translation of a dial-peer by rules that aren't there",
        Kind.REFERENCE,
        LISTEN + "dial_peers: [{name: a, incoming: {}, translate: {called: x}}]",
        '2:58: dial_peers[0].translate.called: there is no set of translation_rules "x"; none is defined',
    ),
    Wrong(
        "translation of a dial-peer as a trunk has it",
        Kind.UNKNOWN_KEY,
        LISTEN + "dial_peers: [{name: a, incoming: {}, translate: {inbound: {}}}]",
        '2:50: dial_peers[0].translate.inbound: there is no key "inbound"; there is called, calling',
    ),
    Wrong(
        "translation rule",
        Kind.VALUE,
        LISTEN + "translation_rules: {a: ['/1/ /2/', '/[1/ /2/']}",
        '2:36: translation_rules.a[1]: "/[1/ /2/", character 2: in the set "[1", character 1: this set is not closed; '
        "write ] after its last digit",
    ),
    Wrong(
        "translation rule that refuses",
        Kind.NOT_BUILT,
        LISTEN + "translation_rules: {a: ['reject /1/']}",
        '2:25: translation_rules.a[0]: "reject /1/", character 1: not built yet: reject; a number list with `reject` '
        "refuses callers",
    ),
    Wrong(
        "translation rule for a type",
        Kind.NOT_BUILT,
        LISTEN + "translation_rules: {a: ['/1/ /2/ type any national']}",
        '2:25: translation_rules.a[0]: "/1/ /2/ type any national", character 9: not built yet: type; a rule changes '
        "the number alone",
    ),
    Wrong(
        "translation rule of another type",
        Kind.VALUE,
        LISTEN + "translation_rules: {a: [12]}",
        "2:25: translation_rules.a[0]: expected a rule in single quotes, such as "
        "'/^\\([2-9].........\\)$/ /+1\\1/', got the number 12",
    ),
    Wrong(
        "no translation rule",
        Kind.VALUE,
        LISTEN + "translation_rules: {a: []}",
        "2:24: translation_rules.a: is empty; give at least one",
    ),
    Wrong(
        "a correlation header that has no value of ours",
        Kind.VALUE,
        LISTEN + "trunks: {a: {sources: [192.0.2.1], correlation: {headers: {X-Call: call-id}}}}",
        "2:68: trunks.a.correlation.headers.X-Call: expected call_id, node, session_id, cisco_guid, calling, called or "
        'service, got the text "call-id"; did you mean "call_id"?',
    ),
    Wrong(
        "a correlation header that SIP has",
        Kind.VALUE,
        LISTEN + "trunks: {a: {sources: [192.0.2.1], correlation: {headers: {call-id: call_id}}}}",
        '2:60: trunks.a.correlation.headers.call-id: "call-id" has a meaning of its own in SIP; take a name such as '
        "X-Edge-Call",
    ),
    Wrong(
        "a correlation header that the contact centre keeps to itself",
        Kind.VALUE,
        LISTEN + "trunks: {a: {sources: [192.0.2.1], correlation: {headers: {x-rtms-cid: call_id}}}}",
        '2:60: trunks.a.correlation.headers.x-rtms-cid: "x-rtms-cid" is one that Webex Contact Center keeps to itself; '
        "take another name",
    ),
    Wrong(
        "a correlation header that is no name",
        Kind.VALUE,
        LISTEN + 'trunks: {a: {sources: [192.0.2.1], correlation: {headers: {"X: 1\\r\\nVia": call_id}}}}',
        '2:60: trunks.a.correlation.headers."X: 1\\r\\nVia": "X: 1\\r\\nVia" is not the name of a header; write one '
        "such as X-Edge-Call",
    ),
    Wrong(
        "one correlation header twice",
        Kind.VALUE,
        LISTEN + "trunks: {a: {sources: [192.0.2.1], correlation: {headers: {X-Call: call_id, x-call: node}}}}",
        '2:59: trunks.a.correlation.headers: "X-Call" and "x-call" are one header; take one out',
    ),
    Wrong(
        "correlation headers that are too long",
        Kind.VALUE,
        LISTEN
        + f"trunks: {{a: {{sources: [192.0.2.1], correlation: {{headers: {{X-{'A' * 914}: node, X-B: node}}}}}}}}",
        "2:59: trunks.a.correlation.headers: these headers can be 1055 bytes together, and a contact centre takes "
        "1000; leave some out",
    ),
    Wrong(
        "pass_headers",
        Kind.VALUE,
        LISTEN + "trunks: {a: {sources: [192.0.2.1], pass_headers: [X-Ok, Via]}}",
        '2:57: trunks.a.pass_headers[1]: "Via" belongs to one leg alone and cannot cross; take it out of the list',
    ),
    Wrong(
        "header that could end one",
        Kind.VALUE,
        LISTEN + 'trunks: {a: {sources: [192.0.2.1], pass_headers: ["X: 1\\r\\nVia"]}}',
        '2:51: trunks.a.pass_headers[0]: "X: 1\\r\\nVia" is not the name of a header; write one such as '
        "X-Customer-Id, or "
        "X-Customer-*",
    ),
    Wrong(
        "placeholder",
        Kind.VALUE,
        LISTEN + TRUNKS + 'dial_peers: [{name: a, outgoing: {trunk: cloud}, refer_uri: "sip:{caled}@h"}]',
        '3:61: dial_peers[0].refer_uri: there is no placeholder "caled"; did you mean "called"?',
    ),
    Wrong(
        "placeholder of services without a table",
        Kind.VALUE,
        LISTEN + TRUNKS + 'dial_peers: [{name: a, outgoing: {trunk: cloud}, called_number: "{service.x}"}]',
        "3:65: dial_peers[0].called_number: there is no table to take {service.x} from; add services: {file: "
        "services.csv}",
    ),
    Wrong(
        "brace",
        Kind.VALUE,
        LISTEN + TRUNKS + 'dial_peers: [{name: a, outgoing: {trunk: cloud}, called_number: "{called"}]',
        '3:65: dial_peers[0].called_number: "{called" has a brace without its partner; write {called} or {calling}',
    ),
    Wrong(
        "number that can't be dialled",
        Kind.VALUE,
        LISTEN + TRUNKS + 'dial_peers: [{name: a, outgoing: {trunk: cloud}, called_number: "1@2"}]',
        '3:65: dial_peers[0].called_number: "1@2" can\'t stand before the @ of a SIP URI',
    ),
    Wrong(
        "refer_uri",
        Kind.VALUE,
        LISTEN + TRUNKS + 'dial_peers: [{name: a, outgoing: {trunk: cloud}, refer_uri: "sip:a b@h"}]',
        "3:61: dial_peers[0].refer_uri: \"sip:a b@h\" is no SIP URI: user part 'a b' is empty or has a character "
        "that must "
        "be %-escaped",
    ),
    Wrong(
        "refer_uri with a line break",
        Kind.VALUE,
        LISTEN + TRUNKS + 'dial_peers: [{name: a, outgoing: {trunk: cloud}, refer_uri: "sip:a@h\\r\\nX: y"}]',
        "3:61: dial_peers[0].refer_uri: holds the invisible character U+000D; take it out",
    ),
    Wrong(
        "trunk that isn't there",
        Kind.REFERENCE,
        LISTEN + TRUNKS + "dial_peers: [{name: a, incoming: {trunk: carier}}]",
        '3:42: dial_peers[0].incoming.trunk: there is no trunk "carier"; did you mean "carrier"?',
    ),
    Wrong(
        "trunk where there is none",
        Kind.REFERENCE,
        LISTEN + "dial_peers: [{name: a, incoming: {trunk: x}}]",
        '2:42: dial_peers[0].incoming.trunk: there is no trunk "x"; none is defined',
    ),
    Wrong(
        "trunk without targets",
        Kind.REFERENCE,
        LISTEN + TRUNKS + "dial_peers: [{name: a, outgoing: {trunk: carrier}}]",
        '3:42: dial_peers[0].outgoing.trunk: trunk "carrier" has no targets, so no call can go there; give it one',
    ),
    Wrong(
        "listener that isn't there",
        Kind.REFERENCE,
        LISTEN + "trunks: {a: {sources: [192.0.2.1], listen: lan}}",
        '2:44: trunks.a.listen: there is no listener "lan"; there is pstn',
    ),
    Wrong(
        "policy that isn't there",
        Kind.REFERENCE,
        LISTEN + "dial_peers: [{name: a, incoming: {}, policy: fron}]\npolicies: {front: {}}",
        '2:46: dial_peers[0].policy: there is no policy "fron"; did you mean "front"?',
    ),
    Wrong(
        "dial-peer that isn't there",
        Kind.REFERENCE,
        RULES + "policies: {p: {otherwise: {to: [cloud, {peer: clowd}]}}}",
        '5:47: policies.p.otherwise.to[1].peer: there is no dial-peer "clowd"; did you mean "cloud"?',
    ),
    Wrong(
        "dial-peer that leads nowhere",
        Kind.REFERENCE,
        RULES + "policies: {p: {otherwise: {to: in}}}",
        '5:32: policies.p.otherwise.to: dial-peer "in" has no outgoing, so no call can go there; give it one',
    ),
    Wrong(
        "destination that isn't there",
        Kind.REFERENCE,
        LISTEN + "dial_peers: [{name: a, incoming: {}, destinations: [b]}]",
        '2:53: dial_peers[0].destinations[0]: there is no dial-peer "b"; there is a',
    ),
]


@pytest.mark.parametrize("case", CASES, ids=[case.what for case in CASES])
def test_fault(case: Wrong) -> None:
    assert_only_fault(case)
