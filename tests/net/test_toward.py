"""Over TLS a connection that a peer has opened is taken for requests to him only if he has shown who he is."""

import asyncio
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from edge_router.net.security import Expected, Files, Security
from tests.end_to_end.authority import Authority
from tests.end_to_end.block import Block, taken_block
from tests.net.streams import Ear, message


@pytest.fixture
def block() -> Iterator[Block]:
    with taken_block() as block:
        yield block


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def ear(block: Block, authority: Authority) -> Iterator[Ear]:
    certificate, key = authority.signs("edge", block.router[0])
    security = Security(Files(certificate, key, authority.file, authority.file), lambda _: Expected())
    with closing(asyncio.new_event_loop()) as loop, closing(Ear(loop, block.router, security=security)) as ear:
        yield ear


def test_who_has_shown_the_name_is_called_by_the_connection_that_he_has_opened(
    ear: Ear, block: Block, authority: Authority
) -> None:
    """RFC 5923 §9.1; for another name at his address another connection is opened, and there is nobody."""
    at = (block.carrier, 5071)
    reader, writer = ear.run(
        asyncio.open_connection(
            *block.router, local_addr=at, ssl=authority.client("one.example.com"), server_hostname=block.router[0]
        )
    )
    ear.until(lambda: ear.listener.names_of(at) == {"one.example.com"}, "his certificate")
    one, other = (ear.listener.toward(Expected("", (f"{name}.example.com",), at)) for name in ("one", "other"))
    assert (one.is_accepted(at), other.is_accepted(at)) == (True, False)
    assert other.send(message("for another"), at)
    ear.until(lambda: ear.gone == [at], "the other to be reached, in vain")
    assert ear.listener.counts() == (1, 0)
    assert one.send(message("for him"), at)
    assert ear.run(reader.readuntil(b"\r\n\r\n")) == message("for him")
    writer.close()
    ear.until(lambda: ear.gone.count(at) == 3, "the loss to be told to both who have used it")
    assert one.by_address == {}
