"""The authorisation-code flow (RFC 6749 §4.1), run once by a person: it brings the first refresh token.

The person opens an address in a browser, agrees, and the browser comes back to the redirect URI, where we listen; or
the person pastes the address that the browser has come back to, where that browser can't reach us.
"""

from __future__ import annotations

import asyncio
import hmac
import os
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
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

SHORTEST_CODE: Final = 8
"""Characters of a code that is pasted alone: what is shorter was typed by mistake, and would end the login."""

PATIENCE: Final = 600.0
"""Seconds that the browser has to come back."""

SEEN: Final = "Thank you. Whether it worked is shown where you began. This page can be closed."
NOT_OURS: Final = "This isn't the answer that is waited for. Open the address that was printed last."
OTHER_STATE: Final = (
    "That answer belongs to another login: its state isn't the one of the address above. Open that one, and agree anew."
)

Paste = Callable[[], Awaitable[str]]
"""Gives the next line that the person pastes; raises EOFError where there are no more."""


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
    listening: bool = True,
    listen: tuple[str, int] | None = None,
    paste: Paste | None = None,
    say: Callable[[str], None] = print,
    clock: Callable[[], float] = time.time,
    patience: float = PATIENCE,
) -> Grant:
    """Get the first refresh token and keep it in ``refresh``.

    ``listen`` is the host and port to listen on where the redirect URI isn't this machine's own, as behind a reverse
    proxy. With ``paste`` the address that the browser has come back to may be pasted, or the code in it: beside
    listening or, without ``listening``, instead of it. Raises `WebexError`, `SecretError`, OSError if nothing can
    listen there, ValueError for a redirect URI that isn't right or where nothing right was pasted, and TimeoutError if
    nobody comes back in time.
    """
    check_address(token_url, "token_url")
    place = _checked(redirect_uri)
    secret = await asyncio.to_thread(client_secret.read)
    state = secrets.token_urlsafe(32)
    url = authorize_url(authorize, client_id, redirect_uri, state, scopes)
    back = _Return(state)
    async with AsyncExitStack() as stack:
        if listening:
            await stack.enter_async_context(_Listener(place, listen, back, say))
        say(f"Open this address in a browser, as an administrator of the contact centre:\n\n{url}\n")
        if paste is not None:
            say(
                f"The browser comes back to {redirect_uri}. If it can't reach that, as on another machine, paste the "
                "address here that it shows then:"
            )
            reading = asyncio.create_task(_take_pasted(back, paste, listening, say))
            stack.callback(reading.cancel)
        code = await asyncio.wait_for(back.code, patience)
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


class _Return:
    """What the browser comes back with: our ``state``, and the code or a refusal."""

    def __init__(self, state: str) -> None:
        self._state = state
        self.code: asyncio.Future[Secret] = asyncio.get_running_loop().create_future()

    def take(self, query: Mapping[str, str]) -> bool:
        """Whether it is this login's."""
        if not hmac.compare_digest(query.get("state", "").encode(), self._state.encode()):
            return False
        if not self.code.done():
            if query.get("code"):
                self.code.set_result(Secret(query["code"]))
            else:
                words = query.get("error_description") or query.get("error") or "the cloud gave no code"
                self.code.set_exception(NotAuthorised("authorize", 0, "", words))
        return True

    def take_pasted(self, line: str) -> str:
        """Take an address, or its query, or the bare code. Gives what is wrong with it, "" for nothing."""
        if len(line) >= SHORTEST_CODE and not {"?", "=", " "} & set(line.rstrip("=")) and "://" not in line:
            if not self.code.done():
                self.code.set_result(Secret(line))
            return ""
        try:
            query = URL(line if "?" in line else f"?{line}").query
        except ValueError:
            query = URL().query
        if not query.get("state"):
            return "That is neither the address that the browser came back to nor a code; there is no state in it."
        return "" if self.take(query) else OTHER_STATE


async def _take_pasted(back: _Return, paste: Paste, listening: bool, say: Callable[[str], None]) -> None:
    """Takes lines until one is right. Where nobody listens either, the end of them is the end."""
    while not back.code.done():
        try:
            line = await paste()
        except EOFError:
            if not listening and not back.code.done():
                back.code.set_exception(ValueError("nothing was pasted that is an answer to this login"))
            return
        wrong = back.take_pasted(line) if line else ""
        if wrong:
            say(wrong)


def _checked(redirect_uri: str) -> URL:
    url = URL(redirect_uri)
    if url.scheme not in ("http", "https") or not url.host or url.query_string or url.fragment:
        raise ValueError(f"the redirect URI {redirect_uri!r} has to be an http or https address without a query")
    return url


class _Listener:
    """Waits on the redirect URI for the browser that brings our state back; anybody else is sent away.

    That somebody came with another state is said once: it may be the person with an old address, or anybody.
    """

    def __init__(
        self, redirect_uri: URL, listen: tuple[str, int] | None, back: _Return, say: Callable[[str], None]
    ) -> None:
        host = redirect_uri.host or ""
        if listen is None and not (is_loopback(host) and redirect_uri.scheme == "http"):
            raise ValueError(
                f"the redirect URI '{redirect_uri}' isn't on this machine: say where to listen for it (--listen), or "
                "paste the address that the browser comes back to (--paste)"
            )
        self._host, self._port = listen or (host, redirect_uri.port or 80)
        self._path = redirect_uri.path or "/"
        self._back = back
        self._say = say
        self._said = False
        self._runner: web.ServerRunner | None = None

    async def __aenter__(self) -> _Listener:
        self._runner = web.ServerRunner(
            web.Server(self._answer, access_log=None),  # the log would hold the code
            shutdown_timeout=1.0,
        )
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._host, self._port).start()
        except OSError as error:
            await self._runner.cleanup()
            why = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
            raise OSError(
                f"can't listen on {self._host} port {self._port} for the browser: {why}. End what has it, an earlier "
                "login perhaps, say where else (--listen), or paste the address that it comes back to (--paste)"
            ) from None
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        if request.path != self._path:
            return web.Response(status=400, text=NOT_OURS)
        if not self._back.take(request.rel_url.query):
            if request.rel_url.query.get("state") and not self._said:
                self._said = True
                self._say(OTHER_STATE)
            return web.Response(status=400, text=NOT_OURS)
        return web.Response(text=SEEN, headers={"Connection": "close"})
