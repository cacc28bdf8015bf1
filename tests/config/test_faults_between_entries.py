"""Entries that can't both hold, entries that lack something, and rules that don't compile."""

from pathlib import Path

import pytest

from edge_router.config.faults import Kind
from edge_router.config.loading import examine_bytes
from tests.config.wrong import LISTEN, RULES, TRUNKS, Wrong, assert_only_fault

CASES = [
    Wrong(
        "two listeners of one name",
        Kind.CONFLICT,
        'listen:\n- {name: a, address: "127.0.0.1:1"}\n- {name: a, address: "127.0.0.1:2"}',
        '3:10: listen[1].name: "a" is already the name of listen[0]; give each its own',
    ),
    Wrong(
        "two dial-peers of one name",
        Kind.CONFLICT,
        LISTEN + "dial_peers: [{name: a, incoming: {}}, {name: a, incoming: {}}]",
        '2:46: dial_peers[1].name: "a" is already the name of dial_peers[0]; give each its own',
    ),
    Wrong(
        "two rules of one name",
        Kind.CONFLICT,
        RULES + "policies: {p: {rules: [{name: a, to: cloud}, {name: a, to: cloud}]}}",
        '5:53: policies.p.rules[1].name: "a" is already the name of policies.p.rules[0]; give each its own',
    ),
    Wrong(
        "two listeners on one address",
        Kind.CONFLICT,
        'listen:\n- {name: a, address: "[::1]:1"}\n- {name: b, address: "[0:0::1]:1"}',
        "3:22: listen[1].address: [::1]:1 is already the address of listen[0]; give each its own",
    ),
    Wrong(
        "listener without an address to answer to",
        Kind.CONFLICT,
        'listen: [{name: a, address: "0.0.0.0:5060"}]',
        "1:29: listen[0].address: 0.0.0.0 is no address that others can answer to; add advertise: and the one "
        "they reach",
    ),
    Wrong(
        "two trunks with one source",
        Kind.CONFLICT,
        LISTEN + "trunks: {a: {sources: [192.0.2.0/24]}, b: {sources: [192.0.2.1, 192.0.2.0/24]}}",
        '2:65: trunks.b.sources[1]: 192.0.2.0/24 is already a source of trunk "a" on listener "pstn", so whose call it '
        "is could not be told; leave it to one of them, or give each trunk a listener of its own",
    ),
    Wrong(
        "target that is ourselves",
        Kind.CONFLICT,
        LISTEN + 'trunks: {a: {targets: ["sip:127.0.0.10"]}}',
        "2:24: trunks.a.targets[0]: 127.0.0.10:5060 is our own listener: a call would come back; give the peer's "
        "address",
    ),
    Wrong(
        "target that is ourselves, as any address",
        Kind.CONFLICT,
        'listen: [{name: a, address: "0.0.0.0:5070", advertise: h}]\n'
        'trunks: {a: {targets: [{uri: "sip:127.0.0.1:5070"}]}}',
        "2:30: trunks.a.targets[0].uri: 127.0.0.1:5070 is our own listener: a call would come back; give the peer's "
        "address",
    ),
    Wrong(
        "trunk without a peer",
        Kind.MISSING,
        LISTEN + "trunks: {a: {hunt: random}}",
        "2:13: trunks.a: the trunk has neither sources nor targets; give it one of them",
    ),
    Wrong(
        "policy and destinations",
        Kind.CONFLICT,
        LISTEN + TRUNKS + "dial_peers:\n- {name: cloud, outgoing: {trunk: cloud}, incoming: {}, policy: p, "
        "destinations: [cloud]}\npolicies: {p: {otherwise: {to: cloud}}}",
        "4:68: dial_peers[0].destinations: a dial-peer has either policy or destinations; take one out",
    ),
    Wrong(
        "policy without incoming",
        Kind.CONFLICT,
        LISTEN + TRUNKS + "dial_peers: [{name: cloud, outgoing: {trunk: cloud}, policy: p}]\n"
        "policies: {p: {otherwise: {to: cloud}}}",
        "3:54: dial_peers[0].policy: is for calls that come in, and this dial-peer has no incoming; add it, or take "
        "this out",
    ),
    Wrong(
        "called_number without outgoing",
        Kind.CONFLICT,
        LISTEN + 'dial_peers: [{name: a, incoming: {}, called_number: "1"}]',
        "2:38: dial_peers[0].called_number: is for calls that go out, and this dial-peer has no outgoing; add it, or "
        "take this out",
    ),
    Wrong(
        "rescue without outgoing",
        Kind.CONFLICT,
        LISTEN + "dial_peers: [{name: a, incoming: {}, rescue: {}}]",
        "2:38: dial_peers[0].rescue: is for calls that go out, and this dial-peer has no outgoing; add it, or "
        "take this out",
    ),
    Wrong(
        "to and reject",
        Kind.CONFLICT,
        RULES + "policies: {p: {rules: [{name: a, to: cloud, reject: 480}]}}",
        "5:45: policies.p.rules[0].reject: a rule has either to or reject; take one out",
    ),
    Wrong(
        "neither to nor reject",
        Kind.MISSING,
        RULES + "policies: {p: {rules: [{name: a}]}}",
        "5:24: policies.p.rules[0]: the rule does nothing; give it to or reject",
    ),
    Wrong(
        "cause without reject",
        Kind.CONFLICT,
        RULES + "policies: {p: {rules: [{name: a, to: cloud, cause: 17}]}}",
        "5:45: policies.p.rules[0].cause: goes with reject, which this rule has not; take it out",
    ),
    Wrong(
        "final without to",
        Kind.CONFLICT,
        RULES + "policies: {p: {rules: [{name: a, reject: 480, final: true}]}}",
        "5:47: policies.p.rules[0].final: goes with to, which this rule has not; take it out",
    ),
    Wrong(
        "reject that refuses nothing",
        Kind.VALUE,
        RULES + "policies: {p: {rules: [{name: a, reject: 302}]}}",
        "5:42: policies.p.rules[0].reject: is 302; it must be at least 400",
    ),
    Wrong(
        "reason with a line break",
        Kind.VALUE,
        RULES + 'policies: {p: {rules: [{name: a, reject: 480, reason: "x\\ny"}]}}',
        "5:55: policies.p.rules[0].reason: holds the invisible character U+000A; take it out",
    ),
    Wrong(
        "rule that doesn't compile",
        Kind.RULE,
        RULES + "policies: {p: {rules: [{name: a, to: cloud, when: call.called == }]}}",
        "5:51: policies.p.rules[0].when: the rule ends too early: a value or a closing bracket is missing (at "
        "character 15)",
    ),
    Wrong(
        "rule with an unknown function",
        Kind.RULE,
        RULES + "policies: {p: {rules: [{name: a, to: cloud, when: 'qeue(\"Support\").length == 0'}]}}",
        '5:51: policies.p.rules[0].when: there is no function "qeue"; did you mean "queue"? (at character 1)',
    ),
    Wrong(
        "rule with an unknown queue",
        Kind.RULE,
        RULES + "policies: {p: {rules: [{name: a, to: cloud, when: 'queue(\"Suport\").length == 0'}]}}",
        '5:51: policies.p.rules[0].when: there is no queue "Suport"; did you mean "Support"? (at character 7)',
    ),
    Wrong(
        "rule with an unknown field",
        Kind.RULE,
        RULES + "policies: {p: {rules: [{name: a, to: cloud, when: 'queue(\"Support\").lenght == 0'}]}}",
        '5:51: policies.p.rules[0].when: there is no field of a queue "lenght"; did you mean "length"? (at '
        "character 18)",
    ),
    Wrong(
        "rule with an unknown trunk",
        Kind.RULE,
        RULES + "policies: {p: {rules: [{name: a, to: cloud, when: 'trunk(\"clout\").up'}]}}",
        '5:51: policies.p.rules[0].when: there is no trunk "clout"; did you mean "cloud"? (at character 7)',
    ),
    Wrong(
        "rule on a latch that isn't there",
        Kind.RULE,
        RULES + "policies: {p: {rules: [{name: a, to: cloud, when: 'latch(\"full\")'}]}}",
        '5:51: policies.p.rules[0].when: there is no latch "full"; none is defined (at character 7)',
    ),
    Wrong(
        "share of a trunk that leads elsewhere",
        Kind.CONFLICT,
        LISTEN
        + 'trunks: {cloud: {targets: ["sip:192.0.2.4"]}, other: {targets: ["sip:192.0.2.5"]}}\n'
        + "dial_peers: [{name: out, outgoing: {trunk: other}}, {name: in, incoming: {}, policy: p}]\n"
        + "policies: {p: {otherwise: {to: out}, share: {of: out}}}\nstate: {trunks: [cloud]}",
        '4:50: policies.p.share.of: leads to trunk "other", which isn\'t among state.trunks; only calls sent there are '
        "counted",
    ),
    Wrong(
        "condition of another type",
        Kind.VALUE,
        RULES + "policies: {p: {rules: [{name: a, to: cloud, when: 5}]}}",
        "5:51: policies.p.rules[0].when: expected text, got the number 5; put it in quotes",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=[case.what for case in CASES])
def test_fault(case: Wrong) -> None:
    assert_only_fault(case)


def test_an_emergency_destination_does_not_dial_a_services_number(tmp_path: Path) -> None:
    (tmp_path / "services.csv").write_text("called,premise_number\n")
    text = (
        LISTEN
        + TRUNKS
        + 'dial_peers: [{name: desk, outgoing: {trunk: cloud}, called_number: "{service.premise_number}"},'
        + ' {name: cloud, outgoing: {trunk: cloud}, called_number: "+1{called}"}]\n'
        + 'emergency: {called: ["911"], destinations: [cloud, desk]}\nservices: {file: services.csv}\n'
    )
    file = str(tmp_path / "edge.yaml")
    examined = examine_bytes(text.encode(), file)
    assert [str(fault) for fault in examined.faults] == [
        f'{file}:4:52: emergency.destinations[1]: dial-peer "desk" dials {{service.premise_number}}, and emergency '
        "calls have no service: they dial their own number; name a dial-peer without called_number"
    ]
    examined = examine_bytes(text.replace(", desk]", "]").encode(), file)
    assert examined.faults == ()
    assert [str(one).partition("dial_peers")[2][:3] for one in examined.warnings] == ["[0]"]  # desk only


@pytest.mark.parametrize("name", ["[cloud]", "{a: b}"])
def test_names_that_are_no_text_are_only_that(name: str) -> None:
    share = f"policies: {{p: {{otherwise: {{to: cloud}}, share: {{of: {name}}}}}}}\n"
    rest = f"emergency: {{called: ['911'], destinations: [{name}]}}\nstate: {{trunks: [cloud]}}\n"
    text = LISTEN + TRUNKS + f"dial_peers: [{{name: {name}, outgoing: {{trunk: cloud}}}}]\n" + share + rest
    assert len(examine_bytes(text.encode(), "edge.yaml").faults) >= 3
