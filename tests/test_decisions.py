"""What a program hears that asks for a decision, beside what is done with a call."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_router.admission.placed import PlacedCalls
from edge_router.admission.visits import identity_of
from edge_router.b2bua.routing.routing import Routing
from edge_router.decisions import Decisions
from edge_router.http.answer import Answer
from edge_router.http.decisions_api import Asked, BadQuestion
from tests.b2bua.stage import (
    CLOUD_FIRST,
    PREMISE_ONLY,
    REDIRECTED,
    REFERRED,
    REJECTED,
    UNKNOWN,
    Settings,
    Stage,
    configuration,
    examined,
)

CALLING = "+13125550199"
CALLED = "+18005557000"
FULL: Settings = {"limits": {"outbound": {"max_calls": 0}}}
READS_STATE: Settings = {"name": "free", "when": 'queue("Support").length == 0', "to": "cloud", "by": "redirect"}


def asked(stage: Stage, called: str, **more: Any) -> Answer:
    return Decisions(lambda: stage.router.routing, "pstn", stage.clock).decide(Asked(called, CALLING, **more))


def stage(rules: list[Settings] | None = None, **settings: Any) -> Stage:
    return Stage(configuration(rules or [], **settings))


def down(stage: Stage, *names: str) -> None:
    for name in names:
        trunk = stage.router.routing.trunks[name]
        for target in trunk.trunk.targets:
            trunk.hold(target, 60, stage.clock())


def test_a_redirect_is_what_a_call_gets() -> None:
    one = stage()
    answer = asked(one, REDIRECTED)
    refusal = one.carrier.calls(REDIRECTED).hears_refusal(302)
    assert refusal.get("Contact") == f"<{answer.uri}>;q=1.0"
    reason = 'policy "door", rule "redirected": redirect to cloud, then bridge to premise; read call.called = '
    reason += f'"{REDIRECTED}"'
    uri = f"sip:{REDIRECTED}@198.51.100.21:5060"
    assert answer == Answer(
        True, "cloud", "redirect", REDIRECTED, uri, policy="door", rule="redirected", reason=reason, age_secs=None
    )


@pytest.mark.parametrize(
    ("called", "target", "method", "uri"),
    [
        (PREMISE_ONLY, "premise", "bridge", f"sip:{PREMISE_ONLY}@198.51.100.31:5060"),
        (CLOUD_FIRST, "cloud", "bridge", f"sip:9{CLOUD_FIRST}@198.51.100.21:5060"),
        (REDIRECTED, "cloud", "redirect", f"sip:9{REDIRECTED}@x;from={CALLING}"),
        (REFERRED, "cloud", "refer", f"sip:9{REFERRED}@x;from={CALLING}"),
    ],
)
def test_number_and_uri_are_those_that_are_dialled(called: str, target: str, method: str, uri: str) -> None:
    cloud = {
        "name": "cloud",
        "outgoing": {"trunk": "cloud"},
        "called_number": "9{called}",
        "refer_uri": "sip:{called}@x;from={calling}",
    }
    answer = asked(stage(peers=[cloud]), called)
    number = called if target == "premise" else f"9{called}"
    assert (answer.ok, answer.target, answer.method, answer.number, answer.uri) == (True, target, method, number, uri)


def test_who_takes_no_redirect_is_bridged_and_hears_why() -> None:
    answer = asked(stage(carrier={"accepts": []}), REDIRECTED)
    assert (answer.ok, answer.method) == (True, "bridge")
    assert answer.reason.endswith("; bridged, since trunk carrier does not accept redirect")


def test_a_rejection_is_a_decision() -> None:
    answer = asked(stage(), REJECTED)
    assert (answer.ok, answer.method, answer.target, answer.code, answer.rule) == (True, "reject", "", 480, "rejected")


def test_a_number_that_nothing_matches_has_no_answer() -> None:
    answer = asked(stage(on_no_match=604), UNKNOWN)
    assert (answer.ok, answer.method, answer.target, answer.code) == (False, "none", "", 604)
    assert answer.error == "no inbound dial-peer matches"


def test_stale_state_gets_the_safe_answer() -> None:
    one = stage(
        [READS_STATE], state={"queues": {"Support": {"source": "pushed"}}}, door={"if_stale": {"to": "premise"}}
    )
    answer = asked(one, CALLED)
    assert (answer.ok, answer.target, answer.method, answer.rule) == (False, "premise", "bridge", "if_stale")
    assert answer.number == CALLED
    assert answer.error.startswith('rule "free" is undecided')


def test_how_old_the_state_was() -> None:
    one = stage([READS_STATE], state={"queues": {"Support": {"length": 0}}})
    answer = asked(one, CALLED)
    assert (answer.ok, answer.target, answer.age_secs) == (True, "cloud", 0.0)


# ------------------------------------------------------------------------------------------------ what is closed


def test_what_is_down_is_skipped() -> None:
    one = stage()
    down(one, "cloud")
    answer = asked(one, REDIRECTED)
    assert (answer.ok, answer.target, answer.method) == (True, "premise", "bridge")
    assert answer.reason.endswith("; cloud is down")


def test_where_all_is_down_the_best_is_told_but_it_is_not_ok() -> None:
    one = stage()
    down(one, "cloud", "premise")
    answer = asked(one, REDIRECTED)
    assert (answer.ok, answer.target, answer.method) == (False, "cloud", "bridge")
    assert answer.uri == f"sip:{REDIRECTED}@198.51.100.21:5060"
    assert answer.error == "nothing else is up: cloud is down; premise is down"


def test_what_is_full_is_skipped_and_where_all_is_there_is_none() -> None:
    assert asked(stage(cloud=FULL), REDIRECTED).target == "premise"
    answer = asked(stage(cloud=FULL, premise=FULL), REDIRECTED)
    assert (answer.ok, answer.target, answer.method, answer.code) == (False, "", "none", 480)
    assert answer.error == "cloud is full (max_calls); premise is full (max_calls)"


def test_what_is_switched_off_is_skipped() -> None:
    one = stage()
    switches = one.router.routing.ledger.switches
    switches.know({"trunk": ["cloud"], "policy": ["door"]})
    switches.set("trunk", "cloud", "off", "a test", 0.0)
    assert asked(one, REDIRECTED).target == "premise"
    switches.set("trunk", "cloud", "auto", "a test", 0.0)
    switches.set("policy", "door", "off", "a test", 0.0)
    answer = asked(one, REDIRECTED)
    assert (answer.ok, answer.target, answer.rule) == (True, "premise", "otherwise")


def test_where_a_call_was_before_it_is_not_sent_again() -> None:
    one = stage(door={"revisit": False})
    one.router.routing.ledger.visits.note(identity_of("a" * 32, CALLING, REDIRECTED), "cloud", one.clock())
    assert asked(one, REDIRECTED, session_id="a" * 32).target == "premise"
    assert asked(one, REDIRECTED, session_id="b" * 32).target == "cloud"


def test_where_a_call_goes_round_in_a_circle_it_goes_nowhere() -> None:
    one = stage(door={"revisit": False})
    visits, who = one.router.routing.ledger.visits, identity_of("a" * 32, CALLING, REDIRECTED)
    for peer in ("cloud", "premise", "cloud"):
        visits.note(who, peer, one.clock())
    answer = asked(one, REDIRECTED, session_id="a" * 32)
    assert (answer.ok, answer.target, answer.method) == (False, "premise", "bridge")
    told = "the call was at cloud 2 times before; the call was at premise before"
    assert answer.error == f"nothing else is left: {told}"
    visits.note(who, "premise", one.clock())
    answer = asked(one, REDIRECTED, session_id="a" * 32)
    assert (answer.ok, answer.target, answer.method, answer.code) == (False, "", "none", 482)
    assert answer.error == (
        "the call was at cloud 2 times before; the call was at premise 2 times before; "
        "the call goes round in a circle, and nothing else is left"
    )


def test_a_share_names_its_limit() -> None:
    answer = asked(stage(door={"share": {"of": "cloud", "per_minute": 0}}), REDIRECTED)
    assert answer.target == "premise"
    assert answer.reason.endswith("; cloud is over its share (per_minute 0)")


# ------------------------------------------------------------------------------------------------ nothing is counted


def test_asking_counts_nothing() -> None:
    share = {"of": "cloud", "max_concurrent": 1, "per_minute": 1}
    one = stage(door={"revisit": False, "share": share}, cloud={"hunt": "round-robin"})
    answers = {asked(one, called) for called in (REDIRECTED, CLOUD_FIRST) for _ in range(3)}
    assert len(answers) == 2
    assert {answer.target for answer in answers} == {"cloud"}
    ledger = one.router.routing.ledger
    assert (len(ledger.visits), ledger.placed.unseen_total) == (0, PlacedCalls().unseen_total)
    assert one.loads() == {}
    assert one.router.routing.trunks["cloud"].sent(60) == 0
    assert one.ear.records == []


def test_it_is_still_the_next_calls_turn() -> None:
    targets = [f"sip:198.51.100.2{n}:5060" for n in (1, 2, 3)]
    one = stage(cloud={"hunt": "round-robin", "targets": targets})
    told = asked(one, REDIRECTED).uri
    for _ in range(4):
        assert asked(one, REDIRECTED).uri == told
    assert told in one.carrier.calls(REDIRECTED).hears_refusal(302).all("Contact")[0]
    assert asked(one, REDIRECTED).uri != told


# ------------------------------------------------------------------------------------------------ what is asked

WAYS_IN: list[Settings] = [
    {"name": "from-premise", "incoming": {"trunk": "premise", "called": "+1800555[37]..."}, "destinations": ["cloud"]},
]


def test_without_a_trunk_it_comes_by_the_first_that_would_take_it() -> None:
    one = stage(peers=WAYS_IN, premise={"accepts": []})
    assert asked(one, REDIRECTED).policy == "door"
    assert asked(one, REDIRECTED, trunk="premise").policy == ""
    assert asked(one, "+18005553", trunk="premise").ok is False
    other = stage(peers=[{"name": "from-premise", "incoming": {"trunk": "premise", "called": "77"}, "policy": "door"}])
    assert asked(other, "77").policy == "door"


def test_a_trunk_that_there_is_not() -> None:
    with pytest.raises(BadQuestion, match=r'trunk: .*"carier".*carrier'):
        asked(stage(), REDIRECTED, trunk="carier")


def test_a_configuration_by_which_no_call_comes() -> None:
    peers = [{"name": "from-carrier", "outgoing": {"trunk": "carrier"}}]
    with pytest.raises(BadQuestion, match="no call can come in"):
        asked(stage(peers=peers), REDIRECTED)


def test_rules_read_the_headers_that_are_told() -> None:
    one = stage([{"name": "gold", "when": 'call.header("X-Customer") == "gold"', "to": "cloud"}])
    assert asked(one, CALLED, headers={"x-customer": "gold", "Max-Forwards": "nine"}).rule == "gold"
    assert asked(one, CALLED, headers={"X-Customer": "tin"}).rule == "otherwise"
    with pytest.raises(BadQuestion, match='"X Customer" is no name of a header'):
        asked(one, CALLED, headers={"X Customer": "gold"})


def test_no_header_takes_the_place_of_what_an_invite_has() -> None:
    one = stage(
        [{"name": "ours", "when": 'call.header("Max-Forwards") == "" && call.header("From") != "x"', "to": "cloud"}]
    )
    assert asked(one, CALLED, headers={"Max-Forwards": "9", "From": "x", "t": "x"}).rule == "ours"


@pytest.mark.parametrize("calling", ["+13125550199", "sip:+13125550199@x", "tel:+1-312-555-0199", "+1 (312) 555-0199"])
def test_rules_read_the_calling_number(calling: str) -> None:
    one = stage([{"name": "friend", "when": 'call.calling == "+13125550199" && !call.anonymous', "to": "cloud"}])
    decisions = Decisions(lambda: one.router.routing, "pstn", one.clock)
    assert decisions.decide(Asked(CALLED, calling)).rule == "friend"


@pytest.mark.parametrize("calling", ["", "anonymous", "Anonymous"])
def test_nobody_is_anonymous(calling: str) -> None:
    one = stage([{"name": "nobody", "when": "call.anonymous", "to": "cloud"}])
    decisions = Decisions(lambda: one.router.routing, "pstn", one.clock)
    assert decisions.decide(Asked(CALLED, calling)).rule == "nobody"


def test_an_emergency_goes_where_it_goes() -> None:
    emergency = {"called": ["911"], "destinations": ["premise"]}
    one = stage(emergency=emergency, premise=FULL)
    answer = asked(one, "911")
    assert (answer.ok, answer.target, answer.rule) == (True, "premise", "emergency")


@pytest.mark.parametrize("called_from", ["request-uri", "to", "p-called-party-id"])
def test_a_service_urn_is_an_emergency(called_from: str) -> None:
    emergency = {"called": ["911"], "destinations": ["premise"]}
    one = stage(emergency=emergency, carrier={"called_from": called_from})
    answer = asked(one, "urn:service:sos.fire", headers={"P-Called-Party-ID": f"<sip:{CALLED}@x>"})
    assert (answer.ok, answer.target, answer.number, answer.rule) == (True, "premise", "911", "emergency")
    assert asked(one, "urn:service:counseling").rule != "emergency"


@given(
    called=st.text(max_size=40),
    calling=st.text(max_size=40),
    session_id=st.text(max_size=40),
    headers=st.dictionaries(st.text(max_size=10), st.text(max_size=20), max_size=3),
)
def test_whatever_is_asked_is_answered_or_a_bad_question(
    called: str, calling: str, session_id: str, headers: dict[str, str]
) -> None:
    printable = {name: value for name, value in headers.items() if value.isprintable()}
    if all(text.isprintable() for text in (called, calling, session_id)):
        try:
            answer = DECISIONS.decide(Asked(called, calling, "", session_id, printable))
        except BadQuestion:
            return
        assert answer.written("json")


ANY = stage(on_no_match=404)
DECISIONS = Decisions(lambda: ANY.router.routing, "pstn", ANY.clock)


# ------------------------------------------------------------------------------------------------ the safe answer


def safe(routing: Routing) -> Answer:
    return Decisions(lambda: routing, "pstn").safe("+1 800 555 7000", "because")


def test_the_safe_answer_is_the_policys_otherwise() -> None:
    answer = safe(stage().router.routing)
    assert (answer.ok, answer.error, answer.reason) == (False, "because", "because")
    assert (answer.target, answer.method, answer.number) == ("premise", "bridge", CALLED)
    assert (answer.policy, answer.rule) == ("door", "otherwise")


def test_where_policies_have_another_otherwise_there_is_none() -> None:
    usual: Settings = {"rules": [], "otherwise": {"to": "premise"}}
    same = stage(policies={"door": usual, "back": usual}).router.routing
    assert (safe(same).target, safe(same).policy) == ("premise", "")
    other = stage(policies={"door": usual, "back": {"otherwise": {"to": "cloud"}}}).router.routing
    assert (safe(other).target, safe(other).method, safe(other).error) == ("", "none", "because")


# ------------------------------------------------------------------------------------------------ services

SERVICES = f"""\
called,service,policy,cloud_number
{REDIRECTED},Sales,,+19995550000
{CLOUD_FIRST},Support,,
"""


def test_the_service_of_a_number_is_told_and_dialled(tmp_path: Path) -> None:
    (tmp_path / "services.csv").write_text(SERVICES)
    cloud = {"name": "cloud", "outgoing": {"trunk": "cloud"}, "called_number": "{service.cloud_number}"}
    one = Stage(*examined(peers=[cloud], services={"file": "services.csv"}, folder=str(tmp_path)))
    answer = asked(one, REDIRECTED)
    assert (answer.service, answer.target, answer.number) == ("Sales", "cloud", "+19995550000")
    answer = asked(one, CLOUD_FIRST)
    assert (answer.service, answer.target, answer.number) == ("Support", "premise", CLOUD_FIRST)
    assert answer.reason.endswith("cloud is without a cloud_number for this number")
    assert asked(one, PREMISE_ONLY).service == ""


@pytest.mark.parametrize("otherwise", [True, False])
def test_where_no_number_is_left_nothing_is_said_to_dial(otherwise: bool) -> None:
    rule: Settings = {"name": "away", "to": ["cloud", "premise"] if otherwise else ["cloud"], "final": True}
    none: Settings = {
        "translation_rules": {"none": ["/^.*$/ //"]},
        "cloud": {"translate": {"outbound": {"called": "none"}}},
    }
    answer = asked(stage([rule], **none), CALLED)
    assert (answer.ok, answer.target, answer.number) == ((True, "premise", CALLED) if otherwise else (False, "", ""))
    assert "cloud is without a number that is left to dial" in answer.reason
