"""The description of the API, and the API, say the same: asked by a tool that knows neither.

The tool's own way to make tests of a description loses most of them where pytest-xdist shares them out, and their
failures with them. So each is made here, by name.
"""

import asyncio
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.core.result import Ok

from edge_router import __version__
from edge_router.http.description import description
from edge_router.http.state_api import StateApi
from tests.http.api import Works, centre, record, refuses, served

pytestmark = pytest.mark.hypothesis  # which doesn't see those that are made here
PATHS = description(__version__)
del PATHS["paths"]["/v1/events"]  # an answer without an end
FOUND = [each.ok() for each in schemathesis.openapi.from_dict(PATHS).get_all_operations() if isinstance(each, Ok)]
OPERATIONS = {operation.label: operation for operation in FOUND}
BODIES = [label for label, operation in OPERATIONS.items() if operation.body and "decisions" not in label]
"""Who asks for a decision is answered in any case."""
A_SWITCH = {"which": "one"}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A server in a thread of its own: the tool asks without an event loop."""
    ready: list[str] = []
    up, over = threading.Event(), threading.Event()

    works = Works()
    works.records = [record(), record("c-2")]
    works.records[1].ringing = works.records[1].answer = time.time()

    async def serve() -> None:
        async with served(StateApi(centre(), 60.0, refuses), works.operation) as address:
            ready.append(address)
            up.set()
            await asyncio.to_thread(over.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    up.wait()
    yield ready[0]
    over.set()
    thread.join()


def test_every_path_is_asked() -> None:
    assert {operation.path for operation in FOUND} == set(PATHS["paths"])


def ask(label: str, mode: GenerationMode, url: str, names: dict[str, Any] | None = None) -> None:
    @settings(max_examples=40, suppress_health_check=list(HealthCheck))
    @given(case=OPERATIONS[label].as_strategy(mode, path_parameters=names))
    def asked(case: Case[Any]) -> None:
        case.call_and_validate(base_url=url)

    asked()


@pytest.mark.parametrize("label", OPERATIONS)
def test_what_is_described_is_what_answers(label: str, url: str) -> None:
    ask(label, GenerationMode.POSITIVE, url)


@pytest.mark.parametrize("label", [label for label in OPERATIONS if "/v1/" in label])
def test_who_is_refused_hears_so_as_it_is_described(label: str, url: str) -> None:
    for refused, headers in ((401, {"Forwarded": "for=192.0.2.1"}), (401, {"Authorization": "Bearer nobodys-token"})):
        answer = (
            OPERATIONS[label].Case(path_parameters={"name": "Pushed", **A_SWITCH}).call(base_url=url, headers=headers)
        )
        assert answer.status_code == refused
        OPERATIONS[label].validate_response(answer)


@pytest.mark.parametrize("label", [label for label in OPERATIONS if "decisions" in label])
def test_a_question_that_is_packed_is_refused_as_it_is_described(label: str, url: str) -> None:
    answer = OPERATIONS[label].Case().call(base_url=url, headers={"Content-Encoding": "gzip"})
    assert answer.status_code == 415
    method, path = label.split()
    assert "415" in PATHS["paths"][path][method.lower()]["responses"]
    OPERATIONS[label].validate_response(answer)


@pytest.mark.parametrize("name", ["Support", "Pushed"])
@pytest.mark.parametrize("label", [label for label in OPERATIONS if "{name}" in label])
def test_what_is_described_is_what_a_queue_answers(label: str, name: str, url: str) -> None:
    """By chance nobody hits upon its name."""
    ask(label, GenerationMode.POSITIVE, url, {"name": name})


@pytest.mark.parametrize("label", [label for label in OPERATIONS if "{which}" in label])
def test_what_is_described_is_what_a_switch_answers(label: str, url: str) -> None:
    ask(label, GenerationMode.POSITIVE, url, A_SWITCH)


@pytest.mark.parametrize("label", BODIES)
def test_what_is_not_described_is_refused_in_the_words_of_the_description(label: str, url: str) -> None:
    ask(label, GenerationMode.NEGATIVE, url, A_SWITCH if "switches" in label else {"name": "Pushed"})
