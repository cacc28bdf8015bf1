from collections.abc import AsyncIterator

import aiohttp
import pytest

from edge_router.admission.tokens import read_tokens
from edge_router.http.access import Access
from edge_router.http.asker import asker_of
from edge_router.http.server import HttpServer, Readiness
from edge_router.http.switches_api import PATH, SwitchesApi
from edge_router.switches import Switch, Switches

HOST = "127.0.0.1"
TOKENS = "0123456789abcdef-boss ops admin\n0123456789abcdef-wall wall read\n"
NAMES = {"policy": ["front-door"], "trunk": ["cloud", "a/b c"], "hours": ["support"]}
WHEN = 1_795_375_833.0
KEYS = {"ok", "error", "kind", "name", "state", "who", "when"}


@pytest.fixture
def switches() -> Switches:
    return Switches(NAMES)


@pytest.fixture
async def client(switches: Switches) -> AsyncIterator[aiohttp.ClientSession]:
    access = Access([], read_tokens(TOKENS))

    def set_switch(kind: str, name: str, state: str, who: str) -> Switch:
        return switches.set(kind, name, state, who, WHEN)

    api = SwitchesApi(switches, set_switch, lambda request: asker_of(access, request))
    server = HttpServer(lambda: Readiness("ready"), lambda: (), access, api.routes())
    await server.start(HOST, 0)
    try:
        async with aiohttp.ClientSession(f"http://{HOST}:{server.port}") as session:
            yield session
    finally:
        await server.close()


async def ask(
    client: aiohttp.ClientSession, name: str, status: int = 200, body: object = None, token: str = ""
) -> dict[str, object]:
    method = "GET" if body is None else "PUT"
    data = body if isinstance(body, bytes) else None
    json = body if data is None else None
    headers = {"Authorization": f"Bearer 0123456789abcdef-{token}"} if token else {}
    async with client.request(method, f"{PATH}/{name}", data=data, json=json, headers=headers) as answer:
        found: dict[str, object] = await answer.json()
        assert answer.status == status, found
        return found


async def test_all_of_them_also_those_that_nobody_has_set(client: aiohttp.ClientSession, switches: Switches) -> None:
    switches.set("trunk", "cloud", "off", "ops", WHEN)
    async with client.get(PATH) as answer:
        found = await answer.json()
    assert (found["ok"], found["error"]) == (True, "")
    assert found["switches"] == [
        {"kind": "policy", "name": "front-door", "state": "auto", "who": "", "when": None},
        {"kind": "trunk", "name": "a/b c", "state": "auto", "who": "", "when": None},
        {"kind": "trunk", "name": "cloud", "state": "off", "who": "ops", "when": "2026-11-22T19:30:33Z"},
        {"kind": "hours", "name": "support", "state": "auto", "who": "", "when": None},
    ]


async def test_one_is_set_and_read(client: aiohttp.ClientSession, switches: Switches) -> None:
    found = await ask(client, "trunk/cloud", 200, {"state": "off"})
    assert found == await ask(client, "trunk/cloud")
    assert (found["state"], found["who"], found["when"]) == ("off", "loopback", "2026-11-22T19:30:33Z")
    assert switches.engaged("trunk", "cloud") is False


async def test_a_name_may_have_anything_in_it(client: aiohttp.ClientSession) -> None:
    assert (await ask(client, "trunk/a%2Fb%20c", 200, {"state": "off"}))["name"] == "a/b c"


async def test_who_is_the_name_of_the_token(client: aiohttp.ClientSession) -> None:
    assert (await ask(client, "hours/support", 200, {"state": "closed"}, "boss"))["who"] == "ops"


@pytest.mark.parametrize(
    ("login", "who"),
    [
        ("ann", "loopback:ann"),
        ("DOM+ann.b-c_1@example", "loopback:DOM+ann.b-c_1@example"),
        ("x" * 64, "loopback:" + "x" * 64),
        ("x" * 65, "loopback"),
        ("", "loopback"),
        ("ann, by boss", "loopback"),
        ('ann"\\', "loopback"),
        ("jürg", "loopback"),
    ],
)
async def test_who_may_be_said_by_a_program_on_this_machine(
    client: aiohttp.ClientSession, login: str, who: str
) -> None:
    said = {"Edge-Router-Login": login}
    async with client.put(f"{PATH}/trunk/cloud", json={"state": "off"}, headers=said) as answer:
        assert (await answer.json())["who"] == who


async def test_a_token_says_more_than_a_login(client: aiohttp.ClientSession) -> None:
    said = {"Edge-Router-Login": "ann", "Authorization": "Bearer 0123456789abcdef-boss"}
    async with client.put(f"{PATH}/trunk/cloud", json={"state": "off"}, headers=said) as answer:
        assert (await answer.json())["who"] == "ops"


async def test_setting_takes_the_scope_admin_and_reading_doesnt(
    client: aiohttp.ClientSession, switches: Switches
) -> None:
    await ask(client, "trunk/cloud", 403, {"state": "off"}, "wall")
    assert switches.get("trunk", "cloud").state == "auto"
    assert (await ask(client, "trunk/cloud", 200, token="wall"))["state"] == "auto"


async def test_the_answer_of_get_can_be_changed_and_sent_back(client: aiohttp.ClientSession) -> None:
    found = await ask(client, "trunk/cloud")
    assert (await ask(client, "trunk/cloud", 200, found | {"state": "on"}))["state"] == "on"


@pytest.mark.parametrize(
    ("name", "body", "status", "error"),
    [
        ("trunk/clod", None, 404, 'there is no trunk "clod"; did you mean "cloud"?'),
        ("trunk/clod", {"state": "off"}, 404, 'there is no trunk "clod"; did you mean "cloud"?'),
        ("truck/cloud", {"state": "off"}, 404, 'there is no kind of switch "truck"; there is policy, trunk and hours'),
        ("trunk/cloud", {"state": "closed"}, 422, '"closed" is no state of trunk; write on, off or auto'),
        ("hours/support", {"state": "off"}, 422, '"off" is no state of hours; write open, closed or auto'),
        ("trunk/cloud", {"state": False}, 422, 'write {"state": "off"}, for instance'),
        ("trunk/cloud", [], 422, 'write {"state": "off"}, for instance'),
        ("trunk/cloud", {"state": "off", "why": "x"}, 422, "there is no key 'why'; the one to send is state"),
        ("trunk/cloud", b"off", 400, 'the body is no JSON; write {"state": "off"} for instance'),
        ("trunk/cloud", b" " * 70_000, 413, "the body is larger than any state"),
    ],
)
async def test_what_cant_be_done_changes_nothing_and_says_why(
    client: aiohttp.ClientSession, switches: Switches, name: str, body: object, status: int, error: str
) -> None:
    found = await ask(client, name, status, body)
    assert found == dict.fromkeys(KEYS) | {"ok": False, "error": error}
    assert {one.state for one in switches.all()} == {"auto"}
