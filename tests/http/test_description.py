"""The description of the API, and the API, say the same: asked by a tool that knows neither."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import Case

from edge_router import __version__
from edge_router.http.description import description
from edge_router.http.state_api import StateApi
from tests.http.api import centre, refuses, served

PATHS = description(__version__)
del PATHS["paths"]["/v1/events"]  # an answer without an end
schema = schemathesis.openapi.from_dict(PATHS)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A server in a thread of its own: the tool asks without an event loop."""
    ready: list[str] = []
    up, over = threading.Event(), threading.Event()

    async def serve() -> None:
        async with served(StateApi(centre(), 60.0, refuses)) as address:
            ready.append(address)
            up.set()
            await asyncio.to_thread(over.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    up.wait()
    yield ready[0]
    over.set()
    thread.join()


@schema.parametrize()
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_what_is_described_is_what_answers(case: Case[Any], url: str) -> None:
    case.call_and_validate(base_url=url)
