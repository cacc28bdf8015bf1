"""The SIPp scenarios that we ship, against the router that they are written for, by the commands that they name."""

import os
import re
import shlex
import subprocess
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.end_to_end.block import Block
from tests.end_to_end.router_process import RouterProcess, StartRouter
from tests.end_to_end.sipp_process import SCENARIOS, Sipp, bound_addresses, command_of, on_block
from tests.end_to_end.site import Site
from tests.end_to_end.waiting import until

CLOUD = "+18005550200"

NOT_PLAYED = {"carrier_never_acks.xml"}
"""64*T1 are 32 s: what it shows is tested on a fake clock."""


class Play(NamedTuple):
    """Who takes part; an empty `number` is the one that the carrier's own command calls."""

    carrier: str
    premise: str = ""
    cloud: str = ""
    number: str = ""


GENTLE = [
    Play("carrier_bridge.xml", "premise_answer.xml"),
    Play("carrier_hears_bye.xml", "premise_answer_then_bye.xml"),
    Play("carrier_early_media.xml", "premise_early_media.xml"),
    Play("carrier_cancel_ringing.xml", "premise_cancelled.xml"),
    Play("carrier_cancel_ringing.xml", "premise_cancel_crosses_200.xml"),
    Play("carrier_cancel_at_once.xml", "premise_slow_provisional.xml"),
    Play("carrier_late_offer.xml", "premise_late_offer.xml"),
    Play("carrier_retransmits.xml", "premise_slow_answer.xml"),
    Play("carrier_acks_late.xml", "premise_answer.xml"),
    Play("carrier_multipart.xml", "premise_multipart.xml"),
    Play("carrier_identity.xml", "premise_identity.xml"),
    Play("carrier_busy.xml", "premise_busy.xml"),
    Play("carrier_not_found.xml", "premise_not_found.xml"),
    Play("carrier_declined.xml", "premise_declines.xml"),
    Play("carrier_session_timer.xml", "premise_answer.xml"),
    Play("carrier_options.xml"),
    Play("carrier_rejected.xml"),
    Play("carrier_unknown_number.xml"),
    Play("carrier_too_many_hops.xml"),
    Play("carrier_unknown_extension.xml"),
    Play("carrier_prack.xml", "premise_prack.xml"),
    Play("carrier_early_media.xml", "premise_prack.xml"),
    Play("carrier_requires_100rel.xml", "premise_answer.xml"),
    Play("carrier_early_update.xml", "premise_early_update.xml"),
    Play("carrier_not_allowed.xml"),
    Play("carrier_unknown_method.xml"),
    Play("carrier_redirected.xml"),
    Play("carrier_redirected.xml", number="+18005550303"),
    Play("carrier_refer_accepted.xml"),
    Play("carrier_refer_declined.xml", "premise_answer.xml"),
    Play("carrier_refer_unknown.xml", "premise_answer.xml"),
    Play("carrier_refer_fails.xml", "premise_answer.xml"),
    Play("carrier_refer_silent.xml", "premise_answer.xml"),
    Play("carrier_transferred.xml", "premise_transfers.xml", "cloud_answer.xml"),
    Play("carrier_bridge.xml", "premise_answer.xml", "cloud_refuses.xml", CLOUD),
    Play("carrier_bridged_instead.xml", "premise_answer.xml", "cloud_refuses.xml"),
    Play("carrier_bridged_instead.xml", "premise_answer.xml", "cloud_refuses.xml", "+18005550500"),
    Play("carrier_bridge.xml", "premise_answer.xml", "cloud_redirects.xml", CLOUD),
    Play("carrier_redirected.xml", cloud="cloud_redirects.xml", number="+18005550301"),
    Play("carrier_rescued.xml", "premise_answer.xml", "cloud_drops.xml"),
    Play("carrier_early_media_failover.xml", "premise_answer.xml", "cloud_early_media_then_fails.xml"),
]
"""These leave a router as they found it."""

HARSH = [
    Play("carrier_bridge.xml", "premise_answer.xml", "cloud_silent.xml", CLOUD),
    Play("carrier_bridge.xml", "premise_answer.xml", "cloud_unavailable.xml", CLOUD),
    Play("carrier_bridge.xml", "premise_answer.xml", "cloud_trying_only.xml", CLOUD),
    Play("carrier_bridge.xml", "premise_answer.xml", "cloud_no_answer.xml", CLOUD),
    Play("carrier_bridge.xml", "premise_answer.xml", "cloud_rings_late.xml", CLOUD),
    Play("carrier_bridge.xml", "premise_answer.xml", "cloud_answers_late.xml", CLOUD),
]
"""After these the router may think the cloud down for a while."""


def name(play: Play) -> str:
    return "-".join(Path(part).stem for part in play if part)


def configuration(block: Block) -> str:
    return on_block((SCENARIOS / "edge-router.yaml").read_text(), block)


def perform(play: Play, router: RouterProcess, directory: Path) -> None:
    """Callees first, so that nobody calls into an empty house; then every part has to end well."""
    with ExitStack() as stack:

        def start(scenario: str, number: str = "") -> Sipp:
            sipp = Sipp(scenario, router.block, directory, number)
            stack.callback(sipp.stop)
            return sipp

        parts = [start(scenario) for scenario in (play.premise, play.cloud) if scenario]
        for part in parts:
            part.wait_until_bound()
        parts.append(start(play.carrier, play.number))
        failures = [part.failure() for part in parts]
        assert not any(failures), "\n\n".join(failures)


@pytest.mark.parametrize("play", GENTLE, ids=name)
def test_a_scenario_goes_as_it_is_written(play: Play, shared_router: RouterProcess, tmp_path: Path) -> None:
    perform(play, shared_router, tmp_path)
    Site(shared_router).idle()
    shared_router.check_health()


@pytest.mark.parametrize("play", HARSH, ids=name)
def test_a_cloud_in_trouble_costs_no_call(play: Play, start_router: StartRouter, block: Block, tmp_path: Path) -> None:
    router = start_router(configuration(block))
    perform(play, router, tmp_path)
    Site(router).idle()


# ------------------------------------------------------------------------------------------------ the files


def scenario_files() -> list[str]:
    return [path.name for path in sorted(SCENARIOS.glob("*.xml")) if not path.name.startswith(("load_", "demo_"))]


def test_every_scenario_is_played() -> None:
    played = {part for play in [*GENTLE, *HARSH] for part in play[:3] if part}
    assert played | NOT_PLAYED == set(scenario_files())


@pytest.mark.parametrize("scenario", scenario_files())
def test_a_scenario_says_what_it_shows_and_how_it_is_run(scenario: str) -> None:
    comment = re.search(r"<!--\n(.*?)\n\n(.*?)-->", (SCENARIOS / scenario).read_text(), re.DOTALL)
    assert comment
    assert comment[1].strip()
    command = shlex.split(command_of(scenario))
    assert command[:3] == ["sipp", "-sf", f"sipp_scenarios/{scenario}"]


def test_the_readme_lists_every_scenario_with_its_command() -> None:
    rows = re.findall(
        r"^\| \[([a-z_0-9]+\.xml)\]\(\1\) \| [^|]+ \| `([^`]+)` \|$",
        (SCENARIOS / "README.md").read_text(),
        re.MULTILINE,
    )
    assert dict(rows) == {scenario: command_of(scenario) for scenario in scenario_files()}


# ------------------------------------------------------------------------------------------------ load.sh


def load(*arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [str(SCENARIOS / "load.sh"), *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        timeout=90,
        check=False,
    )


@pytest.mark.parametrize(
    ("scenario", "number", "answers"),
    [("load_uac.xml", "+18005550100", True), ("load_redirect_uac.xml", "+18005550302", False)],
    ids=["bridged", "redirected"],
)
def test_a_load_ends_by_itself_and_leaves_nothing_behind(
    shared_router: RouterProcess, scenario: str, number: str, answers: bool
) -> None:
    block = shared_router.block
    premise = block.premise if answers else ""
    target = "{}:{}".format(*block.router)
    ended = load("100", "50", target, CARRIER=block.carrier, PREMISE=premise, NUMBER=number, SCENARIO=scenario)
    assert ended.returncode == 0, ended.stdout[-3000:]
    Site(shared_router).idle()
    until(lambda: (block.premise, 5060) not in bound_addresses(), "the premise's SIPp to end")
    shared_router.check_health()


@pytest.mark.parametrize("arguments", [("0",), ("ten",), ("10", "-1"), ("10", "1.5")])
def test_load_sh_takes_whole_numbers_only(arguments: tuple[str, ...]) -> None:
    ended = load(*arguments)
    assert ended.returncode == 2
    assert arguments[-1].encode() in ended.stderr
