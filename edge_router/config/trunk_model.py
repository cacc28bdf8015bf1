"""A trunk as the configuration writes it: who it is, where its calls go, and when to give one up."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from edge_router.config.addresses import Source, TargetUri
from edge_router.config.correlation_model import Correlation
from edge_router.config.login_model import Realm, Register, Username
from edge_router.config.session_timer_model import SessionTimer, expires_late_enough
from edge_router.config.translation_model import TrunkTranslate
from edge_router.config.values import (
    Bool,
    Count,
    Duration,
    Failures,
    Final503,
    HeaderName,
    Interval,
    ListenerName,
    Rate,
    Refusal,
    SecretPlace,
    Section,
    TlsName,
    Told,
    not_built,
    not_empty,
)

Hunt = Literal["preference", "round-robin", "weighted", "random"]
Ability = Literal["redirect", "refer"]
Times = Annotated[int, Field(strict=True, ge=1, le=100)]
"""How often, in a row."""


class Target(Section):
    """One place where a trunk's calls can go."""

    uri: TargetUri = Field(
        description="Where to: sip: and an IP address, with or without a port, or a DNS name (RFC 3263). An address is "
        "reached by UDP, where it doesn't end in ;transport=tcp or ;transport=tls; sips: is TLS. For a name that says "
        "none of these, DNS does."
    )
    preference: Count = Field(default=0, description="Lower is tried first, as on CUBE.")
    weight: Count = Field(default=100, description="With hunt: weighted, this target's share beside the others'.")


def _target(value: object) -> object:
    return {"uri": value} if isinstance(value, str) else value


class Keepalive(Section):
    """OPTIONS to each target, to know whether it is there before a call has to find out."""

    interval: Interval = Field(default=10.0, description="From one OPTIONS to the next while the target is up.")
    down_interval: Interval = Field(default=5.0, description="The same while it is down.")
    retries: Times = Field(default=2, description="So many failures in a row, and it is down: no call tries it.")
    fail_on: Annotated[Failures, AfterValidator(not_empty)] = Field(
        default=(503, 505, "timeout"),
        description="What is a failure, as in hunt_on; any other answer shows the target alive.",
    )
    up_after: Times = Field(default=2, description="So many answers in a row that are none, and it is up again.")


def _no_early_offer(value: bool) -> bool:
    if value:
        raise not_built("early_offer needs media flow-through; leave it false")
    return value


class Identity(Section):
    """RFC 3325 trust between us and this trunk."""

    accept: Bool = Field(default=False, description="Take P-Asserted-Identity from it.")
    send: Bool = Field(
        default=False,
        description="Give P-Asserted-Identity to it; else it is removed, and From anonymised where Privacy asks.",
    )


class Limit(Section):
    """How many calls, and how fast; none by default."""

    max_calls: Count | None = Field(default=None, description="Calls at the same time.")
    max_cps: Rate | None = Field(default=None, description="Calls that begin within one second.")


class TrunkLimits(Limit):
    """Limits of a trunk: for both ways together, and for each."""

    inbound: Limit = Field(default=Limit(), description="Limits of the calls that it sends here.")
    outbound: Limit = Field(default=Limit(), description="Limits of the calls that are sent to it.")


class Trunk(Section):
    """A SIP peer: a carrier, the cloud contact centre, a premise call agent."""

    sources: tuple[Source, ...] = Field(
        default=(),
        description="Who may start a call here besides the targets: addresses, networks and DNS names. The longest "
        "prefix wins.",
    )
    targets: tuple[Annotated[Target, BeforeValidator(_target, json_schema_input_type=str | Target)], ...] = Field(
        default=(), description="Where its calls go; a plain string is {uri: ...}."
    )
    accepts: frozenset[Ability] = Field(
        default=frozenset(("redirect", "refer")),
        description="What this peer does when asked; a decision that needs more is bridged instead. Default: both.",
        json_schema_extra={"default": ["redirect", "refer"], "uniqueItems": False},
    )
    identity: Identity = Field(default=Identity(), description="Whether identities are believed and given away.")
    called_from: Literal["request-uri", "to", "p-called-party-id"] = Field(
        default="request-uri",
        description="Where the called number of its calls stands; the Request-URI's counts where none is there.",
    )
    calling_from: Literal["pai", "from"] = Field(
        default="pai",
        description="Where their calling number stands: pai takes P-Asserted-Identity where identity.accept is set and "
        "one is there, else From's.",
    )
    translate: TrunkTranslate = Field(
        default=TrunkTranslate(), description="Which translation_rules its numbers go through."
    )
    listen: ListenerName | None = Field(
        default=None, description="The listener that its calls leave by, and the only one on which it may call."
    )
    tls_names: tuple[TlsName, ...] = Field(
        default=(),
        description="Names of its certificate, such as sbc.example.com or *.example.com: over TLS it is known by these "
        "and not by its address.",
    )
    udp_to_tcp: Literal["never", "try"] = Field(
        default="never",
        description="try: what would go by UDP and has more than 1,300 octets is sent by TCP first (RFC 3261 §18.1.1), "
        "and by UDP where that fails.",
    )
    username: Username | None = Field(
        default=None,
        description="Who we are where a target asks by digest (RFC 7616): shown to this trunk's own targets and its "
        "registrar alone.",
    )
    password_file: SecretPlace | None = Field(default=None, description="File with the password; or env:NAME.")
    realm: Realm | None = Field(
        default=None, description="The only realm that it is shown in. Default: any realm of theirs."
    )
    register_: Register | None = Field(
        default=None, alias="register", description="Where we register, for a trunk that calls only who is registered."
    )
    rel1xx: Literal["supported", "require", "disabled"] = Field(
        default="supported",
        description="Reliable provisional responses (RFC 3262), both ways: where the other side speaks 100rel, always, "
        "or never.",
    )
    early_offer: Annotated[Bool, AfterValidator(_no_early_offer)] = Field(
        default=False, description="Offer media in an INVITE whose caller offers none. Not built yet: only false."
    )
    hunt: Hunt = Field(default="preference", description="The order in which targets are tried.")
    connect_timeout: Duration = Field(default=2.0, description="Nothing at all came, not even 100: next target.")
    progress_timeout: Duration = Field(default=6.0, description="100 came but no 18x: next target.")
    answer_timeout: Duration = Field(default=60.0, description="No final response: CANCEL, next dial-peer.")
    hunt_on: Failures = Field(
        default=(408, "5xx", "timeout"),
        description="What moves on to the next target: codes, classes (5xx), ranges (500-504), timeout, !code.",
    )
    next_peer_on: Failures | None = Field(
        default=None, description="What moves on to the next dial-peer. Default: as hunt_on."
    )
    final_503: Final503 = Field(
        default=500,
        description="What the caller gets for a target's 503 (RFC 3261 §16.7): this code, or pass to keep the 503.",
    )
    max_duration: Duration | None = Field(
        default=None,
        description="From the answer to the end of its calls, emergency calls excepted; the shorter one of both trunks "
        "counts. None by default.",
    )
    session_timer: Annotated[SessionTimer, AfterValidator(expires_late_enough)] = Field(
        default=SessionTimer(), description="Session timers (RFC 4028): what is asked of it, and what it may ask."
    )
    keepalive: Keepalive | None = Field(
        default=None, description="Asking its targets by OPTIONS whether they are there; none without it."
    )
    redirects: Literal["follow", "pass"] = Field(
        default="follow",
        description="What a 3xx does: follow sends the call to its Contact, if that is a trunk's target or the router; "
        "pass sends the caller there, if his trunk accepts redirect.",
    )
    error_map: dict[Refusal, Told] = Field(
        default={},
        description="What the caller gets for a target's refusal, before final_503: code, class (5xx) or range "
        "(500-504) to code, or to cause for the code of its Q.850 Reason. What isn't here passes.",
    )
    refer: Literal["consume", "pass"] = Field(
        default="consume",
        description="What becomes of its REFERs inside a call: the router calls the new party, routed as a call from "
        "this trunk to the Refer-To number, or to the trunk whose target Refer-To names; or they pass.",
    )
    limits: TrunkLimits = Field(default=TrunkLimits(), description="How many calls, and how fast. None by default.")
    pass_headers: tuple[HeaderName, ...] = Field(
        default=(),
        description="Headers that cross besides the standard set; X-Customer-* stands for all that begin so.",
    )
    correlation: Correlation = Field(
        default=Correlation(), description="What tells the other side which call and gateway this is."
    )
