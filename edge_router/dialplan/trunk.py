"""Trunks and their targets as the configuration states them.

Only data lives here: nothing in it changes while a configuration is in force. How a trunk is doing is LiveTrunk's
business, in which order its targets are tried is hunting.py's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

from edge_router.dialplan.correlation import Correlation
from edge_router.dialplan.error_map import ErrorMap
from edge_router.dialplan.failures import DEFAULT_FAILURES, FailureSet
from edge_router.dialplan.pass_headers import PassHeaders
from edge_router.dialplan.translation import Translations
from state_client.webex.secret import Secret

Hunt = Literal["preference", "round-robin", "weighted", "random"]
CalledFrom = Literal["request-uri", "to", "p-called-party-id"]
Redirects = Literal["follow", "pass"]
CallingFrom = Literal["pai", "from"]
Rel1xx = Literal["supported", "require", "disabled"]


@dataclass(frozen=True, slots=True)
class Target:
    """One place that a trunk can send to. `uri` is how it was written, `host` an IP address.

    Where a DNS name was written, `named` is that name, with the port if one was written: what stands in a URI. `host`
    is one of the addresses that it leads to then, or the name itself where it isn't known yet where that is.
    """

    uri: str
    host: str
    port: int = 5060
    transport: str = "udp"
    preference: int = 0
    """The lowest is tried first, as in a CUBE server-group."""
    weight: int = 100
    """Its share among targets of one preference where the trunk hunts by weight; 0 is tried last."""
    named: str = ""
    address: tuple[str, int] = field(init=False, repr=False, compare=False)
    place: str = field(init=False, repr=False, compare=False)
    """Host and port as they stand in a URI."""
    at: str = field(init=False, repr=False, compare=False)
    """Address and port, by which two places of one name are told apart."""
    label: str = field(init=False, repr=False, compare=False)
    """What it is called in metrics and the log: its URI, and where that is a name, which of its addresses it is."""
    params: str = field(init=False, repr=False, compare=False)
    """The parameters of a URI that leads there, with their semicolons: which transport, where that isn't UDP nor left
    to DNS."""
    secure: bool = field(init=False, repr=False, compare=False)
    """Whether URIs that lead there are sips URIs, which TLS goes without saying for."""

    def __post_init__(self) -> None:
        # All made once: a socket wants the first per datagram, a Request-URI the second per call.
        at = f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"
        object.__setattr__(self, "address", (self.host, self.port))
        object.__setattr__(self, "place", self.named or at)
        object.__setattr__(self, "at", self.place if self.is_unlocated else at)
        object.__setattr__(self, "label", f"{self.uri} ({at})" if self.named and not self.is_unlocated else self.uri)
        written = self.uri.lower()
        object.__setattr__(self, "secure", written.startswith("sips:"))
        unsaid = self.secure or self.transport == "udp" or (self.named and ";transport=" not in written)
        object.__setattr__(self, "params", "" if unsaid else f";transport={self.transport}")

    @property
    def name(self) -> str:
        """The DNS name without the port, lower case; "" where there is none."""
        return self.named.partition(":")[0].lower().removesuffix(".")

    @property
    def is_unlocated(self) -> bool:
        """Whether it is a name of which it isn't known here where it leads."""
        return bool(self.named) and self.named.partition(":")[0] == self.host


@dataclass(frozen=True, slots=True)
class Limit:
    """How many calls at a time, and how many new ones a second. None: as many as come."""

    max_calls: int | None = None
    max_cps: float | None = None


UNLIMITED: Final = Limit()


@dataclass(frozen=True, slots=True)
class Keepalive:
    """How often a target is asked by OPTIONS, in seconds, while it is up and while it is down, and what is made of it.

    ``retries`` failures in a row bring it down, ``up_after`` answers that are none bring it up.
    """

    interval: float = 10.0
    down_interval: float = 5.0
    retries: int = 2
    fail_on: FailureSet = FailureSet(frozenset({503, 505, None}))  # noqa: RUF009, it never changes
    up_after: int = 2


@dataclass(frozen=True, slots=True)
class Login:
    """What is shown to a trunk's targets that ask who we are: in any realm, unless one is named."""

    username: str
    password: Secret
    realm: str | None = None


@dataclass(frozen=True, slots=True)
class Register:
    """Where a trunk wants to be told that we are there: ``aor`` is reached at ``contact_user`` here, for so long."""

    registrar: Target
    aor: str
    contact_user: str
    expires: float = 300.0


@dataclass(frozen=True, slots=True)
class Trunk:
    """A trunk: who may call from it, where it leads, and how its targets are tried. Timeouts are in seconds."""

    name: str
    targets: tuple[Target, ...] = ()
    sources: tuple[str, ...] = ()
    """Addresses and networks that may start a call here besides the targets themselves."""
    listen: str | None = None
    """The listener that it leaves by, and the only one that its sources count on; None: any."""
    tls_names: tuple[str, ...] = ()
    """The names of its certificate; over TLS it is known by these, where there are any, and not by its address."""
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
    udp_to_tcp: bool = False
    """Whether an INVITE that is too large for UDP by RFC 3261 §18.1.1 is sent by TCP first."""
    rel1xx: Rel1xx = "supported"
    """Whether provisional responses may be, must be, or are never reliable, to it and from it (RFC 3262)."""
    hunt: Hunt = "preference"
    connect_timeout: float = 2.0
    progress_timeout: float = 6.0
    answer_timeout: float = 60.0
    keepalive: Keepalive | None = None
    """How its targets are asked whether they are there; None: only calls find out."""
    login: Login | None = None
    """What is shown to its targets where they ask; None: a challenge is an answer like any other."""
    register: Register | None = None
    """Where it is told that we are there; None: it knows."""
    hunt_on: FailureSet = DEFAULT_FAILURES
    next_peer_on: FailureSet = DEFAULT_FAILURES
    max_duration: float | None = None
    """Seconds from the answer to the end of its calls; None: as long as they take."""
    session_expires: int | None = None
    """The session interval (RFC 4028) that is asked of it, in seconds; None: none, unless it asks for one."""
    min_se: int = 90
    """The shortest session interval that it may ask for, in seconds."""
    final_503: int | None = 500
    """What a target's 503 becomes on its way to the caller (RFC 3261 §16.7); None passes it on as it is."""
    redirects: Redirects = "follow"
    """What a 3xx of its targets does: leads the call on, or the caller."""
    error_map: ErrorMap | None = None
    """What other refusals become, before that; None: what they are."""
    refer: Literal["consume", "pass"] = "consume"
    """What becomes of its REFERs inside a call: the router calls the new party itself, or they go to the other side."""
    pass_headers: PassHeaders = field(default_factory=PassHeaders)
    correlation: Correlation | None = None
    """What tells its other side which call this is; None: nothing."""
    inbound_limit: Limit = UNLIMITED
    outbound_limit: Limit = UNLIMITED
    limit: Limit = UNLIMITED
    """Both ways together."""

    @property
    def has_names(self) -> bool:
        """Whether DNS has to say where one of its targets is."""
        return any(target.named for target in self.targets)
