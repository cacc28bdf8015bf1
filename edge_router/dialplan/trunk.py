"""Trunks and their targets as the configuration states them.

Only data lives here: nothing in it changes while a configuration is in force. How a trunk is doing is LiveTrunk's
business, in which order its targets are tried is hunting.py's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

from edge_router.dialplan.correlation import Correlation
from edge_router.dialplan.failures import DEFAULT_FAILURES, FailureSet
from edge_router.dialplan.pass_headers import PassHeaders
from edge_router.dialplan.translation import Translations

Hunt = Literal["preference", "round-robin", "weighted", "random"]
CalledFrom = Literal["request-uri", "to", "p-called-party-id"]
CallingFrom = Literal["pai", "from"]


@dataclass(frozen=True, slots=True)
class Target:
    """One place that a trunk can send to. `uri` is how it was written, `host` an IP address."""

    uri: str
    host: str
    port: int = 5060
    transport: str = "udp"
    preference: int = 0
    """The lowest is tried first, as in a CUBE server-group."""
    weight: int = 100
    """Its share among targets of one preference where the trunk hunts by weight; 0 is tried last."""
    address: tuple[str, int] = field(init=False, repr=False, compare=False)
    place: str = field(init=False, repr=False, compare=False)
    """Host and port as they stand in a URI."""

    def __post_init__(self) -> None:
        # Both made once: a socket wants the one per datagram, a Request-URI the other per call.
        object.__setattr__(self, "address", (self.host, self.port))
        object.__setattr__(
            self, "place", f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"
        )


@dataclass(frozen=True, slots=True)
class Limit:
    """How many calls at a time, and how many new ones a second. None: as many as come."""

    max_calls: int | None = None
    max_cps: float | None = None


UNLIMITED: Final = Limit()


@dataclass(frozen=True, slots=True)
class Trunk:
    """A trunk: who may call from it, where it leads, and how its targets are tried. Timeouts are in seconds."""

    name: str
    targets: tuple[Target, ...] = ()
    sources: tuple[str, ...] = ()
    """Addresses and networks that may start a call here besides the targets themselves."""
    listen: str | None = None
    """The listener that it leaves by, and the only one that its sources count on; None: any."""
    accepts: frozenset[str] = frozenset({"redirect", "refer"})
    accept_identity: bool = False
    """Whether P-Asserted-Identity from it is believed (RFC 3325)."""
    send_identity: bool = False
    """Whether it is given P-Asserted-Identity, also of callers who ask for privacy."""
    called_from: CalledFrom = "request-uri"
    """Where the called number of its calls stands; the Request-URI's counts where there is none."""
    calling_from: CallingFrom = "pai"
    """Where their calling number stands; From's counts where no identity is asserted, or it isn't believed."""
    translate_in: Translations | None = None
    """What becomes of the numbers of its calls before anything is matched."""
    translate_out: Translations | None = None
    """What becomes of the numbers of calls to it, last of all."""
    hunt: Hunt = "preference"
    connect_timeout: float = 2.0
    progress_timeout: float = 6.0
    answer_timeout: float = 60.0
    hunt_on: FailureSet = DEFAULT_FAILURES
    next_peer_on: FailureSet = DEFAULT_FAILURES
    final_503: int | None = 500
    """What a target's 503 becomes on its way to the caller (RFC 3261 §16.7); None passes it on as it is."""
    refer: Literal["consume", "pass"] = "consume"
    """What becomes of its REFERs inside a call: the router calls the new party itself, or they go to the other side."""
    pass_headers: PassHeaders = field(default_factory=PassHeaders)
    correlation: Correlation | None = None
    """What tells its other side which call this is; None: nothing."""
    inbound_limit: Limit = UNLIMITED
    outbound_limit: Limit = UNLIMITED
    limit: Limit = UNLIMITED
    """Both ways together."""
