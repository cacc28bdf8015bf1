"""Any source of state will do for the router that has what `StateSource` says, and nothing else."""

import asyncio
import time
from pathlib import Path

from edge_router.config.loading import examine_bytes
from edge_router.contact_centre import Names, StateOfCentre
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
