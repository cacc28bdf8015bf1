"""Which listener a call leaves by. None of them is open: only what they are is asked."""

from collections.abc import Mapping

import pytest

from edge_router.b2bua.trunks.leaving import leaving_by
from edge_router.dialplan.trunk import Target, Trunk
from edge_router.net.listener import Listener
from edge_router.net.stream import StreamListener
from edge_router.net.udp import UdpListener

LISTENERS: Mapping[str, Listener] = {
    "udp": UdpListener("udp", "192.0.2.1", 5060),
    "inside": UdpListener("inside", "192.0.2.2", 5060),
    "six": UdpListener("six", "2001:db8::1", 5060),
    "tcp six": StreamListener("tcp six", "2001:db8::1", 5060),
    "tcp": StreamListener("tcp", "192.0.2.1", 5060),
}


@pytest.mark.parametrize(
    ("own", "transport", "host", "came_by", "leaves_by"),
    [
        (None, "udp", "192.0.2.9", "inside", "inside"),
        (None, "udp", "2001:db8::9", "inside", "six"),
        (None, "udp", "192.0.2.9", "six", "udp"),
        (None, "tcp", "192.0.2.9", "inside", "tcp"),
        (None, "tcp", "2001:db8::9", "inside", "tcp six"),
        (None, "udp", "192.0.2.9", "tcp", "udp"),
        ("inside", "udp", "192.0.2.9", "udp", "inside"),
    ],
)
def test_leaving(own: str | None, transport: str, host: str, came_by: str, leaves_by: str) -> None:
    target = Target(f"sip:{host};transport={transport}", host, transport=transport)
    assert leaving_by(LISTENERS, Trunk("t", (target,), listen=own), target, LISTENERS[came_by]).name == leaves_by


def test_a_call_goes_on_by_the_listener_that_has_its_name_now() -> None:
    """What it came in by may be one toward one peer alone, or of before a reload."""
    target = Target("sip:192.0.2.9", "192.0.2.9")
    came_by = UdpListener("inside", "192.0.2.2", 5060)
    assert leaving_by(LISTENERS, Trunk("t", (target,)), target, came_by) is LISTENERS["inside"]
