"""How the connection to the cloud stands, for people: token, subscriptions, last event, limits."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from state_client.webex.errors import WebexError
from state_client.webex.limiter import Limiter
from state_client.webex.oauth import TokenKeeper
from state_client.webex.rest import WebexApi
from state_client.webex.subscriptions import ORGANISATION_LIMIT, every_subscription


@dataclass(frozen=True, slots=True)
class Report:
    """Times are seconds since the epoch, 0 where there is none. ``subscriptions`` are those of the whole organisation.

    ``error`` says why something isn't there, "" if all is. ``held_secs`` is for how long the cloud wants no request.
    """

    error: str
    token_expires: float
    refresh_token_expires: float
    subscriptions: tuple[dict[str, str], ...]
    subscriptions_limit: int
    last_event: float
    requests_last_minute: int
    requests_per_minute: int
    held_secs: float
    degraded: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Give it as plain data."""
        return asdict(self)


async def report(
    api: WebexApi, keeper: TokenKeeper, limiter: Limiter, now: float, last_event: float = 0.0, degraded: str = ""
) -> Report:
    """Ask the cloud what it has of ours. Raises nothing for what it doesn't answer: that stands in the report."""
    error, found = "", []
    try:
        found = await every_subscription(api)
    except WebexError as fault:
        error = str(fault)
    return Report(
        error=error,
        token_expires=keeper.expires,
        refresh_token_expires=keeper.refresh_expires,
        subscriptions=tuple(
            {
                "name": one.name,
                "node": one.node,
                "status": one.status,
                "interface": one.interface,
                "resource_version": one.resource_version,
                "url": one.url,
                "owner": one.owner,
            }
            for one in found
        ),
        subscriptions_limit=ORGANISATION_LIMIT,
        last_event=last_event,
        requests_last_minute=limiter.used(now),
        requests_per_minute=limiter.per_minute,
        held_secs=limiter.held(now),
        degraded=degraded,
    )
