"""Telephone calls as another gateway tells of them: what is made of it, and what a hostile one can do by it."""

import asyncio
import time
from collections.abc import AsyncIterator

import orjson
import pytest

from edge_router.http.state_api import StateApi
from state_client.centre import ContactCentre
from state_client.feeds import peer_tasks, told
from state_client.feeds.peer import PeerSource
from state_client.feeds.peer_tasks import KEEP, MOST_TASKS, PeerTasks
from state_client.rows import TaskEvent
from state_client.task import RANKS, Task
from tests.http.api import centre, refuses, served
from tests.state_client.feeds.test_peer import BEAT, Other, said, until

CALLER, CALLED = "+12125550100", "+18005550111"
OFFSET = 50_000.0


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Heard:
    """Whoever is told of calls, and what each was like when he was."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []
        self.last: dict[str, Task] = {}

    def __call__(self, task: Task) -> None:
        self.told.append((task.id, task.state))
        self.last[task.id] = task


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def tasks(clock: Clock, heard: Heard) -> PeerTasks:
    return PeerTasks(heard, lambda: OFFSET, clock)


def call(id: object, state: object = "parked", **more: object) -> dict[str, object]:
    return {"id": id, "state": state, "channel": "telephony", "direction": "inbound", **more}


async def test_a_call_is_handed_on_from_its_beginning_to_its_end(tasks: PeerTasks, heard: Heard, clock: Clock) -> None:
    tasks.take(call("1", "new", origin=CALLER, destination=CALLED, call_id="c", began_secs=30))
    one = heard.last["1"]
    assert (one.channel, one.direction, one.origin, one.destination) == ("telephony", "inbound", CALLER, CALLED)
    assert (one.call, one.created) == ("c", OFFSET + 1_000 - 30)
    clock.now += 7
    tasks.take(call("1", "parked", began_secs=37.4))
    assert heard.last["1"] is one
    assert (one.state, one.origin, one.created) == ("parked", CALLER, OFFSET + 1_000 - 30)
    tasks.take(call("1", "ended"))
    assert heard.told == [("1", "new"), ("1", "parked"), ("1", "ended")]
    assert len(tasks) == 0


async def test_a_call_that_ended_before_it_was_told_of_has_been_there(tasks: PeerTasks, heard: Heard) -> None:
    """Whoever waits for it is to know that it came."""
    tasks.take(call("1", "ended", origin=CALLER, destination=CALLED))
    assert heard.told == [("1", "new"), ("1", "ended")]


async def test_who_is_not_told_of_any_more_is_over_once_these_were_all(tasks: PeerTasks, heard: Heard) -> None:
    telling = [tasks.telling]
    for id in "123":
        tasks.take(call(id))
    await tasks.all_told()
    telling.append(tasks.telling)
    tasks.begin()
    telling.append(tasks.telling)
    assert telling == [False, True, False]
    assert len(tasks) == 3  # the line was broken; nobody is known to have gone
    heard.told.clear()
    tasks.take(call("2", "connected"))
    tasks.take(call("4", "new"))
    await tasks.all_told()
    assert heard.told == [("2", "connected"), ("4", "new"), ("1", "ended"), ("3", "ended")]
    await tasks.all_told()  # it may be said twice
    assert len(tasks) == 2


async def test_nobody_counts_for_ever_of_whom_nobody_tells(tasks: PeerTasks, heard: Heard, clock: Clock) -> None:
    tasks.take(call("1"))
    await tasks.all_told()
    for _ in range(3):
        clock.now += KEEP
        await tasks.look(alive=True)  # somebody does, though nothing happens to this call
    assert len(tasks) == 1
    clock.now += KEEP
    await tasks.look(alive=False)
    assert len(tasks) == 1
    clock.now += 1
    await tasks.look(alive=False)
    assert (len(tasks), tasks.telling, heard.told[-1]) == (0, False, ("1", "ended"))


async def test_nor_of_whom_the_gateway_that_is_followed_does_not_tell(tasks: PeerTasks, clock: Clock) -> None:
    """One of an older release."""
    tasks.take(call("1"))
    await tasks.all_told()
    tasks.begin()
    clock.now += KEEP + 1
    await tasks.look(alive=True)
    assert len(tasks) == 0


async def test_there_is_a_limit_to_them(tasks: PeerTasks, heard: Heard) -> None:
    for number in range(MOST_TASKS + 5):
        tasks.take(call(str(number)))
    assert len(tasks) == len(heard.last) == MOST_TASKS
    tasks.take(call("7", "connected"))  # who is known goes on
    assert heard.last["7"].state == "connected"
    tasks.take(call("7", "ended"))
    tasks.take(call("one more"))
    assert len(tasks) == MOST_TASKS


async def test_twenty_thousand_ends_at_once_hold_nobody_up(tasks: PeerTasks, heard: Heard) -> None:
    for number in range(1_000):
        tasks.take(call(str(number)))
    tasks.begin()
    heard.told.clear()
    ending = asyncio.create_task(tasks.all_told())
    at_once, seen = 0, 0
    while not ending.done():
        await asyncio.sleep(0)
        at_once, seen = max(at_once, len(heard.told) - seen), len(heard.told)
    assert (len(tasks), seen) == (0, 1_000)
    assert at_once <= peer_tasks.SLICE


NONSENSE: list[dict[str, object]] = [
    {},
    call(3),
    call(""),
    call(None),
    call("x" * (told.LONGEST_NAME + 1)),
    call("1", "gone"),
    call("1", 3),
    call("1", ["parked"]),
    {"id": "1"},
]


@pytest.mark.parametrize("data", NONSENSE)
async def test_what_can_be_no_call_is_none(data: dict[str, object], tasks: PeerTasks, heard: Heard) -> None:
    tasks.take(data)
    assert (len(tasks), heard.told) == (0, [])


@pytest.mark.parametrize("value", [3, None, ["x"], {}, True, "x" * (told.LONGEST_NAME + 1)])
@pytest.mark.parametrize("key", ["channel", "direction", "origin", "destination", "call_id"])
async def test_a_text_that_is_none_is_not_known(key: str, value: object, tasks: PeerTasks, heard: Heard) -> None:
    tasks.take(call("1") | {key: value})
    one = heard.last["1"]
    assert getattr(one, "call" if key == "call_id" else key) == ""


@pytest.mark.parametrize("value", [None, "3", -1, 1e300, 10**400, True, [3], float("nan")])
async def test_a_beginning_that_can_not_be_is_now(value: object, tasks: PeerTasks, heard: Heard) -> None:
    tasks.take(call("1", began_secs=value))
    assert heard.last["1"].created == OFFSET + 1_000


@pytest.mark.parametrize("state", RANKS)
async def test_every_state_is_taken(state: str, tasks: PeerTasks, heard: Heard) -> None:
    tasks.take(call("1", state))
    assert heard.told[-1] == ("1", state)


# ------------------------------------------------------------------------------------------- on the line


def tells(id: object, state: str = "parked", **more: object) -> bytes:
    return b"event: task\ndata: %s\n\n" % orjson.dumps(call(id, state, **more))


ALL = b'event: tasks\ndata: {"total": 1}\n\n'


@pytest.fixture
async def source(heard: Heard) -> AsyncIterator[list[PeerSource]]:
    """Those that a test has started."""
    started: list[PeerSource] = []
    yield started
    for each in started:
        await each.close()


async def follow(started: list[PeerSource], heard: Heard, *urls: str, patience: float = 120.0) -> PeerSource:
    here = ContactCentre(time.time() - time.monotonic())
    source = PeerSource(urls, here, first_pause=0.01, patience=patience, heard=heard)
    started.append(source)
    await source.start()
    return source


async def test_what_the_other_gateway_shows_is_handed_on(heard: Heard, source: list[PeerSource]) -> None:
    api = StateApi(centre(), 60.0, refuses)
    api.tasks.complete = lambda: True
    now = time.time()
    async with served(api) as url:
        one = await follow(source, heard, url)
        await until(lambda: one.tasks.telling)
        assert heard.told == [("task-1", "parked")]
        assert 8 <= now - heard.last["task-1"].created <= 30
        event = TaskEvent("e", "task:new", now, "task-2", channel="telephony", origin=CALLER, destination=CALLED)
        api.centre.apply(event, now)
        await until(lambda: "task-2" in heard.last)
        two = heard.last["task-2"]
        assert (two.state, two.origin, two.destination) == ("new", CALLER, CALLED)
        api.centre.apply(TaskEvent("f", "task:ended", now + 1, "task-2"), now + 1)
        await until(lambda: ("task-2", "ended") in heard.told)


async def test_whose_end_came_while_the_line_was_broken_is_over(heard: Heard, source: list[PeerSource]) -> None:
    api = StateApi(centre(), 60.0, refuses)
    api.tasks.complete = lambda: True
    async with served(api) as url:
        one = await follow(source, heard, url)
        await until(lambda: one.tasks.telling)
        api.feed.close()
        await until(lambda: not one.followed)
        now = time.time()
        api.centre.apply(TaskEvent("f", "task:ended", now + 1, "task-1"), now + 1)
        assert ("task-1", "ended") not in heard.told
        api.feed._over = False
        await until(lambda: ("task-1", "ended") in heard.told)


async def test_another_gateway_s_calls_take_the_place_of_those_of_the_first(
    heard: Heard, source: list[PeerSource]
) -> None:
    first = Other(said("Support"), tells("1"), tells("2"), ALL, again=BEAT)
    second = Other(said("Support"), tells("2"), ALL, again=BEAT)
    async with first.there() as one, second.there() as other:
        following = await follow(source, heard, one, other, patience=0.2)
        await until(lambda: ("1", "ended") in heard.told)
        assert ("2", "ended") not in heard.told
        assert following.degraded == "" or "no news" in following.degraded


async def test_a_gateway_that_knows_not_all_of_them_yet_ends_nobody(heard: Heard, source: list[PeerSource]) -> None:
    first = Other(said("Support"), tells("1"), ALL, again=BEAT)
    second = Other(said("Support"), tells("2"), again=BEAT)
    async with first.there() as one, second.there() as other:
        following = await follow(source, heard, one, other, patience=0.2)
        await until(lambda: "2" in heard.last)
        await until(lambda: second.asked == 1 and following.followed == other)
        assert ("1", "ended") not in heard.told
        assert not following.tasks.telling


@pytest.mark.parametrize(
    "octets",
    [
        b"event: task\ndata: []\n\n",
        b"event: task\ndata: 3\n\n",
        b"event: tasks\ndata: null\n\n",
        b'event: tasks\ndata: {"total": "x"}\n\n',
        *[b"event: task\ndata: %s\n\n" % orjson.dumps(each) for each in NONSENSE],
    ],
)
async def test_nonsense_is_passed_over(octets: bytes, heard: Heard, source: list[PeerSource]) -> None:
    other = Other(said("Support"), octets, tells("1"), ALL, again=BEAT)
    async with other.there() as url:
        one = await follow(source, heard, url)
        await until(lambda: one.tasks.telling and heard.told)
        assert (one.degraded, heard.told, other.asked) == ("", [("1", "parked")], 1)


async def test_a_flood_holds_nobody_up(heard: Heard, source: list[PeerSource]) -> None:
    many = 2_000
    other = Other(said("Support"), b"".join(tells(str(number)) for number in range(many)), ALL, again=BEAT)
    at_once, seen = 0, 0
    async with other.there() as url:
        await follow(source, heard, url)
        async with asyncio.timeout(10):
            while len(heard.told) < many:
                await asyncio.sleep(0)
                at_once, seen = max(at_once, len(heard.told) - seen), len(heard.told)
    assert at_once <= told.LINES


async def test_calls_of_a_gateway_that_is_gone_are_over_in_the_end(
    heard: Heard, source: list[PeerSource], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peer_tasks, "KEEP", 0.5)
    other = Other(said("Support"), tells("1"), ALL, again=BEAT)
    async with other.there() as url:
        await follow(source, heard, url)
        await until(lambda: heard.told)
        assert heard.told == [("1", "parked")]
    await until(lambda: ("1", "ended") in heard.told)


async def test_so_are_those_of_one_that_never_says_that_they_are_all(
    heard: Heard, source: list[PeerSource], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peer_tasks, "KEEP", 0.5)
    other = Other(said("Support"), tells("1"), again=BEAT)
    async with other.there() as url:
        one = await follow(source, heard, url)
        await until(lambda: ("1", "ended") in heard.told)
        assert (one.followed, other.asked) == (url, 1)
