"""CANCEL: the caller is released at once, the callee when RFC 3261 §9.1 allows."""

import pytest

from tests.end_to_end.block import Block
from tests.end_to_end.configuration import front_door
from tests.end_to_end.leg import Leg, reason_of
from tests.end_to_end.site import Site
from tests.end_to_end.wire import Wire, tag_of

NUMBER = "+1800555"


def configuration(block: Block) -> str:
    return front_door(block)


def check_cancelled(caller: Leg) -> Wire:
    """The caller's side of a CANCEL: 200 to it and 487 to the INVITE, both with no word from the callee."""
    caller.expect(200, method="CANCEL")
    final = caller.expect(487)
    caller.ack(final)
    return final


def check_cancel_of(callee: Leg) -> Wire:
    """The CANCEL belongs to the INVITE that this callee got (RFC 3261 §9.1)."""
    cancel = callee.expect("CANCEL")
    invite = callee.opening
    assert invite is not None
    assert (cancel.uri, cancel.branch, cancel.cseq) == (invite.uri, invite.branch, invite.cseq)
    assert [cancel.get(name) for name in ("From", "To", "Via")] == [invite.get(name) for name in ("From", "To", "Via")]
    assert not cancel.all("Require")
    assert not cancel.all("Contact")
    return cancel


def test_cancel_while_it_rings(site: Site) -> None:
    caller = site.caller(NUMBER)
    caller.invite()
    callee = site.callee(site.premise, caller)
    callee.answer(180)
    ringing = caller.expect(180)
    caller.cancel([("Reason", "SIP;cause=200")])
    final = check_cancelled(caller)
    assert tag_of(final.get("To")) == tag_of(ringing.get("To"))
    cancel = check_cancel_of(callee)
    assert reason_of(cancel) == {"SIP": "cause=200"}
    callee.reply(cancel, 200)
    callee.answer(487)
    callee.expect("ACK")


def test_cancel_waits_for_the_callees_first_provisional(site: Site) -> None:
    caller = site.caller(NUMBER)
    caller.invite()
    callee = site.callee(site.premise, caller)
    caller.cancel()
    check_cancelled(caller)
    site.settled()
    assert callee.heard("CANCEL") == []
    callee.answer(100)
    callee.reply(check_cancel_of(callee), 200)
    callee.answer(487)
    callee.expect("ACK")


def test_a_cancelled_callee_that_refuses_at_once_is_not_cancelled_any_more(site: Site) -> None:
    caller = site.caller(NUMBER)
    caller.invite()
    callee = site.callee(site.premise, caller)
    caller.cancel()
    check_cancelled(caller)
    callee.answer(486)
    callee.expect("ACK")
    site.settled()
    assert callee.heard("CANCEL") == []


@pytest.mark.parametrize("rang", [True, False], ids=["after ringing", "as the first thing it says"])
def test_an_answer_that_crosses_the_cancel_is_acknowledged_and_ended(site: Site, rang: bool) -> None:
    caller = site.caller(NUMBER)
    caller.invite()
    callee = site.callee(site.premise, caller)
    if rang:
        callee.answer(180)
        caller.expect(180)
    caller.cancel()
    check_cancelled(caller)
    if rang:
        callee.expect("CANCEL")
    callee.answer(200)
    callee.expect("ACK")
    callee.hears_of_end()
    site.settled()
    assert caller.heard(200) == []


def test_a_cancel_that_comes_after_the_answer_changes_nothing(site: Site) -> None:
    """RFC 3261 §9.2: the CANCEL is answered, the call goes on."""
    caller = site.caller(NUMBER)
    caller.invite()
    callee = site.callee(site.premise, caller)
    callee.answer(200)
    answer = caller.expect(200)
    caller.cancel()
    assert caller.expect_final("CANCEL").code == 200
    caller.ack(answer)
    callee.expect("ACK")
    site.settled()
    assert callee.heard("CANCEL") == callee.heard("BYE") == []
    site.ends(caller, callee)
