"""The cloud's REST interface: every request to it, whatever it asks, goes through here.

One limiter for the client id, one breaker per operation, a renewal after a 401, tries again where that can help, and
errors that say what was asked, what came and by which name Cisco's support finds it.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Final

import aiohttp
import orjson
from yarl import URL

from state_client.webex.breaker import Breaker
from state_client.webex.errors import Busy, NotAuthorised, Refused, Unreachable, WebexError, postponed
from state_client.webex.fields import number, part, parts, text
from state_client.webex.limiter import Limiter
from state_client.webex.oauth import TokenKeeper
from state_client.webex.secret import Secret, hide
from state_client.webex.transport import (
    TIMEOUT,
    Dated,
    Observe,
    TooLarge,
    check_address,
    describe,
    new_tracking_id,
    ordered_pause,
    read_body,
    read_fault,
    read_json,
    timeouts,
    undated,
    unobserved,
)

LARGEST_ANSWER: Final = 32 * 1024 * 1024
"""Octets of an answer after decompression."""

TRIES: Final = 3
"""How often a request is made that gets no answer, or 5xx."""

BUSY_TRIES: Final = 3
"""How often a request is made that gets 429."""

LONGEST_WAIT: Final = 120.0
"""Seconds that a request waits for the limiter and for Retry-After, all in all."""

MOST_WAITING: Final = 100
"""Requests that wait for the limiter; the next one is refused."""

FIRST_BACK_OFF: Final = 0.5
"""Seconds before the second try, doubled before each further one; up to half of it is left out by chance."""

PAGE_SIZE: Final = 100
MOST_PAGES: Final = 1000

UNWELL: Final = frozenset((401, 408, 429))
"""Answers besides 5xx that count as failures of an operation: what is asked isn't at fault."""


class _Answer:
    """What came. ``status`` is 0 where nothing did; ``words`` say why then, and are the reason phrase else.

    ``pause`` is for how many seconds the cloud wants to be left alone, 0 where it doesn't say.
    """

    __slots__ = ("body", "headers", "pause", "status", "token", "tracking_id", "words")

    def __init__(self, status: int, words: str, tracking_id: str, token: Secret) -> None:
        self.status = status
        self.words = words
        self.tracking_id = tracking_id
        self.token = token
        self.pause = 0.0
        self.headers: Mapping[str, str] = {}
        self.body = b""

    @property
    def is_unwell(self) -> bool:
        """Whether it counts against the operation."""
        return self.status == 0 or self.status >= 500 or self.status in UNWELL


class _Question:
    """What is asked. ``again`` says whether asking twice does no harm."""

    __slots__ = ("again", "body", "method", "operation", "secret", "urgent", "url", "waited")

    def __init__(self, operation: str, method: str, url: URL, json: Any, urgent: bool) -> None:
        self.operation = operation
        self.method = method
        self.url = url
        self.body = None if json is None else orjson.dumps(json)
        self.secret = Secret(text(json, "secret")) if isinstance(json, dict) else None
        self.urgent = urgent
        self.again = method != "POST" or url.path.endswith("/search")
        self.waited = 0.0


class WebexApi:
    """Asks the cloud. ``api`` is its address without a path, such as https://api.wxcc-us1.cisco.com.

    ``lacks`` are fields of searches that this cloud was found not to have.

    ``clock`` gives seconds since the epoch, ``chance`` a number from 0 to 1 for the jitter. ``dated`` is told what time
    it is in the cloud.
    """

    def __init__(
        self,
        api: str,
        org_id: str,
        keeper: TokenKeeper,
        limiter: Limiter,
        http: aiohttp.ClientSession,
        *,
        clock: Callable[[], float] = time.time,
        observe: Observe = unobserved,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
        timeout: float = TIMEOUT,
        dated: Dated = undated,
    ) -> None:
        check_address(api, "api")
        self.org_id = org_id
        self.limiter = limiter
        self.lacks: set[str] = set()
        self._api = api.rstrip("/")
        self._keeper = keeper
        self._http = http
        self._clock = clock
        self._observe = observe
        self._sleep = sleep
        self._chance = chance
        self._timeout = timeout
        self._dated = dated
        self._breakers: dict[str, Breaker] = {}
        self._failures: dict[str, WebexError] = {}
        self._waiting = 0

    async def call(
        self,
        operation: str,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        json: Any = None,
        urgent: bool = False,
        fault: Callable[[Any], str] | None = None,
    ) -> Any:
        """Give the JSON of a 2xx answer, None where it has no body.

        ``operation`` is a word for metrics and errors, of which there may be few. ``path`` is percent-encoded already.
        ``fault`` says why an answer is none in spite of its 2xx. Raises `WebexError`.
        """
        url = URL(self._api + path, encoded=True)
        question = _Question(operation, method, url.extend_query(params) if params else url, json, urgent)
        failures = busy = 0
        renewed = False
        while True:
            answer = await self._ask(question)
            if answer.status == 401 and not renewed:
                renewed = True
                await self._keeper.renew(answer.token)
            elif answer.status == 429:
                busy += 1
                if busy == BUSY_TRIES:
                    raise Busy(operation, 429, answer.tracking_id, "asked too often", answer.pause)
            elif answer.status == 0 or answer.status == 408 or answer.status >= 500:
                failures += 1
                if failures == TRIES or not question.again or answer.pause > LONGEST_WAIT:
                    raise self._error(question, answer)
                await self._sleep(max(answer.pause, self._back_off(failures)))
            else:
                return self._read(question, answer, fault)

    async def pages(
        self, operation: str, path: str, *, params: Mapping[str, str] | None = None, size: int = PAGE_SIZE
    ) -> AsyncIterator[list[Mapping[str, Any]]]:
        """The pages of a list of the configuration, which is an envelope or, in version 1, a bare array."""
        previous: Any = None
        for page in range(MOST_PAGES):
            numbered = {**(params or {}), "page": str(page), "pageSize": str(size)}
            answer = await self.call(operation, "GET", path, params=numbered, fault=_fault_of_list)
            envelope = {"data": answer} if isinstance(answer, list) else answer
            rows = list(parts(envelope, "data"))
            if not rows or rows == previous:  # a list without pages is the same on every page
                return
            yield rows
            total = number(part(envelope, "meta"), "totalPages")
            if page + 1 >= total if total else len(rows) < size:
                return
            previous = rows
        raise WebexError(operation, 200, "", f"the list has more than {MOST_PAGES} pages")

    async def _ask(self, question: _Question) -> _Answer:
        """Make the request once, when it may be made."""
        breaker = self._breakers.setdefault(question.operation, Breaker(self._chance))
        wait = breaker.delay(self._clock())
        if wait > 0:
            raise postponed(self._failures[question.operation], wait)
        try:
            token = await self._keeper.token()
            await self._wait_turn(question, breaker)
            answer = await self._send(question, token)
            self._note(question, answer, breaker)
        finally:
            breaker.abandoned()
        return answer

    def _note(self, question: _Question, answer: _Answer, breaker: Breaker) -> None:
        """Remember what an answer says of the questions to come."""
        now = self._clock()
        answer.pause = ordered_pause(answer.status, answer.headers, now)
        if answer.status == 429:
            self.limiter.hold(answer.pause, now)
        elif answer.status >= 400:
            breaker.hold(answer.pause, now)
        if answer.status == 0 or answer.status >= 400:
            self._failures[question.operation] = self._error(question, answer)
        if answer.is_unwell:
            breaker.failed(now)
        else:
            breaker.succeeded()

    async def _wait_turn(self, question: _Question, breaker: Breaker) -> None:
        """Wait until the operation isn't left alone as the cloud ordered, and the limiter lets the request pass."""
        wait = self._delay(question, breaker)
        if wait > 0 and self._waiting >= MOST_WAITING:
            raise Busy(question.operation, 0, "", f"{MOST_WAITING} requests wait already", wait)
        self._waiting += 1
        try:
            while wait > 0:
                question.waited += wait
                if question.waited > LONGEST_WAIT:
                    if breaker.held(self._clock()) > 0:
                        raise postponed(self._failures[question.operation], wait)
                    raise Busy(question.operation, 0, "", f"it would wait longer than {LONGEST_WAIT:.0f} s", wait)
                await self._sleep(wait)
                wait = self._delay(question, breaker)
        finally:
            self._waiting -= 1

    def _delay(self, question: _Question, breaker: Breaker) -> float:
        """Seconds to wait; 0 where the request may go out now, and counts."""
        now = self._clock()
        return breaker.held(now) or self.limiter.delay(now, question.urgent)

    async def _send(self, question: _Question, token: Secret) -> _Answer:
        tracking_id = new_tracking_id()
        headers = {
            "Authorization": f"Bearer {token.reveal()}",
            "TrackingId": tracking_id,
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
        }
        if question.body is not None:
            headers["Content-Type"] = "application/json"
        asked = self._clock()
        try:
            async with self._http.request(
                question.method,
                question.url,
                data=question.body,
                headers=headers,
                allow_redirects=False,
                timeout=timeouts(self._timeout),
            ) as response:
                answer = _Answer(response.status, response.reason or "", tracking_id, token)
                answer.headers = response.headers
                self._dated(response.headers.get("Date", ""), asked, self._clock())
                answer.body = await read_body(response, LARGEST_ANSWER)
                self._observe(question.operation, str(response.status))
                return answer
        except TooLarge:
            self._observe(question.operation, "error")
            reason = f"the answer is larger than {LARGEST_ANSWER} octets"
            raise WebexError(question.operation, 200, tracking_id, reason) from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            code, words = describe(error, self._timeout)
        self._observe(question.operation, code)
        return _Answer(0, words, tracking_id, token)

    def _back_off(self, failures: int) -> float:
        """Seconds to wait after the n-th failure of a request, where the cloud orders no longer pause."""
        return FIRST_BACK_OFF * (1 << failures - 1) * (1 - self._chance() / 2)

    def _read(self, question: _Question, answer: _Answer, fault: Callable[[Any], str] | None) -> Any:
        if not 200 <= answer.status < 300:
            raise self._error(question, answer)
        try:
            content = read_json(answer.body)
        except ValueError:
            raise self._error(question, answer, "the answer is not JSON") from None
        words = fault(content) if fault else ""
        if words:
            raise self._error(question, answer, words)
        return content

    def _error(self, question: _Question, answer: _Answer, words: str = "") -> WebexError:
        """The error for an answer: the cloud's words without any secret of ours."""
        said, given_id = read_fault(answer.body, answer.words)
        if 300 <= answer.status < 400:
            said = "the answer is a redirect, which isn't followed: is the address of the api right?"
        reason = hide(self._keeper.hide(words or said), question.secret, answer.token)
        kind: type[WebexError] = {0: Unreachable, 401: NotAuthorised, 403: Refused, 408: Unreachable}.get(
            answer.status, Unreachable if answer.status >= 500 else WebexError
        )
        return kind(question.operation, answer.status, given_id or answer.tracking_id, reason)


def _fault_of_list(answer: Any) -> str:
    if isinstance(answer, list) or (isinstance(answer, dict) and isinstance(answer.get("data"), list)):
        return ""
    return "the answer is no list"
