"""A gateway that follows another one: what it makes of the calls which that one tells of."""

import time
from pathlib import Path

import pytest

from edge_router.app import App
from edge_router.config.build import build
from edge_router.config.loading import examine
from edge_router.contact_centre import StateOfCentre
from edge_router.standing import Standing
from state_client.feeds.peer import PeerSource
from tests.test_standing import CALLED, CALLER, written

PEER = "state: {source: peer, peers: ['https://edge-1.example.net'], expect_for: 45s}\n"
WEBEX = """\
state:
  source: webex
  webex: {api: "https://api.example.com", token_url: "https://api.example.com/token", org_id: o, client_id: c,
    client_secret_file: secret, refresh_token_file: secret, expect_for: 30s}
"""


class Follower:
    """One that hears of tasks, without the line."""

    def __init__(self, folder: Path) -> None:
        file = written(folder, PEER)
        examined = examine(file)
        assert examined.config is not None, examined.faults
        self.state = StateOfCentre(examined.config, str(file))
        self.placed = self.state.ledger.placed
        self.routing = build(examined.config, time.monotonic, picture=self.state.picture, ledger=self.state.ledger)
        Standing(self.state.ledger, folder / "state.sqlite").follow(self.routing, examined.config)
        assert isinstance(self.state._source, PeerSource)
        self.tasks = self.state._source.tasks

    def sends(self, call_id: str, calling: str = CALLER) -> None:
        now = time.monotonic()
        self.placed.placed(call_id, "door", "cloud", "cloud", ("Support",), "redirect", calling, (CALLED,), now)

    def hears(self, task: str, state: str, calling: str = CALLER, **more: object) -> None:
        channel = {"channel": "telephony", "direction": "inbound"}
        self.tasks.take({"id": task, "state": state, "origin": calling, "destination": CALLED, **channel, **more})

    def counts(self) -> tuple[int, int]:
        """Calls expected in the queue, and calls that are there."""
        return self.placed.unseen("Support"), self.placed.concurrent(("door", "cloud"))


@pytest.fixture
def follower(tmp_path: Path) -> Follower:
    return Follower(tmp_path)


def test_a_call_is_expected_until_it_is_shown_in_a_queue_and_counts_until_it_ends(follower: Follower) -> None:
    follower.sends("ours")
    assert follower.counts() == (1, 1)
    follower.hears("task", "new")
    assert follower.counts() == (1, 1)  # in the menu: in no queue's length
    follower.hears("task", "parked")
    assert follower.counts() == (0, 1)
    follower.placed.tidy(time.monotonic() + 1_000)
    assert follower.counts() == (0, 1)  # he talks on, whatever expect_for says
    follower.hears("task", "ended")
    assert follower.counts() == (0, 0)


def test_a_call_that_began_before_ours_was_sent_is_another(follower: Follower) -> None:
    follower.sends("ours")
    follower.hears("task", "parked", began_secs=60)
    assert follower.counts() == (1, 1)


def test_what_the_other_gateway_calls_it_counts_where_it_is_our_name(follower: Follower) -> None:
    follower.sends("ours")
    follower.sends("ours, too", "+12125550177")
    follower.hears("task", "parked", call_id="ours, too")
    assert (follower.placed.call_of("task"), follower.counts()) == ("ours, too", (1, 2))


def test_the_other_gateway_s_own_name_says_nothing(follower: Follower) -> None:
    follower.sends("ours")
    follower.hears("task", "parked", call_id="edge-1's own")
    assert (follower.placed.call_of("task"), follower.counts()) == ("ours", (0, 1))


async def test_whose_end_was_missed_is_there_no_more(follower: Follower) -> None:
    follower.sends("ours")
    follower.hears("task", "connected")
    follower.tasks.begin()
    assert follower.counts() == (0, 1)
    await follower.tasks.all_told()
    assert follower.counts() == (0, 0)


async def test_the_cloud_s_calls_are_those_told_of_and_ours_that_it_does_not_show(follower: Follower) -> None:
    cloud = follower.routing.cloud
    assert cloud is not None
    now = time.monotonic()
    follower.state.picture.set("Support", now, "peer", length=4, calls=3)
    follower.sends("ours")
    follower.hears("of others", "connected", "+13125550199")
    assert cloud.calls(now) == 8  # nobody has said that these are all: a gateway of an older release never does
    await follower.tasks.all_told()
    assert cloud.calls(now) == 2
    follower.tasks.begin()
    assert cloud.calls(now) == 8


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (PEER, 45.0),
        (PEER.replace(", expect_for: 45s", ""), 120.0),
        ("state: {queues: {Support: {source: pushed}}, expect_for: 7s}\n", 7.0),
        (WEBEX, 30.0),
        (WEBEX + "  expect_for: 50s\n", 50.0),
    ],
)
def test_how_long_a_call_is_expected_wherever_state_comes_from(text: str, seconds: float, tmp_path: Path) -> None:
    file = written(tmp_path, text)
    config = examine(file).config
    assert config is not None
    app = App(config, str(file))
    assert app.state.ledger.placed.expect_for == seconds


def test_it_cannot_be_nothing(tmp_path: Path) -> None:
    faults = examine(written(tmp_path, "state: {expect_for: 0s}\n")).faults
    assert [fault.key for fault in faults] == ["state.expect_for"]


async def test_only_who_follows_the_cloud_says_that_he_has_told_all(tmp_path: Path) -> None:
    for text, knows in ((WEBEX, True), (PEER, False), ("", False)):
        file = written(tmp_path, text)
        config = examine(file).config
        assert config is not None
        app = App(config, str(file))
        assert not app.api.tasks.complete()
        if app.state._source is not None:
            app.state._source.seeded.set()
        assert app.api.tasks.complete() == knows
