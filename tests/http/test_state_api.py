import time
from collections.abc import AsyncIterator
from dataclasses import replace

import aiohttp
import pytest

from edge_router.http.state_api import StateApi
from tests.http.api import centre, parked, refuses, served

KEYS = {
    *("ok", "error", "id", "name", "type", "channel", "length", "expected", "total_wait_secs", "longest_wait_secs"),
    *("agents_available", "agents_signed_on", "estimated_wait_secs", "age_secs", "fresh", "source", "calls"),
    *("tasks_age_secs", "agents_age_secs", "estimate_age_secs"),
}


@pytest.fixture
def api() -> StateApi:
    return StateApi(centre(), 60.0, refuses)


@pytest.fixture
async def client(api: StateApi) -> AsyncIterator[aiohttp.ClientSession]:
    async with served(api) as url, aiohttp.ClientSession(url) as session:
        yield session


async def get(client: aiohttp.ClientSession, path: str, status: int = 200) -> dict[str, object]:
    async with client.get(path) as answer:
        assert answer.status == status
        found: dict[str, object] = await answer.json()
        return found


async def put(client: aiohttp.ClientSession, name: str, status: int, body: object) -> dict[str, object]:
    data = body if isinstance(body, bytes) else None
    async with client.put(f"/v1/queues/{name}", data=data, json=None if data is not None else body) as answer:
        found: dict[str, object] = await answer.json()
        assert (answer.status, set(found)) == (status, KEYS)
        return found


@pytest.mark.parametrize("name", ["Support", "q-1"])
async def test_a_queue_by_name_or_id(client: aiohttp.ClientSession, name: str) -> None:
    found = await get(client, f"/v1/queues/{name}")
    for key in ("age_secs", "tasks_age_secs", "agents_age_secs"):
        age = found.pop(key)
        assert isinstance(age, float)
        assert 0 <= age < 60
    assert found == {
        "ok": True,
        "error": "",
        "id": "q-1",
        "name": "Support",
        "type": "INBOUND",
        "channel": "TELEPHONY",
        "length": 1,
        "expected": 1,
        "total_wait_secs": found["longest_wait_secs"],
        "longest_wait_secs": found["longest_wait_secs"],
        "calls": 0,
        "agents_available": 1,
        "agents_signed_on": 1,
        "estimated_wait_secs": -1,
        "estimate_age_secs": None,
        "fresh": True,
        "source": "reconcile",
    }


async def test_an_unknown_queue_has_the_same_keys_and_a_hint(client: aiohttp.ClientSession) -> None:
    found = await get(client, "/v1/queues/Suport", 404)
    assert set(found) == KEYS
    assert (found["ok"], found["length"]) == (False, None)
    assert found["error"] == "there is no queue of that name or id; did you mean Support?"


async def test_all_queues(client: aiohttp.ClientSession) -> None:
    found = await get(client, "/v1/queues")
    assert found["ok"] is True
    queues = found["queues"]
    assert isinstance(queues, list)
    assert [(queue["name"], queue["fresh"]) for queue in queues] == [("Support", True), ("Pushed", False)]
    assert all({"ok", "error", *queue} == KEYS for queue in queues)


async def test_what_is_older_than_stale_after_is_not_fresh(client: aiohttp.ClientSession, api: StateApi) -> None:
    api.stale_after = -1.0
    assert (await get(client, "/v1/queues/Support"))["fresh"] is False


async def test_age_of_what_nobody_knows_is_null(client: aiohttp.ClientSession, api: StateApi) -> None:
    api.centre.everything_stale()
    found = await get(client, "/v1/queues/Support")
    assert (found["age_secs"], found["fresh"], found["source"]) == (None, False, "stored")


async def test_teams_agents_and_tasks(client: aiohttp.ClientSession, api: StateApi) -> None:
    teams = (await get(client, "/v1/teams"))["teams"]
    assert isinstance(teams, list)
    assert [(team["name"], team["agents_signed_on"], team["agents_available"]) for team in teams] == [("Day", 1, 1)]
    agents = (await get(client, "/v1/agents"))["agents"]
    assert isinstance(agents, list)
    assert [(each["name"], each["team"], each["state"]) for each in agents] == [("Ann", "Day", "available")]
    api.centre.apply(parked("task-2"), time.time())
    tasks = (await get(client, "/v1/tasks"))["tasks"]
    assert isinstance(tasks, list)
    assert {(each["id"], each["queue"], each["state"]) for each in tasks} == {
        ("task-1", "Support", "parked"),
        ("task-2", "Support", "parked"),
    }


async def test_a_task_says_which_call_it_is(client: aiohttp.ClientSession, api: StateApi) -> None:
    for task in ("task-2", "task-3"):
        api.centre.apply(parked(task), time.time())
    api.centre.tasks["task-2"].call = "said by the flow"
    api.call_of = {"task-1": "ours"}.get
    tasks = (await get(client, "/v1/tasks"))["tasks"]
    assert isinstance(tasks, list)
    assert {each["id"]: each["call_id"] for each in tasks} == {
        "task-1": "ours",
        "task-2": "said by the flow",
        "task-3": "",
    }


async def test_an_event_is_seen_at_once(client: aiohttp.ClientSession, api: StateApi) -> None:
    api.centre.apply(parked("task-2"), time.time())
    assert (await get(client, "/v1/queues/Support"))["length"] == 2


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/v1/queues/Support", {"Forwarded": "for=192.0.2.1"}, 401),
        ("PUT", "/v1/queues/Pushed", {"Authorization": "Bearer nobodys-token-of-old"}, 401),
        ("PUT", "/v1/queues/Pushed", {"Origin": "https://evil.example"}, 403),
        ("DELETE", "/v1/queues/Support", {}, 405),
        ("GET", "/v1/queues/", {}, 404),
    ],
)
async def test_who_is_refused_at_a_queue_gets_all_its_keys(
    client: aiohttp.ClientSession, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    async with client.request(method, path, headers=headers) as answer:
        found = await answer.json()
        assert (answer.status, set(found), found["ok"]) == (status, KEYS, False)
    assert found["error"]
    assert {found[key] for key in KEYS - {"ok", "error"}} == {None}


@pytest.mark.parametrize("name", ["queues", "teams", "agents", "tasks"])
async def test_who_is_refused_a_list_gets_its_keys(client: aiohttp.ClientSession, name: str) -> None:
    async with client.get(f"/v1/{name}", headers={"X-Forwarded-For": "192.0.2.1"}) as answer:
        assert await answer.json() == {"ok": False, "error": "a token is needed", name: None}
    async with client.delete(f"/v1/{name}") as answer:
        assert await answer.json() == {"ok": False, "error": "this path takes GET, HEAD", name: None}


# ------------------------------------------------------------------------------------------------ pushed queues


async def test_a_queue_is_pushed(client: aiohttp.ClientSession, api: StateApi) -> None:
    found = await put(client, "Pushed", 200, {"length": 4, "longest_wait_secs": 61.4, "estimated_wait_secs": 90})
    assert (found["length"], found["longest_wait_secs"], found["estimated_wait_secs"]) == (4, 61, 90)
    assert (found["source"], found["fresh"]) == ("pushed", True)
    queue = api.centre.picture.queue("Pushed")
    assert queue is not None
    assert queue.length == 4


async def test_what_isnt_pushed_stays(client: aiohttp.ClientSession) -> None:
    await put(client, "Pushed", 200, {"length": 4, "agents_available": 2})
    found = await put(client, "Pushed", 200, {"length": 5})
    assert (found["length"], found["agents_available"]) == (5, 2)


async def test_a_whole_number_may_have_a_point(client: aiohttp.ClientSession) -> None:
    found = await put(client, "Pushed", 200, {"length": 3.0, "agents_available": 2.0, "longest_wait_secs": 41})
    assert (found["length"], found["agents_available"], found["longest_wait_secs"]) == (3, 2, 41)


async def test_pushed_values_hold_for_their_ttl(client: aiohttp.ClientSession, api: StateApi) -> None:
    await put(client, "Pushed", 200, {"length": 4, "ttl_secs": 30})
    queue = api.centre.picture.queue("Pushed")
    assert queue is not None
    now = time.monotonic()
    assert queue.age_of("length", now + 20) < 60
    assert queue.age_of("length", now + 31) == float("inf")


async def test_the_answer_of_get_can_be_changed_and_sent_back(client: aiohttp.ClientSession) -> None:
    found = await get(client, "/v1/queues/Pushed")
    assert (await put(client, "Pushed", 200, found | {"length": 7}))["length"] == 7


async def test_a_queue_that_the_cloud_feeds_is_not_pushed(client: aiohttp.ClientSession) -> None:
    found = await put(client, "Support", 409, {"length": 0})
    assert found["error"] == "the values of this queue come from webex"
    assert (await get(client, "/v1/queues/Support"))["length"] == 1


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        (b"length=3", 400, "the body is no JSON"),
        (b"", 400, "the body is no JSON"),
        (b" " * 70_000, 413, "the body is larger than 64 KB"),
        ([1], 422, "the body is no JSON object"),
        ({}, 422, "there is nothing to set; send at least one of length"),
        ({"lenght": 3}, 422, "there is no key 'lenght'; did you mean length?"),
        ({"length": -1}, 422, "length: input should be greater than or equal to 0"),
        ({"length": 1.5}, 422, "length: input should be a valid integer"),
        ({"length": "3"}, 422, "length: input should be a valid integer"),
        ({"length": 10**9}, 422, "length: input should be less"),
        ({"length": True}, 422, "length: input should be a valid integer"),
        ({"longest_wait_secs": "41"}, 422, "longest_wait_secs: input should be a valid number"),
        ({"total_wait_secs": True}, 422, "total_wait_secs: input should be a valid number"),
        ({"estimated_wait_secs": "-1"}, 422, "estimated_wait_secs: input should be a valid number"),
        ({"length": 1, "ttl_secs": "60"}, 422, "ttl_secs: input should be a valid number"),
        ({"length": None}, 422, "there is nothing to set"),
        ({"length": 1, "ttl_secs": 0}, 422, "ttl_secs: input should be greater than 0"),
    ],
)
async def test_a_bad_push_changes_nothing_and_says_why(
    client: aiohttp.ClientSession, body: object, status: int, error: str
) -> None:
    await put(client, "Pushed", 200, {"length": 4})
    found = await put(client, "Pushed", status, body)
    assert found["ok"] is False
    assert error.lower() in str(found["error"]).lower()
    assert (await get(client, "/v1/queues/Pushed"))["length"] == 4


async def test_a_push_to_a_queue_that_there_is_not(client: aiohttp.ClientSession) -> None:
    assert "no queue" in str((await put(client, "Nobody", 404, {"length": 1}))["error"])


async def test_times_are_by_the_contact_centres_clock(client: aiohttp.ClientSession, api: StateApi) -> None:
    """Ours is a minute ahead of it."""
    api.centre.offset -= 60.0
    found = await put(client, "Pushed", 200, {"length": 4, "ttl_secs": 30})
    assert isinstance(found["tasks_age_secs"], float)
    assert found["tasks_age_secs"] < 30
    queue = api.centre.picture.queue("Pushed")
    assert queue is not None
    assert 0 < queue.of_tasks.expires - time.monotonic() <= 30
    now = time.time() - 60.0
    api.centre.apply(replace(parked("another"), time=now), now)
    tasks = (await get(client, "/v1/tasks"))["tasks"]
    assert isinstance(tasks, list)
    (waited,) = [task["parked_secs"] for task in tasks if task["id"] == "another"]
    assert waited < 30
