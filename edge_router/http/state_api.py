"""The contact centre's state over HTTP: queues, teams, agents and tasks are read, a queue's values are pushed.

Every answer is a flat object with the same keys on success and failure; lists stand in it under their own name.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from itertools import chain
from typing import Annotated, Final

import orjson
from aiohttp import web
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from edge_router.http.feed import Feed, event
from edge_router.http.server import LARGEST_BODY, json_answer
from edge_router.http.state_views import QUEUE_KEYS, View, agent_views, queue_view, task_views, team_view
from edge_router.http.task_feed import TaskFeed
from state_client.centre import ContactCentre
from state_client.picture import FOREVER, GROUPS, Queue, QueueValues

EVENTS: Final = "/v1/events"
_ONE: Final = "/v1/queues/{name:(?s:.+)}"  # whatever stands in a name, a slash and a line break too
MOST_CALLS: Final = 1_000_000
LONGEST_WAIT: Final = 30 * 86_400
LONGEST_TTL: Final = 86_400.0
KEYS: Final = {
    "/v1/queues/": QUEUE_KEYS,
    **{f"/v1/{name}": (name,) for name in ("queues", "teams", "agents", "tasks")},
}
"""The keys of the answers, which refusals have too."""
TELL_AFTER: Final = 0.1
"""Seconds for which changes of queues and calls are gathered before they are told."""


def _whole(value: object) -> object:
    """3.0 is the number 3, in JSON as everywhere; who writes it has a language that knows no other numbers."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Count = Annotated[int, Field(ge=0, le=MOST_CALLS, strict=True), BeforeValidator(_whole)]
Seconds = Annotated[float, Field(ge=0, le=LONGEST_WAIT, allow_inf_nan=False, strict=True)]
Pushable = Callable[[str], str]


class PushedQueue(BaseModel):
    """What may be sent by PUT: the keys of GET, all optional. Those that say what we make of it change nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    length: Count | None = None
    longest_wait_secs: Seconds | None = None
    total_wait_secs: Seconds | None = None
    calls: Count | None = None
    agents_available: Count | None = None
    agents_signed_on: Count | None = None
    estimated_wait_secs: Annotated[float, Field(ge=-1, le=LONGEST_WAIT, allow_inf_nan=False, strict=True)] | None = None
    ttl_secs: Annotated[float, Field(gt=0, le=LONGEST_TTL, allow_inf_nan=False, strict=True)] | None = None
    # What GET gives besides: taken, so that its answer can be changed and sent back.
    ok: object = None
    error: object = None
    id: object = None
    name: object = None
    type: object = None
    channel: object = None
    expected: object = None
    age_secs: object = None
    tasks_age_secs: object = None
    agents_age_secs: object = None
    estimate_age_secs: object = None
    fresh: object = None
    source: object = None

    def values(self) -> QueueValues:
        """Give what is to be set, in the picture's words: waits in whole seconds."""
        values: QueueValues = {}
        if self.length is not None:
            values["length"] = self.length
        if self.longest_wait_secs is not None:
            values["longest_wait"] = round(self.longest_wait_secs)
        if self.total_wait_secs is not None:
            values["total_wait"] = round(self.total_wait_secs)
        if self.calls is not None:
            values["calls"] = self.calls
        if self.agents_available is not None:
            values["agents_available"] = self.agents_available
        if self.agents_signed_on is not None:
            values["agents_signed_on"] = self.agents_signed_on
        if self.estimated_wait_secs is not None:
            values["estimated_wait"] = round(self.estimated_wait_secs)
        return values


class StateApi:
    """The routes of one contact centre's state.

    ``refuses_push`` says why a queue's values may not be pushed, "" where they may. Ages are told by ``stale_after``,
    in seconds. All three may change while it runs: a reload brings others. ``unseen`` counts the calls that were sent
    to a queue and that it doesn't show yet; ``call_of`` gives the call of ours that a task is. ``tasks`` are what is
    told of telephone calls to those who listen.
    """

    def __init__(self, centre: ContactCentre, stale_after: float, refuses_push: Pushable) -> None:
        self.centre = centre
        self.stale_after = stale_after
        self.refuses_push = refuses_push
        self.unseen: Callable[[str], int] = lambda queue: 0
        self.call_of: Callable[[str], str | None] = lambda task: None
        self.feed = Feed(self._beginning)
        self.tasks = TaskFeed(centre, self.feed, lambda task: self.call_of(task), self._tell_soon)
        self._about_to_tell = False
        self._changed: dict[str, Queue] = {}
        self._expiries: dict[str, asyncio.TimerHandle] = {}
        centre.listener = self._remember

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        """Give what an application is to serve."""
        return (
            web.get("/v1/queues", self._queues),
            web.get(_ONE, self._queue),
            web.put(_ONE, self._push),
            web.get("/v1/teams", self._teams),
            web.get("/v1/agents", self._agents),
            web.get("/v1/tasks", self._tasks),
            web.get(EVENTS, self.feed.stream, allow_head=False),  # which has no body, and this is nothing else
        )

    def queue_views(self) -> list[View]:
        """Give every queue as it is told."""
        now = time.monotonic()
        return [self._view(queue, now) for queue in self.centre.picture]

    def _view(self, queue: Queue, now: float) -> View:
        return queue_view(queue, now, self.stale_after, self.unseen(queue.name))

    def _remember(self, queue: Queue) -> None:
        """A queue has changed: who listens is told soon, and once, however often it changes meanwhile."""
        if not self.feed:
            return
        self._tell_soon()
        self._changed[queue.name] = queue

    def _tell_soon(self) -> None:
        if not self._about_to_tell:
            self._about_to_tell = True
            asyncio.get_running_loop().call_later(TELL_AFTER, self._tell)

    def _tell(self) -> None:
        self._about_to_tell = False
        now = time.monotonic()
        changed, self._changed = self._changed, {}
        for queue in changed.values():
            self.feed.publish("queue", self._view(queue, now))
        self.tasks.tell()

    def _beginning(self) -> Iterable[bytes]:
        return chain([event("queue", view) for view in self.queue_views()], self.tasks.beginning())

    async def _queues(self, request: web.Request) -> web.Response:
        return _many("queues", self.queue_views())

    async def _queue(self, request: web.Request) -> web.Response:
        return self._one(request.match_info["name"])

    async def _teams(self, request: web.Request) -> web.Response:
        now = time.monotonic()
        return _many("teams", [team_view(team, now, self.stale_after) for team in self.centre.picture.teams])

    async def _agents(self, request: web.Request) -> web.Response:
        return _many("agents", list(agent_views(self.centre, self._epoch())))

    async def _tasks(self, request: web.Request) -> web.Response:
        return _many("tasks", list(task_views(self.centre, self._epoch(), self.call_of)))

    async def _push(self, request: web.Request) -> web.Response:
        """Takes a queue's values from whoever knows them: a Webex flow's HTTP request, a script."""
        queue = self.centre.picture.queue(request.match_info["name"])
        if queue is None:
            return self._one(request.match_info["name"])
        refusal = self.refuses_push(queue.name)
        if refusal:
            return self._failed(409, refusal)
        try:
            pushed = PushedQueue.model_validate(orjson.loads(await request.read()))
        except web.HTTPRequestEntityTooLarge:
            return self._failed(413, f"the body is larger than {LARGEST_BODY // 1024} KB, which no queue's values are")
        except orjson.JSONDecodeError:
            return self._failed(400, 'the body is no JSON; write {"length": 3, "ttl_secs": 60} for instance')
        except ValidationError as error:
            return self._failed(422, _in_words(error))
        values = pushed.values()
        if not values:
            return self._failed(422, "there is nothing to set; send at least one of " + ", ".join(SETTABLE))
        self.centre.push(queue.name, pushed.ttl_secs, self._epoch(), **values)
        self._await_expiry(queue)
        return self._one(queue.name)

    def _await_expiry(self, queue: Queue) -> None:
        """Have it told when what was pushed holds no longer: who follows us can't know by himself."""
        timer = self._expiries.pop(queue.name, None)
        if timer is not None:
            timer.cancel()
        now = time.monotonic()
        ends = [end for group in GROUPS if now < (end := queue.stamp(group).expires) < FOREVER]
        if ends:
            loop = asyncio.get_running_loop()
            self._expiries[queue.name] = loop.call_later(min(ends) - now, self._expire, queue)

    def _expire(self, queue: Queue) -> None:
        if self.centre.listener is not None:
            self.centre.listener(queue)
        self._await_expiry(queue)

    def _epoch(self) -> float:
        """Seconds since the epoch, as the contact centre reckons them."""
        return time.monotonic() + self.centre.offset

    def _one(self, name: str) -> web.Response:
        picture = self.centre.picture
        queue = picture.queue(name)
        if queue is None:
            near = get_close_matches(name, picture.names, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            return self._failed(404, f"there is no queue of that name or id{hint}")
        view = self._view(queue, time.monotonic())
        return json_answer(200, ok=True, error="", **view)

    def _failed(self, status: int, error: str) -> web.Response:
        return json_answer(status, ok=False, error=error, **dict.fromkeys(QUEUE_KEYS))


SETTABLE: Final = tuple(PushedQueue.model_fields)[:7]
"""The keys of which a push has at least one."""


def _many(name: str, views: list[View]) -> web.Response:
    return json_answer(200, ok=True, error="", **{name: views})


def _in_words(error: ValidationError) -> str:
    details = error.errors(include_url=False, include_context=False)[0]
    if details["type"] == "extra_forbidden":
        key = str(details["loc"][0])
        near = get_close_matches(key, PushedQueue.model_fields, 1)
        return f"there is no key {key!r:.80}" + (f"; did you mean {near[0]}?" if near else "")
    if not details["loc"]:
        return "the body is no JSON object"
    return f"{details['loc'][0]}: {details['msg'][:1].lower()}{details['msg'][1:]}"
