"""The cloud's subscriptions of webhooks: this node's two are there, right and active, and nobody else's are touched.

A subscription carries events of one resource, so agents and tasks have one each, made by v2 of the interface. Their
names carry the node's name and a mark of ours, and are the only ones that are ever patched or deleted unasked. A secret
can be written and never read: a keyed hash of what was written is remembered instead.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol
from urllib.parse import quote

from state_client.webex.destination import secret_fault, url_fault
from state_client.webex.errors import Busy, NotAuthorised, WebexError
from state_client.webex.events import TASK_TYPES
from state_client.webex.fields import part, parts, text
from state_client.webex.secret import Secret

MARK: Final = "edge-router"
"""The end of the names of every edge router's subscriptions."""
ORGANISATION_LIMIT: Final = 20
LONGEST_NAME: Final = 64

AGENT: Final = "agent"
TASK: Final = "task"
AGENT_VERSIONS: Final = ("2.0.0", "1.0.0")
"""Those that we know, best first."""
AGENT_TYPES_OF_1: Final = frozenset({"agent:login", "agent:logout", "agent:state_change"})
AGENT_TYPES_OF_2: Final = frozenset(
    {"agent:login", "agent:logout", "agent:channel_state_change", "agent:channelType_state_change"}
)

_log = logging.getLogger(__name__)


class Api(Protocol):
    """What asks the cloud. It raises WebexError."""

    async def call(
        self,
        operation: str,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        json: Any = None,
        urgent: bool = False,
    ) -> Any:
        """Give the answer's JSON, None where the body is empty."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription as the cloud lists it. ``interface`` is v1 or v2, ``owner`` the e-mail address of who made it."""

    id: str
    name: str
    interface: str
    url: str
    status: str
    event_types: frozenset[str]
    resource_version: str = ""
    owner: str = ""

    @property
    def node(self) -> str:
        """The edge router's node that it is for, "" where it is another program's."""
        for resource in (AGENT, TASK):
            end = f"-{resource}-{MARK}"
            if self.name.endswith(end):
                return self.name.removesuffix(end)
        return ""

    def __str__(self) -> str:
        return f"{self.name} (by {self.owner or 'unknown'}, {self.status}, {self.interface}, to {self.url})"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A subscription as it ought to be."""

    name: str
    resource_version: str
    event_types: frozenset[str]


@dataclass(slots=True)
class Report:
    """What was done, by the names of the subscriptions; of a changed one also what was changed."""

    kept: list[str] = field(default_factory=list)
    created: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    reactivated: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)

    @property
    def missed(self) -> bool:
        """Whether events may have been missed: the state has to be compared with the cloud."""
        return bool(self.created or self.changed or self.reactivated)


class SubscriptionLimit(WebexError):
    """The organisation may have no more subscriptions. ``subscriptions`` are those that it has."""

    def __init__(self, refusal: WebexError, name: str, subscriptions: Sequence[Subscription]) -> None:
        super().__init__(refusal.operation, refusal.status, refusal.tracking_id, refusal.reason)
        self.name = name
        self.subscriptions = tuple(subscriptions)

    def __str__(self) -> str:
        listed = "; ".join(str(subscription) for subscription in self.subscriptions)
        return (
            f"{super().__str__()}. The organisation has {len(self.subscriptions)} subscriptions and may have "
            f"{ORGANISATION_LIMIT}: there is no room for {self.name}. `edge-router webex clean` removes those of other "
            f"edge routers. There are: {listed}"
        )


class Subscriptions:
    """Keeps this node's subscriptions.

    ``marks`` says by subscription id which secret was written, as a keyed hash; keep it over restarts, and a secret is
    written again only where it isn't known. ``allow_loopback`` lets ``url`` name this machine, by HTTP and with a port,
    for a simulated cloud. Raises ValueError where node, url or secret can't be subscribed with.
    """

    def __init__(
        self,
        api: Api,
        node: str,
        url: str,
        secret: Secret,
        marks: MutableMapping[str, str] | None = None,
        *,
        allow_loopback: bool = False,
    ) -> None:
        for fault in (node_fault(node), url_fault(url, allow_loopback), secret_fault(secret)):
            if fault:
                raise ValueError(fault)
        self.node = node
        self._api = api
        self._url = url
        self._secret = secret
        self._marks: MutableMapping[str, str] = {} if marks is None else marks
        self._wanted: list[Wanted] = []
        self._lock = asyncio.Lock()

    async def ensure(self) -> Report:
        """Discover what can be subscribed to, and bring this node's subscriptions to be as they ought.

        Raises WebexError, of which SubscriptionLimit says that there is no room.
        """
        async with self._lock:
            self._wanted = self._choose(await self._api.call("event-types", "GET", "/v2/event-types"))
            return await self._reconcile()

    async def check(self) -> bool:
        """Bring this node's subscriptions to be as they ought; say whether events may have been missed meanwhile.

        The cloud deactivates those whose webhook failed too often. Raises as `ensure` does.
        """
        if not self._wanted:
            return (await self.ensure()).missed
        async with self._lock:
            return (await self._reconcile()).missed

    def distrust(self, subscription_ids: Iterable[str]) -> bool:
        """Events of these were forged: where one is ours its secret isn't, and the next check writes it again.

        Says whether one was ours.
        """
        ours = [name for name in subscription_ids if name in self._marks]
        for subscription_id in ours:
            del self._marks[subscription_id]
        return bool(ours)

    async def everyone(self) -> list[Subscription]:
        """All subscriptions of the organisation, whoever made them and by whichever interface."""
        return await every_subscription(self._api)

    async def clean(self, everybody: bool = False) -> list[Subscription]:
        """Remove the subscriptions of other edge routers' nodes; with ``everybody`` those of other programs too.

        This node's own stay. Gives what was removed.
        """
        removed = []
        for subscription in await self.everyone():
            if self.would_clean(subscription, everybody):
                await self._delete(subscription)
                removed.append(subscription)
        return removed

    def would_clean(self, subscription: Subscription, everybody: bool = False) -> bool:
        """Whether `clean` would remove this one."""
        own = subscription.interface == "v2" and subscription.name in (self._name(AGENT), self._name(TASK))
        return not own and (everybody or bool(subscription.node))

    def _name(self, resource: str) -> str:
        return f"{self.node}-{resource}-{MARK}"

    def _choose(self, answer: Any) -> list[Wanted]:
        """What to subscribe to, of what the cloud offers."""
        content = answer if isinstance(answer, dict) else {}
        offered = {text(row, "name"): text(row, "resource") for row in parts(content, "data")}
        versions: dict[str, list[str]] = {AGENT: [], TASK: []}
        for row in parts(part(content, "meta"), "resourceVersionList"):
            versions.setdefault(text(row, "resource"), []).append(text(row, "version"))
        agent, task = _agent_version(versions[AGENT]), max(versions[TASK], key=_version_key, default="")
        agent_types = AGENT_TYPES_OF_1 if agent == "1.0.0" else AGENT_TYPES_OF_2
        wanted = []
        for resource, version, types in ((AGENT, agent, agent_types), (TASK, task, TASK_TYPES)):
            # A recording's event is a task's where the cloud says so: most likely it is of a resource of its own.
            of_it = {name for name, of in offered.items() if (of or name.partition(":")[0]) == resource}
            subscribable = types & of_it
            if not version or not subscribable:
                raise WebexError("event-types", 200, "", f"the cloud offers no events of the resource {resource}")
            wanted.append(Wanted(self._name(resource), f"{resource}:{version}", subscribable))
        return wanted

    async def _reconcile(self) -> Report:
        report = Report()
        listed = await _list(self._api, "v2")
        self._forget({subscription.id for subscription in listed})
        missing = []
        for wanted in self._wanted:
            ours = sorted((it for it in listed if it.name == wanted.name), key=self._rank)
            for spare in ours[1:]:
                await self._delete(spare)
                report.removed.append(spare.name)
            if ours:
                await self._adjust(ours[0], wanted, report)
            else:
                missing.append(wanted)
        for wanted in missing:  # last: what was removed has made room
            await self._create(wanted)
            report.created.append(wanted.name)
        return report

    async def _adjust(self, subscription: Subscription, wanted: Wanted, report: Report) -> None:
        """Patch what differs. The resource's version has to be in every patch."""
        mark = self._mark(subscription.id)
        changes: dict[str, Any] = {}
        if subscription.url != self._url:
            changes["destinationUrl"] = self._url
        if subscription.event_types != wanted.event_types:
            changes["eventTypes"] = sorted(wanted.event_types)
        if self._marks.get(subscription.id) != mark:
            changes["secret"] = self._secret.reveal()
        other_version = subscription.resource_version != wanted.resource_version
        changed = [*changes, *["resourceVersion"] * other_version]
        inactive = subscription.status != "active"
        if inactive:
            changes["status"] = "active"
        if not changed and not inactive:
            report.kept.append(subscription.name)
            return
        body = {"resourceVersion": wanted.resource_version} | changes
        await self._api.call("patch-subscription", "PATCH", _path(subscription), json=body, urgent=True)
        self._marks[subscription.id] = mark
        if inactive:
            report.reactivated.append(subscription.name)
            _log.warning(
                "Webex: the subscription %s was %s and is active again", subscription.name, subscription.status
            )
        if changed:
            report.changed.append(f"{subscription.name}: {', '.join(changed)}")
            _log.info("Webex: changed of the subscription %s: %s", subscription.name, ", ".join(changed))

    async def _create(self, wanted: Wanted) -> None:
        body = {
            "name": wanted.name,
            "description": f"State of the contact centre for the edge router {self.node}",
            "eventTypes": sorted(wanted.event_types),
            "destinationUrl": self._url,
            "secret": self._secret.reveal(),
            "resourceVersion": wanted.resource_version,
        }
        try:
            answer = await self._api.call("create-subscription", "POST", "/v2/subscriptions", json=body, urgent=True)
        except WebexError as refusal:
            await self._explain(refusal, wanted)
            raise
        subscription_id = text(part(answer, "data"), "id") if isinstance(answer, dict) else ""
        if subscription_id:
            self._marks[subscription_id] = self._mark(subscription_id)
        _log.info("Webex: made the subscription %s for %s", wanted.name, wanted.resource_version)

    async def _explain(self, refusal: WebexError, wanted: Wanted) -> None:
        """Raise SubscriptionLimit where that is why the cloud refuses: it has no code of its own for it."""
        if isinstance(refusal, Busy | NotAuthorised) or not 400 <= refusal.status < 500:
            return
        subscriptions = await self.everyone()
        if len(subscriptions) >= ORGANISATION_LIMIT or "limit" in refusal.reason.lower():
            raise SubscriptionLimit(refusal, wanted.name, subscriptions) from refusal

    async def _delete(self, subscription: Subscription) -> None:
        try:
            await self._api.call("delete-subscription", "DELETE", _path(subscription))
        except WebexError as error:
            if error.status != 404:  # it is gone already, all the better
                raise
        self._marks.pop(subscription.id, None)
        _log.info("Webex: removed the subscription %s", subscription)

    def _rank(self, subscription: Subscription) -> tuple[bool, bool, str]:
        """Of several with one name the one to keep comes first: active, with our secret."""
        known = self._marks.get(subscription.id) == self._mark(subscription.id)
        return subscription.status != "active", not known, subscription.id

    def _mark(self, subscription_id: str) -> str:
        return hmac.digest(self._secret.reveal().encode(), subscription_id.encode(), "sha256").hex()

    def _forget(self, listed: set[str]) -> None:
        for subscription_id in [name for name in self._marks if name not in listed]:
            del self._marks[subscription_id]


async def every_subscription(api: Api) -> list[Subscription]:
    """All subscriptions of the organisation, whoever made them and by whichever interface."""
    return [*await _list(api, "v2"), *await _list(api, "v1")]


async def _list(api: Api, interface: str) -> list[Subscription]:
    operation = "list-subscriptions"
    answer = await api.call(operation, "GET", f"/{interface}/subscriptions")
    if not isinstance(answer, dict) or not isinstance(answer.get("data"), list):
        raise WebexError(operation, 200, "", "the answer is no list of subscriptions")
    rows = (_read(row, interface) for row in parts(answer, "data"))
    return [subscription for subscription in rows if subscription.id]


def node_fault(node: str) -> str:
    """Why no subscription can be named for this node, "" if one can."""
    most = LONGEST_NAME - len(f"-{AGENT}-{MARK}")
    if not node or len(node) > most:
        return f"the node's name must have 1 to {most} characters to stand in the name of a subscription"
    return ""


def _read(row: Mapping[str, Any], interface: str) -> Subscription:
    types = row.get("eventTypes")
    return Subscription(
        id=text(row, "id"),
        name=text(row, "name"),
        interface=interface,
        url=text(row, "destinationUrl"),
        status=text(row, "status"),
        event_types=frozenset(name for name in types if isinstance(name, str))
        if isinstance(types, list)
        else frozenset(),
        resource_version=text(row, "resourceVersion"),
        owner=text(row, "createdBy"),
    )


def _path(subscription: Subscription) -> str:
    return f"/{subscription.interface}/subscriptions/{quote(subscription.id, safe='')}"


def _agent_version(offered: Sequence[str]) -> str:
    """The version that we know best, or else the newest."""
    for version in AGENT_VERSIONS:
        if version in offered:
            return version
    return max(offered, key=_version_key, default="")


def _version_key(version: str) -> list[int]:
    """1.10 is newer than 1.9."""
    return [int(it) if it.isascii() and it.isdigit() and len(it) < 10 else -1 for it in version.split(".")]
