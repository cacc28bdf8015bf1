"""A source of state and the simulated contact centre that it follows, over loopback."""

import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web

from state_client.centre import ContactCentre
from state_client.simulator.script import Script
from state_client.simulator.server import Simulator
from state_client.webex import source as source_module
from state_client.webex.secret import SecretFile
from state_client.webex.settings import Settings
from state_client.webex.source import WebexSource


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TRY_AGAIN", "SETTLE_DOUBTS", "SOONEST_AGAIN", "CHECK_SUBSCRIPTIONS"):
        monkeypatch.setattr(source_module, name, 0.05)


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    """A contact centre in which nothing happens by itself, and whose searches show at once what is so."""
    simulator = Simulator(Script(load=0.0, rest=0.0, outdial=0.0), lag=0.0, per_minute=100_000)
    await simulator.start()
    yield simulator
    await simulator.close()


@pytest.fixture
async def source(simulator: Simulator, tmp_path: Path) -> AsyncIterator[WebexSource]:
    """A source that isn't started, and a server for its webhook."""
    for name, text in (("client", "simulated-secret"), ("refresh", "simulated-refresh-token"), ("hook", "h" * 40)):
        (tmp_path / name).write_text(text)
    settings = Settings(
        api=simulator.url,
        org_id=simulator.cloud.org_id,
        node="edge-1",
        token_url=f"{simulator.url}/v1/access_token",
        client_id="simulated-client",
        client_secret=SecretFile(tmp_path / "client"),
        refresh=SecretFile(tmp_path / "refresh"),
        confirm_every=0.05,
        look_every=3600.0,
        reconcile_every=3600.0,
        requests_per_minute=100_000,
        allow_loopback=True,
    )
    source = WebexSource(settings, ContactCentre(time.time() - time.monotonic()))
    runner = web.AppRunner(source.webhook.application(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/webhooks/webex"
    source.settings = replace(settings, webhook_url=url, webhook_secret=SecretFile(tmp_path / "hook"))
    yield source
    await source.close()
    await runner.cleanup()
