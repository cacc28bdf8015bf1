import time
from collections.abc import AsyncIterator

import aiohttp
import pytest

from edge_router.http.operation_api import MOST_CALLS
from edge_router.http.state_api import StateApi
from edge_router.policy.decision import Decision
from tests.http.api import Works, centre, record, refuses, served


@pytest.fixture
def works() -> Works:
    return Works()


@pytest.fixture
async def client(works: Works) -> AsyncIterator[aiohttp.ClientSession]:
    async with (
        served(StateApi(centre(), 60.0, refuses), works.operation) as url,
        aiohttp.ClientSession(url) as session,
    ):
        yield session


async def ask(client: aiohttp.ClientSession, path: str, method: str = "GET", status: int = 200) -> dict[str, object]:
    async with client.request(method, path) as answer:
        assert answer.status == status
        found: dict[str, object] = await answer.json()
        return found


async def rows(client: aiohttp.ClientSession, name: str, query: str = "") -> list[dict[str, object]]:
    found = (await ask(client, f"/v1/{name}{query}"))[name]
    assert isinstance(found, list)
    return found


async def calls(client: aiohttp.ClientSession, query: str = "") -> list[dict[str, object]]:
    return await rows(client, "calls", query)


async def test_a_call_is_told_by_the_keys_of_its_record(client: aiohttp.ClientSession, works: Works) -> None:
    one = record()
    works.records.append(one)
    assert await calls(client) == [
        {
            "call_id": "c-1",
            "calling": "+13125550100",
            "called": "+18005550100",
            "ingress_trunk": "carrier",
            "egress_trunk": None,
            "dial_peer_in": None,
            "dial_peer_out": None,
            "state": "trying",
            "since": "2027-01-15T08:00:00.000Z",
            "start": "2027-01-15T08:00:00.000Z",
            "method": "none",
            "policy": None,
            "rule": None,
            "reason": "",
            "values": {},
            "service": None,
            "transferred_to": None,
            "webex_task_id": None,
        }
    ]
    one.decision = Decision("front-door", "nobody waits", "bridge", values={'queue("Support").expected': 0})
    one.service, one.reason = "Gold cards", "cloud: 503"
    one.egress_trunk, one.method, one.ringing = "cloud", "bridge", one.start + 1.5
    (found,) = await calls(client)
    assert (found["policy"], found["rule"], found["egress_trunk"]) == ("front-door", "nobody waits", "cloud")
    assert found["reason"] == f"{one.decision.explain()}; cloud: 503"
    assert (found["values"], found["service"]) == ({'queue("Support").expected': 0}, "Gold cards")
    assert (found["state"], found["since"]) == ("ringing", "2027-01-15T08:00:01.500Z")
    one.answer = one.start + 9
    (found,) = await calls(client)
    assert (found["state"], found["since"], found["start"]) == (
        "answered",
        "2027-01-15T08:00:09.000Z",
        "2027-01-15T08:00:00.000Z",
    )


async def test_calls_of_a_task(client: aiohttp.ClientSession, works: Works) -> None:
    works.records += [record("c-1"), record("c-2"), record("c-3")]
    for one in works.records[1:]:
        one.webex_task_id = f"task-{one.call_id[-1]}"
    found = await calls(client, "?task=task-2")
    assert [(each["call_id"], each["webex_task_id"]) for each in found] == [("c-2", "task-2")]
    assert await calls(client, "?task=task-4") == []
    assert await calls(client, "?task=") == []
    assert len(await calls(client)) == 3


async def test_of_very_many_calls_the_oldest_are_told_and_how_many_there_are(
    client: aiohttp.ClientSession, works: Works
) -> None:
    works.records += [record(f"c-{number}") for number in range(MOST_CALLS + 1)]
    found = await ask(client, "/v1/calls")
    assert (found["total"], found["truncated"]) == (MOST_CALLS + 1, True)
    told = await calls(client)
    assert [each["call_id"] for each in told] == [f"c-{number}" for number in range(MOST_CALLS)]
    works.records.pop()
    found = await ask(client, "/v1/calls")
    assert (found["total"], found["truncated"]) == (MOST_CALLS, False)


async def test_a_number_that_is_no_text_is_told_all_the_same(client: aiohttp.ClientSession, works: Works) -> None:
    works.records.append(record(calling=b"\xff12".decode("utf-8", "surrogateescape")))
    (found,) = await calls(client)
    assert found["calling"] == "?12"


async def test_a_trunk(client: aiohttp.ClientSession, works: Works) -> None:
    now = time.monotonic()
    works.trunk.admit_inbound(now)
    for _ in range(2):
        works.trunk.admit_outbound(now)
    (trunk,) = await rows(client, "trunks")
    assert trunk.pop("cps") in (0, 3)
    assert trunk == {
        "name": "premise",
        "up": True,
        "state": "up",
        "registered": None,
        "unregistered_reason": "",
        "targets": [{"uri": "sip:192.0.2.13:5060", "address": "192.0.2.13:5060", "up": True, "reason": ""}],
        "calls": 3,
        "calls_in": 1,
        "calls_out": 2,
        "max_calls": 100,
        "max_cps": None,
        "inbound_max_calls": None,
        "inbound_max_cps": 2.5,
        "outbound_max_calls": None,
        "outbound_max_cps": None,
    }
    (target,) = works.trunk.trunk.targets
    for _ in range(3):
        works.trunk.failed(target, now)
    (trunk,) = await rows(client, "trunks")
    assert (trunk["up"], trunk["state"]) == (False, "down")
    assert trunk["targets"] == [{"uri": "sip:192.0.2.13:5060", "address": "192.0.2.13:5060", "up": False, "reason": ""}]


async def test_reload(client: aiohttp.ClientSession, works: Works) -> None:
    assert await ask(client, "/v1/reload", "POST") == {"ok": True, "error": "", "faults": []}
    works.faults = ["edge-router.yaml:3:1: node: is missing"]
    assert await ask(client, "/v1/reload", "POST", 422) == {
        "ok": False,
        "error": "1 fault; the old configuration stays",
        "faults": works.faults,
    }
    assert works.reloads == 2


async def test_drain(client: aiohttp.ClientSession, works: Works) -> None:
    works.records.append(record())
    assert await ask(client, "/v1/drain", "POST") == {"ok": True, "error": "", "calls_in_progress": 1}
    assert works.draining


@pytest.mark.parametrize("method", ["GET", "PUT"])
@pytest.mark.parametrize("path", ["/v1/reload", "/v1/drain"])
async def test_what_changes_something_is_posted(
    client: aiohttp.ClientSession, works: Works, path: str, method: str
) -> None:
    found = await ask(client, path, method, 405)
    assert found["error"] == "this path takes POST"
    assert (works.reloads, works.draining) == (0, False)


async def test_a_page_of_another_origin_drains_nobody(client: aiohttp.ClientSession, works: Works) -> None:
    async with client.post("/v1/drain", headers={"Origin": "https://evil.example"}) as answer:
        assert answer.status == 403
        assert await answer.json() == {
            "ok": False,
            "error": "changes from a browser need the same Origin",
            "calls_in_progress": None,
        }
    assert not works.draining
