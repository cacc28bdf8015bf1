"""Subscriptions: what may be subscribed to, who has, and what a subscription must be like.

Sans-IO: it is told the time. What one must be like is Cisco's; ``loopback`` also lets ``http://127.0.0.1:PORT/`` be a
destination, which the cloud never would.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from random import Random
from typing import Any
from urllib.parse import urlsplit

from state_client.simulator.centre import new_id
from state_client.simulator.refusal import Refusal

TASK_ACTIONS = (
    "new parked connect connected on-hold hold-done consulting consult-done conferencing conference-done "
    "conference-transferred ended failed origin-updated"
).split()
TYPES = {
    "agent:1.0.0": ["agent:login", "agent:logout", "agent:state_change"],
    "agent:2.0.0": ["agent:login", "agent:logout", "agent:channel_state_change", "agent:channelType_state_change"],
    "task:1.0.0": [f"task:{action}" for action in TASK_ACTIONS],
    "task-message:1.0.0": ["task-message:appended", "task-message:append-failed"],
    "capture:1.0.0": ["capture:available"],
}
"""Event types by resource version."""

NO_TLD = frozenset("local localhost test invalid example internal lan home corp".split())
CREATED_BY = "admin@simulated.example.com"


class Subscription:
    """Somebody's wish to be told. ``version`` is "" for one made by /v1. ``failures`` are deliveries in a row."""

    __slots__ = (
        "_created",
        "_updated",
        "description",
        "events",
        "failures",
        "id",
        "name",
        "secret",
        "status",
        "url",
        "version",
    )

    def __init__(self, subscription_id: str, now: float) -> None:
        self.id = subscription_id
        self.name = ""
        self.description = ""
        self.events: frozenset[str] = frozenset()
        self.url = ""
        self.secret = ""
        self.status = "active"
        self.version = ""
        self.failures = 0
        self._created = self._updated = int(now * 1000)

    def set(self, wanted: Mapping[str, Any], now: float) -> None:
        """Take over what has been checked."""
        self.name = wanted.get("name", self.name)
        self.description = wanted.get("description", self.description)
        self.events = frozenset(wanted.get("eventTypes", self.events))
        self.url = wanted.get("destinationUrl", self.url)
        self.secret = wanted.get("secret", self.secret)
        self.version = wanted.get("resourceVersion", self.version)
        if wanted.get("status") == "active":
            self.failures = 0
        self.status = wanted.get("status", self.status)
        self._updated = int(now * 1000)

    def shown(self) -> dict[str, Any]:
        """As the cloud shows it: the secret is never told."""
        shown = {
            "id": self.id,
            "name": self.name,
            "description": self.description,
            "eventTypes": sorted(self.events),
            "destinationUrl": self.url,
            "createdTime": self._created,
            "createdBy": CREATED_BY,
            "status": self.status,
            "lastUpdatedTime": self._updated,
            "lastUpdatedBy": CREATED_BY,
        }
        return shown | ({"resourceVersion": self.version} if self.version else {})


class Registry:
    """All subscriptions of the organisation."""

    def __init__(
        self, org_id: str, limit: int = 20, loopback: bool = False, agents: tuple[str, ...] = ("1.0.0", "2.0.0")
    ) -> None:
        self.org_id = org_id
        self.limit = limit
        self.versions = [name for name in TYPES if not name.startswith("agent:") or name[6:] in agents]
        self.changed: Callable[[], None] = lambda: None
        self._loopback = loopback
        self._rng = Random(1)
        self._all: dict[str, Subscription] = {}

    def __len__(self) -> int:
        return len(self._all)

    def shown(self, version_2: bool) -> list[Subscription]:
        """Those made by that version of the interface: neither shows the other's."""
        return [subscription for subscription in self._all.values() if bool(subscription.version) == version_2]

    @property
    def all(self) -> list[Subscription]:
        """Every one, however it was made."""
        return list(self._all.values())

    def get(self, subscription_id: str, version_2: bool) -> Subscription:
        """One by id; raises Refusal 404."""
        found = self._all.get(subscription_id)
        if found is None or bool(found.version) != version_2:
            raise Refusal(404, f"There is no subscription {subscription_id}")
        return found

    def create(self, wanted: Mapping[str, Any], version_2: bool, now: float) -> Subscription:
        """A new one; raises Refusal 400 for what it mustn't be like, 403 where there are as many as may be."""
        for field in ("name", "eventTypes", "destinationUrl", *(["resourceVersion"] if version_2 else [])):
            if field not in wanted:
                raise Refusal(400, f"{field} is required")
        self._check(wanted, version_2)
        if len(self._all) >= self.limit:
            raise Refusal(403, f"The organization has {self.limit} subscriptions, which is as many as it may have")
        made = Subscription(new_id(self._rng), now)
        made.set({**wanted, "status": "active"}, now)
        self._all[made.id] = made
        self.changed()
        return made

    def update(self, subscription_id: str, wanted: Mapping[str, Any], version_2: bool, now: float) -> Subscription:
        """Change what is named; raises Refusal 400 or 404."""
        found = self.get(subscription_id, version_2)
        if "name" in wanted:
            raise Refusal(400, "name can not be changed")
        if version_2 and "resourceVersion" not in wanted:
            raise Refusal(400, "resourceVersion is required")
        self._check({"eventTypes": list(found.events), **wanted}, version_2)
        found.set(wanted, now)
        self.changed()
        return found

    def delete(self, subscription_id: str, version_2: bool) -> None:
        """Forget one; raises Refusal 404."""
        del self._all[self.get(subscription_id, version_2).id]
        self.changed()

    def deactivate(self, subscription: Subscription) -> None:
        """The system no longer delivers to it."""
        subscription.status = "inactive"
        self.changed()

    def _check(self, wanted: Mapping[str, Any], version_2: bool) -> None:
        _text(wanted, "name", 4, 64)
        _text(wanted, "description", 0, 1024)
        _text(wanted, "secret", 32, 256)
        if wanted.get("orgId", self.org_id) != self.org_id:
            raise Refusal(403, "The token is for another organization")
        if wanted.get("status", "active") not in ("active", "inactive"):
            raise Refusal(400, "status must be active or inactive")
        if "destinationUrl" in wanted:
            self._check_url(wanted["destinationUrl"])
        self._check_types(wanted, version_2)

    def _check_types(self, wanted: Mapping[str, Any], version_2: bool) -> None:
        types = wanted.get("eventTypes")
        if not isinstance(types, list) or not 1 <= len(types) <= 32:
            raise Refusal(400, "eventTypes must be 1 to 32 event types")
        version = wanted.get("resourceVersion")
        if version_2 and version not in self.versions:
            raise Refusal(400, f"resourceVersion must be one of {', '.join(self.versions)}")
        known = {name for each in ([version] if version_2 else self.versions) for name in TYPES[str(each)]}
        if unknown := [name for name in types if name not in known]:
            raise Refusal(400, f"eventTypes has what is not of this resource and version: {unknown[0]}")

    def _check_url(self, url: Any) -> None:
        if not isinstance(url, str):
            raise Refusal(400, "destinationUrl must be text")
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise Refusal(400, "destinationUrl is not a URL") from None
        host = parts.hostname or ""
        if parts.query or parts.fragment or parts.username is not None or "?" in url or "#" in url:
            raise Refusal(400, "destinationUrl must have no query, fragment or user information")
        if not parts.path:
            raise Refusal(400, "destinationUrl must have a path, / at least")
        if self._loopback and _is_loopback(host):
            return
        if parts.scheme != "https" or port not in (None, 443):
            raise Refusal(400, "destinationUrl must be https on port 443")
        if not re.fullmatch(r"([a-z0-9_-]+\.)+[a-z]{2,}", host) or host.rpartition(".")[2] in NO_TLD:
            raise Refusal(400, "destinationUrl must have a host below a top-level domain that IANA lists")


def _text(wanted: Mapping[str, Any], field: str, least: int, most: int) -> None:
    value = wanted.get(field)
    if field in wanted and (not isinstance(value, str) or not least <= len(value) <= most):
        raise Refusal(400, f"{field} must have {least} to {most} characters")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
