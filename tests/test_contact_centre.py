"""Which source of state the router has, and that any will do that has what `StateSource` says."""

import asyncio
import time
from pathlib import Path

import pytest

from edge_router.config.build import build
from edge_router.config.loading import examine, examine_bytes
from edge_router.contact_centre import Names, StateOfCentre, names_read
from state_client.centre import ContactCentre
from state_client.feeds.peer import PeerSource
from state_client.picture import Picture
from state_client.source import StateSource
from state_client.webex.secret import SecretFile
from state_client.webex.settings import Settings
from state_client.webex.source import WebexSource

TEXT = b'listen: [{name: pstn, address: "127.0.0.10:5060"}]\n'


class Third:
    """Another contact centre, with the five things that make it a source."""

    def __init__(self, picture: Picture) -> None:
        self.seeded = asyncio.Event()
        self.told: list[str] = []
        self._picture = picture

    @property
    def picture(self) -> Picture:
        return self._picture

    @property
    def degraded(self) -> str:
        return "" if self.seeded.is_set() else "the third one says nothing yet"

    async def start(self) -> None:
        self.told.append("start")

    async def close(self) -> None:
        self.told.append("close")


def sources(folder: Path) -> list[StateSource]:
    """Every source that there is: mypy holds each of them to the interface."""
    secret = SecretFile(folder / "secret")
    settings = Settings("https://api.example.com", "o", "n", "https://api.example.com/token", "c", secret, secret)
    return [WebexSource(settings, ContactCentre()), PeerSource((), ContactCentre()), Third(Picture())]


async def test_each_source_has_what_the_router_uses(tmp_path: Path) -> None:
    wanted = [name for name in vars(StateSource) if not name.startswith("_")]
    assert sorted(wanted) == ["close", "degraded", "picture", "seeded", "start"]
    for source in sources(tmp_path):
        assert [name for name in wanted if not hasattr(source, name)] == []
        assert source.picture is source.picture
        assert source.degraded
        assert not source.seeded.is_set()


async def test_the_router_uses_nothing_else_of_a_source() -> None:
    config = examine_bytes(TEXT, "f").config
    assert config is not None
    state = StateOfCentre(config, "f")
    third = Third(state.picture)
    state._source = third
    state.read = Names(queues=frozenset({"Support"}))
    state._began = time.monotonic() - 60
    await state.start()
    assert state.degraded == "the third one says nothing yet"
    third.seeded.set()
    assert state.degraded == "no queue is called Support, which rules read"
    assert state.picture_for(config) is state.picture
    assert state.reading().unknown == state.unknown != ()
    assert (state.webhook, state.entitled(), await state.report()) == (None, None, None)
    await state.close()
    assert third.told == ["start", "close"]


SERVICES = """\
listen: [{name: pstn, address: "127.0.0.10:5060"}]
trunks: {carrier: {sources: [192.0.2.1], targets: ["sip:192.0.2.1"]}}
dial_peers: [{name: in, incoming: {trunk: carrier}, policy: door}, {name: out, outgoing: {trunk: carrier}}]
policies: {door: {rules: [{name: r, when: 'queue("Support").length > 0', reject: 480}], otherwise: {to: out}}}
services: {file: services.csv}
state: {source: peer, peers: ["https://edge-1:8080"], queues: {Sales: {source: pushed}}}
"""


async def test_queues_that_the_table_of_services_names_must_be_there_too(tmp_path: Path) -> None:
    rows = ["+18005550100,Sales", "+18005550101,Salse", "+18005550102,", "+18005550103,Support", "+18005550104,Salse"]
    (tmp_path / "services.csv").write_text("\n".join(["called,queue", *rows, ""]))
    (tmp_path / "edge-router.yaml").write_text(SERVICES)
    examined = examine(tmp_path / "edge-router.yaml")
    assert examined.config is not None, examined.faults
    state = StateOfCentre(examined.config, str(tmp_path / "edge-router.yaml"))
    state._source = third = Third(state.picture)
    state._began = time.monotonic() - 60
    state.read = names_read(build(examined.config, time.monotonic, picture=state.picture, tables=examined.tables))
    assert not state.unknown
    third.seeded.set()
    assert state.unknown == (("queue", "Salse"), ("queue", "Support"))
    assert state.degraded == (
        "no queue is called Salse, which the table of services names; no queue is called Support, which rules read"
    )


async def test_of_very_many_unknown_names_some_are_told() -> None:
    config = examine_bytes(TEXT, "f").config
    assert config is not None
    state = StateOfCentre(config, "f")
    state._source = third = Third(state.picture)
    third.seeded.set()
    state.read = Names(of_services=frozenset(f"Q{number:04}" for number in range(1000)))
    assert len(state.unknown) == 100
    told = state.degraded.split("; ")
    assert len(told) == 11
    assert told[-2:] == [
        "no queue is called Q0009, which the table of services names",
        "and more names are unknown: edge_router_state_unknown has them",
    ]


LIVE = """\
listen: [{name: pstn, address: "127.0.0.10:5060"}]
node: edge-7
http: {address: "127.0.0.10:8080", webhook_address: "127.0.0.10:8443"}
state:
  source: webex
  webex:
    api: https://api.example.com
    token_url: https://api.example.com/token
    org_id: o
    client_id: c
    client_secret_file: client
    refresh_token_file: refresh
    webhook: {url: "https://edge.example.com/webhooks/webex", secret_file: hook}
    clock_tolerance: 11s
    confirm_every: 12s
    look_every: 13s
    reconcile_every: 14s
    requests_per_minute: 15
    estimated_wait: {queues: [A, B], every: 17s, lookback: 18m}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("client", "refresh", "hook"):
        (tmp_path / name).write_text(name * 8)
        (tmp_path / name).chmod(0o600)
    return tmp_path


def of(text: str, folder: Path) -> StateOfCentre:
    (folder / "edge-router.yaml").write_text(text)
    examined = examine(str(folder / "edge-router.yaml"))
    assert [str(fault) for fault in examined.faults] == []
    assert examined.config is not None
    return StateOfCentre(examined.config, str(folder / "edge-router.yaml"))


async def test_what_the_configuration_says_of_the_cloud_is_what_its_source_goes_by(folder: Path) -> None:
    state = of(LIVE, folder)
    source = state._source
    assert isinstance(source, WebexSource)
    settings = source.settings
    assert (settings.api, settings.token_url) == ("https://api.example.com", "https://api.example.com/token")
    assert (settings.org_id, settings.client_id, settings.node) == ("o", "c", "edge-7")
    secrets = (settings.client_secret, settings.refresh, settings.webhook_secret)
    assert [secret.read().reveal() for secret in secrets if secret] == ["client" * 8, "refresh" * 8, "hook" * 8]
    assert settings.webhook_url == "https://edge.example.com/webhooks/webex"
    assert (settings.clock_tolerance, settings.confirm_every, settings.look_every) == (11, 12, 13)
    assert (settings.reconcile_every, settings.requests_per_minute) == (14, 15)
    assert source.limiter.per_minute == 15
    assert (settings.estimates, settings.estimate_every, settings.estimate_lookback) == (("A", "B"), 17, 18)
    assert state.webhook is source.webhook
    assert state.picture is source.picture


async def test_what_is_counted_of_the_cloud_is_shown(folder: Path) -> None:
    state = of(LIVE, folder)
    source = state._source
    assert isinstance(source, WebexSource)
    source.corrections = 7
    source.inbox.counts["task:new", "applied"] = 3
    source._observe("teams", "200")
    reading = state.reading()
    assert reading.corrections == 7
    assert (dict(reading.events), dict(reading.requests)) == ({("task:new", "applied"): 3}, {("teams", "200"): 1})


async def test_who_follows_others_follows_those_that_are_configured(folder: Path) -> None:
    text = 'state: {source: peer, peers: ["https://edge-1:8080", "https://edge-2:8080"], peer_token_file: client}\n'
    source = of(TEXT.decode() + text, folder)._source
    assert isinstance(source, PeerSource)
    assert source._peers == ("https://edge-1:8080", "https://edge-2:8080")
    assert source._token is not None
    assert source._token.read().reveal() == "client" * 8
