"""What somebody has pushed to a gateway holds for its ttl_secs, at those who follow it, too."""

import asyncio
import time
from collections.abc import Callable
from math import inf

import aiohttp

from edge_router.http.state_api import StateApi
from state_client.centre import ContactCentre
from state_client.feeds.peer import PeerSource
from state_client.picture import Queue
from tests.http.api import centre, refuses, served

PATIENCE = 10.0


async def until(probe: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not probe():  # noqa: ASYNC110 - what is waited for has no event of its own
            await asyncio.sleep(0.005)


async def test_a_pushed_value_is_stale_at_those_who_follow_when_it_is_here() -> None:
    here = ContactCentre(time.time() - time.monotonic())
    known: list[tuple[bool, bool]] = []

    def heard(queue: Queue) -> None:
        if queue.name == "Pushed":
            now = time.monotonic()
            known.append((queue.age_of("length", now) < inf, queue.age_of("agents_available", now) < inf))

    here.listener = heard
    async with served(StateApi(centre(), 60.0, refuses)) as url, aiohttp.ClientSession(url) as client:
        source = PeerSource((url,), here)
        await source.start()
        await until(lambda: source.followed)
        for values in ({"length": 4, "ttl_secs": 1.0}, {"agents_available": 2, "ttl_secs": 2.0}):
            async with client.put("/v1/queues/Pushed", json=values) as answer:
                assert answer.status == 200
        await until(lambda: (True, True) in known)
        await until(lambda: known[-1] == (False, False))
        assert known[-2] == (False, True), "each has its own time"
        queue = here.picture.queue("Pushed")
        assert queue is not None
        assert queue.length == 4
        await source.close()


async def test_a_value_that_is_pushed_anew_holds_on() -> None:
    api = StateApi(centre(), 60.0, refuses)
    told: list[float] = []
    async with served(api) as url, aiohttp.ClientSession(url) as client:
        for ttl in (0.05, 3600.0):
            async with client.put("/v1/queues/Pushed", json={"length": 4, "ttl_secs": ttl}) as answer:
                assert answer.status == 200
        api.centre.listener = lambda queue: told.append(queue.age_of("length", time.monotonic()))
        await asyncio.sleep(0.2)
        assert told == [], "nothing has changed, and one timer waits for each queue"
        assert len(api._expiries) == 1
