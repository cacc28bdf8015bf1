"""Delivery: events to the webhooks of those who subscribed, signed, and with whatever is to go wrong with them.

What the cloud promises is held to: any 2xx within 5 seconds is success, no redirect is followed, nothing is sent again.
Who fails too often in a row is made inactive. Several connections post at once, so order isn't promised either.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import orjson

from state_client.simulator.faults import Disturbance, Line
from state_client.simulator.post import Connection, PostFailed, Target
from state_client.simulator.registry import Registry, Subscription
from state_client.simulator.stage import Event

TIMEOUT = 5.0
"""Seconds that a receiver has to answer."""

CONNECTIONS = 16
"""Connections to each subscription's destination."""

LONGEST_QUEUE = 100_000
"""Events that may wait for one receiver; more are lost."""

Clock = Callable[[], float]


class Receiver:
    """One subscription's destination: what waits for it, and the connections that take it there."""

    def __init__(self, subscription: Subscription, delivery: Delivery) -> None:
        self.subscription = subscription
        self.url = subscription.url
        self._delivery = delivery
        self._target = Target(subscription.url)
        self._waiting: asyncio.Queue[Event] = asyncio.Queue()
        self._connections = [Connection(self._target) for _ in range(CONNECTIONS)]
        self._tasks = [asyncio.create_task(self._post(connection)) for connection in self._connections]

    def put(self, event: Event) -> None:
        """One more for it."""
        if self._waiting.qsize() < LONGEST_QUEUE:
            self._waiting.put_nowait(event)
        else:
            self._delivery.counts["overflow"] += 1

    @property
    def waiting(self) -> int:
        """How many aren't under way yet."""
        return self._waiting.qsize()

    async def close(self) -> None:
        """Stop posting; what waits is lost."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for connection in self._connections:
            connection.close()

    async def _post(self, connection: Connection) -> None:
        delivery, subscription = self._delivery, self.subscription
        while True:
            event = await self._waiting.get()
            headers, body = delivery.sign(subscription, event)
            try:
                async with asyncio.timeout(TIMEOUT):
                    status = await connection.post(self._target.request(headers, body))
            except (PostFailed, TimeoutError):
                connection.close()
                status = 0
            delivery.posted(subscription, status)


class Delivery:
    """All deliveries. ``counts`` are of what became of them: delivered, failed, lost, overflow."""

    def __init__(self, registry: Registry, clock: Clock, seed: int = 1, disable_after: int = 200) -> None:
        self.disable_after = disable_after
        self.counts: Counter[str] = Counter()
        self._registry = registry
        self._clock = clock
        self._line: Line[tuple[Subscription, Event]] = Line(seed=seed)
        self._receivers: dict[str, Receiver] = {}
        self._closing: set[asyncio.Task[None]] = set()
        registry.changed = self._look_again

    @property
    def disturbance(self) -> Disturbance:
        """What goes wrong with events on their way."""
        return self._line.disturbance

    @disturbance.setter
    def disturbance(self, wanted: Disturbance) -> None:
        self._line.disturbance = wanted

    @property
    def waiting(self) -> int:
        """How many events wait for a connection."""
        return sum(receiver.waiting for receiver in self._receivers.values())

    def publish(self, events: Iterable[Event]) -> None:
        """Send these to everybody who subscribed to them, and whatever was held back until now."""
        now = self._clock()
        active = [each.subscription for each in self._receivers.values()]
        for event in events:
            for subscription in active:
                told = event_for(subscription, event)
                if told is not None:
                    self._line.send((subscription, told), now)
        self.counts["lost"] = self._line.lost
        for subscription, event in self._line.due(now):
            receiver = self._receivers.get(subscription.id)
            if receiver:
                receiver.put(event)

    def sign(self, subscription: Subscription, event: Event) -> tuple[dict[str, str], bytes]:
        """The headers and the body of an event's request, as they are now."""
        sent = str(int(self._clock() * 1000))
        envelope: dict[str, Any] = {**event, "source": f"/com/cisco/wxcc/{subscription.id}"}
        headers: dict[str, str] = {}
        if subscription.version:
            envelope["comciscotimestamp"] = sent
            headers["X-WebExCC-Timestamp"] = sent
            headers["X-WebexCC-Webhook-Version"] = subscription.version
        else:
            envelope.pop("comciscotimestamp", None)
        body = orjson.dumps(envelope)
        if subscription.secret:
            secret = "a secret that nobody knows" if self._line.forged() else subscription.secret
            headers["X-WebexCC-Signature"] = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        return headers, body

    def posted(self, subscription: Subscription, status: int) -> None:
        """It was answered with that status, 0 if it wasn't."""
        if 200 <= status < 300:
            subscription.failures = 0
            self.counts["delivered"] += 1
            return
        self.counts["failed"] += 1
        subscription.failures += 1
        if subscription.failures >= self.disable_after and subscription.status == "active":
            self._registry.deactivate(subscription)

    async def close(self) -> None:
        """Stop delivering."""
        receivers, self._receivers = list(self._receivers.values()), {}
        await asyncio.gather(*self._closing, *(receiver.close() for receiver in receivers))

    def _look_again(self) -> None:
        """Subscriptions have changed: those that are active have a receiver at their URL, others have none."""
        wanted = {each.id: each for each in self._registry.all if each.status == "active"}
        for subscription_id, receiver in list(self._receivers.items()):
            subscription = wanted.get(subscription_id)
            if subscription is None or subscription.url != receiver.url:
                del self._receivers[subscription_id]
                closing = asyncio.create_task(receiver.close())
                self._closing.add(closing)
                closing.add_done_callback(self._closing.discard)
        for subscription_id, subscription in wanted.items():
            if subscription_id not in self._receivers:
                self._receivers[subscription_id] = Receiver(subscription, self)


def event_for(subscription: Subscription, event: Event) -> Event | None:
    """The event as that subscription gets it, None if it doesn't: `state_change` is what version 1 called it."""
    kind = event["type"]
    if kind in subscription.events:
        return event
    if kind == "agent:channel_state_change" and "agent:state_change" in subscription.events:
        data = {name: value for name, value in event["data"].items() if name not in ("channelId", "channelType")}
        return {**event, "type": "agent:state_change", "data": data}
    return None
