"""The authorisation-code flow (RFC 6749 §4.1), run once by a person: it brings the first refresh token.

The person opens an address in a browser, agrees, and the browser comes back to the redirect URI, where we listen.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
import time
from collections.abc import Callable
from typing import Final

import aiohttp
from aiohttp import web
from yarl import URL

from state_client.webex.errors import NotAuthorised, WebexError
from state_client.webex.oauth import OPERATION, Grant, ask_for_grant
from state_client.webex.secret import Secret, SecretFile
from state_client.webex.transport import check_address, is_loopback

AUTHORIZE_URL: Final = "https://webexapis.com/v1/authorize"

SCOPES: Final = ("cjp:config_read", "cjp:config_write")

PATIENCE: Final = 600.0
"""Seconds that the browser has to come back."""

SEEN: Final = "Thank you. Whether it worked is shown where you began. This page can be closed."
NOT_OURS: Final = "This isn't the answer that is waited for."


def authorize_url(address: str, client_id: str, redirect_uri: str, state: str, scopes: tuple[str, ...] = SCOPES) -> str:
    """The address that the person opens."""
    query = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "scope": " ".join(scopes),
        "state": state,
    }
    return str(check_address(address, "authorize_url").extend_query(query))


async def login(
    *,
    token_url: str,
    client_id: str,
    client_secret: SecretFile,
    refresh: SecretFile,
    redirect_uri: str,
    http: aiohttp.ClientSession,
    authorize: str = AUTHORIZE_URL,
    scopes: tuple[str, ...] = SCOPES,
    listen: tuple[str, int] | None = None,
    say: Callable[[str], None] = print,
    clock: Callable[[], float] = time.time,
    patience: float = PATIENCE,
) -> Grant:
    """Get the first refresh token and keep it in ``refresh``.

    ``listen`` is the host and port to listen on where the redirect URI isn't this machine's own, as behind a reverse
    proxy. Raises `WebexError`, `SecretError`, OSError if nothing can listen there, ValueError for a redirect URI that
    isn't right, and TimeoutError if the browser doesn't come back in time.
    """
    check_address(token_url, "token_url")
    secret = await asyncio.to_thread(client_secret.read)
    state = secrets.token_urlsafe(32)
    url = authorize_url(authorize, client_id, redirect_uri, state, scopes)
    async with _Listener(redirect_uri, listen, state) as listener:
        say(f"Open this address in a browser, as an administrator of the contact centre:\n\n{url}\n")
        code = await asyncio.wait_for(listener.code, patience)
    form: dict[str, str | Secret] = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri,
        "client_id": client_id,
        "client_secret": secret,
    }
    grant = await ask_for_grant(http, token_url, form, clock)
    if not grant.refresh:
        raise WebexError(OPERATION, 200, "", "the cloud gave no refresh token")
    await asyncio.to_thread(refresh.write, grant.refresh)
    return grant


class _Listener:
    """Waits on the redirect URI for the browser that brings our ``state`` back; anybody else is sent away."""

    def __init__(self, redirect_uri: str, listen: tuple[str, int] | None, state: str) -> None:
        url = URL(redirect_uri)
        if url.scheme not in ("http", "https") or not url.host or url.query_string or url.fragment:
            raise ValueError(f"the redirect URI {redirect_uri!r} has to be an http or https address without a query")
        if listen is None and not (is_loopback(url.host) and url.scheme == "http"):
            raise ValueError(f"the redirect URI {redirect_uri!r} isn't on this machine: say where to listen for it")
        self._host, self._port = listen or (url.host, url.port or 80)
        self._path = url.path or "/"
        self._state = state
        self._runner: web.ServerRunner | None = None
        self.code: asyncio.Future[Secret] = asyncio.get_running_loop().create_future()

    async def __aenter__(self) -> _Listener:
        self._runner = web.ServerRunner(
            web.Server(self._answer, access_log=None),  # the log would hold the code
            shutdown_timeout=1.0,
        )
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._host, self._port).start()
        except OSError:
            await self._runner.cleanup()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        query = request.rel_url.query
        given = query.get("state", "")
        if request.path != self._path or not hmac.compare_digest(given.encode(), self._state.encode()):
            return web.Response(status=400, text=NOT_OURS)
        if not self.code.done():
            if query.get("code"):
                self.code.set_result(Secret(query["code"]))
            else:
                words = query.get("error_description") or query.get("error") or "the cloud gave no code"
                self.code.set_exception(NotAuthorised("authorize", 0, "", words))
        return web.Response(text=SEEN, headers={"Connection": "close"})
