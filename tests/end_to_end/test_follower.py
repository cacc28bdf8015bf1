"""Two gateways and the contact centre: the one that follows knows which of its calls the cloud shows, and how long."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from tests.end_to_end.block import Block
from tests.end_to_end.example import Ends, changed, configuration, following
from tests.end_to_end.router_process import RouterProcess, running_router
from tests.end_to_end.simulator_process import SimulatorProcess, running_simulator
from tests.end_to_end.test_examples import NUMBER, SecondBlock, follows, queue
from tests.end_to_end.waiting import until


class Gateways:
    """edge-1, which follows the cloud, and edge-2, which follows edge-1, as the example has them."""

    def __init__(self, block: Block, directory: Path, cloud: SimulatorProcess, ends: Ends, stack: ExitStack) -> None:
        self._stack, self._block, self._directory = stack, block, directory
        self._ends, self._second = ends, SecondBlock(block.prefix)
        self.cloud = cloud
        self.redirected = [f"302 sip:{NUMBER}@{block.cloud}:5060"]
        self.refused = [f"{NUMBER}@premise"]
        texts = {}
        for name in ("edge-1", "edge-2"):
            (directory / name).mkdir()
            texts[name] = configuration("two_gateways", block, directory / name, f"{name}.yaml")
        for secret in ("client", "refresh", "webhook"):
            (directory / "edge-1" / secret).symlink_to(directory / secret)
        self._first = following(texts["edge-1"], cloud, block)
        self.edge_1 = self.starts_first()
        follows(self.edge_1)
        few = {"max_concurrent: 25": "max_concurrent: 2", "source: peer\n": "source: peer\n  expect_for: 5s\n"}
        self.edge_2 = stack.enter_context(
            running_router(self._second, changed(texts["edge-2"], few), directory / "edge-2")
        )
        until(lambda: queue(self.edge_2).get("fresh"), "the other gateway's state")

    def starts_first(self) -> RouterProcess:
        return self._stack.enter_context(running_router(self._block, self._first, self._directory / "edge-1"))

    def goes(self, calling: str = "") -> list[str]:
        """Where a call to edge-2 goes."""
        return self._ends.goes(NUMBER, calling=calling, router=self._second.router)

    def sends(self, calling: str) -> None:
        """edge-2 sends this caller to the cloud."""
        assert self.goes(calling) == self.redirected

    def shows(self, calling: str) -> str:
        """The cloud shows a call, and goes on with it until it is told otherwise. Gives its task."""
        call = {"queue": "Support", "calling": calling, "called": NUMBER, "held": True}
        found: list[str] = self.cloud.ask("POST", "calls", call)["tasks"]
        return found[0]

    def counts(self) -> tuple[int, int, float]:
        """What edge-2 has: callers in the queue, calls expected there, and its own that the cloud doesn't show."""
        found = queue(self.edge_2)
        return found["length"], found["expected"], self.edge_2.metric("expected_calls")


@pytest.fixture
def ends(block: Block) -> Iterator[Ends]:
    with closing(Ends(block)) as ends:
        yield ends


@pytest.fixture
def gateways(block: Block, ends: Ends, tmp_path: Path) -> Iterator[Gateways]:
    with ExitStack() as stack:
        simulator = stack.enter_context(running_simulator(block, tmp_path))
        simulator.ask("POST", "agents", {"state": "idle"})
        yield Gateways(block, tmp_path, simulator, ends, stack)


def test_a_call_counts_once_where_the_cloud_shows_it_and_in_the_share_until_it_ends(gateways: Gateways) -> None:
    gateways.sends("+13125557001")
    assert gateways.counts() == (0, 1, 1)
    task = gateways.shows("+13125557001")
    until(lambda: gateways.counts() == (1, 1, 0), "it to count as a caller who waits, and not twice")
    gateways.cloud.ask("POST", "agents", {"state": "available"})
    until(lambda: gateways.counts() == (0, 0, 0), "an agent to have it")

    gateways.sends("+13125557002")  # which the cloud never shows
    assert gateways.edge_2.metric("expected_calls") == 1
    until(lambda: gateways.counts() == (0, 0, 0), "it to be expected no longer, nor would the first one be")
    gateways.sends("+13125557003")
    gateways.shows("+13125557003")
    until(lambda: gateways.counts() == (0, 0, 0), "another agent to have that one")
    assert gateways.goes("+13125557004") == gateways.refused  # two talk on, and that is its share
    until(lambda: "cloud is over its share" in gateways.edge_2.stderr, "the log")

    gateways.cloud.ask("DELETE", f"calls/{task}")
    until(lambda: gateways.goes() == gateways.redirected, "room for another")


def test_a_call_that_ends_while_the_first_gateway_is_gone_counts_no_more(gateways: Gateways) -> None:
    calling = ["+13125557005", "+13125557006"]
    for each in calling:
        gateways.sends(each)
    tasks = [gateways.shows(each) for each in calling]
    until(lambda: gateways.counts() == (2, 2, 0), "both to count as callers who wait")
    gateways.edge_1.stop()
    gateways.cloud.ask("DELETE", f"calls/{tasks[0]}")
    assert gateways.goes() == gateways.refused
    gateways.starts_first()
    until(lambda: gateways.goes() == gateways.redirected, "the share to have room again", within=60)
    assert gateways.edge_2.metric("expected_calls") == 1
    assert gateways.goes() == gateways.refused
