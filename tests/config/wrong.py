"""What the tables of faulty configurations are made of."""

from typing import Final, NamedTuple

from edge_router.config.faults import Kind
from edge_router.config.loading import examine_bytes

LISTEN: Final = 'listen: [{name: pstn, address: "127.0.0.10:5060"}]\n'
TRUNKS: Final = 'trunks: {cloud: {targets: ["sip:192.0.2.4"]}, carrier: {sources: [192.0.2.1]}}\n'
PEERS: Final = "dial_peers: [{name: cloud, outgoing: {trunk: cloud}}, {name: in, incoming: {}, policy: p}]\n"
RULES: Final = LISTEN + TRUNKS + PEERS + "state: {queues: {Support: {length: 1}}}\n"
"""All that a policy may speak of; it begins in line 5."""


class Wrong(NamedTuple):
    """A configuration with one fault, which is shown as `fault` behind the name of the file."""

    what: str
    kind: Kind
    text: str
    fault: str


def assert_only_fault(case: Wrong) -> None:
    """The fault is found as it says, and no other."""
    examined = examine_bytes(case.text.encode(), "edge.yaml")
    assert [str(fault) for fault in examined.faults] == [f"edge.yaml:{case.fault}"]
    assert [fault.kind for fault in examined.faults] == [case.kind]
    assert examined.config is None
