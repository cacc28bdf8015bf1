"""What tests of a source that follows the simulated contact centre look at, and what they make happen."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable

from state_client.picture import Queue
from state_client.simulator.server import Simulator
from state_client.webex.source import WebexSource

PATIENCE = 15.0


async def until(probe: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not probe():  # noqa: ASYNC110 - what is waited for has no event of its own
            await asyncio.sleep(0.005)


def support(source: WebexSource) -> Queue:
    queue = source.picture.queue("Support")
    assert queue is not None
    return queue


def age(source: WebexSource, value: str = "length") -> float:
    return support(source).age_of(value, time.monotonic())


def waits(simulator: Simulator, count: int = 1) -> list[str]:
    """So many callers more wait in Support, nobody takes them."""
    cloud = simulator.cloud
    cloud.advance()
    for agent in cloud.world.centre.agents.values():
        cloud.world.staff.rest(agent)
    queue = cloud.world.queue("Support")
    assert queue is not None
    tasks = [cloud.world.call(queue) for _ in range(count)]
    cloud.advance()
    return [task.id for task in tasks if task]


async def subscribed(source: WebexSource, simulator: Simulator) -> None:
    await until(lambda: len([one for one in simulator.cloud.registry.all if one.status == "active"]) == 2)


def counted(source: WebexSource) -> Counter[str]:
    """How often the source asks for what, from now on."""
    asked: Counter[str] = Counter()
    source._observe = lambda operation, code: asked.update([operation])
    return asked
