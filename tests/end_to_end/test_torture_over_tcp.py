"""RFC 4475 and RFC 5118 over TCP, through the real process, while a call is in progress that notices nothing."""

import re
import socket
from typing import Final

import pytest

from tests.end_to_end.block import Block
from tests.end_to_end.configuration import front_door, trunk
from tests.end_to_end.site import Site
from tests.end_to_end.waiting import until
from tests.torture.test_torture import CALL, MESSAGES, NOTHING, VERDICTS

pytestmark = pytest.mark.usefixtures("call_in_progress")

TORTURER: Final = 21
UNENDED: Final[dict[str, list[int]]] = {
    "clerr": [],  # its body is shorter than it says: the rest may yet come
    "baddn": [],  # there is no empty line after its headers: there may be more
    "dblreq": [405, 400],  # what follows the first is another message, which lacks a Contact
}
"""Where a stream isn't what a datagram is."""


def configuration(block: Block) -> str:
    at = "{}:{}".format(*block.router)
    return front_door(
        block,
        listen=[{"name": name, "transport": name, "address": at} for name in ("udp", "tcp")],
        trunks={"torturer": trunk(block.host(TORTURER)), "nobody": trunk(block.host(22))},
        dial_peers=[
            {"name": "torture", "incoming": {"trunk": "torturer"}, "destinations": ["nobody"]},
            {"name": "nobody", "outgoing": {"trunk": "nobody"}},
        ],
    )


def said_to(block: Block, data: bytes, at_a_time: int = 0) -> list[int]:
    """The codes of all that is answered to these octets, until the connection is closed."""
    with socket.create_connection(block.router, source_address=(block.host(TORTURER), 0), timeout=15) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for begin in range(0, len(data), at_a_time or len(data)):
            sock.sendall(data[begin : begin + (at_a_time or len(data))])
        sock.shutdown(socket.SHUT_WR)
        heard = b""
        while more := sock.recv(65_536):
            heard += more
    return [int(code) for code in re.findall(rb"(?:^|\r\n)SIP/2\.0 (\d{3}) ", heard)]


def verdict(name: str) -> list[int]:
    wire = VERDICTS[name].wire
    usual = [] if wire == NOTHING else [100 if wire == CALL else int(wire)]
    return UNENDED.get(name, usual)


@pytest.mark.parametrize("name", MESSAGES)
def test_each_gets_its_verdict(site: Site, name: str) -> None:
    """Some share a branch: the transaction of the last one has to go first, which over TCP is soon."""
    until(lambda: said_to(site.block, MESSAGES[name]) == verdict(name), f"{verdict(name)} for {name}")


@pytest.mark.parametrize("name", ["wsinv", "esc02", "regaut01"])
def test_octet_by_octet(site: Site, name: str) -> None:
    until(lambda: said_to(site.block, MESSAGES[name], 1) == verdict(name), f"{verdict(name)} for {name}")


def test_all_of_them_in_a_row(site: Site) -> None:
    """Until the first that has no end, each has its answer, in its order."""
    options = (
        b"OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK-%d\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\n"
    )
    options += (
        b"Call-ID: row-%d\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContact: <sip:a@b>\r\nContent-Length: 0\r\n\r\n"
    )
    row = b"".join(options % (number, number) for number in range(200))
    assert said_to(site.block, row + MESSAGES["mcl01"]) == [200] * 200 + [400]
