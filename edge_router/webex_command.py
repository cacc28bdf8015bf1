"""The command `edge-router webex`: authorise once, see how things stand, remove what other nodes have left behind.

A router that runs is asked how things stand, since it knows; only where none answers the cloud is asked from here.
"""

from __future__ import annotations

import asyncio
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson

from edge_router.config.files import secret_at
from edge_router.contact_centre import settings_of
from edge_router.http.webex_api import PATH
from state_client.webex import login as login_module
from state_client.webex.limiter import Limiter
from state_client.webex.report import report
from state_client.webex.settings import Settings, connection
from state_client.webex.subscriptions import Subscription, Subscriptions
from state_client.webex.transport import open_session

if TYPE_CHECKING:
    from edge_router.config.models import Config
    from edge_router.config.state_model import Webex

Say = Callable[[str], None]
_PATIENCE: Final = 15.0
"""Seconds that the running router may take to answer."""


class NotConfigured(Exception):
    """The configuration lacks what the command needs; says what."""


def login(config: Config, path: Path, say: Say) -> None:
    """Authorise once in a browser, and keep the refresh token where the configuration says.

    Raises NotConfigured, WebexError, SecretError, OSError, ValueError or TimeoutError.
    """
    webex = _webex(config)

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
                say=say,
            )
        say(f"The refresh token is in {webex.refresh_token_file}; it is good until {_moment(grant.refresh_expires)}.")

    asyncio.run(run())


def status(config: Config, path: Path) -> dict[str, Any]:
    """How things stand: what the running router says, or else what the cloud does. Raises NotConfigured, ValueError."""
    return _ask_router(config) or asyncio.run(_ask_cloud(settings_of(config.node, _webex(config), str(path))))


def shown(found: dict[str, Any]) -> str:
    """`status` in words."""
    lines = [
        f"asked          {'the running router' if found['running'] else 'the cloud: no router answers here'}",
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
        raise NotConfigured("state.webex is missing: there is no contact centre in the cloud to speak to")
    return config.state.webex


def _ask_router(config: Config) -> dict[str, Any] | None:
    if config.http is None:
        return None
    try:
        with urllib.request.urlopen(f"http://{config.http.address}{PATH}", timeout=_PATIENCE) as answer:
            found: dict[str, Any] = orjson.loads(answer.read())
    except (OSError, urllib.error.URLError, orjson.JSONDecodeError):
        return None
    return found | {"running": True} if found.get("ok") else None


async def _ask_cloud(settings: Settings) -> dict[str, Any]:
    async with open_session(settings.api) as http:
        limiter = Limiter(settings.requests_per_minute)
        keeper, api = connection(settings, http, limiter)
        found = await report(api, keeper, limiter, datetime.now(UTC).timestamp())
        await keeper.close()
    return found.as_dict() | {"running": False}


def _moment(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC" if seconds else "unknown"
