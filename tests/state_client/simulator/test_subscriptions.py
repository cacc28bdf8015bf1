"""Subscriptions by both versions of the interface, held to Cisco's rules and description."""

from typing import Any

import pytest

from state_client.simulator.server import Simulator
from tests.state_client.simulator.kit import QUIET, SECRET, Visitor, faults_of, running

WANTED = {
    "name": "edge-1-agent",
    "description": "of a test",
    "eventTypes": ["agent:login", "agent:channelType_state_change"],
    "destinationUrl": "https://edge.example.com/webhooks/webex",
    "secret": SECRET,
    "resourceVersion": "agent:2.0.0",
}
OLD = {name: value for name, value in WANTED.items() if name != "resourceVersion"} | {"eventTypes": ["agent:login"]}
ALL = "/v2/subscriptions"
ONE = "/v2/subscriptions/{id}"


async def create(visitor: Visitor, version: str = "v2", **changes: Any) -> Any:
    wanted = (WANTED if version == "v2" else OLD) | changes
    path = f"/{version}/subscriptions"
    return (await visitor.described("POST", path, path, wanted)).json["data"]


async def test_one_is_made_shown_changed_and_deleted(visitor: Visitor) -> None:
    made = await create(visitor)
    assert "secret" not in made
    assert {name: made[name] for name in WANTED if name not in ("secret", "eventTypes")} == {
        name: value for name, value in WANTED.items() if name not in ("secret", "eventTypes")
    }
    assert sorted(made["eventTypes"]) == sorted(WANTED["eventTypes"])
    assert made["status"] == "active"
    path = f"{ALL}/{made['id']}"
    assert (await visitor.described("GET", path, ONE)).json["data"] == made
    change = {"resourceVersion": "agent:1.0.0", "eventTypes": ["agent:state_change"], "status": "inactive"}
    changed = (await visitor.described("PATCH", path, ONE, change)).json["data"]
    assert (changed["resourceVersion"], changed["eventTypes"], changed["status"]) == tuple(change.values())
    assert changed["name"] == WANTED["name"]
    answer = await visitor.ask("DELETE", path)
    assert (answer.status, answer.json) == (204, None)
    assert (await visitor.ask("GET", path)).status == 404
    assert (await visitor.ask("DELETE", path)).status == 404


async def test_either_version_shows_only_its_own_but_the_count_is_of_all(visitor: Visitor) -> None:
    new, old = await create(visitor), await create(visitor, "v1")
    listed = (await visitor.described("GET", ALL, ALL)).json
    assert [each["id"] for each in listed["data"]] == [new["id"]]
    assert listed["meta"]["subscriptionCount"] == 2
    listed = (await visitor.described("GET", "/v1/subscriptions", "/v1/subscriptions")).json
    assert [each["id"] for each in listed["data"]] == [old["id"]]
    assert (await visitor.ask("GET", f"/v1/subscriptions/{new['id']}")).status == 404
    assert (await visitor.ask("DELETE", f"/v2/subscriptions/{old['id']}")).status == 404


async def test_event_types_and_their_versions(visitor: Visitor) -> None:
    for version in ("v1", "v2"):
        answer = (await visitor.ask("GET", f"/{version}/event-types")).json
        faults = faults_of(answer, "GET", f"/{version}/event-types", 200)
        # Cisco's description wants four characters of an action, and so has no room for its own task:new.
        assert [fault for fault in faults if not fault.endswith("'new' is too short")] == []
        assert {"name": "agent:channel_state_change", "resource": "agent", "action": "channel_state_change"} in answer[
            "data"
        ]
        assert "capture:available" in [each["name"] for each in answer["data"]]
    meta = (await visitor.ask("GET", "/v2/event-types")).json["meta"]
    versions = {(each["resource"], each["version"]) for each in meta["resourceVersionList"]}
    assert versions >= {("agent", "1.0.0"), ("agent", "2.0.0"), ("task", "1.0.0")}


async def test_where_only_the_old_agent_version_exists_the_new_one_is_refused() -> None:
    async with running(Simulator(QUIET, agent_versions=("1.0.0",))) as visitor:
        answer = (await visitor.ask("GET", "/v2/event-types")).json
        assert {"resource": "agent", "version": "2.0.0"} not in answer["meta"]["resourceVersionList"]
        assert "agent:channel_state_change" not in [each["name"] for each in answer["data"]]
        assert (await visitor.ask("POST", ALL, WANTED)).status == 400


URL = "destinationUrl"


@pytest.mark.parametrize(
    "change",
    [
        {"name": "abc"},
        {"name": "x" * 65},
        {"name": None},
        {"description": "x" * 1025},
        {"secret": "x" * 31},
        {"secret": "x" * 257},
        {"eventTypes": []},
        {"eventTypes": "agent:login"},
        {"eventTypes": ["agent:stateChange"]},
        {"eventTypes": ["task:parked"]},
        {"eventTypes": ["agent:state_change"]},
        {"resourceVersion": "agent:3.0.0"},
        {"resourceVersion": None},
        {"status": "asleep"},
        {URL: "http://edge.example.com/"},
        {URL: "https://edge.example.com"},
        {URL: "https://edge.example.com:8443/"},
        {URL: "https://edge.example.com/?node=1"},
        {URL: "https://edge.example.com/#top"},
        {URL: "https://me@edge.example.com/"},
        {URL: "https://edge.local/"},
        {URL: "https://edge/"},
        {URL: "https://192.0.2.1/"},
        {URL: "https://edge.example.com:https/"},
        {URL: 7},
    ],
)
async def test_what_breaks_a_rule_is_refused(visitor: Visitor, change: dict[str, Any]) -> None:
    answer = await visitor.described("POST", ALL, ALL, WANTED | change)
    assert answer.status == 400
    assert answer.json["error"]["key"] == 400
    made = await create(visitor)
    if "name" not in change:
        assert (await visitor.ask("PATCH", f"{ALL}/{made['id']}", WANTED_TO_CHANGE | change)).status == 400
    assert len((await visitor.ask("GET", ALL)).json["data"]) == 1


WANTED_TO_CHANGE = {name: value for name, value in WANTED.items() if name != "name"}


@pytest.mark.parametrize("missing", ["name", "eventTypes", "destinationUrl", "resourceVersion"])
async def test_what_is_missing_is_refused(visitor: Visitor, missing: str) -> None:
    answer = await visitor.ask("POST", ALL, {name: value for name, value in WANTED.items() if name != missing})
    assert (answer.status, answer.json["error"]["message"]) == (400, [{"description": f"{missing} is required"}])


async def test_a_change_must_name_the_version_and_not_the_name(visitor: Visitor) -> None:
    made = await create(visitor)
    for change in ({"status": "active"}, {"name": "other", "resourceVersion": "agent:2.0.0"}):
        assert (await visitor.ask("PATCH", f"{ALL}/{made['id']}", change)).status == 400
    old = await create(visitor, "v1")
    assert (await visitor.ask("PATCH", f"/v1/subscriptions/{old['id']}", {"status": "inactive"})).status == 200


async def test_names_are_not_unique_but_there_is_a_limit() -> None:
    async with running(Simulator(QUIET, subscriptions=3)) as visitor:
        made = [await create(visitor) for _ in range(2)]
        await create(visitor, "v1")
        answer = await visitor.described("POST", ALL, ALL, WANTED)
        assert answer.status == 403
        assert "3 subscriptions" in answer.json["error"]["message"][0]["description"]
        await visitor.ask("DELETE", f"{ALL}/{made[0]['id']}")
        await create(visitor)


async def test_loopback_is_a_destination_only_where_that_is_allowed(visitor: Visitor) -> None:
    here = WANTED | {URL: "http://127.0.0.1:9/webhooks/webex"}
    assert (await visitor.ask("POST", ALL, here)).status == 201
    async with running(Simulator(QUIET, loopback=False)) as other:
        assert (await other.ask("POST", ALL, here)).status == 400
        assert (await other.ask("POST", ALL, WANTED)).status == 201


async def test_writing_takes_an_administrator(visitor: Visitor) -> None:
    await visitor.control("faults", administrator=False)
    answer = await visitor.described("POST", ALL, ALL, WANTED)
    assert answer.status == 403
    assert (await visitor.ask("GET", ALL)).status == 200


async def test_the_system_switches_off_what_it_is_told_to(visitor: Visitor) -> None:
    first, second = await create(visitor), await create(visitor)
    await visitor.control("faults", inactive=[first["id"]])
    statuses = {each["id"]: each["status"] for each in (await visitor.ask("GET", ALL)).json["data"]}
    assert statuses == {first["id"]: "inactive", second["id"]: "active"}
    change = {"resourceVersion": "agent:2.0.0", "status": "active"}
    assert (await visitor.ask("PATCH", f"{ALL}/{first['id']}", change)).json["data"]["status"] == "active"
    await visitor.control("faults", inactive=True)
    assert {each["status"] for each in (await visitor.ask("GET", ALL)).json["data"]} == {"inactive"}
