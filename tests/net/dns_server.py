"""A DNS server on a loopback address, with the records that a test gives it."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

SOA: Final = "ns.example. admin.example. 1 3600 600 86400 {}"


class DnsServer:
    """Answers by ``zone``: (name, type) to the records' texts. Nobody else's names are known to it.

    ``ttl`` goes with each answer, also with one that says no, and ``alias_ttl`` with a CNAME. ``code`` answers
    everything with that; ``deaf`` nothing.
    """

    def __init__(self, host: str = "127.0.0.1") -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((host, 0))
        self._socket.settimeout(0.05)
        self.address: tuple[str, int] = self._socket.getsockname()
        self.zone: dict[tuple[str, str], list[str]] = {}
        self.ttl = 1
        self.alias_ttl: int | None = None
        self.code: dns.rcode.Rcode | None = None
        self.deaf = False
        self.asked: list[tuple[str, str]] = []
        self._closed = False
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._closed = True
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while not self._closed:
            with suppress(TimeoutError, dns.exception.DNSException):
                data, source = self._socket.recvfrom(4096)
                answer = self._answer(dns.message.from_wire(data))
                if not self.deaf:
                    self._socket.sendto(answer.to_wire(), source)

    def _answer(self, query: dns.message.Message) -> dns.message.Message:
        question = query.question[0]
        name, kind = question.name.to_text(omit_final_dot=True).lower(), dns.rdatatype.to_text(question.rdtype)
        self.asked.append((kind, name))
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.AA
        if self.code is not None:
            answer.set_rcode(self.code)
            return answer
        seen = set()
        while (name, "CNAME") in self.zone and name not in seen:
            seen.add(name)
            (target,) = self.zone[name, "CNAME"]
            ttl = self.ttl if self.alias_ttl is None else self.alias_ttl
            answer.answer.append(dns.rrset.from_text(f"{name}.", ttl, "IN", "CNAME", target))
            name = target.rstrip(".")
        texts = self.zone.get((name, kind))
        if texts:
            answer.answer.append(dns.rrset.from_text_list(f"{name}.", self.ttl, "IN", kind, texts))
        else:
            if not any(known == name for known, _ in self.zone):
                answer.set_rcode(dns.rcode.NXDOMAIN)
            answer.authority.append(dns.rrset.from_text(".", self.ttl, "IN", "SOA", SOA.format(self.ttl)))
        return answer


@contextmanager
def dns_server(host: str = "127.0.0.1") -> Iterator[DnsServer]:
    server = DnsServer(host)
    try:
        yield server
    finally:
        server.close()
