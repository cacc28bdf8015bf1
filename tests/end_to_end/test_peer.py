"""One gateway follows another: calls are decided by that one's state, and what becomes of them while it is gone."""

import json
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.block import Block, taken_block
from tests.end_to_end.configuration import front_door
from tests.end_to_end.router_process import RouterProcess, running_router
from tests.end_to_end.site import OwnSite, Site
from tests.end_to_end.waiting import until

NUMBER = "+1800555"
RULE = {"name": "nobody waits", "when": 'queue("Support").length == 0', "to": "cloud"}
RETURN = 60.0
"""Seconds within which one that was gone for a while is followed again."""


class First:
    """The gateway that has the state; a test says when it lives."""

    def __init__(self, block: Block, directory: Path, stack: ExitStack) -> None:
        self.url = "http://{}:{}".format(*block.http)
        self._text = front_door(block, state={"queues": {"Support": {"source": "pushed"}}})
        self._block, self._directory, self._stack = block, directory, stack
        self.begins()

    def begins(self) -> None:
        self._router = self._stack.enter_context(running_router(self._block, self._text, self._directory))

    def dies(self) -> None:
        self._router.stop()

    def has(self, length: int) -> None:
        body = json.dumps({"length": length, "agents_available": 1}).encode()
        with urllib.request.urlopen(
            urllib.request.Request(f"{self.url}/v1/queues/Support", body, method="PUT")
        ) as done:
            assert done.status == 200


@pytest.fixture
def first(tmp_path: Path) -> Iterator[First]:
    directory = tmp_path / "first"
    directory.mkdir()
    with taken_block() as block, ExitStack() as stack:
        yield First(block, directory, stack)


def told(router: RouterProcess) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(router.get("/v1/queues/Support")[1])
    return found


def knows(site: Site, length: int) -> bool:
    found = told(site.router)
    return bool(found["fresh"]) and found["length"] == length


def readiness(site: Site) -> dict[str, Any]:
    status, text = site.router.get("/readyz")
    assert status == 200
    found: dict[str, Any] = json.loads(text)
    return found


def test_calls_are_decided_by_the_state_of_another_gateway(own_site: OwnSite, first: First) -> None:
    site = own_site(RULE, state={"source": "peer", "peers": [first.url], "stale_after": "4s"})

    def goes_to_the_cloud() -> None:
        caller = site.caller(NUMBER)
        site.ends(caller, site.answered(caller, site.cloud))

    def stays() -> None:
        caller = site.caller(NUMBER)
        site.ends(caller, site.answered(caller, site.premise))

    first.has(0)
    until(lambda: knows(site, 0), "what the first gateway has")
    goes_to_the_cloud()
    assert told(site.router)["source"] == "peer"
    first.has(3)
    until(lambda: knows(site, 3), "three who wait")
    stays()
    assert site.router.metric("policy_fallback_total", why="stale") == 0
    first.has(0)
    until(lambda: knows(site, 0), "nobody who waits")
    goes_to_the_cloud()

    first.dies()
    until(lambda: not told(site.router)["fresh"], "what it had to be stale")
    stays()
    assert site.router.metric("policy_fallback_total", why="stale") == 1
    assert readiness(site)["degraded"] is True
    assert f"{first.url} can't be followed" in readiness(site)["reason"]

    first.begins()

    def back() -> bool:
        first.has(0)
        return knows(site, 0)

    until(back, "what it has after its return", within=RETURN)
    goes_to_the_cloud()
    until(lambda: not readiness(site)["degraded"], "nothing to be missing")
