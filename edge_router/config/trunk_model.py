"""A trunk as the configuration writes it: who it is, where its calls go, and when to give one up."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from edge_router.config.addresses import Source, TargetUri
from edge_router.config.correlation_model import Correlation
from edge_router.config.translation_model import TrunkTranslate
from edge_router.config.values import (
    Bool,
    Count,
    Duration,
    Failures,
    Final503,
    HeaderName,
    ListenerName,
    Rate,
    Section,
)

Hunt = Literal["preference", "round-robin", "weighted", "random"]
Ability = Literal["redirect", "refer"]


class Target(Section):
    """One place where a trunk's calls can go."""

    uri: TargetUri = Field(description="Where to: sip: and an IP address, with a port or 5060. UDP.")
    preference: Count = Field(default=0, description="Lower is tried first, as on CUBE.")
    weight: Count = Field(default=100, description="With hunt: weighted, this target's share beside the others'.")


def _target(value: object) -> object:
    return {"uri": value} if isinstance(value, str) else value


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
        description="Who may start a call here besides the targets: addresses and networks. The longest prefix wins.",
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
