"""Warnings: what loads, but most likely isn't meant so."""

from pathlib import Path

import pytest

from edge_router.config.faults import Kind
from edge_router.config.loading import examine_bytes

LISTEN = 'listen: [{name: pstn, address: "127.0.0.10:5060"}]\n'
TRUNKS = 'trunks: {cloud: {targets: ["sip:192.0.2.4"]}, premise: {targets: ["sip:192.0.2.3"]}}\n'
IN = "- {name: in, incoming: {}, policy: p}\n"
OUT = "- {name: cloud, outgoing: {trunk: cloud}}\n"
BASE = LISTEN + TRUNKS + "dial_peers:\n" + OUT


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        (
            BASE + IN + "policies: {p: {rules: [{name: r, reject: 503}], otherwise: {to: cloud}}}",
            "6:42: policies.p.rules[0].reject: warning: 503 tells the carrier that this whole router is out of order "
            "(RFC 3261 §21.5.4), and it may stop sending calls; 480 or 600 refuses this one call",
        ),
        (
            LISTEN + 'trunks: {a: {targets: ["sip:192.0.2.4:1"]}, b: {targets: [{uri: "sip:192.0.2.4:2"}]}}',
            '2:59: trunks.b.targets[0]: warning: 192.0.2.4 is a target of trunk "a" too; calls from it are taken for '
            "that trunk's, unless sources says otherwise",
        ),
        (
            LISTEN + "trunks: {a: {sources: [192.0.2.1], calling_from: pai, identity: {send: true}}}",
            "2:50: trunks.a.calling_from: warning: P-Asserted-Identity from this trunk isn't believed, so the calling "
            "number is From's; add identity: {accept: true}, or write from",
        ),
        (
            BASE + IN + "policies: {p: {rules: [{name: r, when: false, to: cloud}]}}",
            "6:12: policies.p: warning: there is no otherwise: a call that no rule takes is refused with 480; say "
            "where it shall go",
        ),
        (
            BASE + "- {name: a}\n- {name: in, incoming: {}, destinations: [cloud]}",
            "5:3: dial_peers[1]: warning: the dial-peer has neither incoming nor outgoing, so no call can reach it",
        ),
        (
            BASE + "- {name: in, incoming: {}}",
            "4:27: dial_peers[0].outgoing: warning: no policy and no destinations name this dial-peer, and no number "
            "leads to it: no call goes out here",
        ),
        (
            BASE
            + IN
            + r"""policies: {p: {rules: [{name: r, when: 'call.called.matches("^\\d\\d")', to: cloud}]"""
            + ", otherwise: {to: cloud}}}",
            r"6:40: policies.p.rules[0].when: warning: \d in matches() stands for characters of every script, and "
            "costs each call 20 to 250 µs more than a plain class such as [0-9]; startsWith() costs least",
        ),
        (
            BASE + IN + "policies: {p: {otherwise: {to: cloud}, share: {of: premise, max_concurrent: 5}}}",
            '6:52: policies.p.share.of: warning: no dial-peer leads to trunk "premise", so that no call ever counts in '
            "this share",
        ),
        (
            LISTEN
            + TRUNKS
            + "dial_peers:\n- {name: desk, outgoing: {trunk: premise}}\n"
            + IN
            + "policies: {p: {otherwise: {to: desk}, share: {of: desk, max_concurrent: 5}}}",
            '6:51: policies.p.share.of: warning: this makes trunk "premise" a way to the contact centre: calls sent '
            "there count in cloud().calls and in expected; if it is one, say so in state.trunks, else take the share "
            "out",
        ),
        (
            BASE
            + IN
            + "policies: {p: {rules: [{name: r, when: cloud() .calls < 5, to: cloud}], otherwise: {to: cloud}}}",
            "6:40: policies.p.rules[0].when: warning: nobody says how many calls the contact centre has: state has no "
            "queue, so that what reads cloud().calls is always undecided",
        ),
        (
            BASE + IN + "policies: {p: {otherwise: {to: cloud}}}\n"
            "latches: {a: {set: 'true', clear: 'cloud().calls < cloud().entitlement'}}\n"
            "state: {queues: {Support: {length: 1}}}",
            "7:35: latches.a.clear: warning: nobody says how many calls the contact centre takes, so that what reads "
            "cloud().entitlement is always undecided",
        ),
        # Its pattern is of no use where every call is decided by name
        (
            BASE
            + IN
            + '- {name: premise, outgoing: {trunk: premise, called: "1"}}\npolicies: {p: {otherwise: {to: cloud}}}',
            "6:29: dial_peers[2].outgoing: warning: no policy and no destinations name this dial-peer, and no number "
            "leads to it: no call goes out here",
        ),
    ],
)
def test_warning(text: str, warning: str) -> None:
    examined = examine_bytes(text.encode(), "f")
    assert [str(one) for one in examined.warnings] == [f"f:{warning}"]
    assert {one.kind for one in examined.warnings} == {Kind.WARNING}
    assert examined.config is not None
    assert examined.faults == ()


@pytest.mark.parametrize(
    "text",
    [
        # By number, by destinations, by a rule, by if_stale
        LISTEN
        + TRUNKS
        + 'dial_peers:\n- {name: cloud, outgoing: {trunk: cloud, called: "1"}}\n- {name: in, incoming: {}}',
        BASE + "- {name: in, incoming: {}, destinations: [cloud]}",
        BASE + IN + "policies: {p: {rules: [{name: r, to: cloud}]}}",
        BASE
        + IN
        + "- {name: premise, outgoing: {trunk: premise}}\n"
        + "policies: {p: {otherwise: {to: cloud}, if_stale: {to: premise}}}",
        # A share of the contact centre, by whatever name, and reads of it that somebody answers
        BASE + IN + "policies: {p: {otherwise: {to: cloud}, share: {of: cloud, max_concurrent: 5}}}",
        LISTEN
        + TRUNKS
        + "dial_peers:\n- {name: desk, outgoing: {trunk: premise}}\n"
        + IN
        + "policies: {p: {otherwise: {to: desk}, share: {of: desk, max_concurrent: 5}}}\nstate: {trunks: [premise]}",
        BASE + IN + 'policies: {p: {rules: [{name: r, when: \'"cloud().entitlement" == "" || cloud().calls < 5\', '
        "to: cloud}], otherwise: {to: cloud}}}\nstate: {queues: {Support: {source: pushed}}}",
        # One address, but on two listeners
        'listen: [{name: a, address: "127.0.0.1:1"}, {name: b, address: "127.0.0.1:2"}]\n'
        'trunks: {x: {listen: a, targets: ["sip:192.0.2.4:1"]}, y: {listen: b, targets: ["sip:192.0.2.4:2"]}}',
    ],
)
def test_no_warning(text: str) -> None:
    examined = examine_bytes(text.encode(), "f")
    assert [str(one) for one in (*examined.faults, *examined.warnings)] == []


@pytest.mark.parametrize(("policy", "warned"), [("night", 0), ("", 1)])
def test_a_policy_that_a_row_of_the_services_names_leads_somewhere(tmp_path: Path, policy: str, warned: int) -> None:
    (tmp_path / "services.csv").write_text(f"called,policy\n+18005550100,{policy}\n")
    text = BASE + IN + "- {name: premise, outgoing: {trunk: premise}}\nservices: {file: services.csv}\n"
    text += "policies: {p: {otherwise: {to: cloud}}, night: {otherwise: {to: premise}}}"
    examined = examine_bytes(text.encode(), str(tmp_path / "edge.yaml"))
    assert examined.faults == ()
    assert [one.key for one in examined.warnings] == ["dial_peers[2].outgoing"] * warned


def test_warnings_stand_beside_faults() -> None:
    text = BASE + IN + "policies: {p: {rules: [{name: r, reject: 503, cause: 0}], otherwise: {to: cloud}}}"
    examined = examine_bytes(text.encode(), "f")
    assert [one.key for one in examined.faults] == ["policies.p.rules[0].cause"]
    assert [one.key for one in examined.warnings] == ["policies.p.rules[0].reject"]


@pytest.mark.parametrize(("every", "warned"), [("", ""), (", every: 30s", ""), (", every: 31s", "31 s only")])
def test_an_estimate_that_would_be_stale_before_the_next_one(
    every: str, warned: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_OF_TEST", "x" * 32)
    text = (
        'state: {source: webex, webex: {api: "https://api.example.com", org_id: o, client_id: c, client_secret_file: '
        '"env:SECRET_OF_TEST", refresh_token_file: "env:SECRET_OF_TEST", estimated_wait: {queues: [Q]%s}}}'
    )
    examined = examine_bytes((LISTEN + text % every).encode(), "f")
    assert examined.faults == ()
    found = [str(one) for one in examined.warnings if one.key == "state.webex.estimated_wait"]
    assert len(found) == bool(warned)
    if warned:
        assert "31 s only, and would be stale whenever one answer is late; write 30s or less" in found[0]
        assert found[0].endswith("or a stale_after of at least 62s")


@pytest.mark.parametrize(
    ("source", "warned"),
    [
        ("webex", []),  # the cloud itself may tell
        ("webex, stated", []),
        ("peer", ["policies.p.rules[0].when"]),
    ],
)
def test_who_says_how_many_calls_the_cloud_takes(
    source: str, warned: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_OF_TEST", "x" * 32)
    webex = (
        'state: {source: webex, webex: {api: "https://api.example.com", org_id: o, client_id: c, client_secret_file: '
        '"env:SECRET_OF_TEST", refresh_token_file: "env:SECRET_OF_TEST"}}'
    )
    states = {
        "webex": webex,
        "webex, stated": webex.replace("org_id", "entitlement: {sessions: 300}, org_id"),
        "peer": 'state: {source: peer, peers: ["https://192.0.2.9:8080"]}',
    }
    rules = "{rules: [{name: r, when: 'cloud().calls < cloud().entitlement', to: cloud}], otherwise: {to: cloud}}"
    examined = examine_bytes((BASE + IN + f"policies: {{p: {rules}}}\n" + states[source]).encode(), "f")
    assert examined.faults == ()
    assert [one.key for one in examined.warnings if one.key.startswith("policies")] == warned
