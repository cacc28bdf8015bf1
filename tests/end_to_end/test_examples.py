"""The deployments in examples/: calls through each of them, as it stands there, and each of its rules deciding."""

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.block import Address, Block
from tests.end_to_end.example import Ends, changed, configuration, following, put
from tests.end_to_end.router_process import RouterProcess, StartRouter, running_router
from tests.end_to_end.simulator_process import SimulatorProcess, running_simulator
from tests.end_to_end.waiting import until

NUMBER = "+18005550100"


@pytest.fixture
def ends(block: Block) -> Iterator[Ends]:
    with closing(Ends(block)) as ends:
        yield ends


@pytest.fixture
def cloud(block: Block, tmp_path: Path) -> Iterator[SimulatorProcess]:
    with running_simulator(block, tmp_path) as simulator:
        simulator.ask("POST", "agents", {"state": "idle"})
        yield simulator


def queue(router: RouterProcess, name: str = "Support") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(router.get(f"/v1/queues/{name}")[1])
    return found


def follows(router: RouterProcess) -> None:
    """Waits until it knows the contact centre, and hears of it."""
    until(lambda: queue(router).get("fresh"), "the seed", within=60)
    until(lambda: router.metric("webex_requests_total", operation="create-subscription") >= 2, "subscriptions")


def decided(router: RouterProcess, **labels: str) -> float:
    return router.metric("decisions_total", **labels)


# ------------------------------------------------------------------------------------------------ overflow


def test_overflow(block: Block, start_router: StartRouter, ends: Ends, cloud: SimulatorProcess, tmp_path: Path) -> None:
    text = configuration("overflow", block, tmp_path, changes={"hold: 30s": "hold: 0s"})
    router = start_router(following(text, cloud, block))
    follows(router)
    until(lambda: router.metric("latch_undecided") == 0, "the latch, told")
    assert ends.goes(NUMBER) == [f"{NUMBER}@cloud"]
    assert decided(router, rule="otherwise", target="cloud") == 1
    assert ends.goes(NUMBER, "cloud") == [f"{NUMBER}@cloud", f"{NUMBER}@premise"]

    waiting = cloud.calls("Support", 6)
    until(lambda: router.metric("latch") == 1, "the latch, set")
    assert ends.goes(NUMBER) == [f"{NUMBER}@premise"]
    assert decided(router, rule="overflow", target="premise") == 1
    assert ends.goes(NUMBER, "premise") == [f"{NUMBER}@premise", f"{NUMBER}@cloud"]

    for task in waiting[:3]:
        cloud.ask("DELETE", f"calls/{task}")
    until(lambda: queue(router)["length"] == 3, "three who wait")
    until(lambda: queue(router)["tasks_age_secs"] > 1.1, "the latch to be looked at since")
    assert ends.goes(NUMBER) == [f"{NUMBER}@premise"]  # it doesn't flap
    cloud.ask("DELETE", f"calls/{waiting[3]}")
    until(lambda: router.metric("latch") == 0, "the latch, cleared")
    assert ends.goes(NUMBER) == [f"{NUMBER}@cloud"]

    cloud.ask("POST", "agents", {"state": "logged-out"})
    until(lambda: queue(router)["agents_signed_on"] == 0, "nobody who works", within=60)
    assert ends.goes(NUMBER) == [f"{NUMBER}@premise"]
    assert decided(router, rule="nobody works in the cloud", target="premise") == 1


def test_overflow_in_a_burst_that_the_cloud_has_not_seen(
    block: Block, start_router: StartRouter, ends: Ends, cloud: SimulatorProcess, tmp_path: Path
) -> None:
    redirects = {"otherwise: {to: [cloud, premise]}": "otherwise: {to: [cloud, premise], by: redirect}"}
    text = configuration("overflow", block, tmp_path, changes=redirects)
    router = start_router(following(text, cloud, block))
    follows(router)
    until(lambda: router.metric("latch_undecided") == 0, "the latch, told")
    for _ in range(50):
        ends.caller(NUMBER).invite()

    def sent_away() -> set[str]:
        return {each.get("Call-ID") for each in ends.phones["carrier"].heard() if each.code == 302}

    def at_the_premise() -> set[str]:
        return {each.get("From") for each in ends.phones["premise"].heard() if each.method == "INVITE"}

    until(lambda: len(sent_away()) + len(at_the_premise()) == 50, "all of them")
    assert len(sent_away()) == 6
    assert decided(router, rule="overflow", target="premise") == 44
    until(lambda: router.metric("latch") == 1, "the latch, set")
    assert queue(router)["expected"] == 6


def test_overflow_without_a_word_from_the_cloud(
    block: Block, start_router: StartRouter, ends: Ends, cloud: SimulatorProcess, tmp_path: Path
) -> None:
    cloud.ask("POST", "faults", {"answers": [{"path": "", "status": 500}]})
    router = start_router(following(configuration("overflow", block, tmp_path), cloud, block))
    assert ends.goes(NUMBER) == [f"{NUMBER}@premise"]
    assert router.metric("policy_fallback_total", policy="front-door", why="stale") == 1


# ------------------------------------------------------------------------------------------------ migration


def test_migration(block: Block, start_router: StartRouter, ends: Ends, tmp_path: Path) -> None:
    text = configuration("migration", block, tmp_path, changes={"per_minute: 20": "per_minute: 2000"})
    router = start_router(text)
    callers = [f"+1773555{number:04}" for number in range(100)]

    def moved() -> set[str]:
        went = {calling: ends.goes(NUMBER, calling=calling) for calling in callers}
        assert all(each in ([f"{NUMBER}@cloud"], [f"{NUMBER}@premise"]) for each in went.values())
        return {calling for calling, (where,) in went.items() if where.endswith("@cloud")}

    first = moved()
    assert 2 <= len(first) <= 25
    assert decided(router, rule="part of the callers", target="cloud") == len(first)
    assert decided(router, rule="otherwise", target="premise") == 100 - len(first)
    for calling in ("+13125550199", "+13125550142"):
        assert ends.goes(NUMBER, calling=calling) == [f"{NUMBER}@cloud"]
    assert decided(router, rule="pilot group", target="cloud") == 2

    router.configure(changed(text, {"percent(10,": "percent(50,"}))
    until(lambda: "reloaded" in router.stderr, "the reload")
    more = moved()
    assert first < more
    assert 30 <= len(more) <= 70


def test_migration_never_sends_more_than_its_share(
    block: Block, start_router: StartRouter, ends: Ends, tmp_path: Path
) -> None:
    start_router(configuration("migration", block, tmp_path))
    pilot = [ends.goes(NUMBER, calling="+13125550199") for _ in range(22)]
    assert pilot == [[f"{NUMBER}@cloud"]] * 20 + [[f"{NUMBER}@premise"]] * 2


# ------------------------------------------------------------------------------------------------ preferred routing


def test_preferred_routing(block: Block, start_router: StartRouter, ends: Ends, tmp_path: Path) -> None:
    router = start_router(configuration("preferred_routing", block, tmp_path))
    support, dealers, sales, billing, cards = (
        "+18005550100", "+18005550101", "+18005550200", "+18005550303", "+18005550400"
    )  # fmt: skip
    put(block.http, "/v1/switches/hours/weekdays", state="open")
    assert ends.goes(support) == ["7100@premise"]  # nobody has said how long the queue is
    assert router.metric("policy_fallback_total", policy="by-service", why="stale") == 1

    def push(name: str, **values: int) -> None:
        put(block.http, f"/v1/queues/{name}", ttl_secs=600, **values)

    push("Support", length=0)
    push("CCX-Sales", longest_wait_secs=30)
    assert ends.goes(support) == [f"302 sip:+13125550100@{block.cloud}:5060"]
    assert decided(router, rule="better answered in the cloud", target="cloud") == 1
    push("Support", length=5)
    assert ends.goes(support) == ["7100@premise"]
    push("Support", length=0)
    assert ends.goes(billing) == ["7300@premise"]  # it has no number in the cloud
    assert ends.goes(sales) == ["7200@premise"]
    push("CCX-Sales", longest_wait_secs=121)
    assert ends.goes(sales) == [f"302 sip:+13125550200@{block.cloud}:5060"]
    assert decided(router, rule="premise is overrun", target="cloud") == 1
    assert ends.goes(cards) == ["7400@premise"]
    assert decided(router, policy="fraud-desk", rule="otherwise") == 1

    put(block.http, "/v1/switches/hours/weekdays", state="closed")
    assert [ends.goes(called) for called in (support, sales)] == [["7999@premise"]] * 2
    assert decided(router, rule="closed") == 2
    assert ends.goes(dealers) == [f"302 sip:+13125550101@{block.cloud}:5060"]  # always open
    assert ends.goes(support, calling="+13125550199") == ["+13125550100@cloud"]
    assert decided(router, rule="preferred customers") == 1
    assert ends.goes(support, calling="+13125550166") == ["603"]
    assert ends.goes("+18005550999") == ["7000@premise"]  # the table doesn't have it


# ------------------------------------------------------------------------------------------------ carriers and regions


def test_two_carriers_and_two_regions(block: Block, start_router: StartRouter, ends: Ends, tmp_path: Path) -> None:
    router = start_router(configuration("two_carriers_two_regions", block, tmp_path))
    eu, us = f"302 sip:{NUMBER}@{block.cloud_spare}:5060", f"302 sip:{NUMBER}@{block.cloud}:5060"
    assert ends.goes(NUMBER, calling="+4930901820") == [eu]
    assert decided(router, rule="European callers", target="cloud-eu") == 1
    assert ends.goes(NUMBER) == [us]
    assert decided(router, rule="everybody else", target="cloud-us") == 1
    assert ends.goes(NUMBER, by="carrier-b") == [f"{NUMBER}@cloud"]
    until(lambda: "bridged, since trunk carrier-b does not accept redirect" in router.stderr, "the log")
    assert ends.goes(NUMBER, "cloud", "cloud-eu", by="carrier-b") == [
        f"{NUMBER}@{place}" for place in ("cloud", "cloud-eu", "premise")
    ]

    put(block.http, "/v1/switches/trunk/cloud-us", state="off")
    assert ends.goes(NUMBER) == [f"{NUMBER}@cloud-eu"]
    put(block.http, "/v1/switches/trunk/cloud-us", state="auto")
    assert ends.goes(NUMBER) == [us]

    assert ends.goes(NUMBER, by="cloud") == ends.goes(NUMBER, by="cloud-eu") == [f"{NUMBER}@premise"]
    assert ends.goes("+13125550100", "carrier", by="premise") == ["+13125550100@carrier", "+13125550100@carrier-b"]


def test_a_region_that_has_had_enough(block: Block, start_router: StartRouter, ends: Ends, tmp_path: Path) -> None:
    router = start_router(configuration("two_carriers_two_regions", block, tmp_path, changes={">= 40": ">= 4"}))
    for _ in range(2):
        ends.goes(NUMBER)
        ends.goes(NUMBER, calling="+4930901821", by="carrier-b")
    assert ends.goes(NUMBER) == [f"{NUMBER}@premise"]
    assert decided(router, rule="both regions are full", target="premise") == 1
    assert ends.goes(NUMBER, "premise", "cloud") == [f"{NUMBER}@{place}" for place in ("premise", "cloud", "cloud-eu")]


def test_an_emergency_leaves_by_the_carrier_that_answers(
    block: Block, start_router: StartRouter, ends: Ends, tmp_path: Path
) -> None:
    router = start_router(configuration("two_carriers_two_regions", block, tmp_path))
    put(block.http, "/v1/switches/trunk/carrier-a", state="off")
    assert ends.goes("911", by="premise") == ["911@carrier"]
    assert ends.goes("112", "carrier", by="premise") == ["112@carrier", "112@carrier-b"]
    assert router.metric("emergency_calls_total", outcome="answered") == 2


# ------------------------------------------------------------------------------------------------ two gateways


class SecondBlock(Block):
    """The second gateway's addresses in a block."""

    @property
    def router(self) -> Address:
        return (self.host(11), 5060)

    @property
    def http(self) -> Address:
        return (self.host(11), 8080)


StartGateway = Callable[[Block, str, str], RouterProcess]


@pytest.fixture
def start_gateway(tmp_path: Path) -> Iterator[StartGateway]:
    with ExitStack() as stack:

        def start(block: Block, name: str, text: str) -> RouterProcess:
            return stack.enter_context(running_router(block, text, tmp_path / name))

        yield start


def test_two_gateways(
    block: Block, start_gateway: StartGateway, ends: Ends, cloud: SimulatorProcess, tmp_path: Path
) -> None:
    second = SecondBlock(block.prefix)
    texts = {}
    for name in ("edge-1", "edge-2"):
        (tmp_path / name).mkdir()
        texts[name] = configuration("two_gateways", block, tmp_path / name, f"{name}.yaml")
    for secret in ("client", "refresh", "webhook"):
        (tmp_path / "edge-1" / secret).symlink_to(tmp_path / secret)
    small = changed(texts["edge-1"], {"max_concurrent: 25": "max_concurrent: 2"})
    edge_1 = start_gateway(block, "edge-1", following(small, cloud, block))
    follows(edge_1)
    edge_2 = start_gateway(second, "edge-2", texts["edge-2"])
    until(lambda: queue(edge_2).get("fresh"), "the other gateway's state")

    redirected = [f"302 sip:{NUMBER}@{block.cloud}:5060"]
    assert ends.goes(NUMBER, router=second.router) == redirected
    assert [ends.goes(NUMBER) for _ in range(3)] == [redirected, redirected, [f"{NUMBER}@premise"]]
    until(lambda: "cloud is over its share" in edge_1.stderr, "the log")

    cloud.calls("Support", 3)
    until(lambda: queue(edge_2)["length"] == 3, "the event, by way of the first gateway")
    assert ends.goes(NUMBER, router=second.router) == [f"{NUMBER}@premise"]
    assert decided(edge_2, rule="otherwise", target="premise") == 1

    edge_1.send(signal.SIGTERM)
    edge_1.wait_for_end()
    edge_2.configure(changed(texts["edge-2"], {"source: peer\n": "source: peer\n  stale_after: 1s\n"}))
    until(lambda: "reloaded" in edge_2.stderr, "the reload")
    until(lambda: queue(edge_2)["tasks_age_secs"] > 1, "state that is too old")
    assert ends.goes(NUMBER, router=second.router) == [f"{NUMBER}@premise"]
    assert edge_2.metric("policy_fallback_total", policy="front-door", why="stale") == 1
