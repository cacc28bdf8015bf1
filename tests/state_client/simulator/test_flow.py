"""What a flow sees of a call's headers, and what it keeps of them."""

from state_client.simulator.flow import MOST_BYTES, seen, variables_of
from tests.state_client.simulator.kit import Visitor


def test_it_sees_twenty_headers_in_the_order_of_the_alphabet() -> None:
    headers = {f"X-{letter}": "1" for letter in "zyxwvutsrqponmlkjihgfedcba"}
    assert list(seen(headers)) == [f"x-{letter}" for letter in "abcdefghijklmnopqrst"]


def test_it_sees_a_thousand_bytes() -> None:
    fits = {"a": "1" * 500, "b": "1" * (MOST_BYTES - 502)}
    assert list(seen(fits)) == ["a", "b"]
    assert list(seen({"a": "1" * 500, "b": "1" * (MOST_BYTES - 501)})) == ["a"]


def test_it_keeps_one_in_a_variable() -> None:
    assert variables_of({"X-EDGE-CALL": "ours", "X-Other": "1"}) == {"EdgeCall": "ours"}
    assert variables_of({"X-Other": "1"}) == {}


async def test_a_call_that_is_asked_for_brings_its_headers(visitor: Visitor) -> None:
    queue = next(iter(visitor.simulator.cloud.world.centre.queues.values()))
    (task,) = (await visitor.control("calls", queue=queue.name, headers={"X-Edge-Call": "ours"}))["tasks"]
    assert visitor.simulator.cloud.world.calls.tasks[task].variables == {"EdgeCall": "ours"}
