"""The access token: got by the refresh token, renewed in time, and never at the price of losing the refresh token.

The cloud may give a new refresh token with each access token (rotation, RFC 6749 §6). From then on the old one may be
worth nothing, so the new one is on disk before its access token is used.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final

import aiohttp

from state_client.webex.breaker import Breaker
from state_client.webex.errors import NotAuthorised, NotSaved, Unreachable, WebexError, postponed
from state_client.webex.fields import number, text
from state_client.webex.secret import Secret, SecretError, SecretFile, hide, keepable
from state_client.webex.transport import (
    TIMEOUT,
    Observe,
    TooLarge,
    check_address,
    describe,
    new_tracking_id,
    ordered_pause,
    read_body,
    read_json,
    timeouts,
    unobserved,
)

logger = logging.getLogger(__name__)

OPERATION: Final = "token"

RENEW_AT: Final = 0.8
"""The part of an access token's life after which a new one is got."""

UNSAID_LIFE: Final = 3600.0
"""Seconds that an access token is taken to live if the cloud doesn't say."""

LARGEST_ANSWER: Final = 64 * 1024

PATIENCE_OF_CLOSE: Final = 5.0
"""Seconds that a shutdown waits for a renewal under way, whose refresh token would be lost otherwise."""


REFUSALS: Final = {
    "invalid_request": "it takes the request for malformed",
    "invalid_client": "it doesn't know the client id, or not with this client secret",
    "invalid_grant": "the refresh token or the code is used up, expired, or made for somebody else",
    "unauthorized_client": "this client may not ask in this way",
    "unsupported_grant_type": "it gives no tokens in this way",
    "invalid_scope": "it doesn't know these scopes, or doesn't give them",
    "access_denied": "it was refused by whoever was to allow it",
    "server_error": "it failed",
    "temporarily_unavailable": "it can't answer now",
}
"""What an endpoint may say (RFC 6749 §4.1.2.1 and §5.2), in words of ours. It was sent secrets, and could give them
back in any form: nothing that it writes itself is shown."""


class Grant:
    """What the token endpoint gave. Times are seconds since the epoch; ``refresh_expires`` is 0 where it isn't said."""

    __slots__ = ("access", "expires", "refresh", "refresh_expires", "renew_at")

    def __init__(self, answer: Mapping[str, Any], now: float) -> None:
        life = number(answer, "expires_in") or UNSAID_LIFE
        refresh_life = number(answer, "refresh_token_expires_in")
        self.access = Secret(text(answer, "access_token"))
        self.refresh = Secret(text(answer, "refresh_token"))
        self.expires = now + life
        self.renew_at = now + life * RENEW_AT
        self.refresh_expires = now + refresh_life if refresh_life else 0.0


async def ask_for_grant(
    http: aiohttp.ClientSession,
    token_url: str,
    form: Mapping[str, str | Secret],
    clock: Callable[[], float],
    observe: Observe = unobserved,
    patience: float = TIMEOUT,
) -> Grant:
    """Ask the token endpoint. Raises `NotAuthorised` if it refuses, `Unreachable` if it can't be asked now.

    The error's ``retry_after`` is for how long the endpoint wants to be left alone.
    """
    url = check_address(token_url, "token_url")
    plain = {name: value.reveal() if isinstance(value, Secret) else value for name, value in form.items()}
    tracking_id = new_tracking_id()
    now = clock()
    status, body, failure, pause = 0, b"", ("", ""), 0.0
    try:
        async with http.post(
            url,
            data=plain,
            headers={"TrackingId": tracking_id, "Accept": "application/json"},
            allow_redirects=False,
            timeout=timeouts(patience),
        ) as response:
            body = await read_body(response, LARGEST_ANSWER)
            status = response.status
            pause = ordered_pause(status, response.headers, clock())
    except TooLarge:
        failure = ("error", f"the answer is larger than {LARGEST_ANSWER} octets")
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        failure = _why_unanswered(error, patience)
    observe(OPERATION, failure[0] or str(status))
    if failure[0]:  # raised out here so that it carries no exception of aiohttp's, which holds what was sent
        raise Unreachable(OPERATION, 0, tracking_id, failure[1])
    if status == 429 or status >= 500:
        raise Unreachable(OPERATION, status, tracking_id, _refusal(status, body), pause)
    if status in (400, 401, 403):
        raise NotAuthorised(OPERATION, status, tracking_id, _refusal(status, body))
    if status != 200:
        raise WebexError(OPERATION, status, tracking_id, f"{_refusal(status, body)}: is token_url right?")
    try:
        answer = read_json(body)
    except ValueError:
        answer = None
    if not isinstance(answer, dict) or not text(answer, "access_token"):
        raise Unreachable(OPERATION, status, tracking_id, "the answer holds no access token")
    grant = Grant(answer, now)
    for name, secret in (("an access token", grant.access), ("a refresh token", grant.refresh)):
        if secret and not keepable(secret):
            raise Unreachable(OPERATION, status, tracking_id, f"the answer holds {name} that can't be one")
    return grant


def _refusal(status: int, body: bytes) -> str:
    """Why the endpoint gave no token, in words that aren't its own."""
    try:
        answer = read_json(body)
    except ValueError:
        answer = None
    code = text(answer, "error") if isinstance(answer, dict) else ""
    if code in REFUSALS:
        return f"{code}: {REFUSALS[code]}"
    return next((known.phrase for known in HTTPStatus if known == status), "refused")


def _why_unanswered(error: BaseException, patience: float) -> tuple[str, str]:
    """As `describe` has it; but what an answer that broke off or is no HTTP had in it isn't told."""
    code, words = describe(error, patience)
    told = isinstance(error, TimeoutError | aiohttp.ClientOSError | OSError) and not isinstance(
        error, aiohttp.ServerDisconnectedError
    )
    return code, words if told else f"the connection failed, or the answer is no HTTP ({type(error).__name__})"


class TokenKeeper:
    """Keeps one access token for everybody who asks.

    ``fault`` says in words why the last renewal failed, "" if it didn't. ``expires`` and ``refresh_expires`` are
    seconds since the epoch, 0 while they aren't known. `close` waits for a renewal under way.
    """

    def __init__(
        self,
        token_url: str,
        client_id: str,
        client_secret: SecretFile,
        refresh: SecretFile,
        http: aiohttp.ClientSession,
        clock: Callable[[], float] = time.time,
        observe: Observe = unobserved,
    ) -> None:
        check_address(token_url, "token_url")
        self._token_url = token_url
        self._client_id = client_id
        self._client_secret = client_secret
        self._file = refresh
        self._http = http
        self._clock = clock
        self._observe = observe
        self._grant: Grant | None = None
        self._unsaved: Grant | None = None
        self._refresh: Secret | None = None
        self._breaker = Breaker()
        self._failure: WebexError | None = None
        self._renewal: asyncio.Task[Secret] | None = None
        self.fault = ""

    @property
    def expires(self) -> float:
        """When the access token in use ends."""
        return self._grant.expires if self._grant else 0.0

    @property
    def refresh_expires(self) -> float:
        """When the refresh token ends, unless it is used before."""
        grant = self._unsaved or self._grant
        return grant.refresh_expires if grant else 0.0

    def hide(self, words: str) -> str:
        """``words`` without any token of ours."""
        grants = [grant for grant in (self._grant, self._unsaved) if grant]
        return hide(words, self._refresh, *(secret for grant in grants for secret in (grant.access, grant.refresh)))

    async def token(self) -> Secret:
        """An access token that is good as far as we know. Raises `NotAuthorised` or `Unreachable`."""
        grant, now = self._grant, self._clock()
        if grant is not None and now < grant.renew_at:
            return grant.access
        try:
            return await self._renewed()
        except WebexError:
            if grant is None or now >= grant.expires:
                raise
            return grant.access  # it still has a fifth of its life

    async def renew(self, bad: Secret) -> Secret:
        """Another access token than ``bad``, which the cloud didn't take. However many ask, one renewal is made."""
        grant = self._grant
        if grant is not None and grant.access != bad:
            return grant.access
        if grant is not None:
            grant.renew_at = grant.expires = 0.0
        return await self._renewed()

    async def close(self) -> None:
        """Wait a little for a renewal under way, since its refresh token would be lost otherwise."""
        if self._renewal is not None:
            await asyncio.wait([self._renewal], timeout=PATIENCE_OF_CLOSE)

    async def _renewed(self) -> Secret:
        if self._renewal is None:
            self._renewal = asyncio.create_task(self._renew())
            self._renewal.add_done_callback(self._renewal_ended)
        return await asyncio.shield(self._renewal)  # a caller who gives up doesn't end what others wait for

    def _renewal_ended(self, renewal: asyncio.Task[Secret]) -> None:
        self._renewal = None
        if not renewal.cancelled():
            renewal.exception()  # looked at, also where every caller has given up

    async def _renew(self) -> Secret:
        wait = await self._prepare()
        if wait > 0 and self._failure is not None:
            raise postponed(self._failure, wait)
        try:
            if self._unsaved is None:
                self._unsaved = await self._ask()
            access = await self._save()
        except WebexError as error:
            if self.fault != error.reason:
                logger.error("%s", error)
            self.fault = error.reason
            self._failure = error
            raise
        self.fault = ""
        return access

    async def _prepare(self) -> float:
        """Look whether somebody logged in meanwhile; the seconds until the cloud may be asked."""
        try:
            kept = await asyncio.to_thread(self._file.read)
        except SecretError:
            kept = None  # said when it is needed
        if kept is not None and kept != self._refresh:
            if self._refresh is not None:  # what failed, failed for the old one
                self._breaker.succeeded()
                self._unsaved = None
            self._refresh = kept
        now = self._clock()
        return self._breaker.held(now) or self._breaker.delay(now)

    async def _ask(self) -> Grant:
        """Get a grant, which isn't in use yet."""
        try:
            refresh, client_secret = await asyncio.to_thread(self._read)
            form: dict[str, str | Secret] = {
                "grant_type": "refresh_token",
                "client_id": self._client_id,
                "client_secret": client_secret,
                "refresh_token": refresh,
            }
            grant = await ask_for_grant(self._http, self._token_url, form, self._clock, self._observe)
        except WebexError as error:
            self._breaker.failed(self._clock())
            self._breaker.hold(error.retry_after, self._clock())
            raise
        finally:
            self._breaker.abandoned()
        self._breaker.succeeded()
        return grant

    def _read(self) -> tuple[Secret, Secret]:
        try:
            return self._file.read(), self._client_secret.read()
        except SecretError as error:
            raise NotAuthorised(OPERATION, 0, "", str(error)) from None

    async def _save(self) -> Secret:
        """Put the new grant into use, its refresh token on disk first. What can't be saved is kept and tried again."""
        grant = self._unsaved
        assert grant is not None
        if grant.refresh and grant.refresh != self._refresh:
            try:
                await asyncio.to_thread(self._file.write, grant.refresh)
            except SecretError as error:
                raise NotSaved(OPERATION, 0, "", str(error)) from None
            self._refresh = grant.refresh
        self._grant = grant
        self._unsaved = None
        return grant.access
