"""A stage for stories of calls: the real router on a fake clock, and the ends that it talks to.

Everything between a YAML file and a datagram is real; what is missing is the socket and the passing of time. A message
is there as soon as it is sent, and time passes only when a story says so.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

import yaml

from edge_router.b2bua.reports.events import Silence
from edge_router.b2bua.reports.record import CallRecord
from edge_router.b2bua.router import Router
from edge_router.config.build import build, picture_of
from edge_router.config.loading import examine_bytes
from edge_router.config.models import Config
from edge_router.config.tables import Tables
from edge_router.net.listener import LARGEST_DATAGRAM
from edge_router.sip.timers import GIVE_UP, T4, TICK
from tests.b2bua.leg import Leg, Party
from tests.end_to_end.wire import Wire

Address = tuple[str, int]
Settings = Mapping[str, Any]

HOME: Final = ("192.0.2.1", 5060)
PREMISE_ONLY: Final = "+18005551000"
CLOUD_FIRST: Final = "+18005552000"
REDIRECTED: Final = "+18005553000"
REFERRED: Final = "+18005554000"
REJECTED: Final = "+18005555000"
UNKNOWN: Final = "+19995550100"
"""Called numbers, by what the usual configuration does with them."""


DIAL_PEERS: Final[Sequence[Settings]] = (
    {"name": "from-carrier", "incoming": {"trunk": "carrier", "called": "+1800555...."}, "policy": "door"},
    {"name": "cloud", "outgoing": {"trunk": "cloud"}},
    {"name": "premise", "outgoing": {"trunk": "premise"}},
)


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.ticks = 100_000

    def __call__(self) -> float:
        return (self.ticks + 0.5) * TICK


class Line:
    """A listener whose wires end on the stage."""

    host: Final = "192.0.2.1"
    advertised: Final = "192.0.2.1:5060"
    advertised_host: Final = "192.0.2.1"

    def __init__(self, name: str = "pstn", transport: str = "udp") -> None:
        self.name: Final = name
        self.transport: Final = transport
        self.reliable = transport != "udp"
        self.via: Final = f"SIP/2.0/{transport.upper()} {self.advertised};branch="
        self.contact: Final = f"<sip:{self.advertised}{';transport=tcp' if self.reliable else ''}>"
        self.parties: dict[Address, Party] = {}
        self.cut: set[Address] = set()
        """Addresses that nothing can be sent to."""
        self.deaf: set[str] = set()
        """Hosts where nobody listens."""

    def is_accepted(self, address: Address) -> bool:
        return False

    def alias(self, source: Address, port: int) -> None:
        raise AssertionError("there are no connections")

    def names_of(self, address: Address) -> frozenset[str]:
        return frozenset()

    def send(self, data: bytes, address: Address) -> bool:
        if address[0] in self.deaf:
            return True
        message = Wire.read(data)
        if address in self.cut or len(data) > LARGEST_DATAGRAM:
            return False
        self.parties[address].take(message)
        return True


class Ear(Silence):
    """Keeps what the router tells of its calls."""

    def __init__(self) -> None:
        self.records: list[CallRecord] = []
        self.refused: Counter[str] = Counter()
        self.failovers: list[tuple[str, str, str]] = []
        self.rang = 0
        self.emergencies: list[str] = []
        """The trunks of emergency calls, at once when they came."""
        self.turned_away: list[str] = []
        """The trunks of emergency calls for which there was no room."""
        self.strange: list[tuple[str, int]] = []
        """Responses of nobody knows which trunk."""

    def response(self, direction: str, method: str, code: int, trunk: str) -> None:
        if not trunk:
            self.strange.append((method, code))

    def emergency_began(self, trunk: str) -> None:
        self.emergencies.append(trunk)

    def emergency_refused(self, trunk: str) -> None:
        self.turned_away.append(trunk)

    def rejected(self, reason: str) -> None:
        self.refused[reason] += 1

    def failover(self, came_from: str, went_to: str, reason: str) -> None:
        self.failovers.append((came_from, went_to, reason))

    def ringing(self, record: CallRecord) -> None:
        self.rang += 1

    def ended(self, record: CallRecord) -> None:
        assert record.end is not None
        assert record.outcome
        self.records.append(record)


class Stage:
    """A router, a carrier that calls, a cloud of two targets and a premise of one that are called."""

    def __init__(self, config: Config, tables: Tables | None = None) -> None:
        self.clock = Clock()
        self.line = Line()
        self.ear = Ear()
        self.picture = picture_of(config, self.clock())
        routing = build(config, self.clock, picture=self.picture, tables=tables)
        self.router = Router(routing, {"pstn": self.line}, self.ear, self.clock)
        self.carrier = self.party("198.51.100.1")
        self.cloud = self.party("198.51.100.21")
        self.spare = self.party("198.51.100.22")
        self.premise = self.party("198.51.100.31")

    def party(self, host: str, port: int = 5060) -> Party:
        """Whoever is at this address."""
        address = (host, port)
        if address not in self.line.parties:
            self.line.parties[address] = Party(address, HOME, self._receive)
        return self.line.parties[address]

    def _receive(self, message: Wire, source: Address) -> None:
        self.router.receive(message.encode(), source, self.line)

    def pass_time(self, seconds: float) -> None:
        """Lets so much time pass, tick by tick, and one tick more: a timer fires up to one late."""
        for _ in range(round(seconds / TICK) + 1):
            self.clock.ticks += 1
            self.router.tick()

    # What stories begin with

    def ringing(self, called: str = PREMISE_ONLY, at: Party | None = None) -> tuple[Leg, Leg]:
        """A caller who hears ringing, and the callee who rings."""
        caller = self.carrier.calls(called)
        callee = (at or self.premise).is_called()
        callee.says(180)
        caller.hears(100)
        caller.hears(180)
        return caller, callee

    def connected(self, called: str = PREMISE_ONLY, at: Party | None = None) -> tuple[Leg, Leg]:
        """Both ends of a call that stands."""
        caller, callee = self.ringing(called, at)
        callee.says(200)
        caller.hears(200)
        caller.ack()
        callee.hears("ACK")
        return caller, callee

    # What they end with

    @property
    def record(self) -> CallRecord:
        """The record of the only call that is over."""
        assert len(self.ear.records) == 1, self.ear.records
        return self.ear.records[0]

    def loads(self) -> dict[str, tuple[int, int]]:
        """Calls in progress of the node, and from and to each trunk; what is 0 is left out."""
        routing = self.router.routing
        counts = {name: trunk.counts() for name, trunk in routing.trunks.items()} | {"": (routing.load.calls, 0)}
        return {name: count for name, count in counts.items() if count != (0, 0)}

    def all_is_over(self) -> None:
        """Every word was heard, no call is left, nothing more is said, and 64*T1 + T4 later nothing is kept."""
        assert not self.ear.strange
        self.hear_silence()
        assert self.router.calls == {}
        assert self.loads() == {}
        self.pass_time(GIVE_UP + T4)
        self.hear_silence()
        counts = self.router.counts()
        assert counts == dict.fromkeys(counts, 0), counts
        assert len(self.router.deadlines) == 0

    def hear_silence(self) -> None:
        """Nobody has been sent anything that the story has not told of."""
        for party in self.line.parties.values():
            assert not party.unheard, f"{party.address} hears more than the story tells:\n{party.unheard[0]}"


def configuration(
    rules: Sequence[Settings] = (),
    carrier: Settings | None = None,
    cloud: Settings | None = None,
    premise: Settings | None = None,
    door: Settings | None = None,
    peers: Sequence[Settings] = (),
    **top: Any,
) -> Config:
    """The usual configuration, and what a story wants different.

    ``rules`` come before the usual ones; ``carrier``, ``cloud`` and ``premise`` set keys of these trunks, ``door`` of
    the policy, ``top`` those at the top. ``peers`` come besides the usual dial-peers, or in the place of one.
    """
    return examined(rules, carrier, cloud, premise, door, peers, ".", **top)[0]


def examined(
    rules: Sequence[Settings] = (),
    carrier: Settings | None = None,
    cloud: Settings | None = None,
    premise: Settings | None = None,
    door: Settings | None = None,
    peers: Sequence[Settings] = (),
    folder: str = ".",
    **top: Any,
) -> tuple[Config, Tables]:
    """The same with the files that it names, which are in a ``folder``."""

    def rule(name: str, called: str, **what: Any) -> Settings:
        return {"name": name, "when": f'call.called.startsWith("{called[:9]}")', **what}

    cloud_targets = [{"uri": f"sip:198.51.100.2{n}:5060", "preference": n} for n in (1, 2)]
    usual_rules = [
        rule("premise only", PREMISE_ONLY, to="premise", final=True),
        rule("cloud first", CLOUD_FIRST, to=["cloud", "premise"]),
        rule("redirected", REDIRECTED, to=["cloud", "premise"], by="redirect"),
        rule("referred", REFERRED, to=["cloud", "premise"], by="refer"),
        rule("rejected", REJECTED, reject=480, reason="Too busy", cause=42, retry_after=7),
    ]
    settings = {
        "node": "edge-1",
        "listen": [{"name": "pstn", "transport": "udp", "address": "192.0.2.1:5060"}],
        "trunks": {
            "carrier": {"targets": ["sip:198.51.100.1:5060"], **(carrier or {})},
            "cloud": {"targets": cloud_targets, **(cloud or {})},
            "premise": {"targets": ["sip:198.51.100.31:5060"], **(premise or {})},
        },
        "dial_peers": [*({peer["name"]: peer for peer in (*DIAL_PEERS, *peers)}).values()],
        "policies": {
            "door": {"rules": [*rules, *usual_rules], "otherwise": {"to": "premise"}, "revisit": True, **(door or {})}
        },
    }
    return _load(yaml.safe_dump({**settings, **top}, sort_keys=False), f"{folder}/stage.yaml")


@cache
def _load(text: str, file: str) -> tuple[Config, Tables]:
    found = examine_bytes(text.encode(), file)
    assert found.config is not None, "\n".join(map(str, found.faults))
    return found.config, found.tables
