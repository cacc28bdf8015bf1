"""This node's subscriptions, against a service with the cloud's rules over loopback."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientSession, web

from state_client.webex.errors import Refused, WebexError
from state_client.webex.rest import WebexApi
from state_client.webex.secret import Secret
from state_client.webex.subscriptions import Api, SubscriptionLimit, Subscriptions, node_fault
from tests.state_client.webex.subscription_service import AGENT_2, OWNER, Caller, Service

HOST = "127.0.0.1"
URL = "https://edge.example.com/webhooks/webex"
OTHER_URL = "https://tunnel.example.net/webhooks/webex"
SECRET = Secret("the-secret-of-the-webhook-32-or-more")
OTHER_SECRET = Secret("another-secret-of-the-webhook-32-or-more")
AGENT = "edge-1-agent-edge-router"
TASK = "edge-1-task-edge-router"


class Cloud:
    """The service, and the subscriptions of node edge-1 in it."""

    def __init__(self, service: Service, api: Api) -> None:
        self.service = service
        self.api = api
        self.marks: dict[str, str] = {}

    def node(self, name: str = "edge-1", url: str = URL, secret: Secret = SECRET) -> Subscriptions:
        """The router as it starts, with what it remembers."""
        return Subscriptions(self.api, name, url, secret, self.marks)

    def row(self, name: str) -> dict[str, Any]:
        (row,) = (row for row in self.service.rows.values() if row["name"] == name)
        return row

    def secret(self, name: str) -> str:
        return self.service.secrets[self.row(name)["id"]]

    @property
    def names(self) -> list[str]:
        return sorted(row["name"] for row in self.service.rows.values())

    def heard(self) -> list[tuple[str, dict[str, Any]]]:
        """What was asked of the service since the last time."""
        asked, self.service.asked = self.service.asked, []
        return asked


@pytest.fixture
async def cloud() -> AsyncIterator[Cloud]:
    service = Service()
    runner = web.AppRunner(service.application(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, HOST, 0).start()
    async with ClientSession() as http:
        yield Cloud(service, Caller(f"http://{HOST}:{runner.addresses[0][1]}", http))
    await runner.cleanup()


def test_the_client_of_the_cloud_is_what_subscriptions_ask() -> None:
    def fits(api: WebexApi) -> Api:  # for mypy
        return api

    assert callable(fits)


# ------------------------------------------------------------------------------------------------ made


async def test_agents_and_tasks_are_subscribed_to(cloud: Cloud) -> None:
    report = await cloud.node().ensure()
    assert report.created == [AGENT, TASK]
    assert report.missed
    agent, task = cloud.row(AGENT), cloud.row(TASK)
    assert (agent["resourceVersion"], agent["interface"], agent["destinationUrl"]) == ("agent:2.0.0", "v2", URL)
    assert agent["eventTypes"] == sorted(f"agent:{action}" for action in AGENT_2)
    assert task["resourceVersion"] == "task:1.0.0"
    assert task["eventTypes"] == sorted(
        f"task:{it}" for it in ("new", "parked", "connect", "connected", "on-hold", "ended")
    )
    assert (cloud.secret(AGENT), cloud.secret(TASK)) == (SECRET.reveal(), SECRET.reveal())


@pytest.mark.parametrize(("resource", "there"), [("task", True), ("capture", False), ("", False)])
def test_the_event_of_a_recording_is_subscribed_to_where_the_cloud_calls_it_a_task_s(
    cloud: Cloud, resource: str, there: bool
) -> None:
    rows = [{"name": "agent:login", "resource": "agent"}, {"name": "task:new"}]
    rows.append({"name": "capture:available"} | ({"resource": resource} if resource else {}))
    versions = [{"resource": each, "version": "1.0.0"} for each in ("agent", "task", "capture")]
    _, task = cloud.node()._choose({"data": rows, "meta": {"resourceVersionList": versions}})
    assert task.event_types == {"task:new"} | ({"capture:available"} if there else set())


@pytest.mark.parametrize(
    ("versions", "agent", "task"),
    [
        (["agent:1.0.0", "task:1.0.0"], "agent:1.0.0", "task:1.0.0"),
        (["agent:2.0.0", "agent:3.0.0", "task:1.9.0", "task:1.10.0"], "agent:2.0.0", "task:1.10.0"),
        (["agent:3.1.0", "agent:3.0.0", "task:2.0.0", "task:2.0.0-beta"], "agent:3.1.0", "task:2.0.0"),
    ],
)
async def test_the_version_that_is_known_best_is_taken(
    cloud: Cloud, versions: list[str], agent: str, task: str
) -> None:
    actions = {"agent:1.0.0": ("login", "logout", "state_change"), "agent": AGENT_2, "task": ("parked", "ended")}
    cloud.service.versions = {key: actions.get(key) or actions[key.partition(":")[0]] for key in versions}
    await cloud.node().ensure()
    assert (cloud.row(AGENT)["resourceVersion"], cloud.row(TASK)["resourceVersion"]) == (agent, task)
    assert set(cloud.row(AGENT)["eventTypes"]) == {f"agent:{it}" for it in cloud.service.versions[agent]}


@pytest.mark.parametrize(("versions", "lacking"), [(["agent:2.0.0"], "task"), (["task:1.0.0"], "agent"), ([], "agent")])
async def test_a_resource_that_isn_t_offered_is_named(cloud: Cloud, versions: list[str], lacking: str) -> None:
    cloud.service.versions = {key: cloud.service.versions[key] for key in versions}
    with pytest.raises(WebexError, match=f"no events of the resource {lacking}"):
        await cloud.node().ensure()
    assert cloud.names == []


async def test_a_resource_without_events_that_we_know_is_none(cloud: Cloud) -> None:
    cloud.service.versions["task:1.0.0"] = ("surprise",)
    with pytest.raises(WebexError, match="no events of the resource task"):
        await cloud.node().ensure()


async def test_events_without_a_version_can_t_be_subscribed_to(cloud: Cloud) -> None:
    cloud.service.unversioned = True
    with pytest.raises(WebexError, match="no events of the resource agent"):
        await cloud.node().ensure()


async def test_two_that_ask_at_once_make_one_of_each(cloud: Cloud) -> None:
    node = cloud.node()
    await asyncio.gather(node.ensure(), node.ensure(), node.check())
    assert cloud.names == [AGENT, TASK]
    cloud.service.rows.clear()
    await asyncio.gather(node.check(), node.check())
    assert cloud.names == [AGENT, TASK]


async def test_a_list_that_is_none_is_an_error_and_nothing_is_made(cloud: Cloud) -> None:
    cloud.service.garbled = {"data": "nothing"}
    with pytest.raises(WebexError, match="no list of subscriptions"):
        await cloud.node().ensure()
    assert cloud.heard() == []


# ------------------------------------------------------------------------------------------------ kept and patched


async def test_what_is_right_is_left_alone(cloud: Cloud) -> None:
    await cloud.node().ensure()
    cloud.heard()
    report = await cloud.node().ensure()
    assert (report.kept, report.missed, cloud.heard()) == ([AGENT, TASK], False, [])


async def test_another_url_is_patched_and_nothing_else(cloud: Cloud) -> None:
    await cloud.node().ensure()
    cloud.heard()
    report = await cloud.node(url=OTHER_URL).ensure()
    assert report.changed == [f"{AGENT}: destinationUrl", f"{TASK}: destinationUrl"]
    assert report.missed
    assert cloud.heard() == [
        (f"patch {AGENT}", {"resourceVersion": "agent:2.0.0", "destinationUrl": OTHER_URL}),
        (f"patch {TASK}", {"resourceVersion": "task:1.0.0", "destinationUrl": OTHER_URL}),
    ]
    assert len(cloud.names) == 2


async def test_agents_move_from_version_1_to_2_when_that_comes(cloud: Cloud) -> None:
    both, cloud.service.versions = cloud.service.versions, {**cloud.service.versions}
    del cloud.service.versions["agent:2.0.0"]
    await cloud.node().ensure()
    cloud.service.versions = both
    report = await cloud.node().ensure()
    assert report.changed == [f"{AGENT}: eventTypes, resourceVersion"]
    assert (cloud.row(AGENT)["resourceVersion"], len(cloud.row(AGENT)["eventTypes"])) == ("agent:2.0.0", 4)


async def test_event_types_are_compared_whatever_their_order(cloud: Cloud) -> None:
    await cloud.node().ensure()
    cloud.row(TASK)["eventTypes"].reverse()
    assert not (await cloud.node().ensure()).missed
    cloud.row(TASK)["eventTypes"].pop()
    assert (await cloud.node().ensure()).changed == [f"{TASK}: eventTypes"]


# ------------------------------------------------------------------------------------------------ secrets


async def test_a_new_secret_is_written(cloud: Cloud) -> None:
    await cloud.node().ensure()
    report = await cloud.node(secret=OTHER_SECRET).ensure()
    assert report.changed == [f"{AGENT}: secret", f"{TASK}: secret"]
    assert (cloud.secret(AGENT), cloud.secret(TASK)) == (OTHER_SECRET.reveal(), OTHER_SECRET.reveal())
    assert not (await cloud.node(secret=OTHER_SECRET).ensure()).missed


async def test_a_secret_that_nobody_remembers_is_written_again(cloud: Cloud) -> None:
    await cloud.node().ensure()
    cloud.marks.clear()
    cloud.service.secrets.clear()
    await cloud.node().ensure()
    assert cloud.secret(AGENT) == SECRET.reveal()


async def test_a_secret_that_somebody_else_wrote_is_written_again(cloud: Cloud) -> None:
    node = cloud.node()
    await node.ensure()
    cloud.service.secrets[cloud.row(TASK)["id"]] = OTHER_SECRET.reveal()
    assert not node.distrust(["another"])
    assert node.distrust(["another", cloud.row(TASK)["id"]])
    cloud.heard()
    assert await node.check()
    assert [what for what, _ in cloud.heard()] == [f"patch {TASK}"]
    assert cloud.secret(TASK) == SECRET.reveal()


async def test_what_is_remembered_of_a_secret_doesn_t_show_it_or_grow(cloud: Cloud) -> None:
    cloud.marks["long gone"] = "x"
    await cloud.node().ensure()
    assert cloud.marks.keys() == cloud.service.rows.keys()
    assert len(set(cloud.marks.values())) == 2
    assert SECRET.reveal() not in repr(cloud.marks)


async def test_a_secret_that_couldn_t_be_written_isn_t_remembered(cloud: Cloud) -> None:
    node = cloud.node()
    await node.ensure()
    cloud.marks.clear()
    versions, cloud.service.versions = cloud.service.versions, {}
    with pytest.raises(WebexError, match="resourceVersion is invalid"):
        await node.check()
    assert cloud.marks == {}
    cloud.service.versions = versions
    assert await node.check()
    assert cloud.marks.keys() == cloud.service.rows.keys()


# ------------------------------------------------------------------------------------------------ checked


async def test_an_inactive_one_is_made_active_again(cloud: Cloud, caplog: pytest.LogCaptureFixture) -> None:
    node = cloud.node()
    await node.ensure()
    assert not await node.check()
    cloud.row(TASK)["status"] = "inactive"
    cloud.heard()
    assert await node.check()
    assert cloud.heard() == [(f"patch {TASK}", {"resourceVersion": "task:1.0.0", "status": "active"})]
    assert cloud.row(TASK)["status"] == "active"
    assert f"{TASK} was inactive and is active again" in caplog.text
    assert not await node.check()


async def test_one_that_was_removed_is_made_again(cloud: Cloud) -> None:
    node = cloud.node()
    await node.ensure()
    del cloud.service.rows[cloud.row(TASK)["id"]]
    assert await node.check()
    assert cloud.names == [AGENT, TASK]


async def test_a_check_that_comes_first_discovers_what_there_is(cloud: Cloud) -> None:
    assert await cloud.node().check()
    assert cloud.names == [AGENT, TASK]


# ------------------------------------------------------------------------------------------------ ours, and others'


async def test_of_several_of_ours_the_active_one_with_our_secret_stays(cloud: Cloud) -> None:
    await cloud.node().ensure()
    right = cloud.row(AGENT)
    for subscription_id in ("0", "1"):
        cloud.service.add(**{**right, "id": subscription_id})
    cloud.service.add(**{**right, "id": "!", "status": "inactive"})
    cloud.marks["!"] = cloud.node()._mark("!")
    report = await cloud.node().ensure()
    assert report.removed == [AGENT] * 3
    assert cloud.row(AGENT)["id"] == right["id"]
    assert not report.missed


OTHERS = [
    "edge-10-agent-edge-router",
    "edge-1-agent",
    "edge-1-agent-agent-edge-router",
    "Edge-1-agent-edge-router",
    "wfm",
]


async def test_other_nodes_and_programs_are_left_alone(cloud: Cloud) -> None:
    for name in OTHERS:
        cloud.service.add("v2", name=name, status="inactive", destinationUrl=OTHER_URL, eventTypes=["agent:login"])
    cloud.service.add("v1", name=AGENT, status="inactive", destinationUrl=OTHER_URL, eventTypes=["agent:login"])
    before = {key: dict(row) for key, row in cloud.service.rows.items()}
    report = await cloud.node().ensure()
    assert report.created == [AGENT, TASK]
    assert {key: cloud.service.rows[key] for key in before} == before


async def test_clean_removes_what_is_of_other_edge_routers(cloud: Cloud) -> None:
    await cloud.node().ensure()
    await cloud.node("edge-2").ensure()
    cloud.service.add("v1", name="old dashboard")
    cloud.service.add("v2", name="wfm")
    removed = await cloud.node().clean()
    assert sorted(it.node for it in removed) == ["edge-2", "edge-2"]
    assert cloud.names == sorted([AGENT, TASK, "old dashboard", "wfm"])


async def test_clean_of_everybody_s_leaves_this_node_s(cloud: Cloud) -> None:
    await cloud.node().ensure()
    await cloud.node("edge-2").ensure()
    cloud.service.add("v1", name="old dashboard")
    cloud.service.add("v2", name="wfm")
    removed = await cloud.node().clean(everybody=True)
    assert len(removed) == 4
    assert cloud.names == [AGENT, TASK]
    assert (await cloud.node().everyone())[0].owner == OWNER


async def test_what_is_gone_already_is_removed(cloud: Cloud) -> None:
    node = cloud.node()
    await cloud.node("edge-2").ensure()
    cloud.service.ghosts = [cloud.service.rows.pop(cloud.row("edge-2-task-edge-router")["id"])]
    await node.clean()
    assert cloud.names == []


# ------------------------------------------------------------------------------------------------ refused


async def test_a_full_organisation_is_told_whose_its_subscriptions_are(cloud: Cloud) -> None:
    cloud.service.full = "no more"
    for number in range(9):
        cloud.service.add("v1", name=f"dashboard {number}", destinationUrl=OTHER_URL, createdBy="eve@example.net")
    await cloud.node("edge-2").ensure()
    for number in range(8):
        cloud.service.add("v2", name=f"wfm {number}")
    with pytest.raises(SubscriptionLimit) as caught:
        await cloud.node().ensure()
    words = str(caught.value)
    assert len(caught.value.subscriptions) == 20
    assert caught.value.status == 400
    assert f"dashboard 8 (by eve@example.net, active, v1, to {OTHER_URL})" in words
    for part in (
        "20 subscriptions",
        "there is no room for " + TASK,
        "edge-router webex clean",
        "edge-2-agent-edge-router",
    ):
        assert part in words
    await cloud.node().clean()
    assert (await cloud.node().ensure()).created == [TASK]


async def test_a_limit_of_another_height_is_known_by_its_words(cloud: Cloud) -> None:
    cloud.service.limit = 1
    with pytest.raises(SubscriptionLimit, match=f"no room for {TASK}"):
        await cloud.node().ensure()


async def test_room_is_made_before_it_is_needed(cloud: Cloud) -> None:
    await cloud.node().ensure()
    cloud.service.add(**{**cloud.row(AGENT), "id": "x"})
    del cloud.service.rows[cloud.row(TASK)["id"]]
    cloud.service.limit = 2
    assert (await cloud.node().ensure()).created == [TASK]


async def test_a_refusal_stays_a_refusal(cloud: Cloud) -> None:
    cloud.service.forbidden = True
    with pytest.raises(Refused, match="cjp:config_write"):
        await cloud.node().ensure()


async def test_a_refusal_for_another_reason_says_so(cloud: Cloud, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    node = cloud.node(url="https://edge.example.org/")  # the service's list of domains doesn't have it
    with pytest.raises(WebexError, match="400 destinationUrl is invalid") as caught:
        await node.ensure()
    assert not isinstance(caught.value, SubscriptionLimit)
    assert SECRET.reveal() not in caplog.text + str(caught.value)


@pytest.mark.parametrize(
    ("node", "url", "secret", "why"),
    [
        ("", URL, SECRET, "1 to 46 characters"),
        ("n" * 47, URL, SECRET, "1 to 46 characters"),
        ("edge-1", "http://edge.example.com/", SECRET, "https"),
        ("edge-1", URL, Secret("short"), "32 to 256 characters"),
    ],
)
async def test_what_the_cloud_would_refuse_isn_t_asked(
    cloud: Cloud, node: str, url: str, secret: Secret, why: str
) -> None:
    with pytest.raises(ValueError, match=why) as caught:
        cloud.node(node, url, secret)
    assert secret.reveal() not in str(caught.value)
    assert cloud.heard() == []


async def test_the_longest_name_of_a_node_fits(cloud: Cloud) -> None:
    assert (await cloud.node("n" * 46).ensure()).created
    assert node_fault("n" * 46) == ""


async def test_a_simulated_cloud_may_post_to_this_machine(cloud: Cloud) -> None:
    Subscriptions(cloud.api, "edge-1", "http://127.0.0.1:8080/webhooks/webex", SECRET, allow_loopback=True)
