"""The call that isn't there: how its numbers are written, which trunk it comes by, and which calls can't be."""

import pytest

from edge_router.decisions import Decisions
from edge_router.http.decisions_api import Asked, BadQuestion
from edge_router.made_up_call import Arrival, ImpossibleCall, MadeUpCall, arrive, ways_in
from tests.b2bua.stage import REDIRECTED, Stage, configuration

CALLING = "+13125550199"


@pytest.fixture
def stage() -> Stage:
    return Stage(configuration())


def arrived(stage: Stage, call: MadeUpCall, *trunks: str) -> Arrival:
    return arrive(stage.router.routing, call, trunks or ("carrier",), "pstn", stage.clock())


@pytest.mark.parametrize("called", [REDIRECTED, "+1 (800) 555-3000", f"sip:{REDIRECTED}@x", "tel:+1-800-555-3000"])
def test_a_number_is_the_same_however_it_is_written(stage: Stage, called: str) -> None:
    facts = arrived(stage, MadeUpCall(CALLING, called)).incoming.facts
    assert (facts.called, facts.calling, facts.anonymous) == (REDIRECTED, CALLING, False)


def test_no_separator_gets_into_what_would_be_sent(stage: Stage) -> None:
    assert arrived(stage, MadeUpCall(CALLING, "+1 (800) 555-3000")).incoming.user == REDIRECTED


def test_what_goes_with_a_number_goes_on(stage: Stage) -> None:
    assert arrived(stage, MadeUpCall(CALLING, f"sip:{REDIRECTED};npdi@x")).incoming.user == f"{REDIRECTED};npdi"


def test_a_header_on_two_lines_is_no_call(stage: Stage) -> None:
    call = MadeUpCall(CALLING, REDIRECTED, [("x-level", "gold\r\nVia: me")])
    with pytest.raises(ImpossibleCall, match="a line break or a NUL in its header x-level"):
        arrived(stage, call)
    decisions = Decisions(lambda: stage.router.routing, "pstn", stage.clock)
    with pytest.raises(BadQuestion, match="a line break"):
        decisions.decide(Asked(REDIRECTED, CALLING, headers={"X-Level": "gold\nsilver"}))


def test_each_trunk_reads_it_in_its_own_way() -> None:
    rule = {"translate": {"inbound": {"called": "short"}}}
    stage = Stage(configuration(translation_rules={"short": [r"/^3$/ /+18005553000/"]}, carrier=rule))
    for trunks, matched, by in ((("premise", "carrier"), True, "carrier"), (("premise", "cloud"), False, "premise")):
        arrival = arrived(stage, MadeUpCall(CALLING, "3"), *trunks)
        assert (arrival.matched, arrival.trunk.name) == (matched, by)
        assert arrival.others == tuple(name for name in trunks if name != by)


def test_calls_come_by_those_that_dial_peers_name_in_their_order() -> None:
    def possible(*trunks: str | None) -> tuple[str, ...]:
        peers = [
            {"name": f"in-{n}", "incoming": {"trunk": name} if name else {"called": "7"}, "policy": "door"}
            for n, name in enumerate(trunks)
        ]
        peers.append({"name": "premise", "outgoing": {"trunk": "premise"}})
        peers.append({"name": "cloud", "outgoing": {"trunk": "cloud"}})
        return ways_in(Stage(configuration(dial_peers=peers)).router.routing)

    assert possible("premise", "cloud", "premise") == ("premise", "cloud")
    assert possible("premise", None) == ("premise", "carrier", "cloud")
    assert possible() == ()


def test_where_no_call_comes_in_there_is_none(stage: Stage) -> None:
    with pytest.raises(ImpossibleCall, match="no dial-peer has incoming"):
        arrive(stage.router.routing, MadeUpCall(CALLING, REDIRECTED), (), "pstn", 0.0)
