"""The front desk: tokens, limits, tracking ids, forms of errors, and faults on demand."""

import aiohttp
import pytest

from state_client.simulator.limits import Limits
from state_client.simulator.refusal import Refusal
from state_client.simulator.script import Script
from state_client.simulator.server import Simulator
from tests.state_client.simulator.kit import Visitor, faults_of, running, until

EWT = "/v1/ewt?queueId=none&lookbackMinutes=5"


def test_so_many_requests_in_any_minute() -> None:
    limits = Limits(3)
    for now in (0.0, 10.0, 20.5):
        limits.count("a", now)
    for now, wait in ((30.0, "30"), (59.5, "1")):
        with pytest.raises(Refusal) as refused:
            limits.count("a", now)
        assert (refused.value.status, refused.value.headers) == (429, {"Retry-After": wait})
    limits.count("b", 30.0)
    limits.count("a", 60.0)
    with pytest.raises(Refusal):
        limits.count("a", 69.9)
    limits.count("a", 70.0)
    assert limits.refused == 3


async def test_over_the_limit_there_is_429_for_everything_but_tokens(visitor: Visitor) -> None:
    await visitor.control("faults", per_minute=2)
    statuses = [(await visitor.ask("GET", EWT)).status for _ in range(3)]
    assert statuses == [204, 204, 429]
    answer = await visitor.ask("GET", f"{visitor.org}/v2/team")
    assert faults_of(answer.json, "GET", "/organization/{orgid}/v2/team", 429) == []
    assert answer.json["error"]["key"] == "429"
    assert 58 <= int(answer.headers["Retry-After"]) <= 60
    assert (await visitor.form(refresh_token=visitor.refresh)).status == 200
    assert (await visitor.control("truth", "GET"))["limited"] == 2


@pytest.mark.parametrize(("token", "status"), [("", 400), ("made-up", 401)])
async def test_who_has_no_good_token_is_refused_in_the_service_s_own_form(
    visitor: Visitor, token: str, status: int
) -> None:
    visitor.token = token
    for path, key in (("/v2/subscriptions", status), ("/v1/tasks", str(status))):
        answer = await visitor.ask("GET", f"{path}?from=0")
        assert answer.status == status
        assert answer.json["error"]["key"] == key
        assert faults_of(answer.json, "GET", path, status) == []


async def test_a_request_is_answered_under_its_tracking_id(visitor: Visitor) -> None:
    answer = await visitor.ask("GET", "/v1/tasks", headers={"TrackingId": "edge-router_1"})
    assert (answer.status, answer.headers["TrackingId"], answer.json["trackingId"]) == (400, *["edge-router_1"] * 2)
    first, second = [await visitor.ask("GET", EWT) for _ in range(2)]
    assert first.headers["TrackingId"] != second.headers["TrackingId"]


async def test_another_organisation_is_none_of_the_token_s(visitor: Visitor) -> None:
    assert (await visitor.ask("GET", EWT + "&orgId=other")).status == 403
    assert (await visitor.ask("GET", "/organization/other/v2/team")).status == 403


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/v9/none", 404), ("PUT", "/v2/subscriptions", 405)])
async def test_what_there_is_not(visitor: Visitor, method: str, path: str, status: int) -> None:
    answer = await visitor.ask(method, path)
    assert (answer.status, answer.json["trackingId"]) == (status, answer.headers["TrackingId"])


async def test_faults_come_on_demand_and_go(visitor: Visitor) -> None:
    await visitor.control("faults", answers=[{"path": "/v1/ewt", "status": 503, "times": 1, "retry_after": 4}])
    assert (await visitor.get("/v1/tasks", **{"from": 0})).status == 200
    answer = await visitor.ask("GET", EWT)
    assert (answer.status, answer.headers["Retry-After"]) == (503, "4")
    assert (await visitor.ask("GET", EWT)).status == 204
    await visitor.control("faults", answers=[{"status": 500}], lost=0.5)
    assert (await visitor.form()).status == 500
    faults = await visitor.control("faults", "GET")
    assert (faults["lost"], faults["answers"][0]["status"]) == (0.5, 500)
    await visitor.control("faults", "DELETE")
    assert (await visitor.ask("GET", EWT)).status == 204


async def test_silence_lasts_until_somebody_gives_up(visitor: Visitor) -> None:
    await visitor.control("faults", answers=[{"path": "/v1/ewt", "status": 0, "times": 1}])
    with pytest.raises(TimeoutError):
        await visitor.ask("GET", EWT, timeout=aiohttp.ClientTimeout(total=0.2))
    assert (await visitor.ask("GET", EWT)).status == 204


async def test_tokens_expire_on_demand(visitor: Visitor) -> None:
    await visitor.control("faults", expire_tokens=True, refuse_refresh=True)
    assert (await visitor.ask("GET", EWT)).status == 401
    assert (await visitor.form(refresh_token=visitor.refresh)).status == 400
    await visitor.control("faults", refuse_refresh=False)
    visitor.token = (await visitor.form(refresh_token=visitor.refresh)).json["access_token"]
    assert (await visitor.ask("GET", EWT)).status == 204


@pytest.mark.parametrize("body", [{"unknown": 1}, {"answers": [{"colour": "red"}]}])
async def test_a_fault_that_there_is_not_is_refused(visitor: Visitor, body: dict[str, object]) -> None:
    assert (await visitor.ask("POST", "/simulator/faults", body)).status == 400


async def test_calls_come_and_go_when_they_are_told_to(visitor: Visitor) -> None:
    await visitor.control("agents", state="logged-out")
    queue = visitor.cloud.world.queue("Support")
    assert queue
    made = await visitor.control("calls", queue="Support", count=3, calling="+15551230000")
    assert (len(made["tasks"]), made["refused"]) == (3, 0)
    more = await visitor.control("calls", called=queue.number)
    truth = await visitor.control("truth", "GET")
    assert truth["queues"][queue.id]["length"] == 4
    assert truth["queues"][queue.id]["agents_signed_on"] == 0
    assert (await visitor.ask("DELETE", f"/simulator/calls/{more['tasks'][0]}")).status == 204
    assert (await visitor.ask("DELETE", f"/simulator/calls/{more['tasks'][0]}")).status == 404
    assert sorted((await visitor.control("calls", "DELETE"))["tasks"]) == sorted(made["tasks"])
    assert (await visitor.control("truth", "GET"))["queues"][queue.id]["length"] == 0


async def test_agents_are_what_they_are_told_to_be(visitor: Visitor) -> None:
    async def states() -> dict[str, int]:
        truth = await visitor.control("truth", "GET")
        return next(team["states"] for team in truth["teams"].values() if team["name"] == "Team 1")

    assert await states() == {"available": 10}
    assert len((await visitor.control("agents", state="idle", team="Team 1", count=4))["agents"]) == 4
    assert await states() == {"available": 6, "idle": 4}
    await visitor.control("agents", state="logged-out", team="Team 1")
    assert await states() == {}
    await visitor.control("agents", state="available", team="Team 1", count=2)
    assert await states() == {"available": 2}


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("calls", {"queue": "Nobody"}, 404),
        ("calls", {"queue": "Support", "count": 0}, 400),
        ("agents", {"state": "asleep"}, 400),
        ("agents", {"state": "idle", "team": "Nobody"}, 404),
        ("calls", [], 400),
    ],
)
async def test_what_can_t_be_done_is_refused(visitor: Visitor, path: str, body: object, status: int) -> None:
    assert (await visitor.ask("POST", f"/simulator/{path}", body)).status == status


async def test_it_goes_on_by_itself() -> None:
    simulator = Simulator(Script(seed=7, agents=400).faster(100), lag=0.0)
    async with running(simulator) as visitor:
        await until(lambda: visitor.cloud.world.calls.tasks)
        assert (await visitor.control("truth", "GET"))["tasks"]
