"""The command `edge-router webex`: authorise once, see how things stand, remove what other nodes have left behind.

A router that runs is asked how things stand, since it knows; only where none answers the cloud is asked from here.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_router.ask_router import ask_router, reached_at
from edge_router.config.files import secret_at
from edge_router.contact_centre import settings_of
from edge_router.http.webex_api import PATH
from edge_router.pasted_lines import PastedLines
from state_client.webex import login as login_module
from state_client.webex.limiter import Limiter
from state_client.webex.report import report
from state_client.webex.settings import Settings, connection
from state_client.webex.subscriptions import Subscription, Subscriptions
from state_client.webex.transport import open_session

if TYPE_CHECKING:
    from edge_router.config.addresses import Address
    from edge_router.config.models import Config
    from edge_router.config.state_model import Webex

Say = Callable[[str], None]


class NotConfigured(Exception):
    """The configuration lacks what the command needs; says what."""


def login(config: Config, path: Path, say: Say, listen: Address | None = None, paste: bool = False) -> None:
    """Authorise once in a browser, and keep the refresh token where the configuration says.

    It is waited for at ``listen``, or else where the redirect URI leads; or with ``paste`` for the address that the
    browser has come back to, on stdin. On a terminal either will do. Raises NotConfigured, WebexError, SecretError,
    OSError, ValueError or TimeoutError.
    """
    webex = _webex(config)
    on_terminal = sys.stdin is not None and sys.stdin.isatty()

    async def run() -> None:
        async with open_session(webex.token_url) as http:
            grant = await login_module.login(
                token_url=webex.token_url,
                client_id=webex.client_id,
                client_secret=secret_at(path, webex.client_secret_file),
                refresh=secret_at(path, webex.refresh_token_file),
                redirect_uri=webex.redirect_uri,
                http=http,
                authorize=webex.authorize_url,
                scopes=webex.scopes,
                listening=not paste,
                listen=listen,
                paste=PastedLines(0).next if paste or on_terminal else None,
                say=say,
            )
        say(f"The refresh token is in {webex.refresh_token_file}; it is good until {_moment(grant.refresh_expires)}.")

    asyncio.run(run())


def status(config: Config, path: Path, token_file: str | None = None) -> dict[str, Any]:
    """How things stand: what the running router says, or else what the cloud does.

    ``token_file`` holds the token to ask the router with, where it wants another than those in its own file. Raises
    NotConfigured, NotAsked or ValueError.
    """
    webex = _webex(config)
    if config.state.source != "webex":
        raise NotConfigured(
            f"state.source is {config.state.source}: this router follows no contact centre in the cloud. Where it "
            "follows another gateway, ask that one"
        )
    found = ask_router(config, path, PATH, token_file)
    if found is not None:
        return found | {"running": True, "asked": "the running router"}
    nobody = f"no router answers at {reached_at(config.http.address)}" if config.http else "the router has no http"
    return asyncio.run(_ask_cloud(settings_of(config.node, webex, str(path)))) | {"asked": f"the cloud: {nobody}"}


def shown(found: dict[str, Any]) -> str:
    """`status` in words."""
    lines = [
        f"asked          {found['asked']}",
        f"access token   good until {_moment(found['token_expires'])}",
        f"refresh token  good until {_moment(found['refresh_token_expires'])}",
        f"last event     {_moment(found['last_event']) if found['running'] else 'known to the running router only'}",
        f"requests       {found['requests_last_minute']} of {found['requests_per_minute']} in the last minute"
        + (f", held for {found['held_secs']:.0f} s by the cloud" if found["held_secs"] else ""),
        f"subscriptions  {len(found['subscriptions'])} of {found['subscriptions_limit']} in the organisation",
    ]
    for one in found["subscriptions"]:
        version = one["resource_version"] or one["interface"]
        lines.append(f"  {one['name']}  {one['status']}  {version}  {one['url']}  by {one['owner']}")
    lines += [f"missing        {found[key]}" for key in ("degraded", "error") if found[key]]
    return "\n".join(lines)


def clean(config: Config, path: Path, everybody: bool, agrees: Callable[[list[Subscription]], bool]) -> int:
    """Remove other nodes' subscriptions, or with ``everybody`` all but ours, where ``agrees`` to the list.

    Gives how many were removed. Raises NotConfigured, WebexError, SecretError or ValueError.
    """
    webex = _webex(config)
    if webex.webhook is None:
        raise NotConfigured("state.webex.webhook is missing: this node has no subscriptions by which to tell others'")
    secret = secret_at(path, webex.webhook.secret_file).read()
    settings = settings_of(config.node, webex, str(path))

    async def run() -> int:
        async with open_session(settings.api) as http:
            keeper, api = connection(settings, http, Limiter(settings.requests_per_minute))
            subscriptions = Subscriptions(
                api, settings.node, settings.webhook_url, secret, allow_loopback=settings.allow_loopback
            )
            others = [one for one in await subscriptions.everyone() if subscriptions.would_clean(one, everybody)]
            removed = await subscriptions.clean(everybody) if others and agrees(others) else []
            await keeper.close()
            return len(removed)

    return asyncio.run(run())


def _webex(config: Config) -> Webex:
    if config.state.webex is None:
        raise NotConfigured(
            f"state.webex is missing (state.source is {config.state.source}): there is no contact centre in the cloud "
            "to speak to"
        )
    return config.state.webex


async def _ask_cloud(settings: Settings) -> dict[str, Any]:
    async with open_session(settings.api) as http:
        limiter = Limiter(settings.requests_per_minute)
        keeper, api = connection(settings, http, limiter)
        found = await report(api, keeper, limiter, datetime.now(UTC).timestamp())
        await keeper.close()
    return found.as_dict() | {"running": False}


def _moment(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC" if seconds else "unknown"
