"""Whatever the network does to messages: each call ends in a defined state, and its two ends agree on what it is.

The ends keep to RFC 3261 (agent.py). In the end nobody begins anything more, and when all is said that was to be said,
a call is up at both ends or at neither, both have the same session descriptions in force, and the record says what the
caller was told. `make storm` has many more calls.
"""

import os
from collections import Counter
from collections.abc import Mapping
from typing import Final

import pytest

from tests.b2bua.agent import GIVE_UP, OVER, RINGING, UP, Agent, End
from tests.b2bua.conduct import Conduct
from tests.b2bua.conftest import OpenStage
from tests.b2bua.network import Connections, Network
from tests.b2bua.stage import Stage

CALLS: Final = 400
"""In each storm: 2,000 in all."""
STORMS: Final = int(os.environ.get("STORM", "2000")) // (5 * CALLS)
WEATHERS: Final[Mapping[str, Mapping[str, float]]] = {
    "lost": {"lost": 0.1},
    "doubled": {"doubled": 0.1},
    "overtaken": {"overtaken": 0.1},
    "all of it": {"lost": 0.1, "doubled": 0.1, "overtaken": 0.1},
}
OUTCOMES: Final = {"answered", "failed", "cancelled"}
_PER_SECOND: Final = 10


class Storm:
    """Calls over a network, and what is left of them."""

    def __init__(self, stage: Stage, network: Network) -> None:
        self.stage = stage
        self.network = network
        self.conduct = Conduct(network)
        self.agents = {address: Agent(address, network, self.conduct) for address in stage.line.parties}
        self.caller = self.agents[stage.carrier.address]
        stage.line.parties.update(self.agents)

    def rages(self, calls: int) -> None:
        """So many calls begin, and when the last has been up for a while nobody begins anything more."""
        for number in range(calls):
            self.network.later(number / _PER_SECOND, lambda number=number: self.conduct.calls(self.caller, number))  # type: ignore[misc]
        self.network.passes(calls / _PER_SECOND + 45)
        self.conduct.resting = True
        for end in self.caller.ends.values():
            if end.state not in (UP, OVER):
                end.cancel_call()
        self.network.passes(3 * GIVE_UP)

    def disagreements(self) -> list[str]:
        """The calls whose ends have different ideas of what they are."""
        called: dict[str, list[End]] = {end.name: [] for end in self.caller.ends.values()}
        for agent in self.agents.values():
            for end in agent.ends.values():
                if agent is not self.caller:
                    called[end.name].append(end)
        return [why for caller in self.caller.ends.values() if (why := _disagreement(caller, called[caller.name]))]

    def hangs_up(self) -> None:
        """Whoever is in a call ends it."""
        for end in self.caller.ends.values():
            end.hang_up()
        self.network.passes(2 * GIVE_UP)
        states = Counter(end.state for agent in self.agents.values() for end in agent.ends.values())
        assert set(states) == {OVER}, states


def _disagreement(caller: End, called: list[End]) -> str:
    callees = [end for end in called if end.state != OVER]
    if [caller.state] * len(callees) != [UP] * len(callees) or (caller.state != OVER) != bool(callees):
        states = [end.state for end in called]
        return f"{caller.call_id}: the caller is {caller.state} ({caller.result}), the callee {states}"
    if callees and callees[0].agreed != caller.agreed[::-1]:
        return f"{caller.call_id}: the caller has {caller.agreed} in force, the callee {callees[0].agreed}"
    return ""


def storm_on(open_stage: OpenStage) -> Stage:
    patient = {"connect_timeout": 10, "progress_timeout": 20, "answer_timeout": 25, "hunt_on": ["500", "timeout"]}
    return open_stage(cloud=patient, premise=patient)


@pytest.mark.parametrize("seed", range(STORMS))
@pytest.mark.parametrize("weather", WEATHERS)
def test_both_ends_agree_whatever_becomes_of_datagrams(open_stage: OpenStage, weather: str, seed: int) -> None:
    stage = storm_on(open_stage)
    storm = Storm(stage, Network(stage, seed, **WEATHERS[weather]))
    storm.rages(CALLS)
    assert storm.disagreements() == []
    assert not any(end.in_vain for agent in storm.agents.values() for end in agent.ends.values())
    assert sum(end.state == UP for end in storm.caller.ends.values()) > CALLS / 20
    storm.network.calm = True
    storm.hangs_up()
    assert stage.ear.refused["internal error"] == 0
    told = {record.ingress_call_id: (record.code, record.outcome) for record in stage.ear.records}
    assert len(stage.ear.records) == CALLS
    assert {outcome for _, outcome in told.values()} == OUTCOMES
    assert {end.call_id: end.result for end in storm.caller.ends.values()} == {
        call_id: code for call_id, (code, _) in told.items()
    }


@pytest.mark.parametrize("seed", range(STORMS))
def test_both_ends_agree_though_connections_break(open_stage: OpenStage, seed: int) -> None:
    """What was on its way is lost, a BYE with it: who is still in the call hears so when he says something there."""
    stage = storm_on(open_stage)
    network = Connections(stage, seed)
    storm = Storm(stage, network)
    for address, agent in storm.agents.items():
        network.broken[address] = agent.is_cut_off
        network.breaks_later(address)
    storm.rages(CALLS)
    network.calm = True
    for agent in storm.agents.values():
        for end in agent.ends.values():
            if end.state == UP:
                end.begin("INFO")
            elif end.state == RINGING:
                end.refuses_it(end.heard[end.invite.branch, "INVITE"], 480)
    network.passes(2 * GIVE_UP)
    assert storm.disagreements() == []
    storm.hangs_up()
    assert network.counts["broken"] > 10
    assert stage.ear.refused["internal error"] == 0
    assert {record.outcome for record in stage.ear.records} <= OUTCOMES
