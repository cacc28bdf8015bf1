"""What the caller gets for a target's refusal, and the Q.850 cause with it (RFC 3326, RFC 6432)."""

from collections.abc import Mapping

import pytest

from tests.b2bua.conftest import OpenStage
from tests.b2bua.stage import CLOUD_FIRST, PREMISE_ONLY, REFERRED, Stage

ErrorMap = Mapping[str | int, str | int]


def refused(open_stage: OpenStage, error_map: ErrorMap, code: int, *headers: str) -> tuple[int, list[str], int | None]:
    """The code that a caller gets, with its Reasons, and the cause in the record."""
    stage = open_stage(premise={"error_map": error_map})
    caller = stage.carrier.calls(PREMISE_ONLY)
    caller.hears(100)
    stage.premise.is_called().refuses(code, *headers)
    final = stage.carrier.unheard[0]
    caller.hears_refusal(final.code)
    return final.code, final.all("Reason"), stage.record.cause


@pytest.mark.parametrize(
    ("error_map", "code", "heard"),
    [
        ({404: 480}, 404, 480),
        ({404: 480}, 486, 486),
        ({"4xx": 503}, 486, 503),
        ({"4xx": 403, 486: 600}, 486, 600),
        ({302: 410}, 302, 410),
        ({404: 480}, 302, 480),
        ({401: 404}, 401, 404),
        ({404: 480}, 401, 403),
        ({503: 503}, 503, 503),
        ({"500-502": 480}, 503, 500),
    ],
)
def test_a_refusal_becomes_another(open_stage: OpenStage, error_map: ErrorMap, code: int, heard: int) -> None:
    """Before final_503, and before what a challenge or a 3xx is otherwise."""
    assert refused(open_stage, error_map, code)[0] == heard


def test_what_the_target_gave_as_its_cause_stays(open_stage: OpenStage) -> None:
    given = refused(open_stage, {404: 480}, 404, "Reason: Q.850;cause=3", 'Reason: SIP;cause=404;text="no"')
    assert given == (480, ["Q.850;cause=3", 'SIP;cause=404;text="no"'], 3)


@pytest.mark.parametrize(
    ("code", "cause"),
    [(404, 1), (480, 18), (486, 17), (408, 102), (403, 57), (410, 1), (488, 127), (500, 41), (603, 21), (606, 58)],
)
def test_a_cause_is_made_where_none_came(open_stage: OpenStage, code: int, cause: int) -> None:
    """Of the code that the target said, whatever the caller gets; what it is in words, a status may lose."""
    made = [f"Q.850;cause={cause}"], cause
    assert refused(open_stage, {302: 480}, code) == (code, *made)
    assert refused(open_stage, {"4xx": 484}, code) == (484 if code < 500 else code, *made)


def test_a_trunk_without_a_map_adds_no_cause(stage: Stage) -> None:
    caller, callee = stage.ringing()
    callee.refuses(486)
    assert caller.hears_refusal(486).all("Reason") == []
    assert stage.record.cause is None


@pytest.mark.parametrize(
    ("came", "heard"),
    [(1, 404), (16, 500), (17, 486), (18, 480), (19, 480), (21, 403), (22, 410), (27, 404), (28, 484), (58, 501)],
)
def test_a_cause_says_more_than_a_status(open_stage: OpenStage, came: int, heard: int) -> None:
    """A gateway that says 500 to everything, and the truth behind it."""
    given = refused(open_stage, {"5xx": "cause"}, 500, f"Reason: Q.850;cause={came}")
    assert given == (heard, [f"Q.850;cause={came}"], came)


@pytest.mark.parametrize("code", [404, 408, 488, 500])
def test_where_no_cause_came_the_status_stands(open_stage: OpenStage, code: int) -> None:
    assert refused(open_stage, {"4xx": "cause", "5xx": "cause"}, code)[0] == code


@pytest.mark.parametrize("cause", [34, 38, 41, 42, 47])
def test_a_cause_that_would_be_503_is_final_503(open_stage: OpenStage, cause: int) -> None:
    """A 503 would shut the caller's trunk (RFC 3261 §21.5.4)."""
    assert refused(open_stage, {"4xx": "cause"}, 480, f"Reason: Q.850;cause={cause}")[0] == 500


@pytest.mark.parametrize(("error_map", "heard"), [({408: 480}, 480), ({408: "cause"}, 408), ({404: 480}, 408)])
def test_silence_is_a_408_too(open_stage: OpenStage, error_map: ErrorMap, heard: int) -> None:
    stage = open_stage(premise={"error_map": error_map, "answer_timeout": 1})
    caller, callee = stage.ringing()
    stage.pass_time(1)
    callee.is_cancelled()
    caller.hears_refusal(heard)
    assert (stage.record.code, stage.record.cause) == (heard, 102)


def test_the_map_of_the_trunk_that_said_it_counts(open_stage: OpenStage) -> None:
    maps = {"premise": {404: 480}, "cloud": {404: 500}, "carrier": {404: 600}}
    stage = open_stage(**{trunk: {"error_map": error_map} for trunk, error_map in maps.items()})
    caller = stage.carrier.calls(CLOUD_FIRST)
    caller.hears(100)
    for party in (stage.cloud, stage.spare):
        party.is_called().refuses(500)
    stage.premise.is_called().refuses(404)
    caller.hears_refusal(480)


def test_what_is_hunted_on_is_what_the_target_said(open_stage: OpenStage) -> None:
    stage = open_stage(cloud={"error_map": {503: 486, 486: 503}})
    caller = stage.carrier.calls(CLOUD_FIRST)
    caller.hears(100)
    stage.cloud.is_called().refuses(503)
    stage.spare.is_called().refuses(486)
    caller.hears_refusal(503)
    assert [each.code for each in stage.record.attempts] == [503, 486]


def test_who_is_answered_already_hears_the_cause(open_stage: OpenStage) -> None:
    stage = open_stage(premise={"error_map": {404: 480}})
    caller = stage.carrier.calls(REFERRED)
    caller.hears(200)
    caller.ack()
    caller.answers(caller.hears("REFER"), 603)
    stage.premise.is_called().refuses(404)
    assert caller.is_hung_up().all("Reason") == ["Q.850;cause=1"]
