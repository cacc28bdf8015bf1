import re
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from state_client.rows import AgentRow, TaskRow
from state_client.webex import search
from state_client.webex.errors import WebexError
from tests.state_client.webex.rest_cloud import ORG, Asked, Rest, client, reply

NOW = 1_700_000_000.5
NOW_MS = 1_700_000_000_500
DAY_MS = 86_400_000

TASK = {
    "id": "task-1",
    "status": "parked",
    "channelType": "telephony",
    "direction": "INBOUND",
    "origin": "+14085550100",
    "destination": "+18005550100",
    "createdTime": NOW_MS - 60_000,
    "lastActivityTime": NOW_MS - 1_500,
    "isActive": True,
    "isCallback": False,
    "lastQueue": {"id": "q-1", "name": "Support"},
    "lastTeam": {"id": "t-1", "name": "Team"},
    "owner": {"id": "a-1", "name": "Ann"},
}
SESSION = {
    "agentId": "a-1",
    "agentName": "Ann",
    "teamId": "t-1",
    "teamName": "Team",
    "isActive": True,
    "channelInfo": [
        {
            "channelType": "telephony",
            "currentState": "idle",
            "lastActivityTime": NOW_MS - 30_000,
            "idleCodeName": "Lunch",
        },
        {"channelType": "chat", "currentState": "available", "lastActivityTime": NOW_MS - 40_000, "idleCodeName": None},
    ],
}


def answering(root: str, *pages: list[Any]) -> Any:
    """The pages of an answer, by cursor: the first for "NA", then "1", "2" and so on."""

    def page(asked: Asked) -> web.StreamResponse:
        cursor = asked.json["variables"]["cursor"]
        number = 0 if cursor == "NA" else int(cursor)
        more = number + 1 < len(pages)
        info = {"hasNextPage": more, "endCursor": str(number + 1) if more else None}
        rows = "tasks" if root == "taskDetails" else "agentSessions"
        return reply({"data": {root: {rows: pages[number], "pageInfo": info}}})(asked)

    return page


def counted(name: str, value: float) -> list[dict[str, Any]]:
    return [{"name": "other", "value": 99}, {"name": name, "value": value}]


def query_of(rest: Rest, number: int = 0) -> tuple[str, dict[str, Any]]:
    body = rest.cloud.asked_for("/search")[number].json
    assert set(body) == {"query", "variables"}
    return " ".join(body["query"].split()), body["variables"]


def is_balanced(query: str) -> bool:
    return all(query.count(left) == query.count(right) for left, right in ("{}", "()", "[]"))


async def test_active_tasks_are_asked_for_in_milliseconds_and_read(tmp_path: Path) -> None:
    async with client(tmp_path) as rest:
        rest.cloud.on("/search", answering("taskDetails", [TASK]))
        assert await search.active_tasks(rest.api, NOW) == [
            TaskRow(
                id="task-1",
                status="parked",
                queue_id="q-1",
                queue_name="Support",
                team_id="t-1",
                agent_id="a-1",
                channel="telephony",
                direction="inbound",
                origin="+14085550100",
                destination="+18005550100",
                created=NOW - 60,
                active_at=NOW - 1.5,
                active=True,
                callback=False,
            )
        ]
        query, variables = query_of(rest)
        assert variables == {"from": NOW_MS - DAY_MS, "to": NOW_MS, "cursor": "NA"}
        assert query.startswith("query ActiveTasks($from: Long!, $to: Long!, $cursor: String!) { taskDetails(")
        for condition in (
            "channelType: { equals: telephony",
            'direction: { equals: "inbound"',
            "isActive: { equals: true",
        ):
            assert condition in query
        assert rest.cloud.asked[0].query == {"orgId": ORG}
        assert rest.seen[-1] == ("ActiveTasks", "200")


@pytest.mark.parametrize(
    ("shown", "call"),
    [
        ({"name": "EdgeCall", "value": " 0123abcd "}, "0123abcd"),
        ([{"name": "EdgeCall", "value": "0123abcd"}], "0123abcd"),
        ({"name": "EdgeCall", "value": "x" * 200}, "x" * 128),
        ({"name": "EdgeCall", "value": None}, ""),
        (None, ""),
    ],
)
async def test_a_global_variable_says_what_a_call_is_called_outside(tmp_path: Path, shown: object, call: str) -> None:
    async with client(tmp_path) as rest:
        rest.cloud.on("/search", answering("taskDetails", [TASK | {"stringGlobalVariables": shown}]))
        asked = (
            search.active_tasks(rest.api, NOW, "EdgeCall"),
            search.parked_tasks(rest.api, NOW, "EdgeCall"),
            search.tasks_by_id(rest.api, ["task-1"], NOW, "EdgeCall"),
        )
        for answer in asked:
            assert [row.call for row in await answer] == [call]
            query, _ = query_of(rest, -1)
            assert query.count('stringGlobalVariables(name: "EdgeCall") { name value }') == 1
            assert is_balanced(query)


async def test_every_page_of_tasks_is_asked_for_by_its_cursor(tmp_path: Path) -> None:
    async with client(tmp_path) as rest:
        pages = [[{"id": f"task-{page}-{n}", "status": "parked"} for n in range(250)] for page in range(3)]
        rest.cloud.on("/search", answering("taskDetails", *pages))
        rows = await search.active_tasks(rest.api, NOW)
        assert [row.id for row in rows] == [f"task-{page}-{n}" for page in range(3) for n in range(250)]
        assert [query_of(rest, n)[1]["cursor"] for n in range(3)] == ["NA", "1", "2"]


@pytest.mark.parametrize("cursor", [None, "NA", 7])
async def test_a_half_answer_is_an_error_and_not_the_whole_truth(tmp_path: Path, cursor: Any) -> None:
    async with client(tmp_path) as rest:
        info = {"hasNextPage": True, "endCursor": cursor}
        rest.cloud.on("/search", reply({"data": {"taskDetails": {"tasks": [TASK], "pageInfo": info}}}))
        with pytest.raises(WebexError, match="there are more rows"):
            await search.active_tasks(rest.api, NOW)


async def test_an_answer_without_end_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "MOST_PAGES", 3)
    async with client(tmp_path) as rest:
        rest.cloud.on("/search", answering("taskDetails", *([[TASK]] * 9)))
        with pytest.raises(WebexError, match="more than 3 pages"):
            await search.active_tasks(rest.api, NOW)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"errors": [{"message": "Field 'x' is undefined"}], "data": None}, "Field 'x' is undefined"),
        ({"errors": [{"message": "timed out"}], "data": {"taskDetails": {"tasks": []}}}, "timed out"),
        ({"errors": ["what"]}, "the search failed"),
        ({"data": None}, "the answer has no rows"),
        ({"data": {"taskDetails": None}}, "the answer has no rows"),
        ({"data": {"taskDetails": {"pageInfo": {}}}}, "the answer has no rows"),
        ([], "the answer is not an object"),
        (None, "the answer is not an object"),
    ],
)
async def test_an_error_of_the_search_is_an_error_and_not_an_empty_contact_centre(
    tmp_path: Path, content: Any, words: str
) -> None:
    async with client(tmp_path) as rest:
        rest.cloud.on("/search", reply(content))
        with pytest.raises(WebexError, match="ActiveTasks: 200") as caught:
            await search.active_tasks(rest.api, NOW)
        assert caught.value.reason == words
        assert caught.value.tracking_id.startswith("edge-router_")


@pytest.mark.parametrize("rows", [[], None])
async def test_nobody_there_is_no_error(tmp_path: Path, rows: Any) -> None:
    async with client(tmp_path) as rest:
        rest.cloud.on("/search", reply({"data": {"taskDetails": {"tasks": rows, "pageInfo": {"hasNextPage": False}}}}))
        assert await search.active_tasks(rest.api, NOW) == []


def test_fields_of_a_task_that_are_missing_or_wrong_read_as_unknown() -> None:
    assert search.read_task(
        {"id": "t", "status": "new", "lastQueue": None, "owner": [], "createdTime": "x"}
    ) == TaskRow("t", "new")
    assert search.read_task({"id": "t", "createdTime": -1, "isActive": False, "isCallback": True}) == TaskRow(
        "t", "", active=False, callback=True
    )


async def test_tasks_by_id_names_them_in_variables_a_hundred_at_a_time(tmp_path: Path) -> None:
    async with client(tmp_path) as rest:
        rest.cloud.on("/search", answering("taskDetails", [{**TASK, "isActive": False, "status": "ended"}]))
        ids = [f"task-{n:03}" for n in range(130)]
        rows = await search.tasks_by_id(rest.api, [*ids, ids[0], 'x" } evil {'], NOW)
        assert [(row.status, row.active) for row in rows] == [("ended", False)] * 2
        asked = []
        for number in range(2):
            query, variables = query_of(rest, number)
            names = re.findall(r"\{ id: \{ equals: \$(id\d+) \} \}", query)
            declared = re.findall(r"\$(id\d+): String!", query)
            assert names == declared
            assert query.startswith("query TasksById($from: Long!, $to: Long!, $cursor: String!, $id0: String!")
            assert is_balanced(query)
            assert "evil" not in query
            assert variables["from"] == NOW_MS - 7 * DAY_MS
            assert set(variables) == {"from", "to", "cursor", *names}
            asked.append([variables[name] for name in names])
        assert [len(some) for some in asked] == [100, 31]
        assert sorted(asked[0] + asked[1]) == sorted([*ids, 'x" } evil {'])


async def test_parked_tasks_are_those_that_are_parked(tmp_path: Path) -> None:
    async with client(tmp_path) as rest:
        rest.cloud.on("/search", answering("taskDetails", [TASK], [TASK | {"id": "task-2", "isCallback": True}]))
        found = await search.parked_tasks(rest.api, NOW)
        assert [(task.id, task.status, task.callback) for task in found] == [
            ("task-1", "parked", False),
            ("task-2", "parked", True),
        ]
        query, variables = query_of(rest)
        assert 'status: { equals: "parked" }' in query
        assert 'direction: { equals: "inbound" }' in query
        assert variables == {"from": NOW_MS - DAY_MS, "to": NOW_MS, "cursor": "NA"}


async def test_nothing_is_asked_for_no_ids(tmp_path: Path) -> None:
    async with client(tmp_path) as rest:
        assert await search.tasks_by_id(rest.api, [], NOW) == []
        assert rest.cloud.asked == []


async def test_parked_counts_by_queue_leave_callbacks_out(tmp_path: Path) -> None:
    async with client(tmp_path) as rest:
        first = [
            {"lastQueue": {"id": "q-1"}, "isCallback": False, "aggregation": counted("count", 4.0)},
            {"lastQueue": {"id": "q-1"}, "isCallback": True, "aggregation": counted("count", 3.0)},
            {"lastQueue": {"id": "q-1"}, "isCallback": None, "aggregation": counted("count", 1)},
        ]
        second = [
            {"lastQueue": {"id": "q-2"}, "aggregation": counted("count", 7)},
            {"lastQueue": None, "aggregation": counted("count", 9)},
        ]
        rest.cloud.on("/search", answering("taskDetails", first, second))
        assert await search.parked_counts(rest.api, NOW) == {"q-1": 5, "q-2": 7}
        query, _ = query_of(rest)
        assert 'aggregations: [{ field: "id", type: count, name: "count" }]' in query
        assert 'status: { equals: "parked" }' in query


async def test_agent_sessions_are_a_row_for_each_channel(tmp_path: Path) -> None:
    async with client(tmp_path) as rest:
        rest.cloud.on("/search", answering("agentSession", [SESSION]))
        assert await search.agent_sessions(rest.api, NOW) == [
            AgentRow("a-1", "idle", "telephony", "Ann", "t-1", "Team", NOW - 30, "Lunch", True),
            AgentRow("a-1", "available", "chat", "Ann", "t-1", "Team", NOW - 40, "", True),
        ]
        assert query_of(rest)[0].startswith("query AgentSessions($from: Long!")


async def test_of_several_sessions_of_an_agent_the_latest_counts(tmp_path: Path) -> None:
    def session(state: str, ago: int) -> dict[str, Any]:
        info = {"channelType": "telephony", "currentState": state, "lastActivityTime": NOW_MS - ago}
        return {**SESSION, "channelInfo": [info]}

    async with client(tmp_path) as rest:
        rows = [session("available", 100), session("connected", 50), session("idle", 9000)]
        rest.cloud.on("/search", answering("agentSession", rows))
        assert [row.state for row in await search.agent_sessions(rest.api, NOW)] == ["connected"]


def test_a_session_that_says_too_little_is_left_out() -> None:
    for channel in ({}, {"channelType": "telephony"}, {"currentState": "idle"}):
        assert search.read_session({**SESSION, "channelInfo": [channel]}) == []
    assert search.read_session({**SESSION, "agentId": None}) == []
    assert search.read_session({**SESSION, "channelInfo": None}) == []


async def test_agent_counts_by_team_and_telephony_state(tmp_path: Path) -> None:
    def row(team: str, channel: str, state: str, count: int, listed: bool = True) -> dict[str, Any]:
        info = {"channelType": channel, "currentState": state}
        return {"teamId": team, "channelInfo": [info] if listed else info, "aggregation": counted("count", count)}

    async with client(tmp_path) as rest:
        rows = [
            row("t-1", "telephony", "available", 3),
            row("t-1", "telephony", "idle", 2, listed=False),
            row("t-1", "chat", "available", 5),
            row("t-2", "telephony", "available", 4),
        ]
        rest.cloud.on("/search", answering("agentSession", rows, [row("t-2", "telephony", "available", 1)]))
        assert await search.agent_counts(rest.api, NOW) == {
            ("t-1", "available"): 3,
            ("t-1", "idle"): 2,
            ("t-2", "available"): 5,
        }


@pytest.mark.parametrize(
    "text",
    [
        search.ACTIVE_TASKS,
        search.PARKED_TASKS,
        search.PARKED_COUNTS,
        search.AGENT_SESSIONS,
        search.AGENT_COUNTS,
        search.tasks_by_id_text(3),
    ],
)
def test_the_texts_are_well_formed_and_use_every_variable(text: str) -> None:
    assert is_balanced(text)
    declared, used = text.split("{", 1)
    for variable in re.findall(r"\$\w+", declared):
        assert re.search(rf"{re.escape(variable)}\b", used)


def activity(agent: str, state: str, ago: int, active: bool = True, channel: str = "telephony") -> dict[str, Any]:
    return {
        "agentId": agent,
        "agentName": agent.title(),
        "teamId": "t-1",
        "teamName": "Team",
        "channelType": channel,
        "currentState": state,
        "idleCodeName": "Lunch" if state == "idle" else "",
        "active": active,
        "startTime": NOW_MS - ago,
        "endTime": -1 if active else NOW_MS,
    }


async def test_activities_that_go_on_are_what_agents_do_now(tmp_path: Path) -> None:
    async with client(tmp_path) as rest:
        rows = [
            activity("ann", "available", 9000, active=False),
            activity("ann", "idle", 5000),
            activity("ann", "available", 4000, channel="chat"),
            activity("bob", "connected", 1000),
            activity("carl", "available", 500, active=False),
        ]
        rest.cloud.on("/v1/agents/activities", reply({"meta": {"orgId": ORG}, "data": rows}))
        assert await search.activities(rest.api, NOW) == [
            AgentRow("ann", "idle", "telephony", "Ann", "t-1", "Team", NOW - 5, "Lunch", True),
            AgentRow("ann", "available", "chat", "Ann", "t-1", "Team", NOW - 4, "", True),
            AgentRow("bob", "connected", "telephony", "Bob", "t-1", "Team", NOW - 1, "", True),
        ]
        query = rest.cloud.asked[0].query
        assert query == {
            "from": str(NOW_MS - DAY_MS + 60_000),
            "to": str(NOW_MS),
            "orgId": ORG,
            "page": "0",
            "pageSize": "1000",
        }


async def test_more_activities_than_the_cloud_gives_are_an_error(tmp_path: Path) -> None:
    async with client(tmp_path) as rest:

        def full(asked: Asked) -> web.StreamResponse:
            page = int(asked.query["page"])
            assert page < 10
            return reply({"meta": {}, "data": [activity(f"agent-{page}-{n}", "idle", 1) for n in range(1000)]})(asked)

        rest.cloud.on("/v1/agents/activities", full)
        with pytest.raises(WebexError, match="10000 activities or more"):
            await search.activities(rest.api, NOW)


@pytest.mark.parametrize("status", [200, 400])
async def test_a_field_that_the_cloud_does_not_have_is_left_out_from_then_on(tmp_path: Path, status: int) -> None:
    async with client(tmp_path) as rest:
        errors = [{"message": "deprecated"}, {"message": "Field 'isCallback' in type 'Task' is undefined"}]
        row = {name: value for name, value in TASK.items() if name != "isCallback"}

        def answers(asked: Asked) -> web.StreamResponse:
            if "isCallback" in asked.json["query"]:
                return reply({"errors": errors, "data": None}, status)(asked)
            return reply({"data": {"taskDetails": {"tasks": [row], "pageInfo": {"hasNextPage": False}}}})(asked)

        rest.cloud.on("/search", answers)
        (task,) = await search.active_tasks(rest.api, NOW)
        assert (task.id, task.callback) == ("task-1", False)
        await search.parked_tasks(rest.api, NOW)
        await search.tasks_by_id(rest.api, ["task-1"], NOW)
        assert len(rest.cloud.asked) == 4
        queries = [" ".join(asked.json["query"].split()) for asked in rest.cloud.asked]
        assert [one.replace(" isCallback", "") for one in queries[:2]] == [queries[1]] * 2


async def test_another_fault_of_a_question_is_one(tmp_path: Path) -> None:
    async with client(tmp_path) as rest:
        rest.cloud.on("/search", reply({"errors": [{"message": "Field 'isCallback' is undefined"}], "data": None}))
        with pytest.raises(WebexError, match="isCallback"):  # it is said even of questions that don't have it
            await search.active_tasks(rest.api, NOW)
        assert len(rest.cloud.asked) == 2


def test_no_text_of_a_row_is_kept_in_full_length() -> None:
    """A hundred thousand rows may come."""
    long = "x" * 40_000
    task = search.read_task(
        {"id": long, "status": long, "origin": long, "destination": long, "lastQueue": {"id": long}}
    )
    assert {len(text) for text in (task.id, task.status, task.origin, task.destination, task.queue_id)} == {256}
    channel = {"channelType": long, "currentState": long, "idleCodeName": long}
    (agent,) = search.read_session({"agentId": long, "agentName": long, "teamId": long, "channelInfo": [channel]})
    assert {len(text) for text in (agent.agent_id, agent.name, agent.team_id, agent.channel, agent.idle_code)} == {256}
