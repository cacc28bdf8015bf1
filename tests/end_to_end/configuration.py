"""Configurations for the tests: one plain front door, and what a test wants different about it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import yaml

from tests.end_to_end.block import Block

Settings = Mapping[str, Any]

NEVER: Final = "20s"
"""A timeout that a test does not want to see."""

SOON: Final = "300ms"
"""A timeout that a test waits for."""


def trunk(*hosts: str, **settings: Any) -> dict[str, Any]:
    """A trunk towards these hosts whose timeouts stay out of the way unless set."""
    usual = {
        "targets": [f"sip:{host}:5060" for host in hosts],
        "connect_timeout": NEVER,
        "progress_timeout": NEVER,
        "answer_timeout": NEVER,
    }
    return {**usual, **settings}


def front_door(
    block: Block,
    rules: Sequence[Settings] = (),
    *,
    carrier: Settings | None = None,
    premise: Settings | None = None,
    cloud: Settings | None = None,
    cloud_peer: Settings | None = None,
    otherwise: Settings | None = None,
    trunks: Settings | None = None,
    dial_peers: Sequence[Settings] = (),
    **top: Any,
) -> str:
    """A carrier whose calls go through the policy `front-door`: the rules, otherwise the premise.

    `carrier`, `premise` and `cloud` set keys of these trunks, `cloud_peer` of the dial-peer; `trunks` and `dial_peers`
    add to these, `top` adds keys at the top.
    """
    policy: dict[str, Any] = {"rules": list(rules), "otherwise": otherwise or {"to": "premise"}}
    whole: dict[str, Any] = {
        "node": "edge-e2e",
        "listen": [{"name": "pstn", "transport": "udp", "address": "{}:{}".format(*block.router)}],
        "http": {"address": "{}:{}".format(*block.http)},
        "trunks": {
            "carrier": trunk(block.carrier, **(carrier or {})),
            "premise": trunk(block.premise, **(premise or {})),
            "cloud": trunk(block.cloud, **(cloud or {})),
            **(trunks or {}),
        },
        "dial_peers": [
            {"name": "from-carrier", "incoming": {"trunk": "carrier"}, "policy": "front-door"},
            {"name": "premise", "outgoing": {"trunk": "premise"}},
            {"name": "cloud", "outgoing": {"trunk": "cloud"}, **(cloud_peer or {})},
            *dial_peers,
        ],
        "policies": {"front-door": policy},
    }
    return yaml.safe_dump({**whole, **top}, sort_keys=False)
