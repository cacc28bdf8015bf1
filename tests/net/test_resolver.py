"""Names resolved by a real DNS server on a loopback port; nothing leaves the machine."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from typing import cast

import dns.flags
import dns.message
import dns.rcode
import dns.resolver
import dns.rrset
import pytest

from edge_router.net.dns_client import DnsClient, NoAnswer
from edge_router.net.names import Name, Naptr, Place, Query, Srv
from edge_router.net.resolver import MOST_AT_ONCE, Resolver
from tests.net.dns_server import DnsServer, dns_server

HOST = "proxy.example.com"
NAME = Name(HOST, families=("A",))


@pytest.fixture
def server() -> Iterator[DnsServer]:
    with dns_server() as server:
        yield server


class Told:
    """How often a change was told."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> None:
        self.times += 1


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
async def resolver(told: Told) -> AsyncIterator[Resolver]:
    resolver = Resolver(told)
    yield resolver
    await resolver.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(15):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def places(resolver: Resolver, name: Name = NAME) -> list[Place]:
    return list(resolver.of(name).places)


async def test_answers_of_each_kind(server: DnsServer) -> None:
    server.ttl = 77
    server.zone = {
        (HOST, "A"): ["192.0.2.1", "192.0.2.2"],
        (HOST, "AAAA"): ["2001:db8::1"],
        ("_sip._udp." + HOST, "SRV"): ["10 60 5070 a.example.com.", "0 0 0 ."],
        (HOST, "NAPTR"): ['50 51 "s" "SIP+D2U" "" _sip._udp.proxy.example.com.'],
        ("alias.example.com", "CNAME"): [f"{HOST}."],
    }
    client = DnsClient([server.address])
    reply = await client.ask(Query("A", HOST))
    assert (sorted(map(str, reply.records)), reply.ttl) == (["192.0.2.1", "192.0.2.2"], 77)
    assert (await client.ask(Query("AAAA", HOST))).records == ["2001:db8::1"]
    assert sorted(map(str, (await client.ask(Query("A", "alias.example.com"))).records)) == ["192.0.2.1", "192.0.2.2"]
    srv = (await client.ask(Query("SRV", "_sip._udp." + HOST))).records
    assert set(srv) == {Srv(10, 60, 5070, "a.example.com"), Srv(0, 0, 0, "")}
    naptr = (await client.ask(Query("NAPTR", HOST))).records
    assert naptr == [Naptr(50, 51, "s", "SIP+D2U", "_sip._udp.proxy.example.com")]


async def test_that_there_is_nothing_and_for_how_long(server: DnsServer) -> None:
    server.ttl = 33
    server.zone = {(HOST, "A"): ["192.0.2.1"]}
    client = DnsClient([server.address])
    no_record = await client.ask(Query("AAAA", HOST))
    assert (no_record.records, no_record.ttl, no_record.why) == ([], 33, "")
    no_name = await client.ask(Query("A", "nobody.example.com"))
    assert (list(no_name.records), no_name.ttl, no_name.why) == ([], 33, "DNS has no name nobody.example.com")


async def test_an_alias_counts_for_as_long_as_the_shorter_of_both(server: DnsServer) -> None:
    server.ttl, server.alias_ttl = 77, 5
    server.zone = {(HOST, "A"): ["192.0.2.1"], ("alias.example.com", "CNAME"): [f"{HOST}."]}
    assert (await DnsClient([server.address]).ask(Query("A", "alias.example.com"))).ttl == 5


async def test_aliases_that_go_round_lead_nowhere(server: DnsServer) -> None:
    server.zone = {("a.example.com", "CNAME"): ["b.example.com."], ("b.example.com", "CNAME"): ["a.example.com."]}
    with pytest.raises(NoAnswer):
        await DnsClient([server.address]).ask(Query("A", "a.example.com"))


async def test_a_server_that_can_not_answer(server: DnsServer) -> None:
    server.code = dns.rcode.SERVFAIL
    with pytest.raises(NoAnswer, match=rf"DNS has no answer for {HOST} \(SERVFAIL\)"):
        await DnsClient([server.address]).ask(Query("A", HOST))


async def test_a_name_that_is_none_for_dns() -> None:
    with pytest.raises(NoAnswer, match="can't be asked for"):
        await DnsClient([("127.0.0.1", 9)]).ask(Query("A", "a" * 64 + ".example.com"))


async def test_a_name_is_resolved_and_kept_so(
    server: DnsServer, resolver: Resolver, told: Told, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "edge_router")
    server.zone = {(HOST, "A"): ["192.0.2.1"]}
    await resolver.follow([NAME], [server.address], 15)
    assert places(resolver) == [Place("192.0.2.1", 5060, "udp")]
    server.zone = {
        (f"_sip._udp.{HOST}", "SRV"): ["1 0 5070 b.example.com."],
        ("b.example.com", "A"): ["192.0.2.9"],
    }
    await until(lambda: places(resolver) == [Place("192.0.2.9", 5070, "udp", 1, 0)])
    assert told.times == 2
    assert [record.getMessage() for record in caplog.records] == [
        f"{HOST} leads to 192.0.2.1 port 5060",
        f"{HOST} leads to 192.0.2.9 port 5070",
    ]


async def test_dns_goes_and_comes_back(
    server: DnsServer, resolver: Resolver, told: Told, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)  # whatever level another test has begun to log at
    server.zone = {(HOST, "A"): ["192.0.2.1"]}
    await resolver.follow([NAME], [server.address], 15)
    server.code = dns.rcode.SERVFAIL
    await until(lambda: bool(resolver.of(NAME).trouble))
    await until(lambda: resolver.failures > 3)
    assert places(resolver) == [Place("192.0.2.1", 5060, "udp")]
    assert len(caplog.records) == 1
    assert "SERVFAIL" in caplog.records[0].getMessage()
    server.code = None
    await until(lambda: not resolver.of(NAME).trouble)
    assert told.times == 3


async def test_who_waits_for_dns_that_is_silent_waits_no_longer_than_he_says(
    server: DnsServer, resolver: Resolver
) -> None:
    server.deaf = True
    await resolver.follow([NAME], [server.address], 0.05)
    assert (places(resolver), resolver.of(NAME).trouble) == ([], "DNS has not been asked yet")


async def test_other_servers_are_asked_after_a_change(server: DnsServer, resolver: Resolver) -> None:
    server.zone = {(HOST, "A"): ["192.0.2.1"]}
    other = Name("other.example.com", 5060, families=("A",))
    await resolver.follow([NAME], [server.address], 15)
    with dns_server() as second:
        second.zone = {("other.example.com", "A"): ["192.0.2.2"]}
        await resolver.follow([other], [second.address], 15)
        assert places(resolver, other) == [Place("192.0.2.2", 5060, "udp")]


async def test_no_more_than_some_questions_wait_at_a_time(server: DnsServer, resolver: Resolver) -> None:
    server.deaf = True
    names = [Name(f"n{n}.example.com", 5060, families=("A",)) for n in range(3 * MOST_AT_ONCE)]
    await resolver.follow(names, [server.address], 0.5)
    assert len(set(server.asked)) == MOST_AT_ONCE


async def test_without_names_nothing_is_asked_and_nothing_runs(server: DnsServer, resolver: Resolver) -> None:
    await resolver.follow([], [server.address], 15)
    assert (server.asked, asyncio.all_tasks()) == ([], {asyncio.current_task()})


async def test_it_may_be_closed_as_soon_as_an_answer_is_there(server: DnsServer, resolver: Resolver) -> None:
    """An answer wakes the task that asks; a cancellation that comes at the same moment is not lost."""
    server.zone = {(HOST, "A"): ["192.0.2.1"]}
    await resolver.follow([NAME], [server.address], 5.0)
    assert places(resolver)
    async with asyncio.timeout(15):
        await resolver.close()


def big_answer(question: bytes, flags: int, count: int) -> bytes:
    """An answer with so many addresses, all of them different."""
    addresses = [b"\x0a\0" + number.to_bytes(2) for number in range(count)]
    records = b"".join([b"\xc0\x0c\0\1\0\1\0\0\0\0\0\4" + address for address in addresses])
    return question[:2] + flags.to_bytes(2) + b"\0\1" + count.to_bytes(2) + bytes(4) + question[12:] + records


@pytest.mark.parametrize("records", [100, 4_000])
async def test_an_answer_of_a_size_that_no_honest_one_has_is_not_read(records: int) -> None:
    """Reading 4,000 records takes a tenth of a second, in which no call goes on; over TCP as many may come."""

    class Truncated(asyncio.DatagramProtocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = cast("asyncio.DatagramTransport", transport)

        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            self.transport.sendto(big_answer(data, 0x8780, 0), addr)

    async def whole(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        question = await reader.readexactly(int.from_bytes(await reader.readexactly(2)))
        said = big_answer(question, 0x8580, records)
        writer.write(len(said).to_bytes(2) + said)
        writer.close()

    server = await asyncio.start_server(whole, "127.0.0.1", 0)
    place = server.sockets[0].getsockname()
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(Truncated, place)
    client = DnsClient([place])
    try:
        if records == 100:
            assert (await client.ask(Query("A", "big.example"))).records
        else:
            with pytest.raises(NoAnswer, match=r"an answer of 640\d\d octets"):
                await client.ask(Query("A", "big.example"))
    finally:
        transport.close()
        server.close()


@pytest.mark.parametrize("wrong", ["id", "question"])
async def test_an_answer_over_tcp_to_another_question_is_none(wrong: str) -> None:
    """Over UDP whoever guesses is passed over, and the true one waited for; a connection has one that speaks."""

    class Truncated(asyncio.DatagramProtocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = cast("asyncio.DatagramTransport", transport)

        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            truncated = dns.message.make_response(dns.message.from_wire(data))
            truncated.flags |= dns.flags.TC
            self.transport.sendto(truncated.to_wire(), addr)

    async def lie(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = dns.message.from_wire(await reader.readexactly(int.from_bytes(await reader.readexactly(2))))
        if wrong == "question":
            asked.question = dns.message.make_query("other.example", "A").question
        answer = dns.message.make_response(asked)
        answer.answer.append(dns.rrset.from_text(asked.question[0].name, 60, "IN", "A", "192.0.2.66"))
        answer.id ^= wrong == "id"
        said = answer.to_wire()
        writer.write(len(said).to_bytes(2) + said)
        writer.close()

    server = await asyncio.start_server(lie, "127.0.0.1", 0)
    place = server.sockets[0].getsockname()
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(Truncated, place)
    try:
        with pytest.raises(NoAnswer):
            await DnsClient([place]).ask(Query("A", "true.example"))
    finally:
        transport.close()
        server.close()


@pytest.mark.parametrize("records", [100, 4_000])
async def test_nor_is_a_datagram_of_that_size(records: int) -> None:
    """There is no question of ours that allows more than 512 octets, so an honest server never sends it."""

    class Generous(asyncio.DatagramProtocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = cast("asyncio.DatagramTransport", transport)

        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            self.transport.sendto(big_answer(data, 0x8580, records), addr)
            self.transport.sendto(big_answer(data, 0x8580, 1), addr)

    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(Generous, ("127.0.0.1", 0))
    try:
        reply = await DnsClient([transport.get_extra_info("sockname")]).ask(Query("A", "big.example"))
        assert len(reply.records) == (records if records == 100 else 1)
    finally:
        transport.close()


async def test_after_a_failure_the_system_may_name_other_servers(
    server: DnsServer, resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever has none of his own asks those of the system, which are others after a new lease."""
    system = [server]

    def reads(of: dns.resolver.BaseResolver, _: str) -> None:
        of.nameservers, of.port = [system[0].address[0]], system[0].address[1]

    monkeypatch.setattr(dns.resolver.BaseResolver, "read_resolv_conf", reads)
    server.code = dns.rcode.SERVFAIL
    with dns_server() as second:
        second.zone = {(HOST, "A"): ["192.0.2.2"]}
        await resolver.follow([Name(HOST, 5060, families=("A",))], [], 0.3)
        system[0] = second
        await until(lambda: places(resolver, Name(HOST, 5060, families=("A",))) == [Place("192.0.2.2", 5060, "udp")])
