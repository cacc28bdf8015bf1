"""Several answers to one INVITE, from behind a forking proxy: the first has the call (RFC 3261 §13.2.2.4)."""

import pytest

from tests.b2bua.conftest import OpenStage
from tests.b2bua.leg import Leg
from tests.b2bua.stage import CLOUD_FIRST, Stage
from tests.end_to_end.wire import origin, sdp


def fork(callee: Leg, name: str = "f") -> Leg:
    """Another who rings behind the same proxy."""
    leg = Leg(callee.party, callee.call_id, f"{callee.local}-{name}", callee.remote, callee.target)
    leg.invite = callee.invite
    return leg


def is_turned_away(loser: Leg) -> None:
    """Hears ACK and BYE in his own dialog."""
    assert loser.hears("ACK").get("To") == loser.local
    assert loser.is_hung_up().get("To") == loser.local


def part(caller: Leg, winner: Leg) -> None:
    caller.hears_nothing()
    caller.hangs_up()
    assert winner.is_hung_up().get("To") == winner.local


def test_who_answers_first_has_the_call_whoever_rang_first(stage: Stage) -> None:
    """The caller has early media of the one, the answer of the other, and hears of one session."""
    caller, first = stage.ringing()
    second = fork(first)
    first.says(183, body=sdp("198.51.100.31", session=1))
    user, session, version, host = origin(caller.hears(183).body)
    second.says(183, body=sdp("198.51.100.31", session=2))
    assert origin(caller.hears(183).body) == (user, session, version + 1, host)
    second.says(200, body=sdp("198.51.100.31", session=2))
    assert origin(caller.hears(200).body) == (user, session, version + 1, host)
    first.says(200, body=sdp("198.51.100.31", session=1))
    is_turned_away(first)
    caller.ack()
    assert second.hears("ACK").get("To") == second.local
    part(caller, second)


@pytest.mark.parametrize("body", [None, b""], ids=["offer", "late offer"])
def test_the_loser_is_turned_away_though_the_caller_has_not_acknowledged_the_winner(
    stage: Stage, body: bytes | None
) -> None:
    caller = stage.carrier.calls(CLOUD_FIRST, body=body)
    caller.hears(100)
    first = stage.cloud.is_called()
    second = fork(first)
    first.says(200)
    caller.hears(200)
    second.says(200)
    is_turned_away(second)
    caller.ack(body=stage.carrier.sdp if body is not None else b"")
    first.hears("ACK")
    part(caller, first)


def test_the_loser_may_be_late_as_the_call_is_over(stage: Stage) -> None:
    caller, first = stage.connected()
    second = fork(first)
    part(caller, first)
    second.says(200)
    is_turned_away(second)
    assert stage.record.outcome == "answered"


def test_several_losers_are_turned_away_each(stage: Stage) -> None:
    caller, first = stage.connected()
    for loser in [fork(first, f"f{number}") for number in range(4)]:
        loser.says(200)
        is_turned_away(loser)
        loser.says(200)
        loser.hears_nothing()  # its BYE is under way
    part(caller, first)


def test_all_that_answer_a_cancelled_call_are_turned_away(stage: Stage) -> None:
    """Their 200s cross the CANCEL."""
    caller, first = stage.ringing()
    second = fork(first)
    caller.cancel()
    caller.hears(200, "CANCEL")
    caller.hears_refusal(487)
    first.answers(first.hears("CANCEL"), 200)
    for each in (second, first):
        each.says(200)
        is_turned_away(each)
    assert stage.record.outcome == "cancelled"


def test_what_a_loser_says_within_its_dialog_is_not_the_winners(stage: Stage) -> None:
    caller, first = stage.connected()
    second = fork(first)
    second.says(200)
    is_turned_away(second)
    for method in ("INFO", "INVITE", "BYE"):
        second.asks(method)
        second.hears(481, method)
        if method == "INVITE":
            second.ack()
    part(caller, first)


def test_a_loser_that_rang_and_is_late_with_a_refusal_changes_nothing(stage: Stage) -> None:
    """A proxy sends on one final answer other than 2xx, and none after a 2xx; who does has no say."""
    caller, first = stage.connected()
    second = fork(first)
    second.says(486)
    part(caller, first)


@pytest.mark.parametrize("rescued", [False, True])
def test_a_loser_of_a_call_that_the_winner_drops(open_stage: OpenStage, rescued: bool) -> None:
    """Who comes late gets no call that goes elsewhere by then."""
    stage = open_stage(peers=[{"name": "cloud", "outgoing": {"trunk": "cloud"}, **({"rescue": {}} if rescued else {})}])
    caller, first = stage.connected(CLOUD_FIRST, stage.cloud)
    second = fork(first)
    first.hangs_up("Reason: Q.850;cause=41")
    if not rescued:
        caller.is_hung_up()
        second.says(200)
        is_turned_away(second)
        return
    callee = stage.premise.is_called()
    second.says(200)
    is_turned_away(second)
    callee.says(200)
    callee.hears("ACK")
    caller.answers(caller.hears("INVITE"), 200, body=stage.carrier.sdp)
    caller.hears("ACK")
    part(caller, callee)


def test_an_answer_behind_a_redirection_comes_too_late(stage: Stage) -> None:
    """One branch redirects and another answers all the same: there is no INVITE any more that it could answer."""
    caller = stage.carrier.calls(CLOUD_FIRST)
    caller.hears(100)
    first = stage.cloud.is_called()
    first.refuses(302, "Contact: <sip:198.51.100.22>")
    callee = stage.spare.is_called()
    late = fork(first)
    late.says(200)
    late.hears_nothing()
    callee.says(200)
    caller.hears(200)
    caller.ack()
    callee.hears("ACK")
    part(caller, callee)
