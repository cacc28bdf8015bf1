"""Bridging: two dialogs, and what crosses from one to the other."""

import pytest

from edge_router.b2bua.call.callee import MOST_PROVISIONAL
from edge_router.sip.timers import GIVE_UP, T1
from tests.b2bua.leg import Leg
from tests.b2bua.stage import CLOUD_FIRST, PREMISE_ONLY, Stage
from tests.end_to_end.wire import host_of, tag_of, uri_of

# ------------------------------------------------------------------------------------------------ from INVITE to ACK


def test_each_leg_is_a_dialog_of_its_own(stage: Stage) -> None:
    caller, callee = stage.connected()
    came, left = caller.invite, callee.invite
    assert left.get("Call-ID") != came.get("Call-ID")
    assert tag_of(left.get("From")) != tag_of(came.get("From"))
    assert tag_of(caller.remote) not in (tag_of(callee.local), tag_of(callee.remote))
    assert left.branch != came.branch
    assert host_of(uri_of(left.get("Contact"))) == "192.0.2.1:5060"
    assert left.uri == "sip:+18005551000@198.51.100.31:5060"
    assert left.body == came.body
    assert int(left.get("Max-Forwards")) == int(came.get("Max-Forwards")) - 1
    callee.hangs_up()
    caller.is_hung_up()


def test_the_answer_crosses_with_its_words(stage: Stage) -> None:
    caller, callee = stage.ringing()
    callee.says(200, "User-to-User: 0405;encoding=hex", reason="Aye aye")
    answer = caller.hears(200)
    assert answer.reason == "Aye aye"
    assert answer.body == stage.premise.sdp
    assert answer.get("User-to-User") == "0405;encoding=hex"
    caller.ack()
    callee.hears("ACK")
    caller.hangs_up()
    callee.is_hung_up()


def test_the_ack_has_a_branch_of_its_own_and_the_same_when_it_goes_again(stage: Stage) -> None:
    caller, callee = stage.ringing()
    callee.says(200)
    caller.hears(200)
    caller.ack()
    ack = callee.hears("ACK")
    assert ack.branch not in ("", callee.invite.branch)
    callee.says(200)
    assert callee.hears("ACK").branch == ack.branch
    caller.hangs_up()
    callee.is_hung_up()


def test_a_call_that_stands_costs_two_dialogs_and_nothing_else(stage: Stage) -> None:
    caller, callee = stage.ringing()
    stage.pass_time(10)
    callee.says(200)
    caller.hears(200)
    caller.ack()
    callee.hears("ACK")
    stage.pass_time(GIVE_UP)
    assert stage.router.counts() == {"transactions": 0, "dialogs": 2, "calls": 1, "timers": 0}
    caller.hangs_up()
    callee.is_hung_up()


def test_record_routes_stay_on_their_leg(stage: Stage) -> None:
    """RFC 3261 §12.1.1: the answer repeats those of its INVITE; §12.2.1.1: requests follow those of the answer."""
    caller = stage.carrier.calls("+18005551000", "Record-Route: <sip:198.51.100.1;lr>, <sip:198.51.100.1:5061;lr>")
    caller.hears(100)
    callee = stage.premise.is_called()
    assert not callee.invite.all("Record-Route")
    callee.says(180)
    assert caller.hears(180).all("Record-Route") == caller.invite.all("Record-Route")
    callee.says(200, "Record-Route: <sip:198.51.100.31;lr>")
    assert caller.hears(200).all("Record-Route") == caller.invite.all("Record-Route")
    caller.ack()
    assert callee.hears("ACK").all("Route") == ["<sip:198.51.100.31;lr>"]
    callee.hangs_up()
    assert caller.is_hung_up().all("Route") == ["<sip:198.51.100.1;lr>", "<sip:198.51.100.1:5061;lr>"]


def test_trying_stays_on_its_leg(stage: Stage) -> None:
    caller = stage.carrier.calls("+18005551000", "Timestamp: 54.2")
    assert caller.hears(100).get("Timestamp") == "54.2"  # RFC 3261 §8.2.6.1
    callee = stage.premise.is_called()
    assert callee.invite.all("Timestamp") == []
    callee.says(100, "Timestamp: 7")
    caller.hears_nothing()
    callee.refuses(486)
    caller.hears_refusal(486)


@pytest.mark.parametrize("code", [180, 181, 182, 183])
@pytest.mark.parametrize("media", [False, True], ids=["without SDP", "with SDP"])
def test_what_the_callee_says_meanwhile_crosses(stage: Stage, code: int, media: bool) -> None:
    caller = stage.carrier.calls("+18005551000")
    caller.hears(100)
    callee = stage.premise.is_called()
    callee.says(code, body=stage.premise.sdp if media else b"", reason="In a while")
    meanwhile = caller.hears(code)
    assert meanwhile.reason == "In a while"
    assert meanwhile.body == (stage.premise.sdp if media else b"")
    assert tag_of(meanwhile.get("To")) != tag_of(callee.local)
    callee.says(200)
    assert tag_of(caller.hears(200).get("To")) == tag_of(meanwhile.get("To"))
    caller.ack()
    callee.hears("ACK")
    caller.hangs_up()
    callee.is_hung_up()


def test_an_answer_whose_sdp_came_before_it(stage: Stage) -> None:
    caller, callee = stage.ringing()
    callee.says(183, body=stage.premise.sdp)
    assert caller.hears(183).body == stage.premise.sdp
    callee.says(200, body=b"")
    answer = caller.hears(200)
    assert answer.body == b""
    assert not answer.all("Content-Type")
    caller.ack()
    callee.hears("ACK")
    callee.hangs_up()
    caller.is_hung_up()


def test_a_late_offer_is_answered_in_the_ack(stage: Stage) -> None:
    caller = stage.carrier.calls("+18005551000", body=b"")
    caller.hears(100)
    callee = stage.premise.is_called()
    assert callee.invite.body == b""
    callee.says(200)
    assert caller.hears(200).body == stage.premise.sdp
    callee.hears_nothing()  # his ACK carries the caller's answer (RFC 3264 §5), and waits for it
    caller.ack(body=stage.carrier.sdp)
    ack = callee.hears("ACK")
    assert (ack.body, ack.get("Content-Type")) == (stage.carrier.sdp, "application/sdp")
    caller.hangs_up()
    callee.is_hung_up()


def test_the_ack_of_the_answer_may_have_the_branch_of_the_invite(stage: Stage) -> None:
    caller, callee = stage.ringing()
    callee.says(200)
    caller.hears(200)
    caller.ack(branch=caller.invite.branch)
    callee.hears("ACK")
    caller.hangs_up()
    callee.is_hung_up()


FINALS = [400, 403, 404, 480, 484, 486, 488, 500, 502, 504, 600, 603]


def test_reason_phrases_cross_without_control_characters(stage: Stage) -> None:
    caller = stage.carrier.calls(PREMISE_ONLY)
    caller.hears(100)
    callee = stage.premise.is_called()
    callee.says(180, reason="\x1b[2JRinging")
    assert caller.hears(180).reason == "?[2JRinging"
    callee.refuses(486, reason="Busy\x1b]0;owned\x07")
    assert caller.hears_refusal(486).reason == "Busy?]0;owned?"


@pytest.mark.parametrize("code", FINALS)
def test_the_callees_refusal_crosses(stage: Stage, code: int) -> None:
    caller, callee = stage.ringing()
    callee.refuses(code, "Reason: Q.850;cause=17", "Contact: <sip:elsewhere@198.51.100.99>", reason="So it is")
    refusal = caller.hears_refusal(code)
    assert refusal.reason == "So it is"
    assert refusal.get("Reason") == "Q.850;cause=17"
    assert "elsewhere" not in refusal.get("Contact")  # the callee's own
    record = stage.record
    assert (record.outcome, record.code, record.cause, record.ended_by) == ("failed", code, 17, "router")


def test_a_refusal_crosses_with_its_body(stage: Stage) -> None:
    caller, callee = stage.ringing()
    callee.refuses(488, "Warning: 304 premise no", body=stage.premise.sdp)
    refusal = caller.hears_refusal(488)
    assert (refusal.body, refusal.get("Content-Type")) == (stage.premise.sdp, "application/sdp")


@pytest.mark.parametrize("code", [401, 407])
def test_a_challenge_is_not_the_callers_to_answer(stage: Stage, code: int) -> None:
    caller, callee = stage.ringing()
    callee.refuses(code, 'WWW-Authenticate: Digest realm="premise", nonce="1"')
    assert "premise" not in str(caller.hears_refusal(403))


# ------------------------------------------------------------------------------------------------ more than one answer


def test_a_second_answer_from_behind_a_forking_proxy_gets_ack_and_bye(stage: Stage) -> None:
    caller, callee = stage.ringing()
    callee.says(200)
    caller.hears(200)
    caller.ack()
    callee.hears("ACK")
    first = callee.local
    callee.local = f"{first}-fork"
    callee.says(200)
    assert callee.hears("ACK").get("To") == callee.local
    bye = callee.is_hung_up()
    assert bye.get("To") == callee.local
    callee.says(200)
    callee.hears_nothing()  # its BYE is under way
    caller.hears_nothing()
    callee.local = first
    caller.hangs_up()
    assert callee.is_hung_up().get("To") == first


def test_ringing_at_two_places_crosses_as_one_early_dialog(stage: Stage) -> None:
    caller, callee = stage.ringing(CLOUD_FIRST, stage.cloud)
    tag = tag_of(caller.remote)
    callee.local += "-fork"
    callee.says(183, body=stage.cloud.sdp)
    assert tag_of(caller.hears(183).get("To")) == tag
    callee.says(200)
    assert tag_of(caller.hears(200).get("To")) == tag
    assert stage.ear.rang == 1
    caller.ack()
    assert callee.hears("ACK").get("To") == callee.local
    caller.hangs_up()
    callee.is_hung_up()


# ------------------------------------------------------------------------------------------------ the end of a call


@pytest.mark.parametrize("who", ["caller", "callee"])
def test_a_bye_crosses_with_its_reason(stage: Stage, who: str) -> None:
    caller, callee = stage.connected()
    ends, is_ended = (caller, callee) if who == "caller" else (callee, caller)
    ends.hangs_up("Reason: Q.850;cause=31", "User-to-User: 56a390;encoding=hex")
    bye = is_ended.is_hung_up()
    assert bye.get("Reason") == "Q.850;cause=31"
    assert bye.get("User-to-User") == "56a390;encoding=hex"
    assert (stage.record.outcome, stage.record.ended_by, stage.record.cause) == ("answered", who, 31)


REL = b"\x0c\x02\x00\x02\x80\x90"


@pytest.mark.parametrize("who", ["caller", "callee"])
def test_a_bye_crosses_with_its_body(stage: Stage, who: str) -> None:
    caller, callee = stage.connected()
    ends, is_ended = (caller, callee) if who == "caller" else (callee, caller)
    ends.hangs_up("Content-Type: application/isup;version=itu-t92+", body=REL)
    bye = is_ended.is_hung_up()
    assert (bye.body, bye.get("Content-Type")) == (REL, "application/isup;version=itu-t92+")


def test_a_bye_with_a_body_that_waits_for_the_ack(stage: Stage) -> None:
    caller, callee = stage.ringing()
    callee.says(200)
    caller.hears(200)
    callee.hangs_up("Content-Type: application/isup", body=REL)
    callee.hears("ACK")
    caller.ack()
    assert caller.is_hung_up().body == REL


def test_a_bye_without_a_reason_is_given_one(stage: Stage) -> None:
    caller, callee = stage.connected()
    caller.hangs_up()
    assert callee.is_hung_up().get("Reason") == "Q.850;cause=16"


def test_both_hang_up_at_once(stage: Stage) -> None:
    """Neither is left without an answer (RFC 3261 §15.1.2)."""
    caller, callee = stage.connected()
    caller.hangs_up()
    bye = callee.hears("BYE")
    callee.asks("BYE")
    callee.hears(481, "BYE")
    callee.answers(bye, 481)
    assert (stage.record.ended_by, stage.record.outcome) == ("caller", "answered")


def test_a_callee_who_hangs_up_before_the_callers_ack(stage: Stage) -> None:
    """The caller gets no BYE before his ACK (RFC 3261 §15)."""
    caller, callee = stage.ringing()
    callee.says(200)
    caller.hears(200)
    callee.hangs_up("Reason: Q.850;cause=31")
    callee.hears("ACK")
    caller.hears_nothing()
    stage.pass_time(T1)
    caller.hears(200)
    caller.ack()
    assert caller.is_hung_up().get("Reason") == "Q.850;cause=31"
    assert (stage.record.ended_by, stage.record.outcome) == ("callee", "answered")


def test_both_hang_up_before_the_callers_ack(stage: Stage) -> None:
    caller, callee = stage.ringing()
    callee.says(200)
    caller.hears(200)
    callee.hangs_up()
    callee.hears("ACK")
    caller.asks("INFO")
    caller.hears(481, "INFO")
    caller.hangs_up()


@pytest.mark.parametrize("acknowledged_after", [False, True])
def test_a_caller_who_hangs_up_before_his_ack(stage: Stage, acknowledged_after: bool) -> None:
    caller, callee = stage.ringing()
    callee.says(200)
    caller.hears(200)
    caller.hangs_up("Reason: Q.850;cause=31", "Content-Type: application/isup", body=REL)
    callee.hears("ACK")
    assert callee.is_hung_up().get("Reason") == "Q.850;cause=31"
    if acknowledged_after:
        caller.ack()
    # And nothing of the 200 any more: nobody is left to hear it.


def test_early_media_of_two_branches_of_a_fork_has_one_owner(stage: Stage) -> None:
    """RFC 3264 §8: in one dialog one o= line, whose version counts."""
    caller, callee = stage.ringing()
    callee.says(183, body=b"v=0\r\no=- 111 1 IN IP4 198.51.100.31\r\ns=-\r\nt=0 0\r\n")
    first = caller.hears(183)
    callee.local += "-fork"
    callee.says(183, body=b"v=0\r\no=- 222 7 IN IP4 198.51.100.31\r\ns=-\r\nt=0 0\r\n")
    second = caller.hears(183)
    assert (b"o=- 111 1 " in first.body, b"o=- 111 2 " in second.body) == (True, True)
    callee.says(200, body=b"")
    caller.hears(200)
    caller.ack()
    callee.hears("ACK")
    caller.hangs_up()
    callee.is_hung_up()


def test_a_fork_without_end_is_answered_a_few_times_alone(stage: Stage) -> None:
    """Each would have us write to whom its Contact names, again and again."""
    caller, callee = stage.connected()
    first = callee.local
    for number in range(50):
        callee.local = f"{first}-fork-{number % 25}"
        callee.says(200)
    byes = [message for message in callee.party.unheard if message.method == "BYE"]
    assert len(byes) == 8
    callee.party.unheard.clear()
    for bye in byes:
        callee.answers(bye, 200)
    callee.local = first
    caller.hangs_up()
    callee.is_hung_up()


def test_provisional_responses_without_end_are_heard_a_hundred_times(stage: Stage) -> None:
    """Each attempt has a count of its own, and the call goes on."""
    caller = stage.carrier.calls(CLOUD_FIRST)
    caller.hears(100)

    def is_heard_ringing(callee: Leg) -> None:
        for _ in range(MOST_PROVISIONAL + 20):
            callee.says(183)
        for _ in range(MOST_PROVISIONAL):
            caller.hears(183)
        caller.hears_nothing()

    first = stage.cloud.is_called()
    is_heard_ringing(first)
    first.refuses(503)
    second = stage.spare.is_called()
    is_heard_ringing(second)
    assert stage.ear.refused == {"too many provisional responses": 40}
    second.says(200)
    caller.hears(200)
    caller.ack()
    second.hears("ACK")
    caller.hangs_up()
    second.is_hung_up()


def test_who_rings_without_end_is_cancelled_all_the_same(stage: Stage) -> None:
    caller = stage.carrier.calls(PREMISE_ONLY)
    callee = stage.premise.is_called()
    for _ in range(MOST_PROVISIONAL + 1):
        callee.says(180)
    stage.carrier.unheard.clear()
    caller.cancel()
    caller.hears(200, "CANCEL")
    caller.hears_refusal(487)
    callee.is_cancelled()


@pytest.mark.parametrize("place", ["[::1]", "0.0.0.0", "255.255.255.255", "224.0.0.1", "gone.example.org"])
def test_a_contact_that_is_nowhere_is_answered_where_the_invite_went(stage: Stage, place: str) -> None:
    caller, callee = stage.ringing()
    callee.says(200, f"Contact: <sip:b@{place}>")
    caller.hears(200)
    caller.ack()
    callee.hears("ACK")
    caller.hangs_up()
    callee.is_hung_up()
