"""The caller gives up before the answer: CANCEL, or BYE in the early dialog, and what it meets on its way."""

import pytest

from edge_router.config.build import build
from edge_router.sip.timers import GIVE_UP, T1
from tests.b2bua.leg import Leg
from tests.b2bua.stage import CLOUD_FIRST, PREMISE_ONLY, Stage, configuration
from tests.end_to_end.wire import tag_of

REL = b"\x0c\x02\x00\x02\x80\x90"


def gives_up(caller: Leg, *headers: str) -> None:
    """CANCELs, and hears what he is owed at once, whatever the callee does (RFC 3261 §9.2)."""
    caller.cancel(*headers)
    taken = caller.hears(200, "CANCEL")
    assert tag_of(taken.get("To")) == tag_of(caller.hears_refusal(487).get("To"))


def is_cancelled_by_caller(stage: Stage) -> None:
    record = stage.record
    assert (record.outcome, record.ended_by, record.code, record.answer) == ("cancelled", "caller", 487, None)


@pytest.mark.parametrize("code", [100, 180, 183])
def test_after_a_provisional_answer(stage: Stage, code: int) -> None:
    caller = stage.carrier.calls(PREMISE_ONLY)
    caller.hears(100)
    callee = stage.premise.is_called()
    callee.says(code)
    if code > 100:
        caller.hears(code)
    reasons = ["SIP;cause=200", "Q.850;cause=26"]
    gives_up(caller, *(f"Reason: {reason}" for reason in reasons))
    assert callee.is_cancelled().all("Reason") == reasons
    is_cancelled_by_caller(stage)
    assert stage.record.cause == 26


def test_the_cancel_is_of_the_callees_invite(stage: Stage) -> None:
    """RFC 3261 §9.1: the same Request-URI, Via, From, To, Call-ID and CSeq number."""
    caller, callee = stage.ringing()
    gives_up(caller)
    cancel = callee.hears("CANCEL")
    invite = callee.invite
    assert cancel.uri == invite.uri
    assert [cancel.get(name) for name in ("Via", "From", "To", "Call-ID")] == [
        invite.get(name) for name in ("Via", "From", "To", "Call-ID")
    ]
    assert cancel.cseq == invite.cseq
    callee.answers(cancel, 200)
    callee.refuses(487)


@pytest.mark.parametrize("code", [100, 180])
def test_before_any_provisional_answer_it_waits_for_one(stage: Stage, code: int) -> None:
    caller = stage.carrier.calls(PREMISE_ONLY)
    caller.hears(100)
    callee = stage.premise.is_called()
    gives_up(caller)
    callee.hears_nothing()
    stage.pass_time(T1)
    callee.hears("INVITE")  # whether he got it is not known yet
    callee.says(code)
    callee.is_cancelled()
    is_cancelled_by_caller(stage)


def test_a_callee_who_never_says_a_word_is_never_cancelled(stage: Stage) -> None:
    caller = stage.carrier.calls(PREMISE_ONLY)
    caller.hears(100)
    callee = stage.premise.is_called()
    gives_up(caller)
    stage.pass_time(GIVE_UP)
    for _ in range(6):
        callee.hears("INVITE")


def test_a_callee_who_takes_the_cancel_and_never_ends_his_invite(stage: Stage) -> None:
    """RFC 3261 §9.1: 64*T1 after the CANCEL the INVITE counts as cancelled."""
    caller, callee = stage.ringing()
    gives_up(caller)
    callee.answers(callee.hears("CANCEL"), 200)
    callee.says(180)
    stage.pass_time(GIVE_UP)
    callee.says(200)
    callee.hears_nothing()
    assert stage.ear.refused["stray response"] == 1


@pytest.mark.parametrize("rang", [False, True])
@pytest.mark.parametrize("knows_of_it", [200, 481])
def test_it_crosses_the_callees_answer(stage: Stage, rang: bool, knows_of_it: int) -> None:
    caller = stage.carrier.calls(PREMISE_ONLY)
    caller.hears(100)
    callee = stage.premise.is_called()
    if rang:
        callee.says(180)
        caller.hears(180)
    gives_up(caller)
    callee.says(200)
    if rang:
        callee.answers(callee.hears("CANCEL"), knows_of_it)
    ack = callee.hears("ACK")
    bye = callee.hears("BYE")
    callee.says(200)
    assert callee.hears("ACK") == ack
    callee.answers(bye, 200)
    caller.hears_nothing()
    is_cancelled_by_caller(stage)


@pytest.mark.parametrize("code", [486, 503])
def test_it_crosses_the_callees_refusal(stage: Stage, code: int) -> None:
    caller, callee = stage.ringing(CLOUD_FIRST, stage.cloud)
    gives_up(caller)
    callee.answers(callee.hears("CANCEL"), 481)
    callee.refuses(code)
    is_cancelled_by_caller(stage)  # and nobody else is tried


def test_after_the_answer_it_changes_nothing(stage: Stage) -> None:
    caller, callee = stage.ringing()
    callee.says(200)
    caller.hears(200)
    caller.cancel()
    caller.hears(200, "CANCEL")
    caller.ack()
    callee.hears("ACK")
    stage.pass_time(60)
    caller.cancel()
    caller.hears(481, "CANCEL")
    caller.hangs_up()
    callee.is_hung_up()
    assert stage.record.outcome == "answered"


@pytest.mark.parametrize(("seconds", "code"), [(1, 200), (60, 481)])
def test_of_an_invite_that_was_refused_already(stage: Stage, seconds: int, code: int) -> None:
    caller, callee = stage.ringing()
    callee.refuses(486)
    refusal = caller.hears_refusal(486)
    stage.pass_time(seconds)
    caller.cancel()
    answer = caller.hears(code, "CANCEL")
    assert (answer.get("To") == refusal.get("To")) is (code == 200)  # RFC 3261 §9.2
    assert stage.record.outcome == "failed"


def test_of_nothing(stage: Stage) -> None:
    caller, callee = stage.ringing()
    caller.invite = caller.invite.with_headers(("Via", caller.invite.get("Via").replace("z9hG4bK", "z9hG4bK-x")))
    caller.cancel()
    caller.hears(481, "CANCEL")
    callee.refuses(486)
    caller.hears(486)
    stage.carrier.says(caller.request("ACK", branch=caller.final.branch, seq=1))


def test_a_storm_of_it_ends_the_call_once(stage: Stage) -> None:
    caller, callee = stage.ringing()
    cancel = caller.cancel()
    first = caller.hears(200, "CANCEL")
    caller.hears_refusal(487)
    callee.is_cancelled()
    for _ in range(1000):
        stage.carrier.says(cancel)
        assert caller.hears(200, "CANCEL") == first
    is_cancelled_by_caller(stage)
    assert stage.router.counts()["transactions"] <= 4  # of both INVITEs and both CANCELs


def test_from_another_address_it_changes_nothing(stage: Stage) -> None:
    """CANCEL is believed by branch and source: nothing else in it is a secret."""
    caller, callee = stage.ringing()
    stage.router.receive(caller.cancellation().encode(), stage.premise.address, stage.line)
    stage.router.receive(caller.cancellation().encode(), ("203.0.113.66", 5060), stage.line)
    assert stage.ear.refused == {"CANCEL from another source": 1, "unknown source": 1}
    callee.hears_nothing()
    gives_up(caller)  # and the true one is not taken for its copy
    callee.is_cancelled()


def test_from_another_port_of_the_caller_it_counts(stage: Stage) -> None:
    """A trunk's source is an address, and NAT may have given the caller another port meanwhile."""
    caller, callee = stage.ringing()
    elsewhere = stage.party(stage.carrier.address[0], 5099)
    elsewhere.says(caller.cancellation())
    assert elsewhere.unheard.pop().code == 200
    caller.hears_refusal(487)
    callee.is_cancelled()
    is_cancelled_by_caller(stage)


def test_a_bye_in_the_early_dialog_is_one_too(stage: Stage) -> None:
    """RFC 3261 §15: a caller may end an early dialog by BYE."""
    caller, callee = stage.ringing()
    caller.asks("BYE", "Reason: Q.850;cause=16", "Content-Type: application/isup", body=REL)
    caller.hears(200, "BYE")
    caller.hears_refusal(487)
    assert callee.is_cancelled().get("Reason") == "Q.850;cause=16"
    is_cancelled_by_caller(stage)


def test_while_the_second_target_rings(stage: Stage) -> None:
    caller = stage.carrier.calls(CLOUD_FIRST)
    caller.hears(100)
    stage.cloud.is_called().refuses(500)
    second = stage.spare.is_called()
    second.says(180)
    caller.hears(180)
    gives_up(caller)
    second.is_cancelled()
    is_cancelled_by_caller(stage)
    assert [attempt.code for attempt in stage.record.attempts] == [500, None]


def test_a_target_given_up_is_not_cancelled_twice(stage: Stage) -> None:
    caller = stage.carrier.calls(CLOUD_FIRST)
    caller.hears(100)
    first = stage.cloud.is_called()
    first.says(100)
    stage.pass_time(6)
    first.is_cancelled()
    second = stage.spare.is_called()
    second.says(180)
    caller.hears(180)
    gives_up(caller)
    second.is_cancelled()
    first.hears_nothing()


def test_after_a_reload_that_took_the_caller_away_he_can_still_cancel(stage: Stage) -> None:
    """A call in progress keeps what it began with."""
    caller, callee = stage.ringing()
    elsewhere = configuration(carrier={"targets": ["sip:203.0.113.9:5060"]})
    stage.router.routing = build(elsewhere, stage.clock, stage.router.routing)
    gives_up(caller)
    callee.is_cancelled()
