"""What a URI in a dialog says of where its peer is: an address that can be sent to, and a transport."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

from edge_router.sip.remember import remembered
from edge_router.sip.uri import BadUri, SipUri, parse_uri

if TYPE_CHECKING:
    from edge_router.net.address import Address

_OTHER_TRANSPORTS: Final = {
    "udp": "",
    "tcp": "TCP",
    "tls": "TLS",
    "sctp": "SCTP",
    "ws": "WebSocket",
    "wss": "WebSocket",
}


@remembered(4_096)  # the Contacts of trunks are few and come with every call
def place_of(uri: str) -> tuple[Address | None, str]:
    """Address and port of a URI whose host is an IP address; and the transport that it asks for where it isn't UDP."""
    return _read_place(uri, 5060)


@remembered(1_024)
def place_of_by_tls(uri: str) -> tuple[Address | None, str]:
    """The same for who is reached by TLS."""
    return _read_place(uri, 5061)


def _read_place(uri: str, usual_port: int) -> tuple[Address | None, str]:
    try:
        parsed = parse_uri(uri)
    except BadUri:
        return None, ""
    if not isinstance(parsed, SipUri):
        return None, ""
    named = parsed.params.get("transport", "udp").lower()
    transport = "TLS" if parsed.scheme == "sips" else _OTHER_TRANSPORTS.get(named, "another transport")
    return (parsed.host, parsed.port or usual_port) if _is_somewhere(parsed.host) else None, transport


def _is_somewhere(host: str) -> bool:
    """Whether a host is an IP address of one machine, and not a name, everybody or nobody."""
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return not (address.is_unspecified or address.is_multicast or host == "255.255.255.255")
