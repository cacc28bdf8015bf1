"""The search: filters, counts and pages are real, and mistakes are refused as the cloud refuses them."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from state_client.simulator import search as search_room
from state_client.simulator.graphql import BadQuery, read_query
from state_client.simulator.refusal import Refusal
from state_client.simulator.script import Script
from state_client.simulator.search import Search
from state_client.simulator.world import World
from state_client.webex.search import (
    ACTIVE_TASKS,
    AGENT_COUNTS,
    AGENT_SESSIONS,
    PARKED_COUNTS,
    tasks_by_id_text,
    with_variable,
)
from tests.state_client.simulator.kit import Visitor

START = 1_700_000_000.0
HOUR = 3600
BUSY = Script(seed=7, queues=8, teams=6, agents=120, load=1.6, callback=0.6, chat_every=4, swing=0.3)


@pytest.fixture(scope="module")
def world() -> World:
    """A busy one, an hour after its start, with a search that isn't behind."""
    made = World(BUSY, START, lag=0.0)
    made.step(START + HOUR)
    return made


@pytest.fixture
def ask(world: World) -> Callable[..., Any]:
    """Asks a query, and gives its answer; `all_pages` of it where there are more."""
    search = Search(world)

    def asks(query: str, all_pages: str = "", **variables: Any) -> Any:
        span = {"from": int(START * 1000), "to": int(world.now * 1000)}
        rows: list[Any] = []
        cursor = "NA"
        for _ in range(1000):
            answer = search.answer({"query": query, "variables": {**span, "cursor": cursor, **variables}}, world.now)
            if not all_pages:
                return answer
            (root,) = answer["data"].values()
            rows += root[all_pages]
            cursor = root["pageInfo"]["endCursor"]
            if not root["pageInfo"]["hasNextPage"]:
                return rows
        raise AssertionError("pages without end")

    return asks


def tasks(text: str = "", fields: str = "id", more: str = "") -> str:
    filtering = f", filter: {{ {text} }}" if text else ""
    return (
        f"query Q($from: Long!, $to: Long!, $cursor: String!) {{ taskDetails(from: $from, to: $to{filtering}{more}, "
        f"pagination: {{ cursor: $cursor }}) {{ tasks {{ {fields} }} pageInfo {{ hasNextPage endCursor }} }} }}"
    )


def test_the_client_s_query_for_active_tasks(world: World, ask: Callable[..., Any]) -> None:
    rows = ask(ACTIVE_TASKS, "tasks")
    wanted = [
        task
        for task in world.calls.tasks.values()
        if task.channel == "telephony" and task.direction == "INBOUND" and task.status != "ended"
    ]
    assert {row["id"]: row["status"] for row in rows} == {task.id: task.status for task in wanted}
    assert len({task.channel for task in world.calls.tasks.values()}) == 2
    assert set(rows[0]) == set(
        "id status channelType direction origin destination createdTime lastActivityTime isActive isCallback lastQueue "
        "lastTeam owner".split()
    )
    connected = next(row for row in rows if row["status"] == "connected")
    assert set(connected["owner"]) == {"id", "name"}
    assert next(row for row in rows if row["status"] == "new")["lastQueue"] is None


@pytest.mark.parametrize(("name", "shown"), [("EdgeCall", {"name": "EdgeCall", "value": "ours"}), ("Other", None)])
def test_the_client_s_query_with_a_global_variable(name: str, shown: object) -> None:
    world = World(Script(load=0.0), START, lag=0.0)
    made = world.call(next(iter(world.centre.queues.values())), headers={"X-Edge-Call": "ours"})
    assert made is not None
    world.step(START + 1)
    variables = {"from": int(START * 1000), "to": int(world.now * 1000), "cursor": "NA"}
    asked = {"query": with_variable(ACTIVE_TASKS, name), "variables": variables}
    (row,) = Search(world).answer(asked, world.now)["data"]["taskDetails"]["tasks"]
    assert (row["id"], row["stringGlobalVariables"]) == (made.id, shown)


def test_a_global_variable_is_asked_for_by_its_name(ask: Callable[..., Any]) -> None:
    assert "MissingFieldArgument" in str(ask(tasks(fields="id stringGlobalVariables { value }"))["errors"])


def test_the_client_s_query_for_parked_counts(world: World, ask: Callable[..., Any]) -> None:
    counted: dict[bool, Counter[str]] = {True: Counter(), False: Counter()}
    for row in ask(PARKED_COUNTS, "tasks"):
        (value,) = row["aggregation"]
        assert value["name"] == "count"
        counted[row["isCallback"]][row["lastQueue"]["id"]] += value["value"]
    truth = [queue for queue in world.truth().queues.values() if queue.channel == "telephony"]
    assert counted[False] == Counter({queue.id: queue.length for queue in truth if queue.length})
    assert sum(counted[True].values()) > 0
    assert sum(counted[False].values()) > 0


def test_the_client_s_query_for_agents(world: World, ask: Callable[..., Any]) -> None:
    rows = ask(AGENT_SESSIONS, "agentSessions")
    assert {row["agentId"] for row in rows} == set(world.centre.agents)
    for row in rows:
        agent = world.centre.agents[row["agentId"]]
        states = {channel["channelType"]: channel["currentState"] for channel in row["channelInfo"]}
        assert set(states) == set(agent.team.channels)
        assert states[agent.busy_on or "telephony"] == agent.state
        assert (row["agentName"], row["teamName"]) == (agent.name, agent.team.name)


def test_a_session_began_when_he_signed_on_and_a_state_later() -> None:
    world = World(Script(seed=7, load=0.0, rest=0.0), START, lag=0.0)
    world.step(START + 50)
    agent = next(iter(world.centre.agents.values()))
    world.staff.rest(agent)
    (row,) = [row for row in world.agent_rows(START + 60) if row["agentId"] == agent.id]
    assert row["startTime"] == START * 1000
    assert row["channelInfo"][0]["lastActivityTime"] == (START + 50) * 1000


def test_the_client_s_query_for_agent_counts(world: World, ask: Callable[..., Any]) -> None:
    counted: Counter[tuple[str, str]] = Counter()
    for row in ask(AGENT_COUNTS, "agentSessions"):
        (channel,) = row["channelInfo"]
        if channel["channelType"] == "telephony":
            counted[row["teamId"], channel["currentState"]] += row["aggregation"][0]["value"]
    wanted = Counter(
        (agent.team.id, agent.state if agent.busy_on in ("", "telephony") else "EngagedOther")
        for agent in world.centre.agents.values()
    )
    assert counted == wanted


def test_the_client_s_query_by_id(world: World, ask: Callable[..., Any]) -> None:
    ended = next(row for row in world.task_rows(world.now) if row["status"] == "ended")["id"]
    going = next(iter(world.calls.tasks))
    rows = ask(tasks_by_id_text(3), "tasks", id0=ended, id1=going, id2="none")
    assert {row["id"]: row["isActive"] for row in rows} == {ended: False, going: True}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ('status: { equals: "parked" }', lambda row: row["status"] == "parked"),
        ("channelType: { notEquals: chat }", lambda row: row["channelType"] != "chat"),
        ('status: { in: ["new", "ended"] }', lambda row: row["status"] in ("new", "ended")),
        ('status: { notin: ["new", "ended"] }', lambda row: row["status"] not in ("new", "ended")),
        (
            'or: [{ status: { equals: "new" } }, { isActive: { equals: false } }]',
            lambda row: row["status"] in ("new", "ended"),
        ),
        ('lastQueue: { name: { equals: "Sales" } }', lambda row: (row["lastQueue"] or {}).get("name") == "Sales"),
        (
            "createdTime: { gte: 1700001000000, lt: 1700002000000 }",
            lambda row: row["createdTime"] in range(1_700_001_000_000, 1_700_002_000_000),
        ),
    ],
)
def test_filters_filter(world: World, ask: Callable[..., Any], text: str, holds: Callable[[Any], bool]) -> None:
    everything = world.task_rows(world.now)
    wanted = {row["id"] for row in everything if holds(row)}
    assert {row["id"] for row in ask(tasks(text), "tasks")} == wanted
    assert 0 < len(wanted) < len(everything)


def test_pages_have_250_rows_and_each_row_comes_once(world: World, ask: Callable[..., Any]) -> None:
    first = ask(tasks())["data"]["taskDetails"]
    assert len(first["tasks"]) == 250
    assert first["pageInfo"]["hasNextPage"]
    rows = ask(tasks(), "tasks")
    assert len(rows) == len({row["id"] for row in rows}) == len(world.task_rows(world.now)) > 500


def test_an_old_cursor_is_refused(ask: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_room, "OPEN_SEARCHES", 2)
    cursor = ask(tasks())["data"]["taskDetails"]["pageInfo"]["endCursor"]
    assert "errors" not in ask(tasks(), cursor=cursor)
    for _ in range(2):
        ask(tasks())
    assert "errors" in ask(tasks(), cursor=cursor)
    assert "errors" in ask(tasks(), cursor="made up")


def test_times_choose_by_creation_and_must_be_milliseconds(world: World, ask: Callable[..., Any]) -> None:
    late = {"from": int((START + 3000) * 1000)}
    assert {row["id"] for row in ask(tasks(), "tasks", **late)} == {
        row["id"] for row in world.task_rows(world.now) if row["createdTime"] >= late["from"]
    }
    seconds = {"from": int(START), "to": int(START + HOUR)}
    assert ask(tasks(), "tasks", **seconds) == []
    for wrong in ({"from": "1"}, {"from": int((START - 400 * 86400) * 1000)}):
        with pytest.raises(Refusal):
            ask(tasks(), **wrong)


@pytest.mark.parametrize(
    "query",
    [
        "query Q { taskDetails",
        "mutation Q { taskDetails }",
        "query Q($from: Long!) { nothing(from: $from) { tasks { id } } }",
        tasks(fields="id colour"),
        tasks(fields="id lastQueue"),
        tasks(fields="id { name }"),
        tasks(fields=""),
        tasks("colour: { equals: 1 }"),
        tasks("lastQueue: { colour: { equals: 1 } }"),
        tasks("and: { status: { equals: 1 } }"),
        tasks('status: "parked"'),
        tasks("status: { like: 1 }"),
        tasks("status: { in: [" + "1, " * 1001 + "] }"),
        tasks(fields="aggregation { value }"),
        tasks(more=', aggregations: [{ field: "id", type: median, name: "m" }]'),
        tasks(more=", extra: $nothing"),
        "{" * 50,
        "query Q { taskDetails(from: 1.2.3) { tasks { id } } }",
        "{ __schema { types { name } } }",
    ],
)
def test_a_query_that_is_none_gets_errors(ask: Callable[..., Any], query: str) -> None:
    answer = ask(query)
    assert answer["data"] is None
    assert answer["errors"][0]["message"]


@pytest.mark.parametrize("query", ["{ a " * 50 + "}" * 50, "{ f(v: " + "[" * 50 + "]" * 50 + ") }"])
def test_a_query_is_nested_so_deep_and_no_deeper(query: str) -> None:
    with pytest.raises(BadQuery, match="too deep"):
        read_query(query, {})


def test_rows_are_kept_only_while_there_are_more(world: World) -> None:
    search = Search(world)
    variables: dict[str, Any] = {"from": int(START * 1000), "to": int(world.now * 1000), "cursor": "NA"}
    kept = []
    while variables["cursor"]:
        answer = search.answer({"query": tasks(), "variables": variables}, world.now)
        variables["cursor"] = answer["data"]["taskDetails"]["pageInfo"]["endCursor"]
        kept.append(len(search._open))
    assert kept == [1] * (len(kept) - 1) + [0]


def test_a_variable_that_must_be_there_has_to_be(ask: Callable[..., Any]) -> None:
    assert "errors" in ask(tasks_by_id_text(1))
    assert "errors" in ask(ACTIVE_TASKS, cursor=None)


def test_graphql_s_values_are_read() -> None:
    text = r"""query N($a: [String!]!, $b: Int) {
        f(s: "x\n\"", n: -1.5e2, t: true, z: null, e: WORD, l: [1, $b], o: {k: $a}) { g # nothing
        , h { i } }
    }"""
    query = read_query(text, {"a": ["v"], "b": 2})
    (asked,) = query.fields
    assert query.name == "N"
    values = {"s": 'x\n"', "n": -150.0, "t": True, "z": None, "e": "WORD", "l": [1, 2], "o": {"k": ["v"]}}
    assert asked.arguments == values
    assert [each.name for each in asked.fields] == ["g", "h"]
    assert [each.name for each in asked.fields[1].fields] == ["i"]
    with pytest.raises(BadQuery):
        read_query("{ f } { g }", {})


async def test_over_http_it_is_behind_and_needs_a_body_that_is_a_query(visitor: Visitor) -> None:
    visitor.cloud.world.ledger.lag = 60.0
    await visitor.control("calls", queue="Support")
    now = int(visitor.cloud.clock() * 1000)
    body = {"query": tasks(), "variables": {"from": now - 3_600_000, "to": now + 1000, "cursor": "NA"}}
    answer = await visitor.ask("POST", "/search", body)
    assert answer.json == {"data": {"taskDetails": {"tasks": [], "pageInfo": {"hasNextPage": False, "endCursor": ""}}}}
    visitor.cloud.world.ledger.lag = 0.0
    answer = await visitor.ask("POST", "/search", body)
    assert len(answer.json["data"]["taskDetails"]["tasks"]) == 1
    wrongs: tuple[Any, ...] = ({}, [], {"query": 1}, {"query": tasks(), "variables": []})
    for wrong in wrongs:
        assert (await visitor.ask("POST", "/search", wrong)).status == 400
    assert (await visitor.ask("POST", "/search", data=b"{")).status == 400


def test_a_search_by_seconds_behind_shows_the_past() -> None:
    world = World(replace(BUSY, seed=3), START, lag=5.0)
    world.step(START + 600)
    past = {row["id"]: row["status"] for row in world.task_rows(world.now)}
    other = World(replace(BUSY, seed=3), START, lag=0.0)
    other.step(START + 595)
    assert past == {row["id"]: row["status"] for row in other.task_rows(START + 595)}
