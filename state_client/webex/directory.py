"""What the contact centre is made of: queues, teams and the organisation's limits, as an administrator set them up."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from state_client.rows import QueueRow, TeamRow
from state_client.webex.errors import WebexError
from state_client.webex.fields import number, parts, text
from state_client.webex.rest import WebexApi

QUEUE_FIELDS: Final = "id,name,queueType,channelType,maxTimeInQueue,active"
TEAM_FIELDS: Final = "id,name,active"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OrganizationSetting:
    """How many voice contacts the organisation may have at once; 0 is what the cloud didn't say.

    ``sessions`` is what it is entitled to and ``surge`` what that may be exceeded by, as the cloud has them.
    """

    sessions: float = 0.0
    surge: float = 0.0
    most_calls: float = 0.0
    most_inbound_calls: float = 0.0


async def queues(api: WebexApi) -> list[QueueRow]:
    """Every queue. The list doesn't say which teams serve them; `queue` does."""
    path = _path(api, "v2/contact-service-queue")
    found: list[QueueRow] = []
    async for page in api.pages("queues", path, params={"attributes": QUEUE_FIELDS}):
        found += [read_queue(row) for row in page if text(row, "id") and text(row, "name")]
    return found


async def queue(api: WebexApi, queue_id: str) -> QueueRow | None:
    """A queue with the teams that serve it, None if there is none of this id."""
    answer = await _known(api, "queue", _path(api, f"v2/contact-service-queue/{quote(queue_id, safe='')}"))
    return read_queue(answer) if text(answer, "id") and text(answer, "name") else None


async def teams(api: WebexApi) -> list[TeamRow]:
    """Every team."""
    return await _teams(api, "teams", {"attributes": TEAM_FIELDS})


async def team(api: WebexApi, team_id: str) -> TeamRow | None:
    """A team, None if there is none of this id. It is looked for in the list, the one way that Cisco describes."""
    if '"' in team_id or "\\" in team_id:
        return None  # no id holds them, and they would end the filter's text
    found = await _teams(api, "team", {"attributes": TEAM_FIELDS, "filter": f'id=="{team_id}"'})
    return next((row for row in found if row.id == team_id), None)


async def organization_setting(api: WebexApi) -> OrganizationSetting | None:
    """The organisation's limits, None where the cloud doesn't give them."""
    answer = await _known(api, "organization-setting", _path(api, "organization-setting"))
    setting = next(iter(parts({"rows": answer}, "rows")), {})
    setting = next(iter(parts(setting, "data")), setting)
    if not setting:
        return None
    return OrganizationSetting(
        sessions=number(setting, "concurrentVoiceContactEntitlement"),
        surge=number(setting, "voiceContactSurgeFactor"),
        most_calls=number(setting, "maximumActiveCalls"),
        most_inbound_calls=number(setting, "inboundMaximumActiveCalls"),
    )


async def entitled_calls(api: WebexApi) -> int | None:
    """How many calls the organisation may have at once; None where that isn't said: many clouds don't say it."""
    try:
        setting = await organization_setting(api)
    except WebexError as error:
        _log.info("how many calls the organisation may have isn't known: %s", error)
        return None
    if setting is None or not setting.sessions:
        return None
    return int(setting.sessions * max(1.0, setting.surge))


def read_queue(row: Mapping[str, Any]) -> QueueRow:
    """A queue from the cloud's form.

    ``team_ids`` stay unknown where the form doesn't have them (a list has none), and where the queue is served by
    agents who are named one by one.
    """
    groups = row.get("callDistributionGroups")
    by_team = isinstance(groups, list) and text(row, "queueRoutingType") != "AGENT_BASED"
    served_by = [
        text(team, "teamId") for group in parts(row, "callDistributionGroups") for team in parts(group, "agentGroups")
    ]
    return QueueRow(
        id=text(row, "id"),
        name=text(row, "name"),
        type=text(row, "queueType").upper() or "INBOUND",
        channel=text(row, "channelType").upper() or "TELEPHONY",
        max_time=number(row, "maxTimeInQueue"),
        team_ids=tuple(dict.fromkeys(filter(None, served_by))) if by_team else None,
        active=row.get("active") is not False,
    )


def read_team(row: Mapping[str, Any]) -> TeamRow:
    """A team from the cloud's form."""
    return TeamRow(id=text(row, "id"), name=text(row, "name"), active=row.get("active") is not False)


async def _teams(api: WebexApi, operation: str, params: Mapping[str, str]) -> list[TeamRow]:
    found: list[TeamRow] = []
    async for page in api.pages(operation, _path(api, "v2/team"), params=params):
        found += [read_team(row) for row in page if text(row, "id") and text(row, "name")]
    return found


async def _known(api: WebexApi, operation: str, path: str) -> Any:
    """What is there, {} where the cloud answers 404."""
    try:
        return await api.call(operation, "GET", path, fault=_fault)
    except WebexError as error:
        if error.status != 404:
            raise
        return {}


def _fault(answer: Any) -> str:
    return "" if isinstance(answer, dict | list) else "the answer is no object"


def _path(api: WebexApi, what: str) -> str:
    return f"/organization/{quote(api.org_id, safe='')}/{what}"
