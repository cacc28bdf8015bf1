"""Several early dialogs behind a forking proxy: each request of ours is of one of them, and counts there alone."""

import pytest

from tests.b2bua.challenge import FILES, LOGIN, asking, assert_answers
from tests.b2bua.conftest import OpenStage
from tests.b2bua.in_call import part
from tests.b2bua.leg import Leg
from tests.b2bua.reliable import SPEAKS, calls, is_answered, pracked, pracks, rang, rings
from tests.b2bua.stage import Stage


@pytest.fixture
def asked(open_stage: OpenStage) -> Stage:
    """A premise that may ask who we are."""
    return open_stage(FILES, premise=LOGIN)


def forks(callee: Leg, name: str = "f") -> Leg:
    """Somebody else whom a proxy has sent the same INVITE to."""
    leg = Leg(callee.party, callee.call_id, f"{callee.local}-{name}", callee.remote, callee.target)
    leg.invite = callee.invite
    return leg


def test_a_prack_of_ours_that_is_challenged_counts_on_in_its_own_early_dialog(asked: Stage) -> None:
    """Though another has rung since: else the next one would bear the same number again (RFC 3261 §12.2.1.1)."""
    caller, first = calls(asked)
    second = forks(first)
    rings(first, 1, 180)
    prack = first.hears("PRACK")
    rings(second, 1, 181)
    other = second.hears("PRACK")
    first.answers(prack, 401, asking())
    again = first.hears("PRACK")
    assert_answers(again)
    assert (again.cseq, again.get("To"), again.get("RAck")) == (prack.cseq + 1, first.local, prack.get("RAck"))
    first.answers(again, 200)
    second.answers(other, 200)
    rings(first, 2, 182)
    assert pracked(first, 2).cseq == again.cseq + 1
    rings(second, 2, 183)
    assert pracked(second, 2).cseq == other.cseq + 1
    for code in (180, 181, 182, 183):
        caller.hears(code)
    is_answered(caller, first)
    part(caller, first)


def test_a_prack_of_his_that_is_challenged_counts_on_there_too(asked: Stage) -> None:
    caller, first = calls(asked, SPEAKS)
    second = forks(first)
    rings(first, 1, 180)
    pracks(caller, rang(caller, 180))
    prack = first.hears("PRACK")
    rings(second, 1, 181)
    ringing = rang(caller, 181)
    first.answers(prack, 401, asking())
    again = first.hears("PRACK")
    assert_answers(again)
    assert (again.cseq, again.get("To"), again.get("RAck")) == (prack.cseq + 1, first.local, prack.get("RAck"))
    first.answers(again, 200)
    caller.hears(200, "PRACK")
    pracks(caller, ringing)
    other = pracked(second, 1)
    caller.hears(200, "PRACK")
    for leg, last in ((first, again), (second, other)):
        rings(leg, 2, 182)
        pracks(caller, rang(caller, 182))
        assert pracked(leg, 2).cseq == last.cseq + 1
        caller.hears(200, "PRACK")
    is_answered(caller, first)
    part(caller, first)


@pytest.mark.parametrize("method", ["INFO", "UPDATE"])
def test_a_request_that_is_challenged_counts_on_there_too(asked: Stage, method: str) -> None:
    caller, first = calls(asked)
    second = forks(first)
    first.says(180)
    caller.hears(180)
    caller.asks(method)
    request = first.hears(method)
    second.says(181)
    caller.hears(181)
    caller.asks("MESSAGE")
    message = second.hears("MESSAGE")
    first.answers(request, 401, asking())
    again = first.hears(method)
    assert again.cseq == request.cseq + 1
    first.answers(again, 200)
    caller.hears(200, method)
    second.answers(message, 200)
    caller.hears(200, "MESSAGE")
    first.says(182)
    caller.hears(182)
    caller.asks("INFO")
    last = first.hears("INFO")
    assert last.cseq == again.cseq + 1
    first.answers(last, 200)
    caller.hears(200, "INFO")
    is_answered(caller, first)
    part(caller, first)


def is_asked(caller: Leg, callee: Leg) -> None:
    """This one is the last who rang: what the caller asks goes to him."""
    caller.asks("INFO")
    info = callee.hears("INFO")
    assert info.get("To") == callee.local
    callee.answers(info, 200)
    caller.hears(200, "INFO")


def test_a_prack_of_his_goes_to_whom_it_is_for_and_who_rang_last_stays_the_last(stage: Stage) -> None:
    caller, first = calls(stage, SPEAKS)
    second = forks(first)
    rings(first, 1, 180)
    ringing = rang(caller, 180)
    rings(second, 1, 181)
    pracks(caller, ringing)
    pracked(first, 1)
    ringing = rang(caller, 181)
    caller.hears(200, "PRACK")
    is_asked(caller, second)
    pracks(caller, ringing)
    pracked(second, 1)
    caller.hears(200, "PRACK")
    is_answered(caller, second)
    part(caller, second)


def test_a_prack_of_ours_goes_to_whom_it_is_for_and_who_rang_last_stays_the_last(stage: Stage) -> None:
    """The caller's own can't go on, since it offers while his UPDATE is open; somebody else has rung since."""
    caller, first = calls(stage, SPEAKS)
    second = forks(first)
    rings(first, 1, body=first.party.sdp)
    pracks(caller, rang(caller))
    pracked(first, 1)
    caller.hears(200, "PRACK")
    caller.asks("UPDATE", body=caller.party.sdp)
    update = first.hears("UPDATE")
    rings(first, 2, 180)
    ringing = rang(caller, 180)
    rings(second, 1, 181)
    pracks(caller, ringing, body=caller.party.sdp)
    caller.hears(491, "PRACK")
    pracked(first, 2)
    second.hears_nothing()
    ringing = rang(caller, 181)
    is_asked(caller, second)
    pracks(caller, ringing)
    pracked(second, 1)
    caller.hears(200, "PRACK")
    first.answers(update, 200, body=first.party.sdp)
    caller.hears(200, "UPDATE")
    is_answered(caller, first, b"")
    part(caller, first)
