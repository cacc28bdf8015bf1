"""Numbers on their way through the router: where they stand, what translations make of them, and in which order."""

from typing import Any

import pytest

from edge_router.b2bua.messages.incoming import call_facts
from edge_router.b2bua.messages.numbers import Numbers, renumbered, retold
from edge_router.dialplan.translation import Translation, TranslationRule
from tests.b2bua.conftest import OpenStage
from tests.b2bua.leg import CALLING
from tests.b2bua.stage import (
    CLOUD_FIRST,
    DIAL_PEERS,
    PREMISE_ONLY,
    REDIRECTED,
    REFERRED,
    Stage,
    configuration,
)
from tests.end_to_end.wire import Wire, uri_of, user_of

IN_ORDER = {
    "1st": ["/^8/ /+18/", "/^+1312/ /1312/"],
    "2nd": ["/^+1800/ /2800/", "/^1312/ /2312/"],
    "3rd": ["/^2800/ /3800/", "/^2312/ /3312/"],
    "4th": ["/^3800/ /4800/", "/^3312/ /4312/"],
}
"""Rules of which each finds something to do only after the one before."""


def both(name: str) -> dict[str, str]:
    return {"called": name, "calling": name}


def with_peers(**changes: dict[str, Any]) -> list[dict[str, Any]]:
    return [{**peer, **changes.get(peer["name"].replace("-", "_"), {})} for peer in DIAL_PEERS]


def ordered(open_stage: OpenStage, when: str = "true", **settings: Any) -> Stage:
    """A stage with a translation in every place; calls to 8005551000 go to the premise when this holds."""
    return open_stage(
        **{
            "translation_rules": IN_ORDER,
            "carrier": {"translate": {"inbound": both("1st")}, "identity": {"accept": True, "send": True}},
            "premise": {"translate": {"outbound": both("4th")}, "identity": {"accept": True, "send": True}},
            "dial_peers": with_peers(from_carrier={"translate": both("2nd")}, premise={"translate": both("3rd")}),
            "rules": [{"name": "as it is now", "when": when, "to": "premise"}, {"name": "else", "reject": 480}],
            **settings,
        }
    )


def is_bridged(stage: Stage, called: str = "8005551000", *headers: str, uri: str = "") -> Wire:
    """The INVITE that the premise gets; the call is over."""
    caller = stage.carrier.calls(called, *headers, uri=uri)
    callee = stage.premise.is_called()
    caller.hears(100)
    callee.refuses(486)
    caller.hears_refusal(486)
    return callee.invite


# ------------------------------------------------------------------------------------------------ translations


def test_each_translation_has_its_place(open_stage: OpenStage) -> None:
    """The dial-peer is matched by what the trunk makes of the number, the policy by what the dial-peer makes of it."""
    now = 'call.called == "28005551000" && call.calling == "23125550199" && call.called_received == "8005551000"'
    stage = ordered(open_stage, now)
    seen = is_bridged(stage, "8005551000", f"P-Asserted-Identity: <sip:{CALLING}@x>, <tel:{CALLING};x=y>")
    assert seen.uri == "sip:48005551000@198.51.100.31:5060"
    assert seen.get("To") == "<sip:48005551000@198.51.100.31:5060>"
    assert seen.get("From").startswith('"A. Caller" <sip:43125550199@192.0.2.1:5060>;tag=')
    assert seen.get("P-Asserted-Identity") == "<sip:43125550199@192.0.2.1:5060>, <tel:43125550199;x=y>"
    record = stage.record
    assert (record.called, record.calling) == ("8005551000", CALLING)
    assert (record.called_out, record.calling_out) == ("48005551000", "43125550199")


def test_parameters_of_a_number_and_of_its_uri_stay(open_stage: OpenStage) -> None:
    stage = ordered(open_stage)
    number = "800-555-1000;npdi;rn=+13125550000;verstat=TN-Validation-Passed"
    sender = f'From: "Z" <sip:{CALLING};verstat=No-TN-Validation@x;user=phone>;tag=a1'
    seen = is_bridged(stage, "8005551000", sender, uri=f"sip:{number}@192.0.2.1;user=phone")
    left = "48005551000;npdi;rn=+13125550000;verstat=TN-Validation-Passed"
    assert seen.uri == f"sip:{left}@198.51.100.31:5060;user=phone"
    assert seen.get("From").startswith('"Z" <sip:43125550199;verstat=No-TN-Validation@192.0.2.1:5060;user=phone>;')


def test_a_tel_uri_is_translated_as_well(open_stage: OpenStage) -> None:
    stage = ordered(open_stage)
    seen = is_bridged(stage, "8005551000", f"From: <tel:{CALLING};isub=1>;tag=a1", uri="tel:8005551000;isub=2")
    assert seen.uri == "sip:48005551000;isub=2@198.51.100.31:5060;user=phone"
    assert seen.get("From").startswith("<sip:43125550199;isub=1@192.0.2.1:5060;user=phone>;")


def test_who_calls_by_a_name_and_who_calls_nobody_stay_as_they_are(open_stage: OpenStage) -> None:
    stage = open_stage(
        translation_rules={"all": ["/.*/ /1/"]},
        carrier={"translate": {"inbound": both("all")}},
        premise={"translate": {"outbound": both("all")}},
        dial_peers=[{"name": "in", "incoming": {}, "destinations": ["premise"]}, *DIAL_PEERS[1:]],
    )
    for sender, user in (("alice@x", "alice"), ("x", ""), ("anonymous@anonymous.invalid", "anonymous")):
        seen = is_bridged(stage, "bob", f"From: <sip:{sender}>;tag=a1")
        assert user_of(uri_of(seen.get("From"))) == user
        assert user_of(seen.uri) == "bob"
        seen = is_bridged(stage, "", f"From: <sip:{sender}>;tag=a1", "To: <sip:x>", uri="sip:192.0.2.1")
        assert seen.uri == "sip:198.51.100.31:5060"
        assert user_of(uri_of(seen.get("From"))) == user


def test_a_number_that_a_translation_takes_away_is_gone(open_stage: OpenStage) -> None:
    stage = open_stage(
        translation_rules={"none": ["/.*/ //"]},
        carrier={"identity": {"accept": True}},
        premise={"identity": {"send": True}, "translate": {"outbound": {"calling": "none"}}},
    )
    asserted = f"P-Asserted-Identity: <tel:{CALLING};a=b>"
    seen = is_bridged(stage, PREMISE_ONLY, f"From: <sip:{CALLING};a=b@x>;tag=a1", asserted)
    assert seen.get("From").startswith("<sip:192.0.2.1:5060>;tag=")
    assert seen.get("P-Asserted-Identity") == "<sip:192.0.2.1:5060>"
    assert stage.record.calling_out == ""


def test_where_no_rule_holds_all_stays_as_it_was_written(open_stage: OpenStage) -> None:
    stage = ordered(open_stage, carrier={}, dial_peers=DIAL_PEERS)
    seen = is_bridged(stage, PREMISE_ONLY, uri="sip:+1-800-555-1000@192.0.2.1")
    assert seen.uri == "sip:+1-800-555-1000@198.51.100.31:5060"
    assert seen.get("To") == f"<sip:{PREMISE_ONLY}@198.51.100.31:5060>"


def test_where_the_call_has_been_keeps_its_numbers(open_stage: OpenStage) -> None:
    seen = is_bridged(
        ordered(open_stage), "8005551000", f"Diversion: <sip:{CALLING}@x>", f"History-Info: <sip:{CALLING}@x>"
    )
    assert seen.get("Diversion") == seen.get("History-Info") == f"<sip:{CALLING}@192.0.2.1:5060>"


def test_a_call_that_is_asked_about_again_is_translated_from_what_came(open_stage: OpenStage) -> None:
    peers = with_peers(from_carrier={"translate": both("more"), "incoming": {"trunk": "carrier"}})
    routing = open_stage(translation_rules={"more": ["/^/ /9/"]}, dial_peers=peers).router.routing
    facts = call_facts("1", PREMISE_ONLY, "carrier")
    for _ in range(3):
        routing.route(facts, "pstn", 0.0)
        assert (facts.called, facts.calling) == (f"9{PREMISE_ONLY}", "91")


def test_a_peer_of_both_ways_translates_both(open_stage: OpenStage) -> None:
    peer = {
        "name": "both",
        "incoming": {"trunk": "carrier"},
        "outgoing": {"trunk": "premise"},
        "destinations": ["both"],
        "translate": {"called": "more"},
    }
    stage = open_stage(translation_rules={"more": ["/^/ /9/"]}, dial_peers=[peer, *DIAL_PEERS[1:]])
    assert user_of(is_bridged(stage, "1").uri) == "991"


@pytest.mark.parametrize("called", [REDIRECTED, REFERRED])
def test_a_caller_is_sent_away_with_the_translated_number(open_stage: OpenStage, called: str) -> None:
    stage = open_stage(
        translation_rules={"to 2": ["/^+1/ /2/"], "to 3": ["/^2/ /3/"]},
        cloud={"translate": {"outbound": {"called": "to 3"}}},
        dial_peers=with_peers(cloud={"translate": {"called": "to 2"}}),
    )
    assert sent_to(stage, called) == f"sip:3{called[2:]}@198.51.100.21:5060"


def test_a_parameter_stays_in_a_contact(open_stage: OpenStage) -> None:
    stage = open_stage(translation_rules={"2": ["/^+1/ /2/"]}, cloud={"translate": {"outbound": {"called": "2"}}})
    caller = stage.carrier.calls(REDIRECTED, uri=f"sip:{REDIRECTED};npdi@192.0.2.1")
    assert uri_of(caller.hears_refusal(302).all("Contact")[0]) == f"sip:2{REDIRECTED[2:]};npdi@198.51.100.21:5060"


@pytest.mark.parametrize("called", [REDIRECTED, REFERRED])
def test_refer_uri_has_the_numbers_that_leave(open_stage: OpenStage, called: str) -> None:
    stage = open_stage(
        translation_rules={"called": [r"/^9\+1/ /2/"], "calling": ["/^+1/ /7/"], "last": ["/^2/ /3/", "/^7/ /8/"]},
        cloud={"translate": {"outbound": both("last")}},
        dial_peers=with_peers(
            cloud={
                "called_number": "9{called}",
                "refer_uri": "sip:{called}@x;from={calling}",
                "translate": {"called": "called", "calling": "calling"},
            }
        ),
    )
    assert sent_to(stage, called) == f"sip:3{called[2:]}@x;from=8{CALLING[2:]}"


def sent_to(stage: Stage, called: str) -> str:
    """Where the carrier is sent, by 302 or REFER."""
    caller = stage.carrier.calls(called)
    if called == REDIRECTED:
        return uri_of(caller.hears_refusal(302).all("Contact")[0])
    caller.hears(200)
    caller.ack()
    refer = caller.hears("REFER")
    caller.hangs_up()
    caller.answers(refer, 202)
    return uri_of(refer.get("Refer-To"))


def test_what_a_dial_peer_dials_goes_through_its_translation_and_the_trunks(open_stage: OpenStage) -> None:
    stage = ordered(
        open_stage, dial_peers=with_peers(premise={"called_number": "2800{calling}", "translate": both("3rd")})
    )
    seen = is_bridged(stage, PREMISE_ONLY)
    assert user_of(seen.uri) == "480013125550199"
    assert seen.get("To") == f"<{seen.uri}>"


def test_a_hash_leaves_escaped() -> None:
    assert renumbered("1;npdi", "*21#") == "*21%23;npdi"
    assert renumbered("1;npdi", "") == ""


def test_what_comes_out_as_it_went_in_stays_as_it_was_written() -> None:
    there, back = (Translation([TranslationRule(rule)]) for rule in ("/^1/ /2/", "/^2/ /1/"))
    assert retold("1-2.3;a", [there]) == "223;a"
    assert retold("1-2.3;a", [there, back]) == "1-2.3;a"


def test_a_hidden_callers_number_is_translated_and_told_to_nobody(open_stage: OpenStage) -> None:
    stage = ordered(open_stage, premise={"translate": {"outbound": both("4th")}})
    asserted = f"P-Asserted-Identity: <sip:{CALLING}@x>"
    seen = is_bridged(stage, "8005551000", "Privacy: id", asserted)
    assert seen.uri == "sip:48005551000@198.51.100.31:5060"
    assert "312555" not in seen.encode().decode()


def test_refused_lists_have_the_trunks_translated_number(open_stage: OpenStage) -> None:
    stage = open_stage(
        translation_rules={"in": ["/^0/ /+44/"], "more": ["/^/ /9/"]},
        carrier={"translate": {"inbound": {"calling": "in"}}},
        dial_peers=with_peers(from_carrier={"translate": {"calling": "more"}}),
        files={"blocked.txt": "+44123456"},
        number_lists={"blocked": {"file": "blocked.txt", "reject": 603}},
    )
    stage.carrier.calls(PREMISE_ONLY, "From: <sip:0123456@x>;tag=a1").hears_refusal(603)


def test_the_contact_centre_shows_the_call_by_the_numbers_that_were_sent(open_stage: OpenStage) -> None:
    stage = open_stage(
        state={"queues": {"Support": {"source": "pushed"}}},
        translation_rules={"called": ["/.*/ /+13035550000/"], "calling": ["/.*/ /+19175550000/"]},
        cloud={"translate": {"outbound": {"called": "called", "calling": "calling"}}},
    )
    caller = stage.carrier.calls(CLOUD_FIRST)
    callee = stage.cloud.is_called()
    caller.hears(100)
    placed = stage.router.routing.ledger.placed
    placed.seen("task", "+19175550000", "+13035550000", stage.clock(), stage.clock(), True)
    assert next(iter(stage.router.calls.values())).record.webex_task_id == "task"
    callee.refuses(486)
    caller.hears_refusal(486)


# ------------------------------------------------------------------------------------------------ where they stand


@pytest.mark.parametrize(
    ("called_from", "headers", "called"),
    [
        ("request-uri", (), PREMISE_ONLY),
        ("to", ("To: <sip:+18005551001;npdi@x;user=phone>",), "+18005551001;npdi"),
        ("to", ("To: <tel:+18005551001>",), "+18005551001"),
        ("to", ("To: <sip:x>",), PREMISE_ONLY),
        ("p-called-party-id", ('P-Called-Party-ID: "B" <sip:+18005551002@x>;param',), "+18005551002"),
        ("p-called-party-id", (), PREMISE_ONLY),
        ("p-called-party-id", ("P-Called-Party-ID: <sip:+180>555@x@y>",), PREMISE_ONLY),
        ("p-called-party-id", ("P-Called-Party-ID: <urn:service:sos>",), PREMISE_ONLY),
    ],
)
def test_where_the_called_number_stands(
    open_stage: OpenStage, called_from: str, headers: tuple[str, ...], called: str
) -> None:
    stage = open_stage(carrier={"called_from": called_from})
    seen = is_bridged(stage, PREMISE_ONLY, *headers)
    assert user_of(seen.uri) == called
    assert seen.uri.endswith(";user=phone") is ("user=phone" in "".join(headers) or "tel:" in "".join(headers))
    assert stage.record.called == called.partition(";")[0]
    assert seen.all("P-Called-Party-ID") == []


@pytest.mark.parametrize(
    ("settings", "calling"),
    [
        ({}, CALLING),
        ({"calling_from": "pai"}, CALLING),
        ({"identity": {"accept": True}}, "+13125550111"),
        ({"identity": {"accept": True}, "calling_from": "pai"}, "+13125550111"),
        ({"identity": {"accept": True}, "calling_from": "from"}, CALLING),
    ],
)
def test_where_the_calling_number_stands(open_stage: OpenStage, settings: Any, calling: str) -> None:
    rules = [{"name": "it", "when": f'call.calling == "{calling}"', "to": "premise"}, {"name": "no", "reject": 480}]
    stage = open_stage(carrier=settings, rules=rules)
    is_bridged(stage, PREMISE_ONLY, "P-Asserted-Identity: <sip:+13125550111@x>")
    assert stage.record.calling == calling


# ------------------------------------------------------------------------------------------------ emergencies


@pytest.mark.parametrize(
    ("called", "dialled"),
    [("911", "911"), ("0911", "911"), ("112", "112")],
    ids=["as it came", "as the trunk makes it", "though the trunk would make it another"],
)
def test_no_translation_is_in_the_way_of_an_emergency(open_stage: OpenStage, called: str, dialled: str) -> None:
    stage = open_stage(
        translation_rules={"in": ["/^0911$/ /911/", "/^112$/ /+1112/"], "peer": ["/^/ /99/", "/^+/ /1/"]},
        carrier={"translate": {"inbound": {"called": "in"}}},
        dial_peers=[
            {"name": "any", "incoming": {}, "policy": "door", "translate": {"called": "peer"}},
            *DIAL_PEERS[1:],
        ],
        emergency={"called": ["911", "112"], "destinations": ["premise"]},
    )
    assert is_bridged(stage, called).uri == f"sip:{dialled}@198.51.100.31:5060"
    assert stage.record.emergency


def test_an_emergency_call_shows_who_calls_and_from_where(open_stage: OpenStage) -> None:
    stage = open_stage(emergency={"called": ["911"], "destinations": ["premise"]})
    seen = is_bridged(stage, "911", "Privacy: id", "Geolocation: <cid:target@x>")
    assert user_of(uri_of(seen.get("From"))) == CALLING
    assert seen.get("Geolocation") == "<cid:target@x>"
    assert stage.record.calling_out == CALLING


def test_an_emergency_call_may_name_the_service_in_its_to(open_stage: OpenStage) -> None:
    """As RFC 6881 §9.2 has it, both Request-URI and To are the URN."""
    stage = open_stage(emergency={"called": ["911"], "destinations": ["premise"]})
    seen = is_bridged(stage, "sos", "To: <urn:service:sos>", uri="urn:service:sos")
    assert seen.uri == "sip:911@198.51.100.31:5060"
    assert seen.get("To") == "<sip:911@198.51.100.31:5060>"


# ------------------------------------------------------------------------------------------------ explained


def numbers_at(stage: Stage, called: str, left: str) -> list[Numbers]:
    routing, facts = stage.router.routing, call_facts(CALLING, called, "carrier")
    routing.route(facts, "pstn", stage.clock())
    peer, decision = routing.route(facts, "pstn", stage.clock())  # asked again, it says the same
    assert decision.rule == "as it is now"
    return routing.numbers_at(facts, peer, routing.plan.peers[left])


def test_numbers_are_shown_where_they_change(open_stage: OpenStage) -> None:
    stage = ordered(
        open_stage, dial_peers=with_peers(from_carrier={"translate": both("2nd")}, premise={"translate": both("3rd")})
    )
    assert numbers_at(stage, "8005551000", "premise") == [
        ("as received", CALLING, "8005551000"),
        ("inbound translation of trunk carrier", "13125550199", "+18005551000"),
        ("translation of dial-peer from-carrier", "23125550199", "28005551000"),
        ("translation of dial-peer premise", "33125550199", "38005551000"),
        ("outbound translation of trunk premise", "43125550199", "48005551000"),
    ]
    assert numbers_at(stage, "8005551000", "cloud")[-1].where == "translation of dial-peer from-carrier"


def test_a_called_number_is_shown_and_what_changes_nothing_is_not(open_stage: OpenStage) -> None:
    stage = ordered(open_stage, carrier={}, dial_peers=with_peers(premise={"called_number": "3800"}))
    assert numbers_at(stage, PREMISE_ONLY, "premise") == [
        ("as received", CALLING, PREMISE_ONLY),
        ("called_number of dial-peer premise", CALLING, "3800"),
        ("outbound translation of trunk premise", CALLING, "4800"),
    ]


def test_nothing_is_done_where_nothing_is_configured() -> None:
    routing = Stage(configuration()).router.routing
    assert not routing.translates
    facts = call_facts(CALLING, PREMISE_ONLY, "carrier")
    routing.route(facts, "pstn", 0.0)
    assert (facts.called, facts.calling) == (PREMISE_ONLY, CALLING)


NOTHING_LEFT = {"none": ["/^.*$/ //"]}


@pytest.mark.parametrize("where", ["trunk", "dial-peer", "inbound"])
def test_where_no_number_is_left_to_dial_the_next_takes_the_call(open_stage: OpenStage, where: str) -> None:
    none = {"translate": {"called": "none"}}
    door = {"incoming": {"trunk": "carrier"}, **(none if where == "inbound" else {})}
    premise = {"called_number": "7001"} if where == "inbound" else {}
    stage = open_stage(
        translation_rules=NOTHING_LEFT,
        cloud={"translate": {"outbound": {"called": "none"}}} if where == "trunk" else {},
        dial_peers=with_peers(from_carrier=door, cloud=none if where == "dial-peer" else {}, premise=premise),
        rules=[{"name": "away", "to": ["cloud", "premise"], "by": "redirect"}],
    )
    invite = is_bridged(stage)
    assert user_of(uri_of(invite.uri)) == ("7001" if where == "inbound" else "8005551000")
    assert stage.record.reason.startswith("cloud is without a number that is left to dial")


def test_who_is_sent_to_one_address_whatever_he_called_needs_no_number(open_stage: OpenStage) -> None:
    stage = open_stage(
        translation_rules=NOTHING_LEFT,
        dial_peers=with_peers(cloud={"translate": {"called": "none"}, "refer_uri": "sip:desk@cloud.example"}),
    )
    refusal = stage.carrier.calls(REDIRECTED).hears_refusal(302)
    assert refusal.get("Contact") == "<sip:desk@cloud.example>;q=1.0"


def test_an_emergency_call_is_sent_wherever_somebody_may_be(open_stage: OpenStage) -> None:
    none = {"translate": {"called": "none"}}
    stage = open_stage(
        translation_rules=NOTHING_LEFT,
        dial_peers=with_peers(premise=none),
        emergency={"called": ["911"], "destinations": ["premise"]},
    )
    is_bridged(stage, "911")
