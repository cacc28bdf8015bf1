"""Names with many addresses of which some say nothing: a call waits for a few of them, and the next knows better."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from edge_router.dialplan.hunting import Located
from edge_router.sip.timers import GIVE_UP
from tests.b2bua.conftest import OpenStage
from tests.b2bua.leg import Leg
from tests.b2bua.stage import CLOUD_FIRST, Stage
from tests.b2bua.test_keepalive import answers
from tests.b2bua.test_names import URI

OTHER = "sip:198.51.100.22:5060"
ADDRESSES = tuple(f"198.51.100.{n}" for n in range(101, 133))


@pytest.fixture
def opened(open_stage: OpenStage) -> Iterator[OpenStage]:
    """Opens stages at the end of which everybody who was silent has been given up."""
    stages = []

    def open_one(**settings: Any) -> Stage:
        stages.append(open_stage(**settings))
        return stages[-1]

    yield open_one
    for stage in stages:
        stage.pass_time(GIVE_UP)


def dead(stage: Stage, number: int = 32) -> None:
    """The cloud's name leads to so many addresses, at which nobody listens."""
    live = stage.router.routing.trunks["cloud"]
    target = next(each for each in live.trunk.targets if each.named)
    hosts = ADDRESSES[:number]
    live.locate({target.uri: [Located(replace(target, host=host), rank) for rank, host in enumerate(hosts)]}, {})
    stage.line.deaf.update(hosts)


def alive(stage: Stage, *hosts: str) -> None:
    for host in hosts:
        stage.line.deaf.discard(host)
        stage.party(host)


def tried(stage: Stage, record: int = -1) -> list[str]:
    """The last octets of the addresses that a call went to."""
    return [each.target.partition(":")[0].rpartition(".")[2] for each in stage.ear.records[record].attempts]


def takes_it(stage: Stage, caller: Leg, host: str) -> None:
    callee = stage.party(host).is_called()
    callee.says(200)
    caller.hears(200)
    caller.ack()
    callee.hears("ACK")
    caller.hangs_up()
    callee.is_hung_up()


def waits(stage: Stage, addresses: int) -> None:
    """So many connect_timeouts pass; each may be late by a tick."""
    stage.pass_time(addresses * 2 + 0.1)


def calls(stage: Stage, number: str = CLOUD_FIRST) -> Leg:
    caller = stage.carrier.calls(number)
    caller.hears(100)
    return caller


def test_of_32_dead_addresses_three_are_waited_for(opened: OpenStage) -> None:
    stage = opened(cloud={"targets": [URI]})
    dead(stage)
    caller = calls(stage)
    stage.pass_time(5.8)
    assert not stage.premise.unheard
    stage.pass_time(0.3)
    takes_it(stage, caller, "198.51.100.31")
    assert tried(stage) == ["101", "102", "103", "31"]
    assert "3 addresses of cloud.example.com said nothing" in stage.record.reason


def test_the_next_call_begins_with_those_that_are_not_known_to_be_silent(opened: OpenStage) -> None:
    stage = opened(cloud={"targets": [URI]})
    dead(stage, 5)
    alive(stage, "198.51.100.105")
    caller = calls(stage)
    waits(stage, 3)
    takes_it(stage, caller, "198.51.100.31")
    caller = calls(stage)
    waits(stage, 1)
    takes_it(stage, caller, "198.51.100.105")
    takes_it(stage, calls(stage), "198.51.100.105")
    assert [tried(stage, n) for n in range(3)] == [["101", "102", "103", "31"], ["104", "105"], ["105"]]


def test_now_and_then_one_call_asks_one_of_them_again(opened: OpenStage) -> None:
    """The one that was silent the longest, while other calls go elsewhere; once it answers all calls go there."""
    stage = opened(cloud={"targets": [URI]})
    dead(stage, 3)
    alive(stage, "198.51.100.103")
    caller = calls(stage)
    waits(stage, 2)
    takes_it(stage, caller, "198.51.100.103")
    stage.pass_time(30)
    one, two = calls(stage), calls(stage)
    takes_it(stage, calls(stage), "198.51.100.103")
    waits(stage, 1)
    takes_it(stage, one, "198.51.100.103")
    takes_it(stage, two, "198.51.100.103")
    stage.pass_time(30)
    alive(stage, "198.51.100.102")
    one = calls(stage)
    takes_it(stage, calls(stage), "198.51.100.102")
    waits(stage, 1)
    takes_it(stage, one, "198.51.100.103")
    takes_it(stage, calls(stage), "198.51.100.102")
    ways = [["101", "102", "103"], ["103"], ["101", "103"], ["102", "103"], ["102"], ["101", "103"], ["102"]]
    assert [tried(stage, n) for n in range(7)] == ways


def test_what_is_refused_or_cannot_be_sent_takes_no_patience(opened: OpenStage) -> None:
    stage = opened(cloud={"targets": [URI]})
    dead(stage, 9)
    alive(stage, *ADDRESSES[:9])
    stage.line.cut.update((host, 5060) for host in ADDRESSES[:4])
    caller = calls(stage)
    stage.pass_time(0.1)
    for host in ADDRESSES[4:8]:
        callee = stage.party(host).is_called()
        callee.says(100)
        stage.pass_time(1.5)
        callee.refuses(503)
    takes_it(stage, caller, ADDRESSES[8])
    assert len(tried(stage)) == 9


def test_a_target_after_the_name_is_tried_and_targets_that_are_addresses_are_all_waited_for(
    opened: OpenStage,
) -> None:
    written = [f"sip:198.51.100.{n}" for n in (61, 62, 63, 64)]
    targets = [{"uri": uri, "preference": n} for n, uri in enumerate([URI, *written, OTHER], 1)]
    stage = opened(cloud={"targets": targets})
    dead(stage, 9)
    stage.line.deaf.update(f"198.51.100.{n}" for n in (61, 62, 63, 64))
    caller = calls(stage)
    waits(stage, 7)
    takes_it(stage, caller, "198.51.100.22")
    assert tried(stage) == ["101", "102", "103", "61", "62", "63", "64", "22"]


def test_an_emergency_comes_back_to_the_others_when_nothing_else_is_left(opened: OpenStage) -> None:
    stage = opened(
        cloud={"targets": [URI]}, emergency={"called": ["911"], "destinations": ["cloud", "premise"], "reserve": 2}
    )
    dead(stage, 8)
    alive(stage, "198.51.100.108")
    caller = calls(stage, "911")
    waits(stage, 3)
    stage.premise.is_called().refuses(500)
    waits(stage, 4)
    takes_it(stage, caller, "198.51.100.108")
    assert tried(stage) == ["101", "102", "103", "31", "104", "105", "106", "107", "108"]


def test_an_emergency_that_nobody_takes_is_over_when_all_were_asked(opened: OpenStage) -> None:
    stage = opened(cloud={"targets": [URI]}, emergency={"called": ["911"], "destinations": ["cloud"], "reserve": 2})
    dead(stage, 7)
    caller = calls(stage, "911")
    waits(stage, 7)
    caller.hears_refusal(408)
    assert tried(stage) == [str(n) for n in range(101, 108)]


@pytest.mark.parametrize("number", [3, 4])
def test_when_all_have_said_nothing_the_one_that_did_so_longest_ago_comes_first(opened: OpenStage, number: int) -> None:
    stage = opened(cloud={"targets": [URI]}, premise={"targets": ["sip:198.51.100.22:5060"]})
    dead(stage, number)
    for _ in range(2):
        caller = calls(stage)
        waits(stage, min(number, 3))
        takes_it(stage, caller, "198.51.100.22")
    first, second = [[host for host in tried(stage, n) if host != "22"] for n in range(2)]
    assert first == ["101", "102", "103"]
    assert second == (["101", "102", "103"] if number == 3 else ["104", "101", "102"])


def test_any_other_call_does_not_come_back(opened: OpenStage) -> None:
    stage = opened(cloud={"targets": [URI]})
    dead(stage, 8)
    caller = calls(stage)
    waits(stage, 3)
    stage.premise.is_called().refuses(500)
    caller.hears_refusal(500)


def test_of_those_that_are_down_too_the_one_that_said_nothing_longest_ago_comes_first(opened: OpenStage) -> None:
    stage = opened(cloud={"targets": [URI]})
    dead(stage, 4)
    live = stage.router.routing.trunks["cloud"]
    for nth, target in enumerate(live.targets[::-1]):
        for _ in range(3):
            live.failed(target, stage.clock() + nth, silent=True)
    assert [target.host[-1] for target in live.last_resort(stage.clock() + 3)] == ["4", "3", "2", "1"]


def test_who_says_nothing_to_options_comes_last_too(opened: OpenStage) -> None:
    stage = opened(cloud={"targets": [URI], "keepalive": {"retries": 5}})
    dead(stage, 2)
    stage.router.follow(stage.router.routing)
    alive(stage, "198.51.100.102")
    answers(stage, 200, 200, 200, party=stage.party("198.51.100.102"))
    live = stage.router.routing.trunks["cloud"]
    assert [target.host[-1] for target in live.targets_to_try(stage.clock())] == ["2", "1"]
    stage.router.keepalives.stop()


def test_who_refuses_has_said_something(opened: OpenStage) -> None:
    stage = opened(cloud={"targets": [URI]})
    dead(stage, 2)
    live = stage.router.routing.trunks["cloud"]
    one, two = live.targets
    live.failed(one, stage.clock(), silent=True)
    assert live.targets_to_try(stage.clock()) == [two, one]
    live.failed(one, stage.clock(), "503")
    assert live.targets_to_try(stage.clock()) == [one, two]
