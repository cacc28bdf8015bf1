"""Signed webhook requests, made as fast as they are sent: callers who come, wait, are talked to and go."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

import orjson

from bench.live_centre import SECRET, Layout
from state_client.picture import TELEPHONY
from state_client.simulator.centre import new_id
from state_client.simulator.post import Target
from state_client.webex.secret import Secret
from state_client.webex.signature import SIGNATURE, TIMESTAMP, sign

IN_PROGRESS = 1000
"""Interactions that go on beside one another: an event of each in turn."""

LIFE = (
    ("task:new", ""),
    ("task:parked", ""),
    ("task:connect", ""),
    ("agent:channel_state_change", "ringing"),
    ("task:connected", ""),
    ("agent:channel_state_change", "connected"),
    ("task:ended", ""),
    ("agent:channel_state_change", "wrapup"),
    ("agent:channel_state_change", "wrapup-done"),
    ("agent:channel_state_change", "available"),
)
"""What the cloud says of one interaction that goes well, and of the agent who takes it: type, and the agent's state."""

_NO_QUEUE = ("task:new",)


class Post:
    """Makes requests for one webhook."""

    def __init__(self, url: str, org_id: str) -> None:
        self._target = Target(url)
        self._secret = Secret(SECRET)
        self._envelope = {
            "specversion": "1.0",
            "source": "/com/cisco/wxcc/bench",
            "comciscoorgid": org_id,
            "datacontenttype": "application/json",
        }

    def request(self, event_id: str, kind: str, data: dict[str, Any], now: float) -> bytes:
        """The whole request for an event of this moment, in seconds since the epoch."""
        milliseconds = int(now * 1000)
        sent = str(milliseconds)
        envelope = {
            **self._envelope,
            "id": event_id,
            "type": kind,
            "comciscotimestamp": sent,
            "data": {**data, "createdTime": milliseconds},
        }
        body = orjson.dumps(envelope)
        return self._target.request({TIMESTAMP: sent, SIGNATURE: sign(self._secret, body)}, body)


def caller(task_id: str, queue_id: str | None) -> dict[str, Any]:
    """What events of an interaction say in common."""
    return {
        "taskId": task_id,
        "channelType": TELEPHONY,
        "direction": "INBOUND",
        "origin": "+13035550100",
        "destination": "+18005550100",
        "outboundType": None,
        "workflowManager": None,
        "queueId": queue_id,
    }


class Traffic:
    """Events without end. Each interaction has an event in turn, so that those of one are some time apart."""

    def __init__(self, post: Post, layout: Layout, seed: int) -> None:
        self._post = post
        self._layout = layout
        self._rng = Random(seed)
        self._prefix = f"{self._rng.getrandbits(64):016x}"
        self._sent = 0
        self._agents = self._in_turn()
        self._lives: list[tuple[int, dict[str, Any], dict[str, Any]]] = [
            (number % len(LIFE), *self._life()) for number in range(IN_PROGRESS)
        ]

    def request(self, now: float) -> bytes:
        """The next event's request."""
        place = self._sent % IN_PROGRESS
        self._sent += 1
        step, task, agent = self._lives[place]
        if step == len(LIFE):
            step, (task, agent) = 0, self._life()
        kind, state = LIFE[step]
        self._lives[place] = step + 1, task, agent
        data = {**agent, "currentState": state} if state else task
        if kind in _NO_QUEUE:
            data = {**task, "queueId": None}
        return self._post.request(f"{self._prefix}-{self._sent}", kind, data, now)

    def _life(self) -> tuple[dict[str, Any], dict[str, Any]]:
        task_id, queue_id = new_id(self._rng), self._rng.choice(self._layout.queues)
        agent_id, team_id = next(self._agents)
        agent = {
            "agentId": agent_id,
            "teamId": team_id,
            "channelId": f"{agent_id}-{TELEPHONY}",
            "channelType": TELEPHONY,
            "idleCodeId": None,
            "wrapUpAuxCodeId": None,
            "taskId": task_id,
            "queueId": queue_id,
            "origin": "+13035550100",
            "destination": "+18005550100",
        }
        return caller(task_id, queue_id), agent

    def _in_turn(self) -> Iterator[tuple[str, str]]:
        while True:
            yield from self._layout.agents
