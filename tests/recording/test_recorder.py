"""What a router records of its calls and of the state that they were decided on."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edge_router.b2bua.reports.record import CallRecord
from edge_router.config.build import build, picture_of
from edge_router.policy.facts import CallFacts
from edge_router.recording.recorder import IDLE, LOOK_EVERY, PART_OF_TIME, Recorder
from edge_router.telemetry.metrics import Metrics
from edge_router.telemetry.observers import Observers
from state_client.picture import Team
from tests.b2bua.stage import CLOUD_FIRST, PREMISE_ONLY, REJECTED, Stage, configuration

Lines = list[dict[str, Any]]


class Taped:
    """A stage whose calls are recorded."""

    def __init__(self, directory: Path, **settings: Any) -> None:
        config = configuration(state={"queues": {"Support": {"length": 2}}}, **settings)
        self.stage = Stage(config)
        self.picture = picture_of(config, self.stage.clock())
        self.stage.router.routing = build(config, self.stage.clock, picture=self.picture)
        self.directory = directory
        self.look_takes = self._passed = 0.0  # seconds
        self.recorder = Recorder(
            directory, 10, lambda: self.stage.router.routing, lambda: self.picture, self.stage.clock, self._stopwatch
        )
        self.stage.router.observer = Observers(Metrics("test"), self.stage.ear, self.recorder)
        self.recorder.start()

    def _stopwatch(self) -> float:
        self._passed += self.look_takes
        return self._passed

    def lines(self, kind: str) -> Lines:
        self.recorder.writer.write_waiting()
        path = self.directory / f"{kind}.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@pytest.fixture
def taped(tmp_path: Path) -> Iterator[Taped]:
    taped = Taped(
        tmp_path / "recordings",
        rules=[{"name": "gold", "when": 'call.header("X-Level") == "gold"', "to": "cloud", "by": "redirect"}],
    )
    yield taped
    taped.recorder.close()


def test_a_call_is_recorded_as_rules_saw_it_and_as_it_was_decided(taped: Taped) -> None:
    taped.stage.carrier.calls(CLOUD_FIRST)
    (line,) = taped.lines("calls")
    record = next(iter(taped.stage.router.calls.values())).record
    assert record.decision is not None
    assert line == {
        "t": record.start,
        "call_id": record.call_id,
        "calling": record.calling,
        "called": CLOUD_FIRST,
        "trunk": "carrier",
        "listen": "pstn",
        "source": "198.51.100.1",
        "sip_call_id": record.ingress_call_id,
        "dial_peer_in": "from-carrier",
        "policy": "door",
        "rule": record.decision.rule,
        "action": "bridge to cloud, then bridge to premise",
        "to": ["cloud", "premise"],
    }


def test_only_headers_that_rules_read_are_recorded(taped: Taped) -> None:
    taped.stage.carrier.calls(PREMISE_ONLY, "X-Level: gold", "X-Secret: no")
    taped.stage.carrier.calls(PREMISE_ONLY)
    gold, other = taped.lines("calls")
    assert gold["headers"] == {"x-level": "gold"}
    assert gold["action"].startswith("redirect to cloud")
    assert "headers" not in other


def test_what_only_some_calls_have_is_recorded(tmp_path: Path) -> None:
    taped = Taped(
        tmp_path,
        translation_rules={"to-e164": [r"/^[38]/ /+1&/"]},
        carrier={"translate": {"inbound": {"called": "to-e164", "calling": "to-e164"}}},
        premise={},
    )
    session = "Session-ID: 0123456789abcdef0123456789abcdef;remote=00000000000000000000000000000000"
    headers = ("Privacy: id", "Diversion: <sip:+15550100@198.51.100.1>", session)
    taped.stage.carrier.calls(PREMISE_ONLY.removeprefix("+1"), *headers, calling="3125550100")
    (line,) = taped.lines("calls")
    taped.recorder.close()
    assert {key: line[key] for key in ("calling", "calling_received", "called", "called_received")} == {
        "calling": "+13125550100",
        "calling_received": "3125550100",
        "called": PREMISE_ONLY,
        "called_received": PREMISE_ONLY.removeprefix("+1"),
    }
    assert (line["anonymous"], line["diverted_from"]) == (True, "+15550100")
    assert line["session_id"] == session.removeprefix("Session-ID: ")


def test_a_call_that_is_refused_is_recorded_too(taped: Taped) -> None:
    taped.stage.carrier.calls(REJECTED)
    (line,) = taped.lines("calls")
    assert line["action"].startswith("reject ")
    assert line["to"] == []


def test_text_that_is_no_unicode_is_recorded_all_the_same(taped: Taped) -> None:
    record = CallRecord("1", "2", "edge", "a\udcff", CLOUD_FIRST, "carrier", 1_000.0)
    taped.recorder.routed(record, CallFacts("a\udcff", CLOUD_FIRST), "pstn")
    assert taped.lines("calls")[0]["calling"] == "a?"


def test_the_state_is_recorded_in_full_at_first_and_then_what_has_changed(taped: Taped) -> None:
    (first,) = taped.lines("state")
    assert first["full"] is True
    assert first["queues"]["Support"]["length"] == 2
    assert first["trunks"]["cloud"] == {"up": True, "calls": 0, "cps": 0.0, "sent": 0}
    taped.picture.set("Support", taped.stage.clock(), length=5)
    taped.stage.pass_time(IDLE)
    taped.recorder.tick()
    _, second = taped.lines("state")
    assert "full" not in second
    assert {name: queue["length"] for name, queue in second["queues"].items()} == {"Support": 5}
    assert "trunks" not in second


def test_what_has_not_changed_is_not_recorded_again(taped: Taped) -> None:
    taped.stage.pass_time(2 * IDLE)
    taped.recorder.tick()
    assert len(taped.lines("state")) == 1


def test_a_call_is_recorded_behind_the_state_that_it_was_decided_on(taped: Taped) -> None:
    taped.stage.pass_time(LOOK_EVERY)
    taped.picture.set("Support", taped.stage.clock(), length=7)
    taped.stage.carrier.calls(CLOUD_FIRST)
    assert taped.lines("state")[-1]["queues"]["Support"]["length"] == 7
    assert taped.lines("state")[-1]["t"] == taped.lines("calls")[0]["t"]


def test_state_is_not_looked_at_more_than_ten_times_a_second(taped: Taped) -> None:
    taped.stage.pass_time(LOOK_EVERY)
    for length in range(20):
        taped.picture.set("Support", taped.stage.clock(), length=length)
        taped.stage.carrier.calls(CLOUD_FIRST)
    assert len(taped.lines("state")) == 2


def test_where_a_look_takes_long_it_is_looked_less_often(taped: Taped) -> None:
    taped.look_takes = 2 * LOOK_EVERY / PART_OF_TIME
    for length in range(1, 7):
        taped.stage.pass_time(LOOK_EVERY)
        taped.picture.set("Support", taped.stage.clock(), length=length)
        taped.stage.carrier.calls(CLOUD_FIRST)
    assert len(taped.lines("state")) == 4  # at the start, which was quick, and every other time


def test_a_queue_that_has_gone_is_null(taped: Taped) -> None:
    queue = taped.picture.queue("Support")
    assert queue is not None
    taped.picture.remove(queue)
    taped.stage.pass_time(IDLE)
    taped.recorder.tick()
    assert taped.lines("state")[-1]["queues"] == {"Support": None}


def test_after_lines_of_state_were_lost_all_is_said_again(taped: Taped) -> None:
    taped.lines("state")
    taped.recorder.writer.lost_track = True
    for _ in range(2):
        taped.stage.pass_time(IDLE)
        taped.recorder.tick()
    assert [line["full"] for line in taped.lines("state")] == [True, True]


def test_calls_that_a_queue_does_not_show_yet_are_recorded_with_it(taped: Taped) -> None:
    placed, now = taped.stage.router.routing.ledger.placed, taped.stage.clock()
    placed.placed("1", "door", "cloud", "cloud", ("Support",), "redirect", "+13125550111", ("+18005550100",), now)
    taped.stage.pass_time(IDLE)
    taped.recorder.tick()
    assert taped.lines("state")[-1]["queues"]["Support"]["unseen"] == 1


def test_what_was_never_known_is_null_and_no_news(taped: Taped) -> None:
    taped.picture.set("Sales", taped.stage.clock(), "pushed", length=3)
    for _ in range(2):
        taped.stage.pass_time(IDLE)
        taped.recorder.tick()
    _, line = taped.lines("state")
    assert line["queues"]["Sales"]["known"][0][0] == "pushed"
    assert line["queues"]["Sales"]["known"][1:] == [["", None], ["", None]]


def test_what_is_known_anew_is_news_and_what_holds_no_more_is_it(taped: Taped) -> None:
    now = taped.stage.clock()
    taped.picture.set("Sales", now, "pushed", expires=now + 5, length=3)
    for _ in range(3):
        taped.stage.pass_time(IDLE)
        taped.recorder.tick()
    taped.picture.set("Sales", taped.stage.clock(), "pushed", expires=now + 5, length=3)
    for _ in range(4):
        taped.stage.pass_time(IDLE)
        taped.recorder.tick()
    ages = [line["queues"]["Sales"]["known"][0][1] for line in taped.lines("state")[1:]]
    assert [age is None or round(age) for age in ages] == [1, 1, True]


def test_teams_are_recorded(taped: Taped) -> None:
    team = Team("t1", "Sales")
    team.counts["telephony"]["available"] = 4
    team.of_agents.renew(taped.stage.clock(), "event")
    taped.picture.add_team(team, "Sales")
    for _ in range(2):
        taped.stage.pass_time(IDLE)
        taped.recorder.tick()
    _, line = taped.lines("state")
    assert (line["teams"]["Sales"]["available"], round(line["teams"]["Sales"]["age"])) == (4, 1)


def test_who_looks_is_read_by_nobody_else(taped: Taped) -> None:
    taped.lines("state")
    assert (taped.directory / "state.jsonl").stat().st_mode & 0o077 == 0
