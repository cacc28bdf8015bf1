"""Configuration in pages, agents' activities, interactions and estimates, held to Cisco's description."""

from typing import Any

import pytest

from state_client.simulator.rooms import asked
from state_client.simulator.script import Script
from state_client.simulator.server import Simulator
from tests.state_client.simulator.kit import Visitor, faults_of, running

QUEUES = "/organization/{orgid}/v2/contact-service-queue"
TEAMS = "/organization/{orgid}/v2/team"
MANY = Script(seed=7, queues=230, teams=120, agents=300, load=0.0, rest=0.0)


def beside_required(faults: list[str]) -> list[str]:
    """Cisco's description says that each queue of a list has its distribution groups, and that lists leave them out."""
    return [fault for fault in faults if not fault.endswith("is a required property")]


async def test_lists_come_in_pages_of_a_hundred() -> None:
    async with running(Simulator(MANY)) as visitor:
        seen: list[str] = []
        for page in range(3):
            answer = await visitor.get(f"{visitor.org}/v2/contact-service-queue", page=page, pageSize=1000)
            assert beside_required(faults_of(answer.json, "GET", QUEUES, 200)) == []
            meta = answer.json["meta"]
            assert (meta["page"], meta["pageSize"], meta["totalPages"], meta["totalRecords"]) == (page, 100, 3, 230)
            assert ("next" in meta["links"], "prev" in meta["links"]) == (page < 2, page > 0)
            assert "callDistributionGroups" not in answer.json["data"][0]
            seen += [row["id"] for row in answer.json["data"]]
        assert seen == list(visitor.cloud.world.centre.queues)
        assert (await visitor.get(f"{visitor.org}/v2/team", page=9)).json["data"] == []
        bare = await visitor.get(f"{visitor.org}/team")
        assert len(bare.json) == 120


async def test_one_queue_has_its_teams(visitor: Visitor) -> None:
    queue = visitor.cloud.world.queue("Sales")
    assert queue
    path = f"{visitor.org}/v2/contact-service-queue/{queue.id}"
    row = (await visitor.described("GET", path, QUEUES + "/{id}")).json
    teams = [group["agentGroups"][0]["teamId"] for group in row["callDistributionGroups"]]
    assert teams == [team.id for team in queue.teams]
    assert (row["name"], row["channelType"], row["queueType"], row["maxTimeInQueue"]) == (
        "Sales",
        "TELEPHONY",
        "INBOUND",
        3600,
    )
    answer = await visitor.described("GET", path + "0", QUEUES + "/{id}")
    assert answer.status == 404


async def test_teams_as_they_are_described(visitor: Visitor) -> None:
    answer = await visitor.described("GET", f"{visitor.org}/v2/team", TEAMS)
    assert [row["name"] for row in answer.json["data"]] == ["Team 1", "Team 2", "Team 3", "Team 4"]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"filter": 'name=="Sales"'}, ["Sales"]),
        ({"filter": "name=in=('Sales',\"Billing\")"}, ["Sales", "Billing"]),
        ({"filter": 'name!="Sales"', "pageSize": 2, "page": 1}, ["Orders", "Returns"]),
        ({"search": "SALE"}, ["Sales"]),
    ],
)
async def test_lists_can_be_filtered(visitor: Visitor, query: dict[str, Any], names: list[str]) -> None:
    answer = await visitor.get(f"{visitor.org}/v2/contact-service-queue", **query)
    assert [row["name"] for row in answer.json["data"]] == names


async def test_only_the_attributes_that_are_asked_for(visitor: Visitor) -> None:
    answer = await visitor.get(f"{visitor.org}/v2/contact-service-queue", attributes="id,name,callDistributionGroups")
    assert [set(row) for row in answer.json["data"]] == [{"id", "name"}] * 6


@pytest.mark.parametrize("query", [{"filter": "colour==1"}, {"filter": "what?"}, {"page": -1}, {"pageSize": "many"}])
async def test_what_a_list_can_t_do(visitor: Visitor, query: dict[str, Any]) -> None:
    assert (await visitor.get(f"{visitor.org}/v2/team", **query)).status == 400


async def test_the_organisation_s_entitlement_is_there_where_there_is_one(visitor: Visitor) -> None:
    assert (await visitor.get(f"{visitor.org}/organization-setting")).json == []
    async with running(Simulator(Script(seed=7, load=0.0, sessions=10, surge=1.5))) as other:
        (row,) = (await other.get(f"{other.org}/organization-setting")).json
        assert (row["concurrentVoiceContactEntitlement"], row["voiceContactSurgeFactor"]) == (10, 1.5)
        made = await other.control("calls", queue="Support", count=20)
        assert (len(made["tasks"]), made["refused"]) == (15, 5)
        assert (await other.ask("POST", "/simulator/calls", {"queue": "Support"})).status == 503


async def test_activities_are_what_agents_do_now(visitor: Visitor) -> None:
    await visitor.control("agents", state="idle", team="Team 2", count=3)
    await visitor.control("agents", state="logged-out", team="Team 3")
    begin = int((visitor.cloud.clock() - 80_000) * 1000)
    path = f"/v1/agents/activities?from={begin}&pageSize=1000"
    rows = (await visitor.described("GET", path, "/v1/agents/activities")).json["data"]
    assert len(rows) == 30
    assert [row["startTime"] for row in rows] == sorted(row["startTime"] for row in rows)
    idle = [row for row in rows if row["currentState"] == "idle"]
    assert [(row["teamName"], row["idleCodeName"], row["endTime"]) for row in idle] == [("Team 2", "Break", -1)] * 3
    assert len((await visitor.ask("GET", path + f"&agentIds={idle[0]['agentId']},none")).json["data"]) == 1
    assert len((await visitor.ask("GET", path + f"&teamIds={idle[0]['teamId']}")).json["data"]) == 10
    assert (await visitor.ask("GET", path + "&channelTypes=chat,email")).json["data"] == []
    pages = [await visitor.ask("GET", f"/v1/agents/activities?from={begin}&pageSize=20&page={page}") for page in (0, 1)]
    assert [row["agentId"] for page in pages for row in page.json["data"]] == [row["agentId"] for row in rows]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 400),
        ("from=0", 400),
        ("from=99999999999999&pageSize=1001", 400),
        ("from=99999999999999&channelTypes=Telephony", 400),
        ("from=99999999999999&agentIds=" + ",".join("a" * 101), 400),
        ("from=99999999999999&pageSize=1000&page=9", 200),
        ("from=99999999999999&pageSize=1000&page=10", 413),
    ],
)
async def test_what_activities_can_t_do(visitor: Visitor, query: str, status: int) -> None:
    answer = await visitor.described("GET", f"/v1/agents/activities?{query}", "/v1/agents/activities")
    assert answer.status == status


async def test_tasks_in_the_words_of_their_own_interface(visitor: Visitor) -> None:
    await visitor.control("agents", state="logged-out")
    waiting, gone = (await visitor.control("calls", queue="Support", count=2))["tasks"]
    await visitor.ask("DELETE", f"/simulator/calls/{gone}")
    rows = (await visitor.described("GET", "/v1/tasks?from=0&channelTypes=telephony", "/v1/tasks")).json["data"]
    assert {row["id"]: row["attributes"]["status"] for row in rows} == {waiting: "queued", gone: "abandoned"}
    assert rows[0]["attributes"]["queue"]["name"] == "Support"
    assert (await visitor.ask("GET", "/v1/tasks?from=0&channelTypes=chat")).json["data"] == []
    assert len((await visitor.ask("GET", "/v1/tasks?from=0&pageSize=1")).json["data"]) == 1
    assert (await visitor.ask("GET", "/v1/tasks")).status == 400


async def test_an_estimate_is_of_those_minutes_that_were_alike(visitor: Visitor) -> None:
    queue = visitor.cloud.world.queue("Support")
    assert queue
    minute = visitor.cloud.clock() // 60 * 60 - 300
    path = f"/v1/ewt?queueId={queue.id}&lookbackMinutes=60"
    queue.waits += [(minute, 10.0), (minute + 1, 20.0), (minute + 61, 1.0), (minute + 62, 99.0)]
    answer = await visitor.described("GET", path, "/v1/ewt")
    assert answer.json == {"estimatedWaitTime": 15_000.0}
    assert (await visitor.ask("GET", path + "&minValidSamples=51")).status == 204
    assert (await visitor.ask("GET", path + "&maxCV=5")).status == 204
    assert (await visitor.ask("GET", path + "&maxCV=100")).json == {"estimatedWaitTime": 32_500.0}
    assert (await visitor.ask("GET", "/v1/ewt?queueId=none&lookbackMinutes=60")).status == 204
    assert (await visitor.ask("GET", f"/v1/ewt?queueId={queue.id}&lookbackMinutes=5")).status == 204
    for wrong in ("lookbackMinutes=5", f"queueId={queue.id}", f"queueId={queue.id}&lookbackMinutes=4"):
        assert (await visitor.described("GET", f"/v1/ewt?{wrong}", "/v1/ewt")).status == 400


@pytest.mark.parametrize(("encoding", "size", "coding"), [("gzip", 40, "gzip"), ("identity", 40, ""), ("gzip", 1, "")])
async def test_a_big_answer_is_compressed_for_who_can_read_it(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch, encoding: str, size: int, coding: str
) -> None:
    assert asked.COMPRESSED_FROM == 1_000_000
    monkeypatch.setattr(asked, "COMPRESSED_FROM", 2000)
    begin = int((visitor.cloud.clock() - 3600) * 1000)
    path = f"/v1/agents/activities?from={begin}&pageSize={size}"
    answer = await visitor.ask("GET", path, headers={"Accept-Encoding": encoding})
    assert len(answer.json["data"]) == size
    assert answer.headers.get("Content-Encoding", "") == coding
