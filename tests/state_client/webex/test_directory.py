from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from state_client.rows import QueueRow, TeamRow
from state_client.webex import directory
from state_client.webex.directory import OrganizationSetting, read_queue
from state_client.webex.errors import Refused, WebexError
from tests.state_client.webex.rest_cloud import ORG, Asked, client, fault, reply

QUEUES = f"/organization/{ORG}/v2/contact-service-queue"
TEAMS = f"/organization/{ORG}/v2/team"
SETTING = f"/organization/{ORG}/organization-setting"

SUPPORT: dict[str, Any] = {
    "id": "q-1",
    "name": "Support",
    "queueType": "INBOUND",
    "channelType": "TELEPHONY",
    "maxTimeInQueue": 900,
    "maxActiveContacts": 100,
    "active": True,
}


def listed(rows: list[dict[str, Any]], size: int = 2) -> Any:
    def page(asked: Asked) -> web.StreamResponse:
        number = int(asked.query["page"])
        meta = {"orgid": ORG, "page": number, "pageSize": size, "totalPages": -(-len(rows) // size)}
        return reply({"meta": meta, "data": rows[number * size : (number + 1) * size]})(asked)

    return page


async def test_every_queue_is_listed_and_its_teams_are_not_known_yet(tmp_path: Path) -> None:
    async with client(tmp_path) as rest:
        rows = [SUPPORT, *({"id": f"q-{n}", "name": f"Queue {n}", "channelType": "EMAIL"} for n in range(2, 6))]
        rest.cloud.on(QUEUES, listed(rows))
        found = await directory.queues(rest.api)
        assert found[0] == QueueRow("q-1", "Support", "INBOUND", "TELEPHONY", 900.0, None, True)
        assert [(row.id, row.channel) for row in found[1:]] == [(f"q-{n}", "EMAIL") for n in range(2, 6)]
        assert rest.cloud.asked[0].query["attributes"] == "id,name,queueType,channelType,maxTimeInQueue,active"
        assert len(rest.cloud.asked) == 3


async def test_a_queue_by_its_id_has_its_teams(tmp_path: Path) -> None:
    async with client(tmp_path) as rest:
        groups = [
            {"order": 1, "duration": 0, "agentGroups": [{"teamId": "t-1"}, {"teamId": "t-2"}]},
            {"order": 2, "duration": 30, "agentGroups": [{"teamId": "t-2"}, {"teamId": "t-3"}, {}]},
        ]
        rest.cloud.on(
            f"{QUEUES}/q-1", reply({**SUPPORT, "queueRoutingType": "TEAM_BASED", "callDistributionGroups": groups})
        )
        found = await directory.queue(rest.api, "q-1")
        assert found is not None
        assert found.team_ids == ("t-1", "t-2", "t-3")


async def test_a_queue_that_is_not_there_is_none(tmp_path: Path) -> None:
    async with client(tmp_path) as rest:
        assert await directory.queue(rest.api, "q-9") is None


async def test_another_error_is_not_taken_for_a_missing_queue(tmp_path: Path) -> None:
    async with client(tmp_path) as rest:
        rest.cloud.on(f"{QUEUES}/q-1", fault(403, "no"))
        with pytest.raises(Refused):
            await directory.queue(rest.api, "q-1")
        rest.cloud.on(f"{QUEUES}/q-1", reply("text"))
        with pytest.raises(WebexError, match="no object"):
            await directory.queue(rest.api, "q-1")


async def test_an_id_cannot_lead_to_another_path(tmp_path: Path) -> None:
    async with client(tmp_path) as rest:
        assert await directory.queue(rest.api, "../team?x=1#y") is None
        assert rest.cloud.asked[0].request.raw_path == f"{QUEUES}/..%2Fteam%3Fx%3D1%23y"


@pytest.mark.parametrize(
    ("fields", "team_ids"),
    [
        ({}, None),
        ({"callDistributionGroups": None}, None),
        ({"callDistributionGroups": []}, ()),
        ({"callDistributionGroups": [{"agentGroups": None}, 7]}, ()),
        ({"callDistributionGroups": [], "queueRoutingType": "AGENT_BASED"}, None),
        ({"callDistributionGroups": [{"agentGroups": [{"teamId": "t"}]}], "queueRoutingType": "SKILL_BASED"}, ("t",)),
    ],
)
def test_teams_that_the_cloud_does_not_say_are_unknown_and_not_none(
    fields: dict[str, Any], team_ids: tuple[str, ...] | None
) -> None:
    assert read_queue({**SUPPORT, **fields}).team_ids == team_ids


def test_fields_of_a_queue_that_are_missing_or_wrong_read_as_unknown() -> None:
    assert read_queue({"id": "q", "name": "n", "maxTimeInQueue": "soon", "queueType": None}) == QueueRow("q", "n")
    assert not read_queue({"id": "q", "name": "n", "active": False}).active


async def test_teams_are_listed(tmp_path: Path) -> None:
    async with client(tmp_path) as rest:
        rest.cloud.on(TEAMS, listed([{"id": f"t-{n}", "name": f"Team {n}"} for n in range(3)] + [{"id": "nameless"}]))
        assert await directory.teams(rest.api) == [TeamRow(f"t-{n}", f"Team {n}") for n in range(3)]


async def test_a_team_is_found_by_a_filter(tmp_path: Path) -> None:
    async with client(tmp_path) as rest:
        rest.cloud.on(TEAMS, listed([{"id": "t-1", "name": "One"}]))
        assert await directory.team(rest.api, "t-1") == TeamRow("t-1", "One")
        assert rest.cloud.asked[0].query["filter"] == 'id=="t-1"'
        assert await directory.team(rest.api, "t-2") is None
        assert await directory.team(rest.api, 't" or id!="') is None
        assert len(rest.cloud.asked) == 2


@pytest.mark.parametrize("wrapped", [lambda row: row, lambda row: [row], lambda row: {"meta": {}, "data": [row]}])
async def test_the_limits_of_the_organisation(tmp_path: Path, wrapped: Any) -> None:
    async with client(tmp_path) as rest:
        row = {
            "concurrentVoiceContactEntitlement": 300,
            "voiceContactSurgeFactor": 1.3,
            "maximumActiveCalls": 390,
            "inboundMaximumActiveCalls": None,
        }
        rest.cloud.on(SETTING, reply(wrapped(row)))
        assert await directory.organization_setting(rest.api) == OrganizationSetting(300, 1.3, 390, 0)


async def test_an_organisation_whose_limits_are_not_given(tmp_path: Path) -> None:
    async with client(tmp_path) as rest:
        assert await directory.organization_setting(rest.api) is None
        rest.cloud.on(SETTING, reply([]))
        assert await directory.organization_setting(rest.api) is None


@pytest.mark.parametrize(
    ("row", "calls"),
    [
        ({"concurrentVoiceContactEntitlement": 300, "voiceContactSurgeFactor": 1.3}, 390),
        ({"concurrentVoiceContactEntitlement": 300}, 300),
        ({"voiceContactSurgeFactor": 1.3}, None),
        ({}, None),
    ],
)
async def test_the_calls_that_it_may_have_are_its_sessions_times_the_surge(
    tmp_path: Path, row: dict[str, Any], calls: int | None
) -> None:
    async with client(tmp_path) as rest:
        rest.cloud.on(SETTING, reply([row]))
        assert await directory.entitled_calls(rest.api) == calls


async def test_where_it_is_not_told_what_it_may_have_that_is_no_fault(tmp_path: Path) -> None:
    async with client(tmp_path) as rest:
        rest.cloud.on(SETTING, reply({}, status=403))
        assert await directory.entitled_calls(rest.api) is None
