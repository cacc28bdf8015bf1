"""Scenarios of SIPp over TCP, on one side or on both: -t t1 is one connection, tn one for each call."""

from contextlib import ExitStack
from pathlib import Path

import pytest
import yaml

from tests.end_to_end.block import Block
from tests.end_to_end.router_process import StartRouter
from tests.end_to_end.sipp_process import SCENARIOS, Sipp, on_block
from tests.end_to_end.site import Site


def configuration(block: Block, premise: str) -> str:
    """That of the scenarios, with a TCP listener at the same address and port."""
    whole = yaml.safe_load(on_block((SCENARIOS / "edge-router.yaml").read_text(), block))
    whole["listen"].append({**whole["listen"][0], "name": "tcp", "transport": "tcp"})
    if premise != "u1":
        whole["trunks"]["premise"]["targets"] = [f"sip:{block.premise}:5060;transport=tcp"]
    return yaml.safe_dump(whole, sort_keys=False)


@pytest.mark.parametrize(
    ("carrier", "premise", "by_carrier", "by_premise"),
    [
        ("carrier_bridge.xml", "premise_answer.xml", "t1", "t1"),
        ("carrier_bridge.xml", "premise_answer.xml", "tn", "t1"),
        ("carrier_bridge.xml", "premise_answer.xml", "u1", "t1"),
        ("carrier_bridge.xml", "premise_answer.xml", "t1", "u1"),
        ("carrier_hears_bye.xml", "premise_answer_then_bye.xml", "t1", "t1"),
        ("carrier_cancel_ringing.xml", "premise_cancelled.xml", "t1", "t1"),
        ("carrier_late_offer.xml", "premise_late_offer.xml", "tn", "t1"),
        ("carrier_busy.xml", "premise_busy.xml", "t1", "t1"),
        ("carrier_redirected.xml", "", "t1", ""),
        ("carrier_refer_accepted.xml", "", "t1", ""),
        ("carrier_options.xml", "", "t1", ""),
    ],
)
def test_a_scenario_goes_by_tcp_too(
    start_router: StartRouter,
    block: Block,
    tmp_path: Path,
    carrier: str,
    premise: str,
    by_carrier: str,
    by_premise: str,
) -> None:
    router = start_router(configuration(block, by_premise))
    calls = 5
    with ExitStack() as stack:
        parts = []
        for scenario, transport in ((premise, by_premise), (carrier, by_carrier)):
            if scenario:
                part = Sipp(scenario, block, tmp_path, transport=transport, calls=calls)
                stack.callback(part.stop)
                parts.append(part)
                if scenario == premise:
                    part.wait_until_bound()
        failures = [part.failure() for part in parts]
        assert not any(failures), "\n\n".join(failures)
    Site(router).idle()
    router.check_health()
    for way, transport in (("in", by_carrier), ("out", by_premise)):
        opened = router.metric("connections_opened_total", direction=way)
        assert opened == {"u1": 0, "": 0, "t1": 1, "tn": calls}[transport]
