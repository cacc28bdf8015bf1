"""A caller who was REFERred in vain is kept: whoever answers instead, his media are re-negotiated with (RFC 3725)."""

import pytest

from edge_router.sip.timers import GIVE_UP, TICK
from tests.b2bua.conftest import OpenStage
from tests.b2bua.leg import Leg
from tests.b2bua.stage import Stage
from tests.b2bua.test_refer import is_joined, kept, referred
from tests.end_to_end.wire import Wire, beside_origin, origin, sdp


def test_the_new_offer_is_one_version_on_from_the_silence(stage: Stage) -> None:
    caller, refer = referred(stage)
    silence = caller.final.body
    caller.answers(refer, 603)
    again = is_joined(stage, caller, stage.premise.is_called())
    user, session, version, address = origin(silence)
    assert origin(again.body) == (user, session, version + 1, address)
    assert beside_origin(again.body) == beside_origin(stage.premise.sdp)
    caller.hangs_up()
    stage.premise.unheard.clear()
    stage.pass_time(GIVE_UP)
    stage.premise.unheard.clear()


def test_early_media_stand_for_an_answer_without_sdp(stage: Stage) -> None:
    caller, callee = kept(stage)
    callee.says(183, body=stage.premise.sdp)
    callee.says(200, body=b"")
    callee.hears("ACK")
    again = caller.hears("INVITE")
    assert beside_origin(again.body) == beside_origin(stage.premise.sdp)
    caller.answers(again, 200, body=stage.carrier.sdp)
    caller.hears("ACK")
    callee.hangs_up()
    caller.is_hung_up()


def test_a_late_offer_is_joined_by_the_callees(stage: Stage) -> None:
    caller, callee = kept(stage, body=b"")
    assert callee.invite.body == b""
    callee.says(200)
    callee.hears_nothing()
    again = caller.hears("INVITE")
    answer = sdp("198.51.100.1", session=1001, version=2)
    caller.answers(again, 200, body=answer)
    caller.hears("ACK")
    ack = callee.hears("ACK")
    assert (ack.body, ack.get("Content-Type")) == (answer, "application/sdp")
    callee.hangs_up()
    caller.is_hung_up()


def test_an_answer_to_the_new_offer_that_comes_again_gets_its_ack_again(stage: Stage) -> None:
    caller, callee = kept(stage)
    callee.says(200)
    callee.hears("ACK")
    again = caller.hears("INVITE")
    caller.answers(again, 100)
    answer = caller.answers(again, 200, body=stage.carrier.sdp)
    ack = caller.hears("ACK")
    stage.carrier.says(answer)
    assert caller.hears("ACK") == ack
    caller.hangs_up()
    callee.is_hung_up()
    stage.carrier.says(answer)
    assert caller.hears("ACK") == ack


@pytest.mark.parametrize("body", [None, b""], ids=["offer", "late offer"])
def test_a_callee_who_never_says_what_his_media_are(stage: Stage, body: bytes | None) -> None:
    """There is nothing to offer the caller, and an offer of his could not be answered."""
    caller, callee = kept(stage, body)
    callee.says(183)
    callee.says(200, body=b"")
    callee.hears("ACK")
    callee.is_hung_up()
    caller.is_hung_up()
    assert (stage.record.outcome, stage.record.ended_by) == ("failed", "router")


@pytest.mark.parametrize("body", [None, b""], ids=["offer", "late offer"])
@pytest.mark.parametrize("code", [481, 488, 500])
def test_a_caller_who_refuses_the_new_media(stage: Stage, body: bytes | None, code: int) -> None:
    """Nothing stays half open."""
    caller, callee = kept(stage, body)
    callee.says(200)
    again = caller.hears("INVITE")
    caller.answers(again, code)
    caller.hears("ACK")
    callee.hears("ACK")
    callee.is_hung_up()
    caller.is_hung_up()
    record = stage.record
    assert (record.outcome, record.ended_by, record.code) == ("failed", "router", 200)
    assert [each.code for each in record.attempts] == [603, 200]


@pytest.mark.parametrize("code", [0, 100])
def test_a_caller_who_never_answers_the_new_offer(stage: Stage, code: int) -> None:
    caller, callee = kept(stage)
    callee.says(200)
    callee.hears("ACK")
    again = caller.hears("INVITE")
    if code:
        caller.answers(again, code)
    stage.pass_time(GIVE_UP)
    for _ in range(0 if code else 6):
        assert caller.hears("INVITE") == again
    caller.is_hung_up()
    callee.is_hung_up()
    assert stage.record.outcome == "failed"


@pytest.mark.parametrize("who", ["caller", "callee"])
@pytest.mark.parametrize("body", [None, b""], ids=["offer", "late offer"])
def test_somebody_hangs_up_while_the_media_are_negotiated(stage: Stage, who: str, body: bytes | None) -> None:
    caller, callee = kept(stage, body)
    callee.says(200)
    if body is None:
        callee.hears("ACK")
    again = caller.hears("INVITE")
    (caller if who == "caller" else callee).hangs_up("Reason: Q.850;cause=31")
    if body is not None:
        callee.hears("ACK")
    (callee if who == "caller" else caller).is_hung_up()
    answer = caller.answers(again, 200, body=stage.carrier.sdp)
    ack = caller.hears("ACK")  # every 2xx gets its ACK (RFC 3261 §13.2.2.4)
    assert ack.cseq == again.cseq
    stage.carrier.says(answer)
    assert caller.hears("ACK") == ack
    assert (stage.record.outcome, stage.record.ended_by) == ("answered", who)


def test_a_late_answer_to_the_refer_is_none_to_the_new_offer(open_stage: OpenStage) -> None:
    stage = open_stage(cloud={"answer_timeout": 1})
    caller, refer = referred(stage)
    stage.pass_time(1)
    caller.hears("REFER")
    callee = stage.premise.is_called()
    callee.says(200)
    callee.hears("ACK")
    again = caller.hears("INVITE")
    caller.answers(refer, 202)
    caller.hears_nothing()
    caller.answers(again, 200, body=stage.carrier.sdp)
    caller.hears("ACK")
    stage.pass_time(GIVE_UP)
    caller.hangs_up()
    callee.is_hung_up()
    assert stage.record.outcome == "answered"


def test_a_refer_that_is_never_answered_ends_no_call_that_stands(open_stage: OpenStage) -> None:
    stage = open_stage(cloud={"answer_timeout": 30})
    caller, _ = referred(stage)
    stage.pass_time(30)
    callee = stage.premise.is_called()
    callee.says(200)
    callee.hears("ACK")
    while stage.carrier.unheard[0].method == "REFER":
        caller.hears("REFER")
    again = caller.hears("INVITE")
    stage.pass_time(2.5)  # and the REFER's Timer F runs out
    while stage.carrier.unheard:
        stage.carrier.unheard.pop()
    caller.answers(again, 200, body=stage.carrier.sdp)
    caller.hears("ACK")
    caller.hangs_up()
    callee.is_hung_up()


def test_a_caller_who_is_kept_and_hangs_up_while_it_rings(stage: Stage) -> None:
    caller, callee = kept(stage)
    caller.hangs_up()
    callee.is_cancelled()
    assert (stage.record.outcome, stage.record.ended_by) == ("answered", "caller")


def test_a_caller_who_is_kept_and_whom_nobody_takes_is_hung_up(stage: Stage) -> None:
    caller, callee = kept(stage)
    callee.refuses(486, "Reason: Q.850;cause=17", "User-to-User: 00", body=stage.premise.sdp)
    assert caller.is_hung_up().all("Reason") == ["Q.850;cause=17"]
    record = stage.record
    assert (record.outcome, record.ended_by, record.code) == ("failed", "router", 200)
    assert [each.code for each in record.attempts] == [603, 486]


def test_hunting_goes_on_from_target_to_target(open_stage: OpenStage) -> None:
    targets = ["sip:198.51.100.31:5060", "sip:198.51.100.22:5060"]
    stage = open_stage(premise={"targets": targets})
    caller, callee = kept(stage)
    callee.says(183, body=stage.premise.sdp)
    callee.refuses(500)
    is_joined(stage, caller, stage.spare.is_called())
    caller.hangs_up()
    stage.spare.unheard.clear()
    stage.pass_time(GIVE_UP)
    stage.spare.unheard.clear()


def test_a_caller_is_referred_once(open_stage: OpenStage) -> None:
    again = [{"peer": "cloud", "by": "refer"}, {"peer": "premise", "by": "refer"}]
    stage = open_stage(rules=[{"name": "refer, and refer again", "to": again}])
    caller, callee = kept(stage)
    callee.refuses(486)
    caller.is_hung_up()


# ------------------------------------------------------------------------------------------------ until both agree

PORT, OTHER_PORT = b"m=audio 40000 RTP/AVP 0 101", b"m=audio 40002 RTP/AVP 0 101"
CODEC_LESS = b"m=audio 40000 RTP/AVP 0"
HELD = b"a=inactive\r\n"


def moved(stage: Stage, answer: bytes = b"") -> tuple[Leg, Leg, Wire]:
    """Both ends of a call whose caller has answered the re-INVITE with other media, and what the callee hears then."""
    caller, callee = kept(stage)
    callee.says(200)
    callee.hears("ACK")
    answer = answer or stage.carrier.sdp.replace(PORT, OTHER_PORT)
    caller.answers(caller.hears("INVITE"), 200, body=answer)
    caller.hears("ACK")
    return caller, callee, callee.hears("INVITE")


def is_over(caller: Leg, callee: Leg) -> None:
    caller.hears_nothing()
    callee.hears_nothing()
    caller.hangs_up()
    callee.is_hung_up()


@pytest.mark.parametrize(
    ("old", "new", "of_callee"),
    [
        (PORT, OTHER_PORT, PORT),
        (b"c=IN IP4 198.51.100.1", b"c=IN IP4 198.51.100.9", PORT),
        (PORT, CODEC_LESS, CODEC_LESS),
        (PORT, HELD + PORT, HELD + PORT),
    ],
    ids=["port", "address", "codecs", "direction"],
)
def test_a_callee_hears_of_it_where_the_callers_media_are_others_by_now(
    stage: Stage, old: bytes, new: bytes, of_callee: bytes
) -> None:
    answer = stage.carrier.sdp.replace(old, new)
    caller, callee, offer = moved(stage, answer)
    user, session, version, address = origin(stage.carrier.sdp)
    assert origin(offer.body) == (user, session, version + 1, address)
    assert beside_origin(offer.body) == beside_origin(answer)
    agreed = callee.answers(offer, 200, body=stage.premise.sdp.replace(PORT, of_callee))
    ack = callee.hears("ACK")
    assert (ack.cseq, ack.body) == (offer.cseq, b"")
    callee.party.says(agreed)
    assert callee.hears("ACK") == ack
    is_over(caller, callee)
    assert stage.record.outcome == "answered"
    assert stage.record.reason == "not referred: 603"


def test_a_callee_who_moves_in_turn_has_it_told_to_the_caller(stage: Stage) -> None:
    caller, callee, offer = moved(stage)
    callee.answers(offer, 200, body=stage.premise.sdp.replace(PORT, OTHER_PORT))
    callee.hears("ACK")
    again = caller.hears("INVITE")
    assert beside_origin(again.body) == beside_origin(stage.premise.sdp.replace(PORT, OTHER_PORT))
    assert origin(again.body)[2] == 3  # 1 was the silence, 2 the callee as he answered
    caller.answers(again, 200, body=stage.carrier.sdp.replace(PORT, OTHER_PORT))
    caller.hears("ACK")
    is_over(caller, callee)


def test_two_who_never_agree_are_left_with_what_they_have(stage: Stage) -> None:
    caller, callee, offer = moved(stage)
    for port, leg, other in [(1, callee, caller), (2, caller, callee), (3, callee, caller), (4, caller, callee)]:
        leg.answers(offer, 200, body=leg.party.sdp.replace(b"40000", b"5000%d" % port))
        leg.hears("ACK")
        if port < 4:
            offer = other.hears("INVITE")
    is_over(caller, callee)
    assert stage.record.reason.endswith("the two sides did not agree on media")


def test_a_callee_who_refuses_the_new_media_keeps_the_call(stage: Stage) -> None:
    caller, callee, offer = moved(stage)
    callee.answers(offer, 488)
    callee.hears("ACK")
    is_over(caller, callee)
    assert stage.record.reason.endswith("one side refused the new media")


@pytest.mark.parametrize("code", [0, 100, 408, 481])
def test_a_callee_who_is_gone_when_he_is_offered_the_new_media(stage: Stage, code: int) -> None:
    caller, callee, offer = moved(stage)
    if code:
        callee.answers(offer, code)
    if code < 200:
        stage.pass_time(GIVE_UP)
        for _ in range(0 if code else 6):
            assert callee.hears("INVITE") == offer
    else:
        callee.hears("ACK")
    callee.is_hung_up()
    caller.is_hung_up()
    assert (stage.record.outcome, stage.record.ended_by) == ("failed", "router")


@pytest.mark.parametrize("who", ["caller", "callee"])
def test_somebody_hangs_up_while_the_callee_is_offered_the_new_media(stage: Stage, who: str) -> None:
    caller, callee, offer = moved(stage)
    (caller if who == "caller" else callee).hangs_up()
    (callee if who == "caller" else caller).is_hung_up()
    callee.answers(offer, 200, body=stage.premise.sdp)
    assert callee.hears("ACK").cseq == offer.cseq


def test_a_first_answer_that_comes_again_late_gets_its_own_ack_again(stage: Stage) -> None:
    caller, callee = kept(stage)
    first = callee.says(200)
    ack = callee.hears("ACK")
    caller.answers(caller.hears("INVITE"), 200, body=stage.carrier.sdp.replace(PORT, OTHER_PORT))
    caller.hears("ACK")
    offer = callee.hears("INVITE")
    callee.party.says(first)
    assert callee.hears("ACK") == ack
    callee.answers(offer, 200, body=stage.premise.sdp)
    callee.hears("ACK")
    callee.party.says(first)
    assert callee.hears("ACK") == ack
    is_over(caller, callee)


@pytest.mark.parametrize("who", ["caller", "callee"])
@pytest.mark.parametrize(("contact", "port"), [("<sip:{}:5070>", 5070), ("<mailto:nowhere>", 5060)])
def test_who_answers_the_new_offer_may_be_elsewhere_by_now(stage: Stage, who: str, contact: str, port: int) -> None:
    """RFC 3261 §12.2.1.2: the Contact of the 2xx is where he is from then on, for the ACK too; if it is a place."""
    if who == "callee":
        other, this, offer = moved(stage)
    else:
        this, other = kept(stage)
        other.says(200)
        other.hears("ACK")
        offer = this.hears("INVITE")
    host = this.party.address[0]
    elsewhere = stage.party(host, port)
    this.answers(offer, 200, f"Contact: {contact.format(host)}", body=this.party.sdp)
    this.party = elsewhere
    assert this.hears("ACK").uri == f"sip:{host}:{port}"
    other.hangs_up()
    assert this.is_hung_up().uri == f"sip:{host}:{port}"


# ------------------------------------------------------------------------------------------------ offers that cross


def waits(stage: Stage, leg: Leg, shortest: float, longest: float) -> Wire:
    """The re-INVITE that comes again, not before and not after; a timer fires up to two ticks late."""
    ticks = 0
    while not leg.party.unheard:
        stage.pass_time(0)
        ticks += 1
        assert ticks * TICK < longest + 2.5 * TICK
    assert ticks * TICK > shortest - TICK / 2
    return leg.hears("INVITE")


@pytest.mark.parametrize("body", [None, b""], ids=["offer", "late offer"])
def test_an_offer_that_crosses_the_callers_comes_again(stage: Stage, body: bytes | None) -> None:
    """RFC 3261 §14.1: within two seconds, since the Call-ID is his."""
    caller, callee = kept(stage, body)
    callee.says(200)
    again = caller.hears("INVITE")
    for _ in range(3):
        caller.answers(again, 491)
        caller.hears("ACK")
        last, again = again, waits(stage, caller, 0, 2)
        assert (again.body, again.cseq) == (last.body, last.cseq + 1)
    caller.answers(again, 200, body=stage.carrier.sdp)
    caller.hears("ACK")
    callee.hears("ACK")
    is_over(caller, callee)
    assert stage.record.outcome == "answered"


@pytest.mark.parametrize("who", ["caller", "callee"])
def test_their_offer_that_crosses_ours_is_to_come_again(stage: Stage, who: str) -> None:
    """RFC 3261 §14.2: 491 while ours has no final answer; afterwards it goes on to the other side."""
    if who == "callee":
        other, this, offer = moved(stage)
    else:
        this, other = kept(stage)
        other.says(200)
        other.hears("ACK")
        offer = this.hears("INVITE")
    for answer in (100, 200):  # to ours, after theirs
        theirs = this.asks("INVITE", body=this.party.sdp)
        refusal = this.hears(491)
        this.party.says(this.request("ACK", branch=theirs.branch, seq=refusal.cseq))
        this.answers(offer, answer, body=this.party.sdp if answer == 200 else b"")
    this.hears("ACK")
    theirs = this.asks("INVITE", body=this.party.sdp)
    this.hears(100)
    other.answers(other.hears("INVITE"), 200, body=other.party.sdp)
    this.hears(200)
    this.ack()
    other.hears("ACK")
    other.hangs_up()
    this.is_hung_up()


def test_an_offer_that_crosses_the_callees_comes_again_later(stage: Stage) -> None:
    """RFC 3261 §14.1: after 2.1 to 4 s, since the Call-ID is ours."""
    caller, callee, offer = moved(stage)
    for _ in range(3):
        callee.answers(offer, 491)
        callee.hears("ACK")
        offer = waits(stage, callee, 2.1, 4)
    callee.answers(offer, 200, body=stage.premise.sdp)
    callee.hears("ACK")
    is_over(caller, callee)


def test_nothing_shortens_the_wait(stage: Stage) -> None:
    caller, callee, offer = moved(stage)
    callee.answers(offer, 491)
    callee.hears("ACK")
    caller.asks("NOTIFY", "Event: refer", "Subscription-State: active")
    caller.hears(200, "NOTIFY")
    callee.answers(waits(stage, callee, 2.1, 4), 200, body=stage.premise.sdp)
    callee.hears("ACK")
    is_over(caller, callee)


def test_offers_that_cross_without_end_are_a_refusal(stage: Stage) -> None:
    caller, callee = kept(stage)
    callee.says(200)
    callee.hears("ACK")
    caller.answers(caller.hears("INVITE"), 491)
    caller.hears("ACK")
    for _ in range(3):
        caller.answers(waits(stage, caller, 0, 2), 491)
        caller.hears("ACK")
    caller.is_hung_up()
    callee.is_hung_up()
    assert stage.record.reason.endswith("the caller refused the new media")


def test_a_caller_who_hangs_up_before_the_offer_comes_again(stage: Stage) -> None:
    caller, callee = kept(stage)
    callee.says(200)
    callee.hears("ACK")
    caller.answers(caller.hears("INVITE"), 491)
    caller.hears("ACK")
    is_over(caller, callee)
    stage.pass_time(2)
    caller.hears_nothing()


def test_a_caller_who_never_answers_the_offer_that_came_again(stage: Stage) -> None:
    """He has 64*T1 from that offer on, and not from the first."""
    caller, callee = kept(stage)
    callee.says(200)
    callee.hears("ACK")
    first = caller.hears("INVITE")
    caller.answers(first, 100)
    stage.pass_time(GIVE_UP - 3)
    caller.answers(first, 491)
    caller.hears("ACK")
    again = waits(stage, caller, 0, 2)
    stage.pass_time(GIVE_UP - 0.1)
    for _ in range(6):
        assert caller.hears("INVITE") == again
    caller.hears_nothing()
    stage.pass_time(0.1)
    caller.is_hung_up()
    callee.is_hung_up()
    assert stage.record.outcome == "failed"
