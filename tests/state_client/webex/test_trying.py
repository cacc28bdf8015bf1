"""What fails, in words: as long as it fails, and each fault once."""

import logging

import pytest

from state_client.simulator.faults import WrongAnswer
from state_client.simulator.server import Simulator
from state_client.webex.errors import NotAuthorised, Unreachable, WebexError, postponed
from state_client.webex.source import WebexSource
from state_client.webex.trying import SAY_AGAIN, Trying
from tests.state_client.webex.following import until


class Stage:
    """Things that fail or don't, on a clock."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0
        self.trying = Trying(lambda: self.now)

    async def fails(self, what: str, error: Exception) -> None:
        async def do() -> None:
            raise error

        assert not await self.trying.once(what, do())

    async def works(self, what: str) -> None:
        async def do() -> None:
            pass

        assert await self.trying.once(what, do())


async def test_a_fault_of_several_is_said_once() -> None:
    stage = Stage()
    first = Unreachable("token", 503, "id-1", "maintenance")
    await stage.fails("confirming", first)
    await stage.fails("comparing", postponed(first, 17.0))
    await stage.fails("looking", postponed(first, 16.0))
    assert stage.trying.words == ["Webex token: 503 maintenance (TrackingId id-1)"]
    await stage.fails("subscribing", Unreachable("list-subscriptions", 503, "id-2", "maintenance"))
    await stage.fails("settling", ValueError("odd"))
    assert stage.trying.words[1:] == ["Webex list-subscriptions: 503 maintenance (TrackingId id-2)", "odd"]


async def test_it_is_said_until_all_work_again() -> None:
    stage = Stage()
    for what in ("confirming", "comparing"):
        await stage.fails(what, Unreachable("token", 503, "", "maintenance"))
    await stage.works("confirming")
    assert len(stage.trying.words) == 1
    assert "comparing" in stage.trying
    await stage.works("comparing")
    assert stage.trying.words == []
    assert "comparing" not in stage.trying


async def test_the_log_has_it_at_the_beginning_now_and_then_and_at_the_end(caplog: pytest.LogCaptureFixture) -> None:
    stage = Stage()
    with caplog.at_level(logging.INFO):
        for passed in (0.0, 5.0, SAY_AGAIN - 6.0, 1.0, 5.0):
            stage.now += passed
            await stage.fails("confirming", WebexError("search", 400, "", f"words of {stage.now:.0f}"))
        await stage.works("confirming")
        await stage.works("confirming")
    assert [record.getMessage() for record in caplog.records] == [
        "confirming: Webex search: 400 words of 1700000000",
        "confirming: Webex search: 400 words of 1700000300",
        "confirming works again",
    ]


async def test_what_nobody_expected_is_survived(caplog: pytest.LogCaptureFixture) -> None:
    stage = Stage()
    await stage.fails("confirming", KeyError("what"))
    assert stage.trying.words == ["confirming failed; the log says why"]
    assert "KeyError: 'what'" in caplog.text


def test_what_lasts_has_no_seconds_and_keeps_what_to_do() -> None:
    error = postponed(NotAuthorised("token", 400, "id", "invalid_grant"), 12.0)
    assert (
        str(error) == "Webex token: 400 invalid_grant (TrackingId id); next try in 12 s. Run `edge-router webex login`"
    )
    assert error.lasting == "Webex token: 400 invalid_grant (TrackingId id). Run `edge-router webex login`"


@pytest.mark.usefixtures("impatient")
async def test_a_token_that_can_not_be_had_is_said_once_and_asked_for_when_it_may_be(
    source: WebexSource, simulator: Simulator
) -> None:
    asked: list[str] = []
    source._observe = lambda operation, code: asked.append(f"{operation} {code}")
    simulator.cloud.answers.wrong = [WrongAnswer(path="/v1/access_token", status=503, retry_after=300)]
    await source.start()
    await until(lambda: "subscribing to events" in source._trying and "asking for queues and teams" in source._trying)
    assert source.degraded.count("Webex token: 503") == source.degraded.count("Webex") == 1
    assert "next try" not in source.degraded
    assert asked == ["token 503"]
