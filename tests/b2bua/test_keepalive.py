"""OPTIONS to targets, and what their answers make of the trunk."""

from collections.abc import Iterator
from typing import Any

import pytest

from edge_router.config.build import build
from edge_router.sip.timers import GIVE_UP
from edge_router.telemetry.metrics import Metrics
from tests.b2bua.conftest import OpenStage
from tests.b2bua.leg import Leg, Party
from tests.b2bua.stage import CLOUD_FIRST, REDIRECTED, Stage, configuration
from tests.end_to_end.wire import Wire, uri_of

KEEPALIVE = {"interval": "10s", "down_interval": "5s", "retries": 2, "fail_on": [503, 505, "timeout"], "up_after": 2}
ONE = {"targets": ["sip:198.51.100.21:5060"]}


def open_asking(open_stage: OpenStage, keepalive: dict[str, Any] = KEEPALIVE, **cloud: Any) -> Stage:
    stage = open_stage(cloud={**ONE, **cloud, "keepalive": keepalive})
    stage.router.follow(stage.router.routing)
    return stage


@pytest.fixture
def asking(open_stage: OpenStage) -> Iterator[Stage]:
    """A stage whose cloud has one target that is asked."""
    stage = open_asking(open_stage)
    yield stage
    stage.router.keepalives.stop()


def question(party: Party) -> Wire:
    """The OPTIONS that has come; repetitions of it are taken away."""
    assert party.unheard, "it was not asked"
    asked = party.unheard.pop(0)
    assert asked.method == "OPTIONS", asked
    party.unheard = [message for message in party.unheard if message.branch != asked.branch]
    return asked


def answer(party: Party, code: int, *headers: str) -> None:
    asked = question(party)
    leg = Leg(party, asked.get("Call-ID"), f"{asked.get('To')};tag=t", asked.get("From"), uri_of(asked.get("Contact")))
    leg.answers(asked, code, *headers)


def answers(stage: Stage, *codes: int, every: float = 10, party: Party | None = None) -> None:
    """It is asked so many times, and answers each time."""
    for code in codes:
        wait_for_question(stage, every, party)
        answer(party or stage.cloud, code)


def wait_for_question(stage: Stage, seconds: float, party: Party | None = None) -> None:
    party = party or stage.cloud
    for _ in range(round(seconds * 100) + 3):
        if party.unheard:
            return
        stage.pass_time(0)
    raise AssertionError(f"{party.place} was not asked within {seconds} s")


def up(stage: Stage) -> bool:
    return stage.router.routing.trunks["cloud"].up


def bring_down(stage: Stage) -> None:
    answers(stage, 503, 503)
    assert not up(stage)


def test_what_is_asked(asking: Stage) -> None:
    wait_for_question(asking, 10)
    asked = question(asking.cloud)
    assert asked.uri == "sip:198.51.100.21:5060"
    assert asked.get("To") == "<sip:198.51.100.21:5060>"
    assert asked.get("Contact") == "<sip:192.0.2.1:5060>"
    assert asked.get("Max-Forwards") == "70"
    assert "INVITE" in asked.get("Allow")
    assert "application/sdp" in asked.get("Accept")
    asking.router.keepalives.stop()


def test_who_answers_is_asked_at_the_interval(asking: Stage) -> None:
    answers(asking, 200)
    asking.pass_time(9.9)
    asking.hear_silence()
    answers(asking, 200, every=0.1)
    assert up(asking)


@pytest.mark.parametrize("code", [200, 403, 404, 405, 486, 500, 501, 603])
def test_any_answer_that_is_no_failure_shows_it_alive(asking: Stage, code: int) -> None:
    bring_down(asking)
    answers(asking, code, code, every=5)
    assert up(asking)


def test_down_after_failures_in_a_row_and_up_after_answers_in_a_row(
    asking: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", "edge_router"):
        answers(asking, 503, 200, 503)
        assert up(asking)
        answers(asking, 505, every=5)
        assert not up(asking)
        answers(asking, 503, 200, 503, 200, every=5)
        assert not up(asking)
        answers(asking, 200, every=5)
        assert up(asking)
    assert [record.getMessage() for record in caplog.records if "target" in record.getMessage()] == [
        "trunk cloud: target sip:198.51.100.21:5060 is down: 505 to OPTIONS",
        "trunk cloud: target sip:198.51.100.21:5060 is up again",
    ]


def test_who_is_down_is_asked_at_an_interval_of_its_own(open_stage: OpenStage) -> None:
    stage = open_asking(open_stage, {**KEEPALIVE, "interval": "2s", "down_interval": "10s"})
    answers(stage, 503, 503, every=2)
    stage.pass_time(9.9)
    stage.hear_silence()
    answers(stage, 200, every=0.2)
    stage.router.keepalives.stop()


def test_silence_is_a_failure_and_is_waited_for_no_longer_than_an_interval(asking: Stage) -> None:
    asking.line.deaf.add("198.51.100.21")
    asking.pass_time(10 + 10 + 5 + 0.1)  # when it was asked first, and the waits for the two answers
    assert not up(asking)
    assert asking.router.counts()["transactions"] == 1
    asking.line.deaf.clear()
    answers(asking, 200, 200, every=5)
    assert up(asking)


def test_where_silence_is_no_failure_it_says_nothing(open_stage: OpenStage) -> None:
    stage = open_asking(open_stage, {**KEEPALIVE, "fail_on": [503]})
    stage.line.deaf.add("198.51.100.21")
    stage.pass_time(60)
    assert up(stage)
    stage.router.keepalives.stop()


def test_who_cannot_be_reached_is_down_and_is_not_asked_without_pause(asking: Stage) -> None:
    asking.line.cut.add(asking.cloud.address)
    asking.pass_time(15.1)
    assert not up(asking)
    assert len(asking.cloud.unheard) == 0
    asking.line.cut.clear()
    answers(asking, 200, 200, every=5)
    assert up(asking)


def test_a_provisional_answer_is_none(asking: Stage) -> None:
    wait_for_question(asking, 10)
    asked = asking.cloud.unheard[0]
    leg = Leg(asking.cloud, asked.get("Call-ID"), f"{asked.get('To')};tag=t", asked.get("From"), "")
    leg.answers(asked, 100)
    assert question(asking.cloud) is asked
    asking.pass_time(10.1 + 5.1)
    asking.cloud.unheard.clear()
    assert not up(asking)


def test_an_answer_that_comes_too_late_counts_for_nothing(asking: Stage) -> None:
    wait_for_question(asking, 10)
    late = question(asking.cloud)
    asking.pass_time(10.1)
    leg = Leg(asking.cloud, late.get("Call-ID"), f"{late.get('To')};tag=t", late.get("From"), "")
    leg.answers(late, 200)
    asking.pass_time(5)
    asking.cloud.unheard.clear()
    assert not up(asking)


def test_a_call_does_not_try_who_is_down(asking: Stage) -> None:
    bring_down(asking)
    for _ in range(2):
        asking.pass_time(31)  # when a target that is not asked would be tried
        asking.cloud.unheard.clear()
        caller = asking.carrier.calls(CLOUD_FIRST)
        caller.hears(100)
        callee = asking.premise.is_called()
        asking.hear_silence()
        callee.refuses(486)
        caller.hears_refusal(486)
    assert asking.ear.records[0].reason == "cloud is down; premise: 486"


def test_a_redirect_does_not_lead_to_who_is_down(open_stage: OpenStage) -> None:
    stage = open_asking(open_stage, targets=["sip:198.51.100.21:5060", "sip:198.51.100.22:5060"])
    stage.line.deaf.add("198.51.100.21")
    answers(stage, 200, 200, 200, 200, every=10, party=stage.spare)
    caller = stage.carrier.calls(REDIRECTED)
    assert caller.hears_refusal(302).all("Contact") == [f"<sip:{REDIRECTED}@198.51.100.22:5060>;q=1.0"]
    assert stage.router.routing.trunks["cloud"].state == "partial"
    stage.router.keepalives.stop()


def test_a_call_that_is_refused_with_503_counts_too(asking: Stage) -> None:
    answers(asking, 503)
    caller = asking.carrier.calls(CLOUD_FIRST)
    asking.cloud.is_called().refuses(503)
    asking.premise.is_called().refuses(486)
    caller.hears(100)
    caller.hears_refusal(486)
    assert not up(asking)


def test_a_call_that_hears_nothing_counts_too(asking: Stage) -> None:
    answers(asking, 503)
    asking.line.deaf.add("198.51.100.21")
    caller = asking.carrier.calls(CLOUD_FIRST)
    caller.hears(100)
    asking.pass_time(2)
    assert not up(asking)
    asking.premise.is_called().refuses(486)
    caller.hears_refusal(486)
    asking.router.keepalives.stop()
    asking.pass_time(GIVE_UP)


def test_who_wants_quiet_is_neither_called_nor_asked(asking: Stage) -> None:
    wait_for_question(asking, 10)
    answer(asking.cloud, 503, "Retry-After: 60")
    assert not up(asking)
    asking.pass_time(59.9)
    asking.hear_silence()
    assert not up(asking)
    answers(asking, 200, every=0.2)
    assert up(asking)


def test_questions_are_spread_over_the_interval(open_stage: OpenStage) -> None:
    hosts = [f"198.51.100.{n}" for n in range(40, 60)]
    stage = open_asking(open_stage, targets=[f"sip:{host}:5060" for host in hosts])
    parties = [stage.party(host) for host in hosts]
    busiest = 0
    for _ in range(10):
        before = sum(len(party.unheard) for party in parties)
        stage.pass_time(0.99)
        for party in parties:
            del party.unheard[1:]  # repetitions
        busiest = max(busiest, sum(len(party.unheard) for party in parties) - before)
    assert all(party.unheard for party in parties)
    assert busiest <= 3
    for party in parties:
        party.unheard.clear()
    stage.router.keepalives.stop()


def reload(stage: Stage, **cloud: Any) -> None:
    config = configuration(cloud={**ONE, **cloud})
    stage.router.follow(build(config, stage.clock, stage.router.routing))


def test_a_reload_keeps_what_is_known_and_changes_the_interval(asking: Stage) -> None:
    bring_down(asking)
    reload(asking, keepalive={**KEEPALIVE, "down_interval": "2s", "interval": "3s"})
    assert not up(asking)
    answers(asking, 200, 200, every=2)
    assert up(asking)
    answers(asking, 200, 200, every=3)


def test_after_a_reload_it_is_not_asked_at_the_old_interval_too(asking: Stage) -> None:
    answers(asking, 200)
    reload(asking, keepalive={**KEEPALIVE, "interval": "3s"})
    answers(asking, 200, 200, 200, every=3)
    asking.pass_time(2.9)
    asking.hear_silence()


def test_a_reload_while_an_answer_is_waited_for_asks_nothing_twice(asking: Stage) -> None:
    wait_for_question(asking, 10)
    reload(asking, keepalive=KEEPALIVE)
    answer(asking.cloud, 200)
    asking.pass_time(9.9)
    asking.hear_silence()


def test_a_reload_without_keepalive_asks_no_more_and_has_a_call_find_out(asking: Stage) -> None:
    bring_down(asking)
    reload(asking)
    asking.pass_time(30)
    asking.hear_silence()
    assert up(asking)


def test_a_reload_asks_new_targets_and_old_ones_no_more(asking: Stage) -> None:
    reload(asking, targets=["sip:198.51.100.22:5060"], keepalive=KEEPALIVE)
    asking.pass_time(10)
    assert asking.cloud.unheard == []
    question(asking.spare)


def test_one_that_waits_for_an_answer_when_all_stops_waits_no_more(asking: Stage) -> None:
    wait_for_question(asking, 10)
    question(asking.cloud)
    asking.router.keepalives.stop()
    assert asking.router.transactions.unanswered == 0
    asking.router.follow(asking.router.routing)
    asking.pass_time(10)
    asking.hear_silence()


def test_a_drain_goes_on_asking_and_answering(asking: Stage) -> None:
    asking.router.draining = True
    answers(asking, 200, 200)
    leg = Leg(asking.carrier, "ping", "<sip:a@198.51.100.1>;tag=1", "<sip:192.0.2.1>", "sip:192.0.2.1:5060")
    leg.asks("OPTIONS")
    assert asking.carrier.unheard.pop(0).code == 503


def test_what_is_asked_and_answered_is_counted_for_its_trunk(asking: Stage) -> None:
    asking.router.observer = metrics = Metrics("1")
    answers(asking, 200)
    text = "\n".join(str(family) for family in metrics.collect())
    assert "'method': 'OPTIONS', 'trunk': 'cloud'" in text
    assert "'method': 'OPTIONS', 'code': '200', 'trunk': 'cloud'" in text
