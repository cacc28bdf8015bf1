"""What the program puts together around calls: latches that are looked at soon, and the figures of the cloud."""

import time
from pathlib import Path

import pytest

from edge_router.admission.cloud_tasks import CloudTasks
from edge_router.admission.ledger import Ledger
from edge_router.admission.placed import PlacedCalls
from edge_router.app import App
from edge_router.b2bua.routing.routing import Routing
from edge_router.config.build import build
from edge_router.config.loading import examine
from edge_router.contact_centre import StateOfCentre
from edge_router.policy.faults import Undecided
from edge_router.standing import Standing
from state_client.centre import ContactCentre
from tests.state_client.tidings import centre, task, tell

DOOR = """\
listen: [{name: pstn, address: "127.0.0.10:5060"}]
trunks: {carrier: {sources: [192.0.2.1]}, cloud: {targets: ["sip:192.0.2.4"]}}
dial_peers: [{name: in, incoming: {trunk: carrier}, policy: door}, {name: cloud, outgoing: {trunk: cloud}}]
policies: {door: {rules: [], otherwise: {to: cloud}}}
"""
LATCH = """\
latches: {full: {set: 'queue("Support").length > 5', clear: 'queue("Support").length < 3'}}
state: {queues: {Support: {source: pushed}}}
"""
LIVE = """\
state:
  source: webex
  webex: {api: "https://api.example.com", token_url: "https://api.example.com/token", org_id: o, client_id: c,
    client_secret_file: secret, refresh_token_file: secret, entitlement: {sessions: 301, surge: 1.3}, expect_for: 45s}
"""
CALLER, CALLED = "+12125550100", "+18005550111"


def written(folder: Path, text: str) -> Path:
    (folder / "secret").write_text("0123456789abcdef")
    (folder / "secret").chmod(0o600)
    file = folder / "edge-router.yaml"
    file.write_text(DOOR + text)
    return file


async def test_a_latch_is_looked_at_soon_after_a_queue_has_changed(tmp_path: Path) -> None:
    file = written(tmp_path, LATCH)
    config = examine(file).config
    assert config is not None
    app = App(config, str(file))
    latch = app.router.routing.latches.latches["full"]
    now = time.monotonic()
    app.standing.look(now)
    app.state.centre.push("Support", None, time.time(), length=9)
    assert not latch.on
    app.standing.look(now + 0.1)  # not for the look of each second
    assert latch.on


async def test_the_first_call_finds_the_latches_looked_at_also_after_a_reload(tmp_path: Path) -> None:
    file = written(tmp_path, LATCH.replace("source: pushed", "length: 9"))
    config = examine(file).config
    assert config is not None
    app = App(config, str(file))
    await app.standing.start()
    assert (app.router.routing.latches.latches["full"].on, app.router.routing.latches.lost) == (True, [])
    written(tmp_path, LATCH.replace("source: pushed", "length: 9").replace("full:", "more:"))
    assert await app.reload() == ()
    assert (app.router.routing.latches.latches["more"].on, app.router.routing.latches.lost) == (True, [])
    await app.standing.close()


async def test_a_latch_that_turns_while_a_reload_builds_stays_so(tmp_path: Path) -> None:
    file = written(tmp_path, LATCH)
    examined = examine(file)
    assert examined.config is not None
    app = App(examined.config, str(file))
    old = app.router.routing
    new = build(examined.config, time.monotonic, old, app.state.picture, examined.tables)
    app.state.centre.push("Support", None, time.time(), length=9)
    app.standing.look(time.monotonic())
    assert (old.latches.latches["full"].on, new.latches.latches["full"].on) == (True, False)
    app.standing.follow(new, examined.config)
    assert new.latches.latches["full"].on


async def test_a_file_that_is_deleted_while_it_is_in_use_is_written_anew_with_all_that_is_kept(tmp_path: Path) -> None:
    file = written(tmp_path, LATCH)
    examined = examine(file)
    assert examined.config is not None
    standing = Standing(Ledger(), tmp_path / "state.sqlite")
    standing.follow(build(examined.config, time.monotonic, ledger=standing.ledger), examined.config)
    standing.look(1_000.0)
    standing.switch("trunk", "cloud", "off", "ops")
    await standing._memory.flush()
    (tmp_path / "state.sqlite").unlink()
    standing.look(1_009.0)
    standing.look(1_010.0)
    await standing._memory.flush()
    again = Standing(Ledger(), tmp_path / "state.sqlite")
    again.follow(build(examined.config, time.monotonic, ledger=again.ledger), examined.config)
    await again.start()
    assert again.ledger.switches.engaged("trunk", "cloud") is False
    await again.close()
    await standing.close()


def live(folder: Path) -> tuple[Routing, StateOfCentre, Standing]:
    file = written(folder, LIVE)
    examined = examine(file)
    assert examined.config is not None, examined.faults
    state = StateOfCentre(examined.config, str(file))
    routing = build(examined.config, time.monotonic, picture=state.picture, ledger=state.ledger, entitled=lambda: 7)
    standing = Standing(state.ledger, folder / "state.sqlite")
    standing.follow(routing, examined.config)
    return routing, state, standing


async def test_what_the_cloud_takes_is_its_sessions_times_the_surge(tmp_path: Path) -> None:
    cloud = live(tmp_path)[0].cloud
    assert cloud is not None
    assert cloud.entitlement(0.0) == 391


async def test_calls_are_expected_for_as_long_as_the_configuration_says(tmp_path: Path) -> None:
    _, state, standing = live(tmp_path)
    placed = state.ledger.placed
    placed.placed("call-1", "door", "cloud", "cloud", (), "redirect", CALLER, (CALLED,), 1_000.0)
    standing.look(1_044.0)
    assert placed.unseen_total == 1
    standing.look(1_046.0)
    assert placed.unseen_total == 0


def of_tasks(folder: Path) -> tuple[Routing, ContactCentre, PlacedCalls]:
    """A cloud that shows its tasks in a clock of which all is known."""
    examined = examine(written(folder, "state: {queues: {Support: {length: 50, age: 5s}}}\n"))
    assert examined.config is not None, examined.faults
    placed, shown = PlacedCalls(), centre()
    tasks = CloudTasks(placed, lambda: 0.0, lambda: 1_005.0)
    shown.table.listener = tasks.heard
    return build(examined.config, lambda: 1_005.0, ledger=Ledger(tasks)), shown, placed


def test_the_cloud_s_calls_are_the_tasks_that_it_shows_and_ours_that_it_does_not(tmp_path: Path) -> None:
    routing, shown, placed = of_tasks(tmp_path)
    cloud = routing.cloud
    assert cloud is not None
    tell(shown, task("one", "new", 1_001.0), task("two", "parked", 1_001.0, "q"))
    assert cloud.calls(1_005.0) == 2
    for number in range(3):
        placed.placed(f"c-{number}", "door", "cloud", "cloud", (), "redirect", f"{CALLER}{number}", (CALLED,), 1_002.0)
    assert cloud.calls(1_005.0) == 5
    tell(shown, task("ours", "new", 1_003.0, origin=f"{CALLER}1", destination=CALLED))
    assert cloud.calls(1_005.0) == 5


def test_of_a_cloud_that_tells_nothing_for_too_long_nothing_is_read(tmp_path: Path) -> None:
    file = written(tmp_path, "state: {stale_after: 10s, queues: {Support: {length: 3, age: 11s}}}\n")
    examined = examine(file)
    assert examined.config is not None, examined.faults
    cloud = build(examined.config, lambda: 1_000.0).cloud
    assert cloud is not None
    with pytest.raises(Undecided, match=r"cloud\(\) is 11.0 s old, more than 10 s"):
        cloud.calls(1_000.0)
