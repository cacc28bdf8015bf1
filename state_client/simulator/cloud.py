"""The cloud: what all rooms of the HTTP interface share."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from aiohttp import web

from state_client.simulator.delivery import Delivery
from state_client.simulator.faults import Answers
from state_client.simulator.limits import Limits
from state_client.simulator.registry import Registry
from state_client.simulator.script import Script
from state_client.simulator.search import Search
from state_client.simulator.tokens import Tokens
from state_client.simulator.world import World

WARM_UP_STEP = 10.0


class Cloud:
    """The world and everything around it. It has to be made where an event loop runs.

    ``warm_up`` is for how many seconds the script has run before, so that there is something to see.
    """

    def __init__(
        self,
        script: Script | None = None,
        *,
        lag: float = 3.0,
        warm_up: float = 0.0,
        per_minute: int = 300,
        subscriptions: int = 20,
        loopback: bool = True,
        agent_versions: tuple[str, ...] = ("1.0.0", "2.0.0"),
        disable_after: int = 200,
        clock: Callable[[], float] = time.time,
    ) -> None:
        script = script or Script()
        self.clock = clock
        now = clock()
        self.world = World(script, now - warm_up, lag)
        while self.world.now < now:  # bit by bit: nobody wants these events, and they would all be held at once
            self.world.step(min(self.world.now + WARM_UP_STEP, now))
        self.org_id = self.world.org_id
        self.tokens = Tokens(self.org_id, seed=script.seed)
        self.limits = Limits(per_minute)
        self.registry = Registry(self.org_id, subscriptions, loopback, agent_versions)
        self.delivery = Delivery(self.registry, clock, script.seed, disable_after)
        self.answers = Answers(script.seed)
        self.search = Search(self.world)
        self.closing = asyncio.Event()

    def advance(self) -> None:
        """The world goes on to this moment, and what happened is sent off."""
        self.delivery.publish(self.world.step(self.clock()))


CLOUD: web.AppKey[Cloud] = web.AppKey("cloud", Cloud)
TRACKING_ID: web.RequestKey[str] = web.RequestKey("tracking_id", str)
