"""What a SIP name leads to: which questions to put to DNS, what the answers mean, and when to ask again.

RFC 3263: a host with a port is asked for its addresses; a host alone for NAPTR, then SRV, then its addresses, by the
transports that we speak. Every answer is kept for its TTL and asked for again before that is over. Where DNS gives no
answer, the last one stays in use: only DNS itself can take it back.

No socket and no clock: time is given, in seconds that never go back. Whoever has both (resolver.py) asks what is
``due`` and tells what came of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import inf
from typing import Final, Literal, NamedTuple

Kind = Literal["NAPTR", "SRV", "A", "AAAA"]

SHORTEST: Final = 1.0
LONGEST: Final = 86_400.0
"""Seconds that an answer is kept at least and at most, whatever its TTL."""
LONGEST_NOTHING: Final = 300.0
"""The same for an answer that there is nothing: a wrong one mustn't keep a trunk down for a day (RFC 2308 §5)."""
RETRY_WITHIN: Final = 30.0
"""Seconds from one try to the next at most while DNS gives no answer; they begin with 1 and double."""
MOST_RECORDS: Final = 32
"""Records of one answer that count, and places of one name: nobody has more, and DNS is not ours."""
_REFRESH_AT: Final = 0.8  # of its TTL an answer is asked for again
_SERVICES: Final = {"SIP+D2U": "udp", "SIP+D2T": "tcp", "SIPS+D2T": "tls"}
_SRV: Final = {"udp": "_sip._udp.", "tcp": "_sip._tcp.", "tls": "_sips._tcp."}
_PORTS: Final = {"tls": 5061}


class Query(NamedTuple):
    """One question to DNS; the host has no dot at its end."""

    kind: Kind
    host: str


class Srv(NamedTuple):
    """An SRV record (RFC 2782); ``host`` is "" where it says that there is no such service."""

    priority: int
    weight: int
    port: int
    host: str


class Naptr(NamedTuple):
    """A NAPTR record (RFC 3403), as far as RFC 3263 has a use for it."""

    order: int
    preference: int
    flags: str
    service: str
    host: str


Record = Srv | Naptr | str


class Name(NamedTuple):
    """A name to follow: what a URI says of it, which kinds of address can be reached, and by which transports.

    ``transport`` is "" where the URI names none; with a ``port`` there is no SRV (RFC 3263 §4.2). ``spoken`` are the
    transports that we speak, best first.
    """

    host: str
    port: int | None = None
    transport: str = ""
    families: tuple[Kind, ...] = ("A", "AAAA")
    spoken: tuple[str, ...] = ("udp",)


class Place(NamedTuple):
    """An address that a name leads to; the lowest priority is tried first, weights share (RFC 2782)."""

    host: str
    port: int
    transport: str
    priority: int = 0
    weight: float = 1


class Standing:
    """What is known of a name: where it leads, and ``trouble``: why it leads nowhere, or why that may be old.

    ``settled`` says whether DNS was asked for all of it once, ``uses`` are the questions that stood on the way.
    """

    __slots__ = ("known_at", "places", "settled", "trouble", "uses")

    def __init__(self) -> None:
        self.places: tuple[Place, ...] = ()
        self.trouble = "DNS has not been asked yet"
        self.known_at = -inf
        self.settled = False
        self.uses: set[Query] = set()


class _Entry:
    """What is known of a query: its last answer, None before there was any, and when to ask next."""

    __slots__ = ("asked", "good_at", "next_at", "records", "tries", "why")

    def __init__(self) -> None:
        self.records: tuple[Record, ...] | None = None
        self.why = ""
        self.asked = False
        self.good_at = -inf
        self.next_at = -inf
        self.tries = 0


class Names:
    """The names that are followed. ``failures`` counts the questions that DNS gave no answer to."""

    def __init__(self) -> None:
        self.failures = 0
        self._entries: dict[Query, _Entry] = {}
        self._standing: dict[Name, Standing] = {}

    def follow(self, names: Iterable[Name], now: float) -> None:
        """Follows these names, and no others; what is known of those that stay is kept."""
        self._standing = {name: self._standing.get(name) or Standing() for name in names}
        self._look(self._standing)
        self._keep_used()

    def of(self, name: Name) -> Standing:
        """What is known of a name that is followed."""
        return self._standing[name]

    def all(self) -> Mapping[Name, Standing]:
        """All names that are followed."""
        return self._standing

    @property
    def settled(self) -> bool:
        """Whether each name leads somewhere, or it is known why not."""
        return all(each.settled for each in self._standing.values())

    def due(self, now: float) -> list[Query]:
        """The questions to ask now. Each is to be answered or failed before it comes again."""
        found = [query for query, entry in self._entries.items() if not entry.asked and entry.next_at <= now]
        for query in found:
            self._entries[query].asked = True
        return found

    @property
    def next_due(self) -> float:
        """When the next question is due, unless an answer comes before."""
        return min((entry.next_at for entry in self._entries.values() if not entry.asked), default=inf)

    def answered(self, query: Query, records: Sequence[Record], ttl: float, now: float, why: str = "") -> list[Name]:
        """DNS has answered; without records ``why`` says what. Gives the names that stand otherwise now."""
        entry = self._entries.get(query)
        if entry is None:
            return []  # nobody wants to know any more
        entry.records = tuple(sorted(records[:MOST_RECORDS], key=str))  # DNS may turn them round with each answer
        entry.why = why or f"there is no {query.kind} record of {query.host}"
        entry.asked, entry.tries, entry.good_at = False, 0, now
        longest = LONGEST if records else LONGEST_NOTHING
        entry.next_at = now + min(max(ttl, SHORTEST), longest) * _REFRESH_AT
        return self._look_at(query)

    def failed(self, query: Query, why: str, now: float) -> list[Name]:
        """DNS gave no answer. Gives the names that stand otherwise now."""
        entry = self._entries.get(query)
        if entry is None:
            return []
        self.failures += 1
        entry.why = why
        entry.asked = False
        entry.next_at = now + min(2.0**entry.tries, RETRY_WITHIN)
        entry.tries = min(entry.tries + 1, 10)
        return self._look_at(query)

    def _look_at(self, query: Query) -> list[Name]:
        return self._look([name for name, standing in self._standing.items() if query in standing.uses])

    def _look(self, names: Iterable[Name]) -> list[Name]:
        """Follows these names through what is known, and notes what to ask. Gives those that stand otherwise now."""
        changed = []
        others = False
        for name in names:
            standing = self._standing[name]
            walk = _Walk(self._entries)
            places = tuple(walk.places(name))[:MOST_RECORDS]
            others = others or walk.used != standing.uses
            standing.uses = walk.used
            if walk.waiting or (not places and walk.asking):
                continue
            before = standing.settled, standing.places, bool(standing.trouble)
            trouble = walk.failing[0] if walk.failing else ""
            if places or not trouble:
                standing.places = places
            standing.trouble = trouble or ("" if places else walk.nothing)
            known = (self._entries[query] for query in walk.used)
            standing.known_at = min((each.good_at for each in known if each.records is not None), default=-inf)
            standing.settled = True
            if (True, standing.places, bool(standing.trouble)) != before:
                changed.append(name)
        if others:
            self._keep_used()
        return changed

    def _keep_used(self) -> None:
        used = {query for standing in self._standing.values() for query in standing.uses}
        self._entries = {query: self._entries.get(query) or _Entry() for query in sorted(used)}


class _Walk:
    """One way through what is known, from a name to its addresses.

    ``used`` are the questions that stood on it; it is ``waiting`` where one of them wasn't answered yet, and ``asking``
    where one is asked again just now. ``failing`` are the words of those that DNS has no answer to now, ``nothing``
    those of the last that has no record.
    """

    def __init__(self, entries: Mapping[Query, _Entry]) -> None:
        self.used: set[Query] = set()
        self.waiting = False
        self.asking = False
        self.failing: list[str] = []
        self.nothing = ""
        self._entries = entries

    def places(self, name: Name) -> list[Place]:
        """Where the name leads, as far as is known."""
        transport = name.transport or ("udp" if "udp" in name.spoken else name.spoken[0])
        if name.port is not None:
            return self._addresses(name, name.host, name.port, transport)
        by_service = self._by_service(name)
        if by_service is not None or self.waiting:
            return by_service or []
        return self._addresses(name, name.host, _PORTS.get(transport, 5060), transport)

    def _by_service(self, name: Name) -> list[Place] | None:
        """By NAPTR and SRV; None where there are none."""
        unknown = False
        for transport, host in self._services(name):
            records = self._ask("SRV", host)
            if self.waiting:
                return []
            if records:
                return self._servers(name, transport, host, records)
            unknown = unknown or records is None
        return [] if unknown else None  # who has SRV records isn't looked for elsewhere because DNS is down

    def _services(self, name: Name) -> Iterable[tuple[str, str]]:
        """The transports in the order in which to try them, each with where its SRV records are."""
        if not name.transport:
            records = self._ask("NAPTR", name.host) or ()  # some servers never answer this, so that it stops nobody
            if self.waiting:
                return
            for record in sorted(each for each in records if isinstance(each, Naptr)):
                transport = _SERVICES.get(record.service.upper(), "")
                if record.flags.lower() == "s" and transport in name.spoken and record.host:
                    yield transport, record.host
        for transport in (name.transport,) if name.transport else name.spoken:
            yield transport, _SRV[transport] + name.host

    def _servers(self, name: Name, transport: str, host: str, records: Sequence[Record]) -> list[Place]:
        found: list[Place] = []
        servers = [each for each in records if isinstance(each, Srv)]
        if not any(each.host for each in servers):
            self.nothing = f"{host} says that there is no such service"
        for each in sorted(servers):
            if each.host:
                places = self._addresses(name, each.host, each.port, transport, each.priority)
                # The weight is the server's: one with many addresses gets no more for that.
                found += [place._replace(weight=each.weight / len(places)) for place in places]
        return found

    def _addresses(self, name: Name, host: str, port: int, transport: str, priority: int = 0) -> list[Place]:
        found: list[Place] = []
        for family in name.families:
            addresses = self._ask(family, host) or ()
            found += [Place(each, port, transport, priority) for each in addresses if isinstance(each, str)]
        return found

    def _ask(self, kind: Kind, host: str) -> tuple[Record, ...] | None:
        """The records of an answer, None where there is none."""
        query = Query(kind, host)
        self.used.add(query)
        entry = self._entries.get(query)
        if entry is None or (entry.records is None and not entry.tries):
            self.waiting = True
            return None
        self.asking = self.asking or entry.asked
        if entry.tries and not (kind == "NAPTR" and entry.records is None):
            self.failing.append(entry.why)
        elif not entry.records:
            self.nothing = entry.why
        return entry.records
