"""Where the cloud posts its events: answered at once, looked at, and worked on afterwards.

Whoever posts gets 200, a forger too: what isn't answered so counts as a failure of ours, and after enough of them the
cloud ends the subscription. A forged event is dropped before it can take a place in the inbox.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from aiohttp import StreamReader, web

from state_client.webex.events import BadEvent, Envelope, read_envelope
from state_client.webex.inbox import ACCEPTED, FAILED, FORGED, MALFORMED, OVERFLOW, STALE, EntityEvent, Inbox
from state_client.webex.secret import Secret
from state_client.webex.signature import SIGNATURE, TIMESTAMP, WINDOW, same_time, timely, verify

LARGEST_BODY: Final = 256 * 1024
"""Octets; real events have less than two thousand."""
READING: Final = 5.0
"""Seconds that a body may take to come: the cloud itself waits no longer for the answer."""
SLICE: Final = 32
"""Events that are applied at a time, well under a millisecond's work; calls are carried between two slices."""
MOST_MISTRUSTED: Final = 16
COMPLAIN_EVERY: Final = 60.0
"""Seconds between two log lines of one kind."""
PATH: Final = "/webhooks/webex"

_log = logging.getLogger(__name__)

Apply = Callable[[EntityEvent, float], str]
"""Given an event and the time (s since the epoch), it changes the state, and says in a word for metrics what it did."""


class Webhook:
    """Takes what is posted to it.

    ``secrets`` gives the secrets of a subscription, by its id: one, or two while one is being replaced by the other,
    or none where it is nobody's. ``clock`` gives seconds since the epoch; an event's time may be ``tolerance`` seconds
    from it, either way. ``last_event`` is when the last genuine event came, 0 if none did.
    """

    def __init__(
        self,
        inbox: Inbox,
        secrets: Callable[[str], Sequence[Secret]],
        clock: Callable[[], float] = time.time,
        tolerance: float = WINDOW,
    ) -> None:
        self.last_event = 0.0
        self._inbox = inbox
        self._secrets = secrets
        self._clock = clock
        self._tolerance = tolerance
        self._apply: Apply | None = None  # while `run` does
        self._taken: deque[EntityEvent] = deque()  # out of the inbox, more than a slice
        self._planned: asyncio.Handle | None = None
        self._soon = False  # what is planned is for the next turn
        self._mistrusted: set[str] = set()
        self._complained: dict[str, float] = {}

    def application(self, path: str = PATH) -> web.Application:
        """A web application that serves the webhook and nothing else."""
        application = web.Application(client_max_size=LARGEST_BODY)
        application.router.add_post(path, self.handle)
        return application

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one request: 200 whatever came, 413 where it is too large, 400 or 408 where it didn't come whole."""
        body = await self._read(request)
        headers = request.headers
        self.receive(body, headers.get(SIGNATURE, ""), headers.get(TIMESTAMP, ""))
        return web.Response()

    def receive(self, body: bytes, signature: str, timestamp: str) -> str:
        """Take a request's body and its headers of signature and time, "" if missing. Gives the result, counted."""
        try:
            envelope = read_envelope(body)
        except BadEvent as fault:
            return self._drop("", MALFORMED, str(fault))
        if not self._genuine(envelope, body, signature, timestamp):
            return self._drop(envelope.type, FORGED, self._mistrust(envelope.subscription_id))
        if not timely(envelope.sent_ms, timestamp, self._clock(), self._tolerance):
            return self._drop(envelope.type, STALE, "its time is far from ours: is our clock right?")
        try:
            event = envelope.event()
        except BadEvent as fault:
            return self._drop(envelope.type, MALFORMED, str(fault))
        result = self._inbox.put(event, asyncio.get_running_loop().time())
        if result == ACCEPTED:
            self.last_event = self._clock()
            self._plan()
        elif result == OVERFLOW:
            self._complain(OVERFLOW, f"{len(self._inbox)} events are waiting already")
        return result

    def mistrusted(self) -> set[str]:
        """The ids that forged events named since the last time this was asked, a few of them.

        Where a subscription of ours is among them, somebody else has set its secret: set it again.
        """
        ids, self._mistrusted = self._mistrusted, set()
        return ids

    async def run(self, apply: Apply) -> None:
        """Apply the events, until it is cancelled: a slice of them at each turn of the event loop.

        An event that ``apply`` can't stand is logged and counted, and leaves a gap.
        """
        self._apply = apply
        self._plan()
        try:
            await asyncio.Event().wait()
        finally:
            self._apply = None
            self._forget_plan()

    def _plan(self) -> None:
        """Apply what may be at the next turn, or else when it may be.

        By the loop's own callbacks: to wake a task for each event costs as much as to read and apply it.
        """
        due = 0.0 if self._taken else self._inbox.due
        if self._soon or due is None or self._apply is None:
            return
        self._forget_plan()
        loop = asyncio.get_running_loop()
        self._soon = due == 0.0
        self._planned = loop.call_soon(self._work) if self._soon else loop.call_at(due, self._work)

    def _forget_plan(self) -> None:
        if self._planned is not None:
            self._planned.cancel()
        self._planned, self._soon = None, False

    def _work(self) -> None:
        """Apply a slice of the events."""
        self._planned, self._soon = None, False
        taken = self._taken
        if not taken:
            taken.extend(self._inbox.take(asyncio.get_running_loop().time(), SLICE))
        now = self._clock()
        for _ in range(min(SLICE, len(taken))):
            self._apply_one(taken.popleft(), now)
        self._plan()

    def _apply_one(self, event: EntityEvent, now: float) -> None:
        assert self._apply is not None, "nothing is planned but while it is there"
        try:
            result = self._apply(event, now)
        except Exception:
            result = FAILED
            self._inbox.gap = True
            if self._is_news(FAILED):
                _log.exception("Webex: an event %s could not be applied", event.type)
        self._inbox.count(event.type, result)

    def _genuine(self, envelope: Envelope, body: bytes, signature: str, timestamp: str) -> bool:
        for secret in self._secrets(envelope.subscription_id):
            if verify(secret, body, signature):
                return same_time(envelope.sent_ms, timestamp)
        return False

    def _mistrust(self, subscription_id: str) -> str:
        if len(self._mistrusted) < MOST_MISTRUSTED:
            self._mistrusted.add(subscription_id)
        return f"no secret of ours signed it; it says that it is for subscription {subscription_id[:64]!r}"

    def _drop(self, event_type: str, result: str, why: str) -> str:
        self._inbox.count(event_type, result)
        self._complain(result, why)
        return result

    def _complain(self, result: str, why: str) -> None:
        if self._is_news(result):
            _log.warning("Webex: an event was dropped (%s): %s. Others of the kind are only counted", result, why)

    def _is_news(self, kind: str) -> bool:
        """Whether nothing of this kind was logged lately. Whoever can post could fill the log otherwise."""
        now = self._clock()
        news = abs(now - self._complained.get(kind, -COMPLAIN_EVERY)) >= COMPLAIN_EVERY
        if news:
            self._complained[kind] = now
        return news

    async def _read(self, request: web.Request) -> bytes:
        """The body's bytes, as they were signed."""
        if (request.content_length or 0) > LARGEST_BODY:
            raise self._too_large(request.content_length or 0)
        content = request.content
        try:
            # Nearly always it has come with the head, and to watch over a wait would cost more than to read it.
            body = content.read_nowait() if content.is_eof() else await self._wait_for(content)
        except TimeoutError as fault:
            self._drop("", MALFORMED, "its body didn't come in time")
            raise web.HTTPRequestTimeout from fault
        except (web.RequestPayloadError, ConnectionError) as fault:
            self._drop("", MALFORMED, "its body didn't come whole")
            raise web.HTTPBadRequest from fault
        if len(body) > LARGEST_BODY:
            raise self._too_large(len(body))
        return body

    async def _wait_for(self, content: StreamReader) -> bytes:
        """The body that is still to come, or as much of it as shows that it is too large."""
        body = bytearray()
        async with asyncio.timeout(READING):
            while not content.at_eof() and len(body) <= LARGEST_BODY:
                body += await content.readany()
        return bytes(body)

    def _too_large(self, size: int) -> web.HTTPRequestEntityTooLarge:
        self._drop("", MALFORMED, "it is too large")
        return web.HTTPRequestEntityTooLarge(max_size=LARGEST_BODY, actual_size=size)
