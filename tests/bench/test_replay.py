"""What a call weighs, counted as `python -m bench replay --memory` counts it."""

import pytest

import edge_router.sip.message
from bench.contenders import Router
from bench.replay import Replay, weigh

MOST = 4096  # octets


@pytest.mark.skipif(
    not edge_router.sip.message.__file__.endswith(".py"), reason="what compiled code allocates is of no line"
)
def test_a_call_keeps_4_kb_at_most_while_it_is_held_and_while_its_transactions_linger() -> None:
    octets = {each.what.partition(",")[0]: each.octets for each in weigh(Replay(1500, Router, 0), 500)}
    assert 0 < octets["held"] <= MOST
    assert 0 < octets["finished"] <= MOST
    assert octets["over"] < 512  # room in tables, which is given back when all is quiet
