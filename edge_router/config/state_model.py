"""Where the state of the contact centre comes from: the section `state` of a configuration."""

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from edge_router.config.faults import quoted
from edge_router.config.values import (
    Age,
    CallableTrunkName,
    Count,
    Duration,
    Name,
    OneLine,
    SecretPlace,
    Section,
    not_empty,
)
from state_client.webex.destination import url_fault
from state_client.webex.transport import is_loopback

LONGEST_LOOKBACK = 240 * 60.0
VARIABLE = re.compile("[A-Za-z_][A-Za-z0-9_]{0,79}")
SHORTEST_LOOK = 0.5
LONGEST_LOOK = 3600.0


def _url(text: str) -> str:
    """An absolute URL; without TLS only to this machine, where nobody listens in."""
    parts = urlsplit(text)
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise ValueError(f"{quoted(text)} is no URL; write https:// and a host")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ValueError(f"{quoted(text)} would send secrets in the clear; write https://")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError(f"{quoted(text)} has more than a host, a port and a path; take that out")
    return text.rstrip("/")


def _webhook_url(text: str) -> str:
    fault = url_fault(text, allow_loopback=True)
    if fault:
        raise ValueError(f"{quoted(text)}: {fault}")
    return text


def _minutes(seconds: float) -> float:
    if not 300 <= seconds <= LONGEST_LOOKBACK:
        raise ValueError("is outside of what Webex takes; write 5m to 240m")
    return seconds


def _look(seconds: float) -> float:
    if seconds and not SHORTEST_LOOK <= seconds <= LONGEST_LOOK:
        raise ValueError("is out of bounds; write 500ms to 1h, or 0 for never")
    return seconds


def _variable(text: str) -> str:
    if not VARIABLE.fullmatch(text):
        raise ValueError(f"{quoted(text)} can't name a variable of a flow; use letters, digits and _")
    return text


Url = Annotated[OneLine, AfterValidator(_url)]
WebhookUrl = Annotated[OneLine, AfterValidator(_webhook_url)]


class Queue(Section):
    """The values of a queue, for source: static, or that others push it. What is left out is 0."""

    source: Literal["static", "pushed"] = Field(
        default="static", description="static: the values stand here. pushed: they come by PUT /v1/queues/NAME."
    )
    id: Name | None = Field(default=None, description="The queue's id, by which rules may name it too.")
    length: Count = Field(default=0, description="Calls that wait.")
    longest_wait: Age = Field(default=0.0, description="How long the first one has waited, in whole seconds.")
    total_wait: Age = Field(default=0.0, description="How long all of them together have waited, in whole seconds.")
    agents_available: Count = Field(default=0, description="Agents who could take a call now.")
    agents_signed_on: Count = Field(default=0, description="Agents who are signed on.")
    estimated_wait: Annotated[int, Field(strict=True, ge=-1)] = Field(
        default=-1, description="Seconds that a new call would wait; -1: unknown."
    )
    age: Age = Field(default=0.0, description="How old these values are: lets rules see stale state, to try them.")


class Webhook(Section):
    """Where Webex Contact Center delivers its events, and what it signs them with."""

    url: WebhookUrl = Field(description="The public https URL that leads to /webhooks/webex here.")
    secret_file: SecretPlace = Field(description="File with the secret, 32 to 256 characters; or env:NAME.")


class EstimatedWait(Section):
    """The cloud's own estimate of a wait, asked for now and then."""

    queues: Annotated[tuple[Name, ...], AfterValidator(not_empty)] = Field(
        description="The queues that it is asked for.", json_schema_extra={"minItems": 1}
    )
    every: Duration = Field(
        default=30.0, description="How often each queue is asked for, at most; half of stale_after or less."
    )
    lookback: Annotated[Duration, AfterValidator(_minutes)] = Field(
        default=900.0, description="What the cloud looks back on for its estimate: 5m to 240m."
    )


class Entitlement(Section):
    """How many voice contacts the organisation may have in the cloud at the same time."""

    sessions: Annotated[int, Field(strict=True, ge=1)] = Field(description="Concurrent voice contacts.")
    surge: Annotated[float, Field(strict=True, ge=1)] = Field(
        default=1.3, description="By how much it may be exceeded before the cloud rejects calls."
    )


class Webex(Section):
    """Webex Contact Center: where it is, who we are there, and how often it is asked."""

    api: Url = Field(description="The API of your data centre, https://api.wxcc-us1.cisco.com for instance.")
    token_url: Url = Field(default="https://webexapis.com/v1/access_token", description="Where tokens are had.")
    authorize_url: Url = Field(
        default="https://webexapis.com/v1/authorize", description="Where a person authorises: webex login."
    )
    redirect_uri: Url = Field(
        default="http://127.0.0.1:8484/webex",
        description="Where webex login listens; as registered with the integration.",
    )
    scopes: Annotated[tuple[Name, ...], AfterValidator(not_empty)] = Field(
        default=("cjp:config_read", "cjp:config_write"), description="What webex login asks for."
    )
    org_id: Name = Field(description="The organisation's id.")
    client_id: Name = Field(description="The client id of the integration or service app.")
    client_secret_file: SecretPlace = Field(description="File with the client secret; or env:NAME.")
    refresh_token_file: SecretPlace = Field(
        description="File with the refresh token; rewritten when the token is rotated."
    )
    webhook: Webhook | None = Field(default=None, description="Events; without it the cloud is only asked.")
    clock_tolerance: Duration = Field(
        default=300.0, description="How far an event's time may be from ours, either way."
    )
    confirm_every: Duration = Field(
        default=20.0, description="How often one light query for all queues and one for agents renews ages."
    )
    look_every: Annotated[Age, AfterValidator(_look)] = Field(
        default=2.0,
        description="How often who waits is asked for by name, while anybody does: 500ms to 1h; 0: never.",
    )
    reconcile_every: Duration = Field(default=300.0, description="How often everything is compared.")
    requests_per_minute: Annotated[int, Field(strict=True, ge=6, le=6000)] = Field(
        default=240, description="For the whole client id; Retry-After is always obeyed."
    )
    estimated_wait: EstimatedWait | None = Field(default=None, description="Estimated waits; none without it.")
    entitlement: Entitlement | None = Field(
        default=None, description="What cloud().entitlement is. Default: what the cloud says of the organisation."
    )
    call_variable: Annotated[OneLine, AfterValidator(_variable)] | None = Field(
        default=None,
        description="The global variable in which the flow keeps the call id that a correlation header has brought; "
        "it tells which call a task is. Without it, numbers and time do.",
    )
    expect_for: Duration = Field(
        default=120.0, description="For how long a call that was sent to the cloud is expected to appear there."
    )


class State(Section):
    """Where the state of the contact centre comes from."""

    source: Literal["static", "webex", "peer"] = Field(
        default="static", description="static: the values stand in queues. webex: live. peer: another gateway has them."
    )
    stale_after: Duration = Field(default=60.0, description="Older values make a rule undecided.")
    store: Name = Field(default="state.sqlite", description="File that keeps the last state over a restart, for webex.")
    trunks: tuple[CallableTrunkName, ...] | None = Field(
        default=None,
        description="The trunks that lead to the contact centre: what is sent there is expected in its queues. "
        "Default: the trunk called cloud, and those that a policy's share is of.",
    )
    queues: dict[Name, Queue] = Field(default={}, description="The queues by name: static, or pushed by others.")
    expect_for: Duration | None = Field(
        default=None,
        description="For how long a call that was sent to the contact centre is expected to appear there, whatever the "
        "source. Default: state.webex.expect_for, else 120s.",
    )
    webex: Webex | None = Field(default=None, description="Webex Contact Center, for source: webex.")
    peers: tuple[Url, ...] = Field(
        default=(), description="Other gateways to follow, for source: peer; the first that answers is followed."
    )
    peer_token_file: SecretPlace | None = Field(
        default=None, description="File with the token that peers want, scope read; or env:NAME."
    )
