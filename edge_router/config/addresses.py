"""Addresses, networks and URIs of a configuration: how each is written, and what it is once read.

A DNS name may stand where somebody else is meant: as a target or a source. Whether DNS knows it isn't asked here: a
configuration is checked wherever it is.
"""

import re
from collections.abc import Collection
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Annotated, Final, NamedTuple

from pydantic import PlainValidator, ValidationInfo

from edge_router.admission.sources import parse_source
from edge_router.config.faults import nothing_called, quoted
from edge_router.config.values import Names, one_line, text_of
from edge_router.sip.uri import BadUri, SipUri, host_port, parse_uri

IpAddress = IPv4Address | IPv6Address
TRANSPORTS: Final = ("udp", "tcp", "tls")


class Address(NamedTuple):
    """An IP address and a port to listen on."""

    host: str
    port: int

    def __str__(self) -> str:
        """Write it as the file does: an IPv6 address in brackets."""
        return host_port(self.host, self.port)


def address(value: object) -> Address:
    """Read `127.0.0.10:5060` or `[::1]:5060`."""
    text = text_of(value, "an address such as 127.0.0.10:5060")
    host, port = _split(text)
    if port is None:
        raise ValueError(f"{quoted(text)} has no port; write {text}:5060")
    return Address(str(_ip(host)), port)


def advertised(value: object) -> str:
    """Read `host`, `host:port`, `[::1]` or `[::1]:5060`; a host may be a DNS name."""
    text = text_of(value, "a host, or a host and a port, such as edge.example.com:5060")
    wrong = ValueError(f"{quoted(text)} is no host and no host:port")
    try:
        uri = parse_uri(f"sip:{text}")
    except BadUri:
        raise wrong from None
    if not isinstance(uri, SipUri) or uri.user is not None or uri.params or uri.headers:
        raise wrong
    return uri.host_port


def server(value: object) -> Address:
    """Read the address of a DNS server: `192.0.2.53`, `192.0.2.53:5353` or `[::1]:5353`."""
    text = text_of(value, "an address such as 192.0.2.53")
    try:
        return Address(str(_ip(text)), 53)
    except ValueError:
        host, port = _split(text)
        return Address(str(_ip(host)), port or 53)


def source(value: object) -> str:
    """Read an address, a network or a DNS name; give it in its one spelling (`192.0.2.0/24`, `2001:db8::1/128`)."""
    text = text_of(value, "an address, a network or a DNS name, such as 192.0.2.1, 192.0.2.0/24 or sbc.example.com")
    if "/" not in text:
        if is_name(text):
            return dns_name(text)
        text = str(_ip(text.removeprefix("[").removesuffix("]")))
    return str(parse_source(text))


def dns_name(text: str) -> str:
    """Give the one spelling of a DNS name: case and a dot at the end make no other (RFC 4343)."""
    return text.lower().removesuffix(".")


def is_name(text: str) -> bool:
    """Whether it is a DNS name, and no address. The last of its labels has a letter (RFC 1123 §2.1)."""
    labels = text.removesuffix(".").split(".")
    return (
        len(text) <= 253
        and all(0 < len(label) <= 63 and _LABEL.fullmatch(label) is not None for label in labels)
        and not labels[-1].isdigit()
    )


def _ip(text: str) -> IpAddress:
    try:
        found = ip_address(text)
    except ValueError:
        if is_name(text):
            raise ValueError(f"{quoted(text)} is a DNS name; give an IP address") from None
        raise ValueError(f"{quoted(text)} is no IP address") from None
    if isinstance(found, IPv6Address) and found.scope_id is not None:
        raise ValueError(f"{quoted(text)} has a zone, which has no place in SIP; give the address without it")
    return found


def _split(text: str) -> tuple[str, int | None]:
    """Split `host:port`, where an IPv6 address stands in brackets."""
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and rest[0] != ":"):
            raise ValueError(f"{quoted(text)} is no address; write an IPv6 one as [2001:db8::1]:5060")
        return host, _port(rest[1:], text) if rest else None
    host, colon, rest = text.partition(":")
    if ":" in rest:
        raise ValueError(f"{quoted(text)} is no address; an IPv6 one stands in brackets: [2001:db8::1]:5060")
    return host, _port(rest, text) if colon else None


def _port(digits: str, text: str) -> int:
    port = int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 5 else 0
    if not 1 <= port <= 65535:
        raise ValueError(f"port {quoted(digits)} in {quoted(text)} is no number from 1 to 65535")
    return port


def target_uri(value: object) -> SipUri:
    """Read a target: `sip:` with an IP address or a DNS name, by UDP unless it says `transport=`; or `sips:`, by TLS.

    Where a name says no transport, DNS says it.
    """
    text = text_of(value, "a URI such as sip:192.0.2.1:5060 or sip:proxy.example.com")
    uri = sip_uri(text, text)
    if transport_of(uri) not in TRANSPORTS:
        raise ValueError(f"there is no transport {quoted(transport_of(uri))}; use udp, tcp or tls")
    if uri.scheme == "sips" and uri.params.get("transport", "tls").lower() == "udp":
        raise ValueError(f"{quoted(text)} is secure, and UDP isn't; take transport=udp out, or write sip:")
    if uri.user is not None or uri.headers:
        raise ValueError(f"{quoted(text)} is more than a host: a target is sip:host or sip:host:port")
    if not is_name(uri.host):
        _ip(uri.host)
    return uri


def transport_said(uri: SipUri) -> str:
    """Say what a URI that was read as a target is to be reached by, "" where it doesn't say."""
    return "tls" if uri.scheme == "sips" else uri.params.get("transport", "").lower()


def transport_of(uri: SipUri) -> str:
    """Say the same, or UDP: an address without it is reached so."""
    return transport_said(uri) or "udp"


def port_of(uri: SipUri) -> int:
    """Give the port of a target, or the usual one of its transport (RFC 3261 §19.1.2)."""
    return uri.port or (5061 if transport_of(uri) == "tls" else 5060)


def template(value: object, info: ValidationInfo) -> str:
    """Check a text that may hold {called}, {calling} and {service.COLUMN}."""
    text = one_line(text_of(value, "text, such as sip:{called}@192.0.2.1"))
    columns = info.context.columns if isinstance(info.context, Names) else None
    rest = text
    while "{" in rest or "}" in rest:
        before, brace, after = rest.partition("{")
        name, close, rest = after.partition("}")
        if not brace or "}" in before or not close:
            raise ValueError(f"{quoted(text)} has a brace without its partner; write {{called}} or {{calling}}")
        of_service, dot, column = name.partition(".")
        if of_service == "service" and dot:
            _check_column(column, columns)
        elif name not in _EXAMPLES:
            raise ValueError(nothing_called("placeholder", name, [*_EXAMPLES, "service.cloud_number"]))
    return text


def _check_column(column: str, columns: Collection[str] | None) -> None:
    if columns is None:
        raise ValueError(f"there is no table to take {{service.{column}}} from; add services: {{file: services.csv}}")
    if column not in columns:
        raise ValueError(nothing_called("column in the table of services", column, columns))


_LABEL: Final = re.compile(r"[a-zA-Z0-9_]([a-zA-Z0-9_-]*[a-zA-Z0-9_])?")
_EXAMPLES: Final = {"called": "+18005550100", "calling": "+18005550101"}
_COLUMN: Final = re.compile(r"\{service\.[a-z0-9_]*\}")


def _filled(text: str) -> str:
    """A template with numbers for all that it leaves open."""
    return _COLUMN.sub(_EXAMPLES["called"], text).format_map(_EXAMPLES)


def _uri_template(value: object, info: ValidationInfo) -> str:
    text = template(value, info)
    sip_uri(_filled(text), text)
    return text


def _number_template(value: object, info: ValidationInfo) -> str:
    text = template(value, info)
    try:
        SipUri.build("host", user=_filled(text))
    except BadUri:
        raise ValueError(f"{quoted(text)} can't stand before the @ of a SIP URI") from None
    return text


def sip_uri(text: str, written: str) -> SipUri:
    """Read a sip or sips URI; `written` is what the file has."""
    try:
        uri = parse_uri(text)
    except BadUri as error:
        raise ValueError(f"{quoted(written)} is no SIP URI: {error}") from None
    if not isinstance(uri, SipUri):
        raise ValueError(f"{quoted(written)} is no SIP URI; it must begin with sip:")
    return uri


ListenAddress = Annotated[Address, PlainValidator(address, json_schema_input_type=str)]
Advertised = Annotated[str, PlainValidator(advertised, json_schema_input_type=str)]
ServerAddress = Annotated[Address, PlainValidator(server, json_schema_input_type=str)]
Source = Annotated[str, PlainValidator(source, json_schema_input_type=str)]
TargetUri = Annotated[SipUri, PlainValidator(target_uri, json_schema_input_type=str)]
UriTemplate = Annotated[str, PlainValidator(_uri_template, json_schema_input_type=str)]
NumberTemplate = Annotated[str, PlainValidator(_number_template, json_schema_input_type=str)]
