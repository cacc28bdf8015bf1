"""What goes wrong on the way, as often as it is told to and no more."""

from itertools import pairwise

import pytest

from state_client.simulator.faults import Answers, Disturbance, Line, WrongAnswer

MANY = 4000


def sent(disturbance: Disturbance, seed: int = 1) -> list[tuple[int, int]]:
    """(when it arrived, what it was) of events that were sent one a second, in order of arrival."""
    line: Line[int] = Line(disturbance, seed)
    arrived = []
    for now in range(MANY + 1000):
        if now < MANY:
            line.send(now, now)
        arrived += [(now, item) for item in line.due(now)]
    return arrived


def test_all_is_well_by_default() -> None:
    assert sent(Disturbance()) == [(now, now) for now in range(MANY)]


def test_lost_ones_never_come() -> None:
    arrived = [item for _, item in sent(Disturbance(lost=0.05))]
    assert len(arrived) == len(set(arrived)) == pytest.approx(MANY * 0.95, rel=0.02)


def test_doubled_ones_come_twice() -> None:
    arrived = [item for _, item in sent(Disturbance(doubled=0.05))]
    assert len(set(arrived)) == MANY
    assert len(arrived) == pytest.approx(MANY * 1.05, rel=0.02)


def test_disordered_ones_are_passed_by_later_ones() -> None:
    arrived = sent(Disturbance(disordered=0.1, disorder_secs=5))
    items = [item for _, item in arrived]
    assert sorted(items) == list(range(MANY))
    assert max(at - item for at, item in arrived) == 5
    passed = sum(later < earlier for earlier, later in pairwise(items))
    assert passed == pytest.approx(MANY * 0.08, rel=0.3)


def test_late_ones_come_much_later() -> None:
    late = [(at, item) for at, item in sent(Disturbance(late=0.02, late_secs=300)) if at != item]
    assert len(late) == pytest.approx(MANY * 0.02, rel=0.3)
    assert {at - item for at, item in late} == {300}


def test_the_same_seed_does_the_same() -> None:
    wrong = Disturbance(lost=0.05, doubled=0.05, disordered=0.1)
    assert sent(wrong, 3) == sent(wrong, 3)
    assert sent(wrong, 3) != sent(wrong, 4)


def test_some_are_signed_wrongly() -> None:
    line: Line[int] = Line(Disturbance(wrong_secret=0.25))
    assert sum(line.forged() for _ in range(MANY)) == pytest.approx(MANY / 4, rel=0.1)
    line.disturbance = Disturbance()
    assert not any(line.forged() for _ in range(MANY))


def test_wrong_answers_go_to_those_they_are_for_and_come_to_an_end() -> None:
    answers = Answers()
    answers.wrong = [WrongAnswer("/search", status=503, times=2), WrongAnswer("/v2/", "POST", 429, retry_after=7)]
    assert [bool(answers.pick("POST", "/search")) for _ in range(3)] == [True, True, False]
    assert answers.pick("GET", "/v2/subscriptions") is None
    picked = answers.pick("POST", "/v2/subscriptions")
    assert picked
    assert (picked.refusal.status, picked.refusal.headers) == (429, {"Retry-After": "7"})


def test_wrong_answers_go_to_a_share() -> None:
    answers = Answers()
    answers.wrong = [WrongAnswer(status=500, share=0.1)]
    assert sum(answers.pick("GET", "/") is not None for _ in range(MANY)) == pytest.approx(MANY / 10, rel=0.15)
