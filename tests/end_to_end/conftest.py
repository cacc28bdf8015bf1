"""Fixtures: a router process of one's own or of one's module, and ends to talk to it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from tests.end_to_end.block import Block, taken_block
from tests.end_to_end.configuration import front_door
from tests.end_to_end.router_process import RouterProcess, StartRouter, running_router
from tests.end_to_end.site import OwnSite, Site


def pytest_itemcollected(item: pytest.Item) -> None:
    item.add_marker("end_to_end")


@pytest.fixture
def block() -> Iterator[Block]:
    with taken_block() as block:
        yield block


@pytest.fixture
def start_router(block: Block, tmp_path: Path) -> Iterator[StartRouter]:
    """Starts a router of the test's own over a configuration text, and stops it after the test."""
    with ExitStack() as stack:
        yield lambda text: stack.enter_context(running_router(block, text, tmp_path))


@pytest.fixture(scope="module")
def shared_router(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RouterProcess]:
    """One router for a module, over what the module's own `configuration(block)` says."""
    configuration: Callable[[Block], str] = request.module.configuration
    directory = tmp_path_factory.mktemp("router")
    with taken_block() as block, running_router(block, configuration(block), directory) as router:
        yield router


@pytest.fixture
def site(shared_router: RouterProcess) -> Iterator[Site]:
    """The module's router, with ends of the test's own around it."""
    with closing(Site(shared_router)) as site:
        yield site
    shared_router.check_health()


@pytest.fixture
def call_in_progress(site: Site) -> Iterator[None]:
    """A call beside the test that notices nothing of it."""
    caller = site.caller("+1800555")
    callee = site.answered(caller, site.premise)
    yield
    assert caller.heard("BYE") == callee.heard("BYE") == []
    site.ends(caller, callee)


@pytest.fixture
def own_site(start_router: StartRouter, block: Block) -> Iterator[OwnSite]:
    """For tests that leave traces (health, limits): a router over `front_door(block, ...)` and ends around it."""
    with ExitStack() as stack:
        yield lambda *rules, **settings: stack.enter_context(
            closing(Site(start_router(front_door(block, rules, **settings))))
        )
