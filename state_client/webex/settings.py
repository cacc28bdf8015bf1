"""How a contact centre in the cloud is reached, and what is made of that before anything is asked."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import aiohttp

from state_client.webex.limiter import Limiter
from state_client.webex.oauth import TokenKeeper
from state_client.webex.rest import WebexApi
from state_client.webex.secret import SecretFile
from state_client.webex.transport import Dated, Observe, undated, unobserved


@dataclass(frozen=True, slots=True)
class Settings:
    """How a contact centre is reached, and how often it is asked. Times in seconds.

    ``look_every`` is for who waits, while anybody does; where they fill many pages it is less often. 0: never.
    ``webhook_url`` is where the cloud delivers events to, "" for none. ``estimates`` are the queues, by name or id,
    whose estimated wait is asked for. ``call_variable`` is the global variable in which the flow keeps what a call is
    called outside, "" for none.
    """

    api: str
    org_id: str
    node: str
    token_url: str
    client_id: str
    client_secret: SecretFile
    refresh: SecretFile
    webhook_url: str = ""
    webhook_secret: SecretFile | None = None
    confirm_every: float = 20.0
    look_every: float = 2.0
    reconcile_every: float = 300.0
    requests_per_minute: int = 240
    clock_tolerance: float = 300.0
    estimates: tuple[str, ...] = ()
    estimate_every: float = 30.0
    estimate_lookback: int = 15
    allow_loopback: bool = False
    call_variable: str = ""


def connection(
    settings: Settings,
    http: aiohttp.ClientSession,
    limiter: Limiter,
    clock: Callable[[], float] = time.time,
    observe: Observe = unobserved,
    dated: Dated = undated,
) -> tuple[TokenKeeper, WebexApi]:
    """Make what asks the cloud, and what keeps the token it asks with. Raises ValueError for an address without TLS."""
    keeper = TokenKeeper(
        settings.token_url, settings.client_id, settings.client_secret, settings.refresh, http, clock, observe
    )
    api = WebexApi(settings.api, settings.org_id, keeper, limiter, http, clock=clock, observe=observe, dated=dated)
    return keeper, api
