"""A clock of ours that isn't the cloud's: what happens there is news here all the same, and as old as it is."""

import logging
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from email.utils import formatdate

import pytest

from state_client.rows import QueueRow
from state_client.simulator.script import Script
from state_client.simulator.server import Simulator
from state_client.webex import search
from state_client.webex import source as source_module
from state_client.webex.cloud_clock import NEAR, PROMPT, CloudClock
from state_client.webex.source import WebexSource
from tests.state_client.tidings import task
from tests.state_client.webex.following import age, subscribed, support, until, waits

OURS = 1_700_000_000.0


class Told:
    """A clock of the cloud's, and how often it moved."""

    def __init__(self) -> None:
        self.moves = 0
        self.clock = CloudClock(lambda: OURS, self.moved)

    def moved(self) -> None:
        self.moves += 1

    def date(self, there: float, asked: float = OURS, answered: float = OURS) -> None:
        self.clock.note(formatdate(there, usegmt=True), asked, answered)


def test_two_answers_in_a_row_are_believed() -> None:
    told = Told()
    told.date(OURS - 60)
    assert (told.clock(), told.moves) == (OURS, 0)
    told.date(OURS - 60)
    assert told.clock() == pytest.approx(OURS - 60, abs=1)
    assert told.moves == 1
    for _ in range(2):
        told.date(OURS + 90)
    assert told.clock() == pytest.approx(OURS + 90, abs=1)


def test_one_answer_that_is_out_of_line_is_not() -> None:
    told = Told()
    for there in (OURS, OURS - 3600, OURS, OURS - 3600, OURS + 7200, OURS - 3600):
        told.date(there)
    assert (told.clock(), told.moves) == (OURS, 0)


def test_clocks_that_hardly_differ_are_the_same() -> None:
    told = Told()
    for second in (-1, 0, 1, -1, -1, 1, 1):
        told.date(OURS + second)
    assert (told.clock.ahead, told.moves) == (0.0, 0)
    for second in (-60, -60, -61, -59, -61):
        told.date(OURS + second)
    assert told.moves == 1


def test_a_clock_that_was_put_right_is_right(caplog: pytest.LogCaptureFixture) -> None:
    told = Told()
    with caplog.at_level(logging.INFO):
        for there in (OURS - 60, OURS - 60, OURS, OURS):
            told.date(there)
    assert (told.clock.ahead, told.moves) == (0.0, 2)
    assert "our clock is 60 s ahead of the cloud's" in caplog.text
    assert "our clock is right again" in caplog.text


def test_an_answer_that_was_long_on_its_way_says_nothing() -> None:
    told = Told()
    for _ in range(3):
        told.date(OURS - 60, OURS, OURS + PROMPT + 0.1)
        told.date(OURS - 60, OURS, OURS - 1)  # the clock was set back meanwhile
    assert told.moves == 0


@pytest.mark.parametrize("date", ["", "yesterday", "Mon, 99 Foo 2026 00:00:00 GMT", "0"])
def test_a_date_that_is_none_says_nothing(date: str) -> None:
    told = Told()
    for _ in range(3):
        told.clock.note(date, OURS, OURS)
    assert told.moves == 0


# ------------------------------------------------------------------------------------------------ a source


def test_what_is_of_a_time_to_come_is_so_by_the_clouds_clock(source: WebexSource) -> None:
    now = time.time()
    source._there.ahead = 60.0
    source.centre.configure([QueueRow("q", "Support")], [])
    most = source.settings.clock_tolerance - 60.0
    assert source._apply(task("1", "parked", now + most - 1, "q"), now) == "applied"
    assert source._apply(task("1", "ended", now + most + 1), now) == "stale"


class There:
    """The cloud's clock."""

    def __init__(self, behind: float) -> None:
        self.behind = behind

    def __call__(self) -> float:
        return time.time() - self.behind


@pytest.fixture(params=[60.0, -60.0], ids=["we are ahead", "we are behind"])
def there(request: pytest.FixtureRequest) -> There:
    return There(request.param)


@pytest.fixture
async def simulator(there: There) -> AsyncIterator[Simulator]:
    simulator = Simulator(Script(load=0.0, rest=0.0, outdial=0.0), lag=0.0, per_minute=100_000, clock=there)
    await simulator.start()
    yield simulator
    await simulator.close()


@pytest.mark.usefixtures("impatient")
async def test_events_after_a_search_are_news_and_as_old_as_they_are(
    source: WebexSource, simulator: Simulator, there: There, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a search shows without saying when that was is as of when it was asked for, in the cloud's clock."""
    monkeypatch.setattr(source_module, "SOONEST_AGAIN", 3600.0)  # no comparison but the first has a part in it
    monkeypatch.setattr(search, "ACTIVE_TASKS", search.ACTIVE_TASKS.replace("lastActivityTime", ""))
    source.settings = replace(source.settings, confirm_every=3600.0)
    (caller,) = waits(simulator)
    there.behind -= 3.0  # a date is to the second, so that what was just now isn't searched for
    await source.start()
    await until(source.seeded.is_set)
    await subscribed(source, simulator)
    await until(lambda: support(source).length == 1)
    assert age(source) < 15, "as old as a search may lag behind, and a little"
    assert support(source).longest_wait < 15
    simulator.cloud.world.hang_up(caller)
    simulator.cloud.advance()
    await until(lambda: source.inbox.counts["task:ended", "applied"] + source.inbox.counts["task:ended", "late"])
    assert source.inbox.counts["task:ended", "late"] == 0
    assert support(source).length == 0
    waits(simulator)
    await until(lambda: support(source).length == 1)
    assert age(source) < NEAR + 1
