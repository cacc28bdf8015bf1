"""A REFER inside a call that the router consumes: it calls the new party, and brings the one who stays there."""

import pytest

from edge_router.sip.timers import GIVE_UP
from tests.b2bua.conftest import OpenStage
from tests.b2bua.in_call import accepts, media, part, reinvites
from tests.b2bua.leg import Leg
from tests.b2bua.stage import CLOUD_FIRST, PREMISE_ONLY, Stage
from tests.b2bua.transfers import FROM_ANYWHERE, TO_CLOUD, WHO, arrives, ends, is_joined, is_told, refers
from tests.end_to_end.wire import beside_origin, origin


@pytest.fixture
def stage(open_stage: OpenStage) -> Stage:
    return open_stage(peers=FROM_ANYWHERE)


@WHO
def test_who_stays_is_brought_to_the_new_party(stage: Stage, who: str) -> None:
    transferor, stays = ends(stage, who)
    new = refers(transferor, new=stage.cloud)
    assert new.invite.uri == f"sip:{CLOUD_FIRST}@198.51.100.21:5060"
    assert new.invite.body == stays.party.sdp
    new.says(180)
    is_told(transferor, "180 Ringing")
    new.says(200)
    again = is_joined(stays, new)
    assert beside_origin(again.body) == beside_origin(new.party.sdp)
    user, session, version, address = origin(transferor.party.sdp)
    assert origin(again.body) == (user, session, version + 1, address)
    is_told(transferor, "200 OK")
    transferor.is_hung_up()
    accepts(new, reinvites(stays, new), stays)
    accepts(stays, reinvites(new, stays), new)
    part(stays, new)
    record = stage.record
    uri = TO_CLOUD.partition("<")[2].rstrip(">")
    assert (record.outcome, record.transferred_to) == ("answered", uri)
    assert record.ended_by == ("callee" if who == "caller" else "caller")
    assert [(each.dial_peer, each.code) for each in record.attempts] == [("premise", 200), ("cloud", 200)]


def gives_back(transferor: Leg, stays: Leg) -> None:
    """The call goes on between the two as if nothing had been."""
    accepts(transferor, reinvites(stays, transferor), stays)
    accepts(stays, reinvites(transferor, stays), transferor)
    part(transferor, stays)


@WHO
def test_a_party_who_refuses_gives_the_call_back(stage: Stage, who: str) -> None:
    transferor, stays = ends(stage, who)
    new = refers(transferor, new=stage.cloud)
    new.refuses(486)
    is_told(transferor, "486 Busy Here")
    gives_back(transferor, stays)
    assert stage.record.transferred_to is None
    assert stage.record.outcome == "answered"


@WHO
def test_silence_gives_the_call_back(stage: Stage, who: str) -> None:
    transferor, stays = ends(stage, who)
    new = refers(transferor, f"Refer-To: <sip:{PREMISE_ONLY}@192.0.2.1>", new=stage.premise)
    new.says(180)
    is_told(transferor, "180 Ringing")
    stage.pass_time(60)
    new.is_cancelled()
    is_told(transferor, "408 Request Timeout")
    gives_back(transferor, stays)


def test_the_next_dial_peer_is_tried(open_stage: OpenStage) -> None:
    stage = open_stage(peers=FROM_ANYWHERE, cloud={"targets": ["sip:198.51.100.21:5060"]})
    transferor, stays = ends(stage, "caller")
    refers(transferor, new=stage.cloud).refuses(503)
    second = stage.premise.is_called()
    arrives(transferor, stays, second)
    part(stays, second)
    assert [each.code for each in stage.record.attempts] == [200, 503, 200]


@WHO
def test_a_transferor_who_hangs_up_at_once(stage: Stage, who: str) -> None:
    transferor, stays = ends(stage, who)
    new = refers(transferor, new=stage.cloud)
    transferor.hangs_up()
    stays.hears_nothing()
    new.says(200)
    is_joined(stays, new)
    is_told(transferor, "200 OK")
    part(new, stays)
    assert stage.record.outcome == "answered"


@WHO
def test_a_transferor_who_is_gone_when_it_fails(stage: Stage, who: str) -> None:
    transferor, stays = ends(stage, who)
    new = refers(transferor, new=stage.cloud)
    transferor.hangs_up()
    new.refuses(486)
    stays.is_hung_up()
    is_told(transferor, "486 Busy Here")
    assert (stage.record.outcome, stage.record.ended_by) == ("answered", who)


@WHO
def test_who_stays_hangs_up_while_it_rings(stage: Stage, who: str) -> None:
    transferor, stays = ends(stage, who)
    new = refers(transferor, new=stage.cloud)
    new.says(180)
    is_told(transferor, "180 Ringing")
    stays.hangs_up("Reason: Q.850;cause=31")
    new.is_cancelled()
    is_told(transferor, "487 Request Terminated")
    assert transferor.is_hung_up().get("Reason") == "Q.850;cause=31"
    assert stage.record.cause == 31
    assert stage.record.ended_by == ("callee" if who == "caller" else "caller")


@WHO
def test_who_stays_hangs_up_as_he_is_joined(stage: Stage, who: str) -> None:
    transferor, stays = ends(stage, who)
    new = refers(transferor, new=stage.cloud)
    new.says(200)
    new.hears("ACK")
    again = stays.hears("INVITE")
    stays.hangs_up()
    stays.answers(again, 487)
    stays.hears("ACK")
    new.is_hung_up()
    is_told(transferor, "487 Request Terminated")
    transferor.is_hung_up()


@WHO
def test_who_stays_refuses_the_new_media(stage: Stage, who: str) -> None:
    transferor, stays = ends(stage, who)
    new = refers(transferor, new=stage.cloud)
    new.says(200)
    new.hears("ACK")
    stays.answers(stays.hears("INVITE"), 488)
    stays.hears("ACK")
    new.is_hung_up()
    is_told(transferor, "500 Server Internal Error")
    gives_back(transferor, stays)


@WHO
def test_who_stays_is_gone_when_he_is_joined(stage: Stage, who: str) -> None:
    transferor, stays = ends(stage, who)
    new = refers(transferor, new=stage.cloud)
    new.says(200)
    new.hears("ACK")
    stays.answers(stays.hears("INVITE"), 481)
    stays.hears("ACK")
    new.is_hung_up()
    stays.is_hung_up()
    is_told(transferor, "500 Server Internal Error")
    transferor.is_hung_up()


@WHO
def test_a_new_party_who_hangs_up_as_it_is_joined(stage: Stage, who: str) -> None:
    transferor, stays = ends(stage, who)
    new = refers(transferor, new=stage.cloud)
    new.says(200)
    new.hears("ACK")
    again = stays.hears("INVITE")
    new.hangs_up()
    stays.answers(again, 200, body=stays.party.sdp)
    stays.is_hung_up()
    stays.hears("ACK")
    is_told(transferor, "200 OK")
    transferor.is_hung_up()


@WHO
@pytest.mark.parametrize("by", ["transferor", "stays"])
@pytest.mark.parametrize("method", ["INVITE", "UPDATE", "REFER"])
def test_what_is_asked_while_it_rings(stage: Stage, who: str, by: str, method: str) -> None:
    transferor, stays = ends(stage, who)
    new = refers(transferor, new=stage.cloud)
    asker = transferor if by == "transferor" else stays
    headers, body = ((TO_CLOUD,), b"") if method == "REFER" else ((), media(asker, 2))
    asker.asks(method, *headers, body=body)
    asker.hears(491, method)
    if method == "INVITE":
        asker.ack()
    arrives(transferor, stays, new)
    part(stays, new)


@WHO
def test_other_requests_go_on_meanwhile(stage: Stage, who: str) -> None:
    transferor, stays = ends(stage, who)
    new = refers(transferor, new=stage.cloud)
    for asker, asked in ((transferor, stays), (stays, transferor)):
        asker.asks("INFO")
        asked.answers(asked.hears("INFO"), 200)
        asker.hears(200, "INFO")
    stays.asks("INFO")
    unanswered = transferor.hears("INFO")
    new.says(200)
    is_joined(stays, new)
    stays.hears(487, "INFO")
    is_told(transferor, "200 OK")
    transferor.is_hung_up()
    transferor.answers(unanswered, 200)
    part(stays, new)


@WHO
def test_who_stays_asks_when_nobody_is_there(stage: Stage, who: str) -> None:
    transferor, stays = ends(stage, who)
    new = refers(transferor, new=stage.cloud)
    transferor.hangs_up()
    stays.asks("INFO")
    stays.hears(500, "INFO")
    new.says(200)
    is_joined(stays, new)
    is_told(transferor, "200 OK")
    part(stays, new)


@WHO
def test_who_was_held_is_offered_with_his_media_on(stage: Stage, who: str) -> None:
    transferor, stays = ends(stage, who)
    transferor.asks("INVITE", body=media(transferor, 2, "sendonly"))
    transferor.hears(100)
    stays.answers(stays.hears("INVITE"), 200, body=media(stays, 2, "recvonly"))
    transferor.hears(200)
    transferor.ack()
    stays.hears("ACK")
    new = refers(transferor, new=stage.cloud)
    assert new.invite.body == media(stays, 2, "sendrecv")
    new.says(200)
    again = is_joined(stays, new)
    assert origin(again.body)[2] == 3
    is_told(transferor, "200 OK")
    transferor.is_hung_up()
    part(stays, new)


@WHO
def test_a_refer_on_the_heels_of_the_hold(stage: Stage, who: str) -> None:
    """It overtakes the ACK: the new party is called, and who stays is joined once the ACK has come."""
    transferor, stays = ends(stage, who)
    transferor.asks("INVITE", body=media(transferor, 2, "sendonly"))
    transferor.hears(100)
    stays.answers(stays.hears("INVITE"), 200, body=media(stays, 2, "recvonly"))
    transferor.hears(200)
    new = refers(transferor, new=stage.cloud)
    new.says(200)
    new.hears("ACK")
    stage.pass_time(0.1)
    transferor.ack()
    stays.hears("ACK")
    stage.pass_time(0.5)
    again = stays.hears("INVITE")
    stays.answers(again, 200, body=media(stays, 3))
    stays.hears("ACK")
    is_told(transferor, "200 OK")
    transferor.is_hung_up()
    part(stays, new)


@WHO
@pytest.mark.parametrize("again", ["transferor stays", "new party"])
def test_a_transfer_of_a_transfer(stage: Stage, who: str, again: str) -> None:
    transferor, stays = ends(stage, who)
    new = refers(transferor, new=stage.cloud)
    arrives(transferor, stays, new)
    second, remains = (new, stays) if again == "new party" else (stays, new)
    third = refers(second, new=stage.cloud)
    assert third.invite.body == remains.party.sdp
    arrives(second, remains, third)
    accepts(third, reinvites(remains, third), remains)
    accepts(remains, reinvites(third, remains), third)
    part(third, remains)
    assert [each.code for each in stage.record.attempts] == [200, 200, 200]


# ------------------------------------------------------------------------------------------------ what is taken


@WHO
@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ((), 400),
        (("Refer-To: <sip:1@192.0.2.1>", "Refer-To: <sip:2@192.0.2.1>"), 400),
        (("Refer-To: <sip:1@192.0.2.1>, <sip:2@192.0.2.1>",), 400),
        (("Refer-To: <http://192.0.2.1>",), 400),
        (("Refer-To: <sip:1@192.0.2.1;method=BYE>",), 400),
        (("Refer-To: <sip:1@192.0.2.1?Replaces=a%0D%0AX:%201>",), 400),
        (("Refer-To: <sip:" + "1" * 2048 + "@192.0.2.1>",), 400),
        (("Refer-To: <sip:+18005552000@203.0.113.9>",), 403),
        (("Refer-To: <sip:+18005552000@192.0.2.1:5070>",), 403),
        (("Refer-To: <sip:1@192.0.2.1>", "Require: unheard-of"), 420),
    ],
)
def test_a_refer_that_is_refused(stage: Stage, who: str, headers: tuple[str, ...], code: int) -> None:
    transferor, stays = ends(stage, who)
    transferor.asks("REFER", *headers)
    transferor.hears(code, "REFER")
    gives_back(transferor, stays)
    assert stage.record.transferred_to is None


@pytest.mark.parametrize("uri", ["tel:+18005552000", "sip:+18005552000@192.0.2.1", "sip:+18005552000@192.0.2.1:5060"])
def test_where_the_dial_plan_leads(stage: Stage, uri: str) -> None:
    transferor, stays = ends(stage, "callee")
    new = refers(transferor, f"Refer-To: <{uri}>", new=stage.cloud)
    assert new.invite.uri.partition(";")[0] == f"sip:{CLOUD_FIRST}@198.51.100.21:5060"
    arrives(transferor, stays, new)
    part(stays, new)


def test_a_number_that_nothing_matches(stage: Stage) -> None:
    transferor, stays = ends(stage, "callee")
    transferor.asks("REFER", "Refer-To: <sip:+19995550100@192.0.2.1>")
    transferor.hears(202)
    is_told(transferor, "100 Trying")
    is_told(transferor, "404 Not Found")
    gives_back(transferor, stays)


@WHO
def test_the_target_of_a_trunk(stage: Stage, who: str) -> None:
    """No dial-peer leads there by number. It is asked before the others of its trunk."""
    transferor, stays = ends(stage, who)
    new = refers(transferor, "Refer-To: <sip:42@198.51.100.22>", new=stage.spare)
    assert new.invite.uri == "sip:42@198.51.100.22:5060"
    arrives(transferor, stays, new)
    part(stays, new)
    assert stage.record.attempts[-1].dial_peer == "trunk cloud"


def test_it_is_a_call_from_the_transferors_trunk(open_stage: OpenStage) -> None:
    """The rules of the trunk that the REFER came by decide, and who calls is who the transferor talks to."""
    rules = [
        {"name": "ours", "when": 'call.trunk == "premise" && call.calling == "+13125550199"', "to": "cloud"},
        {"name": "no", "when": 'call.called.endsWith("2000")', "reject": 603},
    ]
    stage = open_stage(peers=FROM_ANYWHERE, rules=rules)
    transferor, stays = ends(stage, "callee")
    new = refers(transferor, TO_CLOUD, "Referred-By: <sip:agent@198.51.100.31>", new=stage.cloud)
    assert '"A. Caller" <sip:+13125550199@192.0.2.1:5060>' in new.invite.get("From")
    assert new.invite.get("Referred-By") == "<sip:agent@192.0.2.1:5060>"
    arrives(transferor, stays, new)
    part(stays, new)


def test_what_the_rules_refuse(stage: Stage) -> None:
    transferor, stays = ends(stage, "callee")
    transferor.asks("REFER", "Refer-To: <sip:+18005555000@192.0.2.1>")
    transferor.hears(202)
    is_told(transferor, "100 Trying")
    is_told(transferor, "480 Temporarily Unavailable")
    gives_back(transferor, stays)


def test_before_the_call_stands(stage: Stage) -> None:
    caller, callee = stage.ringing()
    callee.asks("REFER", TO_CLOUD)
    callee.hears(500)
    callee.says(200)
    caller.hears(200)
    callee.asks("REFER", TO_CLOUD)
    callee.hears(500)
    caller.ack()
    callee.hears("ACK")
    part(caller, callee)


def test_a_full_trunk_is_skipped(open_stage: OpenStage) -> None:
    stage = open_stage(peers=FROM_ANYWHERE, cloud={"limits": {"outbound": {"max_calls": 1}}})
    transferor, stays = ends(stage, "callee")
    new = refers(transferor, new=stage.cloud)
    arrives(transferor, stays, new)
    assert stage.loads() == {"": (1, 0), "carrier": (1, 0), "cloud": (0, 1)}
    second = refers(new, new=stage.premise)
    second.refuses(486)
    is_told(new, "486 Busy Here")
    assert stage.loads() == {"": (1, 0), "carrier": (1, 0), "cloud": (0, 1)}
    part(stays, new)


def test_the_caller_is_counted_no_more_once_he_has_transferred(stage: Stage) -> None:
    transferor, stays = ends(stage, "caller")
    new = refers(transferor, new=stage.cloud)
    assert stage.loads() == {"": (1, 0), "carrier": (1, 0), "premise": (0, 1), "cloud": (0, 1)}
    arrives(transferor, stays, new)
    assert stage.loads() == {"": (1, 0), "premise": (0, 1), "cloud": (0, 1)}
    part(stays, new)


def test_transfers_without_end(stage: Stage) -> None:
    transferor, stays = ends(stage, "callee")
    for _ in range(10):
        new = refers(transferor, new=stage.cloud)
        arrives(transferor, stays, new)
        transferor = new
    transferor.asks("REFER", TO_CLOUD)
    transferor.hears(403)
    gives_back(transferor, stays)


# ------------------------------------------------------------------------------------------------ what is told


@WHO
def test_who_wants_to_be_told_nothing(stage: Stage, who: str) -> None:
    """Refer-Sub: false (RFC 4488)."""
    transferor, stays = ends(stage, who)
    transferor.asks("REFER", TO_CLOUD, "Refer-Sub: false", "Require: norefersub")
    assert transferor.hears(200, "REFER").get("Refer-Sub") == "false"
    new = stage.cloud.is_called()
    new.says(180)
    new.says(200)
    is_joined(stays, new)
    transferor.is_hung_up()
    part(stays, new)


def test_one_notify_at_a_time(stage: Stage) -> None:
    transferor, stays = ends(stage, "callee")
    transferor.asks("REFER", TO_CLOUD)
    transferor.hears(202)
    first = transferor.hears("NOTIFY")
    new = stage.cloud.is_called()
    for code in (180, 183, 180, 183):
        new.says(code)
    transferor.hears_nothing()
    transferor.answers(first, 200)
    is_told(transferor, "183 Session Progress")
    arrives(transferor, stays, new)
    part(stays, new)


@pytest.mark.parametrize("code", [481, None])
def test_a_transferor_who_does_not_want_to_hear(stage: Stage, code: int | None) -> None:
    transferor, stays = ends(stage, "callee")
    transferor.asks("REFER", TO_CLOUD)
    transferor.hears(202)
    first = transferor.hears("NOTIFY")
    new = stage.cloud.is_called()
    new.says(180)
    new.says(200)
    is_joined(stays, new)
    if code is None:
        stage.pass_time(GIVE_UP)
        transferor.party.unheard = [each for each in transferor.party.unheard if each.method != "NOTIFY"]
    else:
        transferor.answers(first, code)
    transferor.is_hung_up()
    part(stays, new)


def test_a_transferor_who_hangs_up_when_he_is_told(stage: Stage) -> None:
    transferor, stays = ends(stage, "callee")
    new = refers(transferor, new=stage.cloud)
    new.says(200)
    is_joined(stays, new)
    last = transferor.hears("NOTIFY")
    transferor.hangs_up()
    transferor.answers(last, 200)
    part(stays, new)


@WHO
def test_the_second_refer_has_an_id(stage: Stage, who: str) -> None:
    transferor, stays = ends(stage, who)
    refers(transferor, "Refer-To: <sip:42@198.51.100.21>", new=stage.cloud).refuses(486)
    assert is_told(transferor, "486 Busy Here").get("Event") == "refer"
    refer = transferor.asks("REFER", TO_CLOUD)
    transferor.hears(202)
    assert is_told(transferor, "100 Trying").get("Event") == f"refer;id={refer.cseq}"
    new = stage.cloud.is_called()
    arrives(transferor, stays, new)
    part(stays, new)


@WHO
def test_sessions_keep_their_name(stage: Stage, who: str) -> None:
    """RFC 7989 §6: the new party hears of the one who stays."""
    mine, yours = "a" * 32, "b" * 32
    caller = stage.carrier.calls(PREMISE_ONLY, f"Session-ID: {mine};remote={'0' * 32}")
    caller.hears(100)
    callee = stage.premise.is_called()
    callee.says(200, f"Session-ID: {yours};remote={mine}")
    caller.hears(200)
    caller.ack()
    callee.hears("ACK")
    transferor, stays, left = (caller, callee, yours) if who == "caller" else (callee, caller, mine)
    new = refers(transferor, new=stage.cloud)
    assert new.invite.get("Session-ID") == f"{left};remote={'0' * 32}"
    new.says(200, f"Session-ID: {'c' * 32};remote={left}")
    assert is_joined(stays, new).get("Session-ID") == f"{'c' * 32};remote={left}"
    is_told(transferor, "200 OK")
    transferor.is_hung_up()
    part(stays, new)


@pytest.mark.parametrize("who", ["caller", "callee"])
def test_the_router_stops_meanwhile(stage: Stage, who: str) -> None:
    transferor, stays = ends(stage, who)
    new = refers(transferor, new=stage.cloud)
    new.says(180)
    is_told(transferor, "180 Ringing")
    stage.router.interrupt()
    new.is_cancelled()
    for leg in (transferor, stays):
        leg.is_hung_up()
    assert stage.record.outcome == "interrupted"


@WHO
def test_where_it_was_sent_is_noted_until_it_is_over(stage: Stage, who: str) -> None:
    transferor, stays = ends(stage, who)
    new = refers(transferor, new=stage.cloud)
    arrives(transferor, stays, new)
    (call,) = stage.router.calls.values()
    placed = call.moved[0] if who == "caller" else call.placed
    assert placed is not None
    assert placed.dial_peer == "cloud"
    visits, now = call.routing.ledger.visits, stage.clock()
    assert visits.is_there(placed.who, "cloud", now)
    part(stays, new)
    assert not visits.is_there(placed.who, "cloud", now)


def test_numbers_are_as_the_transferor_has_them(open_stage: OpenStage) -> None:
    """What was done to the caller's number on its way to him isn't done once more."""
    rules = {"nine": [r"/^\(.*\)$/ /9\1/"]}
    carrier = {"translate": {"inbound": {"calling": "nine"}}}
    stage = open_stage(peers=FROM_ANYWHERE, carrier=carrier, translation_rules=rules)
    transferor, stays = ends(stage, "callee")
    assert "<sip:9+13125550199@" in transferor.remote
    new = refers(transferor, new=stage.cloud)
    assert "<sip:9+13125550199@" in new.invite.get("From")
    arrives(transferor, stays, new)
    part(stays, new)
