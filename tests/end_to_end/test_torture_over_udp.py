"""RFC 4475 and RFC 5118 over UDP, through the real process, while a call is in progress that notices nothing."""

import re
import select
import socket

import pytest

from tests.end_to_end.block import Block
from tests.end_to_end.site import Site
from tests.end_to_end.test_torture_over_tcp import TORTURER, configuration
from tests.torture.test_torture import CALL, MESSAGES, NOTHING, VERDICTS

__all__ = ["configuration"]
pytestmark = pytest.mark.usefixtures("call_in_progress")
_VIA = re.compile(
    rb"^(?:via|v)\s*:\s*SIP\s*/\s*2\.0\s*/\s*\w+\s+(?:\[[^\]]*\]|[^:;\s]+)\s*(?::\s*(\d+))?",
    re.IGNORECASE | re.MULTILINE,
)
_LAST = (
    "OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/UDP {at};branch=z9hG4bK-behind-{name}\r\nFrom: <sip:a@b>;tag=1\r\n"
    "To: <sip:a@b>\r\nCall-ID: behind-{name}\r\nCSeq: 7 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
)


def said_to(block: Block, name: str) -> int | str:
    """The first code that is answered, at the port that the message's Via names; an OPTIONS behind it ends the wait."""
    # Some of RFC 5118 share a branch, and so would be one transaction.
    message = MESSAGES[name].replace(b"branch=z9hG4bKas3-111", b"branch=z9hG4bKas3-" + name.encode())
    found = _VIA.search(message.replace(b"\r\n ", b" "))
    port = int(found[1] or 5060) if found is not None else 5060
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((block.host(TORTURER), port))
        sock.sendto(message, block.router)
        sock.sendto(_LAST.format(at=f"{block.host(TORTURER)}:{port}", name=name).encode(), block.router)
        while select.select([sock], [], [], 15)[0]:
            heard = sock.recv(65_536)
            if b"CSeq: 7 OPTIONS" in heard:
                return NOTHING
            code = int(heard[8:11])
            return CALL if code == 100 else code
    raise AssertionError("not even the OPTIONS was answered")


@pytest.mark.parametrize("name", MESSAGES)
def test_each_gets_its_verdict(site: Site, name: str) -> None:
    assert said_to(site.block, name) == VERDICTS[name].wire
    site.router.check_health()
