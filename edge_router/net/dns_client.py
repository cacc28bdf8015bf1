"""One question to a DNS server, by dnspython, and its answer as names.py reads it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import dns.asyncquery
import dns.asyncresolver
import dns.exception
import dns.message
import dns.name
import dns.nameserver
import dns.resolver
from dns.rdata import Rdata
from dns.rdtypes.IN.NAPTR import NAPTR
from dns.rdtypes.IN.SRV import SRV

from edge_router.net.address import Address, family_of
from edge_router.net.names import Naptr, Query, Record, Srv

PATIENCE: Final = 5.0
"""Seconds that all servers together have for an answer."""
_NEGATIVE_TTL: Final = 60.0  # of a name that isn't there, where it isn't said for how long (RFC 2308 §5)


MOST_OCTETS: Final = 8_192
"""Of an answer. One of 64 KB takes a tenth of a second to read, in which no call goes on."""


class NoAnswer(Exception):
    """No server gave an answer; the text says why."""


class Reply(NamedTuple):
    """What DNS said: without records ``why`` says what there is instead."""

    records: Sequence[Record]
    ttl: float
    why: str = ""


class _Datagrams:
    """A socket of dnspython's where what is larger than an honest answer is an empty datagram, which counts as none."""

    def __init__(self, sock: Any) -> None:
        self.family: Final[int] = sock.family
        self._sock = sock

    async def sendto(self, what: bytes, destination: Any, timeout: float | None) -> int:  # noqa: ASYNC109
        """Sends a datagram."""
        sent: int = await self._sock.sendto(what, destination, timeout)
        return sent

    async def recvfrom(self, size: int, timeout: float | None) -> tuple[bytes, Any]:  # noqa: ASYNC109
        """The next datagram, and where it came from."""
        data, source = await self._sock.recvfrom(size, timeout)
        return (data if len(data) <= MOST_OCTETS else b""), source


class _Server(dns.nameserver.Do53Nameserver):
    """A server whose answers are looked at only where they are of a size that an honest one has."""

    async def async_query(
        self,
        request: dns.message.QueryMessage,
        timeout: float,  # noqa: ASYNC109, dnspython's own
        source: str | None,
        source_port: int,
        max_size: bool,
        backend: Any,
        one_rr_per_rrset: bool = False,
        ignore_trailing: bool = False,
    ) -> dns.message.Message:
        """The answer to a question; raises what the resolver knows."""
        if not max_size:
            return await self._over_udp(request, timeout, backend)
        try:
            async with asyncio.timeout(timeout):
                wire = await self._over_tcp(request.to_wire())
        except (asyncio.IncompleteReadError, TimeoutError) as error:
            raise dns.exception.Timeout from error
        response = dns.message.from_wire(wire)
        if not request.is_response(response):
            raise dns.exception.FormError("that is no answer to the question")  # type: ignore[no-untyped-call]
        return response

    async def _over_udp(self, request: dns.message.QueryMessage, within: float, backend: Any) -> dns.message.Message:
        async with await backend.make_socket(family_of(self.address), socket.SOCK_DGRAM) as sock:
            bounded: Any = _Datagrams(sock)  # any class will do that has these methods, whatever dnspython's types say
            return await dns.asyncquery.udp(
                request,
                self.address,
                within,
                self.port,
                ignore_unexpected=True,
                raise_on_truncation=True,
                ignore_errors=True,
                sock=bounded,
            )

    async def _over_tcp(self, question: bytes) -> bytes:
        reader, writer = await asyncio.open_connection(self.address, self.port)
        try:
            writer.write(len(question).to_bytes(2) + question)
            octets = int.from_bytes(await reader.readexactly(2))
            if octets > MOST_OCTETS:
                raise dns.exception.FormError(f"an answer of {octets} octets")  # type: ignore[no-untyped-call]
            return await reader.readexactly(octets)
        finally:
            writer.close()


class DnsClient:
    """Asks these servers, in their order; where there are none, those of the system. Raises NoAnswer where it can't."""

    def __init__(self, servers: Sequence[Address] = ()) -> None:
        try:
            self._resolver = dns.asyncresolver.Resolver(configure=not servers)
        except dns.exception.DNSException as error:
            raise NoAnswer(f"the system names no DNS server: {error}") from None
        known = servers or [(str(each), self._resolver.port) for each in self._resolver.nameservers]
        if known:
            self._resolver.nameservers = [_Server(*server) for server in known]

    async def ask(self, query: Query) -> Reply:
        """The answer to a question. Raises NoAnswer."""
        try:
            host = dns.name.from_text(query.host)
            answer = await self._resolver.resolve(
                host, query.kind, raise_on_no_answer=False, lifetime=PATIENCE, search=False
            )
        except dns.resolver.NXDOMAIN as error:
            return Reply((), _negative_ttl(error), f"DNS has no name {query.host}")
        except dns.exception.Timeout:
            raise NoAnswer(f"no DNS server answers for {query.host}") from None
        except dns.resolver.NoNameservers as error:
            raise NoAnswer(f"DNS has no answer for {query.host} ({_codes(error)})") from None
        except (dns.exception.DNSException, OSError) as error:
            raise NoAnswer(f"{query.host} can't be asked for: {error}") from None
        return Reply([_record(each) for each in answer.rrset or ()], answer.chaining_result.minimum_ttl)


def _record(data: Rdata) -> Record:
    if isinstance(data, SRV):
        return Srv(data.priority, data.weight, data.port, _host(data.target))
    if isinstance(data, NAPTR):
        flags, service = (text.decode("ascii", "replace") for text in (data.flags, data.service))
        return Naptr(data.order, data.preference, flags, service, _host(data.replacement))
    return data.to_text()


def _host(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True).lower() if name != dns.name.root else ""


def _negative_ttl(error: dns.resolver.NXDOMAIN) -> float:
    responses = error.kwargs.get("responses") or {}
    for response in responses.values():
        if isinstance(response, dns.message.QueryMessage):
            return float(response.resolve_chaining().minimum_ttl)
    return _NEGATIVE_TTL


def _codes(error: dns.resolver.NoNameservers) -> str:
    said = {str(each[3]) for each in error.kwargs.get("errors") or ()}
    return ", ".join(sorted(said)) or "no server"
