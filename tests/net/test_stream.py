import asyncio
import itertools
import resource
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
import uvloop

from edge_router.net.address import Address
from edge_router.net.connection import MOST_PER_TURN, Bounds
from edge_router.net.security import Expected, Files, Security
from edge_router.net.stream import StreamListener
from tests.end_to_end.authority import Authority
from tests.end_to_end.block import Block, taken_block
from tests.net.streams import Ear, Peer, Place, message

QUICK = Bounds(first_word=0.2, message=0.2, idle=0.4, stuck=0.2, connect=0.3)
"""Times that a test waits for; the listener looks once a second."""

Open = Callable[..., Ear]


@pytest.fixture
def block() -> Iterator[Block]:
    with taken_block() as block:
        yield block


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def loop(request: pytest.FixtureRequest) -> Iterator[asyncio.AbstractEventLoop]:
    new_loop: Callable[[], asyncio.AbstractEventLoop] = request.param
    with closing(new_loop()) as loop:
        yield loop


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def open_ear(loop: asyncio.AbstractEventLoop, block: Block, stack: ExitStack) -> Open:
    return lambda bounds=None: stack.enter_context(closing(Ear(loop, block.router, bounds)))


@pytest.fixture
def ear(open_ear: Open) -> Ear:
    return open_ear()


@pytest.fixture
def peer(ear: Ear, block: Block, stack: ExitStack) -> Peer:
    return stack.enter_context(closing(Peer.connecting(ear, block.carrier)))


# ------------------------------------------------------------------------------------------------ what comes


def test_a_message_is_handed_on_with_its_source(ear: Ear, peer: Peer) -> None:
    peer.says(message("a", b"x\r\n\r\ny") + message("b"))
    assert ear.hears(2) == [message("a", b"x\r\n\r\ny"), message("b")]
    assert ear.sources == [peer.address] * 2
    assert ear.listener.counts() == (1, 0)


def test_octet_by_octet(ear: Ear, peer: Peer) -> None:
    for octet in message("a", b"body"):
        peer.says(bytes([octet]))
    assert ear.hears(1) == [message("a", b"body")]


def test_an_answer_goes_by_the_connection_that_the_request_came_by(ear: Ear, peer: Peer) -> None:
    ear.answer = message("answer")
    peer.says(message())
    assert peer.hears(len(ear.answer)) == ear.answer
    assert ear.listener.counts() == (1, 0)


def test_a_ping_is_answered(ear: Ear, peer: Peer) -> None:
    peer.says(b"\r\n\r\n")
    assert peer.hears(2) == b"\r\n"
    peer.says(b"\r\n\r\n" + message() + b"\r\n\r\n\r\n\r\n")
    assert peer.hears(6) == b"\r\n" * 3
    assert ear.hears(1) == [message()]


def test_a_burst_lets_others_have_their_turn(ear: Ear, peer: Peer) -> None:
    story: list[str] = []
    heard = ear.receive

    def receive(data: bytes, source: Address, listener: StreamListener) -> None:
        heard(data, source, listener)
        story.append("message")
        ear.loop.call_soon(story.append, "other")

    ear.receive = receive  # type: ignore[method-assign, assignment]
    count = 10 * MOST_PER_TURN
    peer.says(b"".join(message(str(number)) for number in range(count)))
    assert ear.hears(count) == [message(str(number)) for number in range(count)]
    in_a_row = [len(list(them)) for kind, them in itertools.groupby(story) if kind == "message"]
    assert max(in_a_row) <= MOST_PER_TURN


def test_what_has_no_end_ends_the_connection(ear: Ear, peer: Peer) -> None:
    peer.says(message() + b"OPTIONS sip:a SIP/2.0\r\nX: 1\r\n\r\n" + message())
    assert peer.is_cut_off() == b"bad"
    assert [error.why for error in ear.bad] == ["Content-Length is missing"]
    assert ear.heard == [message()]
    assert ear.listener.ended["no end of a message"] == 1


# ------------------------------------------------------------------------------------------------ what is sent


def test_what_is_sent_opens_a_connection_from_our_address_and_waits_for_it(
    ear: Ear, block: Block, stack: ExitStack
) -> None:
    place = stack.enter_context(closing(Place(ear, block.premise)))
    for name in "abc":
        assert ear.listener.send(message(name), place.address) is True
    peer = place.accepts()
    whole = b"".join(map(message, "abc"))
    assert peer.hears(len(whole)) == whole
    assert peer.sock.getpeername()[0] == block.router[0]
    assert ear.listener.counts() == (0, 1)
    peer.says(message("back"))
    assert ear.hears(1) == [message("back")]
    assert ear.sources == [place.address]
    assert ear.listener.send(message("d"), place.address) is True
    assert peer.hears(len(message("d"))) == message("d")
    assert ear.listener.opened == 1
    peer.close()


def test_nobody_there_is_told_at_once(ear: Ear, block: Block) -> None:
    assert ear.listener.send(message(), (block.premise, 5060)) is True
    ear.until(lambda: bool(ear.gone), "the loss")
    assert ear.gone == [(block.premise, 5060)]
    assert ear.listener.counts() == (0, 0)
    assert ear.listener.ended["not reached"] == 1


def test_silence_at_the_other_end_is_told_in_time(open_ear: Open, block: Block, stack: ExitStack) -> None:
    """Somebody is there whose backlog is full."""
    ear = open_ear(QUICK)
    sock = stack.enter_context(socket.socket())
    sock.bind((block.premise, 5060))
    sock.listen(0)
    for _ in range(3):
        filler = stack.enter_context(socket.socket())
        filler.setblocking(False)
        filler.connect_ex((block.premise, 5060))
    assert ear.listener.send(message(), (block.premise, 5060)) is True
    ear.until(lambda: bool(ear.gone), "the loss")
    assert ear.listener.ended["not reached"] == 1


def test_no_more_waits_for_a_connection_than_it_may(open_ear: Open, block: Block, stack: ExitStack) -> None:
    ear = open_ear(Bounds(waiting=2 * len(message())))
    place = stack.enter_context(closing(Place(ear, block.premise)))
    assert [ear.listener.send(message(), place.address) for _ in range(3)] == [True, True, False]
    assert ear.listener.unsent == 1
    place.accepts().close()


def test_a_break_is_told_and_the_next_message_opens_another(ear: Ear, block: Block, stack: ExitStack) -> None:
    place = stack.enter_context(closing(Place(ear, block.premise)))
    ear.listener.send(message("a"), place.address)
    peer = place.accepts()
    peer.hears(len(message("a")))
    peer.close()
    ear.until(lambda: bool(ear.gone), "the loss")
    assert ear.gone == [place.address]
    assert ear.listener.ended["closed by the peer"] == 1
    ear.listener.send(message("b"), place.address)
    again = place.accepts()
    assert again.hears(len(message("b"))) == message("b")
    assert ear.listener.opened == 2
    again.close()


def test_the_other_family_is_not_reached(ear: Ear) -> None:
    assert ear.listener.send(message(), ("::1", 5060)) is False
    assert ear.listener.unsent == 1


# ------------------------------------------------------------------------------------------------ reuse


def test_who_connects_from_his_own_port_is_reached_there_by_that_connection(
    ear: Ear, block: Block, stack: ExitStack
) -> None:
    peer = stack.enter_context(closing(Peer.connecting(ear, block.carrier, 5060)))
    peer.says(message())
    ear.hears(1)
    assert ear.listener.send(message("b"), (block.carrier, 5060)) is True
    assert peer.hears(len(message("b"))) == message("b")
    assert ear.listener.counts() == (1, 0)


def test_an_alias_is_another_port_of_the_same_connection(ear: Ear, block: Block, peer: Peer) -> None:
    peer.says(message())
    ear.hears(1)
    ear.listener.alias(peer.address, 5070)
    assert ear.listener.send(message("b"), (block.carrier, 5070)) is True
    assert peer.hears(len(message("b"))) == message("b")
    address = peer.address
    peer.close()
    ear.until(lambda: len(ear.gone) == 2, "both losses")
    assert set(ear.gone) == {address, (block.carrier, 5070)}


def test_an_alias_takes_no_address_from_another_connection(ear: Ear, block: Block, stack: ExitStack) -> None:
    place = stack.enter_context(closing(Place(ear, block.carrier)))
    ear.listener.send(message("a"), place.address)
    true_one = stack.enter_context(closing(place.accepts()))
    true_one.hears(len(message("a")))
    peer = stack.enter_context(closing(Peer.connecting(ear, block.carrier)))
    peer.says(message())
    ear.hears(1)
    ear.listener.alias(peer.address, 5060)
    ear.listener.send(message("b"), place.address)
    assert true_one.hears(len(message("b"))) == message("b")


def test_only_what_the_peer_opened_is_accepted(ear: Ear, peer: Peer, block: Block, stack: ExitStack) -> None:
    place = stack.enter_context(closing(Place(ear, block.premise)))
    ear.listener.send(message(), place.address)
    peer.says(message())
    ear.hears(1)
    accepted = [ear.listener.is_accepted(each) for each in (peer.address, place.address, (block.cloud, 5060))]
    assert accepted == [True, False, False]


# ------------------------------------------------------------------------------------------------ bounds


def test_who_does_not_end_his_message_is_cut(open_ear: Open, block: Block, stack: ExitStack) -> None:
    """Slowloris: an octet now and then keeps nothing alive."""
    ear = open_ear(QUICK)
    peer = stack.enter_context(closing(Peer.connecting(ear, block.carrier)))
    peer.says(message("whole"))

    async def drip() -> None:
        peer.sock.setblocking(False)
        for octet in itertools.cycle(message("never whole")[:-4]):
            try:
                await ear.loop.sock_sendall(peer.sock, bytes([octet]))
            except OSError:
                return
            await asyncio.sleep(0.02)

    ear.run(drip())
    assert ear.listener.ended == {"sends too slowly": 1}
    assert ear.heard == [message("whole")]


def test_who_ends_each_of_his_messages_is_kept(open_ear: Open, block: Block, stack: ExitStack) -> None:
    """Though one has always begun, as on a busy connection; each has its own time."""
    ear = open_ear(QUICK._replace(idle=60.0, message=1.5))
    peer = stack.enter_context(closing(Peer.connecting(ear, block.carrier)))
    one = message("one of many")

    async def pipeline() -> None:
        peer.sock.setblocking(False)
        await ear.loop.sock_sendall(peer.sock, one[:9])
        for _ in range(60):  # two looks of the listener's
            await ear.loop.sock_sendall(peer.sock, one[9:] + one[:9])
            await asyncio.sleep(0.04)

    ear.run(pipeline())
    assert ear.listener.ended == {}
    assert ear.hears(60) == [one] * 60


def test_who_is_spoken_to_is_not_idle(open_ear: Open, block: Block, stack: ExitStack) -> None:
    ear = open_ear(QUICK._replace(idle=1.5))
    peer = stack.enter_context(closing(Peer.connecting(ear, block.carrier)))
    peer.says(message())
    ear.hears(1)

    async def speaks() -> None:
        for _ in range(25):
            assert ear.listener.send(message(), peer.address)
            await asyncio.sleep(0.1)

    ear.run(speaks())
    assert ear.listener.ended == {}


def test_whose_stream_has_ended_is_cut_though_he_does_not_read_the_answer(
    open_ear: Open, block: Block, stack: ExitStack
) -> None:
    """What was said last may leave; but he is not waited for any longer than another who reads nothing."""
    ear = open_ear(QUICK._replace(idle=60.0, unread=50_000_000, stuck=1.5))
    peer = stack.enter_context(closing(Peer.connecting(ear, block.carrier)))
    peer.says(message())
    ear.hears(1)
    for _ in range(200):
        assert ear.listener.send(message("x", bytes(60_000)), peer.address) is True
    peer.says(b"OPTIONS sip:a SIP/2.0\r\n\r\n")
    ear.until(lambda: bool(ear.listener.ended), "the end of the stream")
    assert ear.listener.counts() == (1, 0)
    ear.until(lambda: ear.listener.counts() == (0, 0), "the end")
    assert ear.listener.ended == {"no end of a message": 1}


def test_who_reads_nothing_is_cut(open_ear: Open, block: Block, stack: ExitStack) -> None:
    ear = open_ear(QUICK._replace(idle=60.0))
    peer = stack.enter_context(closing(Peer.connecting(ear, block.carrier)))
    peer.says(message())
    ear.hears(1)
    big = message("x", bytes(60_000))
    sent = [ear.listener.send(big, peer.address) for _ in range(400)]
    assert sent[0] is True
    assert sent[-1] is False
    assert sum(sent) * len(big) < 12_000_000
    ear.until(lambda: ear.listener.counts() == (0, 0), "the end")
    assert ear.listener.ended == {"reads too slowly": 1}


def test_who_reads_too_slowly_is_cut_however_little_waits(open_ear: Open, block: Block, stack: ExitStack) -> None:
    ear = open_ear(QUICK._replace(idle=60.0, unread=50_000_000))
    peer = stack.enter_context(closing(Peer.connecting(ear, block.carrier)))
    peer.says(message())
    ear.hears(1)
    for _ in range(200):
        assert ear.listener.send(message("x", bytes(60_000)), peer.address) is True
    ear.until(lambda: ear.listener.counts() == (0, 0), "the end")
    assert ear.listener.ended == {"reads too slowly": 1}


def test_what_is_idle_is_closed(open_ear: Open, block: Block, stack: ExitStack) -> None:
    ear = open_ear(QUICK)
    peer = stack.enter_context(closing(Peer.connecting(ear, block.carrier)))
    peer.says(message())
    assert peer.is_cut_off() == b""
    assert ear.listener.ended == {"idle": 1}


def test_a_stranger_who_says_nothing_is_cut(open_ear: Open, block: Block, stack: ExitStack) -> None:
    ear = open_ear(QUICK._replace(idle=60.0))
    ear.strangers.add(block.stranger)
    known = stack.enter_context(closing(Peer.connecting(ear, block.carrier)))
    stranger = stack.enter_context(closing(Peer.connecting(ear, block.stranger)))
    assert stranger.is_cut_off() == b""
    assert ear.listener.ended == {"says nothing": 1}
    known.says(message())
    ear.hears(1)


@pytest.mark.parametrize("word", [message(), b"\r\n\r\n"])
def test_a_stranger_who_has_said_something_is_kept(open_ear: Open, block: Block, stack: ExitStack, word: bytes) -> None:
    """He may be within a call, and has a connection's time then."""
    ear = open_ear(QUICK._replace(idle=60.0))
    ear.strangers.add(block.stranger)
    spoken = stack.enter_context(closing(Peer.connecting(ear, block.stranger)))
    spoken.says(word)
    silent = stack.enter_context(closing(Peer.connecting(ear, block.stranger)))
    assert silent.is_cut_off() == b""
    assert ear.listener.ended == {"says nothing": 1}
    assert ear.listener.counts() == (1, 0)


def test_the_oldest_stranger_makes_room(open_ear: Open, block: Block, stack: ExitStack) -> None:
    ear = open_ear(Bounds(strangers=2))
    hosts = [block.host(last) for last in (70, 71, 72)]
    ear.strangers.update(hosts)
    first, *others = (stack.enter_context(closing(Peer.connecting(ear, host))) for host in hosts)
    assert first.is_cut_off() == b""
    for each in others:
        each.says(message())
    ear.hears(2)
    assert ear.listener.ended == {"made room": 1}


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def open_secure(loop: asyncio.AbstractEventLoop, block: Block, stack: ExitStack, authority: Authority) -> Open:
    security = Security(Files(*authority.signs("edge", block.router[0]), ca=authority.file), lambda _: Expected())
    return lambda bounds: stack.enter_context(closing(Ear(loop, block.router, bounds, security)))


def shakes_hands(ear: Ear, host: str, authority: Authority) -> str | None:
    """The version of TLS that who comes from this host agrees on."""

    def agrees() -> str | None:
        sock = socket.create_connection(ear.address, 10, (host, 0))
        with authority.client().wrap_socket(sock) as tls:
            return tls.version()

    return ear.run(asyncio.to_thread(agrees))


def stall(ear: Ear, stack: ExitStack, hosts: Sequence[str]) -> None:
    """Begins a handshake from each of these, one after the other, and says nothing."""
    for host in hosts:
        before = ear.listener.accepted
        stack.enter_context(closing(Peer.connecting(ear, host)))
        ear.until(lambda before=before: ear.listener.accepted > before, "him to be taken")  # type: ignore[misc]


def test_a_stalled_handshake_of_a_strangers_makes_room(
    open_secure: Open, block: Block, stack: ExitStack, authority: Authority
) -> None:
    """Else who holds as many as there may be keeps every trunk out; a trunk's own is not given up."""
    ear = open_secure(Bounds(handshakes=2))
    strangers = [block.host(last) for last in (70, 71)]
    ear.strangers.update(strangers)
    stall(ear, stack, (strangers[0], block.premise))
    assert shakes_hands(ear, block.carrier, authority) == "TLSv1.3"
    ear.until(lambda: ear.listener.counts() == (1, 0), "all but the stalled one of the trunk to be gone")
    assert ear.listener.ended["no handshake"] == 1
    assert not ear.listener.refused


def test_a_trunk_that_stalls_in_every_handshake_keeps_no_other_out(
    open_secure: Open, block: Block, stack: ExitStack, authority: Authority
) -> None:
    """Of its own address no more are taken, nor does a stranger push any of them out."""
    ear = open_secure(Bounds(handshakes=3))
    stranger = block.host(70)
    ear.strangers.add(stranger)
    stall(ear, stack, [block.premise] * 3)
    for host in (block.premise, stranger):
        assert stack.enter_context(closing(Peer.connecting(ear, host))).is_cut_off() == b""
    assert ear.listener.refused == {"too many handshakes": 2}
    assert shakes_hands(ear, block.carrier, authority) == "TLSv1.3"
    ear.until(lambda: ear.listener.counts() == (2, 0), "the oldest of those that stall to be gone")


@pytest.mark.parametrize("known", [True, False])
def test_no_more_from_one_address_than_may_be(open_ear: Open, block: Block, stack: ExitStack, known: bool) -> None:
    ear = open_ear(Bounds(per_address=3, per_stranger=2))
    if not known:
        ear.strangers.add(block.carrier)
    most = 3 if known else 2
    peers = [stack.enter_context(closing(Peer.connecting(ear, block.carrier))) for _ in range(most + 1)]
    assert peers[-1].is_cut_off() == b""
    assert ear.listener.refused == {"too many from one address": 1}
    peers[0].close()
    ear.until(lambda: ear.listener.counts() == (most - 1, 0), "one to go")
    again = stack.enter_context(closing(Peer.connecting(ear, block.carrier)))
    again.says(message())
    ear.hears(1)


def test_a_full_listener_takes_nobody_but_in_a_strangers_place(open_ear: Open, block: Block, stack: ExitStack) -> None:
    ear = open_ear(Bounds(connections=2))
    ear.strangers.add(block.stranger)
    stranger = stack.enter_context(closing(Peer.connecting(ear, block.stranger)))
    stack.enter_context(closing(Peer.connecting(ear, block.carrier)))
    second = stack.enter_context(closing(Peer.connecting(ear, block.carrier)))
    assert stranger.is_cut_off() == b""
    second.says(message())
    ear.hears(1)
    third = stack.enter_context(closing(Peer.connecting(ear, block.carrier)))
    assert third.is_cut_off() == b""
    assert ear.listener.refused["too many connections"] >= 1


def test_a_thousand_connections(ear: Ear, block: Block, stack: ExitStack) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(soft, 4_096), hard), hard))
    peers = [stack.enter_context(closing(Peer.connecting(ear, block.carrier))) for _ in range(1_000)]
    ear.answer = message("answer")
    for number, peer in enumerate(peers):
        peer.says(message(str(number)))
    assert len(ear.hears(1_000)) == 1_000
    for peer in peers:
        assert peer.hears(len(ear.answer)) == ear.answer


def test_without_descriptors_nobody_is_taken_for_a_while(ear: Ear, block: Block, stack: ExitStack) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    sock = stack.enter_context(socket.socket())
    sock.bind((block.carrier, 0))
    sock.setblocking(False)

    async def connects_in_vain() -> None:  # the loop itself needs some whenever it is run
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
        try:
            await ear.loop.sock_connect(sock, ear.address)
            while not ear.listener.refused:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    ear.run(connects_in_vain())
    ear.run(ear.loop.sock_sendall(sock, message()))
    assert ear.hears(1) == [message()]
    assert ear.listener.refused == {"Too many open files": 1}


# ------------------------------------------------------------------------------------------------ being there


def test_an_address_is_taken_until_it_is_closed(ear: Ear, peer: Peer, block: Block) -> None:
    with pytest.raises(OSError, match="in use"):
        Ear(ear.loop, block.router)
    ear.close()
    assert peer.is_cut_off() == b""
    assert ear.listener.send(message(), (block.premise, 5060)) is False
    ear.close()  # twice is once
    with closing(Ear(ear.loop, block.router)):
        pass


def test_ipv6(loop: asyncio.AbstractEventLoop, stack: ExitStack) -> None:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6) as probe:
            port = probe.getsockname()[1]
    except OSError:
        pytest.skip("no IPv6 loopback here")
    ear = stack.enter_context(closing(Ear(loop, ("::1", port))))
    assert (ear.listener.via, ear.listener.contact) == (
        f"SIP/2.0/TCP [::1]:{port};branch=",
        f"<sip:[::1]:{port};transport=tcp>",
    )
    peer = stack.enter_context(closing(Peer.connecting(ear, "::1")))
    ear.answer = message("answer")
    peer.says(message())
    assert peer.hears(len(ear.answer)) == ear.answer
    assert ear.sources == [peer.address]


def test_behind_nat_it_is_called_what_it_advertises() -> None:
    listener = StreamListener("pstn", "127.0.0.1", 5060, "sbc.example.com:5070")
    assert (listener.advertised, listener.advertised_host) == ("sbc.example.com:5070", "sbc.example.com")
    assert listener.via == "SIP/2.0/TCP sbc.example.com:5070;branch="
    assert listener.contact == "<sip:sbc.example.com:5070;transport=tcp>"
