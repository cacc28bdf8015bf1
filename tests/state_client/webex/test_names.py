"""Names as the cloud has them: what is new comes into the picture, what is gone leaves it."""

import logging
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from state_client.centre import ContactCentre
from state_client.picture import Queue
from state_client.simulator import centre as simulated
from state_client.simulator.server import Simulator
from state_client.webex import names as names_module
from state_client.webex.limiter import Limiter
from state_client.webex.names import Names
from state_client.webex.oauth import TokenKeeper
from state_client.webex.rest import WebexApi
from state_client.webex.secret import SecretFile
from tests.state_client.simulator.kit import QUIET, Visitor, running
from tests.state_client.tidings import agent, task


@pytest.fixture
async def visitor() -> AsyncIterator[Visitor]:
    async with running(Simulator(QUIET, lag=0.0)) as made:
        yield made


@pytest.fixture
def asked() -> Counter[str]:
    """How often each operation was asked for."""
    return Counter()


@pytest.fixture
async def names(visitor: Visitor, tmp_path: Path, asked: Counter[str]) -> AsyncIterator[Names]:
    (tmp_path / "client").write_text("simulated-secret")
    (tmp_path / "refresh").write_text(visitor.refresh)
    url = visitor.simulator.url
    async with aiohttp.ClientSession() as session:
        secrets = SecretFile(tmp_path / "client"), SecretFile(tmp_path / "refresh")
        keeper = TokenKeeper(f"{url}/v1/access_token", "simulated-client", *secrets, session)
        observe = lambda operation, code: asked.update([operation])  # noqa: E731
        api = WebexApi(url, visitor.cloud.org_id, keeper, Limiter(10_000), session, observe=observe)
        yield Names(api, ContactCentre(time.time() - time.monotonic()))
        await keeper.close()


def centre(names: Names) -> ContactCentre:
    return names._centre


def there(visitor: Visitor, name: str) -> simulated.Queue:
    found = visitor.cloud.world.queue(name)
    assert found is not None
    return found


def here(names: Names, name: str) -> Queue:
    found = centre(names).picture.queue(name)
    assert found is not None
    return found


def gone(visitor: Visitor, how: str) -> None:
    """Support and the first team are no more."""
    world = visitor.cloud.world.centre
    queue, team = there(visitor, "Support"), next(iter(world.teams.values()))
    if how == "deleted":
        del world.queues[queue.id], world.teams[team.id]
    else:
        queue.active = team.active = False


@pytest.mark.parametrize("how", ["deleted", "deactivated"])
async def test_what_is_gone_leaves_the_picture_and_is_said_once(
    names: Names, visitor: Visitor, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert await names.read_lists() == 0
    picture = centre(names).picture
    support, team = here(names, "Support"), picture.teams[0]
    centre(names).confirm_tasks({}, time.time(), time.time())
    assert support.age_of("length", time.monotonic()) < 60
    told: list[Queue] = []
    centre(names).listener = told.append
    gone(visitor, how)
    with caplog.at_level(logging.WARNING):
        assert [await names.read_lists(), await names.read_lists()] == [2, 0]
    assert (picture.queue("Support"), picture.queue(support.id)) == (None, None)
    assert (picture.team(team.name), picture.team(team.id)) == (None, None)
    assert team not in picture.teams
    assert "Support" not in picture.names
    assert caplog.text.count("queue Support is deleted or deactivated") == 1
    assert caplog.text.count(f"team {team.name} is deleted or deactivated") == 1
    assert support in told
    assert support.age_of("length", time.monotonic()) == float("inf")


async def test_calls_in_a_queue_that_is_gone_are_kept_and_show_where_it_comes_back(
    names: Names, visitor: Visitor
) -> None:
    await names.read_lists()
    queue, of = there(visitor, "Support"), centre(names)
    now = time.time()
    of.apply(task("1", "parked", now, queue.id), now)
    of.apply(task("2", "parked", now, queue.id), now)
    queue.active = False
    await names.read_lists()
    of.apply(task("2", "ended", now + 1), now + 1)
    of.apply(task("3", "parked", now + 1, queue.id), now + 1)
    of.tick(now + 2)
    assert of.picture.queue("Support") is None
    assert "Support" not in {name for name, _ in of.state_rows()}
    queue.active = True
    await names.read_lists()
    assert here(names, "Support").length == 2


async def test_agents_of_a_team_that_is_gone_still_serve_its_queues(names: Names, visitor: Visitor) -> None:
    await names.read_lists()
    queue = there(visitor, "Support")
    await names.who_serves(queue.id)
    now = time.time()
    centre(names).apply(agent("a", "available", now, queue.teams[0].id), now)
    queue.teams[0].active = False
    await names.read_lists()
    assert here(names, "Support").agents_available == 1
    queue.teams[0].active = True
    await names.read_lists()
    team = centre(names).picture.team(queue.teams[0].name)
    assert team is not None
    assert team.available == 1


async def test_a_list_that_lacks_something_is_not_believed_alone(
    names: Names, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is deleted while a list is read page by page moves others from one page to the one that was read before."""
    await names.read_lists()
    pages = names._api.pages

    async def without_first(*args: object, **params: object) -> AsyncIterator[list[object]]:
        filtered = "filter" in str(params)
        async for page in pages(*args, **params):  # type: ignore[arg-type]
            yield list(page) if filtered else list(page[1:])

    before = centre(names).picture.names
    monkeypatch.setattr(names._api, "pages", without_first)
    assert await names.read_lists() == 0
    assert centre(names).picture.names == before
    assert len(names.queues) == len(before)


async def test_a_queue_that_is_made_anew_takes_over_the_name(names: Names, visitor: Visitor) -> None:
    await names.read_lists()
    old, queues = there(visitor, "Support"), visitor.cloud.world.centre.queues
    new = simulated.Queue("another-id", "Support", "telephony", "+1", 60)
    queues[new.id] = new
    del queues[old.id]
    now = time.time()
    centre(names).apply(task("1", "parked", now, new.id), now)
    await names.ask_unknown()  # an event of the new one comes first
    await names.refresh()
    assert (here(names, "Support").id, here(names, "Support").length) == ("another-id", 1)


async def test_new_ones_and_new_names_come_with_the_lists(names: Names, visitor: Visitor, asked: Counter[str]) -> None:
    await names.read_lists()
    world = visitor.cloud.world.centre
    new, team = simulated.Queue("new-id", "Novel", "telephony", "+1", 60), next(iter(world.teams.values()))
    world.queues[new.id] = new
    new.teams = [team]
    there(visitor, "Support").name = "Help"
    now = time.time()
    centre(names).apply(agent("a", "available", now, team.id), now)
    await names.refresh()
    assert here(names, "Novel").agents_available == 1
    assert here(names, "Help").id == there(visitor, "Help").id
    assert centre(names).picture.queue("Support") is None


async def test_who_serves_a_queue_is_asked_again_in_turn(
    names: Names, visitor: Visitor, asked: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    await names.read_lists()
    monkeypatch.setattr(names_module, "LEAST", 0)
    await names.refresh()
    assert asked["queue"] == 1
    for _ in range(len(names.queues) - 1):
        await names.refresh()
    assert asked["queue"] == len(names.queues)
    assert all(state.team_ids for state in centre(names).queues.values())
    monkeypatch.setattr(names_module, "LEAST", 4)
    await names.refresh()
    assert asked["queue"] == len(names.queues) + 4


async def test_limits_and_groups_of_a_queue_are_read_again(names: Names, visitor: Visitor) -> None:
    await names.read_lists()
    await names.refresh()
    queue = there(visitor, "Support")
    known = centre(names).queues[queue.id]
    others = [team for team in visitor.cloud.world.centre.teams.values() if team not in queue.teams]
    assert others
    queue.max_time = 77
    queue.teams = others[:1]
    await names.read_lists()
    assert known.max_time == 77
    await names.refresh()
    assert known.team_ids == (others[0].id,)


async def test_ids_that_the_cloud_has_no_name_for_are_asked_for_more_and_more_seldom(
    names: Names, asked: Counter[str]
) -> None:
    await names.read_lists()
    clock = 1000.0
    names._clock = lambda: clock
    asked.clear()
    now = time.time()
    for ghost in ("1", "2", "3"):
        centre(names).apply(task(ghost, "parked", now, f"nobody's {ghost}"), now)
    centre(names).apply(agent("a", "available", now, "nobody's team"), now)
    times: list[float] = []
    while clock < 1000.0 + 3600.0:
        before = asked["queue"]
        await names.ask_unknown()
        if asked["queue"] > before:
            assert asked["queue"] == before + 3
            times.append(clock - 1000.0)
        clock += 5.0
    assert times[:9] == [0, 5, 15, 35, 75, 155, 315, 635, 1235]
    assert times[9:] == [1835, 2435, 3035]
    assert asked["teams"] == len(times)


async def test_a_name_that_comes_later_is_found(names: Names, visitor: Visitor) -> None:
    await names.read_lists()
    clock = 1000.0
    names._clock = lambda: clock
    now = time.time()
    centre(names).apply(task("1", "parked", now, "new-id"), now)
    await names.ask_unknown()
    visitor.cloud.world.centre.queues["new-id"] = simulated.Queue("new-id", "Novel", "telephony", "+1", 60)
    await names.ask_unknown()
    assert centre(names).picture.queue("Novel") is None
    clock += 5.0
    await names.ask_unknown()
    assert here(names, "Novel").length == 1


async def test_of_no_more_than_so_many_ids_it_is_remembered_that_they_have_no_name(
    names: Names, asked: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    await names.read_lists()
    names._clock = lambda: 1000.0
    monkeypatch.setattr(names_module, "MOST_NAMELESS", 3)
    now = time.time()
    for ghost in range(10):
        centre(names).apply(task(f"{ghost}", "parked", now, f"nobody's {ghost}"), now)
    monkeypatch.setattr(names_module, "AT_ONCE", 2)
    rounds = []
    for _ in range(4):
        await names.ask_unknown()
        rounds.append(asked["queue"])
    assert rounds == [2, 3, 3, 3]
