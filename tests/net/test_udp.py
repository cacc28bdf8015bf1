import asyncio
import itertools
import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from typing import Final

import pytest
import uvloop

from edge_router.net.address import Address
from edge_router.net.udp import _MOST_KNOWN_ADDRESSES, MOST_PER_WAKE, UdpListener
from tests.end_to_end.block import Block, taken_block

PATIENCE: Final = 15.0
"""Seconds until a wait gives up; a good run needs none of them."""

Heard = tuple[bytes, Address, UdpListener]


@pytest.fixture
def block() -> Iterator[Block]:
    with taken_block() as block:
        yield block


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def loop(request: pytest.FixtureRequest) -> Iterator[asyncio.AbstractEventLoop]:
    new_loop: Callable[[], asyncio.AbstractEventLoop] = request.param
    with closing(new_loop()) as loop:
        yield loop


@contextmanager
def peer(host: str, port: int = 5060) -> Iterator[socket.socket]:
    """The other end of the wire."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((host, port))
        sock.settimeout(PATIENCE)
        yield sock


class Ear:
    """An open listener, and what it has heard."""

    def __init__(self, loop: asyncio.AbstractEventLoop, address: Address) -> None:
        self.loop = loop
        self.address = address
        self.heard: list[Heard] = []
        self.news = asyncio.Event()
        self.listener = UdpListener("pstn", *address)
        self.listener.open(loop, self.hear)

    def hear(self, data: bytes, source: Address, listener: UdpListener) -> None:
        self.heard.append((data, source, listener))
        self.news.set()

    def close(self) -> None:
        self.listener.close(self.loop)

    def hears(self, count: int) -> list[Heard]:
        """Lets the loop run until so many datagrams are there."""

        async def so_many() -> None:
            while len(self.heard) < count:
                self.news.clear()
                await self.news.wait()

        self.loop.run_until_complete(asyncio.wait_for(so_many(), PATIENCE))
        return self.heard


@pytest.fixture
def ear(loop: asyncio.AbstractEventLoop, block: Block) -> Iterator[Ear]:
    with closing(Ear(loop, block.router)) as ear:
        yield ear


@pytest.mark.parametrize("data", [b"BYE sip:a SIP/2.0\r\n\r\n", b"\r\n\r\n", b"", b"\xff" * 65_507])
def test_a_datagram_is_handed_on_with_its_source(ear: Ear, block: Block, data: bytes) -> None:
    with peer(block.carrier) as carrier:
        carrier.sendto(data, block.router)
        assert ear.hears(1) == [(data, (block.carrier, 5060), ear.listener)]


def test_what_is_sent_comes_from_the_listeners_address(ear: Ear, block: Block) -> None:
    with peer(block.carrier) as carrier:
        assert ear.listener.send(b"hello", (block.carrier, 5060)) is True
        assert carrier.recvfrom(100) == (b"hello", block.router)
    assert ear.listener.unsent == 0


def test_a_burst_lets_others_have_their_turn(ear: Ear, block: Block) -> None:
    """Timers and HTTP wait for no more than a wake-up's share, however much there is to read."""
    story: list[str] = []

    def hear(data: bytes, source: Address, listener: UdpListener) -> None:
        ear.hear(data, source, listener)
        story.append("datagram")
        ear.loop.call_soon(story.append, "other")

    ear.listener.close(ear.loop)
    ear.listener.open(ear.loop, hear)
    count = 5 * MOST_PER_WAKE
    with peer(block.carrier) as carrier:
        for number in range(count):
            carrier.sendto(b"%d" % number, block.router)
    assert [data for data, _, _ in ear.hears(count)] == [b"%d" % number for number in range(count)]
    in_a_row = [len(list(them)) for kind, them in itertools.groupby(story) if kind == "datagram"]
    assert max(in_a_row) <= MOST_PER_WAKE
    assert sum(in_a_row) == count


def test_the_receive_buffer_holds_more_than_an_ordinary_one(ear: Ear, block: Block) -> None:
    with peer(block.premise) as ordinary, peer(block.carrier) as carrier:
        for place in (block.router, ordinary.getsockname()):
            for _ in range(4_000):
                carrier.sendto(b"x", place)
        kept = len(ordinary.recv(10))
        ordinary.setblocking(False)
        with suppress(BlockingIOError):
            while True:
                kept += len(ordinary.recv(10))
    assert kept < 4_000
    assert len(ear.hears(kept + 1)) > kept


def test_a_peer_is_one_tuple(ear: Ear, block: Block) -> None:
    """A held call keeps the address that it came from: a thousand calls of a trunk keep the same one."""
    with peer(block.carrier) as carrier, peer(block.premise) as premise:
        for sock in (carrier, premise, carrier):
            sock.sendto(b"x", block.router)
        (_, first, _), (_, other, _), (_, again, _) = ear.hears(3)
    assert again is first
    assert other == (block.premise, 5060)


def test_no_more_than_so_many_peers_are_remembered(ear: Ear, block: Block) -> None:
    """A stranger may write from any number of addresses."""
    strangers = _MOST_KNOWN_ADDRESSES + 10
    for number in range(strangers):
        with peer(block.carrier, 10_000 + number) as stranger:
            stranger.sendto(b"x", block.router)
        if number % 500 == 0 or number == strangers - 1:  # before the buffer overflows
            assert ear.hears(number + 1)[-1][1] == (block.carrier, 10_000 + number)
    assert len(ear.listener._known) == _MOST_KNOWN_ADDRESSES


@pytest.mark.parametrize(("octets", "port"), [(1, 0), (65_508, 5060)], ids=["no such port", "too large"])
def test_what_can_never_be_sent_is_said_and_counted(ear: Ear, block: Block, octets: int, port: int) -> None:
    assert ear.listener.send(bytes(octets), (block.carrier, port)) is False
    assert ear.listener.unsent == 1
    with peer(block.carrier) as carrier:
        assert ear.listener.send(b"still there", (block.carrier, 5060)) is True
        assert carrier.recv(100) == b"still there"


def test_an_address_is_taken_until_it_is_closed(ear: Ear, block: Block) -> None:
    with pytest.raises(OSError, match="in use"):
        Ear(ear.loop, block.router)
    with peer(block.carrier) as carrier:
        carrier.sendto(b"not read", block.router)
        ear.close()
        assert ear.listener.send(b"x", (block.carrier, 5060)) is False
        with closing(Ear(ear.loop, block.router)) as successor:
            carrier.sendto(b"for the successor", block.router)
            assert [data for data, _, _ in successor.hears(1)] == [b"for the successor"]
    assert ear.heard == []
    ear.close()  # twice is once


def test_ipv6(loop: asyncio.AbstractEventLoop) -> None:
    try:
        with peer("::1", 0) as probe:
            port = probe.getsockname()[1]
    except OSError:
        pytest.skip("no IPv6 loopback here")
    with closing(Ear(loop, ("::1", port))) as ear, peer("::1", 0) as other:
        assert (ear.listener.via, ear.listener.contact) == (
            f"SIP/2.0/UDP [::1]:{port};branch=",
            f"<sip:[::1]:{port}>",
        )
        other.sendto(b"hello", ear.address)
        [(data, source, _)] = ear.hears(1)
        assert (data, source) == (b"hello", ("::1", other.getsockname()[1]))
        assert ear.listener.send(b"back", source) is True
        assert other.recv(100) == b"back"


def test_behind_nat_it_is_called_what_it_advertises() -> None:
    listener = UdpListener("pstn", "127.0.0.1", 5060, "sbc.example.com:5070")
    assert (listener.advertised, listener.advertised_host) == ("sbc.example.com:5070", "sbc.example.com")
    assert listener.via == "SIP/2.0/UDP sbc.example.com:5070;branch="
    assert listener.contact == "<sip:sbc.example.com:5070>"


@pytest.mark.parametrize(
    ("advertise", "host"),
    [
        ("sbc.example.com", "sbc.example.com"),
        ("192.0.2.1", "192.0.2.1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:5070", "2001:db8::1"),
    ],
)
def test_it_advertises_a_host_with_or_without_a_port(advertise: str, host: str) -> None:
    assert UdpListener("pstn", "127.0.0.1", 5060, advertise).advertised_host == host
