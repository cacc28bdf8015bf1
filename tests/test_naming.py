"""Which of the places that a name leads to count; a DNS server on a loopback port."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
import yaml

from edge_router.app import App
from edge_router.config.loading import examine
from tests.net.dns_server import DnsServer, dns_server

NAME: Final = "registrar.example.com"


@pytest.fixture
def server() -> Iterator[DnsServer]:
    with dns_server() as server:
        yield server


def app_that_registers(file: Path, server: DnsServer) -> App:
    settings = {
        "listen": [
            {"name": "udp", "transport": "udp", "address": "127.0.0.10:5060"},
            {"name": "tcp", "transport": "tcp", "address": "[::1]:5060"},
        ],
        "resolver": {"servers": ["{}:{}".format(*server.address)]},
        "trunks": {
            "cloud": {
                "targets": ["sip:192.0.2.9:5070"],
                "register": {"registrar": f"sip:{NAME}", "aor": "sip:edge@example.com"},
            }
        },
        "dial_peers": [{"name": "cloud", "outgoing": {"trunk": "cloud"}}],
    }
    file.write_text(yaml.safe_dump(settings))
    examined = examine(file)
    assert examined.config is not None, "\n".join(map(str, examined.faults))
    return App(examined.config, str(file))


async def test_a_registrar_is_where_a_listener_reaches_and_we_are_not(tmp_path: Path, server: DnsServer) -> None:
    """By UDP over IPv4 alone, and by TCP over IPv6: what DNS knows beside that is of no use."""
    server.zone = {
        (f"_sip._udp.{NAME}", "SRV"): [f"1 0 5070 a.{NAME}.", f"2 0 5060 us.{NAME}."],
        (f"a.{NAME}", "A"): ["192.0.2.9"],
        (f"a.{NAME}", "AAAA"): ["2001:db8::9"],
        (f"us.{NAME}", "A"): ["127.0.0.10", "0.0.0.0"],
    }
    app = app_that_registers(tmp_path / "edge-router.yaml", server)
    await app.naming.follow(app.config)
    routing = app.naming.applied(app.config, app.router.routing)
    await app.naming.close()
    assert ("AAAA", f"a.{NAME}") in server.asked
    found = [(each.transport, each.host, each.port) for each in routing.trunks["cloud"].registrars]
    assert found == [("udp", "192.0.2.9", 5070)]
