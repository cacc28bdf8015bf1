"""Over TLS who comes from a stranger's address is none any more once his certificate says that he is a trunk's."""

import asyncio
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from edge_router.net.connection import Bounds
from edge_router.net.security import Expected, Files, Security
from tests.end_to_end.authority import Authority
from tests.end_to_end.block import Block, taken_block
from tests.net.streams import Ear, message

FRIEND, NOBODY = "friend.example.com", "nobody.example.com"


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def block(stack: ExitStack) -> Block:
    return stack.enter_context(taken_block())


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def ear(block: Block, authority: Authority, stack: ExitStack) -> Ear:
    """To whom all are strangers but who shows a certificate of the friend's; of strangers there is to be one."""
    certificate, key = authority.signs("edge", block.router[0])
    security = Security(Files(certificate, key, authority.file, authority.file), lambda _: Expected())
    loop = stack.enter_context(closing(asyncio.new_event_loop()))
    ear = stack.enter_context(closing(Ear(loop, block.router, Bounds(strangers=1), security)))
    ear.strangers.update(block.host(last) for last in (70, 71, 72))
    ear.friends.add(FRIEND)
    return ear


class Guest:
    """Who has come and has shown a certificate for this name."""

    def __init__(self, ear: Ear, host: str, context: ssl.SSLContext) -> None:
        self.ear = ear
        self.at = host, 5071
        self.reader, self.writer = ear.run(
            asyncio.open_connection(*ear.address, local_addr=self.at, ssl=context, server_hostname=ear.address[0])
        )

    def is_cut_off(self) -> None:
        assert self.ear.run(self.reader.read()) == b""

    def is_heard(self) -> None:
        self.writer.write(message("a friend's"))
        assert self.ear.hears(1) == [message("a friend's")]


@pytest.fixture
def comes(ear: Ear, block: Block, authority: Authority, stack: ExitStack) -> Callable[[int, str], Guest]:
    def come(last: int, name: str) -> Guest:
        guest = Guest(ear, block.host(last), authority.client(name))
        stack.callback(guest.writer.close)
        ear.until(lambda: ear.listener.names_of(guest.at) == {name}, "his certificate")
        return guest

    return come


def test_he_makes_room_for_nobody(ear: Ear, comes: Callable[[int, str], Guest]) -> None:
    friend, first = comes(70, FRIEND), comes(71, NOBODY)
    comes(72, NOBODY)
    first.is_cut_off()
    friend.is_heard()
    assert ear.listener.ended == {"made room": 1}


def test_he_may_be_silent(ear: Ear, comes: Callable[[int, str], Guest]) -> None:
    """He has been silent for longer than the stranger who is cut for that."""
    friend, nobody = comes(70, FRIEND), comes(71, NOBODY)
    ear.listener.bounds = ear.listener.bounds._replace(first_word=0.1)  # now that both have shaken hands
    nobody.is_cut_off()
    friend.is_heard()
    assert ear.listener.ended == {"says nothing": 1}
