"""Telephone calls at the contact centre, as those hear of them who listen to the events."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import aiohttp
import orjson
import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from edge_router import __version__
from edge_router.http import feed as feed_module
from edge_router.http import state_api, task_feed
from edge_router.http.access import scope_of
from edge_router.http.description import description
from edge_router.http.feed import Feed
from edge_router.http.state_api import EVENTS, StateApi
from edge_router.http.task_feed import TaskFeed
from state_client.centre import ContactCentre
from state_client.rows import TaskEvent
from tests.http.api import centre, parked, refuses, served

CALLER, CALLED = "+12125550100", "+18005550111"
PATIENCE = 10.0
Told = AsyncIterator[tuple[str, dict[str, object]]]


@pytest.fixture
def api() -> StateApi:
    return StateApi(centre(), 60.0, refuses)


@asynccontextmanager
async def listening(api: StateApi) -> AsyncIterator[Told]:
    """What a listener is told of tasks."""
    async with (
        served(api) as url,
        aiohttp.ClientSession(url, read_bufsize=2**20) as session,
        session.get(EVENTS) as answer,
    ):
        yield of_tasks(answer)


async def of_tasks(answer: aiohttp.ClientResponse) -> Told:
    name = ""
    async for line in answer.content:
        if line.startswith(b"event: "):
            name = line[7:].strip().decode()
        elif line.startswith(b"data: ") and name in ("task", "tasks"):
            yield name, orjson.loads(line[6:])


def happens(
    api: StateApi, type: str, task: str, channel: str = "telephony", queue_id: str = "", direction: str = "inbound"
) -> None:
    now = time.time()
    event = TaskEvent(f"{type} {task} {now}", type, now, task, 0.0, queue_id, channel, direction, CALLER, CALLED)
    api.centre.apply(event, now)


async def soon(heard: Told) -> tuple[str, dict[str, object]]:
    async with asyncio.timeout(PATIENCE):
        return await anext(heard)


async def until(probe: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not probe():  # noqa: ASYNC110 - what is waited for has no event of its own
            await asyncio.sleep(0.001)


async def told(heard: Told) -> tuple[str, object, object]:
    name, data = await soon(heard)
    return name, data.get("id"), data.get("state")


async def test_a_call_is_told_from_its_beginning_to_its_end(api: StateApi) -> None:
    api.call_of = {"task-2": "ours"}.get
    async with listening(api) as heard:
        assert await told(heard) == ("task", "task-1", "parked")
        happens(api, "task:new", "task-2")
        _, data = await soon(heard)
        began = data.pop("began_secs")
        assert isinstance(began, float)
        assert 0 <= began < 10
        assert data == {
            "id": "task-2",
            "state": "new",
            "queue": "",
            "channel": "telephony",
            "direction": "inbound",
            "origin": CALLER,
            "destination": CALLED,
            "call_id": "ours",
        }
        happens(api, "task:parked", "task-2", queue_id="q-1")
        _, data = await soon(heard)
        assert (data["state"], data["queue"]) == ("parked", "Support")
        happens(api, "task:ended", "task-2")
        assert await told(heard) == ("task", "task-2", "ended")


async def test_how_long_ago_it_began(api: StateApi) -> None:
    api.centre.tasks["task-1"].created = 0.0
    api.centre.apply(parked("task-2"), time.time())
    api.centre.tasks["task-2"].created = time.time() - 300
    async with listening(api) as heard:
        found = {data["id"]: data["began_secs"] for _, data in [await soon(heard), await soon(heard)]}
    assert found["task-1"] is None
    assert isinstance(found["task-2"], float)
    assert 300 <= found["task-2"] < 310


async def test_what_the_contact_centre_itself_says_of_a_call_is_told_rather_than_a_guess(api: StateApi) -> None:
    api.centre.tasks["task-1"].call = "said by the flow"
    api.call_of = {"task-1": "a guess"}.get
    async with listening(api) as heard:
        assert (await soon(heard))[1]["call_id"] == "said by the flow"


async def test_a_call_that_changes_often_is_told_once(api: StateApi) -> None:
    async with listening(api) as heard:
        assert await told(heard) == ("task", "task-1", "parked")
        happens(api, "task:connect", "task-1")
        happens(api, "task:connected", "task-1")
        happens(api, "task:new", "task-2")
        happens(api, "task:ended", "task-2")
        assert await told(heard) == ("task", "task-1", "connected")
        assert await told(heard) == ("task", "task-2", "ended")


async def test_changes_are_gathered_for_a_moment(api: StateApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_api, "TELL_AFTER", 0.5)
    async with listening(api) as heard:
        await soon(heard)
        for type in ("task:connect", "task:connected", "task:on-hold"):
            happens(api, type, "task-1")
            await asyncio.sleep(0.001)
        assert await told(heard) == ("task", "task-1", "held")


async def test_only_telephone_calls_are_told_of(api: StateApi) -> None:
    happens(api, "task:new", "chat-1", "chat")
    async with listening(api) as heard:
        assert await told(heard) == ("task", "task-1", "parked")
        happens(api, "task:new", "chat-2", "chat")
        happens(api, "task:ended", "chat-1", "chat")
        happens(api, "task:new", "task-2")
        assert await told(heard) == ("task", "task-2", "new")


async def test_who_else_hears_of_tasks_still_does() -> None:
    there = centre()
    heard: list[str] = []
    there.table.listener = lambda task: heard.append(task.id)
    StateApi(there, 60.0, refuses)
    there.apply(parked("task-2"), time.time())
    assert heard == ["task-2"]


async def test_that_these_were_all_is_said_where_it_is_so(api: StateApi) -> None:
    happens(api, "task:new", "chat-1", "chat")
    api.tasks.complete = lambda: True
    async with listening(api) as heard:
        assert await told(heard) == ("task", "task-1", "parked")
        assert await soon(heard) == ("tasks", {"total": 1})


async def test_that_these_were_all_is_said_later_where_it_is_so_later(api: StateApi) -> None:
    """A gateway that has just been started may not know them yet: nobody is to take those that it lacks for ended."""
    async with listening(api) as heard:
        assert await told(heard) == ("task", "task-1", "parked")
        happens(api, "task:new", "task-2")
        assert await told(heard) == ("task", "task-2", "new")
        api.tasks.complete = lambda: True
        api.centre.push("Pushed", None, time.time(), length=1)  # a queue alone will do
        assert await soon(heard) == ("tasks", {"total": 2})


async def test_a_queue_is_told_before_the_calls_that_have_changed_it(
    api: StateApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else who follows would count those in neither for a moment, and send a burst there."""
    monkeypatch.setattr(task_feed, "SLICE", 2)
    monkeypatch.setattr(task_feed, "NEXT_SLICE", 0.05)
    monkeypatch.setattr(state_api, "TELL_AFTER", 0.5)
    log: list[tuple[str, object, object]] = []
    publish = api.feed.publish

    def noted(name: str, data: dict[str, object]) -> None:
        log.append((name, data.get("length"), data.get("state")))
        publish(name, data)

    api.feed.publish = noted  # type: ignore[method-assign,assignment]
    async with listening(api) as heard:
        await soon(heard)
        for number in range(5):  # in the menu, so that their queue has no part in it
            happens(api, "task:new", str(number))
        await until(lambda: log)
        happens(api, "task:parked", "3", queue_id="q-1")  # while it is about to be told
        await until(lambda: ("task", None, "parked") in log)
    assert ("queue", 2, None) in log[: log.index(("task", None, "parked"))]


async def test_ten_thousand_at_once_are_told_in_slices_and_nobody_is_cut_off(
    api: StateApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(task_feed, "NEXT_SLICE", 0.0)
    many = 2 * feed_module.MOST_WAITING
    api.tasks.complete = lambda: True
    now = time.time()
    for number in range(many):
        api.centre.apply(TaskEvent(str(number), "task:new", now, str(number), channel="telephony"), now)
    made: list[int] = []
    at_once = 0
    view = api.tasks._view

    def counted(task: object) -> dict[str, object]:
        made.append(1)
        return view(task)  # type: ignore[arg-type]

    api.tasks._view = counted  # type: ignore[method-assign]

    async def watch() -> None:
        nonlocal at_once
        seen = 0
        while True:
            await asyncio.sleep(0)
            at_once, seen = max(at_once, len(made) - seen), len(made)

    watching = asyncio.create_task(watch())
    async with listening(api) as heard:
        beginning = [await soon(heard) for _ in range(many + 2)]
        assert beginning[-1] == ("tasks", {"total": many + 1})
        for number in range(many):
            api.centre.apply(TaskEvent(f"end {number}", "task:ended", now + 1, str(number)), now + 1)
        ended = [await told(heard) for _ in range(many)]
        assert {id for _, id, state in ended if state == "ended"} == {str(number) for number in range(many)}
        assert len(api.feed) == 1
    watching.cancel()
    assert at_once <= max(feed_module.SLICE, task_feed.SLICE)


async def test_where_nobody_listens_nothing_is_made_of_it() -> None:
    there = ContactCentre(time.time() - time.monotonic())
    asked: list[str] = []

    def call_of(task: str) -> None:
        asked.append(task)

    feed = Feed(lambda: ())
    tasks = TaskFeed(there, feed, call_of, lambda: asked.append("soon"))
    there.apply(parked("task-1", ""), time.time())
    assert not tasks._changed
    tasks._changed["task-1"] = there.tasks["task-1"]  # who listened has gone meanwhile
    tasks.tell()
    assert (asked, tasks._changed, tasks._telling) == ([], {}, {})


def test_whoever_may_read_tasks_may_hear_of_them_and_nobody_else() -> None:
    assert scope_of("GET", EVENTS) == scope_of("GET", "/v1/tasks") == "read"


async def test_they_are_as_they_are_described(api: StateApi) -> None:
    schemas = description(__version__)["components"]["schemas"]
    api.tasks.complete = lambda: True
    async with listening(api) as heard:
        for kind in ("TaskEvent", "TasksEvent"):
            _, data = await soon(heard)
            Draft202012Validator(schemas[kind]).validate(data)
