from collections.abc import AsyncIterator

import pytest

from state_client.simulator.server import Simulator
from tests.state_client.simulator.kit import QUIET, Visitor, running


@pytest.fixture
async def visitor() -> AsyncIterator[Visitor]:
    """A client with a token, and a simulator in which nothing happens by itself and searches aren't behind."""
    async with running(Simulator(QUIET, lag=0.0)) as made:
        yield made
