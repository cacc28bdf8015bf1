"""Recorded calls by another configuration: what differs, on the state as it was, whatever is wrong with the files."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from edge_router.config.loading import examine
from edge_router.replay import Findings, NoRecording, Replay
from edge_router.replay_chart import svg
from edge_router.replay_command import replayed
from edge_router.replay_report import hour_of
from tests.b2bua.stage import CLOUD_FIRST, PREMISE_ONLY, configuration
from tests.recording.test_recorder import Taped

Lines = list[dict[str, Any]]
START = 1_795_291_200.0
"""2026-11-21T20:00:00Z, a Saturday; in Chicago it is 14:00."""

DOOR: Mapping[str, Any] = {
    "node": "edge-1",
    "listen": [{"name": "pstn", "address": "127.0.0.1:5060"}],
    "trunks": {
        "carrier": {"sources": ["192.0.2.1"]},
        "cloud": {"targets": ["sip:192.0.2.4"]},
        "premise": {"targets": ["sip:192.0.2.3"]},
    },
    "dial_peers": [
        {"name": "in", "incoming": {"trunk": "carrier", "called": "+1800555...."}, "policy": "door"},
        {"name": "cloud", "outgoing": {"trunk": "cloud"}},
        {"name": "premise", "outgoing": {"trunk": "premise"}},
    ],
    "state": {"queues": {"Support": {"length": 0}}},
}


def call(t: float, **what: Any) -> dict[str, Any]:
    """A recorded call that went to the premise."""
    usual = {
        "t": START + t,
        "call_id": f"c{t}",
        "calling": "+13125550100",
        "called": "+18005550100",
        "trunk": "carrier",
        "listen": "pstn",
        "policy": "door",
        "rule": "otherwise",
        "action": "bridge to premise",
        "to": ["premise"],
    }
    return usual | what


def queue(length: int, age: float | None = 0.0, unseen: int = 0, **values: int) -> dict[str, Any]:
    counts = dict.fromkeys("longest_wait total_wait calls agents_available agents_signed_on estimated_wait".split(), 0)
    known = [["event", age], ["event", age], ["", None]]
    return {"id": "q1", "channel": "TELEPHONY", "unseen": unseen, "known": known, "length": length, **counts, **values}


def state(t: float, full: bool = False, **parts: Any) -> dict[str, Any]:
    return {"t": START + t, **({"full": True} if full else {}), **parts}


class Tape:
    """Files to replay, and the configuration to do it by."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.calls = directory / "calls.jsonl"
        self.state = directory / "state.jsonl"

    def write(self, calls: Lines, states: Lines) -> None:
        self.calls.write_text("".join(f"{json.dumps(line)}\n" for line in calls))
        self.state.write_text("".join(f"{json.dumps(line)}\n" for line in states))

    def by(self, *rules: Mapping[str, Any], **top: Any) -> Findings:
        """What a replay finds by these rules, and else the premise."""
        policy = {"rules": list(rules), "otherwise": {"to": "premise"}}
        file = self.directory / "new.yaml"
        file.write_text(yaml.safe_dump({**DOOR, "policies": {"door": policy}, **top}))
        examined = examine(file)
        assert examined.config is not None, examined.faults
        return replayed(examined.config, examined.tables, self.calls, self.state)


@pytest.fixture
def tape(tmp_path: Path) -> Tape:
    return Tape(tmp_path)


def rule(when: str, **what: Any) -> dict[str, Any]:
    return {"name": "new", "when": when, **({"to": "cloud"} | what)}


EMPTY = rule('queue("Support").length == 0')
SENT_TO_CLOUD = ("bridge to premise", "bridge to cloud, else bridge to premise")


def changed_at(findings: Findings) -> dict[tuple[str, str], int]:
    return {key: change.calls for key, change in findings.changes.items()}


def test_the_same_rules_find_no_difference(tape: Tape) -> None:
    tape.write([call(1), call(2)], [state(0, full=True)])
    findings = tape.by()
    assert (findings.calls, findings.changed, findings.changes) == (2, 0, {})


def test_a_call_is_decided_on_the_state_of_its_time(tape: Tape) -> None:
    states = [
        state(0, full=True, queues={"Support": queue(3)}),
        state(10, queues={"Support": queue(0)}),
        state(20, queues={"Support": queue(1)}),
    ]
    tape.write([call(5), call(15), call(25)], states)
    findings = tape.by(EMPTY)
    assert changed_at(findings) == {SENT_TO_CLOUD: 1}
    example = findings.changes[SENT_TO_CLOUD].example
    assert (example["call_id"], example["rule"]) == ("c15", "otherwise")
    assert str(example["would_be"]).startswith('policy "door", rule "new": bridge to cloud')


def test_differences_are_counted_by_service_and_hour(tape: Tape) -> None:
    (tape.directory / "services.csv").write_text("called,service\n+18005550100,Sales\n+18005550200,Support\n")
    calls = [call(1), call(2, called="+18005550200"), call(3_700), call(3_800), call(3_900, service="Old name")]
    tape.write(calls, [state(0, full=True), state(3_600, queues={"Support": queue(0)})])
    findings = tape.by(rule('call.service.service == "Sales"'), services={"file": "services.csv"})
    found = {(service, hour_of(hour)): (one.calls, one.changed) for (service, hour), one in findings.buckets.items()}
    assert found == {
        ("Sales", "2026-11-21T20:00Z"): (1, 1),
        ("Support", "2026-11-21T20:00Z"): (1, 0),
        ("Sales", "2026-11-21T21:00Z"): (2, 2),
        ("Old name", "2026-11-21T21:00Z"): (1, 1),
    }


def test_state_grows_old_by_the_recordings_own_clock(tape: Tape) -> None:
    tape.write([call(50), call(58)], [state(0, full=True, queues={"Support": queue(0, age=5.0)})])
    findings = tape.by(EMPTY)
    assert (findings.changed, findings.undecided) == (1, 1)


def test_calls_that_the_queue_did_not_show_yet_are_expected_as_they_were(tape: Tape) -> None:
    tape.write([call(1)], [state(0, full=True, queues={"Support": queue(0, unseen=4)})])
    assert tape.by(rule('queue("Support").expected == 4')).changed == 1


def test_hours_are_those_of_the_calls(tape: Tape) -> None:
    hours = {"desk": {"timezone": "America/Chicago", "open": {"sat": ["14:00-15:00"]}}}
    tape.write([call(60), call(3_660)], [state(0, full=True)])
    findings = tape.by(rule('hours("desk")'), hours=hours)
    assert findings.changes[SENT_TO_CLOUD].calls == 1
    assert findings.changes[SENT_TO_CLOUD].example["call_id"] == "c60"


LATCH = {"full": {"set": 'queue("Support").length > 5', "clear": 'queue("Support").length < 3', "hold": "30s"}}


def test_latches_turn_as_state_changes_and_are_held(tape: Tape) -> None:
    """Set at 10, cleared at 40 when it was held long enough, though nothing happens then."""
    lengths = {0: 0, 10: 6, 12: 0, 13: 4, 14: 0}
    states = [state(t, full=not t, queues={"Support": queue(length)}) for t, length in lengths.items()]
    tape.write([call(t) for t in (5, 10.2, 11, 30, 39, 42, 50)], states)
    findings = tape.by(rule('latch("full")'), latches=LATCH)
    assert findings.changes[SENT_TO_CLOUD].calls == 4
    assert findings.changes[SENT_TO_CLOUD].example["call_id"] == "c10.2"


def test_a_latch_begins_as_it_was(tape: Tape) -> None:
    tape.write([call(1)], [state(0, full=True, queues={"Support": queue(4)}, latches={"full": True})])
    assert tape.by(rule('latch("full")'), latches=LATCH).changed == 1


def test_teams_are_as_they_were_and_those_that_went_are_unknown(tape: Tape) -> None:
    counts = dict.fromkeys("idle reserved engaged wrapup not_responding".split(), 0)
    team = {"id": "t1", **counts, "available": 3, "age": 1.0}
    states = [state(0, full=True, teams={"Sales": team}), state(5, teams={"Sales": None})]
    tape.write([call(1), call(6)], states)
    peer = {"source": "peer", "peers": ["https://192.0.2.9:8080"]}
    findings = tape.by(rule('team("Sales").available == 3'), state=peer)
    assert (findings.changed, findings.undecided) == (1, 1)


def test_a_queue_that_went_is_unknown(tape: Tape) -> None:
    states = [state(0, full=True, queues={"Support": queue(0)}), state(5, queues={"Support": None})]
    tape.write([call(1), call(6)], states)
    findings = tape.by(EMPTY)
    assert (findings.changed, findings.undecided) == (1, 1)


def test_trunks_are_as_they_were(tape: Tape) -> None:
    def cloud(up: bool, sent: int) -> dict[str, Any]:
        return {"cloud": {"up": up, "calls": 1, "cps": 2.0, "sent": sent}}

    states = [
        state(0, full=True, trunks=cloud(True, 100)),
        state(10, trunks=cloud(True, 103)),
        state(20, trunks=cloud(False, 103)),
        state(100, full=True, trunks=cloud(True, 2)),
    ]
    tape.write([call(t) for t in (5, 15, 25, 75, 101)], states)
    assert tape.by(rule('trunk("cloud").sent(60) == 3')).changed == 2
    assert tape.by(rule('!trunk("cloud").up')).changed == 2
    assert tape.by(rule('trunk("cloud").sent(60) == 2 && trunk("cloud").up')).changed == 1
    assert tape.by(rule('trunk("cloud").calls == 1 && trunk("cloud").cps == 2.0')).changed == 5


def test_switches_are_as_they_were(tape: Tape) -> None:
    off = {"kind": "policy", "name": "door", "state": "off", "who": "ops", "when": START}
    tape.write([call(1), call(3)], [state(0, full=True), state(2, switches=[off])])
    assert tape.by(rule("true")).changed == 1


def test_the_cloud_is_as_it_was(tape: Tape) -> None:
    full = {"calls": 390, "entitlement": 390}
    states = [state(0, full=True, queues={"Support": queue(0)}, cloud=full), state(2, cloud=full | {"calls": 10})]
    tape.write([call(1), call(3)], states)
    assert tape.by(rule("cloud().calls < cloud().entitlement")).changed == 1


def test_visits_are_those_that_were(tape: Tape) -> None:
    at_cloud = {"action": SENT_TO_CLOUD[1], "to": ["cloud", "premise"]}
    tape.write([call(1, **at_cloud), call(2), call(1_000)], [state(0, full=True)])
    findings = tape.by(rule('call.visits("cloud") == 1'))
    assert changed_at(findings) == {tuple(reversed(SENT_TO_CLOUD)): 1, SENT_TO_CLOUD: 1}
    assert findings.changes[SENT_TO_CLOUD].example["call_id"] == "c2"


def test_percent_takes_the_same_callers_each_time(tape: Tape) -> None:
    tape.write([call(t, calling=f"+1312555{t:04d}") for t in range(1, 400)], [state(0, full=True)])
    once, again = (tape.by(rule('percent(30, "move")')).changed for _ in range(2))
    assert once == again
    assert 80 < once < 160


def test_rules_see_what_was_recorded_of_a_call(tape: Tape) -> None:
    seen = {"source": "192.0.2.1", "anonymous": True, "diverted_from": "+15", "headers": {"x-level": "gold"}}
    tape.write([call(1, **seen), call(2)], [state(0, full=True)])
    facts = 'call.source == "192.0.2.1" && call.anonymous && call.diverted_from == "+15"'
    findings = tape.by(rule(f'{facts} && call.header("X-Level") == "gold"'))
    assert findings.changed == 1
    assert findings.notes == [
        "trunk cloud isn't in the recording: it was taken to be up and idle",
        "trunk premise isn't in the recording: it was taken to be up and idle",
    ]


def test_a_header_that_was_not_recorded_is_said(tape: Tape) -> None:
    tape.write([call(1)], [state(0, full=True)])
    notes = tape.by(rule('call.header("X-Level") == "gold"')).notes
    assert notes[0] == "no recorded call has the header x-level, which rules read: perhaps no rule read it then"


def test_numbers_are_translated_anew(tape: Tape) -> None:
    tape.write([call(1, called="+18005550100", called_received="8005550100")], [state(0, full=True)])
    findings = tape.by()
    assert changed_at(findings) == {("bridge to premise", "reject 404"): 1}


def test_lines_that_cannot_be_used_are_counted_and_named(tape: Tape) -> None:
    tape.write([call(1), call(2, calling=None), call(3, to="cloud"), call(4, headers={"x": 1})], [state(0, full=True)])
    with tape.calls.open("a") as file:
        file.write('{"t": 1, "call\n[1]\n{"t": "x"}\n{"t": -1}\n\n')
        file.write(json.dumps(call(9)) + "\n")
    with tape.state.open("a") as file:
        file.write('{"t": 1795291205, "queues": {"Support": {"id": 5}}}\nnothing\n')
    findings = tape.by()
    assert (findings.calls, findings.bad_lines) == (2, 10)
    assert findings.bad == [
        f'{tape.calls}:2: has no "calling"',
        f'{tape.calls}:3: "to" is no list of names',
        f'{tape.calls}:4: "headers" is no map of texts',
        f"{tape.calls}:5: is no JSON",
        f"{tape.calls}:6: is no JSON object",
        f'{tape.calls}:7: has no time "t"',
        f"{tape.calls}:8: its time -1 is none",
        f"{tape.calls}:9: is no JSON",
        f"{tape.state}: the line of 1795291205.000 is no line of state: KeyError: 'length'",
        f"{tape.state}:3: is no JSON",
    ]


WHOLE_CALL = call(
    1,
    called_received="18005550100",
    calling_received="3125550100",
    source="192.0.2.1",
    sip_call_id="a@b",
    anonymous=True,
    diverted_from="+15",
    session_id="0" * 32,
    headers={"x-level": "gold"},
    service="Cards",
    dial_peer_in="in",
)
MAY_BE_NULL = {"call_id", "policy", "rule", "dial_peer_in", "anonymous"}


@pytest.mark.parametrize("key", WHOLE_CALL)
def test_a_null_in_a_call_is_a_fault_of_its_line(tape: Tape, key: str) -> None:
    tape.write([WHOLE_CALL | {key: None}, call(2)], [state(0, full=True)])
    reads = 'call.header("X-Level") == "gold" || call.visits("cloud") > 0 || call.anonymous'
    findings = tape.by(rule(reads))
    assert (findings.calls, findings.bad_lines) == ((2, 0) if key in MAY_BE_NULL else (1, 1))
    assert [fault for fault in findings.bad if f'"{key}"' not in fault] == []


@pytest.mark.parametrize("part", ["queues", "teams", "trunks", "cloud", "latches", "switches"])
def test_a_null_in_a_line_of_state_ends_no_replay(tape: Tape, part: str) -> None:
    whole: dict[str, Any] = {
        "queues": {"Support": queue(0)},
        "teams": {"T": {"id": "t", "available": 1, "idle": 0, "engaged": 0, "wrapup": 0, "age": 0.0}},
        "trunks": {"cloud": {"up": True, "calls": 0, "cps": 0.0, "sent": 0}},
        "cloud": {"calls": 1, "entitlement": 10},
        "latches": {},
        "switches": [],
    }
    broken: list[dict[str, Any]] = [{part: None}]
    broken += ({part: {**whole[part], key: None}} for key in whole[part])
    for one in broken:
        tape.write([call(1), call(3)], [state(0, full=True, **(whole | one)), state(2, full=True, **whole)])
        findings = tape.by(EMPTY, rule(name="second", when='cloud().calls < 5 && trunk("cloud").up'))
        assert findings.calls + findings.without_state == 2


def test_calls_before_the_first_known_state_are_left_out(tape: Tape) -> None:
    tape.write([call(1), call(6)], [state(0, queues={"Support": queue(3)}), state(5, full=True)])
    findings = tape.by()
    assert (findings.calls, findings.without_state) == (1, 1)


def test_a_latch_that_the_recording_has_is_as_it_was_until_it_cannot_be_told_for_too_long(tape: Tape) -> None:
    latches = {"full": {"set": 'queue("Support").length > 5', "clear": 'queue("Support").length < 3'}}
    tape.write([call(50), call(70)], [state(0, full=True, latches={"full": True})])
    findings = tape.by(rule('latch("full")'), latches=latches, state={"queues": {"Support": {"source": "pushed"}}})
    assert (findings.changed, findings.undecided) == (1, 1)


def test_what_a_full_line_does_not_name_is_unknown(tape: Tape) -> None:
    states = [state(0, full=True, queues={"Support": queue(0)}), state(5, full=True)]
    tape.write([call(1), call(6)], states)
    findings = tape.by(EMPTY)
    assert (findings.changed, findings.undecided) == (1, 1)


def test_there_must_be_something_to_replay(tape: Tape) -> None:
    tape.write([call(1)], [])
    examined = examine_door(tape)
    with pytest.raises(NoRecording, match="no state that can be read"):
        examined.run(tape.calls, tape.state)
    with pytest.raises(NoRecording, match="no such file"):
        examine_door(tape).run(tape.calls, tape.directory / "other.jsonl")


def examine_door(tape: Tape) -> Replay:
    file = tape.directory / "door.yaml"
    file.write_text(yaml.safe_dump({**DOOR, "policies": {"door": {"otherwise": {"to": "premise"}, "rules": []}}}))
    examined = examine(file)
    assert examined.config is not None, examined.faults
    return Replay(examined.config, examined.tables)


def test_older_parts_go_before_a_file(tape: Tape) -> None:
    for name, line in (("calls.jsonl.000002", call(1)), ("calls.jsonl.000010", call(2)), ("calls.jsonl", call(3))):
        (tape.directory / name).write_text(json.dumps(line) + "\n")
    tape.state.write_text(json.dumps(state(0, full=True)) + "\n")
    findings = tape.by(rule("true"))
    assert findings.calls == 3
    assert findings.changes[SENT_TO_CLOUD].example["call_id"] == "c1"


def test_the_chart_shows_hours_and_services(tape: Tape) -> None:
    tape.write([call(1, service="<Sales>"), call(3_700, service="<Sales>")], [state(0, full=True)])
    drawn = svg(tape.by(rule("true")))
    assert "2 calls replayed, 2 would have been treated otherwise" in drawn
    assert "&lt;Sales&gt;: 2 of 2" in drawn
    assert "<title>2026-11-21T21:00Z: 1 of 1 calls otherwise</title>" in drawn


def test_what_a_router_records_is_replayed_without_a_difference_and_another_policy_makes_its_own(
    tmp_path: Path,
) -> None:
    """The stage's own configuration finds none: what is recorded is all that its rules read."""
    rules = [{"name": "queue", "when": 'queue("Support").length == 0 && trunk("cloud").up', "to": "cloud"}]
    taped = Taped(tmp_path, rules=rules)
    for length in (0, 4, 0, 7, 1):
        taped.stage.pass_time(0.2)
        taped.picture.set("Support", taped.stage.clock(), length=length)
        taped.stage.carrier.calls(PREMISE_ONLY)
        taped.stage.carrier.calls(CLOUD_FIRST)
    taped.lines("calls")
    taped.lines("state")
    taped.recorder.close()
    settings: dict[str, Any] = {"state": {"queues": {"Support": {}}}}
    same = Replay(configuration(rules=rules, **settings), examine("").tables)
    found = same.run(tmp_path / "calls.jsonl", tmp_path / "state.jsonl")
    assert (found.calls, found.changed) == (10, 0)
    rules[0]["when"] = 'queue("Support").length <= 4'
    other = Replay(configuration(rules=rules, **settings), examine("").tables)
    found = other.run(tmp_path / "calls.jsonl", tmp_path / "state.jsonl")
    assert {(one.was, one.would_be): one.calls for one in found.changes.values()} == {
        ("bridge to premise", "bridge to cloud, else bridge to premise"): 2,
        ("bridge to cloud, then bridge to premise", "bridge to cloud, else bridge to premise"): 2,
    }
