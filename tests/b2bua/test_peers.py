"""Who should be at an address that is connected to by TLS, and which trunk is known by the names of a certificate."""

import pytest

from edge_router.admission.load import Load
from edge_router.admission.sources import Claim, SourceTable
from edge_router.b2bua.routing.peers import expected_at, trunk_at
from edge_router.b2bua.routing.routing import Routing
from edge_router.b2bua.trunks.live_trunk import LiveTrunk
from edge_router.dialplan.plan import DialPlan
from edge_router.dialplan.trunk import Register, Target, Trunk
from edge_router.net.security import Expected

NAME = "sbc.example.com"
TRUNKS = (
    Trunk(
        "by name",
        (Target("sip:192.0.2.1;transport=tls", "192.0.2.1", 5061, "tls"),),
        tls_names=("*.a.example", "sbc.a"),
    ),
    Trunk("by address", (Target("sips:192.0.2.2", "192.0.2.2", 5061, "tls"),), tls_names=()),
    Trunk("found by DNS", (Target("sips:SBC.Example.com:5071", "192.0.2.3", 5071, "tls", named=f"{NAME}:5071"),)),
    Trunk("over UDP", (Target("sip:192.0.2.4:5061", "192.0.2.4", 5061),), listen="other", tls_names=("sbc.b",)),
    Trunk(
        "registered",
        (Target("sip:192.0.2.5", "192.0.2.5"),),
        tls_names=("sbc.r",),
        register=Register(Target("sips:192.0.2.6", "192.0.2.6", 5061, "tls"), "sips:edge@r.example", "edge", 300.0),
    ),
)
ROUTING = Routing(
    node="n",
    plan=DialPlan([]),
    policies={},
    trunks={trunk.name: LiveTrunk(trunk, lambda: 0.0) for trunk in TRUNKS},
    sources=SourceTable(["tls", "other"], [Claim("tls", "192.0.2.2", "by address")]),
    load=Load(),
)
ELSEWHERE = ("*.a.example", "sbc.a", NAME, "sbc.b", "sbc.r")


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (("192.0.2.1", 5061), Expected("sbc.a", ("*.a.example", "sbc.a"))),
        (("192.0.2.2", 5061), Expected("", ("192.0.2.2",))),
        (("192.0.2.3", 5071), Expected(NAME, (NAME,))),
        (("192.0.2.6", 5061), Expected("sbc.r", ("sbc.r",))),
        (("192.0.2.4", 5061), Expected("", ("192.0.2.4", *ELSEWHERE))),  # a Contact's: no target over TLS
        (("192.0.2.9", 5061), Expected("", ("192.0.2.9", *ELSEWHERE))),
    ],
)
def test_who_should_be_there(address: tuple[str, int], expected: Expected) -> None:
    assert expected_at(ROUTING, address) == expected


@pytest.mark.parametrize(
    ("host", "names", "listen", "trunk"),
    [
        ("198.51.100.1", {"x.a.example"}, "tls", "by name"),
        ("192.0.2.2", {"x.a.example"}, "tls", "by name"),  # a name says more than an address
        ("192.0.2.2", {"x.c"}, "tls", "by address"),
        ("192.0.2.2", set(), "tls", "by address"),
        ("198.51.100.1", {"x.c"}, "tls", None),
        ("198.51.100.1", {"sbc.b"}, "tls", None),  # that trunk may call on another listener
        ("198.51.100.1", {"sbc.b"}, "other", "over UDP"),
        ("192.0.2.1", set(), "tls", None),
    ],
)
def test_which_trunk_he_is(host: str, names: set[str], listen: str, trunk: str | None) -> None:
    assert trunk_at(ROUTING, host, frozenset(names), listen) == trunk
