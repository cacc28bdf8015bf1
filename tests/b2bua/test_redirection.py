"""A target that redirects our INVITE: where the call goes then (RFC 3261 §8.1.3.4), and what is told of its past."""

from collections.abc import Sequence

import pytest

from tests.b2bua.conftest import OpenStage
from tests.b2bua.leg import Leg
from tests.b2bua.stage import CLOUD_FIRST, PREMISE_ONLY, REFERRED, Stage
from tests.end_to_end.wire import Wire, uri_of

ELSEWHERE = "+18005556000"
THERE = f"Contact: <sip:{ELSEWHERE}@198.51.100.21:5060>"
SPARE = f"Contact: <sip:{ELSEWHERE}@198.51.100.22>"
OURS = f"Contact: <sip:{CLOUD_FIRST}@192.0.2.1:5060>"
STRANGER = "Contact: <sip:+18005556000@203.0.113.9>"


def redirected(
    stage: Stage, *headers: str, code: int = 302, called: str = PREMISE_ONLY, said: Sequence[str] = ()
) -> Leg:
    """A caller whom the premise sends on with these lines; ``said`` are those of his INVITE."""
    caller = stage.carrier.calls(called, *said)
    caller.hears(100)
    stage.premise.is_called().refuses(code, *headers)
    return caller


def is_through(caller: Leg, callee: Leg) -> None:
    """The call is answered, and over."""
    callee.says(180)
    caller.hears(180)
    callee.says(200)
    caller.hears(200)
    caller.ack()
    callee.hears("ACK")
    caller.hangs_up()
    callee.is_hung_up()


def tried(stage: Stage) -> list[tuple[str, str, int | None]]:
    return [(each.dial_peer, each.target, each.code) for each in stage.record.attempts]


@pytest.mark.parametrize("code", [300, 301, 302, 305, 399])
def test_the_call_goes_to_the_target_that_is_named(stage: Stage, code: int) -> None:
    caller = redirected(stage, THERE, code=code)
    callee = stage.cloud.is_called()
    assert callee.invite.uri == f"sip:{ELSEWHERE}@198.51.100.21:5060"
    assert callee.invite.body == stage.carrier.sdp
    is_through(caller, callee)
    record = stage.record
    assert tried(stage) == [("premise", "198.51.100.31:5060", code), ("cloud", "198.51.100.21:5060", 200)]
    assert (record.called, record.called_out, record.egress_trunk) == (PREMISE_ONLY, ELSEWHERE, "cloud")
    assert (record.dial_peer_out, record.outcome, record.code) == ("cloud", "answered", 200)
    assert record.reason == f"198.51.100.31:5060 redirects to sip:{ELSEWHERE}@198.51.100.21:5060"
    assert stage.ear.failovers == [("premise", "cloud", str(code))]


def test_the_target_that_is_named_is_asked_before_the_others_of_its_trunk(stage: Stage) -> None:
    caller = redirected(stage, SPARE)
    stage.spare.is_called().refuses(500)
    callee = stage.cloud.is_called()
    assert callee.invite.uri == f"sip:{ELSEWHERE}@198.51.100.21:5060"
    is_through(caller, callee)


def test_it_may_name_another_target_of_its_own_trunk(stage: Stage) -> None:
    caller = stage.carrier.calls(CLOUD_FIRST)
    caller.hears(100)
    stage.cloud.is_called().refuses(302, SPARE)
    is_through(caller, stage.spare.is_called())
    assert stage.ear.failovers == []


def test_without_a_number_the_same_is_dialled(stage: Stage) -> None:
    caller = redirected(stage, "Contact: sip:198.51.100.22:5060")
    callee = stage.spare.is_called()
    assert callee.invite.uri == f"sip:{PREMISE_ONLY}@198.51.100.22:5060"
    is_through(caller, callee)


def test_our_own_address_leads_through_the_dial_plan(stage: Stage) -> None:
    """As a call from the caller's trunk for that number: the policy decides again."""
    caller = redirected(stage, OURS)
    callee = stage.cloud.is_called()
    assert callee.invite.uri == f"sip:{CLOUD_FIRST}@198.51.100.21:5060"
    is_through(caller, callee)
    record = stage.record
    assert record.decision is not None
    assert record.decision.rule == "cloud first"
    assert 'before that policy "door", rule "premise only": bridge to premise' in record.reason


def test_so_does_a_number_without_an_address(stage: Stage) -> None:
    caller = redirected(stage, f"Contact: <tel:{CLOUD_FIRST}>")
    callee = stage.cloud.is_called()
    assert callee.invite.uri == f"sip:{CLOUD_FIRST}@198.51.100.21:5060;user=phone"
    is_through(caller, callee)


@pytest.mark.parametrize(
    "headers",
    [
        (STRANGER,),
        ("Contact: <sip:+18005556000@198.51.100.21:5090>",),
        ("Contact: <sip:+18005556000@192.0.2.1:5090>",),
        ("Contact: *",),
        ("Contact: <http://192.0.2.1>",),
        ("Contact: <sip:a",),
        (),
    ],
)
def test_any_other_leads_nowhere(stage: Stage, headers: Sequence[str]) -> None:
    """To the next target and the next dial-peer, as after any failure."""
    caller = stage.carrier.calls(CLOUD_FIRST)
    caller.hears(100)
    stage.cloud.is_called().refuses(302, *headers)
    stage.spare.is_called().refuses(302, *headers)
    is_through(caller, stage.premise.is_called())
    assert stage.loads() == {}


def test_of_a_stranger_the_record_tells(stage: Stage) -> None:
    redirected(stage, STRANGER).hears_refusal(480)
    assert stage.record.reason == (
        "198.51.100.31:5060 redirects to sip:+18005556000@203.0.113.9, which is no trunk's; premise: 302"
    )


def test_an_alternative_service_is_not_called(stage: Stage) -> None:
    """Its body says what to call otherwise (RFC 3261 §21.3.5)."""
    redirected(stage, THERE, code=380).hears_refusal(480)


def test_contacts_are_tried_by_their_q(stage: Stage) -> None:
    places = (("198.51.100.21", 0.2), ("203.0.113.9", 1.0), ("198.51.100.22", 0.75))
    contacts = ", ".join(f"<sip:{ELSEWHERE}@{host}>;q={q}" for host, q in places)
    caller = redirected(stage, f"Contact: {contacts}")
    stage.spare.is_called().refuses(486)
    is_through(caller, stage.cloud.is_called())
    assert stage.record.attempts[1].code == 486


def test_no_more_than_five_are_tried(stage: Stage) -> None:
    numbers = [f"+1800555600{number}" for number in range(8)]
    caller = redirected(stage, *[f"Contact: <sip:{number}@198.51.100.21>" for number in numbers])
    for number in numbers[:5]:
        callee = stage.cloud.is_called()
        assert uri_of(f"<{callee.invite.uri}>") == f"sip:{number}@198.51.100.21:5060"
        callee.refuses(486)
    caller.hears_refusal(486)


def test_what_the_last_one_says_is_the_callers(stage: Stage) -> None:
    """A target that redirects has said where its callee is; the next target of its trunk knows no better."""
    caller = stage.carrier.calls(CLOUD_FIRST)
    caller.hears(100)
    stage.cloud.is_called().refuses(302, f"Contact: <sip:{ELSEWHERE}@198.51.100.31>")
    stage.premise.is_called().refuses(486, "Reason: Q.850;cause=17")
    caller.hears_refusal(486)
    assert (stage.record.code, stage.record.cause) == (486, 17)


def test_then_the_next_dial_peer_has_its_turn(stage: Stage) -> None:
    caller = stage.carrier.calls(CLOUD_FIRST)
    caller.hears(100)
    stage.cloud.is_called().refuses(302, f"Contact: <sip:{ELSEWHERE}@198.51.100.31>")
    stage.premise.is_called().refuses(500)
    callee = stage.premise.is_called()
    assert callee.invite.uri == f"sip:{CLOUD_FIRST}@198.51.100.31:5060"
    is_through(caller, callee)


def test_two_that_send_it_to_each_other_are_asked_once_each(stage: Stage) -> None:
    caller = redirected(stage, f"Contact: <sip:{PREMISE_ONLY}@198.51.100.21>")
    stage.cloud.is_called().refuses(302, f"Contact: <sip:{PREMISE_ONLY}@198.51.100.31>, <sip:{PREMISE_ONLY}@192.0.2.1>")
    stage.spare.is_called().refuses(302, f"Contact: <sip:{PREMISE_ONLY}@198.51.100.31>")
    caller.hears_refusal(480)


def test_who_is_sent_on_without_end_is_sent_on_five_times(stage: Stage) -> None:
    caller = redirected(stage, "Contact: <sip:+18005556000@198.51.100.31>")
    for number in range(1, 6):
        stage.premise.is_called().refuses(302, f"Contact: <sip:+1800555600{number}@198.51.100.31>")
    caller.hears_refusal(480)
    assert len(stage.record.attempts) == 6
    assert "redirected more than 5 times" in stage.record.reason


def test_a_redirection_by_the_dial_plan_counts_too(stage: Stage) -> None:
    caller = redirected(stage, "Contact: <sip:+18005557001@192.0.2.1>")
    for number in range(2, 7):
        callee = stage.premise.is_called()
        callee.refuses(302, f"Contact: <sip:+1800555700{number}@192.0.2.1>")
    caller.hears_refusal(480)
    assert len(stage.record.attempts) == 6


def test_where_the_dial_plan_refuses_it_the_next_has_its_turn(stage: Stage) -> None:
    caller = redirected(
        stage, "Contact: <sip:+18005555000@192.0.2.1>;q=0.9, <sip:+19995550100@192.0.2.1>;q=0.8", SPARE + ";q=0.7"
    )
    is_through(caller, stage.spare.is_called())
    assert "reject 480 Too busy" in stage.record.reason
    assert "no inbound dial-peer matches" in stage.record.reason


def test_the_policy_may_send_the_caller_away(open_stage: OpenStage) -> None:
    stage = open_stage()
    caller = redirected(stage, "Contact: <sip:+18005553000@192.0.2.1>")
    assert caller.hears_refusal(302).all("Contact")[0] == "<sip:+18005553000@198.51.100.21:5060>;q=1.0"
    assert (stage.record.outcome, stage.record.method) == ("redirected", "redirect")


def test_limits_hold_where_it_goes(open_stage: OpenStage) -> None:
    stage = open_stage(cloud={"limits": {"outbound": {"max_calls": 1}}})
    first, there = stage.connected(CLOUD_FIRST, stage.cloud)
    redirected(stage, THERE).hears_refusal(480)
    assert "cloud is full (max_calls)" in stage.record.reason
    first.hangs_up()
    there.is_hung_up()
    stage.ear.records.clear()
    is_through(redirected(stage, THERE), stage.cloud.is_called())


def test_it_counts_where_it_is_and_not_where_it_was(open_stage: OpenStage) -> None:
    stage = open_stage(premise={"limits": {"max_calls": 1}}, cloud={"limits": {"max_calls": 1}})
    caller = redirected(stage, SPARE)
    callee = stage.spare.is_called()
    assert stage.loads() == {"": (1, 0), "carrier": (1, 0), "cloud": (0, 1)}
    is_through(caller, callee)
    assert stage.loads() == {}


def test_on_its_own_trunk_it_takes_its_own_place(open_stage: OpenStage) -> None:
    stage = open_stage(cloud={"limits": {"max_calls": 1}})
    caller = stage.carrier.calls(CLOUD_FIRST)
    caller.hears(100)
    stage.cloud.is_called().refuses(302, SPARE)
    callee = stage.spare.is_called()
    assert callee.invite.uri == f"sip:{ELSEWHERE}@198.51.100.22:5060"
    is_through(caller, callee)


def test_the_decision_is_the_first_again_where_the_second_came_to_nothing(stage: Stage) -> None:
    caller = stage.carrier.calls(CLOUD_FIRST)
    caller.hears(100)
    stage.cloud.is_called().refuses(302, "Contact: <sip:+18005557000@192.0.2.1>")
    stage.premise.is_called().refuses(500)
    is_through(caller, stage.premise.is_called())
    assert stage.record.decision is not None
    assert stage.record.decision.rule == "cloud first"


def test_one_that_comes_back_is_counted_again(open_stage: OpenStage) -> None:
    """The trunk that was named is full, and the next target of the first has its turn."""
    stage = open_stage(premise={"limits": {"max_calls": 1}})
    first, there = stage.connected(PREMISE_ONLY)
    caller = stage.carrier.calls(CLOUD_FIRST)
    caller.hears(100)
    stage.cloud.is_called().refuses(302, f"Contact: <sip:{ELSEWHERE}@198.51.100.31>")
    callee = stage.spare.is_called()
    assert stage.loads() == {"": (2, 0), "carrier": (2, 0), "premise": (0, 1), "cloud": (0, 1)}
    is_through(caller, callee)
    first.hangs_up()
    there.is_hung_up()


def test_a_trunk_that_is_switched_off_is_not_called(stage: Stage) -> None:
    switches = stage.router.routing.ledger.switches
    switches.know({"trunk": ["cloud"]})
    switches.set("trunk", "cloud", "off", "a test", 0.0)
    redirected(stage, THERE).hears_refusal(480)
    assert "cloud is switched off" in stage.record.reason


def test_nothing_of_the_dial_peers_own_is_dialled(open_stage: OpenStage) -> None:
    """The Contact's user is the new called number; what the trunk's translation makes of it is another thing."""
    stage = open_stage(
        translation_rules={"national": ["/^\\+1/ //"], "secret": ["/^.*/ /+15550100/"]},
        cloud={"translate": {"outbound": {"called": "national"}}},
        peers=[
            {
                "name": "cloud",
                "outgoing": {"trunk": "cloud"},
                "called_number": "4711",
                "translate": {"called": "secret", "calling": "secret"},
            }
        ],
    )
    caller = redirected(stage, THERE)
    callee = stage.cloud.is_called()
    assert callee.invite.uri == "sip:8005556000@198.51.100.21:5060"
    assert "<sip:+15550100@" in callee.invite.get("From")
    is_through(caller, callee)


def test_where_the_called_number_stands_elsewhere_the_contacts_counts(open_stage: OpenStage) -> None:
    stage = open_stage(carrier={"called_from": "to"})
    caller = redirected(stage, OURS)
    callee = stage.cloud.is_called()
    assert callee.invite.uri == f"sip:{CLOUD_FIRST}@198.51.100.21:5060"
    is_through(caller, callee)


def test_what_a_contact_adds_stays_behind(stage: Stage) -> None:
    """Headers of a URI would be the target's words in our INVITE."""
    caller = redirected(stage, f"Contact: <sip:{ELSEWHERE};npdi@198.51.100.21;user=phone;maddr=192.0.2.9?X-Own=1>")
    callee = stage.cloud.is_called()
    assert callee.invite.uri == f"sip:{ELSEWHERE};npdi@198.51.100.21:5060;user=phone"
    assert callee.invite.all("X-Own") == []
    is_through(caller, callee)


def test_a_caller_who_gives_up_meanwhile(stage: Stage) -> None:
    caller = redirected(stage, THERE)
    callee = stage.cloud.is_called()
    callee.says(180)
    caller.hears(180)
    caller.cancel()
    caller.hears(200, "CANCEL")
    caller.hears_refusal(487)
    callee.is_cancelled()
    assert [each.code for each in stage.record.attempts] == [302, None]


def test_a_caller_who_was_referred_in_vain_is_joined(stage: Stage) -> None:
    caller = stage.carrier.calls(REFERRED)
    caller.hears(200)
    caller.ack()
    caller.answers(caller.hears("REFER"), 603)
    stage.premise.is_called().refuses(302, SPARE)
    callee = stage.spare.is_called()
    callee.says(200)
    callee.hears("ACK")
    caller.answers(caller.hears("INVITE"), 200, body=stage.carrier.sdp)
    caller.hears("ACK")
    caller.hangs_up()
    callee.is_hung_up()


def test_after_early_media_the_next_is_another_dialog(stage: Stage) -> None:
    caller = stage.carrier.calls(PREMISE_ONLY)
    caller.hears(100)
    first = stage.premise.is_called()
    first.says(183, body=stage.premise.sdp)
    early = caller.hears(183).get("To")
    first.refuses(302, THERE)
    callee = stage.cloud.is_called()
    callee.says(183, body=stage.cloud.sdp)
    assert caller.hears(183).get("To") != early
    callee.says(200)
    caller.hears(200)
    caller.ack()
    callee.hears("ACK")
    caller.hangs_up()
    callee.is_hung_up()


# ------------------------------------------------------------------------------------------------ an emergency


EMERGENCY = {"called": ["911"], "destinations": ["cloud", "premise"]}


def test_an_emergency_call_is_followed_to_a_trunk(open_stage: OpenStage) -> None:
    stage = open_stage(emergency=EMERGENCY)
    switches = stage.router.routing.ledger.switches
    switches.know({"trunk": ["premise"]})
    switches.set("trunk", "premise", "off", "a test", 0.0)  # which is nothing to an emergency
    caller = stage.carrier.calls("911")
    caller.hears(100)
    stage.cloud.is_called().refuses(302, f"Contact: <sip:911@198.51.100.31>, <sip:{PREMISE_ONLY}@192.0.2.1>")
    stage.premise.is_called().refuses(486)
    assert "emergency calls have their own destinations" in next(iter(stage.router.calls.values())).record.reason
    callee = stage.spare.is_called()
    assert stage.loads()["cloud"] == (0, 1)
    is_through(caller, callee)


# ------------------------------------------------------------------------------------------------ passed


def test_pass_sends_the_caller_there(open_stage: OpenStage) -> None:
    stage = open_stage(premise={"redirects": "pass"})
    contacts = [f"<sip:{ELSEWHERE}@203.0.113.9;x=1>;q=0.5", '"There" <sip:a@203.0.113.8>, <tel:+1>']
    caller = redirected(
        stage, *[f"Contact: {value}" for value in contacts], "Diversion: <sip:1@198.51.100.31>;reason=away", code=301
    )
    refusal = caller.hears_refusal(301)
    assert refusal.all("Contact") == contacts
    assert refusal.all("Diversion") == ["<sip:1@192.0.2.1:5060>;reason=away"]
    assert (stage.record.outcome, stage.record.code, stage.record.ended_by) == ("redirected", 301, "router")


def test_then_nobody_else_is_asked(open_stage: OpenStage) -> None:
    stage = open_stage(cloud={"redirects": "pass"})
    caller = stage.carrier.calls(CLOUD_FIRST)
    caller.hears(100)
    placed = next(iter(stage.router.calls.values())).placed
    assert placed is not None
    known, now = stage.router.routing.ledger.visits, stage.clock()
    assert known.visits(placed.who, "cloud", now) == 1
    stage.cloud.is_called().refuses(302, THERE)
    assert caller.hears_refusal(302).get("Contact") == THERE.partition(": ")[2]
    assert known.visits(placed.who, "cloud", now) == 0


@pytest.mark.parametrize("accepts", [[], ["refer"]])
def test_not_a_caller_who_takes_no_redirect(open_stage: OpenStage, accepts: list[str]) -> None:
    stage = open_stage(cloud={"redirects": "pass"}, carrier={"accepts": accepts})
    caller = stage.carrier.calls(CLOUD_FIRST)
    caller.hears(100)
    stage.cloud.is_called().refuses(302, THERE)
    stage.spare.is_called().refuses(302, THERE)
    is_through(caller, stage.premise.is_called())


def test_nor_one_who_is_answered(open_stage: OpenStage) -> None:
    stage = open_stage(premise={"redirects": "pass"})
    caller = stage.carrier.calls(REFERRED)
    caller.hears(200)
    caller.ack()
    caller.answers(caller.hears("REFER"), 603)
    stage.premise.is_called().refuses(302, SPARE)
    caller.is_hung_up()


def test_nor_one_in_an_emergency(open_stage: OpenStage) -> None:
    stage = open_stage(emergency=EMERGENCY, cloud={"redirects": "pass"})
    caller = stage.carrier.calls("911")
    caller.hears(100)
    stage.cloud.is_called().refuses(302, SPARE)
    is_through(caller, stage.spare.is_called())


# ------------------------------------------------------------------------------------------------ what is told of it


def history_of(stage: Stage, *headers: str, code: int = 302, said: Sequence[str] = ()) -> Wire:
    caller = redirected(stage, *(headers or (THERE,)), code=code, said=said)
    callee = next(party for party in (stage.cloud, stage.spare) if party.unheard).is_called()
    is_through(caller, callee)
    return callee.invite


@pytest.mark.parametrize(
    ("code", "headers", "reason"),
    [
        (302, (), "unconditional"),
        (301, (), "unconditional"),
        (300, (), "unknown"),
        (302, ("Reason: Q.850;cause=17",), "user-busy"),
        (302, ("Reason: Q.850;cause=19",), "no-answer"),
        (302, ("Reason: SIP;cause=486",), "user-busy"),
        (302, ("Reason: SIP;cause=480",), "no-answer"),
        (302, ("Reason: SIP;cause=200",), "unconditional"),
    ],
)
def test_diversion_says_who_diverted_and_why(stage: Stage, code: int, headers: Sequence[str], reason: str) -> None:
    invite = history_of(stage, THERE, *headers, code=code)
    assert invite.all("Diversion") == [f"<sip:{PREMISE_ONLY}@192.0.2.1:5060>;reason={reason};counter=1"]


def test_who_diverted_may_say_so_himself(stage: Stage) -> None:
    said = "Diversion: <sip:+18005551001@198.51.100.31>;reason=follow-me, <sip:2@h>;reason=away"
    assert history_of(stage, THERE, said).all("Diversion") == ["<sip:+18005551001@192.0.2.1:5060>;reason=follow-me"]


@pytest.mark.parametrize("value", ["<sip:1", "<sip:" + "1" * 5000 + "@h>"])
def test_not_what_cannot_be_read(stage: Stage, value: str) -> None:
    assert "reason=unconditional" in history_of(stage, THERE, f"Diversion: {value}").all("Diversion")[0]


def test_earlier_diversions_stand_below(stage: Stage) -> None:
    invite = history_of(stage, said=["Diversion: <sip:+13125550111@198.51.100.1>;reason=no-answer"])
    assert [value.partition("@")[0] for value in invite.all("Diversion")] == [
        f"<sip:{PREMISE_ONLY}",
        "<sip:+13125550111",
    ]


def test_history_goes_on_where_it_is_kept(stage: Stage) -> None:
    known = f"<sip:+13125550111@h>;index=1, <sip:{PREMISE_ONLY}@h>;index=1.1;rc=1"
    invite = history_of(stage, said=[f"History-Info: {known}"])
    assert ", ".join(invite.all("History-Info")) == (
        "<sip:+13125550111@192.0.2.1:5060>;index=1, "
        f"<sip:{PREMISE_ONLY}@192.0.2.1:5060?Reason=SIP%3Bcause%3D302%3Btext%3D%22Moved%20Temporarily%22>"
        ";index=1.1;rc=1, "
        f"<sip:{ELSEWHERE}@192.0.2.1:5060;cause=302>;index=1.1.1;mp=1.1"
    )


def test_it_begins_where_it_is_asked_for(stage: Stage) -> None:
    busy = "Reason: SIP;cause=486"
    invite = history_of(stage, STRANGER, THERE, busy, said=["Supported: timer, histinfo"])
    assert invite.all("History-Info")[1:] == [f"<sip:{ELSEWHERE}@192.0.2.1:5060;cause=486>;index=1.2;mp=1"]
    assert invite.all("History-Info")[0].startswith(f"<sip:{PREMISE_ONLY}@192.0.2.1:5060?Reason=")


def test_or_where_who_redirects_keeps_it(stage: Stage) -> None:
    invite = history_of(stage, THERE, "History-Info: <sip:7@h?Privacy=none>;index=1")
    assert invite.all("History-Info")[0].startswith("<sip:7@192.0.2.1:5060?Privacy=none&Reason=SIP")


def test_nobody_else_has_one(stage: Stage) -> None:
    assert history_of(stage).all("History-Info") == []


def test_a_caller_who_wants_none_told_has_none_told(stage: Stage) -> None:
    invite = history_of(stage, said=["Supported: histinfo", "Privacy: history"])
    assert invite.all("History-Info") == []


def test_twice_redirected_is_twice_told(stage: Stage) -> None:
    caller = redirected(stage, THERE, said=["Supported: histinfo"])
    stage.cloud.is_called().refuses(302, "Contact: <sip:+18005556001@198.51.100.22>")
    callee = stage.spare.is_called()
    assert [value.partition("@")[0] for value in callee.invite.all("Diversion")] == [
        f"<sip:{ELSEWHERE}",
        f"<sip:{PREMISE_ONLY}",
    ]
    assert [value.partition("index=")[2] for value in callee.invite.all("History-Info")] == [
        "1",
        "1.1;mp=1",
        "1.1.1;mp=1.1",
    ]
    is_through(caller, callee)


def test_it_stays_one_session_and_one_caller(stage: Stage) -> None:
    session = "Session-ID: ab30317f1a784dc48ff824d0d3715d86;remote=00000000000000000000000000000000"
    caller = stage.carrier.calls(PREMISE_ONLY, session)
    caller.hears(100)
    first = stage.premise.is_called()
    first.refuses(302, THERE)
    callee = stage.cloud.is_called()
    for name in ("Session-ID", "Cisco-Guid"):
        assert callee.invite.get(name) == first.invite.get(name) != ""
    assert callee.invite.get("From").partition(";")[0] == first.invite.get("From").partition(";")[0]
    assert callee.invite.get("Call-ID") != first.invite.get("Call-ID")
    is_through(caller, callee)


def test_rules_see_where_it_was(open_stage: OpenStage) -> None:
    rule = {"name": "diverted", "when": f'call.diverted_from == "{PREMISE_ONLY}"', "to": "cloud"}
    stage = open_stage(rules=[rule])
    is_through(redirected(stage, "Contact: <sip:+18005557000@192.0.2.1>"), stage.cloud.is_called())
