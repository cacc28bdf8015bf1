"""The configuration: what the file says, as values that never change.

Each key stands here, or in the model of its noun, with its default and the words that the JSON Schema has for it.
References between entries, and what an entry alone can't show, are the business of `checks.py`.
"""

import socket
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from edge_router.config.addresses import Advertised, ListenAddress
from edge_router.config.dial_peer_model import DialPeer
from edge_router.config.emergency_model import Emergency
from edge_router.config.hours_model import Hours
from edge_router.config.latch_model import Latch
from edge_router.config.policy_model import Policy
from edge_router.config.resolver_model import Resolver
from edge_router.config.state_model import State
from edge_router.config.table_model import NumberList, Services
from edge_router.config.translation_model import Rules
from edge_router.config.trunk_model import Limit, Trunk
from edge_router.config.values import Code, Name, Node, Section, not_empty


class Listen(Section):
    """An address that SIP is taken on."""

    name: Name = Field(description="Its name in trunks and dial-peers.")
    transport: Literal["udp", "tcp", "tls"] = Field(default="udp", description="The transport.")
    address: ListenAddress = Field(description="IP address and port: 192.0.2.1:5060 or [2001:db8::1]:5060.")
    advertise: Advertised | None = Field(
        default=None, description="host[:port] that others reach it by, where that differs: behind NAT."
    )
    certificate: Name | None = Field(
        default=None, description="With tls: PEM file of its certificate, and those between that and the CA's."
    )
    private_key: Name | None = Field(default=None, description="With tls: PEM file of the certificate's private key.")
    client_ca: Name | None = Field(
        default=None,
        description="With tls: PEM file of the CAs whose certificates those who connect must have; none are asked for "
        "by default.",
    )
    ca: Name | None = Field(
        default=None,
        description="With tls: PEM file of the CAs that certificates of targets are verified by; the system's by "
        "default.",
    )


class Http(Section):
    """The HTTP server: health, metrics, API."""

    address: ListenAddress = Field(description="IP address and port.")
    webhook_address: ListenAddress | None = Field(
        default=None, description="IP address and port that serve /webhooks/webex and nothing else; else address does."
    )
    tokens_file: Name | None = Field(
        default=None,
        description="File of bearer tokens, `token name scope,scope` a line; scopes read, decide, admin.",
    )
    open: tuple[Literal["metrics", "healthz", "readyz"], ...] = Field(
        default=("metrics", "healthz", "readyz"), description="Paths that need no token."
    )


class Log(Section):
    """What is logged, and how."""

    level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="The least that is logged.")
    format: Literal["auto", "text", "json"] = Field(
        default="auto", description="auto: text on a terminal, else JSON lines."
    )


class Record(Section):
    """Recording calls and state, to try another configuration on them with `edge-router replay`."""

    dir: Name = Field(description="Directory that the recording is written to; it says who calls whom.")
    max_mb: Annotated[int, Field(strict=True, ge=10)] = Field(
        default=500, description="Megabytes that it takes at the most; the oldest goes first."
    )


def _host_name() -> str:
    return socket.gethostname() or "edge"


class Config(Section):
    """Edge router configuration."""

    node: Node = Field(
        default_factory=_host_name, description="This gateway's name in CDRs and metrics. Default: the host's name."
    )
    listen: Annotated[tuple[Listen, ...], AfterValidator(not_empty)] = Field(
        description="The addresses that SIP is taken on.", json_schema_extra={"minItems": 1}
    )
    http: Http | None = Field(default=None, description="The HTTP server; none without it.")
    trunks: dict[Name, Trunk] = Field(default={}, description="The SIP peers by name.")
    dial_peers: tuple[DialPeer, ...] = Field(default=(), description="The dial plan.")
    policies: dict[Name, Policy] = Field(default={}, description="What decides calls, by name.")
    services: Services | None = Field(default=None, description="What called numbers stand for.")
    hours: dict[Name, Hours] = Field(default={}, description="Opening hours by name, for rules.")
    latches: dict[Name, Latch] = Field(default={}, description="Thresholds that don't flap, by name, for rules.")
    number_lists: dict[Name, NumberList] = Field(default={}, description="Lists of numbers by name, for rules.")
    translation_rules: dict[Name, Rules] = Field(
        default={},
        description="Sets of translation rules by name, each rule as '/match/ /replacement/' in CUBE's syntax.",
    )
    emergency: Emergency | None = Field(default=None, description="Calls that go before all others.")
    state: State = Field(default=State(), description="The state of the contact centre.")
    limits: Limit = Field(default=Limit(), description="For the whole router; none by default.")
    resolver: Resolver | None = Field(
        default=None, description="Which DNS servers are asked where names are; those of the system without it."
    )
    record: Record | None = Field(default=None, description="Recording of calls and state; none without it.")
    on_no_match: Code = Field(default=404, description="The SIP code for a call that no dial-peer matches.")
    ties: Literal["stable", "random"] = Field(
        default="stable", description="Which of equal dial-peers is tried first: the first in the file, or any."
    )
    log: Log = Field(default=Log(), description="Logging.")
