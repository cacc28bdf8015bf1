"""A client of the simulator, and Cisco's own description of what it may answer."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import orjson
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from state_client.simulator.script import Script
from state_client.simulator.server import Simulator

QUIET = Script(seed=7, load=0.0, rest=0.0, rona=0.0, ring=0.1)
"""Nothing happens in it but what a test asks for; every agent is available."""

FORM = {
    "grant_type": "refresh_token",
    "client_id": "simulated-client",
    "client_secret": "simulated-secret",
    "refresh_token": "simulated-refresh-token",
}
SECRET = "s" * 32
DESCRIPTION = orjson.loads((Path(__file__).parents[2] / "data/webex/openapi.json").read_bytes())


def faults_of(answer: Any, method: str, path: str, status: int) -> list[str]:
    """What Cisco's description says is wrong with an answer; [] if nothing is."""
    response = DESCRIPTION["paths"][path][method.lower()]["responses"][str(status)]
    (media,) = response["content"].values()
    validator = Draft202012Validator(
        {**media["schema"], "components": DESCRIPTION["components"]}, format_checker=Draft202012Validator.FORMAT_CHECKER
    )
    return sorted(error.json_path + ": " + error.message for error in validator.iter_errors(answer))


class Answer:
    """What came back."""

    def __init__(self, status: int, headers: Any, body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.json: Any = orjson.loads(body) if body.startswith((b"{", b"[")) else None


class Visitor:
    """Asks the simulator, with a token unless it is told another one. `token` "" sends none."""

    def __init__(self, simulator: Simulator, session: aiohttp.ClientSession) -> None:
        self.simulator = simulator
        self.cloud = simulator.cloud
        self.org = f"/organization/{simulator.cloud.org_id}"
        self.token = ""
        self._session = session

    async def ask(self, method: str, path: str, json: Any = None, **more: Any) -> Answer:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        headers |= more.pop("headers", {})
        url = self.simulator.url + path
        async with self._session.request(method, url, json=json, headers=headers, allow_redirects=False, **more) as got:
            return Answer(got.status, got.headers, await got.read())

    async def get(self, path: str, **params: Any) -> Answer:
        return await self.ask("GET", path, params={name: str(value) for name, value in params.items()})

    async def described(self, method: str, path: str, described_as: str, json: Any = None, **more: Any) -> Answer:
        """Ask, and hold the answer to Cisco's description."""
        answer = await self.ask(method, path, json, **more)
        assert faults_of(answer.json, method, described_as, answer.status) == []
        return answer

    async def form(self, **fields: str) -> Answer:
        """Ask for a token."""
        return await self.ask("POST", "/v1/access_token", data={**FORM, **fields})

    async def sign_in(self) -> None:
        """Get a token."""
        answer = await self.form()
        self.token = answer.json["access_token"]
        self.refresh = answer.json["refresh_token"]

    async def control(self, path: str, method: str = "POST", **body: Any) -> Any:
        """Tell the simulator something."""
        answer = await self.ask(method, f"/simulator/{path}", body or None)
        assert answer.status < 400, answer.json
        return answer.json


@asynccontextmanager
async def running(simulator: Simulator) -> AsyncIterator[Visitor]:
    """A client with a token while the simulator runs."""
    await simulator.start()
    try:
        async with aiohttp.ClientSession() as session:
            visitor = Visitor(simulator, session)
            await visitor.sign_in()
            yield visitor
    finally:
        await simulator.close()


async def until(condition: Callable[[], Any], seconds: float = 10.0) -> None:
    """Wait for it; AssertionError if it never comes true."""
    for _ in range(int(seconds * 100)):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never came true")
